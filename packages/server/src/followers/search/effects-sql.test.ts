import { parseFilter } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { entriesOf, eventOf, type IndexRows, openIndexRows } from "../../../../../test/search/index-rows.ts";
import { effectsInSteps } from "./effects-sql.ts";
import type { EffectsQuestion } from "./search-engine.ts";

let rows: IndexRows;
beforeAll(async () => {
  rows = await openIndexRows();
});
afterAll(async () => {
  await rows[Symbol.asyncDispose]();
});

const ALL: EffectsQuestion = { filter: { conditions: [] }, limit: 50, order: "newest", state: "all" };
const statesOf = async (question: EffectsQuestion, end: number): Promise<(readonly [number, string])[]> =>
  (await effectsInSteps(question, end, rows.run)).entries.map(({ index, state }) => [index, state] as const);

const intent = { phase: "intent" };
const outcomeOf = (index: number, more = {}): Record<string, unknown> => ({
  phase: "outcome",
  context: { parentEventId: eventOf(index, {}).id },
  ...more,
});

test("EFFECT-1: an intent is open until an entry of its deed has an outcome", async () => {
  const call = { context: { sessionId: "s", callId: "c" } };
  await rows.fill(
    entriesOf([
      intent,
      intent,
      outcomeOf(0),
      { ...intent, ...call },
      call,
      outcomeOf(7),
      { ...intent, tenant: "other" },
      intent,
      outcomeOf(6),
    ]),
    3,
  );
  expect(await statesOf(ALL, 9)).toEqual([
    [7, "closed"],
    [6, "open"],
    [3, "closed"],
    [1, "open"],
    [0, "closed"],
  ]);
  expect(await statesOf({ ...ALL, state: "open" }, 9)).toEqual([
    [6, "open"],
    [1, "open"],
  ]);
  expect(await statesOf({ ...ALL, state: "closed", order: "oldest", limit: 2 }, 9)).toEqual([
    [0, "closed"],
    [3, "closed"],
  ]);
  expect(await statesOf({ ...ALL, tenant: "acme", state: "open" }, 9)).toEqual([[1, "open"]]);
});

test("EFFECT-1: the filter is about the intent, and pages say whether there are more", async () => {
  const failed = { outcome: { status: "failure" } };
  await rows.fill(
    entriesOf([{ ...intent, outcome: { status: "pending" } }, outcomeOf(0, failed), { ...intent, outcome: { status: "pending" } }]),
  );
  expect(await statesOf({ ...ALL, filter: parseFilter({ outcome: "failure" }) }, 3)).toEqual([]);
  expect(await statesOf({ ...ALL, filter: parseFilter({ outcome: "pending" }) }, 3)).toEqual([
    [2, "open"],
    [0, "closed"],
  ]);
  expect(await effectsInSteps({ ...ALL, limit: 1 }, 3, rows.run)).toMatchObject({ hasMore: true });
  expect(await effectsInSteps({ ...ALL, limit: 1, beyond: 2 }, 3, rows.run)).toMatchObject({ entries: [{ index: 0 }], hasMore: false });
});

test("EFFECT-2: for any mixture of intents and outcomes the states are those of a walk over all entries", async () => {
  const member = fc.record({
    phase: fc.constantFrom("intent", "outcome", undefined),
    tenant: fc.constantFrom("acme", "other"),
    call: fc.option(fc.nat(4), { nil: undefined }),
    parent: fc.option(fc.nat(20), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { minLength: 1, maxLength: 20 }),
      fc.constantFrom("open", "closed", "all"),
      async (members, state) => {
        const keyOf = ({ phase, tenant, call, parent }: (typeof members)[number], index: number): string | undefined => {
          if (call !== undefined) return `${tenant} call ${call}`;
          if (phase === "intent") return `${tenant} effect ${index}`;
          return phase === "outcome" && parent !== undefined ? `${tenant} effect ${parent}` : undefined;
        };
        const events = members.map(({ phase, tenant, call, parent }) => ({
          tenant,
          ...(phase === undefined ? {} : { phase }),
          context: {
            ...(call === undefined ? {} : { sessionId: "s", callId: `c${call}` }),
            ...(parent === undefined ? {} : { parentEventId: eventOf(parent, {}).id.toUpperCase() }),
          },
        }));
        await rows.fill(entriesOf(events), 7);
        const ended = new Set(members.flatMap((any, i) => (any.phase === "intent" ? [] : [keyOf(any, i)])));
        const expected = members
          .map((any, i) => [i, any.phase === "intent" ? (ended.has(keyOf(any, i)) ? "closed" : "open") : "none"] as const)
          .filter(([i]) => !members.some((other, j) => j < i && other.phase === "intent" && keyOf(other, j) === keyOf(members[i]!, i)))
          .filter(([, found]) => found !== "none" && (state === "all" || found === state))
          .reverse();
        expect(await statesOf({ ...ALL, state }, members.length)).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});
