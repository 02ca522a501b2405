import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { never, numbersBelow, readEntries } from "../../../../test/conformance/follower.ts";
import { followRecording } from "../../../../test/conformance/recording-store.ts";
import { BIG_SIZE, makeBigLedger } from "../../../../test/fault/big-ledger.ts";
import {
  append,
  createWitness,
  entriesOf,
  makePlace,
  openIn,
  type Place,
  signed,
  type Witness,
} from "../../../../test/fault/ledger-witness.ts";
import { sealSystemEntry } from "../intake/seal.ts";
import type { FileLedger } from "../ledger/file-ledger.ts";
import { nodeFileSystem } from "../ledger/file-system.ts";
import { SEGMENT_ENTRIES } from "../ledger/limits.ts";
import { cursorBehind } from "./cursor.ts";
import { createFileCursorStore } from "./cursor-file.ts";

const SIZE = BIG_SIZE + 60;
/** A ledger with a sealed segment and an active one. */
let sealed: { place: Place; witness: Witness };

beforeAll(async () => {
  sealed = await makeBigLedger();
  const ledger = await openIn(sealed.place, sealed.witness);
  await append(ledger, sealed.witness, entriesOf(60));
  await ledger.idle();
  await signed(ledger, SIZE);
  await ledger.close();
});
afterAll(() => sealed.place.remove());

async function openCopy(): Promise<{ place: Place; ledger: FileLedger; directory: string; witness: Witness }> {
  const place = await makePlace(sealed.place.data);
  const directory = join(place.data, "followers");
  await mkdir(directory);
  const witness = createWitness();
  return { place, directory, witness, ledger: await openIn(place, witness) };
}

async function prune(ledger: FileLedger, witness: Witness): Promise<void> {
  const entry = sealSystemEntry(
    { action: "ledger.pruned", ledger: "main", system: { prunes: SEGMENT_ENTRIES } },
    "2026-02-01T00:00:00.000Z",
  );
  await append(ledger, witness, [entry]);
  await signed(ledger, SIZE + 1);
  await ledger.prune(SEGMENT_ENTRIES);
}

test("FOLLOW-4: a follower that comes to pruned entries passes them, and that is told", async () => {
  const { place, ledger, directory, witness } = await openCopy();
  await prune(ledger, witness);
  const { follower, store, notices } = followRecording({ ledger, directory });
  await follower.waitFor(SIZE + 1, never());
  expect(store.calls.flat()).toEqual(numbersBelow(SIZE + 1, SEGMENT_ENTRIES));
  expect(notices).toEqual([{ kind: "pruned", follower: "recording", from: 0, to: SEGMENT_ENTRIES }]);
  await follower.close();
  await ledger.close();
  await place.remove();
});

test("FOLLOW-4: entries that are pruned while a follower retries are passed, and so is a cursor behind a pruned entry", async () => {
  const { place, ledger, directory, witness } = await openCopy();
  const cursor = createFileCursorStore(nodeFileSystem, join(directory, "recording.json"));
  const [before, last] = [await readEntries(ledger, 65_000, 65_001), await readEntries(ledger, SEGMENT_ENTRIES - 1, SEGMENT_ENTRIES)];
  await cursor.save(cursorBehind(ledger.origin, before[0]!));
  const first = followRecording({ ledger, directory }, { limits: { batchEntriesMax: 100 } });
  const held = first.store.holdNext();
  await held.begun;
  await prune(ledger, witness);
  held.fail(new Error("away"));
  (await first.timers.next()).fire();
  await first.follower.waitFor(SIZE + 1, never());
  expect(first.store.calls.slice(1).flat()).toEqual(numbersBelow(SIZE + 1, SEGMENT_ENTRIES));
  expect(first.notices).toContainEqual({ kind: "pruned", follower: "recording", from: 65_001, to: SEGMENT_ENTRIES });
  await first.follower.close();

  // Nothing is left to compare these with, not even a wrong hash.
  for (const entry of [before[0]!, last[0]!]) {
    await cursor.save({ ...cursorBehind(ledger.origin, entry), leafHash: `${"A".repeat(43)}=` });
    const second = followRecording({ ledger, directory });
    await second.follower.waitFor(SIZE + 1, never());
    expect(second.store.calls.flat()).toEqual(numbersBelow(SIZE + 1, SEGMENT_ENTRIES));
    await second.follower.close();
  }
  await ledger.close();
  await place.remove();
});

test("FOLLOW-19: an entry that cannot be read is told and tried again with growing waits, never passed", async () => {
  const { place, ledger, directory } = await openCopy();
  const path = join(place.directory, "segments/000000000000000.seg");
  const bytes = await readFile(path);
  const flipped = Buffer.from(bytes);
  flipped[Math.floor(bytes.length / 2)]! ^= 1;
  await writeFile(path, flipped);
  const { follower, store, timers } = followRecording({ ledger, directory });
  const delays: number[] = [];
  for (let attempts = 1; attempts <= 3; attempts++) {
    const timer = await timers.next();
    expect(follower.state()).toMatchObject({ state: "retrying", attempts, lastError: { code: "LEDGER_DAMAGED" } });
    delays.push(timer.delayMs);
    if (attempts === 3) await writeFile(path, bytes);
    timer.fire();
  }
  expect(delays).toEqual([2_000, 4_000, 8_000]);
  expect(store.calls.flat().length).toBeGreaterThan(1_000);
  expect(store.calls.flat().length).toBeLessThan(SEGMENT_ENTRIES);
  await follower.waitFor(SIZE, never());
  expect(store.calls.flat()).toEqual(numbersBelow(SIZE));
  await follower.close();
  await ledger.close();
  await place.remove();
});
