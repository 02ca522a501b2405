import type { SectionName } from "@vouchtrail/protocol";
import type { CheckedEntry } from "../ledger/entry-check.ts";
import { SEGMENT_ENTRIES } from "../ledger/limits.ts";
import type { CoveredRange } from "./erasure-cover.ts";

/** Half-open ranges of entries. */
export interface EntryRange {
  readonly from: number;
  readonly to: number;
}

/** The four answers of a section over the whole ledger, without those that are simply present. */
export interface SectionAnswers {
  /** Sections that are gone and rightly so. */
  readonly erased: number;
  /** Gone, and no entry erases them. */
  readonly missing: readonly EntryRange[];
  /** Still there although an entry erases them, and the first entry that does. */
  readonly unfinished: readonly (EntryRange & { readonly by: number })[];
}

/**
 * Which sections each entry names and which of them are there: four bits an entry, 32 KiB a segment, because an erasure entry stands behind
 * what it erases and the bytes are read only once.
 */
export interface SectionStates {
  set(index: number, entry: CheckedEntry): void;
  /** Answers for entries below `size`. */
  answers(section: SectionName, cover: readonly CoveredRange[], size: number): SectionAnswers;
}

const MISSING: Record<SectionName, number> = { personal: 1, content: 2 };
const PRESENT: Record<SectionName, number> = { personal: 4, content: 8 };

export function createSectionStates(): SectionStates {
  const segments = new Map<number, Uint8Array>();
  const withMissing: Record<SectionName, Set<number>> = { personal: new Set(), content: new Set() };
  let last = -1;
  let bits: Uint8Array = new Uint8Array(0);

  const bitsAt = (segment: number, index: number): number => {
    const byte = segments.get(segment)?.[(index - segment) >> 1] ?? 0;
    return index % 2 === 0 ? byte & 15 : byte >> 4;
  };

  return {
    set(index, { frame, missing }) {
      const segment = Math.floor(index / SEGMENT_ENTRIES) * SEGMENT_ENTRIES;
      if (segment !== last) {
        bits = segments.get(segment) ?? new Uint8Array(SEGMENT_ENTRIES / 2);
        segments.set(segment, bits);
        last = segment;
      }
      let state = 0;
      for (const section of frame.sections) state |= PRESENT[section];
      for (const section of missing) {
        state ^= PRESENT[section] | MISSING[section];
        withMissing[section].add(segment);
      }
      const at = (index - segment) >> 1;
      bits[at] = bits[at]! | (index % 2 === 0 ? state : state << 4);
    },
    answers(section, cover, size) {
      let erased = 0;
      let next = 0; // The first range that does not end before the entry.
      const missing: { from: number; to: number }[] = [];
      for (const segment of [...withMissing[section]].sort((left, right) => left - right)) {
        const end = Math.min(segment + SEGMENT_ENTRIES, size);
        for (let index = segment; index < end; index++) {
          if ((bitsAt(segment, index) & MISSING[section]) === 0) continue;
          while (next < cover.length && cover[next]!.to <= index) next += 1;
          if (next < cover.length && cover[next]!.from <= index) erased += 1;
          else extend(missing, index);
        }
      }
      const unfinished: { from: number; to: number; by: number }[] = [];
      for (const { from, to, by } of cover) {
        const ranges: { from: number; to: number }[] = [];
        const start = Math.floor(from / SEGMENT_ENTRIES) * SEGMENT_ENTRIES;
        for (let segment = start; segment < Math.min(to, size); segment += SEGMENT_ENTRIES) {
          const end = Math.min(to, size, segment + SEGMENT_ENTRIES);
          for (let index = Math.max(from, segment); index < end; index++) {
            if ((bitsAt(segment, index) & PRESENT[section]) !== 0) extend(ranges, index);
          }
        }
        for (const range of ranges) unfinished.push({ ...range, by });
      }
      return { erased, missing, unfinished };
    },
  };
}

function extend(ranges: { from: number; to: number }[], index: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && last.to === index) last.to = index + 1;
  else ranges.push({ from: index, to: index + 1 });
}
