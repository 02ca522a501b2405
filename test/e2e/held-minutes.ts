import { READ_SPAN_MS } from "../../packages/server/src/read-recorder.ts";

/** Minutes of servers in this process, which end when the test says so. */
export interface HeldMinutes {
  /** Does what is done each minute, on all servers that were started meanwhile. */
  end(): void;
}

/**
 * Starts something and keeps its timers of a minute back; all others run as ever.
 *
 * @param start Starts servers.
 */
export async function holdMinutes<T>(start: () => Promise<T>): Promise<{ readonly started: T; readonly minutes: HeldMinutes }> {
  const system = globalThis.setInterval;
  const held: (() => void)[] = [];
  const holding = (run: () => void, intervalMs?: number): NodeJS.Timeout => {
    const timer = system(run, intervalMs);
    if (intervalMs !== READ_SPAN_MS) return timer;
    held.push(run);
    clearInterval(timer);
    return timer;
  };
  globalThis.setInterval = holding as typeof setInterval;
  try {
    const started = await start();
    return {
      started,
      minutes: {
        end() {
          for (const run of held) run();
        },
      },
    };
  } finally {
    globalThis.setInterval = system;
  }
}
