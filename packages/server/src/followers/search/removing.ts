import type { DuckDBConnection } from "@duckdb/node-api";
import type { Erasures } from "@vouchtrail/protocol";
import { COLUMNS } from "./columns.ts";
import { AFFECTED, COULD_COUNT, ERASED_COLUMNS, ERASED_TABLE, LOSES_KEY, markedRows } from "./erasing.ts";
import { copyHotTable, type HotTable, hotName } from "./hot-table.ts";
import type { IndexFile } from "./index-file.ts";
import { removeFiles, rowsIn, rowsOf, tablesOf } from "./index-file.ts";
import { dropHotTable } from "./moving.ts";
import { filesInOrder, type Regions, redefineViews } from "./regions.ts";
import { rewriteFile } from "./rewriting.ts";
import type { SnapshotGate } from "./snapshot-gate.ts";

/** What taking something out of the index needs. Nothing moves meanwhile. */
export interface Removing {
  readonly connection: DuckDBConnection;
  readonly gate: SnapshotGate;
  readonly regions: Regions;
  /** The number of the next hot table. */
  readonly takeNumber: () => number;
}

/**
 * Takes erased sections, and what was derived from them, out of all files and hot tables. May be repeated: what is gone is passed over.
 *
 * @param end Index of the erasure entry: it says nothing about entries from there on, whatever its ranges are. Rules: INDEX-8, ERASE-1.
 */
export async function eraseSections(removing: Removing, erasures: Erasures, end: number): Promise<void> {
  const { connection, regions } = removing;
  const ranges = (["personal", "content"] as const).flatMap((section) =>
    (erasures[section] ?? []).map(([from, to]) => ({ section, from, to: Math.min(to, end) })).filter(({ from, to }) => from < to),
  );
  if (ranges.length === 0) return;
  await connection.run(ERASED_TABLE);
  await connection.run(`INSERT INTO erased VALUES ${ranges.map(({ section, from, to }) => `('${section}', ${from}, ${to})`).join(", ")}`);
  if (ranges.some(({ section }) => section === "personal")) await promoteNext(removing);
  for (const table of regions.hot) {
    const select = `SELECT ${ERASED_COLUMNS} FROM ${markedRows(hotName(table))}`;
    if (await holdsAffected(connection, hotName(table))) await replaceHotTable(removing, table, table.start, select);
  }
  for (const file of filesInOrder(regions)) {
    if (!(await holdsAffected(connection, rowsIn(file)))) continue;
    await rewriteFile({ ...removing, file, from: file.minimum, select: (table) => `SELECT ${ERASED_COLUMNS} FROM ${markedRows(table)}` });
  }
  await connection.run("DROP TABLE erased");
}

async function holdsAffected(connection: DuckDBConnection, rows: string): Promise<boolean> {
  const bounds = '"index" >= (SELECT min("from") FROM erased) AND "index" < (SELECT max("to") FROM erased)';
  const [count] = await rowsOf(connection, `SELECT count(*) FROM ${rows} WHERE ${bounds} AND ${AFFECTED}`);
  return Number(count?.[0]) > 0;
}

/**
 * Lets the next entry count for each deed whose counted entry is about to lose the deed's key. It comes before that loss: afterwards nobody could
 * tell which deeds these were, and a crash in between must not leave one without an entry that counts. Rule: DEED-6.
 */
async function promoteNext({ connection, regions }: Removing): Promise<void> {
  const entries = markedRows("memory.main.entries");
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE promoted AS SELECT min("index") AS "index", deed_key FROM ${entries} WHERE ${COULD_COUNT} AND NOT ${LOSES_KEY}
     AND deed_key IN (SELECT deed_key FROM ${entries} WHERE counted AND deed_key IS NOT NULL AND ${LOSES_KEY}) GROUP BY deed_key`,
  );
  const promote = async (table: string): Promise<readonly bigint[]> => {
    const rows = await rowsOf(connection, `SELECT p.deed_key FROM promoted p JOIN ${table} t ON t."index" = p."index"`);
    if (rows.length > 0) await connection.run(`UPDATE ${table} SET counted = true WHERE "index" IN (SELECT "index" FROM promoted)`);
    return rows.map(([key]) => key as bigint);
  };
  const [count] = await rowsOf(connection, "SELECT count(*) FROM promoted");
  if (Number(count?.[0]) > 0) {
    for (const table of regions.hot) for (const key of await promote(hotName(table))) table.counted.add(key);
    for (const file of filesInOrder(regions))
      for (const table of tablesOf(file)) for (const key of await promote(table)) file.keys.add(key);
  }
  await connection.run("DROP TABLE promoted");
}

/** Takes all entries below that index out. */
export async function pruneBelow(removing: Removing, minimumIndex: number): Promise<void> {
  const { gate, regions } = removing;
  for (const file of filesInOrder(regions)) {
    if (file.next <= minimumIndex) await dropFile(removing, file);
    else if (file.minimum < minimumIndex)
      await rewriteFile({ ...removing, file, from: minimumIndex, select: (table) => `SELECT * FROM ${table}` });
  }
  const dropped = regions.hot.filter(({ next }) => next <= minimumIndex);
  if (dropped.length > 0) await dropHotTables(removing, dropped);
  for (const table of regions.hot) {
    if (table.start >= minimumIndex) continue;
    const select = `SELECT ${COLUMNS.map(({ name }) => `"${name}"`).join(", ")} FROM ${hotName(table)} WHERE "index" >= ${minimumIndex}`;
    await replaceHotTable(removing, table, minimumIndex, select);
  }
  // Last: until then a repetition finds what is left to do.
  await gate.change(async () => {
    regions.minimum = minimumIndex;
  });
}

/** Takes a file away once nobody reads it any more. */
export async function dropFile({ connection, gate, regions }: Removing, file: IndexFile): Promise<void> {
  await gate.replace(async () => {
    regions.files.delete(file.first);
    await redefineViews(regions, connection);
    // It may fail to tidy up what is thrown away.
    await connection.run(`DETACH ${file.alias}`).catch(() => undefined);
    await removeFiles(file.path);
  });
}

export async function dropHotTables({ connection, gate, regions }: Removing, tables: readonly HotTable[]): Promise<void> {
  await gate.change(async () => {
    regions.hot = regions.hot.filter((table) => !tables.includes(table));
    await redefineViews(regions, connection);
  });
  for (const table of tables) await dropHotTable(connection, table);
}

async function replaceHotTable(
  { connection, gate, regions, takeNumber }: Removing,
  old: HotTable,
  start: number,
  select: string,
): Promise<void> {
  const copy = await copyHotTable(connection, old, { number: takeNumber(), start, select });
  await gate.change(async () => {
    regions.hot = regions.hot.map((table) => (table === old ? copy : table));
    await redefineViews(regions, connection);
  });
  await dropHotTable(connection, old);
}
