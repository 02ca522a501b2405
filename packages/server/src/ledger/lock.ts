import { statfs } from "node:fs/promises";
import { AuditError } from "@vouchtrail/events";
import { lockWithDuckdb } from "./lock-duckdb.ts";
import { lockWithSocket } from "./lock-socket.ts";

export interface DataLock {
  release(): void;
}

/** Takes a data directory for this process. */
export type LockDirectory = (directory: string) => Promise<DataLock>;

/** Where a lock looks: replaced in tests, which have no network file system. */
export interface LockSurroundings {
  /** True if only this machine's kernel writes to the file system, so that its sockets tell of every process that could. */
  readonly isLocal: (directory: string) => Promise<boolean>;
  /** Undefined where the file system has no sockets. */
  readonly lockWithSocket: (directory: string) => Promise<DataLock | undefined>;
}

/**
 * Magic numbers of file systems of one kernel (Linux, statfs(2)). What is not listed may be written by another machine: NFS, SMB, FUSE, cluster file
 * systems, and folders that a virtual machine shares with its host.
 */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0xca451a4e, // bcachefs
  0x3153464a, // JFS
  0x794c7630, // overlayfs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
]);

/** A server has DuckDB with it: where it cannot be told whether a file system is local, it takes that lock too. */
const SERVER: LockSurroundings = { isLocal: isSurelyLocal, lockWithSocket };
/** Other systems than Linux number their file systems differently: a trail without native code takes their folders for local ones. */
const TRAIL: LockSurroundings = {
  isLocal: async (directory) => process.platform !== "linux" || isSurelyLocal(directory),
  lockWithSocket,
};

/**
 * Takes a data directory for this process, as a server does. A second process is turned away, and the lock dies with its process. A socket is enough on a local file system that has
 * sockets; elsewhere DuckDB's lock is taken too. Rule: LEDGER-2.
 *
 * @throws {AuditError} `LEDGER_LOCKED`, `DATA_UNREADABLE`, `DISK_FULL`.
 */
export async function lockDataDirectory(directory: string, surroundings: LockSurroundings = SERVER): Promise<DataLock> {
  const socket = await surroundings.lockWithSocket(directory);
  try {
    if (socket !== undefined && (await surroundings.isLocal(directory))) return socket;
  } catch (cause) {
    socket?.release();
    throw new AuditError("DATA_UNREADABLE", {
      message: `${directory} cannot be asked for its file system. Check owner and permissions.`,
      cause,
    });
  }
  return withDuckdb(directory, socket);
}

/**
 * The same as a trail in an application does: without native code wherever a socket may be enough. Both exclude each other: both take the socket where there are sockets, and both take DuckDB's lock
 * where the socket is known not to be enough.
 *
 * @throws {AuditError} `LEDGER_LOCKED`, `DATA_UNREADABLE`, `DISK_FULL`.
 */
export function lockWithoutNative(directory: string, surroundings: LockSurroundings = TRAIL): Promise<DataLock> {
  return lockDataDirectory(directory, surroundings);
}

async function withDuckdb(directory: string, socket: DataLock | undefined): Promise<DataLock> {
  try {
    const duckdb = await lockWithDuckdb(directory);
    return {
      release() {
        duckdb.release();
        socket?.release();
      },
    };
  } catch (error) {
    socket?.release();
    throw error;
  }
}

async function isSurelyLocal(directory: string): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const { type } = await statfs(directory);
  return LOCAL_FILE_SYSTEMS.has(type >>> 0);
}
