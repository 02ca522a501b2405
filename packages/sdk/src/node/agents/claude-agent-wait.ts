import type { Clock } from "../../clock.ts";

/** Resolves when the work is done, has failed, or takes longer than `waitMs`. It never throws. */
export function settledWithin(work: Promise<unknown>, waitMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(waitMs, resolve);
    const end = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(end, end);
  });
}
