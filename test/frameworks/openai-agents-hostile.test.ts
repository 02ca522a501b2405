import type { Agent } from "@openai/agents-core";
import { AuditEventInputSchema } from "@vouchtrail/events";
import { AuditEmitter } from "@vouchtrail/sdk";
import { auditRunner, auditToolInput, auditTracing, type SpanLike } from "@vouchtrail/sdk/openai-agents";
import { mockAudit } from "@vouchtrail/sdk/testing";
import { expect } from "vitest";
import { SPANS_OPEN_MAX, TRACES_KEPT_MAX } from "../../packages/sdk/src/agents/limits.ts";
import { startTestServer } from "../hostile/running-server.ts";
import {
  agentOf,
  auditedRunner,
  callOf,
  callsOf,
  core,
  ofAction,
  removal,
  test,
  trace,
  useAgents,
  weather,
} from "./openai-agents-harness.ts";
import { TOKENS } from "./openai-agents-model.ts";

useAgents();

test("FRAMEWORK-4: with hasContent false no prompt, answer, input or result is recorded", async () => {
  const { audit, runner } = auditedRunner({}, { hasContent: false });
  await runner.run(agentOf([{ calls: [callOf("call-1", "Oslo")] }, { text: "Secret answer." }]), "Secret question.");
  expect(audit.events.map(({ action }) => action).sort()).toEqual([
    "agent.invocation",
    "agent.prompt.submitted",
    "ai.chat_message",
    "ai.model_call",
    "ai.model_call",
    "ai.tool_call",
    "ai.tool_call",
  ]);
  expect(JSON.stringify(audit.events)).not.toMatch(/Secret|Oslo|blue/);
});

test("FRAMEWORK-3: hostile ids, names, inputs and results make valid events, and do not disturb the agent", async () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const odd = core.tool({
    name: "odd",
    description: "",
    parameters: { type: "object", properties: {}, required: [], additionalProperties: true },
    strict: false,
    execute: async () => circle,
  });
  const { audit, runner } = auditedRunner({ groupId: `g-\uD800-${"x".repeat(10_000)}`, traceMetadata: { sessionId: 7 as never } });
  const calls = [
    { callId: "\uD800".repeat(300), name: "odd", arguments: '{"a": "\\udfff\\u0000"}' },
    { callId: "c".repeat(100_000), name: "odd", arguments: "not json" },
  ];
  const agent = agentOf([{ calls }, { text: "\uD800 done" }], { name: `N\uD800${"n".repeat(2_000)}`, tools: [odd] });
  const result = await runner.run(agent, "\uDFFF?");
  expect(result.finalOutput).toBe("\uD800 done");
  // What is no JSON never reaches its tool: it has no intent.
  expect(
    callsOf(audit)
      .map((call) => (call as string[]).slice(1))
      .sort(),
  ).toEqual([
    ["intent", "pending"],
    ["outcome", "failure"],
    ["outcome", "success"],
  ]);
  for (const event of audit.events) expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
});

test("FRAMEWORK-3: spans that no version of the framework has made yet are read without a word to the agent", async () => {
  const audit = mockAudit();
  const processor = auditTracing({ emitter: audit.emitter });
  const circle: unknown[] = [];
  circle.push(circle);
  const types = ["agent", "function", "generation", "response", "handoff", "guardrail", "turn", "task", "custom", "mcp_tools", "tomorrow"];
  for (const [index, type] of types.entries()) {
    for (const value of [undefined, null, 7, "\uD800", circle, { usage: { input_tokens: -1.5 } }]) {
      const members = [
        "name",
        "input",
        "output",
        "usage",
        "_response",
        "to_agent",
        "from_agent",
        "agent_name",
        "model",
        "response_id",
        "mcp_data",
      ];
      const span = {
        ...{
          spanId: `span-${index}`,
          traceId: "trace",
          parentId: `span-${index}`,
          startedAt: "yesterday",
          endedAt: "2026-01-01T00:00:00Z",
        },
        spanData: { type, ...Object.fromEntries(members.map((member) => [member, value])) },
        error: value === 7 ? { message: "Odd.", data: { error: circle as never } } : null,
      } as SpanLike;
      await processor.onSpanStart(span);
      await processor.onSpanEnd(span);
      await processor.onSpanEnd({ spanData: value } as never);
    }
  }
  await processor.forceFlush();
  expect(audit.events.length).toBeGreaterThan(20);
  for (const event of audit.events) expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
});

test("FRAMEWORK-27: ends that never come stay bounded, and nothing that was told before is lost", async () => {
  const audit = mockAudit();
  const processor = auditTracing({ emitter: audit.emitter });
  const spanOf = (id: string, type: string, parentId: string | null, more: object = {}) =>
    ({
      spanId: id,
      traceId: `trace-${id}`,
      parentId,
      startedAt: null,
      endedAt: null,
      error: null,
      spanData: { type, ...more },
    }) as SpanLike;
  await processor.onSpanStart(spanOf("turn", "turn", null, { agent_name: "Helper" }));
  await processor.onSpanEnd(spanOf("response", "response", "turn", { response_id: "resp-held" }));
  audit.assertNothingAudited();
  for (let index = 0; index < SPANS_OPEN_MAX; index++) await processor.onSpanStart(spanOf(`task-${index}`, "task", null));
  // The turn was given up: its request is told without the tokens that never came.
  audit.assertAudited({ action: "ai.model_call", context: { callId: "resp-held" } });
  expect(ofAction(audit, "ai.model_call")[0]?.usage).toBeUndefined();
  await processor.onSpanEnd(spanOf("turn", "turn", null, { usage: { input_tokens: 1, output_tokens: 1 } }));
  await processor.onTraceStart({ traceId: "open", groupId: "group-7" });
  await processor.onSpanEnd({ ...spanOf("late", "function", "task-1", { name: "weather" }), traceId: "open" });
  audit.assertAudited({ action: "ai.tool_call", phase: "outcome", context: { sessionId: "group-7", callId: "late" } });
  for (let index = 0; index < TRACES_KEPT_MAX; index++) await processor.onTraceStart({ traceId: `trace-${index}` });
  await processor.onSpanEnd({ ...spanOf("later", "function", null, { name: "weather" }), traceId: "open" });
  audit.assertAudited({ action: "ai.tool_call", context: { sessionId: "open", callId: "later" } });
});

test("FRAMEWORK-3: an agent does not notice that the trail is away, or that its emitter is strict and closed", async () => {
  const away = new AuditEmitter({
    url: "http://127.0.0.1:9",
    spool: false,
    logger: false,
    lifecycle: false,
    delivery: "strict",
    strictTimeoutMs: 50,
  });
  trace({ emitter: away });
  const runner = new core.Runner();
  auditRunner(runner, { emitter: away });
  const agent = (): Agent =>
    agentOf([{ calls: [callOf("call-1", "Oslo")] }, { text: "Blue." }], { tools: [weather([auditToolInput({ emitter: away })])] });
  expect((await runner.run(agent(), "Hi")).finalOutput).toBe("Blue.");
  await away.close(1);
  expect((await runner.run(agent(), "Hi")).finalOutput).toBe("Blue.");
});

test("FRAMEWORK-29: a run that is told to a server is one session with the calls, failures, denials and tokens that happened", async () => {
  const server = await startTestServer();
  try {
    const emitter = new AuditEmitter({ url: `http://127.0.0.1:${server.port}`, spool: false, logger: false, lifecycle: false });
    trace({ emitter });
    const runner = new core.Runner({ groupId: "group-8" });
    auditRunner(runner, { emitter });
    const remove = removal();
    const answers = [
      { calls: [callOf("call-1", "Oslo"), callOf("call-2", "Atlantis"), callOf("call-3", "Oslo")] },
      { calls: [{ callId: "call-4", name: "remove" }] },
      { text: "Done." },
    ];
    const first = await runner.run(agentOf(answers, { tools: [weather(), remove] }), "Hi");
    const [item] = first.interruptions;
    if (item === undefined) throw new Error("Nothing was asked.");
    first.state.reject(item);
    await runner.run(first.lastAgent as Agent, first.state);
    await emitter.close();
    const sessionOf = async (): Promise<Record<string, unknown> | undefined> => {
      const { text } = await server.send("/api/v1/sessions");
      return (JSON.parse(text) as { sessions: { id: string }[] }).sessions.find(({ id }) => id === "group-8");
    };
    await expect.poll(async () => (await sessionOf())?.denials, { timeout: 20_000, interval: 50 }).toBe(1);
    expect(await sessionOf()).toMatchObject({
      ...{ agents: ["Helper"], prompts: 1, toolCalls: 4, failures: 1, denials: 1 },
      ...{ tokensInput: 3 * TOKENS.tokensInput, tokensOutput: 3 * TOKENS.tokensOutput, tokensCacheRead: 3 * TOKENS.tokensCacheRead },
    });
  } finally {
    await server.remove();
  }
});

test("FRAMEWORK-3: agents that nest deeper than an event can say are told with the nearest, and the person behind them", async () => {
  const audit = mockAudit();
  const processor = auditTracing({ emitter: audit.emitter, userId: "ada" });
  const spanOf = (depth: number, type: string): SpanLike => ({
    ...{ spanId: `span-${depth}`, traceId: "trace", parentId: depth === 0 ? null : `span-${depth - 1}`, startedAt: null, endedAt: null },
    ...{ spanData: { type, name: `agent-${depth}` }, error: null },
  });
  for (let depth = 0; depth < 200; depth++) await processor.onSpanStart(spanOf(depth, "agent"));
  await processor.onSpanEnd(spanOf(200, "function"));
  const [event] = ofAction(audit, "ai.tool_call");
  expect(event?.actor).toMatchObject({ id: "agent-199" });
  const chain = event?.actor.onBehalfOf ?? [];
  expect([chain.length, chain[0]?.id, chain.at(-1)?.id]).toEqual([16, "agent-198", "ada"]);
});
