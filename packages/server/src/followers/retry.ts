import { RETRY_MS_MAX, RETRY_MS_MIN } from "./limits.ts";

/** Part of a wait that chance takes off, so that the followers of one store do not come back in the same moment. */
const JITTER = 0.2;

/**
 * How long to wait after an attempt failed: from 2 s, doubling, at most 60 s, up to a fifth less by chance. Rule: FOLLOW-7.
 *
 * @param attempts Failed ones so far, from 1.
 * @param random A number in [0, 1).
 * @returns Milliseconds.
 */
export function retryDelayMs(attempts: number, random: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (attempts - 1)) * (1 - JITTER * random);
}

/** Timers as an argument: tests decide when one is due. */
export interface Timers {
  /** Calls once after that many milliseconds; what it returns cancels that. */
  set(run: () => void, delayMs: number): () => void;
}

export const systemTimers: Timers = {
  set(run, delayMs) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Sleeps that can be cut short. */
export interface Sleeper {
  /** Resolves after that many milliseconds or with `wakeAll`; without milliseconds only with that. Rejects with the signal's reason. */
  sleep(signal: AbortSignal, delayMs?: number): Promise<void>;
  wakeAll(): void;
}

export function createSleeper(timers: Timers): Sleeper {
  const sleeping = new Set<() => void>();
  return {
    sleep: (signal, delayMs) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const finish = (end: () => void): void => {
          cancel?.();
          sleeping.delete(wake);
          signal.removeEventListener("abort", onAbort);
          end();
        };
        const wake = (): void => finish(resolve);
        const onAbort = (): void => finish(() => reject(signal.reason));
        const cancel = delayMs === undefined ? undefined : timers.set(wake, delayMs);
        sleeping.add(wake);
        signal.addEventListener("abort", onAbort);
      }),
    wakeAll() {
      for (const wake of [...sleeping]) wake();
    },
  };
}

/** Waits for something, but not longer than that. Answers whether it ended; its result does not matter. */
export async function isEndedWithin(job: Promise<unknown>, delayMs: number, timers: Timers): Promise<boolean> {
  let cancel = (): void => {};
  const isLate = new Promise<boolean>((resolve) => {
    cancel = timers.set(() => resolve(false), delayMs);
  });
  const isEnded = job.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([isEnded, isLate]);
  } finally {
    cancel();
  }
}
