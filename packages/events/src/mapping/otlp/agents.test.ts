import { expect, test } from "vitest";
import { type AuditEventInput, AuditEventInputSchema, type JsonObject } from "../../event.ts";
import { fromOtlpLog } from "./from-otlp.ts";

function told(service: string, attributes: JsonObject, keepOther = false): readonly AuditEventInput[] {
  const record = {
    resource: { "service.name": service },
    scope: {},
    attributes,
    droppedCount: 0,
    timeUnixNano: "1769940000000000000",
    severityNumber: 9,
  };
  const events = fromOtlpLog(record, { keepOther });
  for (const event of events) expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
  return events;
}
const codex = (name: string, attributes: JsonObject): readonly AuditEventInput[] =>
  told("codex_cli_rs", { "event.name": `codex.${name}`, "conversation.id": "c-1", "user.email": "someone@example.org", ...attributes });
const gemini = (name: string, attributes: JsonObject): readonly AuditEventInput[] =>
  told("gemini-cli", { "event.name": `gemini_cli.${name}`, "session.id": "g-1", ...attributes });

test("OTLP-37: Codex tells of calls, decisions, prompts and requests, and the ticks of its streams are not kept", () => {
  const call = { tool_name: "shell", call_id: "call_1", arguments: '{"command":["ls"]}', duration_ms: "5", success: "true", output: "src" };
  expect(codex("tool_result", call)).toMatchObject([
    {
      action: "ai.tool_call",
      actor: { type: "agent", id: "codex" },
      outcome: { status: "success", result: "src" },
      activity: { tool: { name: "shell", parameters: { command: ["ls"] } } },
      usage: { durationMs: 5 },
      context: { sessionId: "c-1", callId: "call_1" },
      labels: { platform: "codex" },
    },
  ]);
  expect(codex("tool_result", { ...call, success: false })[0]?.outcome).toEqual({ status: "failure", code: "TOOL_ERROR", result: "src" });
  expect(codex("tool_decision", { ...call, decision: "ApprovedForSession", source: "User" })).toMatchObject([
    { action: "ai.approval_approved", activity: { approval: { approver: { type: "user", id: "someone@example.org" } } } },
  ]);
  expect(codex("tool_decision", { ...call, decision: "denied", source: "Config" })).toMatchObject([
    { action: "ai.approval_rejected" },
    { action: "ai.tool_call", outcome: { status: "denied", code: "PERMISSION_DENIED" }, context: { callId: "call_1" } },
  ]);
  expect(codex("user_prompt", { prompt: "Go on." })).toMatchObject([{ action: "agent.prompt.submitted", actor: { type: "user" } }]);
  expect(
    codex("sse_event", { "event.kind": "response.completed", model: "m-1", input_token_count: "3", output_token_count: 4 }),
  ).toMatchObject([{ action: "ai.model_call", usage: { tokensInput: 3, tokensOutput: 4, model: "m-1" } }]);
  expect(codex("api_request", { "http.response.status_code": "500" })).toMatchObject([
    { action: "ai.error", outcome: { message: "HTTP 500" } },
  ]);
  expect(codex("sse_event", { "event.kind": "response.output_text.delta" })).toEqual([]);
  expect(codex("sandbox_outcome", { outcome: "denied" })).toMatchObject([{ action: "agent.telemetry.sandbox_outcome" }]);
});

test("OTLP-38: Gemini CLI tells of a call and of the decision about it in one record", () => {
  const call = { function_name: "read_file", function_args: '{"path":"a"}', duration_ms: 12, success: true, prompt_id: "p-1" };
  expect(gemini("tool_call", { ...call, decision: "auto_accept" })).toMatchObject([
    { action: "ai.approval_approved", activity: { approval: { approver: { type: "system", id: "config" } } } },
    { action: "ai.tool_call", outcome: { status: "success" }, usage: { durationMs: 12 }, context: { sessionId: "g-1", requestId: "p-1" } },
  ]);
  const [approval, denied] = gemini("tool_call", { ...call, success: false, decision: "reject" });
  expect([approval?.action, denied?.outcome.status]).toEqual(["ai.approval_rejected", "denied"]);
  expect(approval?.id).not.toBe(denied?.id);
  expect(gemini("tool_call", { ...call, success: "false", error_type: "file_not_found" })).toMatchObject([
    { action: "ai.tool_call", outcome: { status: "failure", code: "FILE_NOT_FOUND" } },
  ]);
  expect(gemini("api_response", { model: "m-2", input_token_count: 5, cached_content_token_count: 2 })).toMatchObject([
    { action: "ai.model_call", usage: { tokensInput: 5, tokensCacheRead: 2, model: "m-2" } },
  ]);
  expect(gemini("file_operation", {})).toMatchObject([{ action: "agent.telemetry.file_operation", actor: { id: "gemini-cli" } }]);
});

test("OTLP-42: a record that nobody knows is kept whole only when that is asked for", () => {
  const attributes = { "user.id": "u-1", key: "value" };
  expect(told("shop", attributes)).toEqual([]);
  expect(told("shop", attributes, true)).toMatchObject([
    {
      action: "otel.log",
      actor: { type: "service", id: "shop", onBehalfOf: [{ type: "installation", id: "u-1" }] },
      outcome: { status: "success" },
      details: { attributes: { key: "value" }, severityNumber: 9 },
    },
  ]);
});
