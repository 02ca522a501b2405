import * as promises from "node:fs/promises";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditError } from "@vouchtrail/events/errors";
import type { Clock } from "../../packages/sdk/src/clock.ts";
import { type FileSpoolMachine, type FileSpoolOptions, openFileSpool } from "../../packages/sdk/src/node/spool/file-spool.ts";
import type { SpoolFileSystem } from "../../packages/sdk/src/node/spool/spool-folder.ts";
import type { Spool } from "../../packages/sdk/src/spool.ts";
import type { OutgoingEvent } from "../../packages/sdk/src/transport.ts";

export const ALL = { eventsMax: 1_000, bytesMax: 4 * 1_048_576 };

export interface ManualClock extends Clock {
  advance(ms: number): void;
}

/** A folder for spools, itself not made yet, in a folder of its own. */
export interface SpoolFolder {
  /** Of the folder, or of something in it. */
  path(name?: string): string;
  names(): Promise<string[]>;
  /** A clock that stands: as late as the folder was made, and so much later. */
  clock(aheadMs?: number): ManualClock;
  /** A spool in the folder, closed with it. */
  open(options?: Partial<FileSpoolOptions>, machine?: Partial<FileSpoolMachine>): Spool;
  close(): Promise<void>;
}

export async function openSpoolFolder(): Promise<SpoolFolder> {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-spool-"));
  // Files carry the time of the machine.
  const { mtimeMs: startMs } = await stat(root);
  const directory = join(root, "spool");
  const spools: Spool[] = [];

  function clock(aheadMs = 0): ManualClock {
    let elapsedMs = aheadMs;
    return {
      wallMs: () => startMs + elapsedMs,
      nowMs: () => elapsedMs,
      after: () => ({ cancel: () => undefined }),
      advance(ms) {
        elapsedMs += ms;
      },
    };
  }

  return {
    path: (name = "") => join(directory, name),
    names: async () => (await readdir(directory)).toSorted(),
    clock,
    open(options = {}, machine = {}) {
      const spool = openFileSpool({ directory, ...options }, { clock: clock(), fileSystem: promises, ...machine });
      spools.push(spool);
      return spool;
    },
    async close() {
      for (const spool of spools) await spool.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export const event = (i: number | string, text = "x"): OutgoingEvent => ({ id: `id-${i}`, json: JSON.stringify({ i, text }) });
export const events = (from: number, to: number): OutgoingEvent[] => Array.from({ length: to - from }, (_, i) => event(from + i));
export const ids = (some: readonly OutgoingEvent[]): string[] => some.map(({ id }) => id);

/** Everything that the spool gives. */
export async function drain(spool: Spool): Promise<OutgoingEvent[]> {
  const drained: OutgoingEvent[] = [];
  for (let batch = await spool.take(ALL); batch !== undefined; batch = await spool.take(ALL)) {
    drained.push(...batch.events);
    await batch.done();
  }
  return drained;
}

/** The code of the error, or `no error`. */
export function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "no error",
    (error: AuditError) => error.code,
  );
}

/** The real file system, with something to happen before calls of it. */
export function watchedFileSystem(before: (call: "sync" | "lstat", path: string) => Promise<void>): SpoolFileSystem {
  return {
    ...promises,
    open: (async (path: string, flags: number, mode: number) => {
      const handle = await promises.open(path, flags, mode);
      const sync = handle.sync.bind(handle);
      handle.sync = async () => {
        await before("sync", String(path));
        await sync();
      };
      return handle;
    }) as typeof promises.open,
    lstat: (async (path: string, options: { bigint: true }) => {
      await before("lstat", String(path));
      return promises.lstat(path, options);
    }) as typeof promises.lstat,
  };
}

/** The real file system, in which writes to spool files go through `write`. */
export function fileSystemWriting(
  write: (handle: { write(bytes: Buffer): Promise<{ bytesWritten: number }> }, bytes: Buffer) => Promise<{ bytesWritten: number }>,
): SpoolFileSystem {
  return {
    ...promises,
    open: (async (path: string, flags: number, mode: number) => {
      const handle = await promises.open(path, flags, mode);
      const real = handle.write.bind(handle) as (bytes: Buffer) => Promise<{ bytesWritten: number }>;
      handle.write = (async (bytes: Buffer, at: number, length: number) =>
        await write({ write: real }, bytes.subarray(at, at + length))) as typeof handle.write;
      return handle;
    }) as typeof promises.open,
  };
}
