import type { CanUseTool, PermissionResult } from "@anthropic-ai/claude-agent-sdk";
import { AuditEventInputSchema, type JsonObject } from "@vouchtrail/events";
import type { Clock } from "@vouchtrail/sdk";
import { auditHooks, auditPermissions, type PermissionRequestLike } from "@vouchtrail/sdk/claude-agent";
import { mockAudit } from "@vouchtrail/sdk/testing";
import { expect, test } from "vitest";
import { hooksOf, resultMessage, runScript, testReal, useClaudeAgent } from "./claude-agent-run.ts";

useClaudeAgent();

let callCount = 0;
const newCallId = (): string => `toolu_permissions_${callCount++}`;
const requestOf = (toolUseID: string): PermissionRequestLike => ({ toolUseID, requestId: "request-1" });

/** A clock whose time the test sets. */
function createSetClock(): Clock & { ms: number } {
  const clock = { ms: 0, wallMs: () => 0, nowMs: () => clock.ms, after: () => ({ cancel: () => undefined }) };
  return clock;
}

testReal("FRAMEWORK-44: a question and its answer are one approval of the call, and the agent gets the answer as it is", async () => {
  const audit = mockAudit();
  const clock = createSetClock();
  const id = newCallId();
  const own = hooksOf("session-44", { prompt_id: "prompt-44" });
  const call = { tool_name: "Bash", tool_input: { command: "rm -rf build" }, tool_use_id: id };
  const options = { emitter: audit.emitter, userId: "ada", clock };
  const answer: PermissionResult = {
    behavior: "allow",
    updatedInput: { command: "rm -rf ./build" },
    updatedPermissions: [],
    decisionClassification: "user_temporary",
  };
  const canUseTool: CanUseTool = async () => {
    clock.ms += 2_500;
    return answer;
  };
  const steps = [
    own("PreToolUse", call),
    // The SDK hands the call over beside the payload, which does not name it.
    {
      hook: "PermissionRequest",
      toolUseId: id,
      input: { ...(own("PermissionRequest", { ...call, tool_use_id: undefined }).input as JsonObject) },
    },
    { ask: "Bash", toolUseId: id, input: call.tool_input, allowed: [own("PostToolUse", { ...call, tool_response: "ok" })] },
    resultMessage("session-44"),
  ];
  const { answers } = await runScript(steps, { hooks: auditHooks(options), canUseTool: auditPermissions(canUseTool, options) });
  expect(answers.find(({ ask }) => ask === "Bash")?.response).toEqual({ ...answer, toolUseID: id });
  const context = { sessionId: "session-44", approvalId: id };
  expect(audit.events.map(({ action }) => action)).toEqual(["ai.tool_call", "ai.approval_created", "ai.approval_approved", "ai.tool_call"]);
  expect(audit.events[1]).toMatchObject({ activity: { approval: { state: "created", observed: true } }, context });
  expect(audit.events[2]).toMatchObject({
    activity: { approval: { state: "approved", approver: { type: "user", id: "ada" }, shown: call.tool_input } },
    context: { ...context, requestId: "prompt-44" },
    details: {
      answeredAfterMs: 2_500,
      decisionSource: "user_temporary",
      isInputChanged: true,
      updatedInput: { command: "rm -rf ./build" },
      decisionReason: "A rule asks.",
    },
  });
});

testReal("FRAMEWORK-45: a denied call ends as denied, once, in the conversation of its subagent", async () => {
  const audit = mockAudit();
  const id = newCallId();
  const call = { tool_name: "Write", tool_input: { file_path: "/etc/hosts" }, tool_use_id: id };
  const own = hooksOf("session-45", { agent_id: "helper" });
  const denial = { tool_name: "Write", tool_use_id: id, tool_input: call.tool_input };
  const options = { emitter: audit.emitter, agentName: "tidier" };
  const canUseTool: CanUseTool = async () => ({ behavior: "deny", message: "Not there.", interrupt: false });
  const steps = [
    own("PreToolUse", call),
    { ask: "Write", toolUseId: id, input: call.tool_input, agentId: "helper" },
    resultMessage("session-45", { permission_denials: [denial] }),
  ];
  const { answers } = await runScript(steps, { hooks: auditHooks(options), canUseTool: auditPermissions(canUseTool, options) });
  expect(answers.at(-1)?.response).toEqual({ behavior: "deny", message: "Not there.", interrupt: false, toolUseID: id });
  const actor = { type: "agent", id: "tidier/helper", onBehalfOf: [{ type: "agent", id: "tidier" }] };
  const context = { sessionId: "session-45", conversationId: "session-45/helper" };
  expect(audit.events).toMatchObject([
    { action: "ai.tool_call", phase: "intent", actor, context },
    { action: "ai.approval_created", actor, context: { ...context, approvalId: id } },
    {
      action: "ai.approval_rejected",
      outcome: { status: "success", message: "Not there." },
      activity: { approval: { approver: { type: "system", id: "canUseTool" } } },
    },
    {
      action: "ai.tool_call",
      phase: "outcome",
      actor,
      outcome: { status: "denied", message: "Not there." },
      context: { ...context, callId: id },
    },
  ]);
  expect(audit.events).toHaveLength(4);
});

test("FRAMEWORK-44: what the callback throws is thrown on, and the call does not count as allowed", async () => {
  const audit = mockAudit();
  const thrown = new TypeError("The prompt is closed.");
  const canUseTool = auditPermissions(() => Promise.reject(thrown), { emitter: audit.emitter });
  const id = newCallId();
  await expect(canUseTool("Bash", {}, requestOf(id))).rejects.toBe(thrown);
  expect(audit.events).toMatchObject([
    { action: "ai.approval_created" },
    { action: "ai.approval_rejected", outcome: { message: "TypeError: The prompt is closed." } },
    { action: "ai.tool_call", outcome: { status: "denied" }, context: { callId: id } },
  ]);
  const synchronous = auditPermissions(
    () => {
      throw thrown;
    },
    { emitter: audit.emitter },
  );
  await expect(synchronous("Bash", {}, requestOf(newCallId()))).rejects.toBe(thrown);
});

test("FRAMEWORK-44: an answer that is given elsewhere stays unknown, and a question that is asked again is told once", async () => {
  const audit = mockAudit();
  const id = newCallId();
  const canUseTool = auditPermissions(async () => null, { emitter: audit.emitter });
  expect(await canUseTool("Bash", {}, requestOf(id))).toBeNull();
  expect(await canUseTool("Bash", {}, requestOf(id))).toBeNull();
  expect(audit.events).toMatchObject([{ action: "ai.approval_created", outcome: { status: "pending" }, context: { approvalId: id } }]);
  expect(audit.events).toHaveLength(1);
});

test("FRAMEWORK-44: the application says who decided, and an approver that fails disturbs nothing", async () => {
  const audit = mockAudit();
  const allow = async () => ({ behavior: "allow" as const });
  const approvers = [
    { type: "user" as const, id: "grace" },
    () => ({ type: "agent" as const, id: "reviewer" }),
    () => undefined,
    () => {
      throw new Error("Nobody is there.");
    },
  ];
  for (const approver of approvers) {
    expect(await auditPermissions(allow, { emitter: audit.emitter, approver })("Bash", {}, requestOf(newCallId()))).toEqual({
      behavior: "allow",
    });
  }
  const told = audit.events.flatMap(({ activity }) => activity?.approval?.approver ?? []);
  const callback = { type: "system", id: "canUseTool" };
  expect(told).toEqual([{ type: "user", id: "grace" }, { type: "agent", id: "reviewer" }, callback, callback]);
});

test("FRAMEWORK-3, FRAMEWORK-4: hostile calls are valid events, and without content nothing of the input is told", async () => {
  const audit = mockAudit();
  const cyclic: Record<string, unknown> = { secret: "SECRET-TEXT" };
  cyclic.self = cyclic;
  const answer = { behavior: "allow" as const, updatedInput: { secret: "SECRET-TEXT", other: 1 } };
  const canUseTool = auditPermissions(async () => answer, { emitter: audit.emitter, hasContent: false, sessionId: "\ud800".repeat(500) });
  const requests = [
    requestOf(newCallId().repeat(10_000)),
    requestOf(`\ud800\u0000${newCallId()}`),
    requestOf(""),
    { ...requestOf(newCallId()), blockedPath: "SECRET-TEXT" },
  ];
  for (const request of requests) expect(await canUseTool("\udfff\n", cyclic, request)).toBe(answer);
  // @ts-expect-error The framework hands over no call: it is passed on all the same.
  expect(await canUseTool("Bash", cyclic, undefined)).toBe(answer);
  expect(audit.events).toHaveLength(8);
  for (const event of audit.events) expect(AuditEventInputSchema.safeParse(event).success).toBe(true);
  expect(JSON.stringify(audit.events)).not.toContain("SECRET-TEXT");
  expect(audit.events[1]?.details?.isInputChanged).toBe(true);
});
