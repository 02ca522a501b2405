import { DEFAULT_PRIVACY_POLICY, parseFilter } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { entriesOf, eventOf, type IndexRows, openIndexRows, RECEIVED, readEntry } from "../../../../../test/search/index-rows.ts";
import { sealEvent } from "../../intake/seal.ts";
import { deedKey, formatDeedKey } from "./deed-key.ts";
import { collectInSteps, findInSteps, type IndexRange } from "./find-sql.ts";
import { FIND_STEP_ENTRIES } from "./limits.ts";
import type { FindQuestion } from "./search-engine.ts";

let rows: IndexRows;
beforeAll(async () => {
  rows = await openIndexRows();
});
afterAll(async () => {
  await rows[Symbol.asyncDispose]();
});

const NEWEST: FindQuestion = { filter: { conditions: [] }, limit: 10, order: "newest" };
const indexesOf = async (question: FindQuestion, end: number): Promise<number[]> =>
  (await findInSteps(question, end, rows.run)).entries.map(({ index }) => index);

test("FIND-1: pages go both ways by index, and say whether there are more", async () => {
  await rows.fill(entriesOf(Array.from({ length: 7 }, (_, i) => ({ actor: { type: "agent", id: i === 3 ? "other" : "agent-1" } }))), 2);
  const filter = parseFilter({ actor: "agent-1" });
  expect(await findInSteps({ filter, limit: 4, order: "newest" }, 7, rows.run)).toEqual({
    entries: [6, 5, 4, 2].map((index) => ({ index, counted: true })),
    hasMore: true,
  });
  expect(await findInSteps({ filter, limit: 4, order: "newest", beyond: 2 }, 7, rows.run)).toEqual({
    entries: [1, 0].map((index) => ({ index, counted: true })),
    hasMore: false,
  });
  expect(await indexesOf({ filter, limit: 3, order: "oldest", beyond: 1 }, 7)).toEqual([2, 4, 5]);
  expect(await indexesOf({ filter, limit: 2, order: "newest" }, 5)).toEqual([4, 2]);
  expect(await findInSteps({ filter, limit: 6, order: "newest" }, 7, rows.run)).toMatchObject({ hasMore: false });
});

test("FIND-1: a page beyond all entries is empty", async () => {
  await rows.fill(entriesOf([{}, {}]));
  for (const beyond of [0, -5]) expect(await indexesOf({ ...NEWEST, beyond }, 2)).toEqual([]);
  for (const beyond of [1, 2, Number.MAX_SAFE_INTEGER - 1]) expect(await indexesOf({ ...NEWEST, order: "oldest", beyond }, 2)).toEqual([]);
  expect(await indexesOf({ ...NEWEST, beyond: Number.MAX_SAFE_INTEGER }, 2)).toEqual([1, 0]);
  expect(await indexesOf(NEWEST, 0)).toEqual([]);
});

test("FIND-1: a page may hold only the entries that count, or only one deed's", async () => {
  const call = { context: { sessionId: "s", callId: "c" } };
  await rows.fill(entriesOf([call, {}, call, { ...call, tenant: "other" }]));
  const key = deedKey({ tenant: "acme", id: "x", sessionId: "s", callId: "c" });
  const deed = formatDeedKey(key ?? 0n);
  expect(await findInSteps({ ...NEWEST, deed }, 4, rows.run)).toEqual({
    entries: [
      { index: 2, counted: false, deed },
      { index: 0, counted: true, deed },
    ],
    hasMore: false,
  });
  expect(await indexesOf({ ...NEWEST, deeds: true }, 4)).toEqual([3, 1, 0]);
  expect(await indexesOf({ ...NEWEST, deed, deeds: true }, 4)).toEqual([0]);
  expect(await indexesOf({ ...NEWEST, deed, tenant: "other" }, 4)).toEqual([]);
  await expect(findInSteps({ ...NEWEST, deed: "' OR true" }, 4, rows.run)).rejects.toMatchObject({ code: "FILTER_INVALID", path: "deed" });
});

test("FIND-2: entries far apart are found over several steps", async () => {
  const indexes = [0, 1, FIND_STEP_ENTRIES, 10 * FIND_STEP_ENTRIES, 10 * FIND_STEP_ENTRIES + 1, 99 * FIND_STEP_ENTRIES];
  await rows.fill(indexes.map((index, i) => readEntry(sealEvent(eventOf(i, {}), RECEIVED, DEFAULT_PRIVACY_POLICY), index)));
  const end = 100 * FIND_STEP_ENTRIES;
  expect(await indexesOf(NEWEST, end)).toEqual([...indexes].reverse());
  expect(await indexesOf({ ...NEWEST, limit: 2 }, end)).toEqual([...indexes].reverse().slice(0, 2));
  expect(await indexesOf({ ...NEWEST, order: "oldest" }, end)).toEqual(indexes);
});

test("FIND-2: steps give the same page as one look at everything, and look at nothing twice", async () => {
  const sorted = fc.uniqueArray(fc.nat(8_000_000), { maxLength: 60 }).map((indexes) => indexes.sort((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(
      sorted,
      fc.record(
        {
          limit: fc.integer({ min: 1, max: 20 }),
          order: fc.constantFrom("newest" as const, "oldest" as const),
          beyond: fc.nat(8_000_001),
        },
        { requiredKeys: ["limit", "order"] },
      ),
      fc.nat(8_000_001),
      async (indexes, question, end) => {
        const { limit, order, beyond } = question;
        const isNewest = order === "newest";
        const looked: IndexRange[] = [];
        const answer = await collectInSteps(question, end, async (range, rowsMax) => {
          looked.push(range);
          const inRange = indexes.filter((index) => index >= range.from && index < range.to);
          return (isNewest ? inRange.reverse() : inRange).slice(0, rowsMax);
        });
        const all = indexes.filter((index) => index < end && (beyond === undefined || (isNewest ? index < beyond : index > beyond)));
        if (isNewest) all.reverse();
        expect(answer).toEqual({ rows: all.slice(0, limit), hasMore: all.length > limit });
        looked.sort((a, b) => a.from - b.from);
        for (const [i, { from, to }] of looked.entries()) {
          expect(from).toBeLessThan(to);
          if (i > 0) expect(from).toBe(looked[i - 1]?.to);
        }
      },
    ),
  );
});
