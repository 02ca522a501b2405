import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { SqlAnswer } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";

const SEED = fileURLToPath(new URL("../../../shared/seeds/agent-audit-logging.md", import.meta.url));
/** The query of the document, for where the document is absent. */
const SECURITY_AUDIT = `SELECT agent_id, action_name, resources_accessed, timestamp
FROM agent_audit_log
WHERE sensitive_data_accessed = TRUE AND timestamp > NOW() - INTERVAL '7 days'
ORDER BY timestamp DESC;`;

const ADMIN_KEY = "vt_test_admin_key_of_the_security_tests_000000";

let place: Workplace;
let server: Served;
beforeAll(async () => {
  place = await openWorkplace();
  await writeFile(place.path("vouchtrail.yaml"), 'sensitivity:\n  paths: ["*.ledger", "!fixtures.env"]\n');
  server = await place.serve(["--data", "data", "--config", "vouchtrail.yaml"], { environment: { VOUCHTRAIL_ADMIN_KEY: ADMIN_KEY } });
  await writeFile(place.path("admin.key"), ADMIN_KEY);
}, 60_000);
afterAll(() => place.close());

let calls = 0;
/** A call as its two hooks tell of it. */
async function call(toolName: string, toolInput: object): Promise<void> {
  const common = { session_id: "s-1", tool_use_id: `toolu_${++calls}`, tool_name: toolName, tool_input: toolInput, cwd: "/repo" };
  for (const hook of [
    { ...common, hook_event_name: "PreToolUse" },
    { ...common, hook_event_name: "PostToolUse", tool_response: {} },
  ]) {
    const response = await fetch(`${server.url}/hooks/claude-code`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(hook),
    });
    expect(response.status).toBe(200);
  }
}

function securityAudit(): string {
  if (!existsSync(SEED)) {
    console.warn("The document of the agent audit log is not here: a copy of its query is run.");
    return SECURITY_AUDIT;
  }
  const [, sql = ""] = /### Security Audit\n+```sql\n([\s\S]*?)```/.exec(readFileSync(SEED, "utf8")) ?? [];
  expect(sql).toContain("sensitive_data_accessed = TRUE");
  return sql;
}

async function rows(sql: string): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await place.run(["sql", sql, "--format", "json", "--key-file", "admin.key", "--url", server.url]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const answer = JSON.parse(out) as SqlAnswer;
  return answer.rows.map((row) => Object.fromEntries(answer.columns.map(({ name }, position) => [name, row[position]])));
}

/** Waits until the search index holds what was accepted. */
async function searchable(): Promise<void> {
  const response = await fetch(`${server.url}/api/v1/stats?action=ai.tool_call&wait=searchable`);
  expect(response.status).toBe(200);
}

test("SENS-4: the security query of the document returns exactly the calls that touched a secret, with what they touched", async () => {
  await call("Read", { file_path: "/repo/.env" });
  await call("Bash", { command: "cat ~/.ssh/id_rsa" });
  await call("Read", { file_path: "/repo/src/a.ts" });
  await call("Read", { file_path: "/repo/fixtures.env" });
  await searchable();
  const found = (await rows(securityAudit())).map(({ action_name, resources_accessed }) => ({
    name: action_name,
    resources: typeof resources_accessed === "string" ? (JSON.parse(resources_accessed) as unknown) : resources_accessed,
  }));
  expect(found.sort((left, right) => String(right.name).localeCompare(String(left.name)))).toEqual([
    { name: "Read", resources: [{ type: "file", identifier: "/repo/.env" }] },
    {
      name: "Bash",
      resources: [
        { type: "command", identifier: "cat" },
        { type: "file", identifier: "~/.ssh/id_rsa" },
      ],
    },
  ]);
}, 60_000);

async function send(event: object): Promise<string> {
  const response = await fetch(`${server.url}/api/v1/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ action: "ai.tool_call", actor: { type: "agent", id: "a" }, outcome: { status: "success" }, ...event }),
  });
  expect(response.status).toBeLessThan(300);
  const [receipt] = ((await response.json()) as { receipts: { id: string }[] }).receipts;
  return receipt?.id ?? "";
}

async function securityOf(id: string): Promise<unknown> {
  const response = await fetch(`${server.url}/api/v1/events/${id}`);
  const { event } = (await response.json()) as { event: { security?: unknown } };
  return event.security;
}

const readOf = (path: string): object => ({
  activity: { type: "tool", name: "Read", tool: { name: "Read", parameters: { file_path: path } } },
});

test("SENS-3: what the sender says about security stays, and only what it leaves out is derived", async () => {
  const stated = { permissionLevel: "admin", resourcesAccessed: [], sensitiveDataAccessed: false };
  expect(await securityOf(await send({ ...readOf("/repo/.env"), security: stated }))).toEqual(stated);
  expect(await securityOf(await send({ ...readOf("/repo/.env"), security: { permissionLevel: "admin" } }))).toEqual({
    permissionLevel: "admin",
    resourcesAccessed: [{ type: "file", identifier: "/repo/.env" }],
    sensitiveDataAccessed: true,
  });
});

test("SENS-2: events of other activities get no block, and patterns of the configuration count beside the built-in ones", async () => {
  expect(await securityOf(await send({ action: "x.y", target: { type: "file", id: "/repo/.env" } }))).toBeUndefined();
  expect(await securityOf(await send(readOf("/repo/main.ledger")))).toMatchObject({ sensitiveDataAccessed: true });
});

test("SENS-13: a secret that only the derivation puts together is redacted like any other", async () => {
  const token = ["g", "h", "p", "_a8Kd92LmQ0xZ7vBn", "4TyUw6RjC1eHsPfG3oVi"];
  const quoted = token.map((part) => `'${part}'`).join("");
  const id = await send({ activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: `cat ./${quoted}` } } } });
  const security = JSON.stringify(await securityOf(id));
  expect(security).toContain("command");
  expect(security).not.toContain(token.join(""));
});

test("SENS-24: with derive: false no block is derived", async () => {
  const other = await openWorkplace();
  try {
    await writeFile(other.path("vouchtrail.yaml"), "sensitivity:\n  derive: false\n");
    const silent = await other.serve(["--data", "data", "--config", "vouchtrail.yaml"]);
    const response = await fetch(`${silent.url}/api/v1/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        action: "ai.tool_call",
        actor: { type: "agent", id: "a" },
        outcome: { status: "success" },
        ...readOf("/repo/.env"),
      }),
    });
    const [receipt] = ((await response.json()) as { receipts: { id: string }[] }).receipts;
    const kept = (await (await fetch(`${silent.url}/api/v1/events/${receipt?.id}`)).json()) as {
      event: { action: string; security?: unknown };
    };
    expect(kept.event.action).toBe("ai.tool_call");
    expect(kept.event.security).toBeUndefined();
  } finally {
    await other.close();
  }
}, 60_000);
