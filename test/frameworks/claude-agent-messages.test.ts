import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { AuditEventInputSchema } from "@vouchtrail/events";
import { auditMessages } from "@vouchtrail/sdk/claude-agent";
import { type MockAudit, mockAudit } from "@vouchtrail/sdk/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  assistantMessage,
  createFaultLog,
  hooksOf,
  resultMessage,
  runScript,
  type Step,
  streamEvent,
  testReal,
  useClaudeAgent,
} from "./claude-agent-run.ts";

useClaudeAgent();

// The types of the framework: tsc proves that the messages keep them.
const typed = (audit: MockAudit, stream: AsyncIterable<SDKMessage>): AsyncIterable<SDKMessage> =>
  auditMessages(stream, { emitter: audit.emitter });

async function* streamOf(messages: readonly unknown[]): AsyncGenerator<unknown, void> {
  yield* messages;
}

/** Reads messages as an application does. */
async function read(audit: MockAudit, steps: readonly Step[], hasContent = true): Promise<unknown[]> {
  const passed: unknown[] = [];
  const messages = streamOf(steps.map(({ message }) => message));
  for await (const message of auditMessages(messages, { emitter: audit.emitter, hasContent })) passed.push(message);
  return passed;
}

const modelCalls = (audit: MockAudit) => audit.events.filter(({ action }) => action === "ai.model_call");

testReal(
  "FRAMEWORK-46, FRAMEWORK-48: with the real SDK messages pass as they are, and each response is one request with its largest counts",
  async () => {
    const audit = mockAudit();
    const session = "session-46";
    const steps = [
      assistantMessage(session, "msg_a", { input_tokens: 10, output_tokens: 1 }, { request_id: "req_a" }),
      assistantMessage(session, "msg_a", { input_tokens: 10, output_tokens: 8, cache_creation_input_tokens: 5 }, { request_id: "req_a" }),
      // A subagent talks at the same time.
      assistantMessage(session, "msg_sub", { input_tokens: 3, output_tokens: 3 }, { parent_tool_use_id: "toolu_task", agent_id: "helper" }),
      assistantMessage(session, "msg_a", { input_tokens: 10, output_tokens: 9 }, { request_id: "req_a" }),
      assistantMessage(session, "msg_b", { input_tokens: 20, output_tokens: 2 }),
      resultMessage(session),
    ];
    const plain = await runScript(steps);
    const wrapped = await runScript(steps, {}, (stream) => typed(audit, stream as AsyncIterable<SDKMessage>));
    expect(wrapped.messages).toEqual(plain.messages);
    expect(wrapped.messages).toHaveLength(7);
    const found = modelCalls(audit).map(({ context, usage, actor }) => [context?.callId, usage, actor.id]);
    const model = "claude-example-1";
    expect(found.toSorted()).toEqual([
      ["msg_b", { tokensInput: 20, tokensOutput: 2, model }, "claude-agent-sdk"],
      ["msg_sub", { tokensInput: 3, tokensOutput: 3, model }, "claude-agent-sdk/helper"],
      ["req_a", { tokensInput: 10, tokensOutput: 9, tokensCacheWrite: 5, model }, "claude-agent-sdk"],
    ]);
    expect(audit.events.at(-1)).toMatchObject({
      action: "agent.invocation",
      outcome: { status: "success", result: "The report is tidy." },
      usage: { durationMs: 1_200 },
      details: { totalCostUsd: 0.25, turnCount: 2, apiDurationMs: 900 },
      context: { sessionId: session },
    });
  },
);

test("FRAMEWORK-46: partial messages tell the final counts, and late pieces count nothing", async () => {
  const audit = mockAudit();
  const session = "session-partial";
  const start = {
    type: "message_start",
    message: { id: "msg_p", model: "claude-example-1", usage: { input_tokens: 30, output_tokens: 1 } },
  };
  await read(audit, [
    streamEvent(session, start),
    streamEvent(session, { type: "content_block_delta", delta: { type: "text_delta", text: "a" } }),
    assistantMessage(session, "msg_p", { input_tokens: 30, output_tokens: 1 }, { request_id: "req_p" }),
    streamEvent(session, { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 420 } }),
    streamEvent(session, { type: "message_stop" }),
    streamEvent(session, { type: "message_delta", delta: {}, usage: { output_tokens: 9_999 } }),
    assistantMessage(session, "msg_p", { input_tokens: 30, output_tokens: 500 }, { request_id: "req_p" }),
    resultMessage(session),
  ]);
  expect(modelCalls(audit)).toMatchObject([
    {
      usage: { tokensInput: 30, tokensOutput: 420 },
      context: { callId: "req_p" },
      details: { stopReason: "end_turn", messageId: "msg_p" },
    },
  ]);
});

test("FRAMEWORK-46: requests that failed, were cut off or are made again are failures; what the agent wrote itself is no request", async () => {
  const audit = mockAudit();
  const session = "session-failures";
  const synthetic = (id: string, more: Step = {}): Step => {
    const { message } = assistantMessage(session, id, { input_tokens: 0, output_tokens: 0 }, more, [
      { type: "text", text: "API Error: 529" },
    ]);
    const outer = message as { readonly message: Step };
    return { message: { ...outer, message: { ...outer.message, model: "<synthetic>" } } };
  };
  const retry = {
    type: "system",
    subtype: "api_retry",
    attempt: 1,
    max_retries: 10,
    error_status: 529,
    error: "overloaded",
    uuid: "uuid-retry",
  };
  await read(audit, [
    { message: { ...retry, session_id: session } },
    synthetic("msg_error", { error: "overloaded" }),
    synthetic("msg_note"),
    assistantMessage(session, "msg_cut", { input_tokens: 4, output_tokens: 2 }, { aborted: true }),
    resultMessage(session, { subtype: "error_during_execution", is_error: true, result: undefined, errors: ["It was interrupted."] }),
  ]);
  expect(modelCalls(audit).map(({ outcome, usage, context }) => [context?.callId, outcome.code, usage?.tokensInput])).toEqual([
    ["uuid-retry", "OVERLOADED", undefined],
    ["msg_error", "OVERLOADED", 0],
    ["msg_cut", "ABORTED", 4],
  ]);
  expect(audit.events.at(-1)).toMatchObject({
    action: "agent.invocation",
    outcome: { status: "failure", code: "ERROR_DURING_EXECUTION", message: "It was interrupted." },
  });
});

test("FRAMEWORK-45: a call that was denied without a hook ends as denied, once", async () => {
  const audit = mockAudit();
  const session = "session-denied";
  const denial = (id: string): Step => ({ tool_name: "Bash", tool_use_id: id, tool_input: { command: "curl" } });
  const message = {
    type: "system",
    subtype: "permission_denied",
    message: "The rule says no.",
    session_id: session,
    uuid: "u",
    ...denial("toolu_m1"),
  };
  await read(audit, [
    { message },
    resultMessage(session, { permission_denials: [denial("toolu_m1"), denial("toolu_m2"), denial("toolu_m2"), 7] }),
  ]);
  expect(audit.events).toMatchObject([
    {
      action: "ai.tool_call",
      outcome: { status: "denied", message: "The rule says no." },
      context: { callId: "toolu_m1", sessionId: session },
    },
    { action: "ai.tool_call", outcome: { status: "denied" }, context: { callId: "toolu_m2" } },
    { action: "agent.invocation", details: { deniedCallCount: 4 } },
  ]);
});

testReal("FRAMEWORK-47: a program that dies and a loop that is left end the run as failures, and the error stays what it was", async () => {
  const audit = mockAudit();
  const options = { emitter: audit.emitter };
  const session = "session-47";
  const steps = [hooksOf(session)("SessionStart"), assistantMessage(session, "msg_dies", { input_tokens: 1 }), { exit: 3 }];
  const thrown = await runScript(steps).catch((error: unknown) => error);
  const passed = await runScript(steps, {}, (stream) => auditMessages(stream, options)).catch((error: unknown) => error);
  expect(passed).toEqual(thrown);
  expect(passed).toBeInstanceOf(Error);
  expect(audit.events).toMatchObject([
    { action: "ai.model_call", usage: { tokensInput: 1 } },
    { action: "agent.invocation", outcome: { status: "failure" } },
  ]);
  audit.clear();
  let isClosed = false;
  async function* endless(): AsyncGenerator<unknown, void> {
    try {
      for (let number = 0; ; number++) yield assistantMessage(session, `msg_${number}`, { input_tokens: 1 }).message;
    } finally {
      isClosed = true;
    }
  }
  let count = 0;
  for await (const _ of auditMessages(endless(), options)) if (++count === 3) break;
  expect(isClosed).toBe(true);
  expect(audit.events.map(({ action, outcome }) => [action, outcome.code])).toEqual([
    ["ai.model_call", undefined],
    ["ai.model_call", undefined],
    ["ai.model_call", undefined],
    ["agent.invocation", "ABORTED"],
  ]);
});

test("FRAMEWORK-3, FRAMEWORK-48: whatever passes, it passes unchanged, and every event is valid", async () => {
  const hostile = [
    null,
    7,
    {
      type: "assistant",
      message: { id: "\ud800", model: "\u0000".repeat(300), usage: { input_tokens: -1, output_tokens: 1.5 } },
      session_id: "s".repeat(9_999),
    },
    { type: "assistant", message: { id: "x".repeat(100_000), usage: { input_tokens: Number.MAX_VALUE } }, request_id: "\udfff" },
    { type: "result", permission_denials: [null, { tool_use_id: "\ud800" }], duration_ms: -5, errors: [1n, "a"], is_error: true },
    {
      get type(): never {
        throw new Error("unreadable");
      },
    },
  ];
  const audit = mockAudit();
  expect(
    await read(
      audit,
      hostile.map((message) => ({ message })),
    ),
  ).toEqual(hostile);
  for (const event of audit.events) expect(AuditEventInputSchema.safeParse(event).success).toBe(true);
  const log = createFaultLog();
  const logged = mockAudit({ logger: log.logger });
  const text = fc.string({ unit: "binary" });
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 1 }), text);
  const usage = fc.record({ input_tokens: anything, output_tokens: fc.oneof(fc.double(), fc.nat()) });
  const inner = fc.record({ id: fc.oneof(text, fc.constant("msg")), model: anything, usage, content: anything, stop_reason: anything });
  const event = fc.record({
    type: fc.constantFrom("message_start", "message_delta", "message_stop"),
    message: inner,
    usage,
    delta: anything,
  });
  const message = fc.record({
    type: fc.constantFrom("assistant", "stream_event", "result", "system"),
    subtype: fc.constantFrom("permission_denied", "api_retry", "init", "success"),
    message: inner,
    event,
    session_id: text,
    uuid: anything,
    tool_use_id: text,
    tool_name: anything,
    agent_id: text,
    error: text,
    result: anything,
    duration_ms: fc.double(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 8 }), async (messages) => {
      const steps = messages.map((one) => ({ message: one }));
      expect(await read(logged, steps)).toEqual(messages);
    }),
    { numRuns: 40 },
  );
  expect(logged.events.length).toBeGreaterThan(40);
  expect(log.faults).toEqual([]);
  const broken = auditMessages(streamOf([resultMessage("a").message]), {
    emitter: () => {
      throw new Error("no emitter");
    },
  });
  expect((await broken.next()).value).toMatchObject({ type: "result" });
  await broken.return();
});

test("FRAMEWORK-4: without content the answer of a run and the input of a denied call stay away", async () => {
  const audit = mockAudit();
  const denials = [{ tool_name: "Bash", tool_use_id: "toolu_bare", tool_input: { command: "SECRET-TEXT" } }];
  await read(
    audit,
    [
      assistantMessage("session-bare", "msg_bare", { input_tokens: 6 }, {}, [{ type: "text", text: "SECRET-TEXT" }]),
      resultMessage("session-bare", { result: "SECRET-TEXT", permission_denials: denials }),
    ],
    false,
  );
  expect(JSON.stringify(audit.events)).not.toContain("SECRET-TEXT");
  expect(audit.events).toMatchObject([
    { usage: { tokensInput: 6, model: "claude-example-1" } },
    { action: "ai.tool_call", activity: { tool: { name: "Bash" } }, outcome: { status: "denied" } },
    { action: "agent.invocation", usage: { durationMs: 1_200 } },
  ]);
});

test("FRAMEWORK-49: responses that never end stay bounded, and each is told once all the same", async () => {
  const audit = mockAudit();
  const count = 1_500;
  const stream = Array.from({ length: count }, (_, number) =>
    assistantMessage("session-49", `msg_${number}`, { input_tokens: 1 }, { parent_tool_use_id: `toolu_thread_${number}` }),
  );
  let toldEarly = 0;
  let passed = 0;
  for await (const _ of auditMessages(streamOf(stream.map(({ message }) => message)), { emitter: audit.emitter })) {
    passed += 1;
    if (passed === count) toldEarly = audit.events.length;
  }
  // 1,000 may be open; the others were given up, and told as far as they were known.
  expect(toldEarly).toBe(count - 1_000);
  expect(modelCalls(audit)).toHaveLength(count);
  expect(new Set(modelCalls(audit).map(({ context }) => context?.callId)).size).toBe(count);
});
