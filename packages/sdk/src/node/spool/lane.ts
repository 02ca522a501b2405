/** Runs work one piece after the other, in the order in which it was asked for. */
export interface Lane {
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

export function createLane(): Lane {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(work) {
      const result = last.then(work);
      last = result.catch(() => undefined);
      return result;
    },
  };
}
