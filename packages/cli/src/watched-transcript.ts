import { type FileHandle, open } from "node:fs/promises";
import { WATCH_FORGET_MS, WATCH_QUIET_MS, WATCH_READ_BYTES, WATCH_SAMPLE_BYTES, WATCH_SENT_IDS_MAX } from "./limits.ts";
import { type Cutter, createLineCutter } from "./record-source.ts";
import { createShapeReader, type OutgoingEvent, type ReadRecord, type ShapeReader, type ShapeReaderOptions } from "./shape-reader.ts";

/** One transcript that is followed while it grows. */
export interface WatchedTranscript {
  /**
   * Reads what was added since the last look, or everything anew when it is not the file that it was.
   *
   * @param nowMs Milliseconds since 1970.
   * @param deliver Sends events; when it throws, the next look reads the file from its start.
   * @param isLast Nothing follows: what waits for the end of the file is given now, quiet or not.
   * @returns false when the file is not there.
   */
  look(nowMs: number, deliver: Deliver, isLast: boolean): Promise<boolean>;
  /** Requests without a cost, by model: of everything read so far. */
  unpricedRequests(): ReadonlyMap<string, number>;
}

/** Sends events and resolves when the server has answered for all of them. */
export type Deliver = (events: AsyncIterable<OutgoingEvent>) => Promise<void>;

interface Reading {
  readonly reader: ShapeReader;
  readonly cutter: Cutter;
}

interface Place {
  readonly inode: number;
  readonly modifiedMs: number;
  readonly offset: number;
  /** The first bytes, and those in front of `offset`. */
  readonly head: Buffer;
  readonly tail: Buffer;
}

/**
 * Opens a transcript for watching; nothing is read before the first look.
 *
 * The reader stays open while the file grows, so that each byte is read once. A file that was quiet for {@link WATCH_QUIET_MS} is read to its
 * end: calls without a result are told as intents. When it grows after that, or is another file than before (smaller, other first or last bytes),
 * it is read anew from its start; what was sent before is not sent again as long as its ids are remembered, and harmless where they are not.
 * Rules: MAPPING-45, MAPPING-46.
 */
export function createWatchedTranscript(file: string, options: ShapeReaderOptions): WatchedTranscript {
  let reading: Reading | undefined;
  let place: Place | undefined;
  /** Status by id. Undefined once there are too many, or after the file was quiet for long. */
  let sent: Map<string, string> | undefined = new Map();
  let unpriced: ReadonlyMap<string, number> = new Map();

  async function look(nowMs: number, deliver: Deliver, isLast: boolean): Promise<boolean> {
    let handle: FileHandle;
    try {
      handle = await open(file, "r");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
      throw error;
    }
    try {
      const { size, mtimeMs, ino } = await handle.stat();
      const isSame = place !== undefined && place.inode === ino && place.offset === size && place.modifiedMs === mtimeMs;
      const isQuiet = isLast || nowMs - mtimeMs >= WATCH_QUIET_MS;
      if (isSame && (reading === undefined || !isQuiet)) {
        if (nowMs - mtimeMs >= WATCH_FORGET_MS) sent = undefined;
        return true;
      }
      if (!isSame && !(await isGrown(handle, ino, size))) place = undefined;
      // What has ended cannot go on: a call that was told as an intent may have its result now.
      if (place === undefined || reading === undefined) {
        place = undefined;
        reading = { reader: createShapeReader("claude-code-transcript", options), cutter: createLineCutter() };
        sent ??= new Map();
      }
      await readOn(handle, { size, mtimeMs, ino }, nowMs, isQuiet, deliver);
      return true;
    } finally {
      await handle.close();
    }
  }

  async function readOn(
    handle: FileHandle,
    { size, mtimeMs, ino }: { readonly size: number; readonly mtimeMs: number; readonly ino: number },
    nowMs: number,
    isQuiet: boolean,
    deliver: Deliver,
  ): Promise<void> {
    if (reading === undefined) return;
    const { reader, cutter } = reading;
    const from = place?.offset ?? 0;
    const given: { readonly id: string; readonly status: string }[] = [];
    async function* events(): AsyncGenerator<OutgoingEvent> {
      for await (const chunk of readRange(handle, from, size)) {
        for (const record of cutter.push(chunk)) yield* fresh(reader.push(record));
      }
      if (!isQuiet) return;
      for (const record of cutter.end()) yield* fresh(reader.push(record));
      yield* fresh(reader.end());
    }
    function* fresh(results: readonly ReadRecord[]): Generator<OutgoingEvent> {
      for (const result of results) {
        if (!("event" in result)) continue;
        const { told } = result.event;
        if (told !== undefined && sent?.get(told.id) === told.status) continue;
        if (told !== undefined) given.push(told);
        yield result.event;
      }
    }
    const before = place;
    try {
      await deliver(events());
    } catch (error) {
      // How far the server took it is not known, and the reader has gone on: the file has everything, so it is read again.
      reading = undefined;
      place = undefined;
      throw error;
    }
    for (const { id, status } of given) sent?.set(id, status);
    if ((sent?.size ?? 0) > WATCH_SENT_IDS_MAX || nowMs - mtimeMs >= WATCH_FORGET_MS) sent = undefined;
    unpriced = reader.counts.unpricedRequests;
    if (isQuiet) reading = undefined;
    const head = before?.head.length === WATCH_SAMPLE_BYTES ? before.head : await readBytes(handle, 0, Math.min(size, WATCH_SAMPLE_BYTES));
    const tail = await readBytes(handle, Math.max(0, size - WATCH_SAMPLE_BYTES), size);
    place = { inode: ino, modifiedMs: mtimeMs, offset: size, head, tail };
  }

  /** Whether the file is what was read, and more behind it. */
  async function isGrown(handle: FileHandle, inode: number, size: number): Promise<boolean> {
    if (place === undefined || place.inode !== inode || size <= place.offset) return false;
    const { head, tail, offset } = place;
    return (await readBytes(handle, 0, head.length)).equals(head) && (await readBytes(handle, offset - tail.length, offset)).equals(tail);
  }

  return { look, unpricedRequests: () => unpriced };
}

async function readBytes(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(to - from);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, from + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

async function* readRange(handle: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const bytes = await readBytes(handle, at, Math.min(to, at + WATCH_READ_BYTES));
    if (bytes.length === 0) return;
    yield bytes;
    at += bytes.length;
  }
}
