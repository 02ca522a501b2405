import { parseFilter, type SearchQuery } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventOf, openReadingApp, type ReadingApp } from "./reading-app.ts";

let reading: ReadingApp;
beforeAll(async () => {
  reading = await openReadingApp();
});
afterAll(() => reading.close());

const ACTORS = ["ann", "bob", "cid"];
const actorOf = fc.constantFrom(...ACTORS);
const batch = fc.array(actorOf, { maxLength: 5 });
/** Times long past and long to come: pages follow the ledger, not these. */
const occurred = (i: number): string => `20${String(10 + (i % 50)).padStart(2, "0")}-03-01T00:00:00Z`;

let made = 0;
const append = (actors: readonly string[]): Promise<readonly number[]> =>
  reading.add(
    ...actors.map((id) => {
      made += 1;
      return eventOf({ actor: { type: "agent", id }, occurredAt: occurred(made) });
    }),
  );

/** Walks with random limits, adding events between the pages; gives the indexes in the order of the pages. */
async function walk(
  query: SearchQuery,
  limits: readonly number[],
  arrivals: readonly (readonly string[])[],
): Promise<{ indexes: number[]; arrived: number[] }> {
  const indexes: number[] = [];
  const arrived: number[] = [];
  let cursor: string | undefined;
  for (let page = 0; ; page++) {
    const limit = limits[page % limits.length] ?? 1;
    const answer = await reading.reader().search({ ...query, limit, ...(cursor === undefined ? {} : { cursor }) });
    expect(answer.events.length).toBeLessThanOrEqual(limit);
    expect(answer.searchedTo).toBeLessThanOrEqual(answer.treeSize);
    indexes.push(...answer.events.map(({ index }) => index));
    cursor = answer.nextCursor;
    if (cursor === undefined) return { indexes, arrived };
    arrived.push(...(await append(arrivals[page] ?? [])));
  }
}

async function naive(actor: string, order: "newest" | "oldest"): Promise<number[]> {
  const found: number[] = [];
  const { treeSize } = await reading.ledger.head();
  for await (const entries of reading.ledger.read(0, treeSize)) {
    for (const { index, leaf } of entries) if ((JSON.parse(leaf) as { actor: { id?: string } }).actor.id === actor) found.push(index);
  }
  return order === "newest" ? found.reverse() : found;
}

test("READING-2: newest first, each match of the first moment comes exactly once, whatever arrives between the pages", async () => {
  await fc.assert(
    fc.asyncProperty(
      batch,
      actorOf,
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }),
      fc.array(batch, { maxLength: 6 }),
      async (before, actor, limits, arrivals) => {
        await append(before);
        const expected = await naive(actor, "newest");
        const { indexes } = await walk({ filter: parseFilter({ actor }) }, limits, arrivals);
        expect(indexes).toEqual(expected);
      },
    ),
    { numRuns: 25 },
  );
});

test("READING-3: oldest first, the walk also reaches what arrives before its last page", async () => {
  await fc.assert(
    fc.asyncProperty(actorOf, fc.integer({ min: 20, max: 60 }), fc.array(batch, { maxLength: 4 }), async (actor, limit, arrivals) => {
      await append([actor]);
      const query: SearchQuery = { filter: parseFilter({ actor }), order: "oldest" };
      const { indexes } = await walk(query, [limit], arrivals);
      expect(indexes).toEqual(await naive(actor, "oldest"));
    }),
    { numRuns: 15 },
  );
});

test("READING-2: a page that is exactly full and the last one has no cursor", async () => {
  const tenant = "exactly";
  await reading.add(...Array.from({ length: 4 }, () => eventOf({ tenant })));
  const filter = parseFilter({ tenant });
  const whole = await reading.reader().search({ filter, limit: 4 });
  expect(whole.events).toHaveLength(4);
  expect(whole.nextCursor).toBeUndefined();
  const part = await reading.reader().search({ filter, limit: 3 });
  const rest = await reading.reader().search({ filter, limit: 3, cursor: part.nextCursor ?? "" });
  expect([...part.events, ...rest.events]).toEqual(whole.events);
  expect(rest.nextCursor).toBeUndefined();
});

test("READING-5: a walk may go on with another limit, and not with another order", async () => {
  const { nextCursor = "" } = await reading.reader().search({ filter: parseFilter({}), limit: 2 });
  expect((await reading.reader().search({ filter: parseFilter({}), limit: 5, cursor: nextCursor })).events).toHaveLength(5);
  await expect(reading.reader().search({ filter: parseFilter({}), order: "oldest", cursor: nextCursor })).rejects.toMatchObject({
    code: "CURSOR_INVALID",
    path: "cursor",
  });
});
