import { Agent } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";
import { sendRequest } from "../hostile/running-server.ts";

const JSON_TYPE = { "content-type": "application/json" };
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

let place: Workplace;
let server: Served;
beforeAll(async () => {
  place = await openWorkplace();
  server = await place.serve();
});
afterAll(async () => {
  agent.destroy();
  await place.close();
});

async function post(payload: unknown, path = "/hooks/claude-code"): Promise<{ status: number; text: string }> {
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  return sendRequest(Number(server.port), path, { method: "POST", headers: JSON_TYPE, body }, agent);
}

async function countOf(query: string): Promise<number> {
  const response = await fetch(`${server.url}/api/v1/stats?${query}&wait=searchable`);
  return ((await response.json()) as { total: number }).total;
}

test("HOOK-1: hooks of Codex and Copilot are kept under their agent, and a name that is none is refused with the nearest one", async () => {
  const hook = { hook_event_name: "SessionStart", session_id: "other", source: "startup" };
  expect((await post(hook, "/hooks/codex")).status).toBe(200);
  expect((await post(hook, "/hooks/copilot")).status).toBe(200);
  expect(await countOf("session=other&action=agent.session.started")).toBe(2);
  const refused = await post(hook, "/hooks/claude-cod");
  expect(refused.status).toBe(404);
  expect(refused.text).toContain("Did you mean /hooks/claude-code?");
});

test("HOOK-1: what is no hook is refused, and numbers that do not survive are kept as text", async () => {
  for (const body of ["", "no", "[]", "{}", '{"hook_event_name":1}']) {
    const { status, text } = await post(body);
    expect(status, body).toBe(400);
    expect(text).toMatch(/"code":"(?:BODY_INVALID|SHAPE_INVALID)"/);
  }
  const call =
    '{"hook_event_name":"PreToolUse","session_id":"exact","tool_use_id":"t1","tool_name":"X","tool_input":{"n":12345678901234567890}}';
  expect((await post(call)).status).toBe(200);
  const response = await fetch(`${server.url}/api/v1/events?session=exact&wait=searchable`);
  expect(await response.text()).toContain('"n":"12345678901234567890"');
});
