import type { VerifyFinding } from "@vouchtrail/server";

/** Findings of each severity that are listed: a reader needs the first ones, the rest is counted. */
const FINDINGS_MAX = 100;

/** Collects what is found in a pack, a bounded number of each severity. The codes stand in `docs/spec/pack.md`. */
export interface PackFindings {
  alarm(code: string, message: string, where?: FindingPlace): void;
  note(code: string, message: string, where?: FindingPlace): void;
  readonly alarms: number;
  /** Alarms first. */
  list(): readonly VerifyFinding[];
}

export interface FindingPlace {
  readonly index?: number;
  readonly file?: string;
}

export function createPackFindings(): PackFindings {
  const kept: Record<VerifyFinding["severity"], VerifyFinding[]> = { alarm: [], note: [] };
  const counts = { alarm: 0, note: 0 };
  const add = (severity: VerifyFinding["severity"], finding: Omit<VerifyFinding, "severity">): void => {
    counts[severity] += 1;
    if (kept[severity].length < FINDINGS_MAX) kept[severity].push({ severity, ...finding });
  };
  const rest = (severity: VerifyFinding["severity"]): readonly VerifyFinding[] => {
    const left = counts[severity] - kept[severity].length;
    return left === 0 ? [] : [{ severity, code: "MORE_FINDINGS", message: `${left} more findings like these are not listed.` }];
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
