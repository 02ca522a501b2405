import { type EventFilter, RECEIVED_VIA } from "@vouchtrail/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openReader } from "../../packages/server/src/reading/audit-reader.ts";
import { accepted, conditionOf, event, times } from "./arbitrary-filter.ts";
import { type ReadEntry, readEntry } from "./index-rows.ts";
import { openIndexedLedger } from "./indexed-ledger.ts";

/*
 * The whole path of a search: events that are older and younger than each other go into a ledger and from there into many small index files; pages
 * are asked for while more events arrive, and compared with a scan of the ledger.
 */

const ENTRIES = 1_200;
const FILTERS = 200;
const CURSOR_KEY = new Uint8Array(32).fill(7);

test("FILTER-10: random filters find page by page exactly what a scan of the ledger finds, across index files, with late events, while more arrive", async () => {
  await using indexed = await openIndexedLedger({ layout: { fileEntries: 256, rowGroupRows: 32 } });
  const { ledger } = indexed;
  const reader = openReader({ ledger, search: indexed.search, cursorKey: CURSOR_KEY }, { tenant: undefined });
  // Ids stay those of `append`: an id that is there already would be no new entry.
  const members = (seed: number): Record<string, unknown> => {
    const [{ id, ...rest } = { id: "" }] = fc.sample(event, { seed, numRuns: 1 });
    return { tenant: "acme", ...rest };
  };
  let added = 0;
  const append = (count: number): Promise<number> =>
    indexed.append(
      Array.from({ length: count }, () => members(added++)),
      RECEIVED_VIA.filter((via) => via !== "server")[added % 4] ?? "http",
    );
  while (added < ENTRIES) await append(50);
  await indexed.erase({ personal: [[3, 400]], content: [[350, 500]] });
  await indexed.caughtUp();
  expect((await indexed.search.state()).files.length).toBeGreaterThan(3);

  const entries: ReadEntry[] = [];
  const read = async (): Promise<void> => {
    const { treeSize } = await ledger.head();
    for await (const batch of ledger.read(entries.length, treeSize))
      for (const { index, leaf, disclosures } of batch) entries.push(readEntry({ leaf, disclosures }, index));
  };
  await read();

  const question = fc.record({
    conditions: fc.array(conditionOf(entries), { maxLength: 2 }),
    span: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: times }),
    limit: fc.constantFrom(1, 7, 100, 500),
    order: fc.constantFrom("newest" as const, "oldest" as const),
  });
  let partial = 0;
  for (const { conditions, span, limit, order } of fc.sample(question, FILTERS)) {
    const filter: EventFilter = { conditions, ...span };
    const sizeBefore = entries.length;
    const found: number[] = [];
    let cursor: string | undefined;
    // What matches many entries is read to the end only with long pages.
    for (let page = 0; page < 8; page++) {
      const answer = await reader.search({ filter, limit, order, ...(cursor === undefined ? {} : { cursor }) });
      found.push(...answer.events.map(({ index }) => index));
      cursor = answer.nextCursor;
      if (cursor === undefined) break;
      if (page === 0) await append(1);
    }
    await indexed.caughtUp();
    await read();
    const expected = accepted(entries, filter);
    const name = JSON.stringify({ filter, limit, order });
    // Entries that came meanwhile may be there, at the young end; of all others each once and in order.
    const old = found.filter((index) => index < sizeBefore);
    const all = expected.filter((index) => index < sizeBefore);
    if (order === "newest") all.reverse();
    expect(old, name).toEqual(cursor === undefined ? all : all.slice(0, old.length));
    expect(expected, name).toEqual(expect.arrayContaining(found));
    expect(new Set(found).size, name).toBe(found.length);
    if (expected.length > 0 && expected.length < entries.length) partial += 1;
  }
  expect(partial).toBeGreaterThan(FILTERS / 5);
}, 240_000);
