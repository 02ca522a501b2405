import type { DuckDBConnection } from "@duckdb/node-api";
import { appendRows } from "./append-rows.ts";
import { COLUMNS, type Row, tableDefinition } from "./columns.ts";
import { rowsOf } from "./index-file.ts";
import { ROW_BYTES } from "./limits.ts";

/**
 * Rows that are searchable and not on disk yet, in memory and in order: `[start, next)`, at most until `end`, where it is moved to a file as
 * one row group. What it holds is lost with the process and read again from the ledger.
 */
export interface HotTable {
  readonly name: string;
  readonly start: number;
  /** Comes down to `next` when the rows take as much memory as they may. */
  end: number;
  next: number;
  /** Of its rows, about. */
  bytes: number;
  /** Keys that a row of this table is counted for. */
  readonly counted: Set<bigint>;
  /** Standard base64, of entry next-1; undefined while it is empty. */
  leafHash: string | undefined;
}

/** The name under which statements know a hot table. */
export function hotName({ name }: Pick<HotTable, "name">): string {
  return `memory.main.${name}`;
}

/** It takes no further rows and waits for its move. */
export function isFull({ next, end }: HotTable): boolean {
  return next === end;
}

export async function createHotTable(connection: DuckDBConnection, number: number, start: number, end: number): Promise<HotTable> {
  const name = `hot_${number}`;
  await connection.run(tableDefinition(`memory.main.${name}`).replaceAll(/ USING COMPRESSION \w+/g, ""));
  return { name, start, end, next: start, bytes: 0, counted: new Set(), leafHash: undefined };
}

/** Appends rows, the first of which is `table.next`. All of them are in, or none. */
export async function fillHotTable(connection: DuckDBConnection, table: HotTable, rows: readonly Row[]): Promise<void> {
  await appendRows(connection, table.name, rows);
  table.next += rows.length;
}

/**
 * Writes some rows of a hot table into another one, which is to take its place: DELETE and UPDATE would keep the old values in memory.
 *
 * @param select Rows of `old`, all columns; those before `start` are not among them.
 */
export async function copyHotTable(
  connection: DuckDBConnection,
  old: HotTable,
  { number, start, select }: { readonly number: number; readonly start: number; readonly select: string },
): Promise<HotTable> {
  const copy = await createHotTable(connection, number, start, old.end);
  try {
    await connection.run(`INSERT INTO ${hotName(copy)} ${select} ORDER BY "index"`);
    for (const [key] of await rowsOf(connection, `SELECT deed_key FROM ${hotName(copy)} WHERE counted AND deed_key IS NOT NULL`))
      copy.counted.add(key as bigint);
  } catch (error) {
    await connection.run(`DROP TABLE ${hotName(copy)}`);
    throw error;
  }
  copy.next = old.next;
  copy.bytes = old.bytes;
  copy.leafHash = old.leafHash;
  return copy;
}

/** Memory that a row takes, about. */
export function rowBytes(row: Row): number {
  return ROW_BYTES + textBytes(row[PERSONAL_AT]) + textBytes(row[CONTENT_AT]);
}

const PERSONAL_AT = COLUMNS.findIndex(({ name }) => name === "personal");
const CONTENT_AT = COLUMNS.findIndex(({ name }) => name === "content");

function textBytes(value: Row[number] | undefined): number {
  return typeof value === "string" ? Buffer.byteLength(value) : 0;
}
