/** Wall clock and monotonic clock, in milliseconds. The only place that reads them. */
export interface Clock {
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
}

export const systemClock: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** The wall clock moved against the monotonic one by more than {@link CLOCK_JUMP_MS}. */
export interface ClockJump {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A smaller difference is drift that time synchronisation corrects all the time. */
export const CLOCK_JUMP_MS = 1_000;

/**
 * Gives `received.at`: RFC 3339 in UTC with milliseconds, never smaller than the one before, also across restarts.
 *
 * @param lastAt The newest `received.at` of the ledger.
 * @param onJump Told once per jump of the wall clock, so that it becomes an entry of its own.
 */
export function createReceiptClock(clock: Clock, lastAt: string | undefined, onJump: (jump: ClockJump) => void): () => string {
  let lastMs = lastAt === undefined ? 0 : Date.parse(lastAt);
  let lastText = lastAt ?? "";
  let offsetMs = clock.wallMs() - clock.monotonicMs();
  return function now(): string {
    const wallMs = clock.wallMs();
    const expectedMs = clock.monotonicMs() + offsetMs;
    if (Math.abs(wallMs - expectedMs) > CLOCK_JUMP_MS) {
      offsetMs = wallMs - clock.monotonicMs();
      onJump({ fromMs: Math.round(expectedMs), toMs: wallMs });
    }
    if (wallMs > lastMs) {
      lastMs = wallMs;
      lastText = new Date(wallMs).toISOString();
    }
    return lastText;
  };
}
