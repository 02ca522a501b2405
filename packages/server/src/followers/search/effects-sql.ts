import { filterSql } from "./filter-sql.ts";
import { collectInSteps, type IndexRange, toFoundEntry } from "./find-sql.ts";
import type { EffectsQuestion, FoundEffects } from "./search-engine.ts";
import type { RunStatement, Statement } from "./statement.ts";

/**
 * The intents of a range that answer a question: `index`, `counted`, `deed_key`, and whether an outcome of the deed is known, wherever in the
 * index that is. An intent that several sources told of is one effect: the first entry of it stands for all.
 *
 * The filter is about that entry. A deed's key holds its tenant, so no other tenant's entry can close it.
 */
export function effectsSql(question: EffectsQuestion, { from, to }: IndexRange, limit: number): Statement {
  const { where, values: filterValues } = filterSql(question.filter, { tenant: question.tenant });
  const values = [...filterValues];
  const bind = (value: bigint): string => `$${values.push(value)}::BIGINT`;
  const range = `"index" >= ${bind(BigInt(from))} AND "index" < ${bind(BigInt(to))}`;
  const page = `ORDER BY "index" ${question.order === "newest" ? "DESC" : "ASC"} LIMIT ${bind(BigInt(limit))}`;
  const condition = question.state === "all" ? "" : `AND ${question.state === "open" ? "NOT " : ""}d.closed`;
  return {
    // The intents of the range are found first and the entries of their deeds by their keys: the other way round would hash the keys of all entries.
    sql: `WITH intents AS MATERIALIZED (
  SELECT "index", counted, deed_key FROM entries WHERE phase = 'intent' AND ${range} AND ${where}
), told AS (
  SELECT deed_key, min("index") FILTER (WHERE phase = 'intent') AS first, bool_or(phase IS DISTINCT FROM 'intent') AS closed
  FROM entries WHERE deed_key IN (SELECT deed_key FROM intents) GROUP BY deed_key
)
SELECT i."index", i.counted, i.deed_key, d.closed FROM intents i JOIN told d ON d.deed_key = i.deed_key WHERE i."index" = d.first ${condition} ${page}`,
    values,
  };
}

/** Finds a page of intents, as `findInSteps` finds entries. */
export async function effectsInSteps(question: EffectsQuestion, end: number, run: RunStatement): Promise<Omit<FoundEffects, "searchedTo">> {
  const { rows, hasMore } = await collectInSteps(question, end, (range, limit) => run(effectsSql(question, range, limit)));
  return {
    entries: rows.map((row) => ({ ...toFoundEntry(row), state: row[3] === true ? "closed" : "open" })),
    hasMore,
  };
}
