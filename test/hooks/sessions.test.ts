import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { type AuditEventInput, type CompletenessAnswer, createTranscriptReader, type SessionPage, type Stats } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Served, Workplace } from "../e2e/cli-process.ts";
import { runCommand, spoolFiles, UNSEEN } from "./command-place.ts";
import { type HookServer, openHookServer, UNDECIDED } from "./hook-server.ts";
import { type HookPayload, hooksOfSession, readSessions } from "./session-hooks.ts";
import { linesOf } from "./told-session.ts";

let hooks: HookServer;
let place: Workplace;
let server: Served;
beforeAll(async () => {
  hooks = await openHookServer();
  ({ place, server } = hooks);
});
afterAll(() => hooks.close());

const ask = <T>(path: string): Promise<T> => hooks.ask<T>(path);

interface CapturedSession {
  readonly id: string;
  readonly file: string;
  readonly events: readonly AuditEventInput[];
}

/** Constructed sessions, and the real ones where they are. */
function sessionsToReplay(): CapturedSession[] {
  const made = ["made-1", "made-2"].map((id) => {
    const lines = linesOf(id).map((line) => JSON.stringify(line));
    const file = place.path(`${id}.jsonl`);
    writeFileSync(file, `${lines.join("\n")}\n`);
    const reader = createTranscriptReader();
    return { id, file, events: [...lines.flatMap((line) => reader.push(line)), ...reader.end()] };
  });
  const real = readSessions() ?? [];
  return [...made, ...real.map(({ sessionId, file, events }) => ({ id: sessionId, file, events }))];
}

/** Posts a hook as the hook command does; now and then twice, as after an answer that was lost. */
async function post(payload: HookPayload, isRetried: boolean): Promise<void> {
  const headers = { "x-vouchtrail-hook-id": randomUUID(), "x-vouchtrail-hook-time": new Date().toISOString() };
  for (let turn = 0; turn < (isRetried ? 2 : 1); turn++)
    expect(await hooks.post(payload, "/hooks/claude-code", headers)).toMatchObject(UNDECIDED);
}

const callsOf = (events: readonly AuditEventInput[]): readonly AuditEventInput[] =>
  events.filter(({ action, context }) => action === "ai.tool_call" && context?.callId !== undefined);
const countBy = (events: readonly AuditEventInput[], status: string): number =>
  new Set(events.filter(({ outcome }) => outcome.status === status).map(({ context }) => context?.callId)).size;

test("SESSIONS-1, COMPLETE-1: sessions replayed as hooks, all at once and some hooks twice, are what their transcripts say; importing those changes no count and completes each verdict", async () => {
  const sessions = sessionsToReplay();
  const queues = sessions.map(({ events }) => [...hooksOfSession(events)]);
  const hookCount = queues.reduce((sum, queue) => sum + queue.length, 0);
  const [order = []] = fc.sample(fc.array(fc.tuple(fc.nat(), fc.nat(9)), { minLength: hookCount, maxLength: hookCount }), 1);
  // Any interleaving: each session in its own order, up to eight hooks under way at a time, one of each session.
  const tails = queues.map(() => Promise.resolve());
  for (const [choice, luck] of order) {
    const open = queues.map((queue, position) => ({ queue, position })).filter(({ queue }) => queue.length > 0);
    const { queue, position } = open[choice % open.length]!;
    const payload = queue.shift()!;
    tails[position] = tails[position]!.then(() => post(payload, luck === 0));
    if (luck > 7) await tails[position];
  }
  await Promise.all(tails);

  const listed = async (): Promise<SessionPage["sessions"]> =>
    (await ask<SessionPage>("/api/v1/sessions?wait=searchable&limit=200")).sessions;
  const told = await listed();
  expect(told.map(({ id }) => id).sort()).toEqual(sessions.map(({ id }) => id).sort());
  for (const { id, events } of sessions) {
    const hooks = hooksOfSession(events);
    const [session] = told.filter((one) => one.id === id);
    // Hooks see how a call ended only when it ran to its end.
    const ended = hooks.filter(({ hook_event_name: name }) => name === "PostToolUse").length;
    const failed = hooks.filter(({ hook_event_name: name }) => name === "PostToolUseFailure").length;
    expect(session).toMatchObject({
      agents: expect.arrayContaining(["claude-code"]),
      vantagePoints: ["hook"],
      toolCalls: ended + failed,
      failures: failed,
      denials: 0,
    });
    expect(session?.prompts).toBe(hooks.filter(({ hook_event_name: name }) => name === "UserPromptSubmit").length);
    // One vantage point is never enough.
    expect(session?.verdict).not.toBe("complete");
  }

  const statsBefore = await ask<Stats>("/api/v1/stats?action=ai.tool_call&via=hook&wait=searchable");
  const imported = await place.run(["import", "--url", server.url, ...sessions.map(({ file }) => file)]);
  expect(imported).toMatchObject({ code: 0 });
  const after = await listed();
  for (const { id, events } of sessions) {
    const calls = callsOf(events).filter(({ outcome }) => outcome.status !== "pending");
    const [session] = after.filter((one) => one.id === id);
    const { holes, missing } = await ask<CompletenessAnswer>(`/api/v1/sessions/${id}/completeness`);
    expect({ holes, missing }).toEqual({ holes: [], missing: [] });
    expect(session).toMatchObject({
      toolCalls: new Set(calls.map(({ context }) => context?.callId)).size,
      failures: countBy(calls, "failure"),
      denials: countBy(calls, "denied"),
      vantagePoints: ["hook", "import"],
      verdict: "complete",
      holeCount: 0,
    });
  }
  // What hooks told of before still counts, and counts once.
  expect(await ask<Stats>("/api/v1/stats?action=ai.tool_call&via=hook&wait=searchable")).toMatchObject({
    total: statsBefore.total,
    success: statsBefore.success,
    failure: statsBefore.failure,
  });
}, 120_000);

test("SESSIONS-1, HOOK-5: a session replayed through the hook command is the one that its transcript tells", async () => {
  const lines = linesOf("through-command").map((line) => JSON.stringify(line));
  const file = place.path("through-command.jsonl");
  writeFileSync(file, `${lines.join("\n")}\n`);
  const reader = createTranscriptReader();
  const events = [...lines.flatMap((line) => reader.push(line)), ...reader.end()];
  for (const payload of hooksOfSession(events)) {
    const ended = await runCommand(place, { input: JSON.stringify(payload), environment: { AUDIT_LOG_URL: server.url } });
    expect(ended).toEqual(UNSEEN);
  }
  expect(spoolFiles(place).size).toBe(0);
  expect(await place.run(["import", "--url", server.url, file])).toMatchObject({ code: 0 });
  const { sessions } = await ask<SessionPage>("/api/v1/sessions?wait=searchable&session=through-command&session=made-1");
  const [one, other] = sessions.map(({ id: _, startedAt: _start, lastAt: _last, durationMs: _took, ...session }) => session);
  expect(one).toEqual(other);
  expect(one).toMatchObject({ toolCalls: 9, failures: 3, denials: 1, verdict: "complete", vantagePoints: ["hook", "import"] });
}, 60_000);

test("SESSIONS-2: sessions are listed by their newest entry, a page at a time, and filters choose them", async () => {
  const first = await ask<SessionPage>("/api/v1/sessions?limit=1");
  expect(first.sessions).toHaveLength(1);
  const second = await ask<SessionPage>(`/api/v1/sessions?limit=200&cursor=${first.nextCursor}`);
  const all = await ask<SessionPage>("/api/v1/sessions?limit=200");
  expect([...first.sessions, ...second.sessions].map(({ id }) => id)).toEqual(all.sessions.map(({ id }) => id));
  const denied = await ask<SessionPage>("/api/v1/sessions?outcome=denied&session=made-1&session=made-2");
  expect(denied.sessions.map(({ id }) => id).sort()).toEqual(["made-1", "made-2"]);
  expect(denied.sessions[0]).toMatchObject({ toolCalls: 9, failures: 3, denials: 1 });
  const wrong = await fetch(`${server.url}/api/v1/sessions?cursor=${first.nextCursor}&outcome=denied`);
  expect(wrong.status).toBe(400);
  expect((await fetch(`${server.url}/api/v1/sessions/nobody/completeness`)).status).toBe(404);
});

test("SESSIONS-2: the command line lists sessions, and ends with a code that says whether one is complete", async () => {
  const listed = await place.run(["sessions", "--url", server.url, "--tenant", "default", "--limit", "200"]);
  expect(listed.code).toBe(0);
  expect(listed.out).toMatch(/made-1 .* 9 +3 +1 .*hook, import +complete/);
  const complete = await place.run(["completeness", "made-1", "--url", server.url]);
  expect(complete).toMatchObject({ code: 0 });
  expect(complete.out).toContain("made-1: complete (COMPLETE-1)");
  expect(complete.out).toContain("COMPLETE-21 1 call denied: no hole.");
  await post(
    { hook_event_name: "PostToolUse", session_id: "torn", tool_name: "Bash", tool_input: {}, tool_use_id: "t-1", tool_response: {} },
    false,
  );
  const torn = await place.run(["completeness", "torn", "--url", server.url, "--wait"]);
  expect(torn).toMatchObject({ code: 4 });
  expect(torn.out).toMatch(/COMPLETE-7 +The call t-1 \(Bash\) ended, and no hook told that it began\./);
  const all = await place.run(["completeness", "--url", server.url, "--json"]);
  expect(all.code).toBe(4);
  expect((JSON.parse(all.out) as SessionPage).sessions.find(({ id }) => id === "torn")?.verdict).toBe("incomplete");
  expect(await place.run(["completeness", "nobody", "--url", server.url])).toMatchObject({
    code: 1,
    err: expect.stringContaining("There is no session with this id."),
  });
});
