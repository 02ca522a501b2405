import { join } from "node:path";
import { AuditError } from "@vouchtrail/events";
import type { DataLock } from "./lock.ts";

/**
 * DuckDB's own lock on a file that nothing else in the process opens (opening it elsewhere would drop it): an `fcntl` lock of the kernel, which
 * reaches as far as the file system does.
 *
 * @throws {AuditError} `LEDGER_LOCKED`, `DATA_UNREADABLE`.
 */
export async function lockWithDuckdb(directory: string): Promise<DataLock> {
  const { DuckDBInstance } = await loadDuckdb(directory);
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

async function loadDuckdb(directory: string): Promise<typeof import("@duckdb/node-api")> {
  try {
    return await import("@duckdb/node-api");
  } catch (cause) {
    throw new AuditError("DATA_UNREADABLE", {
      message: `${directory} can only be locked with @duckdb/node-api, which cannot be loaded. Install it, or use a folder on a disk of this machine.`,
      cause,
    });
  }
}
