import { close, constants, fdatasync, fstat, fsync, open, read, write } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";

/** An open file. Positions and sizes are in bytes. */
export interface DurableFile {
  /** Writes all bytes at the position, or rejects: then any part of them may be there. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Resolves when content and size are on stable storage. A rejection says nothing about what is. */
  sync(): Promise<void>;
  /** Fills the buffer from the position; resolves with how many bytes there were. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Every durable operation of the ledger, as one small interface: the fault tests put failures under it.
 * Rule: DURABLE-1 (what is not synced may be lost; what failed to sync may be there or not).
 */
export interface FileSystem {
  /** `create` fails if the file exists and makes it with `mode`; `write` and `read` need it to exist. */
  openFile(path: string, how: "create" | "write" | "read", mode?: number): Promise<DurableFile>;
  readFile(path: string): Promise<Buffer>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  makeDirectory(path: string, mode?: number): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  /** Makes creations, renames and removals in the directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes free for this user on the file system that holds the path. */
  freeBytes(path: string): Promise<number>;
}

const openAsync = promisify(open);
const closeAsync = promisify(close);
const fdatasyncAsync = promisify(fdatasync);
const fsyncAsync = promisify(fsync);
const fstatAsync = promisify(fstat);

const FLAGS = {
  create: constants.O_CREAT | constants.O_EXCL | constants.O_RDWR,
  write: constants.O_RDWR,
  read: constants.O_RDONLY,
} as const;

export const nodeFileSystem: FileSystem = {
  async openFile(path, how, mode = 0o644) {
    const fd = await openAsync(path, FLAGS[how], mode);
    return {
      write: (bytes, position) => writeAll(fd, bytes, position),
      sync: () => fdatasyncAsync(fd),
      read: (buffer, position) => readAll(fd, buffer, position),
      size: async () => (await fstatAsync(fd)).size,
      close: () => closeAsync(fd),
    };
  },
  readFile: (path) => readFile(path),
  rename,
  remove: (path) => rm(path, { force: true }),
  async makeDirectory(path, mode) {
    await mkdir(path, mode === undefined ? { recursive: true } : { recursive: true, mode });
  },
  list: (path) => readdir(path),
  async syncDirectory(path) {
    const fd = await openAsync(path, constants.O_RDONLY);
    try {
      await fsyncAsync(fd);
    } finally {
      await closeAsync(fd);
    }
  },
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

function writeAll(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (offset: number): void => {
      write(fd, bytes, offset, bytes.length - offset, position + offset, (error, written) => {
        if (error) reject(error);
        else if (offset + written === bytes.length) resolve();
        else next(offset + written);
      });
    };
    next(0);
  });
}

function readAll(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const next = (offset: number): void => {
      if (offset === buffer.length) {
        resolve(offset);
        return;
      }
      read(fd, buffer, offset, buffer.length - offset, position + offset, (error, count) => {
        if (error) reject(error);
        else if (count === 0) resolve(offset);
        else next(offset + count);
      });
    };
    next(0);
  });
}

/** Suffix of files that are being written. Left-overs of a crash are removed at the next start: nothing refers to them. */
export const TEMPORARY_SUFFIX = ".tmp";

/** Replaces a file atomically and durably: temporary name, write, sync, rename, sync of the folder. */
export async function replaceFile(fileSystem: FileSystem, path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  const temporary = path + TEMPORARY_SUFFIX;
  await fileSystem.remove(temporary);
  const file = await fileSystem.openFile(temporary, "create", mode);
  try {
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fileSystem.rename(temporary, path);
  await fileSystem.syncDirectory(dirname(path));
}

/** True for the error that says there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** The file's content, undefined if there is no such file. */
export async function readOrMissing(fileSystem: Pick<FileSystem, "readFile">, path: string): Promise<Buffer | undefined> {
  try {
    return await fileSystem.readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The folder's names, none if there is no such folder. */
export async function listOrNone(fileSystem: Pick<FileSystem, "list">, path: string): Promise<readonly string[]> {
  try {
    return await fileSystem.list(path);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
