import type { Terminal } from "./terminal.ts";

/**
 * A signal that is aborted by the first SIGINT or SIGTERM; the second one ends the process at once, as the system would.
 *
 * @param told Said at the second one.
 */
export function listenForStop(terminal: Terminal, told: string): AbortSignal {
  const controller = new AbortController();
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
  ] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) {
        terminal.err(told);
        process.exit(128 + number);
      }
      controller.abort(signal);
    });
  }
  return controller.signal;
}
