import type { DuckDBConnection } from "@duckdb/node-api";
import { faultKind, StoreUnsound } from "./damage.ts";
import { type HotTable, hotName } from "./hot-table.ts";
import { createIndexFile, createTable, type IndexFile, quoted, rowsOf } from "./index-file.ts";
import { fileStart } from "./index-layout.ts";
import { type Regions, redefineViews } from "./regions.ts";
import type { SnapshotGate } from "./snapshot-gate.ts";

export interface Moving {
  /** Used for moves alone: they run beside filling. */
  readonly mover: DuckDBConnection;
  readonly directory: string;
  readonly gate: SnapshotGate;
  readonly regions: Regions;
  /** Memory that the rows of one row group may take. */
  readonly rowGroupBytesMax: number;
}

/**
 * Writes a full hot table to the file of its entries and takes it out of memory. Readers see its rows in one of the two places.
 *
 * @throws {StoreUnsound} when it is not known any more what is where; what DuckDB throws when nothing has changed.
 */
export async function moveHotTable({ mover, directory, gate, regions, rowGroupBytesMax }: Moving, table: HotTable): Promise<void> {
  const { origin, layout, files } = regions;
  const first = fileStart(layout, table.start);
  const known = files.get(first);
  if (table.start !== (known?.next ?? Math.max(first, regions.minimum)))
    throw new StoreUnsound("A table in memory does not continue its file.");
  const file = known ?? (await createIndexFile(mover, { directory, first, origin, layout }, table.start));
  try {
    await mover.run("BEGIN");
    // Rows that share a row group are in memory together when it is written. Those that are too large for that get a table of their own.
    const isDense = table.bytes * layout.rowGroupRows > rowGroupBytesMax * (table.next - table.start);
    const tables = isDense ? [...file.tables, await createTable(mover, file.alias, table.start)] : file.tables;
    // LIMIT keeps it sequential: several threads would each begin a row group of their own, which the next checkpoint writes once more.
    await mover.run(
      `INSERT INTO ${file.alias}.${isDense ? tables.at(-1) : tables[0]} SELECT * FROM ${hotName(table)} LIMIT ${layout.rowGroupRows}`,
    );
    await mover.run(`INSERT INTO ${file.alias}.moves VALUES (${table.end}, ${quoted(table.leafHash ?? "")})`);
    await gate.change(async () => {
      await commit(mover, file, table.end);
      file.tables = tables;
      file.next = table.end;
      file.leafHash = table.leafHash;
      for (const key of table.counted) file.keys.add(key);
      files.set(first, file);
      regions.hot = regions.hot.filter((one) => one !== table);
      await redefineViews(regions, mover);
    });
  } catch (error) {
    await mover.run("ROLLBACK").catch(() => undefined);
    if (faultKind(error) !== "fatal" && !files.has(first)) await mover.run(`DETACH ${file.alias}`).catch(() => undefined);
    throw error;
  }
  await dropHotTable(mover, table);
}

/** Ends the transaction of a move. An error says nothing about whether the rows are in the file: a checkpoint may have failed after them. */
async function commit(mover: DuckDBConnection, { alias }: IndexFile, next: number): Promise<void> {
  try {
    await mover.run("COMMIT");
  } catch (error) {
    if (faultKind(error) === "fatal") throw error;
    await mover.run("ROLLBACK").catch(() => undefined);
    const moves = await rowsOf(mover, `SELECT count(*) FROM ${alias}.moves WHERE "next" = ${next}`).catch((cause: unknown) => {
      throw new StoreUnsound("It is not known whether a move was carried out.", { cause });
    });
    if (Number(moves[0]?.[0]) === 0) throw error;
  }
}

/** Gives back the memory of a hot table that nothing refers to any more. */
export async function dropHotTable(connection: DuckDBConnection, table: HotTable): Promise<void> {
  try {
    await connection.run(`DROP TABLE ${hotName(table)}`);
  } catch (cause) {
    throw new StoreUnsound("A table could not be dropped: its memory would be lost.", { cause });
  }
}
