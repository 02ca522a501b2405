import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { AuditError } from "@vouchtrail/events/errors";
import type { OutgoingEvent } from "../../transport.ts";
import { SPOOL_LINE_BYTES_MAX, SPOOL_READ_BYTES } from "./limits.ts";
import type { SpoolFileSystem } from "./spool-folder.ts";
import { decodeRecord } from "./spool-record.ts";

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Reads one file from its start, in batches. */
export interface SpoolReader {
  /** The next events, none at the end of the file. A first event that is too large comes alone. */
  next(limits: { readonly eventsMax: number; readonly bytesMax: number }): Promise<OutgoingEvent[]>;
  /** No event is left. Events that are damaged were passed over. */
  isAtEnd(): Promise<boolean>;
  /** Where the damaged lines read so far are. */
  damaged(): readonly ByteRange[];
  /** How many bytes the file had when it was opened. */
  readonly bytes: number;
  /** The bytes of a range. */
  read(range: ByteRange): Promise<Buffer>;
  close(): Promise<void>;
}

const LINE_BREAK = 0x0a;
const READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * A last line without its line break was never acknowledged: it is passed over. Any other line that is damaged is told of by {@link SpoolReader.damaged}, and what follows it is read.
 *
 * @throws Of the system, or {@link AuditError} `SPOOL_FAILED` when it is no regular file.
 *
 * Rule: SDK-15.
 */
export async function openSpoolReader(fileSystem: SpoolFileSystem, path: string): Promise<SpoolReader> {
  const handle = await fileSystem.open(path, READ);
  try {
    const found = await handle.stat();
    if (!found.isFile())
      throw new AuditError("SPOOL_FAILED", {
        message: "Something in the spool folder has the name of a spool file and is none. Remove it.",
      });
    return createReader(handle, found.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function createReader(handle: FileHandle, bytes: number): SpoolReader {
  /** What was read and not yet given, and where in the file it starts. */
  let held: Buffer = Buffer.alloc(0);
  let heldFrom = 0;
  let isAllRead = false;
  /** Within a line that is too long to be held. */
  let isSkipping = false;
  let upcoming: { readonly event: OutgoingEvent; readonly bytes: number } | undefined;
  const damaged: ByteRange[] = [];

  async function readMore(): Promise<void> {
    const chunk = Buffer.allocUnsafe(Math.max(SPOOL_READ_BYTES, Math.min(held.length, SPOOL_LINE_BYTES_MAX)));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, heldFrom + held.length);
    if (bytesRead === 0) isAllRead = true;
    held = held.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([held, chunk.subarray(0, bytesRead)]);
  }

  function release(count: number): void {
    held = held.subarray(count);
    heldFrom += count;
  }

  function addDamaged(count: number): void {
    const last = damaged.at(-1);
    const range = { from: heldFrom, to: heldFrom + count };
    if (last?.to === range.from) damaged.splice(-1, 1, { from: last.from, to: range.to });
    else damaged.push(range);
  }

  /** Moves on to the next event that can be read. */
  async function advance(): Promise<void> {
    let searched = 0;
    while (upcoming === undefined) {
      const end = held.indexOf(LINE_BREAK, searched);
      if (end === -1) {
        searched = held.length;
        if (isAllRead) return;
        if (held.length > SPOOL_LINE_BYTES_MAX) {
          addDamaged(held.length);
          release(held.length);
          isSkipping = true;
          searched = 0;
        }
        await readMore();
        continue;
      }
      const event = isSkipping ? undefined : decodeRecord(held.subarray(0, end));
      if (event === undefined) addDamaged(end + 1);
      else upcoming = { event, bytes: end + 1 };
      isSkipping = false;
      release(end + 1);
      searched = 0;
    }
  }

  return {
    bytes,
    async next({ eventsMax, bytesMax }) {
      const events: OutgoingEvent[] = [];
      let taken = 0;
      while (events.length < eventsMax) {
        await advance();
        if (upcoming === undefined || (events.length > 0 && taken + upcoming.bytes > bytesMax)) break;
        events.push(upcoming.event);
        taken += upcoming.bytes;
        upcoming = undefined;
      }
      return events;
    },
    async isAtEnd() {
      await advance();
      return upcoming === undefined;
    },
    damaged: () => damaged,
    async read({ from, to }) {
      const chunk = Buffer.alloc(to - from);
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, from);
      return chunk.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  };
}
