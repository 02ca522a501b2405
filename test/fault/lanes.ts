/** Cases that run at once. They wait for the disk most of the time, each in a folder of its own. */
const LANES = 4;

/** Runs the cases, a few at a time. Rejects with the first failure, after the others that had begun are done. */
export async function runInLanes<T>(cases: readonly T[], run: (one: T) => Promise<unknown>): Promise<void> {
  const waiting = [...cases];
  let failure: { readonly error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && failure === undefined; next = waiting.shift()) {
      try {
        await run(next);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  if (failure !== undefined) throw failure.error;
}
