import { link, mkdir, open, readdir, rename, rm, stat, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type DurableFile, type FileSystem, nodeFileSystem } from "../../packages/server/src/ledger/file-system.ts";

/*
 * The real file system with two things added: one fault at a chosen durable step, and a loss of power.
 *
 * The model of what a disk keeps is the strictest that POSIX allows: what was written since the last successful sync of its file may be there
 * or not, sector by sector; names that were made, changed or removed since the last sync of their folder may be there or not, in order for
 * each folder; what a sync failed to write is never written by a later one.
 */

export type StepKind = "create" | "write" | "sync" | "rename" | "remove" | "makeDirectory" | "syncDirectory";

export interface Step {
  readonly kind: StepKind;
  readonly path: string;
}

/**
 * - `failed`: an error, and nothing happened. - `failed, persisted`: an error, but it happened. - `torn`: an error, and a part of it happened
 * (writes; else like `failed`). - `full`: the same with ENOSPC. - `crashed before`, `crashed after`, `crashed torn`: the process dies there.
 */
export type Fault = "failed" | "failed, persisted" | "torn" | "full" | "crashed before" | "crashed after" | "crashed torn";

export const FAULTS: readonly Fault[] = ["failed", "failed, persisted", "torn", "full", "crashed before", "crashed after", "crashed torn"];

export interface FaultyFileSystem extends FileSystem {
  /** Every durable step so far, in order. */
  readonly steps: readonly Step[];
  /** The step that the fault hit. */
  hit(): Step | undefined;
  /** Injects the fault at the step for which `at` answers true; `n` counts all steps from 0. */
  arm(fault: Fault, at: (step: Step, n: number) => boolean): void;
  /** From here on every operation throws, as if the process had died. */
  crash(): void;
  isCrashed(): boolean;
  /** Bytes free that are reported, undefined for the truth. */
  setFreeBytes(bytes: number | undefined): void;
  /**
   * What the disk holds when the power comes back. Nothing may be in progress.
   * @param random Numbers in [0, 1) that choose what survives of what was not synced; without it nothing does.
   */
  losePower(random?: () => number): Promise<void>;
}

interface PendingWrite {
  readonly position: number;
  readonly previous: Buffer;
  readonly sizeBefore: number;
  readonly length: number;
}

interface PendingName {
  readonly folder: string;
  undo(): Promise<void>;
}

const SECTOR_BYTES = 512;

/** @param root Everything below it can lose its un-synced state. @param graveyard An empty folder beside it, on the same disk. */
export function createFaultyFileSystem(root: string, graveyard: string): FaultyFileSystem {
  const steps: Step[] = [];
  const writes = new Map<number, PendingWrite[]>();
  const lost = new Map<number, PendingWrite[]>();
  let names: PendingName[] = [];
  let armed: { fault: Fault; at: (step: Step, n: number) => boolean } | undefined;
  let hitStep: Step | undefined;
  let isCrashed = false;
  let freeBytes: number | undefined;
  let buried = 0;

  const assertAlive = (): void => {
    if (isCrashed) throw new Error("The process has died.");
  };
  const failure = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

  /** Runs one durable step, with the fault if it is its turn. `part` does a part of it. */
  async function step(kind: StepKind, path: string, whole: () => Promise<void>, part?: () => Promise<void>): Promise<void> {
    assertAlive();
    const current = { kind, path };
    const n = steps.push(current) - 1;
    if (armed === undefined || hitStep !== undefined || !armed.at(current, n)) return whole();
    hitStep = current;
    const { fault } = armed;
    if (fault === "failed, persisted" || fault === "crashed after") await whole();
    else if (fault === "torn" || fault === "full" || fault === "crashed torn") await part?.();
    if (fault.startsWith("crashed")) isCrashed = true;
    throw failure(fault === "full" ? "ENOSPC" : "EIO");
  }

  async function bury(path: string): Promise<string | undefined> {
    const grave = join(graveyard, String(buried++));
    return link(path, grave).then(
      () => grave,
      () => undefined,
    );
  }

  function wrap(file: DurableFile, path: string, inode: number): DurableFile {
    const note = async (bytes: Uint8Array, position: number): Promise<void> => {
      const sizeBefore = await file.size();
      const previous = Buffer.alloc(Math.max(0, Math.min(bytes.length, sizeBefore - position)));
      await file.read(previous, position);
      const list = writes.get(inode) ?? [];
      list.push({ position, previous, sizeBefore, length: bytes.length });
      writes.set(inode, list);
      await file.write(bytes, position);
    };
    return {
      write: (bytes, position) =>
        step(
          "write",
          path,
          () => note(bytes, position),
          () => note(bytes.subarray(0, Math.floor(bytes.length / 2)), position),
        ),
      async sync() {
        try {
          // No real sync: what a disk keeps is decided here, and a case takes a tenth of the time.
          await step("sync", path, async () => {
            writes.delete(inode);
          });
        } catch (error) {
          // The kernel has dropped the pages, or marked them clean: no later sync writes them.
          lost.set(inode, [...(lost.get(inode) ?? []), ...(writes.get(inode) ?? [])]);
          writes.delete(inode);
          throw error;
        }
      },
      async read(buffer, position) {
        assertAlive();
        return file.read(buffer, position);
      },
      async size() {
        assertAlive();
        return file.size();
      },
      close: () => file.close(),
    };
  }

  async function undoWrites(path: string, pending: readonly PendingWrite[], random: (() => number) | undefined): Promise<void> {
    const fate = random === undefined ? 0 : random();
    if (fate > 0.7) return; // All of it reached the disk by itself.
    const file = await open(path, "r+");
    for (const { position, previous, sizeBefore, length } of pending.toReversed()) {
      if (random === undefined || fate < 0.3) {
        if (previous.length > 0) await file.write(previous, 0, previous.length, position);
        if (position + length > sizeBefore) await truncate(path, sizeBefore);
        continue;
      }
      for (let at = position - (position % SECTOR_BYTES); at < position + length; at += SECTOR_BYTES) {
        if (random() < 0.5) continue;
        const from = Math.max(at, position);
        const blank = Buffer.alloc(Math.min(at + SECTOR_BYTES, position + length) - from);
        if (from - position < previous.length) previous.copy(blank, 0, from - position);
        await file.write(blank, 0, blank.length, from);
      }
    }
    await file.close();
  }

  return {
    steps,
    hit: () => hitStep,
    arm(fault, at) {
      armed = { fault, at };
    },
    crash() {
      isCrashed = true;
    },
    isCrashed: () => isCrashed,
    setFreeBytes(bytes) {
      freeBytes = bytes;
    },
    async openFile(path, how, mode) {
      assertAlive();
      let file: DurableFile | undefined;
      const openIt = async (): Promise<void> => {
        file = await nodeFileSystem.openFile(path, how, mode);
        if (how === "create") names.push({ folder: dirname(path), undo: () => rm(path, { force: true }) });
      };
      if (how !== "create") await openIt();
      else {
        try {
          await step("create", path, openIt);
        } catch (error) {
          await file?.close();
          throw error;
        }
      }
      const { ino } = await stat(path);
      if (how === "create") {
        writes.delete(ino);
        lost.delete(ino);
      }
      return wrap(file!, path, ino);
    },
    async readFile(path) {
      assertAlive();
      return nodeFileSystem.readFile(path);
    },
    rename: (from, to) =>
      step("rename", from, async () => {
        const grave = await bury(to);
        await rename(from, to);
        names.push({
          folder: dirname(to),
          undo: async () => {
            await rename(to, from);
            if (grave !== undefined) await link(grave, to);
          },
        });
      }),
    remove: (path) =>
      step("remove", path, async () => {
        const grave = await bury(path);
        await rm(path, { force: true });
        if (grave !== undefined) names.push({ folder: dirname(path), undo: () => link(grave, path) });
      }),
    makeDirectory: (path, mode) =>
      step("makeDirectory", path, async () => {
        const made = await mkdir(path, mode === undefined ? { recursive: true } : { recursive: true, mode });
        for (let folder = path; made !== undefined && folder.length >= made.length; folder = dirname(folder)) {
          names.push({ folder: dirname(folder), undo: () => rm(folder, { recursive: true, force: true }) });
        }
      }),
    async list(path) {
      assertAlive();
      return nodeFileSystem.list(path);
    },
    syncDirectory: (path) =>
      step("syncDirectory", path, async () => {
        names = names.filter(({ folder }) => folder !== path);
      }),
    async freeBytes(path) {
      assertAlive();
      return freeBytes ?? nodeFileSystem.freeBytes(path);
    },
    async losePower(random) {
      // Of each folder's changes the first few are kept: a journal keeps their order.
      const kept = new Map<string, number>();
      for (const { folder } of names) kept.set(folder, (kept.get(folder) ?? 0) + 1);
      for (const [folder, count] of kept) kept.set(folder, random === undefined ? 0 : Math.floor(random() * (count + 1)));
      const undone = names.filter(({ folder }) => {
        const left = kept.get(folder) ?? 0;
        kept.set(folder, left - 1);
        return left <= 0;
      });
      for (const { undo } of undone.toReversed()) await undo();
      names = [];
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const { ino } = await stat(path);
        const pending = [...(lost.get(ino) ?? []), ...(writes.get(ino) ?? [])];
        if (pending.length > 0) await undoWrites(path, pending, random);
      }
      writes.clear();
      lost.clear();
    },
  };
}

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
