import { expect, test } from "vitest";
import { createSizeWaiters } from "./size-waiters.ts";

const never = (): AbortSignal => new AbortController().signal;

test("CONTRACT-6: who waits for a size wakes up when it is reached, and not before", async () => {
  const waiters = createSizeWaiters();
  const woken: number[] = [];
  const waits = [5, 3, 9].map((size) => waiters.wait(size, never()).then(() => woken.push(size)));
  waiters.reached(2);
  waiters.reached(5);
  await Promise.all(waits.slice(0, 2));
  expect(woken).toEqual([5, 3]);
  waiters.reached(9);
  await Promise.all(waits);
  expect(woken).toEqual([5, 3, 9]);
});

test("CONTRACT-6: who gives up gets the reason of the signal, before or while waiting", async () => {
  const waiters = createSizeWaiters();
  await expect(waiters.wait(1, AbortSignal.abort(new Error("too late")))).rejects.toThrow("too late");
  const abort = new AbortController();
  const waiting = waiters.wait(1, abort.signal);
  abort.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("CONTRACT-6: everybody is turned away at once, and whoever comes later waits anew", async () => {
  const waiters = createSizeWaiters();
  const waits = [waiters.wait(1, never()), waiters.wait(2, never())];
  waiters.rejectAll(new Error("closed"));
  for (const wait of waits) await expect(wait).rejects.toThrow("closed");
  const later = waiters.wait(1, never());
  waiters.reached(1);
  await expect(later).resolves.toBeUndefined();
});
