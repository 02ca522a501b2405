import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBTimestampTZValue,
  type DuckDBType,
  DuckDBUUIDValue,
  type DuckDBValue,
  TIMESTAMPTZ,
  UUID,
  VARCHAR,
} from "@duckdb/node-api";
import { COLUMNS, type ColumnType, type ColumnValue, type Row } from "./columns.ts";

/** Rows of one data chunk: DuckDB takes no more. */
const CHUNK_ROWS = 2_048;

const TYPES: Readonly<Record<ColumnType, DuckDBType>> = { BIGINT, BOOLEAN, DOUBLE, TIMESTAMPTZ, UUID, VARCHAR };

const toValue: Readonly<Record<ColumnType, (value: NonNullable<ColumnValue>) => DuckDBValue>> = {
  BIGINT: (value) => (typeof value === "bigint" ? value : BigInt(value)),
  BOOLEAN: (value) => value,
  DOUBLE: (value) => value,
  TIMESTAMPTZ: (value) => new DuckDBTimestampTZValue(BigInt(value)),
  UUID: (value) => DuckDBUUIDValue.fromUint128(BigInt(`0x${String(value).replaceAll("-", "")}`)),
  VARCHAR: (value) => value,
};

const COLUMN_TYPES = COLUMNS.map(({ type }) => TYPES[type]);

/** Appends rows to a table that has {@link COLUMNS}. All of them are in, or none. */
export async function appendRows(connection: DuckDBConnection, table: string, rows: readonly Row[]): Promise<void> {
  const appender = await connection.createAppender(table);
  try {
    for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
      const part = rows.slice(start, start + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create(COLUMN_TYPES, part.length);
      for (const [i, { type }] of COLUMNS.entries()) {
        const convert = toValue[type];
        chunk.setColumnValues(
          i,
          part.map((row) => {
            const value = row[i] ?? null;
            return value === null ? null : convert(value);
          }),
        );
      }
      appender.appendDataChunk(chunk);
    }
    appender.flushSync();
  } catch (error) {
    // Closing would try once more to write what is left.
    appender.clear();
    throw error;
  } finally {
    appender.closeSync();
  }
}
