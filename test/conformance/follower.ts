import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Apply } from "../../packages/server/src/followers/apply.ts";
import { type Cursor, type CursorStore, checkCursor, cursorBehind } from "../../packages/server/src/followers/cursor.ts";
import { type Follower, type FollowOptions, follow } from "../../packages/server/src/followers/follower.ts";
import { generateSeed, signerFromSeed } from "../../packages/server/src/ledger/ed25519.ts";
import { type FileLedger, type FileLedgerOptions, openFileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import type { Ledger, StoredEntry } from "../../packages/server/src/ledger/ledger.ts";
import { sealedEntry } from "./ledger.ts";
import { createManualTimers } from "./manual-timers.ts";

/** What a follower writes to, open. */
export interface FollowerTarget {
  readonly apply: Apply;
  /** Without `save` where `apply` stores the cursor itself. */
  readonly cursor: CursorStore;
  /** Every index that the store holds, as often as it does, in the order in which it gives its entries. */
  indexes(): Promise<readonly number[]>;
  /** The same store as after a kill: what was not durable is gone, nobody was told, and this object is not used any more. */
  reopen(): Promise<FollowerTarget>;
  /** Called once, on the object that was opened last: it also removes what it wrote. */
  close(): Promise<void>;
}

/** A ledger in a temporary directory, and the folder of its followers. */
export interface FollowerPlace {
  readonly ledger: FileLedger;
  /** `followers/`. */
  readonly directory: string;
  readonly root: string;
  /** Appends that many small entries. */
  append(count: number): Promise<void>;
  /** Closes the ledger and opens it again. */
  reopenLedger(options?: Partial<FileLedgerOptions>): Promise<FileLedger>;
  close(): Promise<void>;
}

export const never = (): AbortSignal => new AbortController().signal;
/** The time of everything that these tests write down. */
export const NOW = "2026-03-01T12:00:00.000Z";

export async function makeFollowerPlace(origin = "example.org/followed"): Promise<FollowerPlace> {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-follower-"));
  const directory = join(root, "followers");
  await mkdir(directory);
  const signer = signerFromSeed(origin, generateSeed());
  const open = (options: Partial<FileLedgerOptions> = {}): Promise<FileLedger> =>
    openFileLedger({
      directory: join(root, "ledger/main"),
      signer,
      idsDirectory: join(root, "ids"),
      recoveredDirectory: join(root, "recovered"),
      erasuresFile: join(directory, "erasures.json"),
      ...options,
    });
  let ledger = await open();
  return {
    get ledger() {
      return ledger;
    },
    directory,
    root,
    async append(count) {
      await ledger.append(Array.from({ length: count }, () => sealedEntry()));
    },
    async reopenLedger(options) {
      await ledger.close();
      ledger = await open(options);
      return ledger;
    },
    async close() {
      await ledger.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export async function readEntries(ledger: Pick<Ledger, "read">, from: number, to: number): Promise<readonly StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for await (const batch of ledger.read(from, to)) entries.push(...batch);
  return entries;
}

export const numbersBelow = (end: number, from = 0): number[] => Array.from({ length: end - from }, (_, i) => from + i);

/**
 * What every store that a follower writes to keeps, whatever it is. Rules: FOLLOW-1 to FOLLOW-3, FOLLOW-9.
 *
 * @param open Opens an empty store.
 */
export function testFollower(name: string, open: () => Promise<FollowerTarget>): void {
  const withTarget =
    (run: (place: FollowerPlace, use: TargetInUse) => Promise<void>, entryCount = 0) =>
    async (): Promise<void> => {
      const place = await makeFollowerPlace();
      const use = createTargetInUse(place, await open());
      try {
        if (entryCount > 0) await place.append(entryCount);
        await run(place, use);
      } finally {
        await use.closeAll();
        await place.close();
      }
    };

  describe(`follower target ${name}`, () => {
    test(
      "FOLLOW-2: an empty store holds nothing and has no cursor",
      withTarget(async (_place, { target }) => {
        expect(await target().indexes()).toEqual([]);
        expect((await target().cursor.load())?.next ?? 0).toBe(0);
      }),
    );

    test(
      "FOLLOW-1: a store that is followed to holds every entry once and in order, also those that come meanwhile",
      withTarget(async (place, use) => {
        const follower = use.follow();
        for (const count of [1, 150, 3, 64, 65, 300]) await place.append(count);
        await follower.waitFor(583, never());
        expect(await use.target().indexes()).toEqual(numbersBelow(583));
        const head = await place.ledger.head();
        const cursor = await use.target().cursor.load();
        expect(cursor).toMatchObject({ next: 583 });
        await checkCursor("target", place.ledger, head, cursor!);
      }),
    );

    test(
      "FOLLOW-2: a batch that comes again, whole or in part, changes nothing",
      withTarget(async ({ ledger }, { applied }) => {
        const entries = await readEntries(ledger, 0, 40);
        expect(await applied(entries.slice(0, 20))).toEqual(numbersBelow(20));
        expect(await applied(entries.slice(0, 20))).toEqual(numbersBelow(20));
        expect(await applied(entries.slice(10, 30))).toEqual(numbersBelow(30));
        expect(await applied(entries.slice(29, 40))).toEqual(numbersBelow(40));
        expect(await applied(entries.slice(0, 40))).toEqual(numbersBelow(40));
      }, 40),
    );

    test(
      "FOLLOW-9: a batch may begin behind an entry that was set aside",
      withTarget(async ({ ledger }, { applied, target }) => {
        const entries = await readEntries(ledger, 0, 30);
        await applied(entries.slice(0, 10));
        expect(await applied(entries.slice(11, 30))).toEqual([...numbersBelow(10), ...numbersBelow(30, 11)]);
        expect(await target().cursor.load()).toMatchObject({ next: 30 });
      }, 30),
    );

    test(
      "FOLLOW-2: killed after a batch was applied and before its cursor was saved, it goes on without a gap and stores nothing twice",
      withTarget(async (place, use) => {
        const entries = await readEntries(place.ledger, 0, 100);
        await use.applied(entries.slice(0, 40));
        await use.target().apply(entries.slice(40, 80), cursorBehind(place.ledger.origin, entries[79]!), never());
        await use.kill();
        const follower = use.follow();
        await follower.waitFor(100, never());
        expect(await use.target().indexes()).toEqual(numbersBelow(100));
      }, 100),
    );

    test(
      "FOLLOW-2: killed in the middle of any batch, it begins again exactly where its cursor says, until it holds everything once",
      withTarget(async (place, use) => {
        for (let round = 1; round <= 8; round++) {
          await place.append(50);
          const cursor = await use.target().cursor.load();
          const isStuck = use.follow({ hangAfterBatches: round % 4 });
          await isStuck.hanging;
          expect(use.batches()[0]![0]).toBe(cursor?.next ?? 0);
          await use.kill();
        }
        const follower = use.follow();
        await follower.waitFor(400, never());
        expect(await use.target().indexes()).toEqual(numbersBelow(400));
      }),
    );

    test(
      "FOLLOW-3: the cursor of one ledger is not followed in another, and nothing is applied",
      withTarget(async (_place, use) => {
        const first = use.follow();
        await first.waitFor(30, never());
        await first.close();
        const other = await makeFollowerPlace("example.org/other");
        try {
          await other.append(60);
          const second = use.follow({ ledger: other.ledger });
          const refused = await second.waitFor(60, never()).catch((error: unknown) => error);
          expect(refused).toMatchObject({ code: "FOLLOWER_DIVERGED" });
          expect(second.state()).toMatchObject({ state: "diverged", lastError: { code: "FOLLOWER_DIVERGED" } });
          expect(use.batches()).toEqual([]);
          expect(await use.target().indexes()).toEqual(numbersBelow(30));
          await second.close();
        } finally {
          await other.close();
        }
      }, 30),
    );

    test(
      "FOLLOW-18: a batch whose signal has aborted is applied or refused, and nothing is lost or doubled",
      withTarget(async (place, use) => {
        const entries = await readEntries(place.ledger, 0, 20);
        const cursor = cursorBehind(place.ledger.origin, entries[19]!);
        await Promise.allSettled([use.target().apply(entries, cursor, AbortSignal.abort(new Error("enough")))]);
        const follower = use.follow();
        await follower.waitFor(20, never());
        expect(await use.target().indexes()).toEqual(numbersBelow(20));
      }, 20),
    );
  });
}

interface TargetInUse {
  target(): FollowerTarget;
  /** Applies and saves the cursor, as a follower does; answers what the store then holds. */
  applied(entries: readonly StoredEntry[]): Promise<readonly number[]>;
  /** Begins to follow. With `hangAfterBatches` the batch after that many never ends, unless its signal aborts. */
  follow(options?: { ledger?: Ledger; hangAfterBatches?: number }): Follower & { readonly hanging: Promise<void> };
  /** First index and length of each batch since the last `follow`. */
  batches(): readonly (readonly [first: number, count: number])[];
  /** The follower and the store die; the store is opened again. */
  kill(): Promise<void>;
  closeAll(): Promise<void>;
}

function createTargetInUse(place: FollowerPlace, opened: FollowerTarget): TargetInUse {
  let target = opened;
  let followers: Follower[] = [];
  let batches: (readonly [number, number])[] = [];
  const closeFollowers = async (): Promise<void> => {
    for (const follower of followers) await follower.close();
    followers = [];
  };

  return {
    target: () => target,
    async applied(entries) {
      const cursor: Cursor = cursorBehind(place.ledger.origin, entries.at(-1)!);
      await target.apply(entries, cursor, never());
      await target.cursor.save?.(cursor);
      return target.indexes();
    },
    follow({ ledger = place.ledger, hangAfterBatches } = {}) {
      batches = [];
      const seen = batches;
      const used = target;
      let onHanging = (): void => {};
      const hanging = new Promise<void>((resolve) => {
        onHanging = resolve;
      });
      let countdown = hangAfterBatches ?? Number.POSITIVE_INFINITY;
      const apply: Apply = async (batch, cursor, signal) => {
        seen.push([batch[0]!.index, batch.length]);
        if (countdown === 0) {
          onHanging();
          return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        }
        countdown -= 1;
        await used.apply(batch, cursor, signal);
      };
      const options: FollowOptions = {
        directory: place.directory,
        cursor: used.cursor,
        now: () => NOW,
        limits: { batchEntriesMax: 16 },
        timers: createManualTimers(),
      };
      const follower = follow("target", ledger, apply, options);
      followers.push(follower);
      return Object.assign(follower, { hanging });
    },
    batches: () => batches,
    async kill() {
      await closeFollowers();
      target = await target.reopen();
    },
    async closeAll() {
      await closeFollowers();
      await target.close();
    },
  };
}
