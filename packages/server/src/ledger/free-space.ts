import type { FileSystem } from "./file-system.ts";
import { DISK_FREE_BYTES_MIN, DISK_FREE_CACHE_MS } from "./limits.ts";

/** How much room the disk has, asked at most once in {@link DISK_FREE_CACHE_MS}. Rule: DURABLE-5. */
export interface FreeSpace {
  /** At least {@link DISK_FREE_BYTES_MIN} were free when last asked; true while that is not known. */
  isEnough(): boolean;
  /** Asks again, unless the last answer is fresh. Never rejects. */
  check(): Promise<void>;
}

export function createFreeSpace(fileSystem: Pick<FileSystem, "freeBytes">, directory: string): FreeSpace {
  let bytes = Number.POSITIVE_INFINITY;
  let checkedAt = Number.NEGATIVE_INFINITY;
  return {
    isEnough: () => bytes >= DISK_FREE_BYTES_MIN,
    async check() {
      const now = performance.now();
      if (now - checkedAt < DISK_FREE_CACHE_MS) return;
      checkedAt = now;
      try {
        bytes = await fileSystem.freeBytes(directory);
      } catch {
        // Not knowing is no reason to refuse: a write that does not fit fails by itself.
      }
    },
  };
}
