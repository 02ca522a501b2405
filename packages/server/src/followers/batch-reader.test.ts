import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type FollowerPlace, makeFollowerPlace, never, numbersBelow, readEntries } from "../../../../test/conformance/follower.ts";
import type { Ledger, StoredEntry } from "../ledger/ledger.ts";
import { createBatchReader } from "./batch-reader.ts";

const SIZE = 700;
let place: FollowerPlace;
beforeAll(async () => {
  place = await makeFollowerPlace();
  await place.append(SIZE);
});
afterAll(() => place.close());

test("FOLLOW-5: whatever the limits and wherever it begins, batches are whole, in order, without a hole, and as large as they may be", async () => {
  const entries = await readEntries(place.ledger, 0, SIZE);
  const charsOf = ({ leaf, disclosures }: StoredEntry): number =>
    leaf.length + (disclosures.personal?.length ?? 0) + (disclosures.content?.length ?? 0);
  const limits = fc.record({ entriesMax: fc.integer({ min: 1, max: 600 }), charsMax: fc.integer({ min: 0, max: 400_000 }) });
  await fc.assert(
    fc.asyncProperty(limits, fc.nat(SIZE - 1), fc.integer({ min: 1, max: SIZE }), async ({ entriesMax, charsMax }, from, count) => {
      const to = Math.min(SIZE, from + count);
      const reader = createBatchReader(place.ledger, { entriesMax, charsMax });
      for (let next = from; next < to; ) {
        const batch = await reader.read(next, to, never());
        expect(batch).toEqual(entries.slice(next, next + batch.length));
        expect(batch.length).toBeGreaterThan(0);
        expect(batch.length).toBeLessThanOrEqual(Math.min(entriesMax, to - next));
        const chars = batch.reduce((sum, entry) => sum + charsOf(entry), 0);
        if (batch.length > 1) expect(chars).toBeLessThanOrEqual(charsMax);
        next += batch.length;
        const isFull = batch.length === entriesMax || next === to || chars + charsOf(entries[next]!) > charsMax;
        expect(isFull).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});

test("FOLLOW-5: large entries are read once, although only a few of a step go into a batch", async () => {
  let read = 0;
  const counting: Pick<Ledger, "read"> = {
    async *read(from, to, signal) {
      for await (const step of place.ledger.read(from, to, signal)) {
        read += step.length;
        yield step;
      }
    },
  };
  const reader = createBatchReader(counting, { entriesMax: 1_000, charsMax: 1 });
  for (let next = 0; next < SIZE; ) next += (await reader.read(next, SIZE, never())).length;
  expect(read).toBe(SIZE);
});

test("FOLLOW-19: entries other than those asked for are damage, never applied", async () => {
  const entries = await readEntries(place.ledger, 0, 10);
  const steps: readonly (readonly StoredEntry[])[] = [[], [entries[1]!], [entries[0]!, entries[2]!], [entries[0]!, entries[0]!]];
  for (const step of steps) {
    const wrong: Pick<Ledger, "read"> = {
      async *read() {
        yield step;
      },
    };
    await expect(createBatchReader(wrong, { entriesMax: 5, charsMax: 1e6 }).read(0, 5, never())).rejects.toMatchObject({
      code: "LEDGER_DAMAGED",
    });
  }
});

test("FOLLOW-18: reading ends when its signal aborts", async () => {
  const reader = createBatchReader(place.ledger, { entriesMax: 600, charsMax: 1e9 });
  await expect(reader.read(0, SIZE, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  expect((await reader.read(0, SIZE, never())).map(({ index }) => index)).toEqual(numbersBelow(600));
});
