import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { fromAgentLogEntry, type SqlAnswer, type Stats } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ended, openWorkplace, type Served, type Workplace } from "./cli-process.ts";

// Third-party material: read in place where it is, never copied.
const TRANSCRIPTS = fileURLToPath(new URL("../../../shared/data/claude-code/", import.meta.url));
const SEED = fileURLToPath(new URL("../../../shared/seeds/agent-audit-logging.md", import.meta.url));
const isSharedHere = existsSync(TRANSCRIPTS) && existsSync(SEED);
if (!isSharedHere) console.warn("The shared transcripts and seeds are not here: reports were not compared with their SQL.");

const ADMIN_KEY = "vt_test_admin_key_of_the_report_tests_00000000";
const SINCE = "2025-01-01";

let place: Workplace;
let server: Served;
beforeAll(async () => {
  place = await openWorkplace();
  server = await place.serve(["--data", "data"], { environment: { VOUCHTRAIL_ADMIN_KEY: ADMIN_KEY } });
  await writeFile(place.path("admin.key"), ADMIN_KEY);
  await writeFile(place.path("more.ndjson"), moreEvents().join("\n"));
  await importAll();
});
afterAll(async () => {
  await server.stop();
  await place.close();
});

const run = (...args: readonly string[]): Promise<Ended> => place.run([...args, "--url", server.url]);

/** What the transcripts do not have: costs, sensitive data, and late events. */
function moreEvents(): readonly string[] {
  return Array.from({ length: 60 }, (_, number) =>
    JSON.stringify({
      id: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`,
      occurredAt: new Date(Date.parse("2026-02-01T00:00:00.000Z") + ((number * 37) % 60) * 7_000_000 + number).toISOString(),
      action: "ai.tool_call",
      actor: { type: "agent", id: `ops/agent-${number % 4}` },
      target: { type: "tool", id: "postgres" },
      outcome: number % 6 === 0 ? { status: "failure", code: "TIMEOUT" } : { status: "success" },
      activity: { type: "skill", name: "postgres", skill: { name: "postgres", operation: "query" } },
      usage: { tokensInput: 10 + number, tokensOutput: 5, costUsd: number / 997 },
      security: {
        sensitiveDataAccessed: number % 8 === 0,
        permissionLevel: "readonly",
        resourcesAccessed: [{ type: "table", identifier: `t-${number}` }],
      },
    }),
  );
}

async function importAll(): Promise<void> {
  const files = isSharedHere
    ? readdirSync(TRANSCRIPTS)
        .filter((name) => name.endsWith(".jsonl"))
        .map((name) => `${TRANSCRIPTS}${name}`)
    : [];
  expect(await run("import", "more.ndjson", ...files)).toMatchObject({ code: 0, err: "" });
  expect(await run("search", "--wait", "--limit", "1")).toMatchObject({ code: 0 });
}

/** The queries of the seed by their headings, reaching back to a fixed day, because the transcripts are from a fixed time. */
function seedQuery(heading: string): string {
  const [, sql = ""] = new RegExp(`### ${heading}\\n+\`\`\`sql\\n([\\s\\S]*?)\`\`\``).exec(readFileSync(SEED, "utf8")) ?? [];
  expect(sql).toContain("FROM agent_audit_log");
  return sql.replace(/NOW\(\) - INTERVAL '[^']+'/g, `TIMESTAMPTZ '${SINCE}'`).replace("ops/release-manager", "claude-code");
}

async function sqlRows(sql: string): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await run("sql", sql, "--limit", "100000", "--format", "json", "--key-file", "admin.key");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const { columns, rows, isTruncated } = JSON.parse(out) as SqlAnswer;
  expect(isTruncated).toBe(false);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, position) => [name, row[position]])));
}

async function reportRows(name: string, ...more: readonly string[]): Promise<Record<string, unknown>[]> {
  const { code, out } = await run("report", name, "--since", SINCE, "--limit", "10000", "--json", ...more);
  expect(code).toBe(0);
  const report = JSON.parse(out) as { rows: Record<string, unknown>[]; isTruncated: boolean };
  expect(report.isTruncated).toBe(false);
  return report.rows;
}

/** Rows in one order: where several have the same time or sum, neither side promises one. */
function sorted(rows: readonly Record<string, unknown>[]): readonly string[] {
  return rows.map((row) => JSON.stringify(Object.entries(row).sort(([left], [right]) => (left < right ? -1 : 1)))).sort();
}

const select = (rows: readonly Record<string, unknown>[], names: Readonly<Record<string, string>>): Record<string, unknown>[] =>
  rows.map((row) => Object.fromEntries(Object.entries(names).map(([name, column]) => [name, row[column] ?? null])));

test("the lists of reports are those of the seeds' SQL", async () => {
  if (!isSharedHere) return;
  const recent = { actionType: "action_type", actionName: "action_name", outcomeStatus: "outcome_status", timestamp: "timestamp" };
  const own = (names: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.keys(names).map((name) => [name, name]));
  const recentSql = select(await sqlRows(seedQuery("Recent Activity by Agent")), recent);
  expect(recentSql.length).toBeGreaterThan(400);
  const recentRows = select(await reportRows("recent", "--agent", "claude-code"), own(recent));
  expect(sorted(recentRows)).toEqual(sorted(recentSql));
  expect(recentRows.map(({ timestamp }) => timestamp)).toEqual(recentSql.map(({ timestamp }) => timestamp));

  const failed = { agentId: "agent_id", actionName: "action_name", outcomeError: "outcome_error", timestamp: "timestamp" };
  const failedSql = select(await sqlRows(seedQuery("Failed Actions")), failed);
  expect(failedSql.length).toBeGreaterThan(30);
  expect(sorted(select(await reportRows("failures"), own(failed)))).toEqual(sorted(failedSql));

  const sensitive = { agentId: "agent_id", actionName: "action_name", resourcesAccessed: "resources_accessed", timestamp: "timestamp" };
  const sensitiveSql = select(await sqlRows(seedQuery("Security Audit")), sensitive);
  expect(sensitiveSql).toHaveLength(8);
  expect(sorted(select(await reportRows("sensitive"), own(sensitive)))).toEqual(sorted(sensitiveSql));
});

test("the sums of reports are those of the seeds' SQL", async () => {
  if (!isSharedHere) return;
  const cost = await sqlRows(seedQuery("Cost Analysis"));
  expect(cost.length).toBeGreaterThan(20);
  // Where nothing tells of a cost or of tokens, the sum of the SQL is NULL and that of the report is 0.
  const round = (value: unknown): number => Math.round(Number(value ?? 0) * 1e9) / 1e9;
  const costSql = cost.map((row) => ({
    agentId: row.agent_id,
    day: String(row.day).slice(0, 10),
    totalCost: round(row.total_cost),
    totalTokens: round(row.total_tokens),
    actionCount: row.action_count,
  }));
  const costRows = (await reportRows("cost")).map((row) => ({ ...row, totalCost: round(row.totalCost) }));
  expect(sorted(costRows)).toEqual(sorted(costSql));
  expect(costRows.map((row) => (row as unknown as { day: string }).day)).toEqual(costSql.map(({ day }) => day));

  const outcomes = (await sqlRows(seedQuery("Learning: Action Outcomes"))).map((row) => ({
    agentId: row.agent_id,
    actionName: row.action_name,
    total: row.total,
    successes: row.successes,
    successRate: row.success_rate,
  }));
  expect(outcomes.length).toBeGreaterThan(8);
  const rows = await reportRows("outcomes");
  expect(sorted(rows)).toEqual(sorted(outcomes));
  expect(rows.map(({ successRate }) => successRate)).toEqual(outcomes.map(({ successRate }) => successRate));
});

test("counts are those of the raw files, and importing the same files again changes none", async () => {
  if (!isSharedHere) return;
  const calls = new Set<string>();
  for (const name of readdirSync(TRANSCRIPTS).filter((file) => file.endsWith(".jsonl"))) {
    // Every tool call has an id of its own; a subagent's stand inside the lines that tell of its progress.
    for (const [, id = ""] of readFileSync(`${TRANSCRIPTS}${name}`, "utf8").matchAll(/"type":"tool_use","id":"([^"\\]+)"/g)) calls.add(id);
  }
  const count = async (): Promise<Stats> =>
    JSON.parse(
      (await run("stats", "--action", "ai.tool_call", "--target", "!postgres", "--group", "outcome", "--json", "--wait")).out,
    ) as Stats;
  const before = await count();
  expect(before.total).toBe(calls.size);
  await importAll();
  const { treeSize: _, searchedTo: __, ...after } = await count();
  expect(before).toMatchObject(after);
  const [{ calls: counted } = {}] = await sqlRows(
    "SELECT count(*) AS calls FROM deeds WHERE action = 'ai.tool_call' AND target_id <> 'postgres'",
  );
  expect(counted).toBe(calls.size);
});

test("DEED-1, DEED-2: calls that agents post as well, under the call ids of the transcripts, change no count", async () => {
  if (!isSharedHere) return;
  const counts = async (): Promise<string> => {
    const { out } = await run("stats", "--activity", "*", "--group", "tool,outcome,session", "--limit", "1000", "--json", "--wait");
    const { treeSize: _, searchedTo: __, ...stats } = JSON.parse(out) as Stats;
    return JSON.stringify(stats);
  };
  const before = await counts();
  const { out } = await run("search", "--activity", "tool", "--all", "--format", "ndjson");
  const told = out
    .split("\n")
    .filter((line) => line !== "")
    .map(
      (line) =>
        JSON.parse(line) as {
          readonly event: { readonly context?: { sessionId?: string; callId?: string }; readonly activity: { name: string } };
        },
    )
    .filter(({ event }) => event.context?.sessionId !== undefined && event.context.callId !== undefined)
    .map(({ event: { context, activity } }) => {
      // As the agent log entry of the hook script becomes an event, with the call's id, for which that shape has no field.
      const entry = {
        timestamp: "2026-03-01T00:00:00Z",
        agent: { id: "ops/hook", session_id: context?.sessionId },
        action: { type: "tool", name: activity.name, tool: { name: activity.name } },
        outcome: { status: "success" },
      };
      const { event } = fromAgentLogEntry(entry, { tenant: "default", lenient: true });
      return { ...event, context: { ...event.context, callId: context?.callId } };
    });
  expect(told.length).toBeGreaterThan(400);
  const answer = await fetch(`${server.url}/api/v1/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(told),
  });
  expect(answer.status).toBe(201);
  expect(await counts()).toBe(before);
});

test("SQL is read from the command line, a file and standard input, and printed in every format", async () => {
  const sql = "SELECT actor_id, count(*) AS n FROM deeds WHERE target_id = 'postgres' GROUP BY 1 ORDER BY 1";
  const table = await run("sql", sql, "--key-file", "admin.key");
  expect(table.out).toBe("actor_id      n\nops/agent-0  15\nops/agent-1  15\nops/agent-2  15\nops/agent-3  15\n");
  expect(table.err).toMatch(/^4 rows in \d+ ms\.\n$/);
  const csv = "actor_id,n\r\nops/agent-0,15\r\nops/agent-1,15\r\nops/agent-2,15\r\nops/agent-3,15\r\n";
  await writeFile(place.path("query.sql"), `-- how many\n${sql};\n`);
  expect(await run("sql", "-f", "query.sql", "--format", "csv", "--key-file", "admin.key")).toMatchObject({ code: 0, out: csv, err: "" });
  const piped = await place.run(["sql", "--format", "ndjson", "--limit", "1", "--url", server.url], {
    input: sql,
    environment: { VOUCHTRAIL_KEY: ADMIN_KEY },
  });
  expect(piped).toMatchObject({ code: 0, out: '{"actor_id":"ops/agent-0","n":15}\n' });
  expect(piped.err).toBe("Cut after 1 rows: there are more. --limit gives up to 100,000; a narrower statement gives all.\n");
});

test("SQL that cannot be run is refused in words, and without an admin key none is", async () => {
  const refusal = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await run("sql", ...args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    return err;
  };
  expect(await refusal("SELECT 1")).toMatch(/^vouchtrail: /);
  expect(await refusal("DROP TABLE entries", "--key-file", "admin.key")).toMatch(/SELECT/);
  expect(await refusal("SELECT * FROM 'admin.key'", "--key-file", "admin.key")).toMatch(/^vouchtrail: /);
  expect(await refusal("SELEC 1", "--key-file", "admin.key")).toMatch(/^vouchtrail: /);
  expect(await refusal("SELECT 1", "-f", "query.sql", "--key-file", "admin.key")).toMatch(/give one of them/);
  expect(await refusal("SELECT 1", "--fromat", "csv", "--key-file", "admin.key")).toMatch(/^(?:vouchtrail|error): /);
  expect(await refusal("--fromat", "--key-file", "admin.key")).toBe(
    "vouchtrail: There is no option --fromat. vouchtrail sql --help lists them.\n",
  );
  expect(await refusal("-f", "gone.sql", "--key-file", "admin.key")).toMatch(/gone\.sql cannot be read/);
  expect(await refusal("", "--key-file", "admin.key")).toMatch(/There is no statement/);
  expect(await refusal("--key-file", "admin.key")).toMatch(/There is no statement/);
});
