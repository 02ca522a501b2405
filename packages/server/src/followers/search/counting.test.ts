import { expect, test } from "vitest";
import { type IndexPlace, openIndexPlace } from "../../../../../test/search/index-place.ts";

/** How a deed may be told: by hooks before and after it, by telemetry, by the import of a transcript, by a proxy. */
const TELLINGS = [
  { name: "before", members: { phase: "intent", outcome: { status: "pending" } }, via: "hook" },
  { name: "after", members: { phase: "outcome" }, via: "hook" },
  { name: "telemetry", members: {}, via: "otlp" },
  { name: "transcript", members: { outcome: { status: "failure" } }, via: "import" },
  { name: "proxy", members: { action: "mcp.call" }, via: "proxy" },
] as const;

function permutationsOf<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutationsOf([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]));
}

const ORDERS = permutationsOf(TELLINGS);
const call = (callId: string, more: object = {}): Record<string, unknown> => ({ context: { sessionId: "session-1", callId, ...more } });

function tell(place: IndexPlace, order: number, telling: (typeof TELLINGS)[number]): number {
  return place.add({ ...telling.members, ...call(`call-${order}`) }, { via: telling.via });
}

/** Which entries count, and which intents are open, by the entries that have been told so far. */
async function expectCountedOnce(place: IndexPlace, firsts: ReadonlyMap<number, number>, openIntents: readonly number[]): Promise<void> {
  const counted = (await place.sql('SELECT "index" FROM deeds ORDER BY 1')).map(([index]) => Number(index));
  expect(counted).toEqual([...firsts.values()].sort((a, b) => a - b));
  const open = await place.engine.effects({ filter: { conditions: [] }, limit: 1_000, order: "oldest", state: "open" });
  expect(open.entries.map(({ index }) => index)).toEqual(openIntents);
  expect(await place.engine.miscounted()).toBe(0);
}

/** Tells every deed of {@link ORDERS} one telling further, and checks all of them. */
async function tellInLayers(place: IndexPlace, between: (layer: number) => Promise<void>): Promise<void> {
  const firsts = new Map<number, number>();
  const intents = new Map<number, number>();
  for (let layer = 0; layer < TELLINGS.length; layer++) {
    for (const [order, tellings] of ORDERS.entries()) {
      const telling = tellings[layer];
      if (telling === undefined) continue;
      const index = tell(place, order, telling);
      if (telling.name === "before") intents.set(order, index);
      else if (!firsts.has(order)) firsts.set(order, index);
    }
    await place.feed();
    const isOpen = ([order]: readonly [number, number]): boolean => !firsts.has(order);
    const open = [...intents].filter(isOpen).map(([, index]) => index);
    await expectCountedOnce(place, firsts, open);
    await between(layer);
    await place.feed();
    await expectCountedOnce(place, firsts, open);
  }
  expect(await place.differences()).toEqual([]);
}

test("DEED-2: a deed that five sources tell counts once, in every order, and its intent is open until an outcome is told", async () => {
  await using place = await openIndexPlace();
  const firsts = new Map<number, number>();
  for (const [order, tellings] of ORDERS.entries()) {
    for (const telling of tellings) {
      const index = tell(place, order, telling);
      const isIntent = telling.name === "before";
      if (!isIntent && !firsts.has(order)) firsts.set(order, index);
      // The first orders one entry at a time, the others as a follower would.
      if (order < 12) {
        await place.feed();
        await expectCountedOnce(place, firsts, isIntent && !firsts.has(order) ? [index] : []);
      }
    }
  }
  await place.feed();
  await expectCountedOnce(place, firsts, []);
  expect(firsts.size).toBe(120);
});

test("DEED-2: a deed counts once when its tellings lie in different files, and the rows between them moved to disk", async () => {
  await using place = await openIndexPlace();
  await tellInLayers(place, async () => {});
  expect((await place.state()).files.length).toBeGreaterThanOrEqual(2);
});

test("DEED-2: a deed counts once when the process ends between any two of its tellings", async () => {
  await using place = await openIndexPlace();
  await tellInLayers(place, () => place.reopen());
});

test("DEED-2: a deed counts once when all of it is imported again, twice, after the rows moved to disk", async () => {
  await using place = await openIndexPlace();
  for (let round = 0; round < 3; round++) {
    for (let number = 0; number < 300; number++) place.add(call(`call-${number}`), { via: "import" });
    await place.feed(undefined, 7 + round * 64);
    if (round === 1) await place.reopen();
  }
  await place.feed();
  expect((await place.sql('SELECT count(*), min("index"), max("index") FROM deeds'))[0]).toEqual([300, 0, 299]);
  expect((await place.engine.stats({ filter: { conditions: [] }, groups: [], limit: 10 })).total).toBe(300);
  expect(await place.engine.miscounted()).toBe(0);
});

test("DEED-2: a deed that is told twice within one batch counts once", async () => {
  await using place = await openIndexPlace();
  for (let number = 0; number < 64; number++) place.add(call(`call-${number % 8}`), { via: number % 2 === 0 ? "hook" : "otlp" });
  await place.feed(undefined, 64);
  expect((await place.sql('SELECT "index" FROM deeds ORDER BY 1')).flat().map(Number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("DEED-1: an intent and its outcome are one deed by the id of the intent, whichever comes first", async () => {
  await using place = await openIndexPlace();
  const idOf = (number: number): string => `0197a0f0-0000-7000-9000-${number.toString(16).padStart(12, "0")}`;
  const [first, second, third] = [idOf(1), idOf(2), idOf(3)];
  place.add({ id: first, phase: "intent", outcome: { status: "pending" } });
  place.add({ phase: "outcome", context: { parentEventId: first } });
  place.add({ phase: "outcome", context: { parentEventId: second.toUpperCase() } });
  place.add({ id: second, phase: "intent", outcome: { status: "pending" } });
  place.add({ id: third, phase: "intent", outcome: { status: "pending" } });
  place.add({ phase: "outcome", context: { parentEventId: first } });
  // Not an outcome: what it came from is another deed.
  place.add({ context: { parentEventId: third } });
  await place.feed();
  expect((await place.sql('SELECT "index" FROM deeds ORDER BY 1')).flat().map(Number)).toEqual([1, 2, 6]);
  const open = await place.engine.effects({ filter: { conditions: [] }, limit: 10, order: "oldest", state: "open" });
  expect(open.entries.map(({ index }) => index)).toEqual([4]);
  expect(await place.engine.miscounted()).toBe(0);
});

test("DEED-3: the same call id in another session or tenant is another deed, and so is one without a session", async () => {
  await using place = await openIndexPlace();
  place.add({ context: { sessionId: "a", callId: "1" } });
  place.add({ context: { sessionId: "b", callId: "1" } });
  place.add({ tenant: "other", context: { sessionId: "a", callId: "1" } });
  place.add({ context: { callId: "1" } });
  place.add({ context: { callId: "1" } });
  place.add({ context: { sessionId: "a", callId: "1" } });
  await place.feed();
  expect((await place.sql('SELECT "index" FROM deeds ORDER BY 1')).flat().map(Number)).toEqual([0, 1, 2, 3, 4]);
});

test("DEED-4: what the server writes itself never counts, and hides nobody else's deed", async () => {
  await using place = await openIndexPlace();
  place.add(call("1"), { via: "server" });
  place.add(call("1"), { via: "http" });
  place.add({}, { via: "server" });
  await place.feed();
  expect((await place.sql('SELECT "index" FROM deeds')).flat().map(Number)).toEqual([1]);
});

test("DEED-5: tellings that do not count are kept, and the deed names them all", async () => {
  await using place = await openIndexPlace();
  for (const telling of TELLINGS) tell(place, 1, telling);
  place.add(call("call-2"));
  await place.feed();
  const all = await place.engine.find({ filter: { conditions: [] }, limit: 10, order: "oldest" });
  const deed = all.entries[0]?.deed ?? "";
  const told = await place.engine.find({ filter: { conditions: [] }, limit: 10, order: "oldest", deed });
  expect(told.entries.map(({ index, counted }) => [index, counted])).toEqual([
    [0, false],
    [1, true],
    [2, false],
    [3, false],
    [4, false],
  ]);
});
