/** Lets work go on. What goes wrong with it is counted and logged by the emitter, and must not end the process. */
export function unawaited(work: Promise<unknown>): void {
  work.catch(() => undefined);
}
