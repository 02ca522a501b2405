import { parseFilter, type SourceView } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { entriesOf, type IndexRows, openIndexRows } from "../../../../../test/search/index-rows.ts";
import type { SourcesQuestion } from "./search-engine.ts";
import { answerSources } from "./sources-sql.ts";

let rows: IndexRows;
beforeAll(async () => {
  rows = await openIndexRows();
});
afterAll(async () => {
  await rows[Symbol.asyncDispose]();
});

const ALL: SourcesQuestion = { filter: { conditions: [] }, limit: 1_000 };
const sent = (sequence: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => {
  const { name = "app", instance = "i-1", ...members } = more;
  return { source: { name, instance, sequence }, ...members };
};
const one = async (sequences: readonly number[]): Promise<SourceView | undefined> => {
  await rows.fill(entriesOf(sequences.map((sequence) => sent(sequence))), 200);
  return (await answerSources(ALL, rows.run)).sources[0];
};

test("SOURCE-1: a source tells what never arrived, the newest gap first", async () => {
  expect(await one([3, 4, 9, 7, 40, 41, 300, 4])).toEqual({
    tenant: "acme",
    name: "app",
    instance: "i-1",
    entries: 8,
    firstSequence: 3,
    lastSequence: 300,
    missing: 298 - 7,
    gaps: [
      [42, 299],
      [10, 39],
      [8, 8],
      [5, 6],
    ],
    lastSeen: "2026-01-31T12:00:01.000Z",
  });
});

test("SOURCE-1: a source without gaps has none, however often a number came", async () => {
  expect(await one([0, 1, 1, 2, 2, 2])).toMatchObject({ entries: 6, missing: 0, gaps: [] });
  expect(await one([31, 32, 63, 64, 33, ...Array.from({ length: 29 }, (_, i) => 34 + i)])).toMatchObject({ missing: 0, gaps: [] });
  expect(await one([7])).toMatchObject({ firstSequence: 7, lastSequence: 7, missing: 0 });
});

test("SOURCE-1: numbers as large as there are cost no more than others", async () => {
  const max = Number.MAX_SAFE_INTEGER;
  expect(await one([0, max, max - 2])).toMatchObject({
    firstSequence: 0,
    lastSequence: max,
    missing: max - 2,
    gaps: [
      [max - 1, max - 1],
      [1, max - 3],
    ],
  });
});

test("SOURCE-1: a hundred gaps are told, and all missing numbers counted", async () => {
  const source = await one(Array.from({ length: 300 }, (_, i) => i * 3));
  expect(source).toMatchObject({ missing: 598 });
  expect(source?.gaps.length).toBe(100);
  expect(source?.gaps[0]).toEqual([895, 896]);
  expect(source?.gaps[99]).toEqual([598, 599]);
});

test("SOURCE-2: a filter chooses sources, and their gaps are those of all their entries", async () => {
  const failed = { outcome: { status: "failure" } };
  await rows.fill(
    entriesOf([
      sent(1),
      sent(2, failed),
      sent(3),
      sent(1, { instance: "i-2" }),
      sent(3, { instance: "i-2" }),
      sent(1, { tenant: "other", ...failed }),
      {},
    ]),
  );
  const ask = async (query: Record<string, unknown>, tenant?: string): Promise<unknown[]> =>
    (await answerSources({ ...ALL, filter: parseFilter(query), tenant }, rows.run)).sources.map((source) => [
      source.tenant,
      source.instance,
      source.entries,
      source.missing,
    ]);
  expect(await ask({ outcome: "failure" })).toEqual([
    ["acme", "i-1", 3, 0],
    ["other", "i-1", 1, 0],
  ]);
  expect(await ask({ outcome: "failure" }, "acme")).toEqual([["acme", "i-1", 3, 0]]);
  expect(await ask({ source: "app", tenant: "!other" })).toEqual([
    ["acme", "i-1", 3, 0],
    ["acme", "i-2", 2, 1],
  ]);
  expect(await ask({ source: "!app" })).toEqual([]);
  expect(await ask({ from: "2027-01-01" })).toEqual([]);
  expect(await ask({}, "nobody")).toEqual([]);
});

test("SOURCE-2: a short list counts all sources and gives those seen last", async () => {
  const old = entriesOf([sent(1, { name: "old" })], { at: "2026-01-01T00:00:00.000Z", via: "http" });
  const recent = entriesOf([{}, sent(5, { name: "new" }), sent(1, { name: "old2" })], { at: "2026-02-01T00:00:00.123Z", via: "http" });
  await rows.fill([...old, ...recent.slice(1)]);
  const { sources, sourceCount } = await answerSources({ ...ALL, limit: 2 }, rows.run);
  expect(sourceCount).toBe(3);
  expect(sources.map(({ name, lastSeen }) => [name, lastSeen])).toEqual([
    ["new", "2026-02-01T00:00:00.123Z"],
    ["old2", "2026-02-01T00:00:00.123Z"],
  ]);
  await rows.fill([]);
  expect(await answerSources(ALL, rows.run)).toEqual({ sources: [], sourceCount: 0 });
});

test("SOURCE-1: for any numbers in any order the gaps are those of a sorted list", async () => {
  const sequence = fc.oneof(fc.nat(12), fc.nat(200), fc.maxSafeNat());
  const member = fc.record({ sequence, name: fc.constantFrom("a", "b"), tenant: fc.constantFrom("acme", "other") });
  await fc.assert(
    fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 60 }), async (members) => {
      await rows.fill(entriesOf(members.map(({ sequence: number, name, tenant }) => sent(number, { name, tenant }))), 11);
      const { sources } = await answerSources(ALL, rows.run);
      expect(sources.length).toBe(new Set(members.map(({ tenant, name }) => `${tenant} ${name}`)).size);
      for (const { tenant, name, entries, firstSequence, lastSequence, missing, gaps } of sources) {
        const own = members.filter((any) => any.tenant === tenant && any.name === name).map((any) => any.sequence);
        const sorted = [...new Set(own)].sort((a, b) => a - b);
        const expected = sorted.slice(1).flatMap((number, i) => {
          const before = sorted[i] ?? 0;
          return number - before > 1 ? [[before + 1, number - 1] as const] : [];
        });
        expect({ entries, firstSequence, lastSequence, gaps }).toEqual({
          entries: own.length,
          firstSequence: sorted[0],
          lastSequence: sorted.at(-1),
          gaps: expected.reverse(),
        });
        expect(BigInt(missing)).toBe(expected.reduce((sum, [from, to]) => sum + BigInt(to - from + 1), 0n));
      }
    }),
    { numRuns: 60 },
  );
});
