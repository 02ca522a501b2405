import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { tableDefinition } from "./columns.ts";
import { StoreUnsound } from "./damage.ts";
import { attach, createTables, type IndexFile, removeFiles, removeLogs } from "./index-file.ts";
import { type Regions, redefineViews } from "./regions.ts";
import type { SnapshotGate } from "./snapshot-gate.ts";

const SUFFIX = ".new";
const ALIAS = "rewritten";

/** True for what a rewrite leaves behind that did not come to its end. */
export function isRewriting(name: string): boolean {
  return name.includes(SUFFIX);
}

/**
 * Writes a file anew and puts the new one in its place. DELETE, CHECKPOINT and VACUUM leave the bytes of what was deleted in a file: only a
 * new file is rid of them. Readers go on with the old one until it is exchanged.
 *
 * A crash leaves the old file, or the old file without its log (then its last rows are read again from the ledger), or the new one.
 *
 * @param select The rows that a table of the old file gives to the new one, all columns, within the range of indexes that it is told.
 * @param from The first entry of the new file.
 * @throws {StoreUnsound} when the old file is gone and the new one does not answer; else nothing has changed.
 */
export async function rewriteFile(options: {
  readonly connection: DuckDBConnection;
  readonly gate: SnapshotGate;
  readonly regions: Regions;
  readonly file: IndexFile;
  readonly from: number;
  readonly select: (table: string) => string;
}): Promise<void> {
  const { connection, gate, regions, file, from } = options;
  const path = `${file.path}${SUFFIX}`;
  await removeFiles(path);
  await attach(connection, path, ALIAS, regions.layout);
  try {
    await writeNewFile(options);
    await connection.run(`CHECKPOINT ${ALIAS}`);
  } catch (error) {
    await connection.run(`DETACH ${ALIAS}`).catch(() => undefined);
    await removeFiles(path);
    throw error;
  }
  await connection.run(`DETACH ${ALIAS}`);
  await syncPath(path);
  await gate.replace(async () => {
    try {
      // It may fail to tidy up the old file, which is no longer of interest.
      await connection.run(`DETACH ${file.alias}`).catch(() => undefined);
      // First: a log must never be taken for that of the new file.
      await removeLogs(file.path);
      await rename(path, file.path);
      await syncPath(dirname(path));
      await attach(connection, file.path, file.alias, regions.layout);
    } catch (cause) {
      throw new StoreUnsound("A file could not be exchanged.", { cause });
    }
    file.minimum = from;
    await redefineViews(regions, connection);
  });
}

async function writeNewFile({ connection, regions, file, from, select }: Parameters<typeof rewriteFile>[0]): Promise<void> {
  const { origin, layout } = regions;
  await createTables(connection, ALIAS, { origin, first: file.first });
  for (const [i, table] of file.tables.entries()) {
    const isCommon = i === 0;
    if (!isCommon) await connection.run(tableDefinition(`${ALIAS}.${table}`));
    // A common row group at a time; what has a table of its own was in memory at once before.
    const step = isCommon ? layout.rowGroupRows : Number.POSITIVE_INFINITY;
    for (let start = from; start < file.next; start += step) {
      const range = `"index" >= ${start} AND "index" < ${Math.min(start + step, file.next)}`;
      await connection.run(
        `INSERT INTO ${ALIAS}.${table} SELECT * FROM (${select(`${file.alias}.main.${table}`)}) WHERE ${range} ORDER BY "index"`,
      );
    }
  }
  await connection.run(`INSERT INTO ${ALIAS}.moves SELECT * FROM ${file.alias}.moves`);
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
