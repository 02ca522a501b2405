import { DEFAULT_PRIVACY_POLICY, type EventFilter, foldCase, parseFilter, READ_ACTION, RECEIVED_VIA } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accepted, conditionOf, event, hostile, labels, leafText, moment, times } from "../../../../../test/search/arbitrary-filter.ts";
import { entriesOf, type IndexRows, openIndexRows, type ReadEntry, readEntry } from "../../../../../test/search/index-rows.ts";
import { sealEvent, sealSystemEntry } from "../../intake/seal.ts";
import { filterSql } from "./filter-sql.ts";

let rows: IndexRows;
beforeAll(async () => {
  rows = await openIndexRows();
});
afterAll(async () => {
  await rows[Symbol.asyncDispose]();
});

async function found(filter: EventFilter, tenant?: string): Promise<number[]> {
  const { where, values } = filterSql(filter, { tenant });
  const answer = await rows.run({ sql: `SELECT "index" FROM entries WHERE ${where} ORDER BY "index"`, values });
  return answer.map(([index]) => Number(index));
}

const entry = fc
  .record({
    event,
    at: moment,
    via: fc.constantFrom(...RECEIVED_VIA),
    contextIds: fc.constantFrom("leaf" as const, "personal" as const),
    erased: fc.constantFrom([], [], [], ["personal" as const], ["content" as const], ["personal" as const, "content" as const]),
    isSystem: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
  })
  .map(({ event, at, via, contextIds, erased, isSystem }) => {
    const sealed = isSystem
      ? sealSystemEntry({ action: "ledger.heartbeat", ledger: "main", system: { treeSize: 7 } }, "2026-01-31T12:00:00.000Z")
      : sealEvent(event, { at, via }, { ...DEFAULT_PRIVACY_POLICY, contextIds });
    return (index: number): ReadEntry => readEntry(sealed, index, erased);
  });

test("FILTER-10: SQL finds exactly the entries that the filter accepts", async () => {
  let filters = 0;
  let hits = 0;
  const scenario = fc
    .tuple(fc.array(entry, { minLength: 20, maxLength: 60 }), fc.integer({ min: 1, max: 40 }))
    .map(([makers, rowsMax]) => ({ entries: makers.map((make, index) => make(index)), rowsMax }))
    .chain(({ entries, rowsMax }) =>
      fc
        .array(
          fc.record({
            conditions: fc.array(conditionOf(entries), { minLength: 1, maxLength: 2 }),
            span: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: times }),
            tenant: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom("acme", "none") }),
          }),
          { minLength: 30, maxLength: 30 },
        )
        .map((questions) => ({ entries, rowsMax, questions })),
    );
  await fc.assert(
    fc.asyncProperty(scenario, async ({ entries, rowsMax, questions }) => {
      await rows.fill(entries, rowsMax);
      for (const { conditions, span, tenant } of questions) {
        const filter: EventFilter = { conditions, ...span };
        const expected = accepted(entries, filter, tenant);
        expect(await found(filter, tenant), JSON.stringify({ filter, tenant })).toEqual(expected);
        filters += 1;
        hits += expected.length > 0 && expected.length < entries.length ? 1 : 0;
      }
    }),
    { numRuns: 20 },
  );
  expect(filters).toBeGreaterThanOrEqual(300);
  // Filters that find all or nothing would prove little.
  expect(hits).toBeGreaterThan(filters / 5);
}, 240_000);

test("FILTER-10: labels and delegations are compared whole, whatever they hold", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(labels, fc.array(leafText, { maxLength: 4 })), { minLength: 1, maxLength: 30 }),
      fc.array(fc.tuple(hostile, hostile), { minLength: 20, maxLength: 20 }),
      async (events, probes) => {
        const entries = entriesOf(
          events.map(([all, ids]) => ({
            labels: all,
            actor: { type: "agent", id: "x", onBehalfOf: ids.map((id) => ({ type: "user", id })) },
          })),
        );
        await rows.fill(entries);
        const occurring = events.flatMap(([all, ids]) => [...Object.entries(all), ...ids.map((id) => ["", id] as const)]);
        for (const [name, value] of [...probes, ...occurring]) {
          for (const condition of [`label.${name}`, "onBehalfOf"] as const) {
            const filter: EventFilter = { conditions: [{ name: condition, wanted: [value], unwanted: [] }] };
            expect(await found(filter), JSON.stringify(filter)).toEqual(accepted(entries, filter));
          }
        }
      },
    ),
    { numRuns: 12 },
  );
}, 240_000);

test.each([
  [["x,", "y"], ",", false],
  [["x[", "y"], ",", false],
  [["x,", ",z"], ",", false],
  [["x]", "],y"], "]", false],
  [["x", ","], ",", true],
  [[",", "y"], ",", true],
  [["x", '","'], ",", false],
])("FILTER-10: a delegation of %j has %j: %s", async (ids, id, isThere) => {
  await rows.fill(entriesOf([{ actor: { type: "agent", id: "x", onBehalfOf: ids.map((party) => ({ type: "user", id: party })) } }]));
  expect(await found(parseFilter({ onBehalfOf: id }))).toEqual(isThere ? [0] : []);
});

test.each([
  [{ a: "x{", ":": "v" }, ",", ":", false],
  [{ a: "x,", ":": "v" }, ",", ":", false],
  [{ "x,": ",", "y,": ":z" }, ":", ",", false],
  [{ a: "x", ",": ":" }, ",", ":", true],
  [{ ",": ":", a: "x" }, ",", ":", true],
])("FILTER-10: in the labels %j %j is %j: %s", async (all, label, value, isThere) => {
  const entries = entriesOf([{ labels: all }]);
  await rows.fill(entries);
  const filter = parseFilter({ [`label.${label}`]: value });
  expect(await found(filter)).toEqual(isThere ? [0] : []);
  expect(accepted(entries, filter)).toEqual(isThere ? [0] : []);
});

test("FILTER-10: an asker bound to a tenant never meets another one's entries", async () => {
  await rows.fill(entriesOf([{ tenant: "acme" }, { tenant: "other" }, { tenant: "other", outcome: { status: "failure" } }]));
  for (const query of [
    {},
    { tenant: ["acme", "other"] },
    { tenant: "!acme" },
    { outcome: "!failure" },
    { actor: ["agent-1", "' OR true --"] },
  ]) {
    expect((await found(parseFilter(query), "acme")).every((index) => index === 0)).toBe(true);
  }
  expect(await found(parseFilter({ tenant: "other" }), "acme")).toEqual([]);
});

test("FILTER-8: a letter is folded as DuckDB folds it, at every code point", async () => {
  const caseless = /[\p{Lo}\p{Nd}\p{P}\p{Sc}\p{Sk}\p{Sm}\p{Zs}]/u;
  const differing: string[] = [];
  for (let start = 0; start < 0x110000; start += 0x800) {
    // The surrogates fill exactly one of these spans.
    if (start === 0xd800) continue;
    const letters = Array.from({ length: 0x800 }, (_, i) => String.fromCodePoint(start + i));
    const folded = letters.map(foldCase);
    // Something in front, because a byte order mark at the beginning is lost on the way back.
    const [[lower] = []] = await rows.run({ sql: "SELECT lower($1)", values: [`x${letters.join("")}`] });
    if (lower !== `x${folded.join("")}`) differing.push(start.toString(16));
    // A word of caseless characters is looked for in columns that are not folded.
    const moved = letters.filter((letter, i) => folded[i] !== letter && (caseless.test(letter) || caseless.test(folded[i] ?? "")));
    differing.push(...moved);
  }
  expect(differing).toEqual([]);
});

test("FILTER-7: no character of a text is a pattern", async () => {
  await rows.fill(
    entriesOf([{ details: { a: "100%" } }, { details: { a: "1000" } }, { details: { a: "a_b .* [x] \\d" } }, { details: { a: "axb" } }]),
  );
  for (const [text, indexes] of [
    ["100%", [0]],
    ["1_0%", []],
    ["a_b", [2]],
    [".*", [2]],
    ["[x]", [2]],
    ["\\d", [2]],
    ["%%", []],
    ["' OR 1=1 --", []],
  ] as const)
    expect(await found(parseFilter({ text })), text).toEqual(indexes);
});

test("FILTER-1: a condition that is no filter does not reach the SQL", () => {
  for (const name of ["nothing", "constructor", "__proto__", 'tenant" OR true --']) {
    const filter = { conditions: [{ name: name as "actor", wanted: ["x"], unwanted: [] }] };
    expect(() => filterSql(filter)).toThrow(expect.objectContaining({ code: "FILTER_INVALID" }));
  }
});

test("FILTER-3: a hundred values and all words that may be asked for are answered", async () => {
  const entries = entriesOf([{ actor: { type: "agent", id: "u-57" } }, { details: { note: "w31" } }]);
  await rows.fill(entries);
  const many = Array.from({ length: 100 }, (_, i) => `u-${i}`);
  expect(await found(parseFilter({ actor: many }))).toEqual([0]);
  expect(await found(parseFilter({ actor: many.map((id) => `!${id}`) }))).toEqual([1]);
  expect(await found(parseFilter({ text: Array.from({ length: 32 }, (_, i) => `w${i}`) }))).toEqual([1]);
});

test("FILTER-11: a text does not find the record of who asked for it, unless an action is named", async () => {
  const read = { action: READ_ACTION, details: { reads: [{ parameters: { text: "leaked" } }] } };
  const entries = [
    ...entriesOf([{ details: { note: "leaked" } }, read]),
    ...entriesOf([{}, {}, read], { at: "2026-01-31T12:00:01.000Z", via: "server" }).slice(2),
  ];
  await rows.fill(entries);
  for (const [query, indexes] of [
    [{ text: "leaked" }, [0, 1]],
    [{ text: "!leaked" }, [2]],
    [{ text: "leaked", action: READ_ACTION }, [1, 2]],
  ] as const) {
    expect(accepted(entries, parseFilter(query))).toEqual(indexes);
    expect(await found(parseFilter(query))).toEqual(indexes);
  }
});
