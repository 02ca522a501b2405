import fc from "fast-check";
import { expect, test } from "vitest";
import { sealSystemEntry } from "../intake/seal.ts";
import { answer, charsOf, createAppendQueue } from "./append-queue.ts";
import type { SealedEntry } from "./ledger.ts";
import { GROUP_ENTRIES_MAX } from "./limits.ts";

const AT = "2026-02-01T00:00:00.000Z";
const ENTRY = sealSystemEntry({ action: "ledger.heartbeat", ledger: "main", system: { heartbeat: true } as never }, AT);
const entriesOf = (count: number): SealedEntry[] => Array.from({ length: count }, () => ({ ...ENTRY }));

test("LEDGER-12: entries leave the queue in the order in which they came, and it always knows how much it holds", async () => {
  const actions = fc.array(fc.record({ push: fc.nat(30), take: fc.integer({ min: 1, max: 40 }) }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(actions, async (steps) => {
      const queue = createAppendQueue();
      const waiting: SealedEntry[] = [];
      const answers: Promise<unknown>[] = [];
      const take = (countMax: number): void => {
        const group = queue.take(countMax);
        expect(group.map(({ entry }) => entry)).toEqual(waiting.splice(0, countMax));
        for (const item of group) answer(item, { conflictIndex: item.position });
      };
      for (const step of steps) {
        const entries = entriesOf(step.push);
        waiting.push(...entries);
        answers.push(queue.push(entries).then((results) => expect(results).toEqual(entries.map((_, i) => ({ conflictIndex: i })))));
        take(step.take);
        expect(queue.count()).toBe(waiting.length);
        expect(queue.chars()).toBe(waiting.length * charsOf(ENTRY));
      }
      while (waiting.length > 0) take(GROUP_ENTRIES_MAX);
      await Promise.all(answers);
    }),
  );
});

test("LEDGER-12: a queue that holds something refuses what does not fit whole, and an empty one takes any append", async () => {
  const queue = createAppendQueue(10);
  const large = queue.push(entriesOf(25));
  await expect(queue.push(entriesOf(1))).rejects.toMatchObject({ code: "PUSHBACK" });
  expect(queue.count()).toBe(25);
  for (const item of queue.take(20)) answer(item, { conflictIndex: 0 });
  await expect(queue.push(entriesOf(6))).rejects.toMatchObject({ code: "PUSHBACK" });
  const small = queue.push(entriesOf(5));
  expect(queue.count()).toBe(10);
  queue.rejectAll(new Error("The disk failed."));
  await expect(large).rejects.toThrow("The disk failed.");
  await expect(small).rejects.toThrow("The disk failed.");
  expect([queue.count(), queue.chars(), queue.take(10)]).toEqual([0, 0, []]);
});
