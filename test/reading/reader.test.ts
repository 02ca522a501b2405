import {
  type AuditError,
  type EventFilter,
  type GroupName,
  type JsonObject,
  parseFilter,
  type SearchHit,
  type SearchQuery,
} from "@vouchtrail/events";
import { parseCheckpoint, parseNote, verifyBundle } from "@vouchtrail/protocol";
import { sealSystemEntry, sha256, verifyEd25519 } from "@vouchtrail/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openReader } from "../../packages/server/src/reading/audit-reader.ts";
import { BUNDLES_MAX, PAGE_CHARS_MAX } from "../../packages/server/src/reading/limits.ts";
import { eventOf, openReadingApp, type ReadingApp } from "./reading-app.ts";

let reading: ReadingApp;
beforeAll(async () => {
  reading = await openReadingApp();
});
afterAll(() => reading.close());

const all: EventFilter = { conditions: [] };
const of = (tenant: string): EventFilter => parseFilter({ tenant });

async function refusal(work: Promise<unknown>): Promise<Pick<AuditError, "code" | "path">> {
  const error: unknown = await work.then(() => undefined).catch((caught: unknown) => caught);
  const { code, path } = error as AuditError;
  return { code, path };
}

async function streamed(query: SearchQuery): Promise<{ hits: SearchHit[]; end: unknown }> {
  const hits: SearchHit[] = [];
  const stream = reading.reader().stream(query);
  for (;;) {
    const step = await stream.next();
    if (step.done === true) return { hits, end: step.value };
    hits.push(...step.value);
  }
}

test("READING-1: what is found is the entry of the ledger, with how it stands to its deed", async () => {
  const context = { sessionId: "s-1", callId: "c-1" };
  const [first = 0, second = 0, third = 0] = await reading.add(
    eventOf({ tenant: "deeds", context, details: { told: "first" } }),
    eventOf({ tenant: "deeds", context, details: { told: "again" } }),
    eventOf({ tenant: "deeds" }),
  );
  const { events } = await reading.reader().search({ filter: of("deeds") });
  expect(events.map(({ index, counted }) => [index, counted])).toEqual([
    [third, true],
    [second, false],
    [first, true],
  ]);
  const [alone, again, told] = events;
  expect(told?.deed).toMatch(/^[0-9a-f]{16}$/);
  expect(again?.deed).toBe(told?.deed);
  expect(alone).not.toHaveProperty("deed");
  for (const { counted: _counted, deed: _deed, ...view } of events)
    expect(view).toEqual(await withoutState(reading.reader().get(String(view.event.id), "deeds")));

  const deed = told?.deed ?? "";
  expect((await reading.reader().search({ filter: all, deed })).events).toEqual([again, told]);
  expect((await reading.reader().search({ filter: of("deeds"), deeds: true })).events).toEqual([alone, told]);
});

async function withoutState<T extends { treeSize: number; searchedTo: number }>(
  view: Promise<T>,
): Promise<Omit<T, "treeSize" | "searchedTo">> {
  const { treeSize: _treeSize, searchedTo: _searchedTo, ...rest } = await view;
  return rest;
}

test("READING-1: an index that names a foreign entry, or none, opens no door", async () => {
  const [own = 0, foreign = 0] = await reading.add(eventOf({ tenant: "acme" }), eventOf({ tenant: "secret" }));
  const { engine } = reading.search;
  const lying = {
    waitFor: reading.search.waitFor,
    engine: {
      ...engine,
      find: async () => ({
        entries: [foreign, own, 2 ** 40].map((index) => ({ index, counted: true })),
        hasMore: true,
        searchedTo: 0,
      }),
    },
  };
  const reader = openReader({ ledger: reading.ledger, search: lying, cursorKey: reading.cursorKey }, { tenant: "acme" });
  const page = await reader.search({ filter: all });
  expect(page.events.map(({ index }) => index)).toEqual([own]);
  expect(page.nextCursor).toBeDefined();
  expect((await reader.bundles({ filter: all })).bundles.map(({ index }) => index)).toEqual([own]);
});

test("READING-1: an entry that does not match its leaf is never shown, and is named", async () => {
  const [index = 0] = await reading.add(eventOf({ tenant: "damaged", details: { note: "as it was" } }));
  const spoil = (text: string | undefined): string => (text ?? "").replace("as it was", "as it is");
  const spoilt: typeof reading.ledger = {
    ...reading.ledger,
    async *read(from, to, signal) {
      for await (const batch of reading.ledger.read(from, to, signal))
        yield batch.map((entry) => ({ ...entry, disclosures: { ...entry.disclosures, content: spoil(entry.disclosures.content) } }));
    },
  };
  const reader = openReader({ ledger: spoilt, search: reading.search, cursorKey: reading.cursorKey }, { tenant: undefined });
  const error: unknown = await reader.search({ filter: of("damaged") }).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: "LEDGER_DAMAGED", detail: { index } });
  expect(String(error)).not.toContain("as it");
  expect((await reading.reader().search({ filter: of("damaged") })).events).toHaveLength(1);
});

describe("READING-7: a reader that is bound to a tenant", () => {
  const tenants = ["left", "right"];
  const shared = { sessionId: "shared", callId: "call" };
  beforeAll(async () => {
    for (const tenant of tenants) {
      await reading.add(
        eventOf({ tenant, context: shared, details: { word: "needle" }, source: { name: `app-${tenant}`, instance: "i", sequence: 1 } }),
        eventOf({ tenant, phase: "intent", outcome: { status: "pending" }, action: `act.${tenant}` }),
      );
    }
  });

  test("finds, streams, counts and proves entries of its tenant alone", async () => {
    const reader = reading.reader("left");
    for (const filter of [all, parseFilter({ text: "needle" }), parseFilter({ session: "shared" }), of("left")]) {
      const { events } = await reader.search({ filter });
      expect(events.length).toBeGreaterThan(0);
      expect(new Set(events.map(({ event }) => event.tenant))).toEqual(new Set(["left"]));
      const { bundles } = await reader.bundles({ filter });
      expect(bundles.map(({ index }) => index)).toEqual(events.map(({ index }) => index).reverse());
    }
    const streaming = reader.stream({ filter: all });
    expect(((await streaming.next()).value as SearchHit[]).map(({ event }) => event.tenant)).toEqual(["left", "left"]);
    const stats = await reader.stats({ filter: all, groups: ["tenant", "action"] });
    expect(stats.total).toBe(1);
    expect(stats.groups.map(({ key }) => key.tenant)).toEqual(["left"]);
    expect((await reader.sources({ filter: all })).sources.map(({ name }) => name)).toEqual(["app-left"]);
    expect((await reader.effects({ filter: all })).effects.map(({ event }) => event.action)).toEqual(["act.left"]);
  });

  test("gets the same empty answer for another tenant as for one that does not exist", async () => {
    const reader = reading.reader("left");
    const answers = await Promise.all(
      ["right", "nobody", "vouchtrail"].map(async (tenant) => {
        const filter = of(tenant);
        return {
          search: await withoutState(reader.search({ filter })),
          stats: await withoutState(reader.stats({ filter, groups: ["tenant"] })),
          sources: await withoutState(reader.sources({ filter })),
          effects: await withoutState(reader.effects({ filter, state: "all" })),
          bundles: (await reader.bundles({ filter })).bundles,
        };
      }),
    );
    expect(answers[0]).toEqual({
      search: { events: [] },
      stats: expect.objectContaining({ total: 0, groups: [], groupCount: 0, buckets: [] }),
      sources: { sources: [], sourceCount: 0 },
      effects: { effects: [] },
      bundles: [],
    });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });
});

test("READING-9: a page of large entries ends early, says where to go on, and nothing is lost", async () => {
  const chars = Math.floor(PAGE_CHARS_MAX / 4.5);
  const content = (): JsonObject => eventOf({ tenant: "large", details: { text: "x".repeat(chars) } });
  const expected = await reading.add(...Array.from({ length: 9 }, content));
  const sizes: number[] = [];
  const indexes: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await reading.reader().search({ filter: of("large"), limit: 100, ...(cursor === undefined ? {} : { cursor }) });
    sizes.push(page.events.length);
    indexes.push(...page.events.map(({ index }) => index));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(sizes).toEqual([4, 4, 1]);
  expect(indexes.reverse()).toEqual(expected);
  // A stream holds no page in memory and has no such end.
  const { hits, end } = await streamed({ filter: of("large"), order: "oldest" });
  expect(hits.map(({ index }) => index)).toEqual(expected);
  expect(end).not.toHaveProperty("nextCursor");
});

test("READING-9: an entry that is larger than a page comes alone", async () => {
  await reading.add(...[1, 2].map(() => eventOf({ tenant: "huge", details: { text: "x".repeat(PAGE_CHARS_MAX + 1) } })));
  const { events, nextCursor = "" } = await reading.reader().search({ filter: of("huge") });
  expect(events).toHaveLength(1);
  const rest = await reading.reader().search({ filter: of("huge"), cursor: nextCursor });
  expect(rest.events).toHaveLength(1);
  expect(rest.nextCursor).toBeUndefined();
});

test("READING-10: with wait everything that was stored before the question is found", async () => {
  for (let round = 0; round < 5; round++) {
    const id = `0197a3c2-7d4b-7c1e-9a56-${String(round).padStart(12, "0")}`;
    // Not through `add`, which waits itself.
    const response = await reading.post("/api/v1/events", { ...eventOf(), id, tenant: "waiting" });
    expect(response.status).toBe(201);
    const { events, treeSize, searchedTo } = await reading.reader().search({ filter: of("waiting"), wait: true });
    expect(events[0]?.event.id).toBe(id);
    expect(searchedTo).toBeLessThanOrEqual(treeSize);
    expect(treeSize).toBe((await reading.ledger.head()).treeSize);
  }
  expect((await reading.reader().stats({ filter: of("waiting"), wait: true })).total).toBe(5);
});

test("READING-12: a page of bundles verifies offline, all of it under its last checkpoint", async () => {
  const newest = await reading.ledger.checkpoint();
  const expected = await reading.add(...Array.from({ length: 5 }, () => eventOf({ tenant: "proved", details: { note: "to be erased" } })));
  const erased = expected[1] ?? 0;
  const erasure = sealSystemEntry(
    { action: "ledger.erased", ledger: "main", system: { erases: { content: [[erased, erased + 1]] } } },
    "2027-01-01T00:00:00.000Z",
  );
  const [result] = await reading.ledger.append([erasure]);
  const erasureIndex = result !== undefined && "receipt" in result ? result.receipt.index : -1;
  await reading.ledger.erase({ content: [[erased, erased + 1]] }, erasureIndex);

  const first = await reading.reader().bundles({ filter: of("proved"), limit: 3 });
  const second = await reading.reader().bundles({ filter: of("proved"), limit: 3, cursor: first.nextCursor ?? "" });
  expect(second.nextCursor).toBeUndefined();
  expect([...first.bundles, ...second.bundles].map(({ index }) => index)).toEqual(expected);
  for (const page of [first, second]) {
    const { treeSize } = parseCheckpoint(parseNote(page.checkpoints.last).text);
    expect(treeSize).toBeGreaterThan(erasureIndex);
    expect(parseCheckpoint(parseNote(page.checkpoints.first).text).treeSize).toBeGreaterThanOrEqual(
      parseCheckpoint(parseNote(newest).text).treeSize,
    );
    for (const bundle of page.bundles) {
      const verified = verifyBundle(JSON.parse(JSON.stringify(bundle)), { vkey: reading.ledger.vkey, sha256, verify: verifyEd25519 });
      expect(verified.checkpoint.treeSize).toBe(treeSize);
      expect(bundle.inclusionProof).toContain(page.checkpoints.last);
      if (bundle.index === erased) expect(verified.sections.content).toMatchObject({ state: "erased", index: erasureIndex });
    }
  }
});

test("READING-12: no match is an empty page between two checkpoints", async () => {
  const page = await reading.reader().bundles({ filter: of("nobody") });
  expect(page).toMatchObject({ format: "vouchtrail-bundles/1", bundles: [] });
  expect(page).not.toHaveProperty("nextCursor");
  expect(parseCheckpoint(parseNote(page.checkpoints.last).text).origin).toBe(reading.ledger.origin);
});

test.each([0, -1, 1.5, 1_001, 1e9, Number.NaN, Number.POSITIVE_INFINITY, "5" as never, null as never])(
  "READING-8: %s is no limit for a page",
  async (limit) => {
    const invalid = { code: "FILTER_INVALID", path: "limit" };
    const reader = reading.reader();
    expect(await refusal(reader.search({ filter: all, limit }))).toEqual(invalid);
    expect(await refusal(reader.effects({ filter: all, limit }))).toEqual(invalid);
    expect(await refusal(reader.stats({ filter: all, limit }))).toEqual(invalid);
    expect(await refusal(reader.sources({ filter: all, limit }))).toEqual(invalid);
    expect(await refusal(reader.bundles({ filter: all, limit }))).toEqual(invalid);
  },
);

test("READING-8: orders, states, spans, groups and deeds have their words", async () => {
  const reader = reading.reader();
  const invalid = (path: string): object => ({ code: "FILTER_INVALID", path });
  expect(await refusal(reader.search({ filter: all, order: "sideways" as never }))).toEqual(invalid("order"));
  expect(await refusal(reader.effects({ filter: all, state: "ajar" as never }))).toEqual(invalid("state"));
  expect(await refusal(reader.stats({ filter: all, bucket: "fortnight" as never }))).toEqual(invalid("bucket"));
  expect(await refusal(reader.search({ filter: all, deed: "00000000000000FF" }))).toEqual(invalid("deed"));
  expect(await refusal(reader.search({ filter: all, deed: "" }))).toEqual(invalid("deed"));
  expect(await refusal(reader.bundles({ filter: all, limit: BUNDLES_MAX + 1 }))).toEqual(invalid("limit"));
  expect(await refusal(streamed({ filter: all, limit: 1_000_001 }))).toEqual(invalid("limit"));
  const groups: (readonly GroupName[])[] = [
    ["actor", "action", "outcome", "tool"],
    ["actor", "actor"],
    ["constructor" as GroupName],
    ["label." as GroupName],
    [`label.${"x".repeat(65)}`],
  ];
  for (const names of groups) expect(await refusal(reader.stats({ filter: all, groups: names }))).toEqual(invalid("group"));
});

test("READING-11: counts are cut to the limit and say how many there are", async () => {
  await reading.add(...["a", "a", "b", "c"].map((id) => eventOf({ tenant: "counted", actor: { type: "agent", id } })));
  const stats = await reading.reader().stats({ filter: of("counted"), groups: ["actor"], bucket: "day", limit: 2 });
  expect(stats).toMatchObject({ total: 4, success: 4, successRate: 1, groupCount: 3 });
  expect(stats.groups.map(({ key, total }) => [key.actor, total])[0]).toEqual(["a", 2]);
  expect(stats.groups).toHaveLength(2);
  expect(stats.buckets).toHaveLength(1);
});
