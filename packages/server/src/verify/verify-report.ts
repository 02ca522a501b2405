import { FINDINGS_MAX } from "./limits.ts";

/** How far a verification has come. `totalEntries` is what a checkpoint says, undefined when there is none. */
export interface VerifyProgress {
  readonly doneEntries: number;
  readonly totalEntries: number | undefined;
}

/**
 * `holds`: everything checks, and the tree extends the remembered checkpoint. `holds-unremembered`: everything checks, but nothing was
 * remembered, so a cut tail or an older copy would look the same. `damaged`: at least one alarm. Rule: VERDICT-1.
 */
export type Verdict = "holds" | "holds-unremembered" | "damaged";

/** One thing that was found. An alarm makes the verdict `damaged`; a note does not. */
export interface VerifyFinding {
  readonly severity: "alarm" | "note";
  /** Stable, in capitals; `docs/spec/verify.md` lists them. */
  readonly code: string;
  /** Plain words. Never what an entry says. */
  readonly message: string;
  /** The first entry concerned. */
  readonly index?: number;
  /** Path inside the ledger folder. */
  readonly file?: string;
}

export interface VerifyReport {
  readonly verdict: Verdict;
  /** Empty when nothing tells it. */
  readonly origin: string;
  /** The key that signatures were checked with; empty when there was none. */
  readonly vkey: string;
  /** Entries whose place in the tree was re-derived. */
  readonly treeSize: number;
  /** Entries under the newest good signature, of the checkpoint found or the one remembered. */
  readonly signedSize: number;
  /** Standard base64 of the root over `treeSize` entries. */
  readonly rootHash: string;
  readonly remembered: { readonly size: number } | undefined;
  /** Entries whose bytes were read (pruned ones were not). */
  readonly entries: number;
  /** Sections that are gone and that a signed entry erases. */
  readonly erasedSections: number;
  /** Alarms first. */
  readonly findings: readonly VerifyFinding[];
  /** The newest signed note that the tree was found consistent with: what to remember. Undefined when the verdict is `damaged`. */
  readonly newestNote: string | undefined;
  /** One sentence: what holds, how far that reaches (local or anchored), and what could not be checked. */
  readonly summary: string;
}

/** Collects findings, a bounded number of each severity. */
export interface Findings {
  alarm(code: string, message: string, where?: { readonly index?: number; readonly file?: string }): void;
  note(code: string, message: string, where?: { readonly index?: number; readonly file?: string }): void;
  readonly alarms: number;
  list(): readonly VerifyFinding[];
}

export function createFindings(): Findings {
  const kept: Record<VerifyFinding["severity"], VerifyFinding[]> = { alarm: [], note: [] };
  const counts = { alarm: 0, note: 0 };
  const add = (severity: VerifyFinding["severity"], finding: Omit<VerifyFinding, "severity">): void => {
    counts[severity] += 1;
    if (kept[severity].length < FINDINGS_MAX) kept[severity].push({ severity, ...finding });
  };
  const rest = (severity: VerifyFinding["severity"]): VerifyFinding[] => {
    const left = counts[severity] - kept[severity].length;
    if (left === 0) return [];
    return [{ severity, code: "MORE_FINDINGS", message: `${left} more findings like these are not listed.` }];
  };
  return {
    alarm: (code, message, where) => add("alarm", { code, message, ...where }),
    note: (code, message, where) => add("note", { code, message, ...where }),
    get alarms() {
      return counts.alarm;
    },
    list: () => [...kept.alarm, ...rest("alarm"), ...kept.note, ...rest("note")],
  };
}

/** `entry 7` or `entries 7 to 9`, for a range that ends before `to`. */
export function entriesText(from: number, to: number): string {
  return to - from === 1 ? `entry ${from}` : `entries ${from} to ${to - 1}`;
}

/** A count with its noun: `1 entry`, `2 entries`. */
export function countText(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** The sentence of an alarm as the reason inside another sentence. */
export function firstAlarmText(findings: Findings): string {
  const [first] = findings.list();
  const more = findings.alarms > 1 ? ` (and ${countText(findings.alarms - 1, "more alarm", "more alarms")})` : "";
  return `Damaged: ${first?.message ?? "unknown"}${more}`;
}
