import fc from "fast-check";
import { expect, test } from "vitest";
import { type AuditEventInput, AuditEventInputSchema, type JsonObject } from "../../event.ts";
import { fromOtlpLog, fromOtlpSpan } from "./from-otlp.ts";
import type { OtlpSpan } from "./otlp-record.ts";

function span(attributes: JsonObject, members: Partial<OtlpSpan> = {}): OtlpSpan {
  return {
    resource: { "service.name": "shop-agent" },
    scope: {},
    attributes,
    droppedCount: 0,
    traceId: "5b8efff798038103d269b633813fc60c",
    spanId: "eee19b7ec3c1b174",
    parentSpanId: "eee19b7ec3c1b173",
    name: "span",
    startTimeUnixNano: "1769940000000000000",
    endTimeUnixNano: "1769940000250000000",
    kind: 1,
    status: { code: 0 },
    events: [],
    links: [],
    ...members,
  };
}
function told(attributes: JsonObject, members?: Partial<OtlpSpan>): readonly AuditEventInput[] {
  const events = fromOtlpSpan(span(attributes, members));
  for (const event of events) expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
  return events;
}

test("OTLP-40: the span of a tool is a call with its input, its result and its place in the trace", () => {
  const attributes = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "search",
    "gen_ai.tool.call.id": "call_1",
    "gen_ai.tool.call.arguments": '{"q":"x"}',
    "gen_ai.tool.call.result": '["y"]',
    "gen_ai.conversation.id": "conversation-1",
    "gen_ai.agent.name": "buyer",
  };
  expect(told(attributes)).toMatchObject([
    {
      action: "ai.tool_call",
      occurredAt: "2026-02-01T10:00:00.000Z",
      actor: { type: "agent", id: "buyer" },
      outcome: { status: "success", result: ["y"] },
      activity: { name: "search", tool: { parameters: { q: "x" } } },
      usage: { durationMs: 250 },
      context: { sessionId: "conversation-1", callId: "call_1", traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174" },
      details: { parentSpanId: "eee19b7ec3c1b173" },
    },
  ]);
  const { "gen_ai.tool.call.id": _, ...without } = attributes;
  expect(told(without)[0]?.context?.callId).toBe("eee19b7ec3c1b174");
  expect(told({ ...attributes, "error.type": "TimeoutError" }, { status: { code: 2, message: "late" } })[0]?.outcome).toMatchObject({
    status: "failure",
    code: "TIMEOUT_ERROR",
    message: "late",
  });
});

test("OTLP-40: the span of a request has its usage, and the span of an agent has none of it", () => {
  const usage = { "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 4, "gen_ai.usage.cache_read.input_tokens": 2 };
  expect(told({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1", "session.id": "s-1", ...usage })).toMatchObject([
    {
      action: "ai.model_call",
      target: { type: "model", id: "m-1" },
      usage: { tokensInput: 10, tokensOutput: 4, tokensCacheRead: 2, model: "m-1", durationMs: 250 },
      context: { sessionId: "s-1" },
    },
  ]);
  const [agent] = told({ "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "buyer", ...usage });
  expect(agent).toMatchObject({ action: "agent.invocation", target: { type: "agent", id: "buyer" }, usage: { durationMs: 250 } });
  expect(agent?.usage?.tokensInput).toBeUndefined();
  expect(agent?.details).toMatchObject({ attributes: usage });
});

test("OTLP-40: older spans of the AI SDK tell of tools and requests once", () => {
  expect(told({ "ai.toolCall.name": "buy", "ai.toolCall.id": "c", "ai.toolCall.args": '{"n":1}' }, { name: "ai.toolCall" })).toMatchObject([
    { action: "ai.tool_call", activity: { name: "buy", tool: { parameters: { n: 1 } } }, context: { callId: "c" } },
  ]);
  expect(told({ "ai.model.id": "m-1", "ai.usage.promptTokens": 3 }, { name: "ai.generateText.doGenerate" })).toMatchObject([
    { action: "ai.model_call", usage: { tokensInput: 3, model: "m-1" } },
  ]);
  expect(told({ "ai.model.id": "m-1", "ai.usage.promptTokens": 3 }, { name: "ai.generateText" })).toEqual([]);
});

test("OTLP-36: spans of Claude Code are no actions: its log records are", () => {
  expect(told({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.id": "toolu_1" }, { name: "claude_code.tool" })).toEqual([]);
});

test("OTLP-41: spans of OpenInference are tools, requests and agents", () => {
  const tool = {
    "openinference.span.kind": "TOOL",
    "tool.name": "search",
    "tool_call.id": "c-1",
    "input.value": '{"q":1}',
    "output.value": "found",
  };
  expect(told({ ...tool, "session.id": "s-1" })).toMatchObject([
    {
      action: "ai.tool_call",
      outcome: { status: "success", result: "found" },
      activity: { name: "search", tool: { parameters: { q: 1 } } },
      context: { callId: "c-1", sessionId: "s-1" },
    },
  ]);
  expect(
    told(
      { "openinference.span.kind": "LLM", "llm.model_name": "m", "llm.token_count.prompt": 1, "llm.cost.total": 0.5 },
      { status: { code: 2 } },
    ),
  ).toMatchObject([
    { action: "ai.model_call", outcome: { status: "failure", code: "ERROR" }, usage: { tokensInput: 1, costUsd: 0.5, model: "m" } },
  ]);
  expect(told({ "openinference.span.kind": "AGENT", "agent.name": "a" })).toMatchObject([{ action: "agent.invocation" }]);
  expect(told({ "openinference.span.kind": "CHAIN" })).toEqual([]);
});

test("OTLP-42: a span that nobody knows is kept whole only when that is asked for", () => {
  const other = span({ "http.route": "/" }, { name: "GET /", status: { code: 2 } });
  expect(fromOtlpSpan(other)).toEqual([]);
  expect(fromOtlpSpan(other, { keepOther: true })).toMatchObject([
    { action: "otel.span", actor: { type: "service", id: "shop-agent" }, outcome: { status: "failure" }, details: { span: "GET /" } },
  ]);
});

const NAMES = [
  "event.name",
  "session.id",
  "event.sequence",
  "event.timestamp",
  "tool_name",
  "tool_use_id",
  "tool_input",
  "decision",
  "source",
  "success",
  "error_type",
  "model",
  "user.id",
  "user.email",
  "user.groups",
  "request_id",
  "gen_ai.operation.name",
  "gen_ai.tool.name",
  "gen_ai.agent.name",
  "gen_ai.request.model",
  "openinference.span.kind",
  "__proto__",
];
const VALUES = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.constantFrom(
    "claude_code.tool_result",
    "tool_decision",
    "codex.tool_result",
    "gemini_cli.tool_call",
    "reject",
    "accept",
    "user_reject",
    "execute_tool",
    "chat",
    "invoke_agent",
    "TOOL",
    "LLM",
  ),
  fc.constantFrom("\u0000", "x".repeat(2_000), "-5", "1e400", '{"a":{"__proto__":1}}'),
  fc.double(),
  fc.boolean(),
  fc.jsonValue(),
);

test("OTLP-30, OTLP-42: whatever the attributes are, what comes of a record or a span is a valid event", () => {
  const attributes = fc.dictionary(fc.constantFrom(...NAMES), VALUES);
  const services = fc.constantFrom("claude-code", "claude-code-desktop", "codex", "\u0001", "y".repeat(500));
  fc.assert(
    fc.property(attributes, services, VALUES, fc.boolean(), (members, service, body, keepOther) => {
      const common = { ...span(members), resource: { "service.name": service }, severityNumber: 0, body };
      const { name: _, ...record } = { ...common, timeUnixNano: "5" };
      for (const event of [
        ...fromOtlpLog(record, { keepOther }),
        ...fromOtlpSpan({ ...common, name: JSON.stringify(body) }, { keepOther }),
      ]) {
        expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
      }
    }),
    { numRuns: 400 },
  );
});
