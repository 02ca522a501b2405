import type { AuditEmitter } from "../emitter.ts";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;
type Signal = "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGQUIT";

/**
 * Closes an emitter when the process is told to stop, and then lets the signal do what it would have done. For programs that do nothing themselves when they are stopped; others call
 * `emitter.close()` where they close everything else.
 *
 * @returns Takes the listeners away again.
 */
export function closeOnSignal(emitter: AuditEmitter, signals: readonly Signal[] = SIGNALS): () => void {
  const stop = (): void => {
    for (const signal of signals) process.removeListener(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    stop();
    void emitter.close().finally(() => {
      // Somebody else who listens ends the process; nobody else: the signal does.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  };
  for (const signal of signals) process.on(signal, onSignal);
  return stop;
}
