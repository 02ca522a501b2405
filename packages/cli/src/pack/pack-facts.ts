import { microsOf } from "@vouchtrail/events";
import { PACK_NAMES_MAX, PACK_PAGE_ENTRIES_MAX } from "../limits.ts";
import { textAt } from "../text-at.ts";
import type { PackEntry } from "./pack-entry.ts";
import { entryRow } from "./pack-page-entry.ts";

/** A name and how many entries bear it. */
export type NamedCount = readonly [name: string, count: number];

/** What the summary page tells about the entries of a pack. */
export interface PackFacts {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  /** Runs of neighbouring indexes: 1 when no index between first and last is missing. */
  readonly runs: number;
  readonly erasedSections: number;
  /** The smallest and the greatest `occurredAt`, as written. */
  readonly earliest: string;
  readonly latest: string;
  readonly byOutcome: readonly NamedCount[];
  readonly byAction: readonly NamedCount[];
  readonly byActor: readonly NamedCount[];
  /** Rows of the page for the first entries, at most `PACK_PAGE_ENTRIES_MAX`. */
  readonly rows: readonly string[];
}

export interface FactsGatherer {
  /** In the order of the pack. */
  add(entry: PackEntry): void;
  facts(): PackFacts;
}

/** Name of what stands for all names that are not counted one by one. */
const OTHERS = "(others)";
const NAMES_SHOWN_MAX = 20;

/** Gathers the facts while entries pass by, in bounded memory. The same entries in the same order give the same facts. */
export function gatherFacts(): FactsGatherer {
  const counts = { outcome: createCounter(), action: createCounter(), actor: createCounter() };
  const rows: string[] = [];
  let [count, first, last, runs, erasedSections] = [0, 0, 0, 0, 0];
  let earliest: { text: string; micros: bigint } | undefined;
  let latest: { text: string; micros: bigint } | undefined;
  return {
    add(entry) {
      const { index, event, sections } = entry;
      if (count === 0) first = index;
      if (count === 0 || index !== last + 1) runs += 1;
      last = index;
      count += 1;
      for (const section of Object.values(sections)) if (section.state === "erased") erasedSections += 1;
      counts.outcome.add(textAt(event, "outcome", "status"));
      counts.action.add(textAt(event, "action"));
      counts.actor.add(textAt(event, "actor", "id") ?? "(erased)");
      const text = textAt(event, "occurredAt");
      if (text !== undefined) {
        const micros = microsOf(text);
        if (earliest === undefined || micros < earliest.micros) earliest = { text, micros };
        if (latest === undefined || micros > latest.micros) latest = { text, micros };
      }
      if (rows.length < PACK_PAGE_ENTRIES_MAX) rows.push(entryRow(entry));
    },
    facts: () => ({
      count,
      first,
      last,
      runs,
      erasedSections,
      earliest: earliest?.text ?? "",
      latest: latest?.text ?? "",
      byOutcome: counts.outcome.list(),
      byAction: counts.action.list(),
      byActor: counts.actor.list(),
      rows,
    }),
  };
}

/** Counts the first `PACK_NAMES_MAX` different names one by one and all others together. */
function createCounter(): { add(name: string | undefined): void; list(): readonly NamedCount[] } {
  const counts = new Map<string, number>();
  let others = 0;
  return {
    add(name = "?") {
      const known = counts.get(name);
      if (known === undefined && counts.size >= PACK_NAMES_MAX) others += 1;
      else counts.set(name, (known ?? 0) + 1);
    },
    list() {
      const sorted = [...counts].sort(([left, leftCount], [right, rightCount]) => rightCount - leftCount || (left < right ? -1 : 1));
      const shown = sorted.slice(0, NAMES_SHOWN_MAX);
      const rest = sorted.slice(NAMES_SHOWN_MAX).reduce((sum, [, number]) => sum + number, others);
      return rest === 0 ? shown : [...shown, [OTHERS, rest]];
    },
  };
}
