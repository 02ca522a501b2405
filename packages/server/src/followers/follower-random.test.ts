import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openLineTarget, openSnapshotTarget } from "../../../../test/conformance/file-targets.ts";
import {
  type FollowerPlace,
  type FollowerTarget,
  makeFollowerPlace,
  NOW,
  never,
  numbersBelow,
} from "../../../../test/conformance/follower.ts";
import { createFaultyFileSystem, createRandom, type FaultyFileSystem } from "../../../../test/fault/faulty-file-system.ts";
import { type Apply, EntryRejected } from "./apply.ts";
import type { CursorStore } from "./cursor.ts";
import { createFileCursorStore } from "./cursor-file.ts";
import { type Follower, follow } from "./follower.ts";
import type { Timers } from "./retry.ts";

type Action =
  | { readonly kind: "append"; readonly count: number }
  | { readonly kind: "pause" | "resume" | "rewind" | "kill" | "close" | "catch up" }
  | { readonly kind: "rest"; readonly turns: number };

const ACTION: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("append" as const), count: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("rest" as const), turns: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom("pause" as const, "resume" as const, "rewind" as const, "close" as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom("kill" as const, "catch up" as const) }) },
);

const CLOSE_GRACE_MS = 3_600_000;
/** Every wait is over at once, but for the patience of closing: these stores let go. */
const HASTY: Timers = {
  set(run, delayMs) {
    if (delayMs === CLOSE_GRACE_MS) return () => {};
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
};

/** Entries that the store never takes. */
const isPoison = (index: number): boolean => index % 23 === 11;

/** A store that fails by chance: before it did anything, after it did all, or with an entry that it takes another time. */
function createMoodyApply(target: () => FollowerTarget, random: () => number, isDead: () => boolean): Apply {
  const rejectionsByIndex = new Map<number, number>();
  return async (batch, cursor, signal) => {
    const mood = random();
    if (isDead() || mood < 0.1) throw new Error("away");
    const poison = batch.find(({ index }) => isPoison(index));
    if (poison !== undefined) throw new EntryRejected(poison.index);
    const { index } = batch[Math.floor(random() * batch.length)]!;
    const rejections = rejectionsByIndex.get(index) ?? 0;
    if (mood < 0.2 && rejections < 2) {
      rejectionsByIndex.set(index, rejections + 1);
      throw new EntryRejected(index);
    }
    await target().apply(batch, cursor, signal);
    if (mood < 0.3) throw new Error("the answer was lost");
  };
}

async function play(actions: readonly Action[], seed: number, openTarget: () => Promise<FollowerTarget>): Promise<void> {
  const random = createRandom(seed);
  const place: FollowerPlace = await makeFollowerPlace();
  const graves = await mkdtemp(join(tmpdir(), "vouchtrail-graves-"));
  let target = await openTarget();
  let fileSystem: FaultyFileSystem;
  let follower: Follower;

  function begin(): void {
    const files = createFaultyFileSystem(place.directory, graves);
    const used = target;
    fileSystem = files;
    const cursor: CursorStore =
      used.cursor.save === undefined ? used.cursor : createFileCursorStore(files, join(place.directory, "moody.json"));
    follower = follow(
      "moody",
      place.ledger,
      createMoodyApply(
        () => used,
        random,
        () => files.isCrashed(),
      ),
      {
        directory: place.directory,
        fileSystem: files,
        cursor,
        now: () => NOW,
        timers: HASTY,
        closeGraceMs: CLOSE_GRACE_MS,
        random,
        limits: { batchEntriesMax: 9 },
      },
    );
  }

  begin();
  for (const action of actions) {
    switch (action.kind) {
      case "append":
        await place.append(action.count);
        break;
      case "rest":
        for (let i = 0; i < action.turns; i++) await new Promise((resolve) => setImmediate(resolve));
        break;
      case "pause":
        follower!.pause();
        break;
      case "resume":
        follower!.resume();
        break;
      case "catch up":
        follower!.resume();
        await follower!.waitFor((await place.ledger.head()).treeSize, never());
        break;
      case "rewind":
        await follower!.rewind();
        break;
      case "close":
        await follower!.close();
        begin();
        break;
      case "kill":
        // Nothing that the follower does from here on reaches the disk, and what was not synced may be gone.
        fileSystem!.crash();
        await follower!.close();
        await fileSystem!.losePower(random);
        target = await target.reopen();
        begin();
    }
  }
  follower!.resume();
  const { treeSize } = await place.ledger.head();
  await follower!.waitFor(treeSize, never());
  expect(await target.indexes()).toEqual(numbersBelow(treeSize).filter((index) => !isPoison(index)));
  const deadIndexes = follower!.deadLetters().map(({ index }) => index);
  expect(deadIndexes.toSorted((left, right) => left - right)).toEqual(numbersBelow(treeSize).filter(isPoison));
  expect(follower!.state()).toMatchObject({ next: treeSize, lagEntries: 0 });
  await follower!.close();
  await target.close();
  await place.close();
  await rm(graves, { recursive: true, force: true });
}

const TARGETS: readonly [string, () => Promise<FollowerTarget>][] = [
  ["keeps its cursor beside it", () => openLineTarget()],
  ["keeps its cursor inside", () => openSnapshotTarget(1)],
  ["loses its tail when it is killed", () => openSnapshotTarget(31)],
];

test.each(TARGETS)(
  "FOLLOW-22: whatever happens, a store that %s holds each entry once and in order, or it is a dead letter",
  async (_what, open) => {
    const property = fc.asyncProperty(
      fc.array(ACTION, { minLength: 3, maxLength: 25 }),
      fc.integer({ min: 0, max: 2 ** 31 }),
      (actions, seed) => play(actions, seed, open),
    );
    // fast-check prints seed and path of a failure; the lives of one run differ from those of the next.
    await fc.assert(property, { numRuns: 60, interruptAfterTimeLimit: 8_000, markInterruptAsFailure: false });
  },
  120_000,
);
