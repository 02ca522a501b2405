import type { Apply } from "../../packages/server/src/followers/apply.ts";
import { type Follower, type FollowOptions, follow } from "../../packages/server/src/followers/follower.ts";
import type { FollowerNotice } from "../../packages/server/src/followers/observer.ts";
import type { Ledger, StoredEntry } from "../../packages/server/src/ledger/ledger.ts";
import { type FollowerPlace, NOW } from "./follower.ts";
import { createManualTimers, type ManualTimers } from "./manual-timers.ts";

/** A call of `apply` that ends when the test says so, and heeds no signal unless told to. */
export interface HeldCall {
  /** Resolves when the call has come. */
  readonly begun: Promise<{ readonly batch: readonly StoredEntry[]; readonly signal: AbortSignal }>;
  succeed(): void;
  fail(error: unknown): void;
}

/** A store in memory that keeps what it is given, and does what it is told. */
export interface RecordingStore {
  readonly apply: Apply;
  /** Indexes of each call, in order, whether it succeeded or not. */
  readonly calls: readonly (readonly number[])[];
  /** What successful calls brought, each index once, in the order in which it first came. */
  readonly entries: readonly StoredEntry[];
  /** The next calls reject with these; what comes then succeeds. */
  failNext(...errors: readonly unknown[]): void;
  holdNext(): HeldCall;
  /** Asked for each call that is not failed or held: what it answers is thrown. */
  refuse(rule: (batch: readonly StoredEntry[]) => unknown): void;
}

export function createRecordingStore(): RecordingStore {
  const calls: number[][] = [];
  const entries: StoredEntry[] = [];
  const known = new Set<number>();
  const plans: ((batch: readonly StoredEntry[], signal: AbortSignal) => Promise<void>)[] = [];
  let rule: (batch: readonly StoredEntry[]) => unknown = () => undefined;
  return {
    calls,
    entries,
    async apply(batch, _cursor, signal) {
      calls.push(batch.map(({ index }) => index));
      const plan = plans.shift();
      if (plan !== undefined) await plan(batch, signal);
      else {
        const error = rule(batch);
        if (error !== undefined) throw error;
      }
      for (const entry of batch) {
        if (!known.has(entry.index)) entries.push(entry);
        known.add(entry.index);
      }
    },
    failNext(...errors) {
      for (const error of errors) plans.push(() => Promise.reject(error));
    },
    holdNext() {
      let succeed = (): void => {};
      let fail = (_error: unknown): void => {};
      const ending = new Promise<void>((resolve, reject) => {
        succeed = resolve;
        fail = reject;
      });
      const begun = new Promise<{ batch: readonly StoredEntry[]; signal: AbortSignal }>((resolve) => {
        plans.push((batch, signal) => {
          resolve({ batch, signal });
          return ending;
        });
      });
      return { begun, succeed, fail };
    },
    refuse(next) {
      rule = next;
    },
  };
}

/** A follower of a real ledger, with all that a test looks at. */
export interface FollowedStore {
  readonly follower: Follower;
  readonly store: RecordingStore;
  readonly timers: ManualTimers;
  readonly notices: readonly FollowerNotice[];
  /** What its observer was told: entries applied, codes of failures, dead letters. */
  readonly observed: { applied: number; failed: string[]; deadLettered: number };
}

/** Follows with a cursor file, manual timers and no jitter. */
export function followRecording(
  place: Pick<FollowerPlace, "directory"> & { readonly ledger: Pick<Ledger, "origin" | "read" | "head" | "waitFor"> },
  options: Partial<FollowOptions> & { readonly store?: RecordingStore } = {},
): FollowedStore {
  const { store = createRecordingStore(), ...more } = options;
  const timers = createManualTimers();
  const notices: FollowerNotice[] = [];
  const observed = { applied: 0, failed: [] as string[], deadLettered: 0 };
  const follower = follow("recording", place.ledger, store.apply, {
    directory: place.directory,
    now: () => NOW,
    timers,
    random: () => 0,
    onNotice: (notice) => notices.push(notice),
    observer: {
      applied(entries) {
        observed.applied += entries;
      },
      failed: (code) => observed.failed.push(code),
      deadLettered() {
        observed.deadLettered += 1;
      },
    },
    ...more,
  });
  return { follower, store, timers, notices, observed };
}
