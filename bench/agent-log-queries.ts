/** One query of the agent audit log's document. */
export interface AgentLogQuery {
  readonly name: string;
  /** As the document has it, and as both databases take it. */
  readonly sql: string;
}

/** The agent that the document's first query asks for; in the benchmark another one of the same kind takes its place. */
export const DOCUMENT_AGENT = "ops/release-manager";

/** The five queries, word for word. */
export const AGENT_LOG_QUERIES: readonly AgentLogQuery[] = [
  {
    name: "recent activity by agent",
    sql: `SELECT
  action_type,
  action_name,
  outcome_status,
  timestamp
FROM agent_audit_log
WHERE agent_id = 'ops/release-manager'
  AND timestamp > NOW() - INTERVAL '1 hour'
ORDER BY timestamp DESC;`,
  },
  {
    name: "failed actions",
    sql: `SELECT
  agent_id,
  action_name,
  outcome_error,
  timestamp
FROM agent_audit_log
WHERE outcome_status = 'failure'
  AND timestamp > NOW() - INTERVAL '24 hours'
ORDER BY timestamp DESC;`,
  },
  {
    name: "cost analysis",
    sql: `SELECT
  agent_id,
  DATE_TRUNC('day', timestamp) as day,
  SUM(cost_usd) as total_cost,
  SUM(tokens_input + tokens_output) as total_tokens,
  COUNT(*) as action_count
FROM agent_audit_log
WHERE timestamp > NOW() - INTERVAL '30 days'
GROUP BY agent_id, DATE_TRUNC('day', timestamp)
ORDER BY day DESC, total_cost DESC;`,
  },
  {
    name: "security audit",
    sql: `SELECT
  agent_id,
  action_name,
  resources_accessed,
  timestamp
FROM agent_audit_log
WHERE sensitive_data_accessed = TRUE
  AND timestamp > NOW() - INTERVAL '7 days'
ORDER BY timestamp DESC;`,
  },
  {
    name: "action outcomes",
    sql: `-- Which actions succeed vs fail?
SELECT
  agent_id,
  action_name,
  COUNT(*) as total,
  COUNT(*) FILTER (WHERE outcome_status = 'success') as successes,
  ROUND(100.0 * COUNT(*) FILTER (WHERE outcome_status = 'success') / COUNT(*), 1) as success_rate
FROM agent_audit_log
WHERE timestamp > NOW() - INTERVAL '30 days'
GROUP BY agent_id, action_name
HAVING COUNT(*) > 10
ORDER BY success_rate ASC;`,
  },
];
