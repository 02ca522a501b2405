import { type ErasureRange, parseErasures, SECTION_NAMES, type SectionName } from "@vouchtrail/protocol";
import { parsePrune } from "../ledger/prune-entry.ts";
import type { Findings } from "./verify-report.ts";

/** Ranges of entries whose section some erasure entry erases: sorted, apart from each other. `by` is the first entry that does. */
export interface CoveredRange {
  readonly from: number;
  /** Not included. */
  readonly to: number;
  readonly by: number;
}

/** What the server's own entries excuse. */
export interface SystemRecords {
  /** Looks at a leaf without sections. */
  add(index: number, leaf: string): void;
  /** The ranges that entries below `signedSize` erase. What nobody signed excuses nothing. */
  cover(section: SectionName, signedSize: number): readonly CoveredRange[];
  /** The largest minimum index that an entry below `signedSize` says the ledger was pruned to. */
  prunedTo(signedSize: number): number;
}

/** Rules: VERDICT-6 (erasures), VERDICT-7 (pruning). */
export function createSystemRecords(findings: Findings): SystemRecords {
  const erased: Record<SectionName, { by: number; range: ErasureRange }[]> = { personal: [], content: [] };
  const prunes: { by: number; minimum: number }[] = [];
  return {
    add(index, leaf) {
      try {
        const erasures = parseErasures(leaf) ?? {};
        for (const section of SECTION_NAMES) for (const range of erasures[section] ?? []) erased[section].push({ by: index, range });
        const minimum = parsePrune(leaf);
        if (minimum !== undefined) prunes.push({ by: index, minimum });
      } catch {
        // Signed, so not damage; but what cannot be read excuses nothing.
        findings.note("SYSTEM_UNREADABLE", `Entry ${index} of the server has a form that this version does not read; it excuses nothing.`, {
          index,
        });
      }
    },
    cover(section, signedSize) {
      const clipped = erased[section]
        .filter(({ by }) => by < signedSize)
        // An entry can erase only older ones.
        .map(({ by, range: [from, to] }) => ({ from, to: Math.min(to, by), by }))
        .filter(({ from, to }) => from < to)
        .sort((left, right) => left.from - right.from || left.by - right.by);
      const merged: CoveredRange[] = [];
      for (const next of clipped) {
        const last = merged.at(-1);
        if (last === undefined || next.from >= last.to) merged.push(next);
        else if (next.to > last.to) merged.push({ ...next, from: last.to });
      }
      return merged;
    },
    prunedTo: (signedSize) => prunes.reduce((most, { by, minimum }) => (by < signedSize && minimum > most ? minimum : most), 0),
  };
}
