import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { SEARCH_SCHEMA, tableDefinition } from "./columns.ts";
import { attachedRowGroupRows, type IndexLayout } from "./index-layout.ts";
import { createKeyFilter, type KeyFilter } from "./key-filter.ts";

const DIGITS = 15;
const NAME_PATTERN = /^(\d{15})\.duckdb$/;
/** The table of whole row groups; others hold rows that are too large to share one: `entries_<first index>`. */
const MAIN_TABLE = "entries";
/** The log, the one that goes on while it is written to the file, and the one that is made of both after a crash. */
const LOG_SUFFIXES = [".wal", ".wal.checkpoint", ".wal.recovery"];

/** One file of the index, attached. It holds the entries `[minimum, next)` without a hole. */
export interface IndexFile {
  readonly first: number;
  readonly path: string;
  /** The name under which it is attached. */
  readonly alias: string;
  /** Names of the tables with rows. An entry is in one of them. */
  tables: readonly string[];
  minimum: number;
  next: number;
  /** Standard base64 of the leaf hash of entry next-1; undefined while it is empty. */
  leafHash: string | undefined;
  readonly keys: KeyFilter;
}

/** Where a file is, or is to be. */
export interface IndexFilePlace {
  readonly directory: string;
  readonly first: number;
  readonly origin: string;
  readonly layout: IndexLayout;
}

/** What makes a file useless: it is removed and made anew from the ledger. */
export class FileRefused extends Error {
  override readonly name = "FileRefused";
}

export function indexFileName(first: number): string {
  return `${String(first).padStart(DIGITS, "0")}.duckdb`;
}

/** The first entry that a file's name tells, or undefined for another file. */
export function parseIndexFileName(name: string): number | undefined {
  const match = NAME_PATTERN.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** Text as SQL literal. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Qualified names of the tables with rows. */
export function tablesOf({ alias, tables }: Pick<IndexFile, "alias" | "tables">): readonly string[] {
  return tables.map((table) => `${alias}.main.${table}`);
}

/** All rows of a file, to be selected from. */
export function rowsIn(file: Pick<IndexFile, "alias" | "tables">): string {
  return `(${tablesOf(file)
    .map((table) => `SELECT * FROM ${table}`)
    .join(" UNION ALL ")})`;
}

export async function attach(connection: DuckDBConnection, path: string, alias: string, layout: IndexLayout): Promise<void> {
  await connection.run(`ATTACH ${quoted(path)} AS ${alias} (ROW_GROUP_SIZE ${attachedRowGroupRows(layout)}, STORAGE_VERSION 'v1.5.0')`);
}

/** Makes the tables of a file that was just attached. */
export async function createTables(connection: DuckDBConnection, alias: string, about: { origin: string; first: number }): Promise<void> {
  await connection.run("BEGIN");
  try {
    await connection.run(tableDefinition(`${alias}.${MAIN_TABLE}`));
    await connection.run(`CREATE TABLE ${alias}.about (origin VARCHAR, "schema" BIGINT, "first" BIGINT)`);
    // One row for each move: the leaf hash of the last entry lets a follower see that the ledger is still the one it followed.
    await connection.run(`CREATE TABLE ${alias}.moves ("next" BIGINT, leaf_hash VARCHAR)`);
    await connection.run(`INSERT INTO ${alias}.about VALUES (${quoted(about.origin)}, ${SEARCH_SCHEMA}, ${about.first})`);
    await connection.run("COMMIT");
  } catch (error) {
    await connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** Makes a table for rows that are too large for the common one. @returns Its name within the file. */
export async function createTable(connection: DuckDBConnection, alias: string, start: number): Promise<string> {
  const table = `${MAIN_TABLE}_${start}`;
  await connection.run(tableDefinition(`${alias}.${table}`));
  return table;
}

/**
 * Attaches a file that is there, and looks whether it is one of this ledger, of this schema, and without a hole. Only two narrow columns are
 * read; damage in the others shows when they are.
 *
 * @param minimumIndex Entries below it were pruned.
 * @throws {FileRefused} and what DuckDB throws for a file that it cannot read.
 */
export async function openIndexFile(connection: DuckDBConnection, place: IndexFilePlace, minimumIndex: number): Promise<IndexFile> {
  const { directory, first, origin, layout } = place;
  const alias = `f${first}`;
  const path = join(directory, indexFileName(first));
  await attach(connection, path, alias, layout);
  try {
    await assertOurs(connection, alias, origin, first);
    const file: IndexFile = {
      first,
      path,
      alias,
      tables: await findTables(connection, alias),
      minimum: 0,
      next: 0,
      leafHash: undefined,
      keys: createKeyFilter(layout.fileEntries),
    };
    await measure(connection, file, Math.max(first, minimumIndex), first + layout.fileEntries);
    await loadKeys(connection, file);
    return file;
  } catch (error) {
    await connection.run(`DETACH ${alias}`).catch(() => undefined);
    throw error;
  }
}

async function assertOurs(connection: DuckDBConnection, alias: string, origin: string, first: number): Promise<void> {
  const [about] = await rowsOf(connection, `SELECT origin, "schema", "first" FROM ${alias}.about`);
  if (about === undefined) throw new FileRefused("It does not say what it is.");
  if (about[0] !== origin) throw new FileRefused("It belongs to another ledger.");
  if (Number(about[1]) !== SEARCH_SCHEMA) throw new FileRefused(`It has schema ${String(about[1])}; this version writes ${SEARCH_SCHEMA}.`);
  if (Number(about[2]) !== first) throw new FileRefused("It was made for another place.");
}

async function findTables(connection: DuckDBConnection, alias: string): Promise<readonly string[]> {
  const sql = `SELECT table_name FROM duckdb_tables() WHERE database_name = ${quoted(alias)} AND starts_with(table_name, ${quoted(MAIN_TABLE)}) ORDER BY ALL`;
  const tables = (await rowsOf(connection, sql)).map(([name]) => String(name));
  if (!tables.includes(MAIN_TABLE)) throw new FileRefused("It has no table of entries.");
  return tables;
}

/** Sees what the file holds: each entry from the one that it must begin with, once. */
async function measure(connection: DuckDBConnection, file: IndexFile, start: number, end: number): Promise<void> {
  const [bounds] = await rowsOf(connection, `SELECT count(*), min("index"), max("index"), sum("index") FROM ${rowsIn(file)}`);
  const [move] = await rowsOf(connection, `SELECT "next", leaf_hash FROM ${file.alias}.moves ORDER BY "next" DESC LIMIT 1`);
  const entries = Number(bounds?.[0]);
  file.minimum = entries === 0 ? start : Number(bounds?.[1]);
  file.next = entries === 0 ? start : Number(bounds?.[2]) + 1;
  file.leafHash = move === undefined ? undefined : String(move[1]);
  if (entries === 0) return;
  // Once each, when as many as there are places add up to what they should.
  const sum = (BigInt(file.minimum + file.next - 1) * BigInt(entries)) / 2n;
  if (
    file.next - file.minimum !== entries ||
    BigInt(String(bounds?.[3])) !== sum ||
    file.minimum > start ||
    file.minimum < file.first ||
    file.next > end
  )
    throw new FileRefused("It does not hold the entries that it should.");
  if (Number(move?.[0]) !== file.next) throw new FileRefused("Its last move is not recorded.");
}

/** Makes an empty file in the place of whatever is there. */
export async function createIndexFile(connection: DuckDBConnection, place: IndexFilePlace, minimum: number): Promise<IndexFile> {
  const { directory, first, origin, layout } = place;
  const alias = `f${first}`;
  const path = join(directory, indexFileName(first));
  await removeFiles(path);
  await attach(connection, path, alias, layout);
  try {
    await createTables(connection, alias, { origin, first });
  } catch (error) {
    await connection.run(`DETACH ${alias}`).catch(() => undefined);
    throw error;
  }
  const keys = createKeyFilter(layout.fileEntries);
  return { first, path, alias, tables: [MAIN_TABLE], minimum, next: minimum, leafHash: undefined, keys };
}

/** Removes a file and what DuckDB keeps beside it. The logs go first: they must never be taken for those of a later file. */
export async function removeFiles(path: string): Promise<void> {
  await removeLogs(path);
  await rm(path, { force: true, recursive: true });
}

/** Removes what DuckDB keeps beside a file. */
export async function removeLogs(path: string): Promise<void> {
  for (const suffix of LOG_SUFFIXES) await rm(`${path}${suffix}`, { force: true, recursive: true });
}

export async function fileBytes(path: string): Promise<number> {
  const paths = ["", ...LOG_SUFFIXES].map((suffix) => `${path}${suffix}`);
  const sizes = await Promise.all(paths.map(async (one) => (await stat(one).catch(() => undefined))?.size ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}

export async function rowsOf(connection: DuckDBConnection, sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await connection.runAndReadAll(sql)).getRowsJS();
}

async function loadKeys(connection: DuckDBConnection, file: IndexFile): Promise<void> {
  // Not streamed: a damaged block would only end it sooner.
  const result = await connection.run(`SELECT deed_key FROM ${rowsIn(file)} WHERE counted AND deed_key IS NOT NULL`);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    for (const key of chunk.getColumnValues(0)) file.keys.add(key as bigint);
  }
}
