import { existsSync, readFileSync } from "node:fs";
import { DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { entriesOf, eventOf, type IndexRows, openIndexRows, RECEIVED, readEntry } from "../../../../../test/search/index-rows.ts";
import { sealEvent } from "../../intake/seal.ts";
import { COLUMNS } from "./columns.ts";

let rows: IndexRows;
beforeAll(async () => {
  rows = await openIndexRows();
});
afterAll(async () => {
  await rows[Symbol.asyncDispose]();
});

const ask = async (sql: string): Promise<unknown[][]> => (await rows.connection.runAndReadAll(sql)).getRowsJson() as unknown[][];
const columnsOf = async (view: string): Promise<unknown[][]> =>
  ask(`SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '${view}' ORDER BY ordinal_position`);

const RECENT = `SELECT
  action_type,
  action_name,
  outcome_status,
  timestamp
FROM agent_audit_log
WHERE agent_id = 'ops/release-manager'
  AND timestamp > NOW() - INTERVAL '1 hour'
ORDER BY timestamp DESC;`;
const FAILED = `SELECT
  agent_id,
  action_name,
  outcome_error,
  timestamp
FROM agent_audit_log
WHERE outcome_status = 'failure'
  AND timestamp > NOW() - INTERVAL '24 hours'
ORDER BY timestamp DESC;`;
const COST = `SELECT
  agent_id,
  DATE_TRUNC('day', timestamp) as day,
  SUM(cost_usd) as total_cost,
  SUM(tokens_input + tokens_output) as total_tokens,
  COUNT(*) as action_count
FROM agent_audit_log
WHERE timestamp > NOW() - INTERVAL '30 days'
GROUP BY agent_id, DATE_TRUNC('day', timestamp)
ORDER BY day DESC, total_cost DESC;`;
const SECURITY = `SELECT
  agent_id,
  action_name,
  resources_accessed,
  timestamp
FROM agent_audit_log
WHERE sensitive_data_accessed = TRUE
  AND timestamp > NOW() - INTERVAL '7 days'
ORDER BY timestamp DESC;`;
const OUTCOMES = `-- Which actions succeed vs fail?
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
ORDER BY success_rate ASC;`;

const MINUTE_MS = 60_000;
const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();
const bash = { activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: "ls" } } } };

test("VIEW-1: the queries are those of the agent log format", () => {
  const seed = new URL("../../../../../../shared/seeds/agent-audit-logging.md", import.meta.url);
  if (!existsSync(seed)) {
    console.warn("The shared documents are not here: the queries were not compared.");
    return;
  }
  const page = readFileSync(seed, "utf8");
  const queries = [...page.slice(page.indexOf("## Querying Audit Logs")).matchAll(/```sql\n([\s\S]*?)\n```/g)].map(([, sql]) => sql);
  expect(queries).toEqual([RECENT, FAILED, COST, SECURITY, OUTCOMES]);
});

test("VIEW-1: recent activity is that of the agent within the hour, the newest first", async () => {
  const agent = { actor: { type: "agent", id: "ops/release-manager" }, ...bash };
  await rows.fill(
    entriesOf([
      { ...agent, occurredAt: ago(90 * MINUTE_MS) },
      { ...agent, occurredAt: ago(5 * MINUTE_MS), outcome: { status: "denied" } },
      { ...agent, occurredAt: ago(2 * MINUTE_MS) },
      { ...bash, occurredAt: ago(MINUTE_MS) },
      { ...agent, activity: undefined, occurredAt: ago(MINUTE_MS) },
    ]),
    2,
  );
  expect((await ask(RECENT)).map((row) => row.slice(0, 3))).toEqual([
    ["tool", "Bash", "success"],
    ["tool", "Bash", "denied"],
  ]);
});

test("VIEW-1: failures tell type and message, as far as there are any", async () => {
  const failed = (minutes: number, outcome: object): object => ({
    ...bash,
    occurredAt: ago(minutes * MINUTE_MS),
    outcome: { status: "failure", ...outcome },
  });
  const entries = entriesOf([
    failed(1, { code: "E1", message: 'no "such" file' }),
    failed(2, { code: "E2" }),
    failed(3, { message: "m" }),
    failed(4, {}),
    failed(25 * 60, { code: "old" }),
  ] as never);
  const erased = readEntry(
    sealEvent(eventOf(9, failed(5, { code: "E3", message: "gone" }) as never), RECEIVED, DEFAULT_PRIVACY_POLICY),
    9,
    ["content"],
  );
  await rows.fill([...entries, erased]);
  const answer = await ask(FAILED);
  expect(answer.map(([, name]) => name)).toEqual(Array.from({ length: 5 }, () => "Bash"));
  expect(answer.map(([, , error]) => (error === null ? null : (JSON.parse(String(error)) as unknown)))).toEqual([
    { type: "E1", message: 'no "such" file' },
    { type: "E2" },
    { message: "m" },
    null,
    { type: "E3" },
  ]);
});

test("VIEW-1: costs are added up by agent and day in UTC, a deed once", async () => {
  const spent = (day: string, costUsd: number): object => ({
    ...bash,
    occurredAt: day,
    usage: { costUsd, tokensInput: 10, tokensOutput: 1 },
  });
  const today = ago(0).slice(0, 10);
  const call = { context: { sessionId: "s", callId: "c" } };
  await rows.fill(
    entriesOf([
      spent(`${today}T00:00:00Z`, 0.5),
      { ...spent(`${today}T00:00:00.5Z`, 0.25), ...call },
      { ...spent(`${today}T00:00:01Z`, 4), ...call },
    ] as never),
  );
  expect(await ask(COST)).toEqual([["agent-1", `${today} 00:00:00+00`, 0.75, "22", "2"]]);
});

test("VIEW-1: access to sensitive data names the resources", async () => {
  const resourcesAccessed = [{ type: "database_table", identifier: "public.users" }];
  await rows.fill(
    entriesOf([
      { ...bash, occurredAt: ago(MINUTE_MS), security: { sensitiveDataAccessed: true, resourcesAccessed } },
      { ...bash, occurredAt: ago(MINUTE_MS), security: { sensitiveDataAccessed: false } },
      { ...bash, occurredAt: ago(MINUTE_MS) },
    ]),
  );
  const [row, ...others] = await ask(SECURITY);
  expect(others).toEqual([]);
  expect(JSON.parse(String(row?.[2]))).toEqual(resourcesAccessed);
  expect(await ask("SELECT count(*) FROM agent_audit_log WHERE sensitive_data_accessed = FALSE")).toEqual([["2"]]);
});

test("VIEW-1: success rates are per agent and action, of more than ten deeds", async () => {
  const done = (name: string, count: number, failures: number): object[] =>
    Array.from({ length: count }, (_, i) => ({
      activity: { type: "tool", name },
      occurredAt: ago(MINUTE_MS),
      outcome: { status: i < failures ? "failure" : "success" },
    }));
  await rows.fill(entriesOf([...done("Bash", 12, 4), ...done("Read", 11, 0), ...done("Edit", 10, 10)] as never));
  expect(await ask(OUTCOMES)).toEqual([
    ["agent-1", "Bash", "12", "8", 66.7],
    ["agent-1", "Read", "11", "11", 100],
  ]);
});

test("VIEW-1: the body of an activity is its details, whatever its type", async () => {
  const decision = { question: "roll back?", chosen: "yes" };
  await rows.fill(
    entriesOf([
      bash,
      { activity: { type: "decision", name: "d", decision }, outcome: { status: "success", result: { n: [1] } } },
      { activity: { type: "task", name: "t" } },
    ]),
  );
  const answer = await ask("SELECT action_type, action_details, outcome_result FROM agent_audit_log ORDER BY id");
  expect(
    answer.map(([type, ...texts]) => [type, ...texts.map((text) => (text === null ? null : (JSON.parse(String(text)) as unknown)))]),
  ).toEqual([
    ["tool", bash.activity.tool, null],
    ["decision", decision, { n: [1] }],
    ["task", null, null],
  ]);
});

test("VIEW-1: the views have their columns also when there is nothing in them", async () => {
  await rows.fill(entriesOf([bash]));
  const [entries, deeds, log] = [await columnsOf("entries"), await columnsOf("deeds"), await columnsOf("agent_audit_log")];
  expect(entries.map(([name]) => name)).toEqual(COLUMNS.map(({ name }) => name));
  expect(deeds).toEqual(entries);
  expect(log.map(([name]) => name)).toEqual([
    "id", "timestamp", "agent_id", "session_id", "conversation_id", "action_type", "action_name", "action_details", "outcome_status",
    "outcome_result", "outcome_error", "tokens_input", "tokens_output", "duration_ms", "cost_usd", "permission_level", "resources_accessed",
    "sensitive_data_accessed",
  ]); // biome-ignore format: a list of names
  expect(log.filter(([, type]) => type === "JSON").map(([name]) => name)).toEqual([
    "action_details",
    "outcome_result",
    "outcome_error",
    "resources_accessed",
  ]);
  await rows.fill([]);
  expect(await columnsOf("entries")).toEqual(entries);
  expect(await columnsOf("agent_audit_log")).toEqual(log);
  for (const sql of [RECENT, FAILED, COST, SECURITY, OUTCOMES]) expect(await ask(sql)).toEqual([]);
});
