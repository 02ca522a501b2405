import type { DuckDBConnection } from "@duckdb/node-api";
import { appendRows } from "./append-rows.ts";
import { COLUMNS, tableDefinition } from "./columns.ts";
import { rowsOf } from "./index-file.ts";
import { type IndexEntry, toRow } from "./row.ts";
import type { Mismatch } from "./search-engine.ts";

/** Deed keys are looked at in as many passes, so that their counts fit into memory. */
const PASSES = 8;
/** `counted` follows from other entries and is checked over the whole index. */
const COMPARED = COLUMNS.filter(({ name }) => name !== "index" && name !== "counted").map(({ name }) => name);

/**
 * Compares entries of the ledger with the rows that the index has of them. An entry that is missing, or there more than once, differs in `index`.
 *
 * @param batch In the order of the ledger.
 * @param expected Name of a table that nobody else uses.
 */
export async function compareRows(
  connection: DuckDBConnection,
  batch: readonly IndexEntry[],
  expected: string,
): Promise<readonly Mismatch[]> {
  await connection.run(tableDefinition(`memory.main.${expected}`).replaceAll(/ USING COMPRESSION \w+/g, ""));
  try {
    await appendRows(connection, expected, batch.map(toRow));
    const differing = COMPARED.map((name) => `CASE WHEN x."${name}" IS DISTINCT FROM e."${name}" THEN '${name}' END`).join(", ");
    // The range keeps it from reading the other rows of the index.
    const range = `"index" BETWEEN ${batch[0]?.index ?? 0} AND ${batch.at(-1)?.index ?? 0}`;
    const rows = await rowsOf(
      connection,
      `SELECT DISTINCT "index", columns FROM (
         SELECT x."index", CASE WHEN e."index" IS NULL OR count(*) OVER (PARTITION BY x."index") > 1 THEN ['index']
           ELSE list_filter([${differing}], name -> name IS NOT NULL) END AS columns
         FROM ${expected} x LEFT JOIN (SELECT * FROM entries WHERE ${range}) e ON x."index" = e."index"
       ) WHERE len(columns) > 0 ORDER BY "index"`,
    );
    return rows.map(([index, columns]) => ({ index: Number(index), columns: columns as readonly string[] }));
  } finally {
    await connection.run(`DROP TABLE memory.main.${expected}`);
  }
}

/**
 * Deeds whose first entry that could count is not the one that does. Where entries were pruned the first one may be gone: then only deeds that
 * are counted twice are told.
 */
export async function countMiscounted(connection: DuckDBConnection, isPruned: boolean): Promise<number> {
  const couldCount = "phase IS DISTINCT FROM 'intent' AND via <> 'server'";
  const isWrong = isPruned
    ? "count(*) FILTER (WHERE counted) > 1"
    : 'count(*) FILTER (WHERE counted) <> 1 OR min("index") FILTER (WHERE counted) IS DISTINCT FROM min("index")';
  let wrong = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    const [row] = await rowsOf(
      connection,
      `SELECT count(*) FROM (SELECT deed_key FROM entries WHERE deed_key IS NOT NULL AND ${couldCount} AND deed_key & ${PASSES - 1} = ${pass}
       GROUP BY deed_key HAVING ${isWrong})`,
    );
    wrong += Number(row?.[0]);
  }
  const [alone] = await rowsOf(
    connection,
    `SELECT count(*) FROM entries WHERE (deed_key IS NULL AND counted <> (${couldCount})) OR (counted AND NOT (${couldCount}))`,
  );
  return wrong + Number(alone?.[0]);
}
