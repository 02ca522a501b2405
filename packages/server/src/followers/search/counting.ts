import type { DuckDBConnection } from "@duckdb/node-api";
import type { Row } from "./columns.ts";
import type { HotTable } from "./hot-table.ts";
import { type IndexFile, rowsOf } from "./index-file.ts";
import { COUNTED_AT, DEED_KEY_AT } from "./row.ts";

/**
 * Decides which rows count for their deed: of all entries of a deed the first that could. Memory answers for hot tables; a file is asked
 * only when its key filter does not rule it out, so that new deeds cost nothing.
 *
 * @param rows Consecutive rows that are in no table yet. `counted` says which could count.
 * @returns The rows as they stand in the index, and the keys that they are counted for. Rule: DEED-2.
 */
export async function decideCounted(
  rows: readonly Row[],
  places: { readonly connection: DuckDBConnection; readonly hot: readonly HotTable[]; readonly files: Iterable<IndexFile> },
): Promise<{ readonly rows: readonly Row[]; readonly counted: readonly bigint[] }> {
  const firsts = new Map<bigint, number>();
  for (const row of rows) {
    const key = row[DEED_KEY_AT];
    if (row[COUNTED_AT] !== true || typeof key !== "bigint" || firsts.has(key)) continue;
    if (places.hot.some((table) => table.counted.has(key))) continue;
    firsts.set(key, Number(row[0]));
  }
  const before = Number(rows[0]?.[0] ?? 0);
  for (const file of places.files) {
    // A file that is made anew may have later ones beside it: what they hold came after these rows.
    if (file.minimum >= before) continue;
    const asked = [...firsts.keys()].filter((key) => file.keys.mayHave(key));
    if (asked.length === 0) continue;
    const sql = `SELECT DISTINCT deed_key FROM ${file.alias}.entries WHERE counted AND deed_key IN (${asked.join(", ")}) AND "index" < ${before}`;
    for (const [key] of await rowsOf(places.connection, sql)) firsts.delete(key as bigint);
  }
  return {
    rows: rows.map((row) => {
      const key = row[DEED_KEY_AT];
      if (row[COUNTED_AT] !== true || typeof key !== "bigint" || firsts.get(key) === row[0]) return row;
      return [...row.slice(0, COUNTED_AT), false];
    }),
    counted: [...firsts.keys()],
  };
}
