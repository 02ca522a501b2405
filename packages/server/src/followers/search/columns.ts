/** How a column is kept. `BIGINT` columns hold whole numbers, `VARCHAR` text that may be JSON. */
export type ColumnType = "BIGINT" | "BOOLEAN" | "DOUBLE" | "TIMESTAMPTZ" | "UUID" | "VARCHAR";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** Long texts take a third of the space under zstd and are written faster; short ones are better off with what DuckDB chooses. */
  readonly compression?: "zstd";
}

/** The version of the columns and of what they mean. A file of another one is made anew from the ledger. */
export const SEARCH_SCHEMA = 2;

/**
 * The columns of `entries`: one typed column for each field that people filter or group by, JSON for the rest. Names are those of the event in
 * snake_case. `row.ts` fills them in this order.
 */
export const COLUMNS = [
  { name: "index", type: "BIGINT" },
  { name: "id", type: "UUID" },
  { name: "tenant", type: "VARCHAR" },
  { name: "occurred_at", type: "TIMESTAMPTZ" },
  { name: "received_at", type: "TIMESTAMPTZ" },
  { name: "via", type: "VARCHAR" },
  { name: "key", type: "VARCHAR" },
  { name: "action", type: "VARCHAR" },
  { name: "actor_type", type: "VARCHAR" },
  { name: "actor_id", type: "VARCHAR" },
  { name: "actor_name", type: "VARCHAR" },
  { name: "on_behalf_of", type: "VARCHAR" },
  { name: "target_type", type: "VARCHAR" },
  { name: "target_id", type: "VARCHAR" },
  { name: "target_name", type: "VARCHAR" },
  { name: "outcome_status", type: "VARCHAR" },
  { name: "outcome_code", type: "VARCHAR" },
  { name: "phase", type: "VARCHAR" },
  { name: "activity_type", type: "VARCHAR" },
  { name: "activity_name", type: "VARCHAR" },
  { name: "tokens_input", type: "BIGINT" },
  { name: "tokens_output", type: "BIGINT" },
  { name: "tokens_cache_read", type: "BIGINT" },
  { name: "tokens_cache_write", type: "BIGINT" },
  { name: "duration_ms", type: "DOUBLE" },
  { name: "cost_usd", type: "DOUBLE" },
  { name: "model", type: "VARCHAR" },
  { name: "permission_level", type: "VARCHAR" },
  { name: "sensitive_data_accessed", type: "BOOLEAN" },
  { name: "proof_type", type: "VARCHAR" },
  { name: "session_id", type: "VARCHAR" },
  { name: "conversation_id", type: "VARCHAR" },
  { name: "call_id", type: "VARCHAR" },
  { name: "request_id", type: "VARCHAR" },
  { name: "trace_id", type: "VARCHAR" },
  { name: "parent_event_id", type: "VARCHAR" },
  { name: "ip_address", type: "VARCHAR" },
  { name: "source_name", type: "VARCHAR" },
  { name: "source_instance", type: "VARCHAR" },
  { name: "source_sequence", type: "BIGINT" },
  { name: "labels", type: "VARCHAR" },
  { name: "context", type: "VARCHAR" },
  { name: "system", type: "VARCHAR" },
  { name: "personal", type: "VARCHAR", compression: "zstd" },
  { name: "content", type: "VARCHAR", compression: "zstd" },
  { name: "deed_key", type: "BIGINT" },
  { name: "counted", type: "BOOLEAN" },
] as const satisfies readonly Column[];

export type ColumnName = (typeof COLUMNS)[number]["name"];

/** Value of one column: text, a number that a double holds, a 64-bit integer, a truth value or nothing. */
export type ColumnValue = string | number | bigint | boolean | null;
/** The values of one entry, in the order of {@link COLUMNS}. Times are microseconds since 1970, ids are UUIDs as text. */
export type Row = readonly ColumnValue[];

/** The definition of the table `entries`, as SQL. */
export function tableDefinition(table: string): string {
  const columns = COLUMNS.map((column: Column) => {
    const compression = column.compression === undefined ? "" : ` USING COMPRESSION ${column.compression}`;
    return `"${column.name}" ${column.type}${compression}`;
  });
  return `CREATE TABLE ${table} (${columns.join(", ")})`;
}
