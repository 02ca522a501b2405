/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/** What the SDK needs of time. */
export interface Clock {
  /** Milliseconds since 1970, as the machine says: it may go back. */
  wallMs(): number;
  /** Milliseconds that never go back. */
  nowMs(): number;
  /** Calls once after `delayMs`. It keeps no process alive. */
  after(delayMs: number, call: () => void): Timer;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  nowMs: () => performance.now(),
  after(delayMs, call) {
    // A number in browsers, an object in Node.
    const timer: unknown = setTimeout(call, delayMs);
    if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function") timer.unref();
    return { cancel: () => clearTimeout(timer as ReturnType<typeof setTimeout>) };
  },
};
