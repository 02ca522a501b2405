/**
 * Lets readers begin their snapshots, and the writer change several stores as if at once.
 *
 * A transaction of DuckDB sees one moment of each attached file, but not the same moment of all: rows that move from memory to a file could be
 * seen in both places or in neither. So a snapshot begins only while nothing is being changed, and a change only while none begins. A snapshot
 * that has begun does not hold up a change, except one that takes away the file it reads.
 *
 * Changes run one at a time and in the order in which they were asked for. While one runs or waits no snapshot begins, so changes are never
 * starved. Rule: INDEX-4.
 */
export interface SnapshotGate {
  /**
   * Runs `begin` while no change is under way, then `use`, however long that takes.
   * @param signal Ends the wait for a change, nothing else: rejects with its reason.
   */
  read<T>(begin: () => Promise<void>, use: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Runs while no snapshot begins. */
  change<T>(run: () => Promise<T>): Promise<T>;
  /** Runs while there is no snapshot at all: for what takes files away. */
  replace<T>(run: () => Promise<T>): Promise<T>;
}

export function createSnapshotGate(): SnapshotGate {
  let beginning = 0;
  let reading = 0;
  /** Changes that run or wait. */
  let changing = 0;
  let lastChange: Promise<unknown> = Promise.resolve();
  /** Those who wait for the counts above to change. */
  const waiting = new Set<() => void>();

  const wake = (): void => {
    for (const resume of [...waiting]) resume();
  };
  const somethingChanges = (signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(onChange);
        signal?.removeEventListener("abort", onAbort);
      };
      const onChange = (): void => {
        leave();
        resolve();
      };
      const onAbort = (): void => {
        leave();
        reject(signal?.reason);
      };
      waiting.add(onChange);
      signal?.addEventListener("abort", onAbort);
    });

  // A condition is looked at again after each wait and acted on in the same step: between two steps anybody else may have had a turn.
  function exclusive<T>(isMet: () => boolean, run: () => Promise<T>): Promise<T> {
    changing += 1;
    const result = lastChange.then(async () => {
      try {
        while (!isMet()) await somethingChanges();
        return await run();
      } finally {
        changing -= 1;
        wake();
      }
    });
    lastChange = result.catch(() => undefined);
    return result;
  }

  return {
    async read(begin, use, signal) {
      signal?.throwIfAborted();
      while (changing > 0) await somethingChanges(signal);
      beginning += 1;
      reading += 1;
      try {
        try {
          await begin();
        } finally {
          beginning -= 1;
          wake();
        }
        return await use();
      } finally {
        reading -= 1;
        wake();
      }
    },
    change: (run) => exclusive(() => beginning === 0, run),
    replace: (run) => exclusive(() => reading === 0, run),
  };
}
