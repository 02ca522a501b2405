import type { Timers } from "../../packages/server/src/followers/retry.ts";

/** A timer that was set and is not due until the test says so. */
export interface ManualTimer {
  readonly delayMs: number;
  fire(): void;
}

export interface ManualTimers extends Timers {
  /** Resolves with the oldest timer that is set and was not handed out yet; waits for one if there is none. */
  next(): Promise<ManualTimer>;
  /** Timers that are set, handed out or not. */
  pendingCount(): number;
  /** From now on every timer is due at once, in a turn of its own. */
  runFreely(): void;
}

/** Timers for tests without sleeps: nothing is ever due by itself. */
export function createManualTimers(): ManualTimers {
  const pending = new Set<ManualTimer>();
  const offered: ManualTimer[] = [];
  const takers: ((timer: ManualTimer) => void)[] = [];
  let isFree = false;
  return {
    set(run, delayMs) {
      const timer: ManualTimer = {
        delayMs,
        fire() {
          if (pending.delete(timer)) run();
        },
      };
      pending.add(timer);
      if (isFree) setImmediate(() => timer.fire());
      else {
        const taker = takers.shift();
        if (taker === undefined) offered.push(timer);
        else taker(timer);
      }
      return () => {
        pending.delete(timer);
        const position = offered.indexOf(timer);
        if (position >= 0) offered.splice(position, 1);
      };
    },
    next() {
      const timer = offered.shift();
      return timer === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(timer);
    },
    pendingCount: () => pending.size,
    runFreely() {
      isFree = true;
      offered.length = 0;
      for (const timer of [...pending]) setImmediate(() => timer.fire());
    },
  };
}
