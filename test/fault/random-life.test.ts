import fc from "fast-check";
import { expect, test } from "vitest";
import type { FileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import type { SealedEntry } from "../../packages/server/src/ledger/ledger.ts";
import { createRandom, FAULTS, type FaultyFileSystem } from "./faulty-file-system.ts";
import { append, createWitness, entryOf, erasureOf, expectFaithful, makePlace, openIn, signed } from "./ledger-witness.ts";

type Action =
  | { readonly kind: "append"; readonly counts: readonly number[] }
  | { readonly kind: "repeat"; readonly pick: number }
  | { readonly kind: "conflict"; readonly pick: number }
  | { readonly kind: "erase"; readonly from: number; readonly count: number }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "reopen" }
  | { readonly kind: "fault"; readonly fault: (typeof FAULTS)[number]; readonly after: number; readonly losesPower: boolean };

const ACTION: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      counts: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("repeat" as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("conflict" as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("erase" as const), from: fc.nat(), count: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "checkpoint" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "reopen" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("fault" as const),
      fault: fc.constantFrom(...FAULTS),
      after: fc.nat(25),
      losesPower: fc.boolean(),
    }),
  },
);

/** Plays a life with faults; whenever the ledger fails, it is opened again as after a restart. */
async function play(actions: readonly Action[], seed: number): Promise<void> {
  const random = createRandom(seed);
  const place = await makePlace();
  const witness = createWitness();
  const sent: SealedEntry[] = [];
  const erased: { readonly from: number; readonly to: number }[] = [];
  let fileSystem: FaultyFileSystem = await place.faulty();
  let ledger: FileLedger | undefined;
  let losesPower = false;

  /** Opens until it succeeds: the first attempts may still meet the fault. */
  const restart = async (): Promise<FileLedger> => {
    for (;;) {
      await ledger?.close().catch(() => {});
      ledger = undefined;
      if (fileSystem.hit() !== undefined || fileSystem.isCrashed()) {
        if (losesPower) await fileSystem.losePower(random);
        fileSystem = await place.faulty();
      }
      try {
        ledger = await openIn(place, witness, fileSystem);
        return ledger;
      } catch (error) {
        if (fileSystem.hit() === undefined) throw error;
      }
    }
  };
  const attempt = async (job: (open: FileLedger) => Promise<void>): Promise<void> => {
    const open = ledger ?? (await restart());
    try {
      await job(open);
    } catch (error) {
      if (fileSystem.hit() === undefined) throw error;
      await restart();
    }
  };

  for (const action of actions) {
    await attempt(async (open) => {
      const { treeSize } = await open.head();
      const known = sent.filter(({ id }) => witness.acked.has(id));
      switch (action.kind) {
        case "append": {
          const requests = action.counts.map((count) => Array.from({ length: count }, () => entryOf(sent.length)));
          for (const entries of requests) sent.push(...entries);
          const outcomes = await Promise.allSettled(requests.map((entries) => append(open, witness, entries)));
          for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
          return;
        }
        case "repeat": {
          const from = sent.length === 0 ? 0 : action.pick % sent.length;
          return append(open, witness, sent.slice(from, from + 20));
        }
        case "conflict": {
          const entry = known[action.pick % Math.max(1, known.length)];
          if (entry === undefined) return;
          expect(await open.append([{ ...entry, status: "failure" }])).toEqual([{ conflictIndex: witness.acked.get(entry.id)?.index }]);
          return;
        }
        case "erase": {
          if (treeSize === 0) return;
          const from = action.from % treeSize;
          const ranges = { content: [[from, Math.min(treeSize, from + action.count)] as const] };
          const entry = erasureOf(ranges);
          await append(open, witness, [entry]);
          erased.push({ from, to: ranges.content[0]![1] });
          return open.erase(ranges, witness.acked.get(entry.id)!.index);
        }
        case "checkpoint":
          return signed(open, treeSize);
        case "reopen":
          await restart();
          return;
        case "fault": {
          const from = fileSystem.steps.length;
          losesPower = action.losesPower;
          fileSystem.arm(action.fault, (_step, n) => n === from + action.after);
        }
      }
    });
  }
  await ledger?.close().catch(() => {});
  if (fileSystem.hit() !== undefined && losesPower) await fileSystem.losePower(random);

  const last = await openIn(place, witness);
  await expectFaithful(last, witness);
  await append(last, witness, sent);
  await last.idle();
  await expectFaithful(last, witness);
  expect((await last.head()).treeSize).toBe(witness.acked.size + (await unackedErasures(last, witness.acked)));
  for (const { from, to } of erased) {
    for await (const batch of last.read(from, to)) for (const { disclosures } of batch) expect(disclosures.content).toBeUndefined();
  }
  await last.close();
  await place.remove();
}

/** Erasure entries whose append failed although they were stored: they are never sent again, because they are not repeated above. */
async function unackedErasures(ledger: FileLedger, acked: ReadonlyMap<string, unknown>): Promise<number> {
  let count = 0;
  for await (const batch of ledger.read(0, (await ledger.head()).treeSize)) {
    for (const { leaf } of batch) if (leaf.includes('"system":') && !acked.has(JSON.parse(leaf).id)) count += 1;
  }
  return count;
}

test("DURABLE-3: whatever happens in a ledger's life, it holds each acked entry once and every root that it ever signed", async () => {
  const property = fc.asyncProperty(fc.array(ACTION, { minLength: 5, maxLength: 30 }), fc.integer({ min: 0, max: 2 ** 31 }), play);
  // fast-check prints seed and path of a failure; the lives of one run differ from those of the next.
  await fc.assert(property, { numRuns: 400, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false });
}, 120_000);
