/** Callers that sleep until a tree has grown to a size. */
export interface SizeWaiters {
  /** Resolves with the first `reached` of at least that size; rejects with the signal's reason, or with what `rejectAll` says. */
  wait(size: number, signal: AbortSignal): Promise<void>;
  reached(size: number): void;
  rejectAll(error: unknown): void;
}

interface Waiter {
  readonly size: number;
  resolve(): void;
  reject(error: unknown): void;
}

export function createSizeWaiters(): SizeWaiters {
  const waiters = new Set<Waiter>();
  return {
    wait: (size, signal) =>
      new Promise((resolve, reject) => {
        const finish = (end: () => void): void => {
          waiters.delete(waiter);
          signal.removeEventListener("abort", onAbort);
          end();
        };
        const waiter: Waiter = {
          size,
          resolve: () => finish(resolve),
          reject: (error) => finish(() => reject(error)),
        };
        const onAbort = (): void => waiter.reject(signal.reason);
        if (signal.aborted) return reject(signal.reason);
        signal.addEventListener("abort", onAbort);
        waiters.add(waiter);
      }),
    reached(size) {
      for (const waiter of [...waiters]) if (waiter.size <= size) waiter.resolve();
    },
    rejectAll(error) {
      for (const waiter of [...waiters]) waiter.reject(error);
    },
  };
}
