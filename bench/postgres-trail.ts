import type { EventSource } from "./events.ts";
import { type PostgresBaseline, type Row, toRow } from "./postgres.ts";
import type { BaselineQuestion } from "./queries.ts";

/** The baseline's trail: as many events as the server holds, in one table with the columns and indexes of the agent audit log. */
export interface PostgresTrail {
  /** @returns The number of rows. */
  ask(question: BaselineQuestion): Promise<number>;
  /** Table with its indexes and TOAST. */
  bytes(): Promise<number>;
}

/** Everything in one table; the agent audit log is what agents did, as it is on our side. */
const SCHEMA = `
CREATE SCHEMA trail;
CREATE TABLE trail.audit_log (LIKE public.agent_audit_log INCLUDING ALL);
CREATE VIEW trail.agent_audit_log AS SELECT * FROM trail.audit_log WHERE action_type <> 'application';
`;
const INSERT_ROWS = 1_000;
const COLUMNS = [
  ["id", "uuid"],
  ["timestamp", "timestamptz"],
  ["agent_id", "text"],
  ["session_id", "uuid"],
  ["action_type", "text"],
  ["action_name", "text"],
  ["action_details", "jsonb"],
  ["outcome_status", "text"],
  ["outcome_result", "jsonb"],
  ["outcome_error", "jsonb"],
  ["tokens_input", "int"],
  ["tokens_output", "int"],
  ["duration_ms", "int"],
  ["cost_usd", "numeric"],
  ["permission_level", "text"],
  ["resources_accessed", "jsonb"],
  ["sensitive_data_accessed", "boolean"],
] as const;
const INSERT = `INSERT INTO trail.audit_log (${COLUMNS.map(([name]) => name).join(", ")})
  SELECT * FROM unnest(${COLUMNS.map(([, type], i) => `$${i + 1}::${type}[]`).join(", ")})`;

/** Fills the table with the next `events` events of the source, the indexes in place as they are when events come one by one; then as autovacuum leaves it. */
export async function openPostgresTrail(postgres: PostgresBaseline, source: EventSource, events: number): Promise<PostgresTrail> {
  await postgres.query(SCHEMA);
  for (let left = events; left > 0; left -= INSERT_ROWS) {
    const rows: Row[] = Array.from({ length: Math.min(left, INSERT_ROWS) }, () => toRow(source.next()));
    await postgres.query(
      INSERT,
      COLUMNS.map((_, column) => rows.map((row) => row[column])),
    );
  }
  await postgres.query("VACUUM (ANALYZE) trail.audit_log");
  return {
    async ask({ sql, values = [] }) {
      return (await postgres.query(sql, values)).length;
    },
    async bytes() {
      const [row] = await postgres.query("SELECT pg_total_relation_size('trail.audit_log') AS bytes");
      return Number(row?.bytes);
    },
  };
}
