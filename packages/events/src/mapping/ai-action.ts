import { AuditError } from "../errors.ts";
import type { Activity, Actor, AuditEventInput, Context, JsonObject, Outcome, OutcomeStatus, Target } from "../event.ts";
import { ACTIVITY_NAME_CHARS_MAX, CONTEXT_ID_CHARS_MAX, ID_CHARS_MAX, NAME_CHARS_MAX } from "../limits.ts";
import { withMember } from "./flat-entry.ts";
import { isLeafText, toLeafId, toLeafName } from "./leaf-text.ts";
import { isActorType, isFilledText, isOutcomeStatus, isText } from "./member-fit.ts";

/** The actions of AI agents. */
export const AI_AUDIT_ACTIONS = {
  CHAT_MESSAGE: "ai.chat_message",
  TOOL_CALL: "ai.tool_call",
  AGENT_HANDOFF: "ai.agent_handoff",
  APPROVAL_CREATED: "ai.approval_created",
  APPROVAL_APPROVED: "ai.approval_approved",
  APPROVAL_REJECTED: "ai.approval_rejected",
  APPROVAL_EXPIRED: "ai.approval_expired",
  TASK_QUEUED: "ai.task_queued",
  TASK_COMPLETED: "ai.task_completed",
  TASK_FAILED: "ai.task_failed",
  RATE_LIMITED: "ai.rate_limited",
  BUDGET_EXCEEDED: "ai.budget_exceeded",
} as const;
export type AiAuditAction = (typeof AI_AUDIT_ACTIONS)[keyof typeof AI_AUDIT_ACTIONS];

/** What is known of an AI action. Each member has a place of its own in the event; further members are kept in `details`. */
export interface AiAuditMetadata {
  readonly conversationId?: string;
  readonly taskId?: string;
  readonly agentName?: string;
  readonly toolName?: string;
  readonly toolParams?: Record<string, unknown>;
  readonly approvalId?: string;
  readonly budgetUsed?: number;
  readonly budgetLimit?: number;
  readonly [key: string]: unknown;
}

/** What is said of an AI action beside its metadata. */
export interface AiActionOptions {
  /** Who acted. Default: the agent of the metadata; for a decision the approver; else the system, `unknown`. */
  readonly actor?: Actor;
  /** Who gave or refused the approval; the actor, when that is a user. */
  readonly approver?: { readonly type: string; readonly id: string };
  /** Default: what the action stands for, such as `failure` for `ai.task_failed`. */
  readonly outcome?: OutcomeStatus | Outcome;
  /** Default: the conversation, tool, approval, task or agent that the action is about. */
  readonly target?: Target;
  readonly tenant?: string;
  /** Joined with the ids of the metadata, which come first. */
  readonly context?: Context;
  /** What was said, for a chat message. */
  readonly message?: NonNullable<Activity["message"]>;
  /** From whom to whom, for a handoff. */
  readonly handoff?: NonNullable<Activity["handoff"]>;
}

/** The one table of the AI actions: what each is about, what body its activity has, how it ended unless the caller says so. */
interface AiActionRule {
  /** Type of the target, and where the metadata has its id. */
  readonly target: { readonly type: string; readonly id: "conversationId" | "toolName" | "approvalId" | "taskId" | "agentName" };
  readonly status: OutcomeStatus;
  readonly body: (metadata: AiAuditMetadata, options: AiActionOptions) => Omit<Activity, "name">;
  /** Whether it is a person's decision, which needs a name. */
  readonly isDecision?: true;
}

const AI_ACTION_RULES: Readonly<Record<AiAuditAction, AiActionRule>> = {
  "ai.chat_message": {
    target: { type: "conversation", id: "conversationId" },
    status: "success",
    body: (_, { message }) => ({ type: "message", ...(message !== undefined && { message }) }),
  },
  "ai.tool_call": { target: { type: "tool", id: "toolName" }, status: "success", body: toolBody },
  "ai.agent_handoff": {
    target: { type: "agent", id: "agentName" },
    status: "success",
    body: ({ agentName }, { handoff }) => ({
      type: "handoff",
      handoff: handoff ?? (isText(agentName, NAME_CHARS_MAX) ? { from: agentName } : {}),
    }),
  },
  "ai.approval_created": approvalRule("created", "pending"),
  "ai.approval_approved": { ...approvalRule("approved", "success"), isDecision: true },
  "ai.approval_rejected": { ...approvalRule("rejected", "denied"), isDecision: true },
  "ai.approval_expired": approvalRule("expired", "failure"),
  "ai.task_queued": taskRule("queued", "pending"),
  "ai.task_completed": taskRule("completed", "success"),
  "ai.task_failed": taskRule("failed", "failure"),
  "ai.rate_limited": limitRule("rate"),
  "ai.budget_exceeded": limitRule("budget"),
};

const MEMBERS: ReadonlySet<string> = new Set([
  "conversationId",
  "taskId",
  "agentName",
  "toolName",
  "toolParams",
  "approvalId",
  "budgetUsed",
  "budgetLimit",
]);
const CONTEXT_MEMBERS = ["conversationId", "taskId", "approvalId"] as const;

/**
 * Describes an AI action as an event: actor, target, activity and outcome follow from the action.
 *
 * @param action One of {@link AI_AUDIT_ACTIONS}.
 * @param metadata Not changed. A member that its place cannot hold, or that this action has no place for, is kept in `details`.
 * @throws {AuditError} `SHAPE_INVALID` for another action, an actor or outcome that is none, and an approval that was given or refused without
 *   naming who decided: a person must be behind it.
 *
 * Rule: MAPPING-24.
 */
export function fromAiAction(action: AiAuditAction, metadata: AiAuditMetadata = {}, options: AiActionOptions = {}): AuditEventInput {
  const rule = Object.hasOwn(AI_ACTION_RULES, action) ? AI_ACTION_RULES[action] : undefined;
  if (rule === undefined) {
    throw new AuditError("SHAPE_INVALID", {
      path: "action",
      message: `action: expected one of ${Object.keys(AI_ACTION_RULES).join(", ")}.`,
    });
  }
  const actor = actorOf(metadata, options, rule);
  const name = metadata[rule.target.id];
  const activity: Activity = {
    name:
      (rule.target.id === "toolName" && isFilledText(name) ? toLeafName(name, ACTIVITY_NAME_CHARS_MAX) : undefined) ??
      action.slice("ai.".length),
    ...rule.body(metadata, options),
  };
  const approver = options.approver ?? (actor.type === "user" ? actor : undefined);
  if (rule.isDecision && activity.approval !== undefined && approver !== undefined) {
    activity.approval.approver = { type: approver.type, id: approver.id };
  }
  const context: Context = { ...options.context };
  for (const member of CONTEXT_MEMBERS) {
    const value = metadata[member];
    if (isLeafText(value, CONTEXT_ID_CHARS_MAX)) context[member] = value as string;
  }
  const outcome = typeof options.outcome === "object" ? { ...options.outcome } : { status: options.outcome ?? rule.status };
  if (!isOutcomeStatus(outcome.status)) throw new AuditError("SHAPE_INVALID", { path: "outcome", message: "outcome: expected a status." });
  const event: AuditEventInput = {
    action,
    actor,
    target: options.target ?? { type: rule.target.type, id: isFilledText(name) ? toLeafId(name, ID_CHARS_MAX) : "unknown" },
    outcome,
    activity,
  };
  if (options.tenant !== undefined) event.tenant = options.tenant;
  if (Object.keys(context).length > 0) event.context = context;
  const details = detailsOf(metadata, event);
  if (details !== undefined) event.details = details;
  return event;
}

function actorOf({ agentName }: AiAuditMetadata, { actor, approver }: AiActionOptions, { isDecision }: AiActionRule): Actor {
  if (actor !== undefined && !(isActorType(actor.type) && isFilledText(actor.id))) {
    throw new AuditError("SHAPE_INVALID", { path: "actor", message: "actor: expected a type and an id." });
  }
  if (isDecision === true) {
    // An agent may not decide over itself, so its name does not make it the one who decided.
    if (actor?.type !== "user" && approver === undefined) {
      throw new AuditError("SHAPE_INVALID", {
        path: "approver",
        message: "approver: an approval that was given or refused names who decided. Pass an actor of type user, or an approver.",
      });
    }
    if (actor === undefined && approver?.type === "user") return { type: "user", id: toLeafId(approver.id, ID_CHARS_MAX) };
  }
  if (actor !== undefined) return actor;
  return isFilledText(agentName) ? { type: "agent", id: toLeafId(agentName, ID_CHARS_MAX) } : { type: "system", id: "unknown" };
}

/** Everything that is found nowhere in the event as it was given. */
function detailsOf(metadata: AiAuditMetadata, { actor, context, activity }: AuditEventInput): JsonObject | undefined {
  let details: JsonObject | undefined;
  const { tool, limit, handoff } = activity ?? {};
  for (const key of Object.keys(metadata)) {
    const value = metadata[key];
    if (value === undefined) continue;
    const isPlaced =
      MEMBERS.has(key) &&
      ((key === "agentName" && ((actor.type === "agent" && actor.id === value) || handoff?.from === value)) ||
        (key === "toolName" && tool?.name === value) ||
        (key === "toolParams" && tool?.parameters === value) ||
        (key === "budgetUsed" && limit?.used === value) ||
        (key === "budgetLimit" && limit?.limit === value) ||
        ((CONTEXT_MEMBERS as readonly string[]).includes(key) && context?.[key as (typeof CONTEXT_MEMBERS)[number]] === value));
    if (!isPlaced) details = withMember(details, key, value);
  }
  return details;
}

function toolBody({ toolName, toolParams }: AiAuditMetadata): Omit<Activity, "name"> {
  if (!isText(toolName, NAME_CHARS_MAX)) return { type: "tool" };
  return { type: "tool", tool: { name: toolName, ...(toolParams !== undefined && { parameters: toolParams }) } };
}

function approvalRule(state: NonNullable<Activity["approval"]>["state"], status: OutcomeStatus): AiActionRule {
  return { target: { type: "approval", id: "approvalId" }, status, body: () => ({ type: "approval", approval: { state } }) };
}

function taskRule(state: NonNullable<Activity["task"]>["state"], status: OutcomeStatus): AiActionRule {
  return { target: { type: "task", id: "taskId" }, status, body: () => ({ type: "task", task: { state } }) };
}

function limitRule(kind: "rate" | "budget"): AiActionRule {
  return {
    target: { type: "agent", id: "agentName" },
    status: "denied",
    body: ({ budgetUsed, budgetLimit }) => ({
      type: "limit",
      limit: {
        kind,
        ...(Number.isFinite(budgetUsed) && { used: budgetUsed }),
        ...(Number.isFinite(budgetLimit) && { limit: budgetLimit }),
      },
    }),
  };
}
