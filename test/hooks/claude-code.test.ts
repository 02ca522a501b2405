import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { fileURLToPath } from "node:url";
import { type AuditEventInput, createTranscriptReader } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";
import { sendRequest } from "../hostile/running-server.ts";

const TRANSCRIPTS = fileURLToPath(new URL("../../../shared/data/claude-code/", import.meta.url));
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

/** The hooks that would have told of a call of a transcript. */
function hooksOf({ context, activity, outcome }: AuditEventInput): object[] {
  const call = {
    session_id: context?.sessionId,
    tool_use_id: context?.callId,
    tool_name: activity?.tool?.name,
    tool_input: activity?.tool?.parameters,
    transcript_path: "/t.jsonl",
    cwd: "/repo",
  };
  const before = { ...call, hook_event_name: "PreToolUse" };
  if (outcome.status === "pending") return [before];
  if (outcome.status === "success") return [before, { ...call, hook_event_name: "PostToolUse", tool_response: outcome.result }];
  if (outcome.status === "denied") return [before, { ...call, hook_event_name: "PermissionDenied", reason: outcome.message }];
  return [before, { ...call, hook_event_name: "PostToolUseFailure", error: outcome.message }];
}

test("HOOK-1: hooks made from real transcripts, of all sessions at once, some of them twice, count each call once, and importing the transcripts changes no count", async () => {
  if (!existsSync(TRANSCRIPTS)) {
    console.warn("The shared transcripts are not here: no hooks were made from them.");
    return;
  }
  const files = readdirSync(TRANSCRIPTS).filter((name) => name.endsWith(".jsonl"));
  const sessions = files.map((name) => {
    const reader = createTranscriptReader();
    const events = readFileSync(`${TRANSCRIPTS}${name}`, "utf8")
      .split("\n")
      .flatMap((line) => reader.push(line));
    return [...events, ...reader.end()].filter(({ action, context }) => action === "ai.tool_call" && context?.callId !== undefined);
  });
  const calls = new Map(sessions.flat().map((event) => [`${event.context?.sessionId} ${event.context?.callId}`, event]));
  const ended = [...calls.values()].filter(({ outcome }) => outcome.status !== "pending");
  // Each session in its own order, all of them at the same time.
  await Promise.all(
    sessions.map(async (events) => {
      for (const [i, event] of events.entries()) {
        const hooks = hooksOf(event);
        for (const hook of i % 7 === 0 ? [...hooks, ...hooks] : hooks) expect(await post(hook)).toMatchObject({ status: 200, text: "{}" });
      }
    }),
  );
  const counts = async (): Promise<number[]> => [
    await countOf("action=ai.tool_call"),
    await countOf("action=ai.tool_call&outcome=failure"),
    await countOf("action=ai.tool_call&outcome=denied"),
  ];
  const expected = [
    ended.length,
    ended.filter(({ outcome }) => outcome.status === "failure").length,
    ended.filter(({ outcome }) => outcome.status === "denied").length,
  ];
  expect(await counts()).toEqual(expected);
  const imported = await place.run(["import", "--url", server.url, ...files.map((name) => `${TRANSCRIPTS}${name}`)]);
  expect(imported.code).toBe(0);
  expect(await counts()).toEqual(expected);
}, 120_000);

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
