import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../hostile/running-server.ts";
import { shapedSecrets } from "../secrets/planted-secrets.ts";

const TIME = "2026-03-01T10:11:12.345Z";
let server: TestServer;
let redacting: TestServer;
beforeAll(async () => {
  server = await startTestServer({ "http.origins": ["https://console.example.com"] });
  redacting = await startTestServer({ "hooks.redactToolOutput": true });
});
afterAll(async () => {
  await server.remove();
  await redacting.remove();
});

const HOOK = { hook_event_name: "PreToolUse", session_id: "s1", tool_use_id: "t1", tool_name: "Bash", tool_input: { command: "ls" } };

function post(headers: Readonly<Record<string, string>>, payload: object = HOOK, to = server): ReturnType<TestServer["send"]> {
  return to.send("/hooks/claude-code", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(payload),
  });
}

test("HOOK-2: a hook with an id and a time is stored once with that time, and with another time it is a conflict", async () => {
  const id = randomUUID();
  const headers = { "x-vouchtrail-hook-id": id, "x-vouchtrail-hook-time": TIME };
  const { treeSize: before } = await server.running.ledger.head();
  expect(await post(headers)).toMatchObject({ status: 200, text: "{}" });
  expect(await post(headers)).toMatchObject({ status: 200, text: "{}" });
  expect((await server.running.ledger.head()).treeSize - before).toBe(1);
  expect((await server.get(id)).event).toMatchObject({ id, occurredAt: TIME, action: "ai.tool_call", phase: "intent" });
  const conflict = await post({ ...headers, "x-vouchtrail-hook-time": "2026-03-01T10:11:13Z" });
  expect(conflict.status).toBe(409);
  expect(conflict.text).toContain("ID_CONFLICT");
});

test("HOOK-2: the agent of the header acts, also in its subagents, on the platform of the route; the session of the header is that of a payload without one", async () => {
  const id = randomUUID();
  const timed = { "x-vouchtrail-hook-id": id, "x-vouchtrail-hook-time": TIME, "x-vouchtrail-session-id": "from%20header" };
  await post({ ...timed, "x-vouchtrail-agent-id": encodeURIComponent("ops/Überwacher") }, { ...HOOK, agent_id: "sub1" });
  const { event } = await server.get(id);
  expect(event).toMatchObject({
    actor: { type: "agent", id: "ops/Überwacher/sub1", onBehalfOf: [{ type: "agent", id: "ops/Überwacher" }] },
    labels: { platform: "claude-code", subagent: "sub1" },
    context: { sessionId: "s1" },
  });
  const other = randomUUID();
  const { session_id: _, ...withoutSession } = HOOK;
  await post({ ...timed, "x-vouchtrail-hook-id": other, "x-vouchtrail-agent-id": "" }, withoutSession);
  expect((await server.get(other)).event).toMatchObject({ actor: { id: "claude-code" }, context: { sessionId: "from header" } });
});

test("HOOK-30: a hook belongs to the trace of its header, and one that names no trace is passed over", async () => {
  const [traced, untraced] = [randomUUID(), randomUUID()];
  const traceparent = `00-${"1a".repeat(16)}-${"2b".repeat(8)}-01`;
  await post({ "x-vouchtrail-hook-id": traced, "x-vouchtrail-hook-time": TIME, traceparent });
  await post({ "x-vouchtrail-hook-id": untraced, "x-vouchtrail-hook-time": TIME, traceparent: "00-zz" });
  expect((await server.get(traced)).event.context).toMatchObject({ sessionId: "s1", traceId: "1a".repeat(16), spanId: "2b".repeat(8) });
  expect((await server.get(untraced)).event.context).not.toHaveProperty("traceId");
});

test("HOOK-2: a bad header is refused with its name, and an id without a time as well", async () => {
  const bad: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ "x-vouchtrail-hook-id": "1", "x-vouchtrail-hook-time": TIME }, "x-vouchtrail-hook-id"],
    [{ "x-vouchtrail-hook-id": randomUUID(), "x-vouchtrail-hook-time": "yesterday" }, "x-vouchtrail-hook-time"],
    [{ "x-vouchtrail-hook-time": "2026-02-30T00:00:00Z" }, "x-vouchtrail-hook-time"],
    [{ "x-vouchtrail-hook-id": randomUUID() }, "x-vouchtrail-hook-time"],
    [{ "x-vouchtrail-agent-id": "a".repeat(201) }, "x-vouchtrail-agent-id"],
    [{ "x-vouchtrail-agent-id": "%0a" }, "x-vouchtrail-agent-id"],
    [{ "x-vouchtrail-session-id": "%" }, "x-vouchtrail-session-id"],
  ];
  for (const [headers, name] of bad) {
    const { status, text } = await post(headers);
    expect(status, name).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ error: { code: "FILTER_INVALID", path: name } });
    expect(text).toContain(`The header ${name}`);
  }
});

test("HOOK-3: pages of other origins post no hooks with these headers, and a form never does", async () => {
  const headers = { "x-vouchtrail-hook-id": randomUUID(), "x-vouchtrail-hook-time": TIME };
  expect((await post({ ...headers, origin: "https://elsewhere.example.com" })).status).toBe(403);
  expect((await post({ ...headers, host: "elsewhere.example.com" })).status).toBe(421);
  expect((await post({ ...headers, "content-type": "text/plain" })).status).toBe(415);
  const asked = await server.send("/hooks/claude-code", {
    method: "OPTIONS",
    headers: { origin: "https://console.example.com", "access-control-request-headers": "x-vouchtrail-hook-id" },
  });
  expect(asked.headers["access-control-allow-headers"]).toBe("authorization, content-type, last-event-id");
});

test("HOOK-4: with the option the output of a tool is answered without its secrets, in its own shape; all else is answered with nothing", async () => {
  for (const { rule, secret, text } of shapedSecrets().slice(0, 12)) {
    const output = { stdout: `one\n${text}\nthree`, stderr: "", interrupted: false, id: `keep ${text}`, big: 12345678901234567000 };
    const hook = { ...HOOK, hook_event_name: "PostToolUse", tool_response: output };
    const answer = await post({}, hook, redacting);
    expect(answer.text, rule).not.toContain(secret);
    const { hookSpecificOutput } = JSON.parse(answer.text) as { hookSpecificOutput: Record<string, unknown> };
    expect(hookSpecificOutput).toMatchObject({
      hookEventName: "PostToolUse",
      updatedToolOutput: { stderr: "", interrupted: false, big: 12345678901234567000 },
    });
    expect(hookSpecificOutput.updatedToolOutput).toMatchObject({ stdout: expect.stringMatching(/^one\n[\s\S]*\nthree$/) });
    expect((await post({}, hook)).text).toBe("{}");
    expect((await post({}, { ...hook, hook_event_name: "PreToolUse" }, redacting)).text).toBe("{}");
  }
  expect((await post({}, { ...HOOK, hook_event_name: "PostToolUse", tool_response: { stdout: "nothing" } }, redacting)).text).toBe("{}");
  expect((await post({}, { ...HOOK, hook_event_name: "PostToolUse" }, redacting)).text).toBe("{}");
});
