import type { JsonObject } from "@vouchtrail/events";

/** Different questions that one entry names. */
export const READS_NAMED_MAX = 200;

/** A question, and how often it was asked. */
export interface CountedRead {
  readonly route: string;
  /** Parameters by name; one that repeats is a list. */
  readonly parameters: JsonObject;
  readonly count: number;
}

/**
 * Reads of one reader, added up for one entry. It holds a bounded number of questions and characters; what does not fit any more is counted by
 * route, so that nothing is lost without a trace.
 */
export interface ReadSummary {
  /** How many reads it tells of. */
  count(): number;
  /** Whether a further question can be named. */
  hasRoom(question: string, read: CountedRead): boolean;
  /** Adds by name, or where there is no room by route. @param question Tells questions apart. @param at When, RFC 3339. */
  add(question: string, read: CountedRead, at: string): void;
  /** Adds all of another one. */
  merge(other: ReadSummary): void;
  /** The details of the entry: `{ from, to, reads, unnamedReads? }`. @param to When it is written, RFC 3339. */
  details(to: string): JsonObject;
  /** For {@link ReadSummary.merge}. */
  parts(): ReadSummaryParts;
}

interface ReadSummaryParts {
  readonly from: string | undefined;
  readonly named: ReadonlyMap<string, CountedRead>;
  /** Number of reads by route. */
  readonly unnamed: ReadonlyMap<string, number>;
}

/** @param charsMax Characters of all questions together, as {@link charsOfRead} counts them. */
export function createReadSummary(charsMax: number): ReadSummary {
  const named = new Map<string, CountedRead>();
  const unnamed = new Map<string, number>();
  let from: string | undefined;
  let chars = 0;

  function hasRoom(question: string, read: CountedRead): boolean {
    return named.has(question) || (named.size < READS_NAMED_MAX && chars + charsOfRead(read) <= charsMax);
  }

  function add(question: string, read: CountedRead, at: string): void {
    if (from === undefined || at < from) from = at;
    if (!hasRoom(question, read)) {
      unnamed.set(read.route, (unnamed.get(read.route) ?? 0) + read.count);
      return;
    }
    const known = named.get(question);
    if (known === undefined) chars += charsOfRead(read);
    named.set(question, { ...read, count: (known?.count ?? 0) + read.count });
  }

  return {
    hasRoom,
    add,
    count: () => [...named.values()].reduce((sum, read) => sum + read.count, 0) + [...unnamed.values()].reduce((sum, one) => sum + one, 0),
    merge(other) {
      const parts = other.parts();
      const at = parts.from ?? "";
      for (const [question, read] of parts.named) add(question, read, at);
      for (const [route, count] of parts.unnamed) unnamed.set(route, (unnamed.get(route) ?? 0) + count);
      if (from === undefined || (parts.from !== undefined && parts.from < from)) from = parts.from;
    },
    details: (to) => ({
      from: from ?? to,
      to,
      reads: [...named.values()].map(({ route, parameters, count }) => ({ route, parameters, count })),
      ...(unnamed.size === 0 ? {} : { unnamedReads: [...unnamed].map(([route, count]) => ({ route, count })) }),
    }),
    parts: () => ({ from, named, unnamed }),
  };
}

/** Characters that a question takes in an entry as JSON, however often it will have been asked. */
export function charsOfRead({ route, parameters }: CountedRead): number {
  return JSON.stringify({ route, parameters, count: Number.MAX_SAFE_INTEGER }).length;
}
