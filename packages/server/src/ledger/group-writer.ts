import { AuditError } from "@vouchtrail/events";
import { encodeBase64 } from "@vouchtrail/protocol";
import { type AppendQueue, answer, charsOf, type QueuedEntry } from "./append-queue.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { DuplicateFinder } from "./duplicates.ts";
import type { ErasureLog } from "./erasure-log.ts";
import { type FileSystem, replaceFile } from "./file-system.ts";
import { segmentPath } from "./layout.ts";
import type { AppendResult, SealedEntry } from "./ledger.ts";
import type { WriteGate } from "./ledger-state.ts";
import type { LedgerTree } from "./ledger-tree.ts";
import { GROUP_BYTES_MAX, SEGMENT_ENTRIES } from "./limits.ts";
import type { SegmentStore, TextSegment } from "./segment-store.ts";
import { formatHeader, formatLine, formatMarker } from "./segment-text.ts";
import { createSizeWaiters } from "./size-waiters.ts";
import type { TileLevels } from "./tile-levels.ts";

/** A size of the tree and its root hash (32 bytes). */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * Writes what waits in the queue, group by group, and answers it when it is durable.
 *
 * Modes: `idle` --append or job--> `writing` --queue and jobs empty--> `idle`. Jobs at a commit boundary come before the next group.
 *
 * Invariants: an append resolves only after `fdatasync`; a group is written only after the sync of the one before it; a segment is begun only
 * after a checkpoint covers the one before it; whatever fails to be written ends acceptance. Rules: LEDGER-3, LEDGER-4, DURABLE-4.
 */
export interface GroupWriter {
  /** The durable head, never the one in memory. */
  head(): TreeHead;
  append(entries: readonly SealedEntry[]): Promise<readonly AppendResult[]>;
  /** Runs a job while nothing is written. */
  atCommitBoundary<T>(job: () => Promise<T>): Promise<T>;
  /** Entries that wait for their turn, and their characters. */
  pending(): { readonly entries: number; readonly chars: number };
  /** Resolves once that many entries are durable. */
  waitFor(treeSize: number, signal: AbortSignal): Promise<void>;
  /** Resolves when the writer has come to rest. */
  settled(): Promise<void>;
  /** Refuses what waits in the queue, because the ledger failed. Who waits for a size may still read what there is. */
  abandon(refusal: AuditError): void;
  /** Wakes up everybody who waits for a size. */
  close(error: AuditError): void;
}

export interface GroupWriterOptions {
  readonly directory: string;
  readonly origin: string;
  readonly fileSystem: FileSystem;
  readonly queue: AppendQueue;
  readonly tree: LedgerTree;
  readonly levels: Pick<TileLevels, "push">;
  readonly segments: Pick<SegmentStore, "text" | "addText">;
  readonly erasures: Pick<ErasureLog, "add">;
  /** Undefined in a ledger that accepts nothing. */
  readonly duplicates: DuplicateFinder | undefined;
  readonly checkpointer: Pick<Checkpointer, "published" | "request" | "schedule">;
  readonly gate: WriteGate;
  /** Called when the last entry of a segment is durable. */
  readonly onSegmentFull: (first: number) => void;
}

export function createGroupWriter(options: GroupWriterOptions): GroupWriter {
  const { directory, origin, fileSystem, queue, tree, levels, segments, erasures, duplicates, checkpointer, gate } = options;
  let durable: TreeHead = { size: tree.size, root: tree.root() };
  const sizeWaiters = createSizeWaiters();
  const exclusive: { run(): Promise<void>; reject(error: unknown): void }[] = [];
  let isWriting = false;
  let writing: Promise<void> = Promise.resolve();
  let reusable = Buffer.alloc(64 * 1024);

  function start(): void {
    if (isWriting) return;
    isWriting = true;
    writing = writeGroups();
  }

  async function writeGroups(): Promise<void> {
    try {
      while (gate.isAccepting() && (queue.count() > 0 || exclusive.length > 0)) {
        const task = exclusive.shift();
        if (task !== undefined) await task.run();
        else await writeNextGroup();
      }
    } finally {
      // In the same turn as the last look at the queue: what is appended later starts the writer again.
      isWriting = false;
    }
  }

  async function writeNextGroup(): Promise<void> {
    let group: readonly QueuedEntry[] = [];
    try {
      const active = await writableSegment();
      group = queue.take(SEGMENT_ENTRIES - active.count);
      await writeGroup(active, group);
    } catch (error) {
      const refused = new AuditError("OUTCOME_UNKNOWN", { cause: error });
      for (const { request } of group) request.reject(refused);
      gate.fail(error);
    }
  }

  /** The segment that the next entry goes to; begins a new one where the last is full. */
  async function writableSegment(): Promise<TextSegment> {
    const first = Math.floor(durable.size / SEGMENT_ENTRIES) * SEGMENT_ENTRIES;
    const existing = segments.text(first);
    if (existing !== undefined) return existing;
    // A start reads text segments only, so everything below the new one must be under a checkpoint and in tiles.
    if (durable.size > checkpointer.published().size) await checkpointer.request();
    const path = segmentPath(directory, first);
    const header = Buffer.from(formatHeader(origin, first));
    await replaceFile(fileSystem, path, header);
    const file = await fileSystem.openFile(path, "write");
    const segment: TextSegment = {
      kind: "text",
      first,
      file,
      offsets: { starts: new Float64Array(SEGMENT_ENTRIES), lengths: new Uint32Array(SEGMENT_ENTRIES) },
      system: [],
      count: 0,
      bytes: header.length,
    };
    segments.addText(segment);
    return segment;
  }

  async function writeGroup(active: TextSegment, group: readonly QueuedEntry[]): Promise<void> {
    if (duplicates === undefined) throw new AuditError("LEDGER_READ_ONLY");
    const first = durable.size;
    const { fresh, known } = await duplicates.sort(group, first);
    if (fresh.length > 0) {
      await writeEntries(active, fresh, first);
      fresh.forEach((item, i) => {
        const receipt = { origin, id: item.entry.id, index: first + i, leafHash: encodeBase64(item.entry.leafHash) };
        answer(item, { receipt, isDuplicate: false });
      });
      sizeWaiters.reached(durable.size);
      checkpointer.schedule();
    }
    // After the sync: a duplicate of an entry in this very group is durable only now.
    for (const [item, result] of known) answer(item, result);
  }

  async function writeEntries(active: TextSegment, fresh: readonly QueuedEntry[], first: number): Promise<void> {
    let capacity = 128;
    for (const { entry } of fresh) capacity += charsOf(entry) * 3 + 3;
    const buffer = groupBuffer(capacity);
    const { starts, lengths } = active.offsets;
    let at = 0;
    fresh.forEach(({ entry }, i) => {
      const length = buffer.write(formatLine(entry.leaf, entry.disclosures), at);
      const position = active.count + i;
      starts[position] = active.bytes + at;
      lengths[position] = length - 1;
      at += length;
      levels.push(entry.leafHash, tree.append(entry.leafHash));
      if (entry.isSystem) active.system.push(first + i);
    });
    const root = tree.root();
    at += buffer.write(formatMarker(tree.size, root), at);
    await active.file.write(buffer.subarray(0, at), active.bytes);
    await active.file.sync();
    active.bytes += at;
    active.count += fresh.length;
    durable = { size: tree.size, root };
    fresh.forEach(({ entry }, i) => {
      if (entry.isSystem) erasures.add(first + i, entry.leaf);
    });
    if (active.count === SEGMENT_ENTRIES) options.onSegmentFull(active.first);
  }

  function groupBuffer(bytes: number): Buffer {
    if (bytes > 4 * GROUP_BYTES_MAX) return Buffer.allocUnsafe(bytes);
    if (reusable.length < bytes) reusable = Buffer.allocUnsafe(Math.max(bytes, reusable.length * 2));
    return reusable;
  }

  return {
    head: () => durable,
    append(entries) {
      const answered = queue.push(entries);
      start();
      return answered;
    },
    atCommitBoundary: (job) =>
      new Promise((resolve, reject) => {
        gate.assertAccepting();
        exclusive.push({ run: () => job().then(resolve, reject), reject });
        start();
      }),
    pending: () => ({ entries: queue.count(), chars: queue.chars() }),
    async waitFor(treeSize, signal) {
      if (durable.size < treeSize) await sizeWaiters.wait(treeSize, signal);
    },
    settled: () => writing,
    abandon(refusal) {
      queue.rejectAll(refusal);
      for (const task of exclusive.splice(0)) task.reject(refusal);
    },
    close: (error) => sizeWaiters.rejectAll(error),
  };
}
