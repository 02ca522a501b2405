import { AuditError } from "@vouchtrail/events/errors";
import { formatDeedKey, parseDeedKey } from "./deed-key.ts";
import { filterSql } from "./filter-sql.ts";
import { FIND_STEP_ENTRIES, FIND_STEP_FACTOR } from "./limits.ts";
import type { FindQuestion, Found, FoundEntry } from "./search-engine.ts";
import type { RunStatement, Statement } from "./statement.ts";

/** Entries `[from, to)` by index. */
export interface IndexRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The entries of a range that answer a question: `index`, `counted`, `deed_key`, in the order asked for.
 *
 * @param limit Rows at most.
 * @throws {AuditError} `FILTER_INVALID` for a deed that is not 16 hexadecimal digits.
 */
export function findSql(question: FindQuestion, { from, to }: IndexRange, limit: number): Statement {
  const { where, values: filterValues } = filterSql(question.filter, { tenant: question.tenant });
  const values = [...filterValues];
  const bind = (value: bigint): string => `$${values.push(value)}::BIGINT`;
  const conditions = [`"index" >= ${bind(BigInt(from))}`, `"index" < ${bind(BigInt(to))}`];
  if (question.deed !== undefined) conditions.push(`deed_key = ${bind(deedKeyOf(question.deed))}`);
  // Narrow columns first: the limit is met before wide ones are read.
  return {
    sql: `SELECT "index", counted, deed_key FROM ${question.deeds === true ? "deeds" : "entries"} WHERE ${conditions.join(" AND ")} AND ${where} ORDER BY "index" ${question.order === "newest" ? "DESC" : "ASC"} LIMIT ${bind(BigInt(limit))}`,
    values,
  };
}

/**
 * Finds a page. It looks at a few entries first and then at more and more of them, so that what is frequent is found without reading the whole
 * index, whichever file it is in, and what is rare costs little more than one look at everything.
 *
 * @param end Indexes below it are in the index.
 */
export async function findInSteps(question: FindQuestion, end: number, run: RunStatement): Promise<Omit<Found, "searchedTo">> {
  const { rows, hasMore } = await collectInSteps(question, end, (range, limit) => run(findSql(question, range, limit)));
  return { entries: rows.map(toFoundEntry), hasMore };
}

/** Columns as {@link findSql} selects them. */
export function toFoundEntry([index, counted, deedKey]: readonly unknown[]): FoundEntry {
  return {
    index: Number(index),
    counted: counted === true,
    ...(typeof deedKey === "bigint" ? { deed: formatDeedKey(deedKey) } : {}),
  };
}

/**
 * Collects `limit` rows in the order asked for, range by range.
 *
 * @param find Gives the rows of one range, in order.
 */
export async function collectInSteps<Row>(
  { limit, order, beyond }: Pick<FindQuestion, "limit" | "order" | "beyond">,
  end: number,
  find: (range: IndexRange, limit: number) => Promise<readonly Row[]>,
): Promise<{ readonly rows: readonly Row[]; readonly hasMore: boolean }> {
  const isNewest = order === "newest";
  const first = isNewest ? 0 : beyond === undefined ? 0 : beyond + 1;
  const last = isNewest && beyond !== undefined ? Math.min(beyond, end) : end;
  const rows: Row[] = [];
  let from = first;
  let to = last;
  // One more than asked for tells whether there are more.
  for (let step = FIND_STEP_ENTRIES; from < to && rows.length <= limit; step *= FIND_STEP_FACTOR) {
    const range = isNewest ? { from: Math.max(from, to - step), to } : { from, to: Math.min(to, from + step) };
    rows.push(...(await find(range, limit + 1 - rows.length)));
    if (isNewest) to = range.from;
    else from = range.to;
  }
  return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
}

function deedKeyOf(deed: string): bigint {
  const key = parseDeedKey(deed);
  if (key === undefined) throw new AuditError("FILTER_INVALID", { path: "deed", message: "A deed is named by 16 hexadecimal digits." });
  return key;
}
