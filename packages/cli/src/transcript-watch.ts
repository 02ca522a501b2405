import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "./client.ts";
import { nowMs } from "./clock.ts";
import { CommandError } from "./command-error.ts";
import { isFileFault } from "./file-fault.ts";
import { createSender } from "./sender.ts";
import type { OutgoingEvent, Refusal, ShapeReaderOptions } from "./shape-reader.ts";
import { findTranscripts, holdsTranscript, readTranscriptName } from "./transcript-folder.ts";
import { createWatchedTranscript, type WatchedTranscript } from "./watched-transcript.ts";

export interface WatchCounts {
  files: number;
  events: number;
  stored: number;
  duplicates: number;
  refused: number;
}

/** Told what a watch does. */
export interface WatchObserver {
  /** Events of one file were answered for. `name` is `session X` or `session X, subagent Y`. */
  sent(name: string, counts: Omit<WatchCounts, "files">): void;
  refused(file: string, refusal: Refusal): void;
  retrying(error: Error, delayMs: number): void;
  /** Something did not go through and will be tried again. */
  troubled(message: string): void;
}

export interface WatchOptions {
  /** Files and folders. */
  readonly places: readonly string[];
  readonly intervalMs: number;
  readonly reader: ShapeReaderOptions;
  /** Ends the watch: what is there is finished first. */
  readonly stop: AbortSignal;
}

export interface WatchEnd {
  readonly counts: Readonly<WatchCounts>;
  readonly unpricedRequests: ReadonlyMap<string, number>;
  /** Files of which not everything could be sent. */
  readonly unsentFiles: readonly string[];
}

/**
 * Sends what is in transcripts, and what comes, until it is told to stop. Files are looked at by turns, by size and time of change: events of a
 * file system are lost or not recursive on some systems. All state is in memory; the files are the spool, so after a fault or a restart they are
 * read again, and their ids make that harmless. Rules: MAPPING-44 to MAPPING-47.
 *
 * @throws {AuditError} What concerns the sender as a whole and does not pass, such as a wrong key.
 */
export async function watchTranscripts(client: Pick<Client, "send">, options: WatchOptions, observer: WatchObserver): Promise<WatchEnd> {
  const { places, intervalMs, reader, stop } = options;
  const watched = new Map<string, WatchedTranscript>();
  const passedOver = new Set<string>();
  const counts: WatchCounts = { files: 0, events: 0, stored: 0, duplicates: 0, refused: 0 };
  const unsent = new Set<string>();

  /** One wait between two attempts; cut short when the watch is to end. */
  const wait = async (ms: number): Promise<void> => {
    if (!stop.aborted) await delay(ms, undefined, { signal: stop }).catch(() => undefined);
  };

  function tellOnce(key: string, message: string): void {
    if (passedOver.has(key)) return;
    passedOver.add(key);
    observer.troubled(message);
  }

  /** Size of each file in a folder that is no transcript: one that was empty may become one. */
  const oddSizes = new Map<string, number>();

  async function isWanted(file: string): Promise<boolean> {
    if (watched.has(file) || places.includes(file) || readTranscriptName(file).kind !== "other") return true;
    const { size } = await stat(file);
    if (oddSizes.get(file) === size) return false;
    oddSizes.set(file, size);
    return holdsTranscript(file);
  }

  async function filesNow(): Promise<string[]> {
    const files: string[] = [];
    for (const place of places) {
      let isFolder: boolean;
      try {
        isFolder = (await stat(place)).isDirectory();
      } catch {
        tellOnce(place, `${place} is not there yet. Waiting for it.`);
        continue;
      }
      if (!isFolder) {
        files.push(place);
        continue;
      }
      const found = await findTranscripts(place);
      files.push(...found.files);
      for (const folder of found.unreadableFolders) tellOnce(folder, `${folder} cannot be read and is passed over.`);
      if (found.isCut) tellOnce(`${place}\0`, `${place} holds too many transcripts; the rest is passed over.`);
    }
    return files;
  }

  async function lookAt(file: string, isLast: boolean): Promise<void> {
    if (!(await isWanted(file))) return;
    const name = readTranscriptName(file);
    let transcript = watched.get(file);
    if (transcript === undefined) {
      transcript = createWatchedTranscript(file, { ...reader, sessionId: name.sessionId, subagentId: name.subagentId });
      watched.set(file, transcript);
      counts.files += 1;
    }
    const deliver = async (events: AsyncIterable<OutgoingEvent>): Promise<void> => {
      const batch = { events: 0, stored: 0, duplicates: 0, refused: 0 };
      const sender = createSender(
        client,
        {
          stored: (count) => (batch.stored += count),
          duplicate: (count) => (batch.duplicates += count),
          refused: (refusal) => {
            batch.refused += 1;
            observer.refused(file, refusal);
          },
          retrying: observer.retrying,
        },
        wait,
      );
      try {
        for await (const event of events) {
          batch.events += 1;
          await sender.add(event);
        }
        await sender.finish();
      } finally {
        for (const key of ["events", "stored", "duplicates", "refused"] as const) counts[key] += batch[key];
      }
      if (batch.events > 0) observer.sent(displayName(file), batch);
    };
    if (!(await transcript.look(nowMs(), deliver, isLast))) watched.delete(file);
    unsent.delete(file);
  }

  async function lookAtAll(isLast: boolean): Promise<void> {
    const found = await filesNow();
    const there = new Set(found);
    for (const file of watched.keys()) if (!there.has(file)) watched.delete(file);
    for (const file of unsent) if (!there.has(file)) tellOnce(`${file}\0`, `${file} is gone, and not everything in it was sent.`);
    // What was not begun when the stop came is for the next start.
    const files = isLast ? found.filter((file) => watched.has(file)) : found;
    for (const [position, file] of files.entries()) {
      if (stop.aborted && !isLast) return;
      try {
        await lookAt(file, isLast);
      } catch (error) {
        if (error instanceof CommandError) {
          // The server is away: the other files would fare no better.
          observer.troubled(
            `${(error.cause instanceof Error ? error.cause : error).message} What was not sent is read again from its file.`,
          );
          for (const other of isLast ? files.slice(position) : [file]) unsent.add(other);
          return;
        }
        if (!isFileFault(error)) throw error;
        // Gone between two steps: as if it had been gone before.
        if (error.code === "ENOENT") continue;
        unsent.add(file);
        tellOnce(file, `${file} cannot be read (${error.code}). It is tried again at every look.`);
      }
    }
  }

  while (!stop.aborted) {
    await lookAtAll(false);
    await wait(intervalMs);
  }
  await lookAtAll(true);
  const unpriced = new Map<string, number>();
  for (const transcript of watched.values()) {
    for (const [model, count] of transcript.unpricedRequests()) unpriced.set(model, (unpriced.get(model) ?? 0) + count);
  }
  return { counts, unpricedRequests: unpriced, unsentFiles: [...unsent] };
}

/** `session X` or `session X, subagent Y`, as far as the file's name tells. */
function displayName(file: string): string {
  const { sessionId, subagentId } = readTranscriptName(file);
  const session = sessionId === undefined && subagentId !== undefined ? undefined : `session ${sessionId ?? basename(file, ".jsonl")}`;
  return [session, subagentId === undefined ? undefined : `subagent ${subagentId}`].filter((part) => part !== undefined).join(", ");
}
