import fc from "fast-check";
import { expect, test } from "vitest";
import { AuditEventInputSchema } from "../event.ts";
import { fromClaudeCodeHook } from "./claude-code-hook.ts";

const COMMON = {
  session_id: "s-1",
  transcript_path: "/home/u/.claude/projects/x/s-1.jsonl",
  cwd: "/repo",
  permission_mode: "default",
  prompt_id: "550e8400-e29b-41d4-a716-446655440000",
};
const CALL = { tool_name: "Bash", tool_input: { command: "npm test" }, tool_use_id: "toolu_1" };

/** The names of the product documentation, with members that only some have. */
const NAMES =
  "PreToolUse PostToolUse PostToolUseFailure PostToolBatch Notification UserPromptSubmit UserPromptExpansion SessionStart SessionEnd Stop StopFailure SubagentStart SubagentStop PreCompact PostCompact PreModelSwitch PostModelSwitch PermissionRequest PermissionDenied Setup TeammateIdle TaskCreated TaskCompleted Elicitation ElicitationResult ConfigChange WorktreeCreate WorktreeRemove InstructionsLoaded CwdChanged FileChanged DirectoryAdded MessageDisplay".split(
    " ",
  );

test("MAPPING-30: a call is an intent before it and an outcome after it, joined by session and call", () => {
  const before = fromClaudeCodeHook({ ...COMMON, ...CALL, hook_event_name: "PreToolUse" }, { tenant: "acme" });
  expect(before).toMatchObject({
    tenant: "acme",
    action: "ai.tool_call",
    phase: "intent",
    outcome: { status: "pending" },
    actor: { type: "agent", id: "claude-code" },
    target: { type: "tool", id: "Bash" },
    activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: "npm test" } } },
    context: { sessionId: "s-1", callId: "toolu_1", requestId: COMMON.prompt_id },
    labels: { platform: "claude-code", cwd: "/repo", permissionMode: "default" },
    details: { hook: "PreToolUse", transcript_path: COMMON.transcript_path },
  });
  const after = fromClaudeCodeHook({
    ...COMMON,
    ...CALL,
    hook_event_name: "PostToolUse",
    tool_response: { stdout: "ok" },
    duration_ms: 12,
  });
  expect(after).toMatchObject({ phase: "outcome", outcome: { status: "success", result: { stdout: "ok" } }, usage: { durationMs: 12 } });
  expect(after.context).toEqual(before.context);
});

test.each([
  [
    { error: "Exit code 2\nno such file" },
    { status: "failure", code: "EXIT_2", message: "Exit code 2", result: "Exit code 2\nno such file" },
  ],
  [
    { error: "stopped", is_interrupt: true },
    { status: "failure", code: "INTERRUPTED", message: "stopped" },
  ],
  [{}, { status: "failure", code: "TOOL_ERROR" }],
])("MAPPING-31: a failed call says how: %j", (members, outcome) => {
  expect(fromClaudeCodeHook({ ...COMMON, ...CALL, hook_event_name: "PostToolUseFailure", ...members }).outcome).toEqual(outcome);
});

test("MAPPING-31: a call whose response says that it was interrupted did not succeed, as in transcripts", () => {
  const response = { stdout: "", stderr: "", interrupted: true };
  expect(fromClaudeCodeHook({ ...COMMON, ...CALL, hook_event_name: "PostToolUse", tool_response: response }).outcome).toEqual({
    status: "failure",
    code: "INTERRUPTED",
    result: response,
  });
});

test("MAPPING-31: what is denied, asked for, said and ended becomes the activity that it is", () => {
  const of = (name: string, members: object = {}): object => fromClaudeCodeHook({ ...COMMON, hook_event_name: name, ...members });
  expect(of("PermissionDenied", { ...CALL, reason: "not in auto mode" })).toMatchObject({
    phase: "outcome",
    outcome: { status: "denied", code: "PERMISSION_DENIED", message: "not in auto mode" },
  });
  expect(of("PermissionRequest", { tool_name: "Bash", tool_input: { command: "rm x" } })).toMatchObject({
    action: "ai.approval_created",
    activity: { type: "approval", approval: { state: "created", shown: { tool: "Bash", input: { command: "rm x" } } } },
  });
  expect(of("UserPromptSubmit", { prompt: "fix it" })).toMatchObject({
    action: "agent.prompt.submitted",
    actor: { type: "user", id: "unknown" },
    activity: { type: "message", message: { role: "user", text: "fix it" } },
  });
  expect(of("StopFailure", { error: "rate_limit" })).toMatchObject({
    action: "ai.error",
    outcome: { status: "failure", code: "RATE_LIMIT" },
  });
  expect(of("SessionStart", { source: "startup", model: "m-1" })).toMatchObject({
    action: "agent.session.started",
    target: { type: "session", id: "s-1" },
    usage: { model: "m-1" },
    details: { source: "startup" },
  });
});

test("MAPPING-32: what a subagent does has it as actor, on behalf of the agent", () => {
  const { actor, labels } = fromClaudeCodeHook({ ...COMMON, ...CALL, agent_id: "a7", hook_event_name: "PreToolUse" });
  expect(actor).toEqual({ type: "agent", id: "claude-code/a7", onBehalfOf: [{ type: "agent", id: "claude-code" }] });
  expect(labels).toMatchObject({ subagent: "a7" });
});

test("MAPPING-33: every hook, known or not, becomes a valid event, and no member is lost, whatever it holds", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "Bash", "x".repeat(500)));
  const member = fc.oneof(text, fc.integer(), fc.constant(null), fc.constant({ a: [1] }), fc.boolean());
  const names = [
    "tool_name",
    "tool_input",
    "tool_use_id",
    "error",
    "reason",
    "prompt",
    "duration_ms",
    "agent_id",
    "prompt_id",
    "cwd",
    "session_id",
    "permission_mode",
    "model",
    "tool_response",
    "is_interrupt",
    "last_assistant_message",
    "error_details",
    "unheard_of",
  ];
  const payload = fc.tuple(
    fc.oneof(fc.constantFrom(...NAMES), fc.string({ minLength: 1 })),
    fc.uniqueArray(fc.tuple(fc.constantFrom(...names), member), { selector: ([name]) => name }),
  );
  fc.assert(
    fc.property(payload, ([name, members]) => {
      const event = fromClaudeCodeHook({ ...Object.fromEntries(members), hook_event_name: name });
      expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
      const told = JSON.stringify(event);
      for (const [key, value] of members) {
        if (key === "unheard_of") expect(event.details?.[key]).toEqual(value);
        else if (typeof value === "string" && value.length === 500 && !["tool_use_id", "prompt_id", "session_id", "agent_id"].includes(key))
          expect(told.includes("x".repeat(64)), key).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
  expect(fromClaudeCodeHook({ hook_event_name: "SomethingNew" }).action).toBe("agent.hook.something_new");
});

test("MAPPING-34: what is no hook is refused", () => {
  for (const payload of [null, [], "x", {}, { hook_event_name: "" }, { hook_event_name: 1 }])
    expect(() => fromClaudeCodeHook(payload)).toThrow(expect.objectContaining({ code: "SHAPE_INVALID" }));
});
