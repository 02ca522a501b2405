import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type AuditEventInput, AuditEventInputSchema } from "../event.ts";
import { createTranscriptReader, type TranscriptOptions, type TranscriptStats } from "./claude-code-transcript.ts";

const folder = new URL("../../../../../shared/data/claude-code/", import.meta.url);

interface Reading {
  /** Without requests to the model. */
  events: AuditEventInput[];
  requests: AuditEventInput[];
  stats: TranscriptStats;
}
function read(lines: readonly (string | object)[], options?: TranscriptOptions): Reading {
  const reader = createTranscriptReader(options);
  const events = lines.flatMap((line) => reader.push(typeof line === "string" ? line : JSON.stringify(line)));
  events.push(...reader.end());
  const isRequest = ({ action }: AuditEventInput): boolean => action === "ai.model_call";
  return { events: events.filter((event) => !isRequest(event)), requests: events.filter(isRequest), stats: reader.stats };
}

const COMMON = { sessionId: "s-1", cwd: "/repo", gitBranch: "main", version: "2.1.40", isSidechain: false, parentUuid: null };
function user(uuid: string, second: number, content: unknown, more: object = {}): object {
  return { ...COMMON, type: "user", uuid, timestamp: at(second), message: { role: "user", content }, ...more };
}
function assistant(uuid: string, second: number, block: object, outputTokens: number, more: object = {}): object {
  const usage = { input_tokens: 7, output_tokens: outputTokens, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 };
  const message = { id: "msg_1", role: "assistant", model: "claude-test-1", content: [block], usage };
  return { ...COMMON, type: "assistant", uuid, timestamp: at(second), requestId: "req_1", message, ...more };
}
const at = (second: number): string => `2026-02-01T10:00:${String(second).padStart(2, "0")}.000Z`;
const use = (id: string, name = "Bash", input: unknown = { command: "ls" }): object => ({ type: "tool_use", id, name, input });
const result = (id: string, content: unknown, isError?: boolean): object[] => [
  { type: "tool_result", tool_use_id: id, content, ...(isError !== undefined && { is_error: isError }) },
];

test("MAPPING-10: a tool call and its result are one event that says what, where, how long and how it ended", () => {
  const { events, stats } = read(
    [
      user("u-0", 0, "go", { permissionMode: "plan" }),
      assistant("u-1", 1, use("toolu_1"), 9),
      user("u-2", 4, result("toolu_1", "a.txt"), { toolUseResult: { stdout: "a.txt", stderr: "" } }),
    ],
    { tenant: "acme" },
  );
  expect(stats.toolCalls).toBe(1);
  const call = events.find(({ action }) => action === "ai.tool_call");
  expect(call).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5/),
    occurredAt: at(1),
    tenant: "acme",
    action: "ai.tool_call",
    actor: { type: "agent", id: "claude-code" },
    target: { type: "tool", id: "Bash" },
    outcome: { status: "success", result: { stdout: "a.txt", stderr: "" } },
    activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: "ls" } } },
    usage: { model: "claude-test-1", durationMs: 3_000 },
    context: { sessionId: "s-1", conversationId: "s-1", callId: "toolu_1", requestId: "req_1" },
    labels: { platform: "claude-code", cwd: "/repo", gitBranch: "main", version: "2.1.40", permissionMode: "plan" },
    details: { uuid: "u-1" },
  });
});

test("MAPPING-10: the duration that a tool measured itself comes first", () => {
  const durations = [{ durationMs: 12 }, { totalDurationMs: 13 }, { durationSeconds: 0.5 }, { durationMs: -1 }].map((toolUseResult) => {
    const { events } = read([assistant("a", 1, use("t"), 1), user("b", 3, result("t", "x"), { toolUseResult })]);
    return events[0]?.usage?.durationMs;
  });
  expect(durations).toEqual([12, 13, 500, 2_000]);
});

test("MAPPING-11: a call without a result is an intent with an id of its own, and its outcome follows when the file has grown", () => {
  const short = [assistant("u-1", 1, use("toolu_1"), 9)];
  const first = read(short);
  expect(first.events).toMatchObject([
    { action: "ai.tool_call", phase: "intent", outcome: { status: "pending" }, context: { callId: "toolu_1" } },
  ]);
  expect(first.events[0]?.usage).toEqual({ model: "claude-test-1" });
  expect(first.stats.openToolCalls).toBe(1);
  const second = read([...short, user("u-2", 2, result("toolu_1", "done"))]);
  expect(second.events).toMatchObject([{ outcome: { status: "success" }, usage: { durationMs: 1_000 } }]);
  expect(second.events[0]?.phase).toBeUndefined();
  expect(second.events[0]?.id).not.toBe(first.events[0]?.id);
});

test("MAPPING-12: a repeated call or result is counted and not recorded, and a result without a call is an outcome of its own", () => {
  const call = assistant("u-1", 1, use("toolu_1"), 9);
  const ending = user("u-2", 2, result("toolu_1", "x"));
  const { events, stats } = read([call, call, ending, ending, user("u-3", 3, result("toolu_0", "y"))]);
  expect(events.map(({ phase, context }) => [phase, context?.callId])).toEqual([
    [undefined, "toolu_1"],
    ["outcome", "toolu_0"],
  ]);
  expect(stats).toMatchObject({ toolCalls: 1, duplicates: 2, orphanResults: 1 });
});

test("MAPPING-14: prompts belong to the user, answers to the agent, thinking is only counted, injected context is skipped", () => {
  const { events, stats } = read(
    [
      user("u-1", 0, "Fix the test."),
      user("u-2", 0, "Caveat: generated.", { isMeta: true }),
      user("u-3", 0, "<bash-stdout>main</bash-stdout>"),
      assistant("u-4", 1, { type: "thinking", thinking: "hmm" }, 1),
      assistant("u-5", 2, { type: "text", text: "Done." }, 5),
      user("u-6", 3, [
        { type: "text", text: "Thanks" },
        { type: "image", source: {} },
      ]),
      user("u-7", 4, "Summary of before", { isCompactSummary: true }),
    ],
    { userId: "ada" },
  );
  expect(
    events.map(({ action, actor, activity, details }) => [action, actor, activity?.name, activity?.message, details?.attachmentCount]),
  ).toEqual([
    ["ai.chat_message", { type: "user", id: "ada" }, "prompt", { role: "user", text: "Fix the test." }, undefined],
    [
      "ai.chat_message",
      { type: "system", id: "claude-code" },
      "local_output",
      { role: "system", text: "<bash-stdout>main</bash-stdout>" },
      undefined,
    ],
    ["ai.chat_message", { type: "agent", id: "claude-code" }, "response", { role: "assistant", text: "Done." }, undefined],
    ["ai.chat_message", { type: "user", id: "ada" }, "prompt", { role: "user", text: "Thanks" }, 1],
    ["ai.chat_message", { type: "agent", id: "claude-code" }, "summary", { role: "assistant", text: "Summary of before" }, undefined],
  ]);
  expect(stats).toMatchObject({ prompts: 2, responses: 1, thinkingBlocks: 1, skippedLines: 1 });
  expect(JSON.stringify(events)).not.toContain("hmm");
});

test("MAPPING-15: tokens stand once a request, with the largest count of its lines", () => {
  const { events, requests } = read([
    assistant("u-1", 1, { type: "text", text: "I look." }, 2),
    assistant("u-2", 1, use("toolu_1"), 2),
    user("u-3", 2, result("toolu_1", "x")),
    assistant("u-4", 3, use("toolu_2"), 80),
    user("u-5", 4, result("toolu_2", "x")),
    assistant("u-6", 5, use("toolu_3"), 30, { requestId: "req_2" }),
    user("u-7", 6, result("toolu_3", "x")),
    assistant("u-8", 7, { type: "text", text: "Bye." }, 30, { requestId: "req_2" }),
  ]);
  expect(requests.map(({ action, context, occurredAt, usage }) => [action, context?.callId, occurredAt, usage?.tokensOutput])).toEqual([
    ["ai.model_call", "req_1", at(1), 80],
    ["ai.model_call", "req_2", at(5), 30],
  ]);
  expect(requests[0]).toMatchObject({
    actor: { type: "agent", id: "claude-code" },
    target: { type: "model", id: "claude-test-1" },
    activity: { type: "external", name: "model_call", external: { type: "api_call", target: "claude-test-1" } },
    usage: { model: "claude-test-1", tokensInput: 7, tokensOutput: 80, tokensCacheRead: 100, tokensCacheWrite: 20 },
  });
  expect(events.filter(({ usage }) => usage?.tokensOutput !== undefined)).toEqual([]);
  expect(events.length).toBe(5);
});

test("MAPPING-16: what a subagent does inside progress lines is recorded under its own name, linked to the call that started it", () => {
  const progress = (uuid: string, message: object): object => ({
    ...COMMON,
    type: "progress",
    uuid: `p-${uuid}`,
    timestamp: at(9),
    parentToolUseID: "toolu_agent",
    data: { type: "agent_progress", agentId: "a1b2", message },
  });
  const { events, stats } = read([
    assistant("u-1", 1, use("toolu_agent", "Agent"), 1),
    progress("2", user("u-2", 2, [{ type: "text", text: "Find it" }])),
    progress("3", assistant("u-3", 3, use("toolu_sub", "Grep"), 1, { requestId: "req_sub" })),
    progress("4", user("u-4", 4, result("toolu_sub", "found"))),
    user("u-5", 5, result("toolu_agent", "ok")),
  ]);
  const [prompt, sub, parent] = ["prompt", "Grep", "Agent"].map((name) => events.find(({ activity }) => activity?.name === name));
  expect(prompt?.actor).toEqual({ type: "agent", id: "claude-code" });
  expect(sub).toMatchObject({
    occurredAt: at(3),
    actor: { type: "agent", id: "claude-code/a1b2", onBehalfOf: [{ type: "agent", id: "claude-code" }] },
    context: { callId: "toolu_sub", conversationId: "s-1/a1b2", parentEventId: parent?.id },
    labels: { subagent: "a1b2" },
  });
  expect(stats).toMatchObject({ toolCalls: 1, subagentToolCalls: 1 });
  // The subagent's own file names the same call: the same event, so an import of both stores it once.
  const own = read([
    assistant("u-3", 3, use("toolu_sub", "Grep"), 1, { isSidechain: true, agentId: "a1b2" }),
    user("u-4", 4, result("toolu_sub", "found"), { isSidechain: true, agentId: "a1b2" }),
  ]);
  expect(own.events[0]).toMatchObject({ id: sub?.id, occurredAt: sub?.occurredAt, actor: sub?.actor, outcome: { status: "success" } });
});

test("MAPPING-17: compaction, stopping hooks, API errors, queued input and pull requests are events; bookkeeping is counted", () => {
  const system = (subtype: string, more: object): object => ({
    ...COMMON,
    type: "system",
    subtype,
    uuid: subtype,
    timestamp: at(1),
    ...more,
  });
  const { events, stats } = read([
    system("compact_boundary", { compactMetadata: { trigger: "auto", preTokens: 9 } }),
    system("stop_hook_summary", { hookErrors: ["boom"], hookInfos: [], preventedContinuation: true }),
    system("turn_duration", { durationMs: 5 }),
    assistant("u-1", 2, { type: "text", text: "API Error: 500" }, 0, { isApiErrorMessage: true }),
    { type: "queue-operation", operation: "enqueue", content: "and the docs", sessionId: "s-1", timestamp: at(3) },
    { type: "queue-operation", operation: "remove", sessionId: "s-1", timestamp: at(4) },
    { type: "pr-link", sessionId: "s-1", timestamp: at(5), prNumber: 7, prUrl: "https://example.com/pull/7", prRepository: "a/b" },
    { type: "file-history-snapshot", messageId: "m", snapshot: {} },
    { type: "progress", data: { type: "hook_progress" } },
  ]);
  const told = events.map(({ action, outcome }) => [action, outcome.status]);
  expect(told).toEqual([
    ["agent.context.compacted", "success"],
    ["agent.hook.stopped", "failure"],
    ["ai.error", "failure"],
    ["ai.chat_message", "success"],
    ["agent.pull_request.linked", "success"],
  ]);
  expect(events.find(({ action }) => action === "ai.chat_message")).toMatchObject({ details: { isQueued: true } });
  expect(stats).toMatchObject({ skippedLines: 4, unknownLines: 0, malformedLines: 0 });
});

test("MAPPING-18: junk, unknown types and torn lines are counted and never an error", () => {
  const { events, stats } = read([
    "",
    "  \r",
    '{"type":"user","message":',
    "7",
    "[]",
    { type: "user", message: { content: 5 } },
    { type: "user" },
    { type: "of-tomorrow", sessionId: "s" },
    { type: "progress", data: { type: "new_progress" } },
    assistant("u", 1, { type: "tool_use", name: "x" }, 1),
  ]);
  expect(events.map(({ action }) => action)).toEqual(Array(3).fill("agent.transcript.broken"));
  expect(stats).toMatchObject({ lines: 8, malformedLines: 6, unknownLines: 2 });
});

test("MAPPING-18: hostile names, ids and numbers are cleaned so that every event is valid, and ids stay apart", () => {
  const hostile = { sessionId: `s\u0000${"x".repeat(500)}`, gitBranch: "b".repeat(1_000), requestId: "r\n".repeat(100) };
  const { events, stats } = read([
    assistant("u-1", 1, use(`t\n${"1".repeat(300)}`, `na\u0007me\ud800${"n".repeat(2_000)}`, {}), 1, hostile),
    assistant("u-2", 1, use(`t\n${"1".repeat(301)}`, "", {}), 1, { ...hostile, timestamp: "yesterday" }),
    JSON.stringify(assistant("u-3", 1, use("t-3", "Big", { n: 1 }), 1)).replace('"n":1', '"n":12345678901234567890'),
  ]);
  for (const event of events) expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
  expect(new Set(events.map(({ context }) => context?.callId)).size).toBe(3);
  expect(events[0]?.details?.gitBranch).toBe("b".repeat(1_000));
  expect(events[1]?.occurredAt).toBe(at(1));
  expect(events[2]?.activity?.tool?.parameters).toEqual({ n: "12345678901234567890" });
  expect(stats.repairedValues).toBe(2);
});

/** JSON that throws when it is made text. */
const UNPRINTABLE = { toString: null, valueOf: null };

test("MAPPING-18: no sequence of lines throws or makes an invalid event", () => {
  const text = fc.string({ unit: "binary", maxLength: 12 });
  const block = fc.oneof(
    fc.record({ type: fc.constant("tool_use"), id: fc.oneof(fc.constantFrom("t1", "t2"), text), name: text, input: fc.jsonValue() }),
    fc.record({
      type: fc.constant("tool_result"),
      tool_use_id: fc.constantFrom("t1", "t2", "t3"),
      content: fc.oneof(text, fc.jsonValue()),
      is_error: fc.boolean(),
    }),
    fc.record({ type: fc.constantFrom("text", "thinking", "image"), text }),
    fc.jsonValue(),
  );
  const line = fc.record(
    {
      type: fc.constantFrom<unknown>("user", "assistant", "progress", "system", "queue-operation", "pr-link", "other", UNPRINTABLE),
      uuid: text,
      parentUuid: fc.oneof(text, fc.constantFrom("p1", "p2")),
      sessionId: fc.oneof(fc.constant("s"), text),
      requestId: fc.oneof(fc.constantFrom("r1", "r2"), fc.jsonValue()),
      timestamp: fc.oneof(fc.constant(at(1)), fc.jsonValue()),
      message: fc.oneof(
        fc.record({ content: fc.oneof(text, fc.array(block, { maxLength: 3 })), usage: fc.jsonValue(), model: fc.jsonValue() }),
        fc.jsonValue(),
      ),
      subtype: fc.constantFrom("compact_boundary", "stop_hook_summary", "api_error"),
      operation: fc.constant("enqueue"),
      content: text,
      data: fc.oneof(fc.jsonValue(), fc.constant({ type: UNPRINTABLE })),
      prUrl: fc.constantFrom<unknown>("u", UNPRINTABLE),
      prRepository: fc.constantFrom<unknown>("r", UNPRINTABLE),
      prNumber: fc.constantFrom<unknown>(7, UNPRINTABLE),
      agentId: text,
      toolUseResult: fc.jsonValue(),
      cwd: text,
    },
    { requiredKeys: ["type"] },
  );
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 5, arbitrary: line }, text), { maxLength: 8 }), (lines) => {
      const { events } = read(lines);
      for (const event of events) expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    }),
    { numRuns: 300 },
  );
});

interface Block {
  type: string;
  id?: string;
  tool_use_id?: string;
  is_error?: boolean;
  content?: unknown;
}
interface Line {
  type: string;
  requestId?: string;
  message?: { content: string | Block[]; usage?: { output_tokens: number } };
  data?: { message?: { type: string; requestId?: string; message: { content: Block[]; usage?: { output_tokens: number } } } };
}
function realFiles(): { name: string; lines: string[] }[] {
  if (!existsSync(folder)) {
    console.warn("Skipped: the shared data is not beside this checkout.");
    return [];
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => ({ name, lines: readFileSync(new URL(name, folder), "utf8").split("\n").filter(Boolean) }));
}

test("MAPPING-19: real transcripts give each tool call once, with every refusal denied and every event valid", () => {
  const counts: Record<string, number> = {};
  for (const { name, lines } of realFiles()) {
    const { events, requests, stats } = read(lines);
    const parsed = lines.map((line) => JSON.parse(line) as Line);
    const blocks = (line: Line): Block[] => (Array.isArray(line.message?.content) ? line.message.content : []);
    const inner = (line: Line): Block[] => line.data?.message?.message.content ?? [];
    const uses = parsed.flatMap(blocks).filter(({ type }) => type === "tool_use");
    const subagentUses = parsed.flatMap(inner).filter(({ type }) => type === "tool_use");
    counts[name] = uses.length;

    for (const event of [...events, ...requests]) expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
    expect(new Set([...events, ...requests].map(({ id }) => id)).size).toBe(events.length + requests.length);
    const calls = events.filter(({ action }) => action === "ai.tool_call");
    const ownCalls = calls.filter(({ labels }) => labels?.subagent === undefined);
    expect(ownCalls.map(({ context }) => context?.callId).sort()).toEqual(uses.map(({ id }) => id).sort());
    expect(calls.map(({ context }) => context?.callId).sort()).toEqual([...uses, ...subagentUses].map(({ id }) => id).sort());
    expect(calls.filter(({ phase }) => phase !== undefined)).toEqual([]);
    expect(stats).toMatchObject({
      lines: lines.length,
      toolCalls: uses.length,
      subagentToolCalls: subagentUses.length,
      unknownLines: 0,
      malformedLines: 0,
      duplicates: 0,
      orphanResults: 0,
      openToolCalls: 0,
    });

    const results = parsed.flatMap((line) => [...blocks(line), ...inner(line)]).filter(({ type }) => type === "tool_result");
    const refused = results.filter(({ content }) => typeof content === "string" && content.startsWith("The user doesn't want to proceed"));
    const denied = calls.filter(({ outcome }) => outcome.status === "denied");
    expect(denied.map(({ context }) => context?.callId).sort()).toEqual(refused.map(({ tool_use_id }) => tool_use_id).sort());
    const failed = results.filter((block) => block.is_error === true && !refused.includes(block));
    expect(calls.filter(({ outcome }) => outcome.status === "failure").length).toBe(failed.length);

    const tokens = new Map<string, number>();
    for (const line of parsed) {
      const message = line.type === "assistant" ? line : line.data?.message?.type === "assistant" ? line.data.message : undefined;
      if (message?.requestId === undefined) continue;
      tokens.set(message.requestId, Math.max(tokens.get(message.requestId) ?? 0, message.message?.usage?.output_tokens ?? 0));
    }
    const total = [...tokens.values()].reduce((sum, value) => sum + value, 0);
    expect(requests.reduce((sum, { usage }) => sum + (usage?.tokensOutput ?? 0), 0)).toBe(total);
  }
  if (Object.keys(counts).length > 0) expect(Object.values(counts).sort((a, b) => a - b)).toEqual([38, 38, 44, 51, 66, 196]);
});

test("MAPPING-19: reading a real transcript again gives the same events, and a shorter copy of it the same ids, times and endings", () => {
  for (const { lines } of realFiles()) {
    const whole = read(lines).events;
    expect(read(lines.map((line) => `${line}\r\n`)).events).toEqual(whole);
    const byId = new Map(whole.map((event) => [event.id, event]));
    for (const share of [0.3, 0.7]) {
      for (const event of read(lines.slice(0, Math.floor(lines.length * share))).events) {
        if (event.phase === "intent") expect(byId.has(event.id)).toBe(false);
        else {
          const { occurredAt, action, outcome } = byId.get(event.id) ?? {};
          expect([occurredAt, action, outcome?.status]).toEqual([event.occurredAt, event.action, event.outcome.status]);
        }
      }
    }
  }
});
