import { AuditError } from "@vouchtrail/events";
import type { AppendResult, SealedEntry } from "./ledger.ts";
import { GROUP_BYTES_MAX, GROUP_ENTRIES_MAX, PENDING_CHARS_MAX, PENDING_ENTRIES_MAX } from "./limits.ts";

/** One call of `append`: answered when all its entries are. */
interface Request {
  readonly results: (AppendResult | undefined)[];
  remaining: number;
  resolve(results: readonly AppendResult[]): void;
  reject(error: unknown): void;
}

/** One entry on its way to the disk, and the place of its answer. */
export interface QueuedEntry {
  readonly entry: SealedEntry;
  readonly request: Request;
  readonly position: number;
}

/**
 * Entries that wait for the writer, in the order in which they came.
 *
 * Invariant: what waits is bounded in entries and characters, but an append to an empty queue is always taken. Rule: LEDGER-12.
 */
export interface AppendQueue {
  /** Entries that wait. */
  count(): number;
  /** Their length in UTF-16 units. */
  chars(): number;
  /** Resolves when every entry was answered with `answer`. @throws {AuditError} `PUSHBACK`; then nothing was taken. */
  push(entries: readonly SealedEntry[]): Promise<readonly AppendResult[]>;
  /** Removes the entries of the next group: at most `countMax`, at least one if any waits. */
  take(countMax: number): readonly QueuedEntry[];
  rejectAll(error: unknown): void;
}

export function createAppendQueue(pendingEntriesMax = PENDING_ENTRIES_MAX): AppendQueue {
  const queue: QueuedEntry[] = [];
  // Taken entries are cut off in large pieces: shifting one by one would cost the length of the queue each time.
  let start = 0;
  let pendingChars = 0;

  return {
    count: () => queue.length - start,
    chars: () => pendingChars,
    async push(entries) {
      let chars = 0;
      for (const entry of entries) chars += charsOf(entry);
      const waiting = queue.length - start;
      if (waiting > 0 && (waiting + entries.length > pendingEntriesMax || pendingChars + chars > PENDING_CHARS_MAX)) {
        throw new AuditError("PUSHBACK", { detail: { entries: waiting } });
      }
      if (entries.length === 0) return [];
      return new Promise((resolve, reject) => {
        const request: Request = { results: new Array(entries.length), remaining: entries.length, resolve, reject };
        entries.forEach((entry, position) => {
          queue.push({ request, position, entry });
        });
        pendingChars += chars;
      });
    },
    take(countMax) {
      const endMax = Math.min(queue.length, start + Math.min(countMax, GROUP_ENTRIES_MAX));
      let chars = 0;
      let end = start;
      while (end < endMax) {
        const size = charsOf(queue[end]!.entry);
        if (end > start && chars + size > GROUP_BYTES_MAX) break;
        chars += size;
        end += 1;
      }
      const group = queue.slice(start, end);
      pendingChars -= chars;
      start = end;
      if (start === queue.length) {
        queue.length = 0;
        start = 0;
      } else if (start > PENDING_ENTRIES_MAX) {
        queue.splice(0, start);
        start = 0;
      }
      return group;
    },
    rejectAll(error) {
      const requests = new Set(queue.slice(start).map((item) => item.request));
      queue.length = 0;
      start = 0;
      pendingChars = 0;
      for (const request of requests) request.reject(error);
    },
  };
}

/** Answers one entry; with the last one of its request, the caller. */
export function answer({ request, position }: QueuedEntry, result: AppendResult): void {
  request.results[position] = result;
  request.remaining -= 1;
  if (request.remaining === 0) request.resolve(request.results as AppendResult[]);
}

/** UTF-16 units of all texts of an entry. */
export function charsOf(entry: SealedEntry): number {
  return entry.leaf.length + (entry.disclosures.personal?.length ?? 0) + (entry.disclosures.content?.length ?? 0);
}
