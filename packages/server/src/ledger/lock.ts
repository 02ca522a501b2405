import { join } from "node:path";
import { AuditError } from "@vouchtrail/events";

export interface DataLock {
  release(): void;
}

/**
 * Takes the data directory for this process. The lock is DuckDB's own lock on a file that nothing else in the process opens (opening it
 * elsewhere would drop it): it turns a second process away and dies with the process. Rule: LEDGER-2.
 *
 * @throws {AuditError} `LEDGER_LOCKED`, `DATA_UNREADABLE`.
 */
export async function lockDataDirectory(directory: string): Promise<DataLock> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const path = join(directory, "lock.duckdb");
  try {
    const instance = await DuckDBInstance.create(path, { threads: "1", memory_limit: "64MB" });
    return { release: () => instance.closeSync() };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const holder = /PID (\d+)/.exec(message)?.[1];
    if (/lock/i.test(message)) {
      throw new AuditError("LEDGER_LOCKED", {
        message: `${holder === undefined ? "Another process" : `Process ${holder}`} has ${directory} open. Stop it, or use another --data.`,
        cause,
      });
    }
    throw new AuditError("DATA_UNREADABLE", { message: `The lock file ${path} cannot be opened. Check owner and permissions.`, cause });
  }
}
