/**
 * One maintenance job at a time, in the order in which they were asked for: sealing, erasing and pruning rewrite or remove the same files.
 *
 * A job that fails is told of and does not keep the next one from running.
 */
export interface Maintenance {
  /** Resolves or rejects as the job does. */
  run(job: () => Promise<void>): Promise<void>;
  /** Resolves when nothing is left to do. */
  idle(): Promise<void>;
}

export function createMaintenance(onFailed: (error: unknown) => void): Maintenance {
  let last: Promise<void> = Promise.resolve();
  return {
    run(job) {
      const result = last.then(job);
      last = result.catch(onFailed);
      return result;
    },
    async idle() {
      let seen: Promise<void> | undefined;
      while (seen !== last) {
        seen = last;
        await seen;
      }
    },
  };
}
