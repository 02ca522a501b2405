import fc from "fast-check";
import { expect, test } from "vitest";
import { createManualTimers } from "../../../../test/conformance/manual-timers.ts";
import { createSleeper, isEndedWithin, retryDelayMs, systemTimers } from "./retry.ts";

const never = (): AbortSignal => new AbortController().signal;

test("FOLLOW-7: a wait is never longer than a minute nor shorter than 1.6 s, and grows with the attempts", () => {
  const random = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), random, (attempts, chance) => {
      const delayMs = retryDelayMs(attempts, chance);
      expect(delayMs).toBeGreaterThanOrEqual(1_600);
      expect(delayMs).toBeLessThanOrEqual(60_000);
      expect(retryDelayMs(attempts + 1, chance)).toBeGreaterThanOrEqual(delayMs);
    }),
  );
  expect([1, 2, 5, 6].map((attempts) => retryDelayMs(attempts, 0))).toEqual([2_000, 4_000, 32_000, 60_000]);
});

test("FOLLOW-7: a sleep ends when it is due, when it is woken or when its signal aborts, and leaves no timer", async () => {
  const timers = createManualTimers();
  const { sleep, wakeAll } = createSleeper(timers);
  const due = sleep(never(), 5);
  (await timers.next()).fire();
  await due;
  const woken = [sleep(never(), 5), sleep(never())];
  wakeAll();
  await Promise.all(woken);
  const abort = new AbortController();
  const aborted = [sleep(abort.signal, 5), sleep(abort.signal)].map((sleeping) => sleeping.catch((error: unknown) => error));
  abort.abort(new Error("enough"));
  for (const error of await Promise.all(aborted)) expect(error).toMatchObject({ message: "enough" });
  await expect(sleep(abort.signal, 5)).rejects.toThrow("enough");
  expect(timers.pendingCount()).toBe(0);
});

test("FOLLOW-18: what ends in time has ended, whatever its result; what does not is left alone", async () => {
  const timers = createManualTimers();
  expect(await isEndedWithin(Promise.resolve(), 5, timers)).toBe(true);
  expect(await isEndedWithin(Promise.reject(new Error("failed")), 5, timers)).toBe(true);
  expect(timers.pendingCount()).toBe(0);
  const late = isEndedWithin(new Promise(() => {}), 5, timers);
  (await timers.next()).fire();
  expect(await late).toBe(false);
});

test("FOLLOW-7: the timers of the system call once, unless they are cancelled", async () => {
  let calls = 0;
  const cancelled = systemTimers.set(() => {
    calls += 1;
  }, 1);
  cancelled();
  await new Promise<void>((resolve) => systemTimers.set(resolve, 3));
  expect(calls).toBe(0);
});
