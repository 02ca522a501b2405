import type { Failure } from "./failure.ts";

/**
 * What a follower is doing.
 *
 * - `starting`: it asks where to go on; `next` is not known yet.
 * - `following`: there are entries to apply. `waiting`: it has caught up.
 * - `retrying`: the last attempt failed; it tries again by itself.
 * - `paused`: by `pause`, or because its dead letters are full. `resume` goes on.
 * - `diverged`: the ledger is not the one that it has read. Nothing is applied; `rewind` looks again.
 * - `stopped`: closed, or its ledger is, or this program has a fault; the last is looked at again by `rewind`.
 */
export type FollowerStateName = "starting" | "following" | "waiting" | "retrying" | "paused" | "diverged" | "stopped";

export const FOLLOWER_STATES: readonly FollowerStateName[] = [
  "starting",
  "following",
  "waiting",
  "retrying",
  "paused",
  "diverged",
  "stopped",
];

/** A follower as seen from outside. Holds no content of events. */
export interface FollowerState {
  readonly name: string;
  readonly state: FollowerStateName;
  /** Index of the next entry to apply; 0 while `starting` for the first time. */
  readonly next: number;
  /** Durable entries of the ledger, as last heard. */
  readonly treeSize: number;
  /** Entries that are not applied yet. Before the follower knows where it stands: all of them. */
  readonly lagEntries: number;
  /** Attempts that failed since the last one that succeeded. */
  readonly attempts: number;
  /** Unix time in milliseconds. */
  readonly retryAtMs?: number;
  /** Of the last attempt that failed; absent after one that succeeded. */
  readonly lastError?: Failure;
  readonly deadLetters: number;
}

/** The mutable side, shared by the parts of one follower. */
export interface Progress {
  next: number;
  treeSize: number;
  /** The cursor was loaded and belongs to the ledger. */
  isPlaced: boolean;
  isPaused: boolean;
  attempts: number;
  retryAtMs: number | undefined;
  lastError: Failure | undefined;
  /** Why nothing will be applied any more. */
  ended: { readonly state: "diverged" | "stopped"; readonly error: Error } | undefined;
}

export function createProgress(): Progress {
  return {
    next: 0,
    treeSize: 0,
    isPlaced: false,
    isPaused: false,
    attempts: 0,
    retryAtMs: undefined,
    lastError: undefined,
    ended: undefined,
  };
}

export function viewProgress(name: string, progress: Progress, deadLetters: number): FollowerState {
  const { next, treeSize, attempts, retryAtMs, lastError } = progress;
  const state = stateName(progress);
  return {
    name,
    state,
    next,
    treeSize,
    lagEntries: Math.max(0, treeSize - next),
    attempts,
    ...(retryAtMs === undefined || state !== "retrying" ? {} : { retryAtMs }),
    ...(lastError === undefined ? {} : { lastError }),
    deadLetters,
  };
}

function stateName({ ended, isPaused, attempts, isPlaced, next, treeSize }: Progress): FollowerStateName {
  if (ended !== undefined) return ended.state;
  if (isPaused) return "paused";
  if (attempts > 0) return "retrying";
  if (!isPlaced) return "starting";
  return next < treeSize ? "following" : "waiting";
}
