import { type BucketName, type DeedSums, type GroupName, matchesFilter, parseFilter } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { entriesOf, type IndexRows, openIndexRows, type ReadEntry } from "../../../../../test/search/index-rows.ts";
import { STATS_BUCKETS_MAX } from "./limits.ts";
import type { StatsQuestion } from "./search-engine.ts";
import { answerStats } from "./stats-sql.ts";

let rows: IndexRows;
beforeAll(async () => {
  rows = await openIndexRows();
});
afterAll(async () => {
  await rows[Symbol.asyncDispose]();
});

const ALL: StatsQuestion = { filter: { conditions: [] }, groups: [], limit: 1_000 };
const EMPTY = { success: 0, failure: 0, partial: 0, pending: 0, denied: 0, tokensInput: 0, tokensOutput: 0, costUsd: 0 };

test("STATS-1: a deed counts once, however many entries tell of it", async () => {
  const call = { context: { sessionId: "s", callId: "c" }, usage: { tokensInput: 5 } };
  await rows.fill(entriesOf([{ ...call, phase: "intent" }, call, call, { outcome: { status: "failure" } }]), 2);
  expect(await answerStats(ALL, rows.run)).toEqual({
    ...EMPTY,
    total: 2,
    success: 1,
    failure: 1,
    successRate: 0.5,
    tokensInput: 5,
    groups: [],
    groupCount: 0,
    buckets: [],
  });
});

test("STATS-1: nothing at all is counted as nothing", async () => {
  await rows.fill([]);
  const answer = await answerStats({ ...ALL, groups: ["actor", "day"], bucket: "week" }, rows.run);
  expect(answer).toEqual({ ...EMPTY, total: 0, successRate: null, groups: [], groupCount: 0, buckets: [] });
});

test("STATS-2: the largest groups come first, and all are counted", async () => {
  const by = (id: string): Record<string, unknown> => ({ actor: { type: "agent", id } });
  await rows.fill(entriesOf([by("c"), by("b"), by("b"), by("a")]));
  const { groups, groupCount } = await answerStats({ ...ALL, groups: ["actor"], limit: 2 }, rows.run);
  expect(groups.map(({ key, total }) => [key, total])).toEqual([
    [{ actor: "b" }, 2],
    [{ actor: "a" }, 1],
  ]);
  expect(groupCount).toBe(3);
});

test("STATS-2: a label of any name is just a name", async () => {
  const names = ["a/b", "~", "~1", '"', "$.a", "*", "0", "#", " ", "é", "a.b", "\\", "'", "\n", "\u0000"];
  await rows.fill(entriesOf(names.map((name) => ({ labels: { [name]: `value of ${name}`, other: "x" } }))));
  for (const name of names) {
    const { groups } = await answerStats({ ...ALL, groups: [`label.${name}`] }, rows.run);
    const key = `label.${name}`;
    expect(groups.map(({ key: found, total }) => [found, total])).toEqual(
      [
        [{ [key]: null }, names.length - 1],
        [{ [key]: `value of ${name}` }, 1],
      ].sort((a, b) => Number(b[1]) - Number(a[1])),
    );
  }
});

test("STATS-2: what there is nothing to group by is refused", async () => {
  for (const group of ["nothing", "constructor", "__proto__", "text", "1 --"]) {
    const question = { ...ALL, groups: [group as GroupName] };
    await expect(answerStats(question, rows.run)).rejects.toMatchObject({ code: "FILTER_INVALID", path: "group" });
  }
});

test("STATS-3: spans are of UTC, and weeks begin on Monday", async () => {
  const times = ["2026-01-31T23:30:00-01:00", "2026-02-01T23:59:59.999Z", "2026-02-02T00:00:00Z", "1969-12-31T23:59:59Z"];
  await rows.fill(entriesOf(times.map((occurredAt) => ({ occurredAt }))));
  const spans = async (bucket: BucketName): Promise<unknown[]> =>
    (await answerStats({ ...ALL, bucket }, rows.run)).buckets.map(({ from, total }) => [from, total]);
  expect(await spans("minute")).toEqual([
    ["1969-12-31T23:59:00.000Z", 1],
    ["2026-02-01T00:30:00.000Z", 1],
    ["2026-02-01T23:59:00.000Z", 1],
    ["2026-02-02T00:00:00.000Z", 1],
  ]);
  expect(await spans("week")).toEqual([
    ["1969-12-29T00:00:00.000Z", 1],
    ["2026-01-26T00:00:00.000Z", 2],
    ["2026-02-02T00:00:00.000Z", 1],
  ]);
  expect(await spans("month")).toEqual([
    ["1969-12-01T00:00:00.000Z", 1],
    ["2026-02-01T00:00:00.000Z", 3],
  ]);
  const { groups } = await answerStats({ ...ALL, groups: ["day", "tenant"] }, rows.run);
  expect(groups.map(({ key, total }) => [key, total])).toEqual([
    [{ day: "2026-02-01T00:00:00.000Z", tenant: "acme" }, 2],
    [{ day: "1969-12-31T00:00:00.000Z", tenant: "acme" }, 1],
    [{ day: "2026-02-02T00:00:00.000Z", tenant: "acme" }, 1],
  ]);
});

test("STATS-3: more spans than an answer holds are an error", async () => {
  const start = Date.UTC(2026, 0, 1);
  const events = Array.from({ length: STATS_BUCKETS_MAX + 1 }, (_, i) => ({ occurredAt: new Date(start + i * 60_000).toISOString() }));
  await rows.fill(entriesOf(events));
  await expect(answerStats({ ...ALL, bucket: "minute" }, rows.run)).rejects.toMatchObject({ code: "QUERY_TOO_LARGE", path: "bucket" });
  expect((await answerStats({ ...ALL, bucket: "hour" }, rows.run)).buckets.length).toBe(Math.ceil((STATS_BUCKETS_MAX + 1) / 60));
});

test("STATS-4: costs add up as decimal figures do, and no figure makes them infinite", async () => {
  const costs = async (...figures: number[]): Promise<number> => {
    await rows.fill(entriesOf(figures.map((costUsd) => ({ usage: { costUsd } }))));
    return (await answerStats(ALL, rows.run)).costUsd;
  };
  expect(await costs(0.1, 0.2)).toBe(0.3);
  expect(await costs(...Array.from({ length: 1_000 }, () => 0.000_1))).toBe(0.1);
  expect(await costs(1e308, 1e308, -1e308)).toBe(1e15);
  expect(await costs(-1e308, -1e308)).toBe(-2e15);
});

test("STATS-1: token counts as large as there are do not overflow", async () => {
  const max = Number.MAX_SAFE_INTEGER;
  await rows.fill(entriesOf(Array.from({ length: 2_000 }, () => ({ usage: { tokensInput: max, tokensOutput: max } }))));
  expect(await answerStats(ALL, rows.run)).toMatchObject({ tokensInput: 2_000 * max, tokensOutput: 2_000 * max });
});

const member = fc.record(
  {
    tenant: fc.constantFrom("acme", "other"),
    occurredAt: fc.constantFrom("2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "2026-02-01T01:30:00+02:00", "2025-12-31T23:59:60Z"),
    action: fc.constantFrom("ai.tool_call", "GUILD_CREATE"),
    actor: fc.record({ type: fc.constantFrom("agent", "user"), id: fc.constantFrom("a", "b", "é\u{1f600}") }),
    target: fc.record({ type: fc.constantFrom("tool", "user"), id: fc.constantFrom("x", "y/z") }),
    outcome: fc.record({ status: fc.constantFrom("success", "failure", "partial", "pending", "denied"), code: fc.constantFrom("E1", "E2") }, { requiredKeys: ["status"] }),
    labels: fc.dictionary(fc.constantFrom("env", 'a"/~'), fc.constantFrom("prod", "te,st", '":"')),
    activity: fc.record({ type: fc.constant("tool"), name: fc.constantFrom("Bash", "Read") }),
    usage: fc.record({ tokensInput: fc.nat(1_000), tokensOutput: fc.nat(1_000), costUsd: fc.constantFrom(0.01, 0.02), model: fc.constant("m") }, { requiredKeys: [] }),
    security: fc.record({ sensitiveDataAccessed: fc.boolean() }),
    context: fc.record({ sessionId: fc.constantFrom("s", "t"), callId: fc.constantFrom("c", "d"), conversationId: fc.constant("k"), ipAddress: fc.constant("::1") }, { requiredKeys: [] }),
    source: fc.record({ name: fc.constantFrom("app", "app2"), instance: fc.constant("i"), sequence: fc.nat(9) }),
  },
  { requiredKeys: ["tenant", "outcome"] },
); // biome-ignore format: a table

/** The group of an event, read without the code that is tested. */
function keyOf(group: GroupName, { event, received }: ReadEntry): string | null {
  // biome-ignore lint/suspicious/noExplicitAny: whatever is there is taken
  const e = event as any;
  if (group.startsWith("label.")) return e.labels?.[group.slice(6)] ?? null;
  const start = new Date(e.occurredAt.replace(":60Z", ":59.999Z"));
  if (e.occurredAt.includes(":60Z")) start.setTime(start.getTime() + 1);
  start.setUTCSeconds(0, 0);
  if (["hour", "day", "week", "month"].includes(group)) start.setUTCMinutes(0);
  if (["day", "week", "month"].includes(group)) start.setUTCHours(0);
  if (group === "week") start.setUTCDate(start.getUTCDate() - ((start.getUTCDay() + 6) % 7));
  if (group === "month") start.setUTCDate(1);
  const keys: Record<string, string | undefined> = {
    tenant: e.tenant,
    actor: e.actor.id,
    actorType: e.actor.type,
    action: e.action,
    target: `${e.target.type}/${e.target.id}`,
    targetType: e.target.type,
    outcome: e.outcome.status,
    code: e.outcome.code,
    activity: e.activity?.type,
    tool: e.activity?.name,
    model: e.usage?.model,
    session: e.context?.sessionId,
    conversation: e.context?.conversationId,
    ip: e.context?.ipAddress,
    sensitive: String(e.security?.sensitiveDataAccessed === true),
    source: e.source?.name,
    via: received.via as string,
  };
  return Object.hasOwn(keys, group) ? (keys[group] ?? null) : start.toISOString();
}

function sumsOf(deeds: readonly ReadEntry[]): DeedSums {
  // biome-ignore lint/suspicious/noExplicitAny: whatever is there is taken
  const events = deeds.map(({ event }) => event as any);
  const countOf = (status: string): number => events.filter((e) => e.outcome.status === status).length;
  const sumOf = (name: string): number => events.reduce((sum, e) => sum + (e.usage?.[name] ?? 0), 0);
  return {
    total: events.length,
    success: countOf("success"),
    failure: countOf("failure"),
    partial: countOf("partial"),
    pending: countOf("pending"),
    denied: countOf("denied"),
    successRate: events.length === 0 ? null : countOf("success") / events.length,
    tokensInput: sumOf("tokensInput"),
    tokensOutput: sumOf("tokensOutput"),
    costUsd: Math.round(sumOf("costUsd") * 100) / 100,
  };
}

function groupBy(deeds: readonly ReadEntry[], toKey: (deed: ReadEntry) => string): Map<string, ReadEntry[]> {
  const groups = new Map<string, ReadEntry[]>();
  for (const deed of deeds) groups.set(toKey(deed), [...(groups.get(toKey(deed)) ?? []), deed]);
  return groups;
}

const GROUPS = ["tenant", "actor", "actorType", "action", "target", "targetType", "outcome", "code", "activity", "tool", "model", "session", "conversation", "ip", "sensitive", "source", "via", "minute", "hour", "day", "week", "month", "label.env", 'label.a"/~'] as const; // biome-ignore format: a list of names

test("STATS-2: sums, groups and spans are those of a walk over the deeds", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { minLength: 1, maxLength: 40 }),
      fc.uniqueArray(fc.constantFrom(...GROUPS), { maxLength: 3 }),
      fc.constantFrom<BucketName>("minute", "hour", "day", "week", "month"),
      fc.constantFrom({}, { outcome: "!failure" }, { actor: "a" }, { "label.env": "!prod" }),
      fc.constantFrom(undefined, "acme"),
      async (events, groups, bucket, query, tenant) => {
        const entries = entriesOf(events);
        await rows.fill(entries, 13);
        const filter = parseFilter(query);
        const matches = matchesFilter(filter);
        const counted = new Set((await rows.run({ sql: 'SELECT "index" FROM deeds', values: [] })).map(([index]) => Number(index)));
        const deeds = entries.filter(
          (entry) =>
            counted.has(entry.indexed.index) && matches(entry, entry.texts) && (tenant === undefined || entry.event.tenant === tenant),
        );
        const answer = await answerStats({ filter, tenant, groups, bucket, limit: 1_000 }, rows.run);
        const { groups: foundGroups, groupCount, buckets, ...totals } = answer;
        expect(totals).toEqual(sumsOf(deeds));
        const grouped = groupBy(deeds, (deed) => JSON.stringify(groups.map((group) => keyOf(group, deed))));
        const keys = groups.length === 0 ? [] : [...grouped.keys()];
        expect(groupCount).toBe(keys.length);
        expect(new Map(foundGroups.map(({ key, ...sums }) => [JSON.stringify(groups.map((group) => key[group])), sums]))).toEqual(
          new Map(keys.map((key) => [key, sumsOf(grouped.get(key) ?? [])])),
        );
        const spans = groupBy(deeds, (deed) => String(keyOf(bucket, deed)));
        expect(buckets).toEqual([...spans.keys()].sort().map((from) => ({ from, ...sumsOf(spans.get(from) ?? []) })));
      },
    ),
    { numRuns: 80 },
  );
}, 120_000);
