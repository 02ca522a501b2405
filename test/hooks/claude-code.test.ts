import { afterAll, beforeAll, expect, test } from "vitest";
import { type HookServer, openHookServer } from "./hook-server.ts";

let hooks: HookServer;
beforeAll(async () => {
  hooks = await openHookServer();
});
afterAll(() => hooks.close());

const countOf = async (query: string): Promise<number> =>
  (await hooks.ask<{ total: number }>(`/api/v1/stats?${query}&wait=searchable`)).total;

test("HOOK-1: hooks of Codex and Copilot are kept under their agent, and a name that is none is refused with the nearest one", async () => {
  const hook = { hook_event_name: "SessionStart", session_id: "other", source: "startup" };
  expect((await hooks.post(hook, "/hooks/codex")).status).toBe(200);
  expect((await hooks.post(hook, "/hooks/copilot")).status).toBe(200);
  expect(await countOf("session=other&action=agent.session.started")).toBe(2);
  const refused = await hooks.post(hook, "/hooks/claude-cod");
  expect(refused.status).toBe(404);
  expect(refused.text).toContain("Did you mean /hooks/claude-code?");
});

test("HOOK-1: what is no hook is refused, and numbers that do not survive are kept as text", async () => {
  for (const body of ["", "no", "[]", "{}", '{"hook_event_name":1}']) {
    const { status, text } = await hooks.post(body);
    expect(status, body).toBe(400);
    expect(text).toMatch(/"code":"(?:BODY_INVALID|SHAPE_INVALID)"/);
  }
  const call =
    '{"hook_event_name":"PreToolUse","session_id":"exact","tool_use_id":"t1","tool_name":"X","tool_input":{"n":12345678901234567890}}';
  expect((await hooks.post(call)).status).toBe(200);
  const response = await fetch(`${hooks.server.url}/api/v1/events?session=exact&wait=searchable`);
  expect(await response.text()).toContain('"n":"12345678901234567890"');
});
