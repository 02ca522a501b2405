import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { AuditError } from "@vouchtrail/events/errors";
import { SPOOL_FILE_BYTES_MAX, SPOOL_REWRITES_MAX } from "./limits.ts";
import { isMissing } from "./spool-failure.ts";
import { formatFileName } from "./spool-file-name.ts";
import { makeFolder, type SpoolFileSystem, syncFolder } from "./spool-folder.ts";

/** Writes the files of one process, one at a time. Its calls must not overlap. */
export interface SpoolWriter {
  /**
   * Writes whole lines, of any length together. Resolves when they are on stable storage in a file that no other process has taken.
   *
   * @returns Bytes that were added to the folder: more than was asked for when something was written again.
   * @throws Of the system, or {@link AuditError} `SPOOL_FAILED`: some of the lines may be in the folder nevertheless.
   */
  write(lines: readonly Buffer[]): Promise<number>;
  /** Name of the file that is being written. */
  currentName(): string | undefined;
  /** Closes the file that is being written, for itself or for anybody to read. False when there is none. */
  rotate(state: "ready" | "free"): Promise<boolean>;
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly stem: string;
  readonly path: string;
  readonly device: bigint;
  readonly inode: bigint;
  bytes: number;
  /** Its name is on stable storage. */
  isListed: boolean;
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0);
const TAKEN_TOO_OFTEN = "Other processes take the files of this spool as often as it writes them. Give each host a folder of its own.";

/**
 * Another process may take the file over at any time by renaming it, and reads it only then. So a record counts only if, after its sync, the file still has its name:
 * whoever renames it later finds the record in it. Otherwise it is written again, into a new file. A file of which a write or a sync
 * failed is not written again: what the system kept of it is not known.
 *
 * Rules: SDK-11, SDK-13, SDK-16.
 */
export function createSpoolWriter(fileSystem: SpoolFileSystem, directory: string, nextStem: () => string): SpoolWriter {
  let file: OpenFile | undefined;

  async function create(): Promise<OpenFile> {
    const stem = nextStem();
    const path = join(directory, formatFileName(stem, "open"));
    const handle = await fileSystem.open(path, CREATE, 0o600).catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      await makeFolder(fileSystem, directory);
      return await fileSystem.open(path, CREATE, 0o600);
    });
    try {
      const { dev, ino } = await handle.stat({ bigint: true });
      return { handle, stem, path, device: dev, inode: ino, bytes: 0, isListed: false };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async function writePart(part: Buffer): Promise<number> {
    for (let written = part.length, times = 0; times < SPOOL_REWRITES_MAX; times += 1, written += part.length) {
      file ??= await create();
      try {
        await writeAll(file.handle, part);
        await file.handle.sync();
        if (await hasItsName(file)) {
          if (!file.isListed) await syncFolder(fileSystem, directory);
          file.isListed = true;
          file.bytes += part.length;
          return written;
        }
      } catch (error) {
        await abandon();
        throw error;
      }
      await file.handle.close();
      file = undefined;
    }
    throw new AuditError("SPOOL_FAILED", { message: TAKEN_TOO_OFTEN });
  }

  async function hasItsName({ path, device, inode }: OpenFile): Promise<boolean> {
    try {
      const found = await fileSystem.lstat(path, { bigint: true });
      return found.ino === inode && found.dev === device;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** The first error is the one to tell of. What cannot be renamed is found later under the name that it has. */
  async function abandon(): Promise<void> {
    if (file === undefined) return;
    const { handle, path, stem, bytes } = file;
    file = undefined;
    await handle.close().catch(() => undefined);
    const end = bytes === 0 ? fileSystem.unlink(path) : fileSystem.rename(path, join(directory, formatFileName(stem, "ready")));
    await end.catch(() => undefined);
  }

  async function rotate(state: "ready" | "free"): Promise<boolean> {
    if (file === undefined) return false;
    const { handle, path, stem } = file;
    file = undefined;
    await handle.close();
    try {
      await fileSystem.rename(path, join(directory, formatFileName(stem, state)));
      await syncFolder(fileSystem, directory);
    } catch (error) {
      // Taken over, or removed.
      if (!isMissing(error)) throw error;
    }
    return true;
  }

  return {
    async write(lines) {
      let written = 0;
      for (let from = 0; from < lines.length; ) {
        if (file !== undefined && file.bytes >= SPOOL_FILE_BYTES_MAX) await rotate("ready");
        const room = SPOOL_FILE_BYTES_MAX - (file?.bytes ?? 0);
        let to = from;
        for (let bytes = 0; to < lines.length && (to === from || bytes + lines[to]!.length <= room); to += 1) bytes += lines[to]!.length;
        written += await writePart(Buffer.concat(lines.slice(from, to)));
        from = to;
      }
      return written;
    },
    currentName: () => (file === undefined ? undefined : formatFileName(file.stem, "open")),
    rotate,
  };
}

async function writeAll(handle: FileHandle, part: Buffer): Promise<void> {
  for (let at = 0; at < part.length; ) at += (await handle.write(part, at, part.length - at, null)).bytesWritten;
}
