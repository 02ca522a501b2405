/** Puts new entries on top of the list while the live switch is on. Rule: PAGE-13. */

import type { EntryView } from "@vouchtrail/events";
import { type Client, RequestError } from "./client.ts";
import { followTail, type TailState } from "./live-tail.ts";
import { matchParameters, type Query, READ_ACTION } from "./query-text.ts";
import type { ResultTable } from "./result-table.ts";
import { visibleText } from "./visible-text.ts";

/** New rows are put in together this often: a busy trail must not lay out the page for each entry. */
const STEP_MS = 150;
/** How often the counts are asked for again while new entries come. */
const COUNTS_MS = 10_000;
/** Parameters with which new entries cannot be put on top. */
const LISTING_NAMES: ReadonlySet<string> = new Set(["order", "deeds", "deed"]);

const WORDS: Readonly<Record<TailState, string>> = {
  connecting: "Live: connecting …",
  live: "Live: new entries appear on top.",
  waiting: "Live: the connection broke; trying again …",
};

export interface LiveListOptions {
  readonly client: Client;
  readonly table: ResultTable;
  readonly query: Query;
  /** The list holds everything up to the entry with this index. */
  readonly after: number;
  readonly signal: AbortSignal;
  readonly onWords: (words: string) => void;
  /** So many rows are new. */
  readonly onRows: (count: number) => void;
  /** The counts may have changed. */
  readonly onCounts: () => void;
}

/** Until the signal aborts. Never rejects: what ends it is said. */
export async function goLive({ client, table, query, after, signal, onWords, onRows, onCounts }: LiveListOptions): Promise<void> {
  if (query.filters.some(({ name }) => LISTING_NAMES.has(name))) {
    onWords("Live needs the newest first: take order, deeds and deed out of the search.");
    return;
  }
  let arrived: EntryView[] = [];
  let isCounting = false;
  function putIn(): void {
    if (arrived.length === 0 || signal.aborted) return;
    const entries = arrived.toSorted((a, b) => b.index - a.index);
    arrived = [];
    onRows(table.prepend(entries));
    // Asking for counts is itself a read that the trail tells of: it must not lead to the next one.
    if (isCounting || entries.every(({ event }) => event.action === READ_ACTION)) return;
    isCounting = true;
    setTimeout(() => {
      isCounting = false;
      if (!signal.aborted) onCounts();
    }, COUNTS_MS);
  }
  const timer = setInterval(putIn, STEP_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  const onEntry = (entry: EntryView): void => void arrived.push(entry);
  try {
    await followTail({ client, parameters: matchParameters(query), after, onEntry, onState: (state) => onWords(WORDS[state]), signal });
  } catch (error) {
    const why = error instanceof RequestError ? visibleText(error.message) : "something in this page failed. Load it again.";
    if (!signal.aborted) onWords(`Live ended: ${why}`);
  }
}
