import { AGENT_LOG_QUERIES, DOCUMENT_AGENT } from "./agent-log-queries.ts";
import type { BenchEvent } from "./events.ts";

/** What the server is asked: a path of its API, or SQL for its administrator. */
export type Question = { readonly path: string } | { readonly sql: string };

/** The same for the baseline. */
export interface BaselineQuestion {
  readonly sql: string;
  readonly values?: readonly unknown[];
}

/** One thing that people ask, on both sides. */
export interface Query {
  readonly kind: "agent log" | "filter" | "text" | "page" | "stats";
  readonly name: string;
  readonly ours: Question;
  /** Absent where the baseline's table has nothing to ask. */
  readonly baseline?: BaselineQuestion;
}

const AGENT = "ops/agent-7";
const PAGE = 50;
/** Of about 9,000, each in one of 22,500 events. */
const RARE_PROJECT = 4_711;
const DAY_MS = 86_400_000;
/** Everything that the baseline keeps as text, as somebody would search it without an index of words. */
const BASELINE_TEXT =
  "(action_name || ' ' || agent_id || ' ' || action_details::text || ' ' || coalesce(outcome_result::text, '') || ' ' || coalesce(outcome_error::text, ''))";
const BASELINE_SUMS = `count(*) AS total, count(*) FILTER (WHERE outcome_status = 'success') AS success,
  count(*) FILTER (WHERE outcome_status = 'failure') AS failure, count(*) FILTER (WHERE outcome_status = 'denied') AS denied,
  sum(tokens_input), sum(tokens_output), sum(cost_usd)`;
const BASELINE_PAGE = `ORDER BY timestamp DESC LIMIT ${PAGE}`;

/**
 * Cost by day of everybody, not only of agents: far more groups than the document's own query has on these events. Only the first rows are wanted.
 */
const costOf = (columns: { readonly table: string; readonly actor: string; readonly time: string }): string => `SELECT ${columns.actor},
  DATE_TRUNC('day', ${columns.time}) AS day, SUM(cost_usd) AS total_cost, SUM(tokens_input + tokens_output) AS total_tokens, COUNT(*) AS action_count
FROM ${columns.table} WHERE ${columns.time} > NOW() - INTERVAL '30 days'
GROUP BY ${columns.actor}, DATE_TRUNC('day', ${columns.time}) ORDER BY action_count DESC, day DESC LIMIT 100`;

/** The five queries of the agent log: what the budget is about. */
export const agentLogQueries: readonly (Query & { readonly ours: { readonly sql: string } })[] = AGENT_LOG_QUERIES.map(({ name, sql }) => {
  const asked = sql.replace(DOCUMENT_AGENT, AGENT);
  return { kind: "agent log", name, ours: { sql: asked }, baseline: { sql: asked } };
});

/**
 * Everything that is measured.
 *
 * @param sample An agent's event that is in the trail.
 * @param nowMs Times are counted back from it.
 */
export function createQueries(sample: BenchEvent, nowMs: number): readonly Query[] {
  const session = sample.context?.sessionId ?? "";
  const call = sample.context?.callId ?? "";
  const dayAgo = new Date(nowMs - DAY_MS).toISOString();
  const filter = (name: string, parameters: Readonly<Record<string, string>>, where: string, values: readonly unknown[]): Query => ({
    kind: "filter",
    name,
    ours: { path: `/api/v1/events?${new URLSearchParams({ ...parameters, limit: String(PAGE) })}` },
    baseline: { sql: `SELECT * FROM audit_log WHERE ${where} ${BASELINE_PAGE}`, values },
  });
  const text = (name: string, words: string, where = "", parameters: Readonly<Record<string, string>> = {}): Query => ({
    ...filter(name, { text: words, ...parameters }, `${BASELINE_TEXT} ILIKE $1${where}`, [`%${words.replaceAll('"', "")}%`]),
    kind: "text",
  });
  return [
    ...agentLogQueries,
    {
      kind: "agent log",
      name: "cost of all actors by day, first 100 groups",
      ours: { sql: costOf({ table: "deeds", actor: "actor_id", time: "occurred_at" }) },
      baseline: { sql: costOf({ table: "audit_log", actor: "agent_id", time: "timestamp" }) },
    },
    filter("actor", { actor: AGENT }, "agent_id = $1", [AGENT]),
    filter("session", { session }, "session_id = $1", [session]),
    filter("action prefix", { action: "invoice.*" }, "action_name LIKE $1", ["invoice.%"]),
    filter("failures since yesterday", { outcome: "failure", from: dayAgo }, "outcome_status = $1 AND timestamp >= $2", [
      "failure",
      dayAgo,
    ]),
    filter("actor and failure", { actor: AGENT, outcome: "failure" }, "agent_id = $1 AND outcome_status = $2", [AGENT, "failure"]),
    filter("label", { "label.lane": "lane-3" }, "action_details->'labels'->>'lane' = $1", ["lane-3"]),
    filter("sensitive", { sensitive: "true" }, "sensitive_data_accessed", []),
    filter("one call", { call }, "action_details->'context'->>'callId' = $1", [call]),
    {
      kind: "filter",
      name: "one event by its id",
      ours: { path: `/api/v1/events/${sample.id}` },
      baseline: { sql: "SELECT * FROM audit_log WHERE id = $1", values: [sample.id] },
    },
    text("word in every tenth event", "kubectl"),
    text("word in few events", `/api/projects/${RARE_PROJECT}/`),
    text("word in no event", "zeppelin"),
    text("phrase of two words", '"nobody objected"'),
    text("word, of one actor", "kubectl", ` AND agent_id = '${AGENT}'`, { actor: AGENT }),
    {
      kind: "stats",
      name: "by actor, 100 groups",
      ours: { path: "/api/v1/stats?group=actor" },
      baseline: { sql: `SELECT agent_id, ${BASELINE_SUMS} FROM audit_log GROUP BY agent_id ORDER BY total DESC LIMIT 100` },
    },
    {
      kind: "stats",
      name: "by action and outcome",
      ours: { path: "/api/v1/stats?group=action&group=outcome" },
      baseline: {
        sql: `SELECT action_name, outcome_status, ${BASELINE_SUMS} FROM audit_log GROUP BY action_name, outcome_status ORDER BY total DESC LIMIT 100`,
      },
    },
    {
      kind: "stats",
      name: "by hour",
      ours: { path: "/api/v1/stats?bucket=hour" },
      baseline: { sql: `SELECT date_trunc('hour', timestamp) AS hour, ${BASELINE_SUMS} FROM audit_log GROUP BY hour ORDER BY hour` },
    },
    {
      kind: "stats",
      name: "by day, of one actor",
      ours: { path: `/api/v1/stats?${new URLSearchParams({ bucket: "day", actor: AGENT })}` },
      baseline: {
        sql: `SELECT date_trunc('day', timestamp) AS day, ${BASELINE_SUMS} FROM audit_log WHERE agent_id = $1 GROUP BY day ORDER BY day`,
        values: [AGENT],
      },
    },
    { kind: "stats", name: "sources and their gaps", ours: { path: "/api/v1/sources" } },
    { kind: "stats", name: "open effects", ours: { path: "/api/v1/effects?state=open" } },
  ];
}

/** The first page, and one far behind it. */
export function createPageQueries(deep: {
  readonly cursor: string;
  readonly occurredAt: string;
  readonly position: number;
}): readonly Query[] {
  return [
    {
      kind: "page",
      name: "first page",
      ours: { path: `/api/v1/events?limit=${PAGE}` },
      baseline: { sql: `SELECT * FROM audit_log ${BASELINE_PAGE}` },
    },
    {
      kind: "page",
      name: `page behind ${deep.position.toLocaleString("en-US")} entries`,
      ours: { path: `/api/v1/events?${new URLSearchParams({ limit: String(PAGE), cursor: deep.cursor })}` },
      // By the time of the last row, as well as it can be done; OFFSET would read all rows before.
      baseline: { sql: `SELECT * FROM audit_log WHERE timestamp < $1 ${BASELINE_PAGE}`, values: [deep.occurredAt] },
    },
  ];
}
