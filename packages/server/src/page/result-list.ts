/** Runs the search: the list with its states, the counts, older pages and the live tail. Rules: PAGE-13, PAGE-14, PAGE-18. */

import type { SearchPage, Stats } from "@vouchtrail/events";
import type { PageAddress } from "./address.ts";
import { type Client, parseAnswer, RequestError } from "./client.ts";
import { countsLine } from "./counts-line.ts";
import { make, makeButton, part } from "./elements.ts";
import type { LedgerPanel } from "./ledger-panel.ts";
import { goLive } from "./live-list.ts";
import { matchParameters, parseQuery, type Query, type QueryFilter, searchParameters, withoutReads } from "./query-text.ts";
import { createResultTable, type ResultTable } from "./result-table.ts";
import { countText } from "./time-text.ts";
import { visibleText } from "./visible-text.ts";

const PAGE_ENTRIES = 50;
/** Behind by fewer is as it always is: the question itself may be an entry that nobody can find yet. */
const LATE_ENTRIES_MIN = 10;
const LIVE_STATUS = "The newest entries.";
/** Parameters of the interface that mean nothing in the box. */
const REFUSED_NAMES: ReadonlySet<string> = new Set(["cursor", "format", "wait"]);

export interface ResultList {
  readonly table: ResultTable;
  /** Never rejects: what is wrong is shown, with what to do. */
  search(address: PageAddress): Promise<void>;
}

export interface ResultListOptions {
  readonly client: Client;
  readonly ledger: LedgerPanel;
  readonly address: () => PageAddress;
  readonly onFilter: (filter: QueryFilter) => void;
  /** Asks for the list with, or again without, entries that tell of reading the trail. */
  readonly onReads: (hasReads: boolean) => void;
}

export function createResultList({ client, ledger, address, onFilter, onReads }: ResultListOptions): ResultList {
  const table = createResultTable({ body: part("rows", HTMLTableSectionElement), address, onFilter });
  const region = part("results", HTMLElement);
  const tableElement = part("table", HTMLTableElement);
  const status = part("status", HTMLElement);
  const counts = part("counts", HTMLElement);
  const older = part("older", HTMLButtonElement);
  const reads = part("reads", HTMLButtonElement);
  const liveStatus = part("live-status", HTMLElement);
  const announcement = part("announcement", HTMLElement);
  let searching = new AbortController();
  let ask: ((cursor: string) => Promise<void>) | undefined;
  let nextCursor: string | undefined;
  let isWithoutReads = false;

  async function search(asked: PageAddress): Promise<void> {
    const { isLive } = asked;
    searching.abort();
    searching = new AbortController();
    const { signal } = searching;
    const written = parseQuery(asked.query);
    const query = asked.hasReads ? written : withoutReads(written);
    isWithoutReads = query !== written;
    region.setAttribute("aria-busy", "true");
    older.hidden = true;
    say("Searching …");
    liveStatus.textContent = "";
    try {
      refuseNames(query);
      void showCounts(query, signal);
      const page = await find(query, undefined, signal);
      if (signal.aborted) return;
      table.show(page.events);
      showPage(page, isLive);
      if (isLive) void live(query, page.searchedTo - 1, signal);
      ask = async (cursor) => {
        const next = await find(query, cursor, signal);
        table.append(next.events);
        showPage(next, false);
        announcement.textContent = `${entriesText(next.events.length, "more ")}.`;
      };
    } catch (error) {
      if (!signal.aborted) showError(error, () => void search(asked));
    } finally {
      if (!signal.aborted) region.removeAttribute("aria-busy");
    }
  }

  async function find(query: Query, cursor: string | undefined, signal: AbortSignal): Promise<SearchPage> {
    const parameters: (readonly [string, string])[] = [...searchParameters(query)];
    if (!query.filters.some(({ name }) => name === "limit")) parameters.push(["limit", String(PAGE_ENTRIES)]);
    if (cursor !== undefined) parameters.push(["cursor", cursor]);
    return parseAnswer<SearchPage>(await client.text("api/v1/events", parameters, signal));
  }

  function showPage(page: SearchPage, isLive: boolean): void {
    ({ nextCursor } = page);
    // While the tail is on the oldest rows go; what is older is read from a list that stands still.
    older.hidden = nextCursor === undefined || isLive;
    tableElement.hidden = table.count() === 0;
    ledger.searched(page, page.events);
    const behind = page.treeSize - page.searchedTo;
    const late = behind > LATE_ENTRIES_MIN ? ` ${countText(behind)} new entries are not searchable yet.` : "";
    if (table.count() > 0 && isLive) say(LIVE_STATUS);
    else if (table.count() > 0) say(`${entriesText(table.count())}${nextCursor === undefined ? "" : "; there are more"}.${late}`);
    else if (address().query === "")
      say(`The trail holds no entry that you may read. Send one: POST /api/v1/events, or vouchtrail emit.${late}`);
    else say(`Nothing matches. Take a filter away, or look at a longer time.${late}`);
  }

  async function showCounts(query: Query, signal: AbortSignal): Promise<void> {
    counts.replaceChildren();
    // Entries of one deed are no deeds of their own.
    if (query.filters.some(({ name }) => name === "deed")) return;
    try {
      const stats = parseAnswer<Stats>(await client.text("api/v1/stats", matchParameters(query), signal));
      if (!signal.aborted) counts.replaceChildren(...countsLine(stats));
    } catch (error) {
      // A filter that is wrong is told by the list.
      if (!signal.aborted && error instanceof RequestError && error.status >= 500)
        counts.replaceChildren(make("span", { class: "count" }, `No counts: ${visibleText(error.message)}`));
    }
  }

  function live(query: Query, after: number, signal: AbortSignal): Promise<void> {
    return goLive({
      client,
      table,
      query,
      after,
      signal,
      onWords(words) {
        liveStatus.textContent = words;
      },
      onRows(count) {
        if (tableElement.hidden) say(LIVE_STATUS);
        tableElement.hidden = table.count() === 0;
        if (count > 0) announcement.textContent = `${entriesText(count, "new ")}.`;
      },
      onCounts: () => void showCounts(query, signal),
    });
  }

  function say(text: string): void {
    status.className = "status";
    status.textContent = text;
    // What is left out is said, with the way to see it.
    reads.hidden = !isWithoutReads && !address().hasReads;
    reads.textContent = isWithoutReads ? "Show reads of the trail" : "Leave out reads of the trail";
  }

  function showError(error: unknown, again: () => void): void {
    table.show([]);
    tableElement.hidden = true;
    older.hidden = true;
    reads.hidden = true;
    counts.replaceChildren();
    status.className = "status notice bad";
    const parts = [make("strong", {}, messageOf(error))];
    if (error instanceof RequestError && error.code === "FILTER_INVALID")
      parts.push(make("span", {}, "To find such text itself, put it in double quotes."));
    status.replaceChildren(...parts, makeButton("Try again", {}, again));
  }

  reads.addEventListener("click", () => onReads(isWithoutReads));
  older.addEventListener("click", async () => {
    if (ask === undefined || nextCursor === undefined) return;
    older.disabled = true;
    try {
      await ask(nextCursor);
    } catch (error) {
      if (error instanceof RequestError) say(`More entries could not be read: ${messageOf(error)}`);
    } finally {
      older.disabled = false;
    }
  });

  return { table, search };
}

function refuseNames({ filters }: Query): void {
  const refused = filters.find(({ name }) => REFUSED_NAMES.has(name));
  if (refused !== undefined) throw new RequestError("FILTER_INVALID", `"${refused.name}" is not a filter of this page.`);
}

function entriesText(count: number, which = ""): string {
  return `${countText(count)} ${which}${count === 1 ? "entry" : "entries"}`;
}

function messageOf(error: unknown): string {
  return error instanceof RequestError ? visibleText(error.message) : "Something in this page failed. Load it again.";
}
