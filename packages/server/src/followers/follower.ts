import { join } from "node:path";
import { AuditError } from "@vouchtrail/events/errors";
import { type Clock, systemClock } from "../clock.ts";
import { type FileSystem, nodeFileSystem } from "../ledger/file-system.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { createSizeWaiters } from "../ledger/size-waiters.ts";
import type { Apply } from "./apply.ts";
import type { CursorStore } from "./cursor.ts";
import { createFileCursorStore } from "./cursor-file.ts";
import { createDeadLetters, type DeadLetter } from "./dead-letters.ts";
import { describeFailure } from "./failure.ts";
import { type FollowerParts, type Run, runFollower } from "./follower-run.ts";
import { createProgress, type FollowerState, viewProgress } from "./follower-state.ts";
import { BATCH_CHARS_MAX, BATCH_ENTRIES_MAX, CLOSE_GRACE_MS, DEAD_LETTERS_MAX, GATHER_MS_MAX } from "./limits.ts";
import type { FollowerNotice, FollowerObserver } from "./observer.ts";
import { createSleeper, isEndedWithin, retryDelayMs, systemTimers, type Timers } from "./retry.ts";

export interface FollowOptions {
  /** `followers/` of the data directory. It exists. */
  readonly directory: string;
  /** A file `<name>.json` in the directory unless given. */
  readonly cursor?: CursorStore;
  /** RFC 3339, as `received.at`. */
  readonly now: () => string;
  readonly observer?: FollowerObserver;
  readonly onNotice?: (notice: FollowerNotice) => void;
  /** The defaults stand in `limits.ts`. */
  readonly limits?: { readonly batchEntriesMax?: number; readonly batchCharsMax?: number; readonly deadLettersMax?: number };
  /** How long a first entry waits for more, in milliseconds, at most {@link GATHER_MS_MAX}. 0 unless given: it is applied at once. */
  readonly gatherMs?: number;
  readonly closeGraceMs?: number;
  readonly fileSystem?: FileSystem;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** Numbers in [0, 1). */
  readonly random?: () => number;
}

/** The engine of one follower. Every method may be called in every state. */
export interface Follower extends AsyncDisposable {
  readonly name: string;
  state(): FollowerState;
  /** Entries that its store lacks, because it refused each of them every time. */
  deadLetters(): readonly DeadLetter[];
  /** A batch that is being applied is finished; nothing further is. Rule: FOLLOW-13. */
  pause(): void;
  /** Goes on after a pause, and at once where it waits to retry. */
  resume(): void;
  /**
   * Resolves once everything below that index is applied, or set aside.
   * @throws {AuditError} `FOLLOWER_DIVERGED`, `SHUTTING_DOWN`, `RANGE_INVALID`; the signal's reason.
   */
  waitFor(next: number, signal: AbortSignal): Promise<void>;
  /**
   * Ends what is being applied, asks the cursor store again and goes on from there: after a store lost its tail, or to build it anew.
   *
   * @param prepare Runs when nothing is being applied: the moment to empty the store and its cursor. When it rejects, the follower goes on from
   * wherever the store now is, and this rejects with the same.
   * @returns Resolves once the store has told where to go on. @throws {AuditError} `FOLLOWER_DIVERGED`, `SHUTTING_DOWN`.
   */
  rewind(prepare?: () => Promise<void>): Promise<void>;
  /** Aborts what is being applied and waits for its end, but not for ever. To be called before the ledger is closed. */
  close(): Promise<void>;
}

/** Part of file names and of metrics. */
const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/**
 * Reads a ledger from a durable cursor on and applies it to a store, batch by batch, for as long as both exist.
 *
 * `starting` --cursor belongs to the ledger--> `following` <--> `waiting` ; any of them --failure--> `retrying` --success--> `following` ;
 * `starting` --cursor of another ledger--> `diverged` --rewind--> `starting` ; any --pause--> `paused` --resume--> ; any --close--> `stopped`.
 *
 * It rests on the ledger alone: intake never waits for it, and it reads durable entries only. Invariants: see {@link runFollower}.
 * Rules: FOLLOW-1 to FOLLOW-21.
 *
 * @param name Lower case letters, digits and hyphens; unique in the data directory.
 * @throws {AuditError} `CONFIG_INVALID` for another name.
 */
export function follow(
  name: string,
  ledger: Pick<Ledger, "origin" | "read" | "head" | "waitFor">,
  apply: Apply,
  options: FollowOptions,
): Follower {
  if (!NAME.test(name)) {
    throw new AuditError("CONFIG_INVALID", {
      message: "A follower's name is 1 to 63 lower case letters, digits and hyphens, a letter first.",
    });
  }
  const parts = createParts(name, ledger, apply, options);
  const { deadLetters, progress, growth, waiters, sleeper, random, observer, onNotice } = parts;
  const stopping = new AbortController();
  let run: Run & { readonly controller: AbortController };
  /** The run's end, and that of every change from one run to the next. Never reject. */
  let running: Promise<void> = Promise.resolve();
  let rewinding: Promise<void> = Promise.resolve();
  let closing: Promise<void> | undefined;

  /** Resolves once the cursor is known; rejects when the run ends before that. */
  function begin(): Promise<void> {
    const controller = new AbortController();
    progress.ended = undefined;
    progress.isPlaced = false;
    progress.attempts = 0;
    progress.retryAtMs = undefined;
    progress.lastError = undefined;
    const placed = new Promise<void>((resolve, reject) => {
      const current = { controller, signal: controller.signal, isCurrent: true, onPlaced: resolve };
      run = current;
      running = runFollower(parts, current).then(
        () => reject(current.signal.reason),
        (error: unknown) => reject(current.signal.aborted ? current.signal.reason : ended(error)),
      );
    });
    // Who rewinds is told; the first run has nobody to tell.
    placed.catch(() => {});
    return placed;
  }

  /** Anything but a divergence is a fault of this program: what is not understood is not followed. */
  function ended(cause: unknown): AuditError {
    const isDivergence = cause instanceof AuditError && cause.code === "FOLLOWER_DIVERGED";
    const error = isDivergence ? cause : new AuditError("INTERNAL", { cause });
    progress.lastError = describeFailure(error);
    end(isDivergence ? "diverged" : "stopped", error);
    observer.failed(error.code);
    onNotice({ kind: isDivergence ? "diverged" : "broken", follower: name, error });
    return error;
  }

  function end(state: "diverged" | "stopped", error: AuditError): void {
    progress.ended = { state, error };
    waiters.rejectAll(error);
  }

  async function watchHead(): Promise<void> {
    const { signal } = stopping;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const { treeSize } = await ledger.head();
        progress.treeSize = Math.max(progress.treeSize, treeSize);
        growth.reached(treeSize);
        await ledger.waitFor(treeSize + 1, signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof AuditError && error.code === "SHUTTING_DOWN") {
          void close();
          return;
        }
        failures += 1;
        const failure = describeFailure(error);
        const retryInMs = Math.round(retryDelayMs(failures, random()));
        observer.failed(failure.code);
        onNotice({ kind: "failing", follower: name, failure, attempts: failures, retryInMs });
        await sleeper.sleep(signal, retryInMs).catch(() => {});
      }
    }
  }

  async function replaceRun(prepare: () => Promise<void>): Promise<{ readonly placed: Promise<void> }> {
    assertOpen();
    run.isCurrent = false;
    progress.isPlaced = false;
    run.controller.abort(new AuditError("SHUTTING_DOWN", { message: "The follower was rewound once more." }));
    await running;
    assertOpen();
    let placed: Promise<void> | undefined;
    try {
      await prepare();
    } finally {
      if (closing === undefined) placed = begin();
    }
    assertOpen();
    return { placed: placed ?? Promise.resolve() };
  }

  function assertOpen(): void {
    if (closing !== undefined) throw new AuditError("SHUTTING_DOWN");
  }

  async function finish(): Promise<void> {
    const stopped = new AuditError("SHUTTING_DOWN");
    end("stopped", stopped);
    stopping.abort(stopped);
    run.controller.abort(stopped);
    const allEnded = Promise.all([running, rewinding, watching]);
    const isEnded = await isEndedWithin(allEnded, options.closeGraceMs ?? CLOSE_GRACE_MS, options.timers ?? systemTimers);
    run.isCurrent = false;
    if (!isEnded) onNotice({ kind: "abandoned", follower: name });
  }

  function close(): Promise<void> {
    closing ??= finish();
    return closing;
  }

  begin();
  const watching = watchHead();

  return {
    name,
    state: () => viewProgress(name, progress, deadLetters.list().length),
    deadLetters: deadLetters.list,
    pause() {
      progress.isPaused = true;
    },
    resume() {
      progress.isPaused = false;
      sleeper.wakeAll();
    },
    async waitFor(next, signal) {
      if (!Number.isSafeInteger(next) || next < 0) throw new AuditError("RANGE_INVALID", { message: "An index is a whole number from 0." });
      signal.throwIfAborted();
      if (progress.ended !== undefined) throw progress.ended.error;
      if (!progress.isPlaced || progress.next < next) await waiters.wait(next, signal);
    },
    rewind(prepare = async () => {}) {
      const begun = rewinding.then(() => replaceRun(prepare));
      rewinding = begun.then(
        () => {},
        () => {},
      );
      return begun.then(({ placed }) => placed);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createParts(name: string, ledger: Pick<Ledger, "origin" | "read" | "head">, apply: Apply, options: FollowOptions): FollowerParts {
  const { directory, limits = {}, fileSystem = nodeFileSystem } = options;
  return {
    name,
    ledger,
    apply,
    cursor: options.cursor ?? createFileCursorStore(fileSystem, join(directory, `${name}.json`)),
    deadLetters: createDeadLetters({
      fileSystem,
      path: join(directory, `${name}.dead.ndjson`),
      origin: ledger.origin,
      countMax: limits.deadLettersMax ?? DEAD_LETTERS_MAX,
    }),
    progress: createProgress(),
    growth: createSizeWaiters(),
    waiters: createSizeWaiters(),
    sleeper: createSleeper(options.timers ?? systemTimers),
    batchLimits: {
      entriesMax: Math.max(1, limits.batchEntriesMax ?? BATCH_ENTRIES_MAX),
      charsMax: limits.batchCharsMax ?? BATCH_CHARS_MAX,
    },
    gatherMs: Math.min(GATHER_MS_MAX, options.gatherMs ?? 0),
    clock: options.clock ?? systemClock,
    now: options.now,
    random: options.random ?? Math.random,
    observer: options.observer ?? SILENT,
    onNotice: options.onNotice ?? (() => {}),
  };
}

const SILENT: FollowerObserver = { applied() {}, failed() {}, deadLettered() {} };
