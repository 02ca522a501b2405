import { AuditError } from "@vouchtrail/events";
import type { SectionName } from "@vouchtrail/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { erasureEntry, type IndexPlace, openIndexPlace, without } from "../../../../../test/search/index-place.ts";
import { COUNTED_AT, DEED_KEY_AT, toRow } from "./row.ts";

/*
 * The index against a ledger that grows, erases and is pruned, in random order, with questions running all the time and the process ending now
 * and then. Row groups of 32 rows and files of 256 entries make moves and new files happen in nearly every step.
 */

type Step =
  | { readonly kind: "append"; readonly count: number; readonly calls: number; readonly isPersonal: boolean; readonly isIntent: boolean }
  | { readonly kind: "apply"; readonly batchEntries: number; readonly back: number }
  | { readonly kind: "ahead" }
  | { readonly kind: "erase"; readonly section: SectionName; readonly from: number; readonly length: number }
  | { readonly kind: "prune"; readonly share: number }
  | { readonly kind: "reopen" }
  | { readonly kind: "ask"; readonly count: number };

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 90 }),
      calls: fc.integer({ min: 1, max: 25 }),
      isPersonal: fc.boolean(),
      isIntent: fc.boolean(),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant("apply" as const),
      batchEntries: fc.constantFrom(1, 5, 31, 32, 33, 64, 100, 300),
      back: fc.constantFrom(0, 0, 1, 40, 400),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "ahead" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("erase" as const),
      section: fc.constantFrom<SectionName>("personal", "content"),
      from: fc.nat(200),
      length: fc.constantFrom(1, 12, 40, 5_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("prune" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "reopen" as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("ask" as const), count: fc.integer({ min: 1, max: 4 }) }) },
);

/**
 * Asks for a moment of the index, and sees whether it holds each entry once. A process that ends takes its questions with it.
 * @returns What is wrong with it.
 */
async function askForMoment(place: IndexPlace): Promise<string | undefined> {
  try {
    const sql = 'SELECT count(*), count(DISTINCT "index"), min("index"), max("index") FROM entries';
    const { rows, searchedTo } = await place.engine.sql({ sql, limit: 1 });
    if (rows.length !== 1) return `no answer, and no error: ${JSON.stringify(rows)}`;
    const [count = 0, distinct = 0, minimum = 0, maximum = 0] = (rows[0] ?? []).map(Number);
    if (count !== distinct) return `${count} rows of ${distinct} entries`;
    if (count === 0) return undefined;
    if (maximum - minimum + 1 !== count) return `${count} entries from ${minimum} to ${maximum}`;
    return maximum >= searchedTo - 1 ? undefined : `nothing above ${maximum} of ${searchedTo}`;
  } catch (error) {
    if (error instanceof AuditError && error.code === "SEARCH_UNAVAILABLE") return undefined;
    return String(error);
  }
}

async function runStep(place: IndexPlace, step: Step, questions: Promise<string | undefined>[]): Promise<void> {
  const size = place.entries.length;
  switch (step.kind) {
    case "append":
      for (let i = 0; i < step.count; i++) {
        const callId = `call-${(size + i * 7) % step.calls}`;
        const phase = step.isIntent && i % 2 === 0 ? { phase: "intent", outcome: { status: "pending" } } : {};
        const actor = i % 3 === 0 ? { actor: { type: "user", id: `user-${i}`, name: "Ada" } } : {};
        place.add(
          { ...phase, ...actor, context: { sessionId: "s", callId }, details: { i }, labels: { lane: "a" } },
          { policy: { contextIds: step.isPersonal ? "personal" : "leaf" } },
        );
      }
      break;
    case "apply": {
      // A batch may come again, whole or in part.
      const next = Math.max((await place.engine.cursor()).next - step.back, place.minimumIndex);
      const batch = place.entries.slice(next, next + step.batchEntries);
      await place.engine.apply({ entries: batch, minimumIndex: place.minimumIndex });
      break;
    }
    case "ahead": {
      // A follower that does not know yet that the index lost something.
      const next = Math.max((await place.engine.cursor()).next, place.minimumIndex);
      const { next: after } = await place.engine.apply({ entries: place.entries.slice(next + 3), minimumIndex: place.minimumIndex });
      expect(after).toBe(next);
      break;
    }
    case "erase": {
      const from = Math.min(step.from, Math.max(0, size - 1));
      const to = from + step.length;
      place.entries.push(erasureEntry(size, { [step.section]: [[from, to]] }));
      for (let i = from; i < Math.min(to, size); i++) {
        const entry = place.entries[i];
        if (entry !== undefined) place.entries[i] = without(entry, step.section);
      }
      break;
    }
    case "prune":
      place.minimumIndex = Math.max(place.minimumIndex, Math.floor(size * step.share));
      break;
    case "reopen":
      await place.reopen();
      break;
    case "ask":
      for (let i = 0; i < step.count; i++) questions.push(askForMoment(place));
  }
}

/** `counted` of every entry, as an index has it that was made at one go. */
function countedFromScratch(place: IndexPlace): number[] {
  const seen = new Set<unknown>();
  return place.entries.flatMap((entry) => {
    const row = toRow(entry);
    const key = row[DEED_KEY_AT];
    if (row[COUNTED_AT] !== true || (key !== null && seen.has(key))) return [];
    if (key !== null) seen.add(key);
    return [entry.index];
  });
}

test("INDEX-4: whatever happens in whatever order, every moment of the index holds each entry once, and in the end it equals the ledger", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      await using place = await openIndexPlace();
      const questions: Promise<string | undefined>[] = [];
      for (const one of steps) await runStep(place, one, questions);
      await place.feed();
      questions.push(askForMoment(place));
      expect((await Promise.all(questions)).filter((fault) => fault !== undefined)).toEqual([]);
      expect(place.fatal).toEqual([]);
      expect(place.repairs).toEqual([]);
      expect(await place.differences()).toEqual([]);
      expect(await place.engine.miscounted()).toBe(0);
      const bounds = (await place.sql('SELECT count(*), coalesce(min("index"), 0) FROM entries'))[0]?.map(Number);
      const count = place.entries.length - place.minimumIndex;
      expect(bounds).toEqual([Math.max(0, count), count > 0 ? place.minimumIndex : 0]);
      if (place.minimumIndex === 0)
        expect((await place.sql('SELECT "index" FROM deeds ORDER BY 1')).flat().map(Number)).toEqual(countedFromScratch(place));
    }),
    { numRuns: 25, endOnFailure: true },
  );
}, 300_000);
