import { AuditError } from "@vouchtrail/events/errors";
import { SQL_MEMORY_INTERVAL_MS, SQL_MEMORY_STOP_MS } from "./limits.ts";

export interface MemoryWatchOptions {
  /** Bytes of memory of this process. */
  readonly usedBytes: () => number;
  /** How much more than at the start it may take. */
  readonly bytesMax: number;
  /** Asks the work to stop; called again and again until it does. */
  readonly interrupt: () => void;
  /** The work does not stop and goes on taking memory: only the end of the process helps. Called after the error was handed out. */
  readonly onStuck?: ((error: AuditError) => void) | undefined;
}

/**
 * Runs work that may take more memory than the query engine counts: it bounds its tables and buffers, but not the long texts and lists that a
 * single call makes, and looks for an interrupt only between calls.
 *
 * @throws {AuditError} `QUERY_TOO_LARGE`; with `onStuck` also while the work still goes on. Rule: SQL-6.
 */
export async function withinMemory<T>(work: () => Promise<T>, { usedBytes, bytesMax, interrupt, onStuck }: MemoryWatchOptions): Promise<T> {
  const bytesAtStart = usedBytes();
  let intervals = 0;
  let giveUp = (_error: AuditError): void => undefined;
  const stuck = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  const timer = setInterval(() => {
    const grownBytes = usedBytes() - bytesAtStart;
    if (intervals === 0 && grownBytes <= bytesMax) return;
    intervals += 1;
    interrupt();
    if (onStuck === undefined) return;
    // What has doubled once more in this time will not wait for anybody.
    if (intervals * SQL_MEMORY_INTERVAL_MS < SQL_MEMORY_STOP_MS && grownBytes <= 2 * bytesMax) return;
    clearInterval(timer);
    const error = new AuditError("QUERY_TOO_LARGE");
    giveUp(error);
    // The asker is told first: ending the process takes the answer with it otherwise.
    setImmediate(onStuck, error);
  }, SQL_MEMORY_INTERVAL_MS);
  try {
    return await Promise.race([work(), stuck]);
  } catch (error) {
    if (intervals > 0) throw new AuditError("QUERY_TOO_LARGE", { cause: error });
    throw error;
  } finally {
    clearInterval(timer);
  }
}
