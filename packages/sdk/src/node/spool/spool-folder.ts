import { constants } from "node:fs";
import type * as promises from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "../../clock.ts";
import { SPOOL_COUNT_INTERVAL_MS, SPOOL_FULL_COUNT_INTERVAL_MS } from "./limits.ts";
import { isMissing } from "./spool-failure.ts";

/** What the spool needs of `node:fs/promises`. */
export type SpoolFileSystem = Pick<typeof promises, "open" | "rename" | "unlink" | "mkdir" | "readdir" | "lstat">;

/** Makes the folder, readable by its owner only, and everything above it that is missing, all of it durable. */
export async function makeFolder(fileSystem: SpoolFileSystem, directory: string): Promise<void> {
  const first = await fileSystem.mkdir(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let above = dirname(resolve(directory)); ; above = dirname(above)) {
    await syncFolder(fileSystem, above);
    if (above === top || above === dirname(above)) return;
  }
}

/** Brings the names in a folder onto stable storage. Windows does that by itself, and opens no folders. */
export async function syncFolder(fileSystem: SpoolFileSystem, directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await fileSystem.open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The bytes of all files in a folder, against a bound. */
export interface FolderUsage {
  /** Whether `bytes` more fit. Counts when it was long ago, or when they do not. */
  hasRoom(bytes: number): Promise<boolean>;
  /** What this process added, or removed when negative. */
  add(bytes: number): void;
}

/** Other processes' bytes are counted at the first question and every few seconds: they may go over the bound together by what they write in between. */
export function createFolderUsage(fileSystem: SpoolFileSystem, directory: string, clock: Clock, bytesMax: number): FolderUsage {
  let used = 0;
  let countedMs = Number.NEGATIVE_INFINITY;

  async function countOlderThan(ageMs: number): Promise<void> {
    if (clock.nowMs() - countedMs < ageMs) return;
    used = await countFolder(fileSystem, directory);
    countedMs = clock.nowMs();
  }

  return {
    async hasRoom(bytes) {
      await countOlderThan(SPOOL_COUNT_INTERVAL_MS);
      if (used + bytes > bytesMax) await countOlderThan(SPOOL_FULL_COUNT_INTERVAL_MS);
      return used + bytes <= bytesMax;
    },
    add(bytes) {
      used = Math.max(0, used + bytes);
    },
  };
}

/** Bytes of the regular files in a folder whose names are wanted; links are not followed. */
export async function countFolder(fileSystem: SpoolFileSystem, directory: string, isWanted?: (name: string) => boolean): Promise<number> {
  let bytes = 0;
  for (const name of await listFolder(fileSystem, directory)) {
    if (isWanted?.(name) === false) continue;
    try {
      const found = await fileSystem.lstat(join(directory, name));
      if (found.isFile()) bytes += found.size;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return bytes;
}

/** The names in a folder; none when it is not there. */
export async function listFolder(fileSystem: SpoolFileSystem, directory: string): Promise<string[]> {
  try {
    return await fileSystem.readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
