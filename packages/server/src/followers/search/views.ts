import { COLUMNS } from "./columns.ts";

const NO_ROWS = `SELECT ${COLUMNS.map(({ name, type }) => `NULL::${type} AS "${name}"`).join(", ")} WHERE false`;

const MESSAGE = "json_extract(content, '/outcome/message')";

/**
 * Deeds of agents under the names that agent logs have. JSON is taken out of the content only for the rows and columns that a query asks for. Ids
 * are text and costs doubles, as the trail keeps them. Where the content was erased, its columns are NULL.
 */
const AGENT_AUDIT_LOG = `SELECT
  id,
  occurred_at AS timestamp,
  actor_id AS agent_id,
  session_id,
  conversation_id,
  activity_type AS action_type,
  activity_name AS action_name,
  json_extract(content, '/activity/' || activity_type) AS action_details,
  outcome_status,
  json_extract(content, '/outcome/result') AS outcome_result,
  CASE
    WHEN outcome_code IS NULL AND ${MESSAGE} IS NULL THEN NULL
    WHEN outcome_code IS NULL THEN json_object('message', ${MESSAGE})
    WHEN ${MESSAGE} IS NULL THEN json_object('type', outcome_code)
    ELSE json_object('type', outcome_code, 'message', ${MESSAGE})
  END AS outcome_error,
  tokens_input,
  tokens_output,
  duration_ms,
  cost_usd,
  permission_level,
  json_extract(content, '/security/resourcesAccessed') AS resources_accessed,
  coalesce(sensitive_data_accessed, false) AS sensitive_data_accessed
FROM memory.main.deeds WHERE activity_type IS NOT NULL`;

/**
 * The statements that define what can be asked: `entries`, `deeds` (one entry of each deed) and `agent_audit_log`. They are run again whenever
 * the tables change.
 *
 * @param tables Qualified names of tables with {@link COLUMNS}, each entry in one of them.
 */
export function viewsSql(tables: readonly string[]): readonly string[] {
  const all = tables.length === 0 ? NO_ROWS : tables.map((table) => `SELECT * FROM ${table}`).join(" UNION ALL ");
  return [
    `CREATE OR REPLACE VIEW memory.main.entries AS ${all}`,
    "CREATE OR REPLACE VIEW memory.main.deeds AS SELECT * FROM memory.main.entries WHERE counted",
    `CREATE OR REPLACE VIEW memory.main.agent_audit_log AS ${AGENT_AUDIT_LOG}`,
  ];
}
