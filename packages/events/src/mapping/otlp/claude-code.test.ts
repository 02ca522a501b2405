import { expect, test } from "vitest";
import { type AuditEventInput, AuditEventInputSchema, AuditEventSchema, type JsonObject } from "../../event.ts";
import { DEFAULT_PRIVACY_POLICY, splitEvent } from "../../sections.ts";
import { createTranscriptReader } from "../claude-code-transcript.ts";
import { fromOtlpLog } from "./from-otlp.ts";
import type { OtlpRecord } from "./otlp-record.ts";

/** A record as Claude Code sends it. */
function record(name: string, attributes: JsonObject = {}, members: Partial<OtlpRecord> = {}): OtlpRecord {
  return {
    resource: { "service.name": "claude-code", "service.version": "2.1.217", "os.type": "linux" },
    scope: { name: "com.anthropic.claude_code.events", version: "2.1.217" },
    attributes: {
      "session.id": "s-1",
      "event.name": name,
      "event.timestamp": "2026-02-01T10:00:00.000Z",
      "event.sequence": "7",
      "prompt.id": "p-1",
      "user.account_uuid": "account-1",
      "user.email": "someone@example.org",
      "user.id": "installation-1",
      "organization.id": "organization-1",
      "terminal.type": "xterm",
      ...attributes,
    },
    droppedCount: 0,
    timeUnixNano: "1769940000123000000",
    severityNumber: 9,
    body: `claude_code.${name}`,
    ...members,
  };
}

function told(name: string, attributes: JsonObject = {}): AuditEventInput[] {
  const events = fromOtlpLog(record(name, attributes), { tenant: "t" });
  for (const event of events) expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
  return [...events];
}

const SOURCE = { name: "claude-code", instance: "s-1", sequence: 7 };

test("OTLP-30: every record of Claude Code becomes one event with its number, also one of an unknown kind", () => {
  const names = [
    "user_prompt",
    "assistant_response",
    "tool_result",
    "tool_decision",
    "api_request",
    "api_error",
    "compaction",
    "auth",
    "ünknown kind",
    "",
  ];
  for (const name of names) {
    const events = told(name);
    expect(events.filter(({ source }) => source !== undefined).map(({ source }) => source)).toEqual([SOURCE]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  }
  expect(told("something_new", { answer: 42 })).toMatchObject([
    {
      action: "agent.telemetry.something_new",
      details: { event: "something_new", attributes: { answer: 42 } },
      context: { sessionId: "s-1" },
    },
  ]);
  // The resource alone tells that it is Claude Code's.
  expect(fromOtlpLog({ ...record("x"), body: undefined, attributes: { "session.id": "s-1", "event.sequence": 8 } })).toMatchObject([
    { action: "agent.telemetry.unknown", source: { ...SOURCE, sequence: 8 } },
  ]);
});

test("OTLP-31, OTLP-22: a tool result is the outcome of its call, with numbers and booleans read from text", () => {
  const attributes = {
    tool_name: "Bash",
    tool_use_id: "toolu_1",
    success: "true",
    duration_ms: "120",
    tool_parameters: '{"bash_command":"git","full_command":"git log","git_commit_id":"abc"}',
    tool_result_size_bytes: "12",
  };
  expect(told("tool_result", attributes)).toMatchObject([
    {
      tenant: "t",
      action: "ai.tool_call",
      phase: "outcome",
      occurredAt: "2026-02-01T10:00:00.123Z",
      outcome: { status: "success" },
      actor: { type: "agent", id: "claude-code" },
      target: { type: "tool", id: "Bash" },
      activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { full_command: "git log", git_commit_id: "abc" } } },
      usage: { durationMs: 120 },
      context: { sessionId: "s-1", callId: "toolu_1", requestId: "p-1" },
      labels: { platform: "claude-code", version: "2.1.217", terminal: "xterm" },
      details: { attributes: { tool_result_size_bytes: "12" }, resource: { "os.type": "linux" } },
    },
  ]);
  expect(told("tool_result", { ...attributes, success: "false", error_type: "ShellError", error: "no" })[0]?.outcome).toEqual({
    status: "failure",
    code: "SHELL_ERROR",
    message: "no",
  });
});

test("OTLP-32: a decision is an approval by whoever gave it, and a rejection is the end of the call too", () => {
  const attributes = { tool_name: "Bash", tool_use_id: "toolu_1" };
  expect(told("tool_decision", { ...attributes, decision: "accept", source: "config" })).toMatchObject([
    {
      action: "ai.approval_approved",
      activity: { type: "approval", approval: { state: "approved", approver: { type: "system", id: "config" }, observed: true } },
      context: { approvalId: "toolu_1" },
    },
  ]);
  const [rejected, denied, ...more] = told("tool_decision", { ...attributes, decision: "reject", source: "user_reject" });
  expect(rejected).toMatchObject({
    action: "ai.approval_rejected",
    activity: { approval: { state: "rejected", approver: { type: "user", id: "someone@example.org" } } },
    source: SOURCE,
  });
  // An approval is no telling of the call: it would count in its place.
  expect(rejected?.context?.callId).toBeUndefined();
  expect(denied).toMatchObject({
    action: "ai.tool_call",
    phase: "outcome",
    outcome: { status: "denied", code: "USER_REJECTED" },
    context: { callId: "toolu_1", approvalId: "toolu_1" },
  });
  expect(denied?.source).toBeUndefined();
  expect(more).toEqual([]);
  const codes = ["hook", "config", "user_abort"].map(
    (source) => told("tool_decision", { ...attributes, decision: "reject", source })[1]?.outcome.code,
  );
  expect(codes).toEqual(["HOOK_DENIED", "PERMISSION_DENIED", "USER_REJECTED"]);
});

test("OTLP-33: a request to the model is the deed that the transcript tells of, with tokens and cost", () => {
  const [event] = told("api_request", {
    request_id: "req_1",
    model: "claude-test-1",
    input_tokens: "7",
    output_tokens: "9",
    cache_read_tokens: "100",
    cache_creation_tokens: "20",
    cost_usd: "0.0125",
    duration_ms: "900",
  });
  const reader = createTranscriptReader();
  const usage = { input_tokens: 7, output_tokens: 9, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 };
  const message = { id: "msg", role: "assistant", model: "claude-test-1", content: [{ type: "text", text: "Hello" }], usage };
  const line = { type: "assistant", uuid: "u", timestamp: "2026-02-01T10:00:00Z", sessionId: "s-1", requestId: "req_1", message };
  const transcript = [...reader.push(JSON.stringify(line)), ...reader.end()].find(({ action }) => action === "ai.model_call");
  expect(event?.usage).toEqual({ ...transcript?.usage, costUsd: 0.0125, durationMs: 900 });
  for (const member of ["action", "target", "activity"] as const) expect(event?.[member]).toEqual(transcript?.[member]);
  expect([event?.context?.sessionId, event?.context?.callId]).toEqual([transcript?.context?.sessionId, transcript?.context?.callId]);
});

test("OTLP-34: prompts are the person's, answers the agent's, and errors are errors", () => {
  expect(told("user_prompt", { prompt: "Mend it.", prompt_length: "8" })).toMatchObject([
    {
      action: "agent.prompt.submitted",
      actor: { type: "user", id: "account-1", email: "someone@example.org" },
      activity: { type: "message", name: "prompt", message: { role: "user", text: "Mend it." } },
    },
  ]);
  expect(told("assistant_response", { response: "Done." })).toMatchObject([
    { action: "ai.chat_message", actor: { type: "agent" }, activity: { name: "response", message: { role: "assistant", text: "Done." } } },
  ]);
  expect(told("api_error", { error: "overloaded", status_code: "529" })).toMatchObject([
    { action: "ai.error", outcome: { status: "failure", code: "API_ERROR", message: "overloaded" } },
  ]);
});

test("OTLP-35: an error of a hook counts as the recorder's only when the record names it", () => {
  const codeOf = (attributes: JsonObject): string | undefined => told("hook_execution_complete", attributes)[0]?.outcome.code;
  expect(codeOf({ num_success: "1", num_non_blocking_error: "0" })).toBeUndefined();
  expect(codeOf({ num_non_blocking_error: "1", hook_name: "PreToolUse:Bash" })).toBe("HOOK_ERROR");
  expect(codeOf({ num_cancelled: 1, "plugin.name": "vouchtrail" })).toBe("RECORDER_HOOK_ERROR");
  expect(codeOf({ num_blocking: "1" })).toBeUndefined();
});

test("OTLP-23: who a person is stands in the personal section and nowhere else", () => {
  for (const name of ["user_prompt", "tool_result", "tool_decision", "api_request", "other"]) {
    for (const event of told(name, { decision: "reject", source: "user_reject", tool_use_id: "x" })) {
      const filled = { target: { type: "x", id: "x" }, ...event };
      const { leafMembers, personal, content } = splitEvent(
        AuditEventSchema.parse(filled),
        { at: "2026-01-01T00:00:00.000Z", via: "otlp" },
        DEFAULT_PRIVACY_POLICY,
      );
      for (const identity of ["account-1", "someone@example.org", "installation-1", "organization-1"]) {
        expect(`${leafMembers}${content}`).not.toContain(identity);
      }
      expect(personal).toContain("someone@example.org");
    }
  }
});

test("OTLP-20: the same record has the same id each time, and a like one in the same request another", () => {
  const one = record("tool_result", { tool_use_id: "toolu_1" });
  const idOf = (...parts: Parameters<typeof fromOtlpLog>): string | undefined => fromOtlpLog(...parts)[0]?.id;
  expect(idOf(structuredClone(one))).toBe(idOf(one));
  expect(idOf(one, { repetition: 1 })).not.toBe(idOf(one));
  expect(idOf({ ...one, attributes: { ...one.attributes, tool_use_id: "toolu_2" } })).not.toBe(idOf(one));
  expect(idOf({ ...one, resource: { ...one.resource, "os.type": "darwin" } })).not.toBe(idOf(one));
});

test("OTLP-21: the time is the record's own, what the agent wrote, or when it was seen, and one that cannot be read is kept", () => {
  const timeOf = (members: Partial<OtlpRecord>, timestamp: unknown = "2026-02-01T10:00:00.000Z"): AuditEventInput | undefined => {
    const { timeUnixNano: _, ...rest } = record("auth", { "event.timestamp": timestamp });
    return fromOtlpLog({ ...rest, ...members })[0];
  };
  expect(timeOf({ timeUnixNano: "1769940000123456789" })?.occurredAt).toBe("2026-02-01T10:00:00.123456789Z");
  expect(timeOf({})?.occurredAt).toBe("2026-02-01T10:00:00.000Z");
  expect(timeOf({}, "0001-01-01T00:00:00Z")?.occurredAt).toBe("0001-01-01T00:00:00Z");
  expect(timeOf({ observedTimeUnixNano: "1" }, "soon")).toMatchObject({
    occurredAt: "1970-01-01T00:00:00.000000001Z",
    details: { rawTime: { timestamp: "soon", observedTimeUnixNano: "1" } },
  });
  expect(timeOf({ timeUnixNano: "18446744073709551615" })?.occurredAt).toBe("2554-07-21T23:34:33.709551615Z");
  const unknown = timeOf({ timeUnixNano: "18446744073709551616" }, "");
  expect(unknown).toMatchObject({ details: { rawTime: { timeUnixNano: "18446744073709551616" } } });
  expect([unknown?.occurredAt, unknown?.id]).toEqual([undefined, undefined]);
});
