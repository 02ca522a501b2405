import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { AuditEvent } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_URL } from "../../packages/cli/src/connection.ts";
import { opencodePluginText } from "../../packages/cli/src/init/opencode-plugin.ts";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";
import { eventsOf, runCommand, UNSEEN } from "./command-place.ts";

let place: Workplace;
let server: Served;
beforeAll(async () => {
  place = await openWorkplace();
  server = await place.serve();
});
afterAll(() => place.close());

async function post(path: string, payload: object): Promise<number> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(payload),
  });
  await response.arrayBuffer();
  return response.status;
}

test("HOOK-20: the URL names the hook of a payload that does not", async () => {
  const call = { sessionId: "copilot-1", toolName: "bash", toolArgs: '{"command":"ls"}' };
  expect(await post("/hooks/copilot?event=preToolUse", call)).toBe(200);
  expect(await post("/hooks/copilot", call)).toBe(400);
  const [event] = await eventsOf(server, "session=copilot-1");
  expect(event).toMatchObject({ action: "ai.tool_call", phase: "intent", actor: { id: "copilot" }, details: { hook: "preToolUse" } });
});

test("HOOK-21: each of two equal calls of Gemini CLI is joined with its own ending, through the hook command", async () => {
  const call = { session_id: "gemini-1", tool_name: "run_shell_command", tool_input: { command: "npm test" } };
  const tell = async (payload: object): Promise<void> => {
    const environment = { AUDIT_LOG_URL: server.url };
    expect(await runCommand(place, { args: ["gemini-cli"], input: JSON.stringify(payload), environment })).toEqual(UNSEEN);
  };
  await tell({ ...call, hook_event_name: "BeforeTool" });
  await tell({ ...call, hook_event_name: "AfterTool", tool_response: { llmContent: "red", error: "1 failed" } });
  await tell({ ...call, hook_event_name: "BeforeTool" });
  await tell({ ...call, hook_event_name: "AfterTool", tool_response: { llmContent: "green" } });
  const events = await eventsOf(server, "session=gemini-1");
  const calls = [...new Set(events.map(({ context }) => context?.callId))];
  const endings = calls.map((callId) =>
    events
      .filter(({ context }) => context?.callId === callId)
      .map(({ outcome }) => outcome.status)
      .sort(),
  );
  expect(calls).not.toContain(undefined);
  expect(endings.sort()).toEqual([
    ["failure", "pending"],
    ["pending", "success"],
  ]);
  expect(events.every(({ labels }) => labels?.platform === "gemini-cli" && labels.callPairing === "inferred")).toBe(true);
});

test("HOOK-2: the session of the header is only that of a payload without one, in every dialect", async () => {
  const hook = { hook_event_name: "stop", conversation_id: "cursor-1" };
  const headers = { "content-type": "application/json", "x-vouchtrail-session-id": "cursor-2", "x-vouchtrail-agent-id": "pair" };
  for (const body of [hook, { hook_event_name: "stop" }]) {
    const response = await fetch(`${server.url}/hooks/cursor`, { method: "POST", headers, body: JSON.stringify(body) });
    expect(response.status).toBe(200);
  }
  for (const session of ["cursor-1", "cursor-2"]) {
    const events = await eventsOf(server, `session=${session}`);
    expect(events).toMatchObject([{ actor: { id: "pair" }, labels: { platform: "cursor" } }]);
  }
});

/** What OpenCode calls of the plugin. */
interface Plugin {
  "tool.execute.before"(input: object, output: object): Promise<void>;
  "tool.execute.after"(input: object, output: object): Promise<void>;
  "chat.message"(input: object, output: object): Promise<void>;
  "permission.ask"(permission: object): Promise<void>;
  event(told: { event?: object }): Promise<void>;
}

let pluginCount = 0;
async function openPlugin(url: string): Promise<Plugin> {
  const path = place.path(`plugin-${pluginCount++}.mjs`);
  writeFileSync(path, opencodePluginText(url));
  const { VouchtrailPlugin } = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { VouchtrailPlugin: () => Promise<Plugin> };
  return VouchtrailPlugin();
}

test("HOOK-23: the plugin of OpenCode tells of prompts, calls and sessions, and leaves what it is given as it is", async () => {
  const plugin = await openPlugin(server.url);
  const call = { tool: "bash", sessionID: "ses_1", callID: "call_1" };
  const before = Object.freeze({ args: Object.freeze({ command: "ls" }) });
  await plugin.event({ event: { type: "session.created", properties: { info: { id: "ses_1" } } } });
  await plugin.event({ event: { type: "message.part.updated", properties: { sessionID: "ses_1" } } });
  await plugin["chat.message"]({ sessionID: "ses_1" }, { parts: [{ type: "text", text: "fix it" }, { type: "file" }] });
  await plugin["permission.ask"]({ sessionID: "ses_1", callID: "call_1", type: "bash", metadata: { command: "ls" } });
  await plugin["tool.execute.before"](call, before);
  await plugin["tool.execute.after"]({ ...call, args: before.args }, { title: "ls", output: "a.ts", metadata: {} });
  await plugin.event({ event: { type: "session.idle", properties: { sessionID: "ses_1" } } });
  const events: readonly AuditEvent[] = await eventsOf(server, "session=ses_1");
  expect(events.map(({ action }) => action).sort()).toEqual([
    "agent.prompt.submitted",
    "agent.session.started",
    "agent.turn.ended",
    "ai.approval_created",
    "ai.tool_call",
    "ai.tool_call",
  ]);
  expect(events.find(({ phase }) => phase === "outcome")).toMatchObject({
    context: { callId: "call_1" },
    outcome: { result: { output: "a.ts" } },
    actor: { id: "opencode" },
  });
});

test("HOOK-23: whatever the plugin is given and whatever fails, OpenCode hears nothing of it", async () => {
  const nobody = await openPlugin("http://127.0.0.1:9");
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  for (const plugin of [nobody, await openPlugin(server.url), await openPlugin("no url")]) {
    await expect(plugin.event({})).resolves.toBeUndefined();
    await expect(plugin["tool.execute.before"]({ sessionID: "ses_2", tool: "x" }, { args: circular })).resolves.toBeUndefined();
    await expect(plugin["tool.execute.after"](undefined as never, undefined as never)).resolves.toBeUndefined();
    await expect(plugin["permission.ask"](undefined as never)).resolves.toBeUndefined();
  }
  const [event] = await eventsOf(server, "session=ses_2");
  expect(event).toMatchObject({ action: "ai.tool_call", details: { content_withheld: true } });
});

test("HOOK-23: a server that does not answer holds OpenCode up once, for a second", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  const plugin = await openPlugin(`http://127.0.0.1:${port}`);
  const idle = { event: { type: "session.idle", properties: {} } };
  const startedMs = performance.now();
  await plugin.event(idle);
  const waitedMs = performance.now() - startedMs;
  expect(waitedMs).toBeGreaterThan(900);
  for (let n = 0; n < 20; n++) await plugin.event(idle);
  expect(performance.now() - startedMs - waitedMs).toBeLessThan(900);
  silent.closeAllConnections();
  silent.close();
});

test("HOOK-23: the file beside the other plugins is what init writes", () => {
  const path = fileURLToPath(new URL("../../plugins/opencode/vouchtrail.js", import.meta.url));
  expect(readFileSync(path, "utf8")).toBe(opencodePluginText(DEFAULT_URL));
});
