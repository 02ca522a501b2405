import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { AuditEvent } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";
import { AWAY, eventsOf, runCommand, spoolFiles, UNSEEN } from "./command-place.ts";

let place: Workplace;
let server: Served;
beforeAll(async () => {
  place = await openWorkplace();
  server = await place.serve();
});
afterAll(() => place.close());

const CALL = { tool_use_id: "t1", tool_name: "Bash", tool_input: { command: "ls" } };
const COMMON = { transcript_path: "/t.jsonl", cwd: "/repo", permission_mode: "default" };
/** One of each kind, of a session of its own. */
const hooksOf = (session: string): Record<string, unknown>[] =>
  [
    { hook_event_name: "SessionStart", source: "startup", model: "model-1" },
    { hook_event_name: "UserPromptSubmit", prompt: "Überprüfe das 😀" },
    { hook_event_name: "PreToolUse", ...CALL },
    { hook_event_name: "PostToolUse", ...CALL, tool_response: { stdout: "x", exact: "12345678901234567890" }, duration_ms: 12 },
    { hook_event_name: "PostToolUseFailure", ...CALL, tool_use_id: "t2", error: "Exit code 2\nno", agent_id: "sub1" },
    { hook_event_name: "SomethingNew", of: { next: "year" } },
    { hook_event_name: "SessionEnd", reason: "other" },
  ].map((hook) => ({ session_id: session, ...COMMON, ...hook }));

/** What two ways of telling may not differ in. */
function told({ id: _id, occurredAt: _at, ...event }: AuditEvent): object {
  return { ...event, context: { ...event.context, sessionId: "", conversationId: "" }, target: event.target.type };
}

test("HOOK-5: hooks through the command are the same events as over HTTP, each at the time of its run", async () => {
  const before = new Date().toISOString();
  for (const hook of hooksOf("through-http")) {
    const headers = { "content-type": "application/json" };
    await fetch(`${server.url}/hooks/claude-code`, { method: "POST", headers, body: JSON.stringify(hook) });
  }
  const environment = { AUDIT_LOG_URL: `${server.url}/` };
  for (const hook of hooksOf("through-command"))
    expect(await runCommand(place, { input: JSON.stringify(hook), environment })).toEqual(UNSEEN);
  const [http, command] = [await eventsOf(server, "session=through-http"), await eventsOf(server, "session=through-command")];
  const sorted = (events: readonly AuditEvent[]): string[] => events.map((event) => JSON.stringify(told(event))).sort();
  expect(command).toHaveLength(7);
  expect(sorted(command).map((text) => text.replaceAll("through-command", "through-http"))).toEqual(sorted(http));
  for (const { occurredAt } of command) expect(occurredAt > before && occurredAt <= new Date().toISOString()).toBe(true);
  expect(spoolFiles(place).size).toBe(0);
});

test("HOOK-5, HOOK-30: AGENT_ID, SESSION_ID, the trace, the key and the vendor reach the server", async () => {
  const made = await place.run(["keys", "create", "--data", "data", "--name", "agents", "--scope", "ingest"]);
  const [key = ""] = /vt_\S+|vk_\S+|[\w-]{30,}/.exec(made.out) ?? [];
  expect(made.code, made.err).toBe(0);
  const environment = { AUDIT_LOG_URL: server.url, AGENT_ID: "ops/Überwacher", SESSION_ID: "of the variable", AUDIT_TOKEN: key };
  const { session_id: _, ...hook } = hooksOf("x")[5] ?? {};
  expect(await runCommand(place, { args: ["codex"], input: JSON.stringify(hook), environment })).toEqual(UNSEEN);
  const [event] = await eventsOf(server, "session=of%20the%20variable");
  expect(event).toMatchObject({ actor: { id: "ops/Überwacher" }, labels: { platform: "codex" }, action: "agent.hook.something_new" });
  const traceparent = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`;
  await runCommand(place, { input: JSON.stringify(hooksOf("own session")[5]), environment: { ...environment, TRACEPARENT: traceparent } });
  const traced = await eventsOf(server, "session=own%20session");
  expect(traced.map(({ context }) => [context?.traceId, context?.spanId])).toEqual([["ab".repeat(16), "cd".repeat(8)]]);
});

test("HOOK-6: whatever it is given, and whatever is missing, it ends well and says nothing", async () => {
  const inputs: (string | Uint8Array)[] = [
    "",
    "garbage",
    "[]",
    "null",
    '"x"',
    "{}",
    '{"hook_event_name":1}',
    '{"hook_event_name":"X"',
    Uint8Array.of(0xff, 0xfe, 0),
  ];
  const given = await Promise.all(inputs.map((input) => runCommand(place, { input, environment: { AUDIT_LOG_URL: AWAY } })));
  for (const ended of given) expect(ended).toEqual(UNSEEN);
  const hook = JSON.stringify(hooksOf("nowhere")[2]);
  const surroundings: Readonly<Record<string, string>>[] = [
    { AUDIT_LOG_URL: "not a url" },
    { AUDIT_LOG_URL: "file:///etc/passwd" },
    { AUDIT_LOG_URL: AWAY, HOME: "", AUDIT_SPOOL_DIR: "" },
    { AUDIT_LOG_URL: AWAY, AUDIT_SPOOL_DIR: "/dev/null/x" },
    { AUDIT_LOG_URL: AWAY, AUDIT_SPOOL_DIR: "/proc/x", AGENT_ID: "\u0001" },
    { AUDIT_LOG_URL: server.url, AUDIT_TOKEN: "a\nb" },
    { AUDIT_LOG_URL: AWAY, AUDIT_TIMEOUT_MS: "soon" },
  ];
  const placed = await Promise.all(surroundings.map((environment) => runCommand(place, { input: hook, environment })));
  for (const ended of placed) expect(ended).toEqual(UNSEEN);
  const deaf = await runCommand(place, {
    input: hook,
    environment: { AUDIT_LOG_URL: AWAY, AUDIT_DEBUG: "1" },
    onStart(child) {
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  });
  expect(deaf.code).toBe(0);
});

test("HOOK-7: a call with parameters and result is an agent log entry, a failure when its result says so", async () => {
  const environment = { AUDIT_LOG_URL: server.url, AGENT_ID: "ops/release-manager", SESSION_ID: "seed" };
  const results: (readonly [unknown, string])[] = [
    [{ exit_code: 0, output_lines: 10 }, "success"],
    ["done", "success"],
    [null, "success"],
    [{ error: "no such file" }, "failure"],
    [{ is_error: true }, "failure"],
    [{ exit_code: 2 }, "failure"],
  ];
  for (const [number, [result]] of results.entries()) {
    const input = `{"tool_name":"Bash","parameters":{"number":${number},"exact":12345678901234567890},"result":${JSON.stringify(result)}}`;
    expect(await runCommand(place, { input, environment })).toEqual(UNSEEN);
  }
  const events = await eventsOf(server, "session=seed");
  const outcomes = events.map((event): [unknown, string] => {
    expect(event).toMatchObject({ action: "ai.tool_call", actor: { type: "agent", id: "ops/release-manager" } });
    const parameters = event.activity?.tool?.parameters as { number: number; exact: string };
    expect(parameters.exact).toBe("12345678901234567890");
    return [parameters.number, event.outcome.status];
  });
  expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(results.map(([, status], number) => [number, status])));
});

test("HOOK-12: of a payload that is too long the envelope is told, wherever its members stand", async () => {
  const long = 'x\\"{[,:]}'.repeat(2_200_000);
  const input = `{"session_id":"long","hook_event_name":"PostToolUse","tool_name":"Read","nested":{"session_id":"false"},"tool_response":{"content":"${long}","tool_use_id":"false"},"list":["a","b"],"duration_ms":12.5,"tool_use_id":"toolu_1"}`;
  expect(input.length).toBeGreaterThan(16 * 1_048_576);
  expect(await runCommand(place, { input, environment: { AUDIT_LOG_URL: server.url } })).toEqual(UNSEEN);
  const [event] = await eventsOf(server, "session=long");
  expect(event).toMatchObject({
    context: { sessionId: "long", callId: "toolu_1" },
    activity: { tool: { name: "Read" } },
    usage: { durationMs: 12.5 },
    details: { content_withheld: true },
  });
  expect(JSON.stringify(event).length).toBeLessThan(2_000);
});

test("HOOK-16: a server that does not answer holds a run up no longer than it may, and one that is told to stop keeps its hook", async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const input = JSON.stringify(hooksOf("silent")[2]);
  const started = performance.now();
  expect(await runCommand(place, { input, environment: { AUDIT_LOG_URL: url, AUDIT_TIMEOUT_MS: "300" } })).toEqual(UNSEEN);
  expect(performance.now() - started).toBeLessThan(2_500);
  expect(performance.now() - started).toBeGreaterThan(250);
  const asked = new Promise<void>((resolve) => silent.once("request", () => resolve()));
  const ended = await runCommand(place, {
    input: JSON.stringify(hooksOf("stopped")[2]),
    environment: { AUDIT_LOG_URL: url, AUDIT_TIMEOUT_MS: "30000" },
    onStart: (child) => void asked.then(() => child.kill("SIGTERM")),
  });
  expect(ended).toEqual(UNSEEN);
  const open = await runCommand(place, { input, isOpen: true, environment: { AUDIT_LOG_URL: url, AUDIT_TIMEOUT_MS: "300" } });
  expect(open).toEqual(UNSEEN);
  const waiting = [...spoolFiles(place)].filter(([name, text]) => name.startsWith("hook-") && /silent|stopped/.test(text));
  expect(waiting).toHaveLength(3);
  silent.closeAllConnections();
  await new Promise((resolve) => silent.close(resolve));
});
