/** What others pass in, and what is read of their values, must not break whoever is audited: undefined when it throws. */
export function quietly<Result>(call: (() => Result) | undefined): Result | undefined {
  try {
    return call?.();
  } catch {
    return undefined;
  }
}
