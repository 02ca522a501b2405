import { type DuckDBConnection, type DuckDBResult, type DuckDBVector, StatementType } from "@duckdb/node-api";
import { AuditError } from "@vouchtrail/events/errors";
import { toJsonConverter } from "./json-value.ts";
import { SQL_ANSWER_CHARS_MAX, SQL_MEMORY_BYTES_MAX, SQL_ROW_VALUES_MAX } from "./limits.ts";
import type { SqlQuestion, SqlRows } from "./search-engine.ts";
import { toSqlError } from "./sql-error.ts";
import { checkSql } from "./sql-guard.ts";
import { withinMemory } from "./sql-memory.ts";
import { sqlForbidden } from "./sql-tree.ts";
import { countValues } from "./value-count.ts";

export interface SqlOptions {
  /** A monotonic clock. */
  readonly nowMs: () => number;
  /** Characters of the rows as JSON. */
  readonly charsMax?: number;
  /** By how many bytes the process may grow while the statement runs; give about twice what the engine may take. */
  readonly memoryBytesMax?: number;
  /** Bytes of memory of this process. */
  readonly usedBytes?: () => number;
  /** The statement takes memory without end and cannot be stopped: end the process. */
  readonly onStuck?: (error: AuditError) => void;
}

/**
 * Runs one SELECT over the views of the search index, and takes rows until there are enough.
 *
 * @param connection Within a transaction that only reads, which the caller has begun and ends. Time limit and cancelling are the caller's too: it
 * interrupts the connection, again and again until this is settled. After an error the connection must not be used again.
 * @throws {AuditError} `SQL_INVALID`, `SQL_FORBIDDEN`, `QUERY_TOO_LARGE`; what DuckDB throws for a query that was interrupted, for a lack of memory
 * and for faults of the store. Rules: SQL-1 to SQL-8.
 */
export async function answerSql(
  connection: DuckDBConnection,
  question: SqlQuestion,
  options: SqlOptions,
): Promise<Omit<SqlRows, "searchedTo">> {
  const {
    nowMs,
    charsMax = SQL_ANSWER_CHARS_MAX,
    memoryBytesMax = SQL_MEMORY_BYTES_MAX,
    usedBytes = process.memoryUsage.rss,
    onStuck,
  } = options;
  const startedMs = nowMs();
  await checkSql(connection, question.sql);
  const rows = await withinMemory(() => runChecked(connection, question, charsMax), {
    usedBytes,
    bytesMax: memoryBytesMax,
    interrupt: () => connection.interrupt(),
    onStuck,
  });
  return { ...rows, elapsedMs: Math.round(nowMs() - startedMs) };
}

type Rows = Pick<SqlRows, "columns" | "rows" | "isTruncated">;

async function runChecked(connection: DuckDBConnection, { sql, limit }: SqlQuestion, charsMax: number): Promise<Rows> {
  let phase: "planning" | "running" = "planning";
  try {
    const statements = await connection.extractStatements(sql);
    const prepared = statements.count === 1 ? await statements.prepare(0) : undefined;
    try {
      // Checked before; asked once more of the engine itself, because nothing else stands between a statement and its effects.
      if (prepared?.statementType !== StatementType.SELECT) throw sqlForbidden("Only one SELECT can be run here.");
      phase = "running";
      return await takeRows(await prepared.stream(), limit, charsMax);
    } finally {
      prepared?.destroySync();
    }
  } catch (error) {
    throw toSqlError(error, sql, phase);
  }
}

async function takeRows(result: DuckDBResult, limit: number, charsMax: number): Promise<Rows> {
  const types = result.columnTypes();
  const columns = result.columnNames().map((name, i) => ({ name, type: types[i]?.alias ?? String(types[i]) }));
  const converters = types.map(toJsonConverter);
  const rows: unknown[][] = [];
  let chars = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return { columns, rows, isTruncated: false };
    const vectors = converters.map((_, i) => chunk.getColumnVector(i));
    // Row by row, not column by column: a chunk of long texts can be gigabytes.
    for (let at = 0; at < chunk.rowCount; at++) {
      if (rows.length === limit) return { columns, rows, isTruncated: true };
      const row = isTooWide(vectors, at) ? undefined : converters.map((toJson, i) => toJson(vectors[i]?.getItem(at) ?? null));
      chars += row === undefined ? Number.POSITIVE_INFINITY : charsOf(row);
      if (row === undefined || chars > charsMax) {
        if (rows.length === 0)
          throw new AuditError("QUERY_TOO_LARGE", { message: "The first row is too long for an answer. Select fewer columns." });
        return { columns, rows, isTruncated: true };
      }
      rows.push(row);
    }
  }
}

/** Whether a row holds so many values that making them would stop everything else for seconds, or end the process. */
function isTooWide(vectors: readonly DuckDBVector[], at: number): boolean {
  return vectors.reduce((count, vector) => count + countValues(vector, at, SQL_ROW_VALUES_MAX), 0) > SQL_ROW_VALUES_MAX;
}

function charsOf(row: readonly unknown[]): number {
  return JSON.stringify(row).length;
}
