import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";
import { eventsOf } from "./command-place.ts";

const SEED = fileURLToPath(new URL("../../../shared/seeds/agent-audit-logging.md", import.meta.url));

let place: Workplace;
let server: Served;
beforeAll(async () => {
  place = await openWorkplace();
  server = await place.serve();
});
afterAll(() => place.close());

test("HOOK-17: the script of the agent audit logging document, as it stands, logs a tool call", async () => {
  if (!existsSync(SEED)) {
    console.warn("The shared seeds are not here: their script was not run.");
    return;
  }
  const missing = ["bash", "jq", "curl"].filter((program) => spawnSync(program, ["--version"]).status !== 0);
  if (missing.length > 0) {
    console.warn(`The script was not run: there is no ${missing.join(", ")} here.`);
    return;
  }
  const [, script = ""] = /```bash\n(#!\/bin\/bash\n# agent-audit-log[\s\S]*?)```/.exec(readFileSync(SEED, "utf8")) ?? [];
  expect(script).toContain("curl -X POST");
  writeFileSync(place.path("agent-audit-log"), script);
  chmodSync(place.path("agent-audit-log"), 0o755);
  const { status, stdout } = spawnSync("bash", [place.path("agent-audit-log")], {
    encoding: "utf8",
    input: JSON.stringify({ tool_name: "Bash", parameters: { command: "git log --oneline -10" }, result: { exit_code: 0 } }),
    env: { PATH: process.env.PATH ?? "", AUDIT_LOG_URL: server.url, AGENT_ID: "ops/release-manager", SESSION_ID: "abc123" },
  });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ receipts: [{ id: expect.any(String) }], errors: [] });
  const [event] = await eventsOf(server, "session=abc123");
  expect(event).toMatchObject({
    action: "ai.tool_call",
    actor: { type: "agent", id: "ops/release-manager" },
    activity: { tool: { name: "Bash", parameters: { command: "git log --oneline -10" } } },
    outcome: { status: "success" },
  });
});
