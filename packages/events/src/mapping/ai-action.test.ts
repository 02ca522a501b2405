import { expect, test } from "vitest";
import { AuditError } from "../errors.ts";
import { AuditEventInputSchema } from "../event.ts";
import { AI_AUDIT_ACTIONS, type AiActionOptions, type AiAuditAction, type AiAuditMetadata, fromAiAction } from "./ai-action.ts";

const ALL: AiAuditMetadata = {
  conversationId: "c-1",
  taskId: "t-1",
  agentName: "planner",
  toolName: "search",
  toolParams: { query: "q" },
  approvalId: "a-1",
  budgetUsed: 11,
  budgetLimit: 10,
};
const USER = { actor: { type: "user", id: "u-1" } } as const;

function fault(action: string, metadata?: AiAuditMetadata, options?: AiActionOptions): AuditError {
  try {
    fromAiAction(action as AiAuditAction, metadata, options);
  } catch (error) {
    if (error instanceof AuditError) return error;
    throw error;
  }
  throw new Error("The action was accepted.");
}

test.each<[AiAuditAction, object, object, string]>([
  ["ai.chat_message", { type: "conversation", id: "c-1" }, { type: "message" }, "success"],
  ["ai.tool_call", { type: "tool", id: "search" }, { type: "tool", tool: { name: "search", parameters: { query: "q" } } }, "success"],
  ["ai.agent_handoff", { type: "agent", id: "planner" }, { type: "handoff", handoff: { from: "planner" } }, "success"],
  ["ai.approval_created", { type: "approval", id: "a-1" }, { type: "approval", approval: { state: "created" } }, "pending"],
  [
    "ai.approval_approved",
    { type: "approval", id: "a-1" },
    { type: "approval", approval: { state: "approved", approver: USER.actor } },
    "success",
  ],
  [
    "ai.approval_rejected",
    { type: "approval", id: "a-1" },
    { type: "approval", approval: { state: "rejected", approver: USER.actor } },
    "denied",
  ],
  ["ai.approval_expired", { type: "approval", id: "a-1" }, { type: "approval", approval: { state: "expired" } }, "failure"],
  ["ai.task_queued", { type: "task", id: "t-1" }, { type: "task", task: { state: "queued" } }, "pending"],
  ["ai.task_completed", { type: "task", id: "t-1" }, { type: "task", task: { state: "completed" } }, "success"],
  ["ai.task_failed", { type: "task", id: "t-1" }, { type: "task", task: { state: "failed" } }, "failure"],
  ["ai.rate_limited", { type: "agent", id: "planner" }, { type: "limit", limit: { kind: "rate", used: 11, limit: 10 } }, "denied"],
  ["ai.budget_exceeded", { type: "agent", id: "planner" }, { type: "limit", limit: { kind: "budget", used: 11, limit: 10 } }, "denied"],
])("MAPPING-24: %s is an event with target, activity and outcome of its own", (action, target, activity, status) => {
  const isDecision = ["ai.approval_approved", "ai.approval_rejected"].includes(action);
  const event = fromAiAction(action, ALL, isDecision ? USER : {});
  expect(AuditEventInputSchema.parse(event)).toMatchObject({
    action,
    actor: isDecision ? USER.actor : { type: "agent", id: "planner" },
    target,
    activity,
    outcome: { status },
    context: { conversationId: "c-1", taskId: "t-1", approvalId: "a-1" },
  });
  // Nothing of the metadata is lost: what has no place in this action is in details.
  const text = JSON.stringify(event);
  for (const value of Object.values(ALL)) expect(text).toContain(JSON.stringify(value));
  expect(AuditEventInputSchema.safeParse(fromAiAction(action, {}, isDecision ? USER : {})).error).toBeUndefined();
});

test("MAPPING-24: the table has every action of the list", () => {
  expect(Object.keys(AI_AUDIT_ACTIONS)).toHaveLength(12);
  for (const [name, action] of Object.entries(AI_AUDIT_ACTIONS)) expect(action).toBe(`ai.${name.toLowerCase()}`);
});

test("MAPPING-24: a decision without a person or an approver is refused, also when the agent is known", () => {
  for (const action of ["ai.approval_approved", "ai.approval_rejected"]) {
    expect(fault(action, ALL)).toMatchObject({ code: "SHAPE_INVALID", path: "approver" });
    expect(fault(action, ALL, { actor: { type: "agent", id: "planner" } }).path).toBe("approver");
  }
  const event = fromAiAction("ai.approval_rejected", ALL, { approver: { type: "user", id: "u-2" } });
  expect(AuditEventInputSchema.parse(event)).toMatchObject({
    actor: { type: "user", id: "u-2" },
    activity: { approval: { state: "rejected", approver: { type: "user", id: "u-2" } } },
    details: { agentName: "planner" },
  });
  const automatic = fromAiAction("ai.approval_approved", {}, { approver: { type: "service", id: "policy" } });
  expect(AuditEventInputSchema.parse(automatic).actor).toEqual({ type: "system", id: "unknown" });
});

test("MAPPING-24: the options say what the metadata cannot", () => {
  const event = fromAiAction(
    "ai.agent_handoff",
    { agentName: "planner", note: "n", conversationId: "x".repeat(129) },
    {
      tenant: "acme",
      outcome: { status: "failure", code: "NO_AGENT" },
      target: { type: "agent", id: "writer" },
      handoff: { from: "planner", to: "writer", reason: "text" },
      context: { requestId: "r-1" },
    },
  );
  expect(AuditEventInputSchema.parse(event)).toMatchObject({
    tenant: "acme",
    actor: { type: "agent", id: "planner" },
    target: { type: "agent", id: "writer" },
    outcome: { status: "failure", code: "NO_AGENT" },
    activity: { type: "handoff", handoff: { from: "planner", to: "writer", reason: "text" } },
    context: { requestId: "r-1" },
    details: { note: "n", conversationId: "x".repeat(129) },
  });
});

test("MAPPING-24: another action, actor or outcome is refused", () => {
  expect(fault("ai.other").path).toBe("action");
  expect(fault("toString").path).toBe("action");
  expect(fault("ai.tool_call", {}, { outcome: "meh" as "success" }).path).toBe("outcome");
  expect(fault("ai.tool_call", {}, { actor: { type: "robot", id: "x" } as never }).path).toBe("actor");
});
