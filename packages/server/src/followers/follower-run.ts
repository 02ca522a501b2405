import { AuditError } from "@vouchtrail/events/errors";
import type { Clock } from "../clock.ts";
import type { Ledger, StoredEntry } from "../ledger/ledger.ts";
import type { SizeWaiters } from "../ledger/size-waiters.ts";
import { type Apply, EntryRejected } from "./apply.ts";
import { type BatchLimits, createBatchReader } from "./batch-reader.ts";
import { type Cursor, type CursorStore, checkCursor, cursorBehind } from "./cursor.ts";
import { type DeadLetters, deadLetterOf } from "./dead-letters.ts";
import { describeFailure, type Failure } from "./failure.ts";
import type { Progress } from "./follower-state.ts";
import { REJECTIONS_MAX } from "./limits.ts";
import type { FollowerNotice, FollowerObserver } from "./observer.ts";
import { retryDelayMs, type Sleeper } from "./retry.ts";

/** What all runs of one follower share. */
export interface FollowerParts {
  readonly name: string;
  readonly ledger: Pick<Ledger, "origin" | "read" | "head">;
  readonly apply: Apply;
  readonly cursor: CursorStore;
  readonly deadLetters: DeadLetters;
  readonly progress: Progress;
  /** Woken when the ledger has grown. */
  readonly growth: SizeWaiters;
  /** Woken when the follower has gone on. */
  readonly waiters: SizeWaiters;
  readonly sleeper: Sleeper;
  readonly batchLimits: BatchLimits;
  readonly gatherMs: number;
  readonly clock: Clock;
  /** RFC 3339. */
  readonly now: () => string;
  readonly random: () => number;
  readonly observer: FollowerObserver;
  readonly onNotice: (notice: FollowerNotice) => void;
}

/** One way from a cursor to wherever it ends. Only one run of a follower is current. */
export interface Run {
  readonly signal: AbortSignal;
  /** False once the follower was rewound, or closing gave up on it: what still comes back from the store moves nothing. */
  isCurrent: boolean;
  /** Called once the cursor is known and belongs to the ledger. */
  readonly onPlaced: () => void;
}

/** An entry that was rejected is applied alone, after a wait, until it is taken or becomes a dead letter. */
interface Rejection {
  count: number;
  failure: Failure;
  /** It was waited for since the last rejection. */
  isDue: boolean;
}

/**
 * Follows the ledger until the signal aborts.
 *
 * `place` (load the cursor, compare it with the ledger) --> `step` (wait for entries, read a batch, apply it, save the cursor) --> `step` …
 * Any failure: wait, then `place` again where the store itself knows the cursor, else `step` again. What was read is forgotten then.
 *
 * Invariants: one batch is applied at a time, in the order of the ledger; the cursor moves only behind entries that are in the store or durable
 * dead letters. Rules: FOLLOW-1 to FOLLOW-12.
 *
 * @throws {AuditError} `FOLLOWER_DIVERGED`; the signal's reason.
 */
export async function runFollower(parts: FollowerParts, run: Run): Promise<void> {
  const { name, ledger, cursor: store, deadLetters, progress, growth, waiters, sleeper, clock, observer, onNotice } = parts;
  const { signal } = run;
  const rejections = new Map<number, Rejection>();
  let reader = createBatchReader(ledger, parts.batchLimits);
  let ahead: { readonly from: number; readonly batch: Promise<readonly StoredEntry[]> } | undefined;
  let failedCount = 0;

  async function place(): Promise<void> {
    await deadLetters.load();
    const cursor = await store.load();
    const head = await ledger.head();
    if (cursor !== undefined) await checkCursor(name, ledger, head, cursor);
    if (!run.isCurrent) return;
    progress.treeSize = Math.max(progress.treeSize, head.treeSize);
    progress.next = cursor?.next ?? 0;
    progress.isPlaced = true;
    skipPruned(head.minimumIndex);
    waiters.reached(progress.next);
    run.onPlaced();
  }

  function skipPruned(minimumIndex: number): void {
    if (progress.next >= minimumIndex) return;
    onNotice({ kind: "pruned", follower: name, from: progress.next, to: minimumIndex });
    progress.next = minimumIndex;
    waiters.reached(minimumIndex);
  }

  async function step(): Promise<void> {
    if (progress.isPaused) {
      // Nothing of the ledger is kept in memory meanwhile, and afterwards the store is asked where it stands.
      await forget();
      while (progress.isPaused) await sleeper.sleep(signal);
      progress.isPlaced = false;
      return;
    }
    if (progress.next >= progress.treeSize) {
      succeeded();
      await growth.wait(progress.next + 1, signal);
      if (parts.gatherMs > 0) await sleeper.sleep(signal, parts.gatherMs);
      return;
    }
    const batch = await nextBatch();
    const [first] = batch;
    if (first === undefined || progress.isPaused || signal.aborted) return;
    const rejection = rejections.get(first.index);
    if (rejection === undefined) return applyBatch(batch);
    if (rejection.count >= REJECTIONS_MAX) return bury(first, rejection);
    if (rejection.isDue) return applyBatch(batch);
    rejection.isDue = true;
    await forget();
    await backOff(rejection.failure, rejection.count);
  }

  /** The entries that are applied next. None where they were pruned meanwhile. */
  async function nextBatch(): Promise<readonly StoredEntry[]> {
    const { next, treeSize } = progress;
    const isAlone = rejections.has(next);
    const reading = ahead?.from === next ? ahead.batch : reader.read(next, isAlone ? next + 1 : treeSize, signal);
    ahead = undefined;
    let batch: readonly StoredEntry[];
    try {
      batch = await reading;
    } catch (error) {
      if (!(error instanceof AuditError) || error.code !== "ENTRY_PRUNED") throw error;
      const { minimumIndex } = await ledger.head();
      if (minimumIndex <= next) throw error;
      skipPruned(minimumIndex);
      return [];
    }
    if (isAlone) return batch;
    const border = batch.findIndex(({ index }) => rejections.has(index));
    return border < 0 ? batch : batch.slice(0, border);
  }

  async function applyBatch(batch: readonly StoredEntry[]): Promise<void> {
    const cursor = cursorBehind(ledger.origin, batch.at(-1)!);
    const { entriesMax } = parts.batchLimits;
    const startMs = clock.monotonicMs();
    const applying = (async () => parts.apply(batch, cursor, signal))();
    // Only a whole batch is worth it: a short one would go out alone, while the entries that come meanwhile could go with it.
    if (progress.treeSize - cursor.next >= entriesMax) {
      ahead = { from: cursor.next, batch: reader.read(cursor.next, progress.treeSize, signal) };
      ahead.batch.catch(() => {
        // Told when it is its turn.
      });
    }
    try {
      await applying;
    } catch (error) {
      if (!(error instanceof EntryRejected) || !batch.some(({ index }) => index === error.index)) throw error;
      if (run.isCurrent) reject(error);
      await forget();
      return;
    }
    if (!run.isCurrent) return;
    observer.applied(batch.length, (clock.monotonicMs() - startMs) / 1_000);
    await deadLetters.removeRange(batch[0]!.index, cursor.next);
    await moveTo(cursor);
    // Intake has its turn: a reader that finds everything in memory would else keep the event loop to itself.
    await new Promise((resolve) => setImmediate(resolve));
  }

  function reject(error: EntryRejected): void {
    const failure = describeFailure(error);
    observer.failed(failure.code);
    // A dead letter that is met again, as after a rebuild, has one more attempt.
    const before = rejections.get(error.index)?.count ?? (deadLetters.has(error.index) ? REJECTIONS_MAX - 1 : 0);
    rejections.set(error.index, { count: before + 1, failure, isDue: false });
  }

  async function bury(entry: StoredEntry, { count, failure }: Rejection): Promise<void> {
    if (!deadLetters.has(entry.index)) {
      if (deadLetters.isFull()) return pauseBecauseFull();
      await deadLetters.add(deadLetterOf(entry, failure, count, parts.now()));
      observer.deadLettered();
      onNotice({ kind: "dead-letter", follower: name, index: entry.index, failure });
    }
    if (run.isCurrent) await moveTo(cursorBehind(ledger.origin, entry));
  }

  function pauseBecauseFull(): void {
    if (!run.isCurrent) return;
    const failure = describeFailure(new AuditError("DEAD_LETTERS_FULL"));
    progress.isPaused = true;
    progress.lastError = failure;
    observer.failed(failure.code);
    onNotice({ kind: "dead-letters-full", follower: name, failure });
  }

  async function moveTo(cursor: Cursor): Promise<void> {
    await store.save?.(cursor);
    if (!run.isCurrent) return;
    progress.next = cursor.next;
    for (const index of rejections.keys()) if (index < cursor.next) rejections.delete(index);
    succeeded();
    waiters.reached(cursor.next);
  }

  function succeeded(): void {
    if (progress.attempts > 0) onNotice({ kind: "recovered", follower: name, attempts: progress.attempts });
    progress.attempts = 0;
    progress.lastError = undefined;
    failedCount = 0;
  }

  async function backOff(failure: Failure, attempts: number): Promise<void> {
    const delayMs = retryDelayMs(attempts, parts.random());
    progress.attempts = attempts;
    progress.lastError = failure;
    progress.retryAtMs = clock.wallMs() + Math.round(delayMs);
    onNotice({ kind: "failing", follower: name, failure, attempts, retryInMs: Math.round(delayMs) });
    try {
      await sleeper.sleep(signal, delayMs);
    } finally {
      if (run.isCurrent) progress.retryAtMs = undefined;
    }
  }

  /** Drops what was read and not applied, when nothing is being read any more. */
  async function forget(): Promise<void> {
    await ahead?.batch.catch(() => {});
    ahead = undefined;
    reader = createBatchReader(ledger, parts.batchLimits);
  }

  try {
    while (!signal.aborted) {
      try {
        await (progress.isPlaced ? step() : place());
      } catch (error) {
        if (signal.aborted || !run.isCurrent) return;
        if (error instanceof AuditError && error.code === "FOLLOWER_DIVERGED") throw error;
        const failure = describeFailure(error);
        observer.failed(failure.code);
        await forget();
        failedCount += 1;
        await backOff(failure, failedCount);
        if (store.save === undefined) progress.isPlaced = false;
      }
    }
  } finally {
    await forget();
  }
}
