import { AuditError } from "@vouchtrail/events/errors";
import { AI_AUDIT_ACTIONS, type AiActionOptions, type AiAuditAction, type AiAuditMetadata, fromAiAction } from "@vouchtrail/events/shapes";
import type { EmitOptions } from "../emitter.ts";
import type { AuditEventResult, NativeEventInput } from "../event-input.ts";
import { type CatalogOptions, emitterOf } from "./define-audit-events.ts";
import { unmadeEvent } from "./unmade-event.ts";

/** What is said of an AI action beside its metadata, and how it is delivered. */
export type AiAuditOptions = AiActionOptions & EmitOptions;

/**
 * Records one AI action. It never throws, unless the delivery is `strict`: an approval that was given or refused without saying who decided has the state
 * `refused`.
 */
export type AiAuditFunction = (metadata?: AiAuditMetadata, options?: AiAuditOptions) => Promise<AuditEventResult>;

/** One function for each of {@link AI_AUDIT_ACTIONS}. */
export interface AiAudit {
  readonly chatMessage: AiAuditFunction;
  readonly toolCall: AiAuditFunction;
  readonly agentHandoff: AiAuditFunction;
  readonly approvalCreated: AiAuditFunction;
  readonly approvalApproved: AiAuditFunction;
  readonly approvalRejected: AiAuditFunction;
  readonly approvalExpired: AiAuditFunction;
  readonly taskQueued: AiAuditFunction;
  readonly taskCompleted: AiAuditFunction;
  readonly taskFailed: AiAuditFunction;
  readonly rateLimited: AiAuditFunction;
  readonly budgetExceeded: AiAuditFunction;
}

/**
 * The ready catalog of what AI agents do: `ai.toolCall({ agentName, toolName, toolParams })`. Actor, target, activity and outcome follow from the action.
 *
 * Rule: SDK-37.
 */
export function createAiAudit(options: CatalogOptions = {}): AiAudit {
  const emitter = emitterOf(options);
  const of =
    (action: AiAuditAction): AiAuditFunction =>
    async (metadata, { delivery, ...said } = {}) =>
      emitter().emit(eventOf(action, metadata, said), delivery === undefined ? {} : { delivery });
  return {
    chatMessage: of(AI_AUDIT_ACTIONS.CHAT_MESSAGE),
    toolCall: of(AI_AUDIT_ACTIONS.TOOL_CALL),
    agentHandoff: of(AI_AUDIT_ACTIONS.AGENT_HANDOFF),
    approvalCreated: of(AI_AUDIT_ACTIONS.APPROVAL_CREATED),
    approvalApproved: of(AI_AUDIT_ACTIONS.APPROVAL_APPROVED),
    approvalRejected: of(AI_AUDIT_ACTIONS.APPROVAL_REJECTED),
    approvalExpired: of(AI_AUDIT_ACTIONS.APPROVAL_EXPIRED),
    taskQueued: of(AI_AUDIT_ACTIONS.TASK_QUEUED),
    taskCompleted: of(AI_AUDIT_ACTIONS.TASK_COMPLETED),
    taskFailed: of(AI_AUDIT_ACTIONS.TASK_FAILED),
    rateLimited: of(AI_AUDIT_ACTIONS.RATE_LIMITED),
    budgetExceeded: of(AI_AUDIT_ACTIONS.BUDGET_EXCEEDED),
  };
}

function eventOf(action: AiAuditAction, metadata: AiAuditMetadata | undefined, options: AiActionOptions): NativeEventInput {
  try {
    return fromAiAction(action, metadata, options);
  } catch (cause) {
    return unmadeEvent(
      cause instanceof AuditError ? cause : new AuditError("EVENT_INVALID", { cause, message: "The event cannot be read." }),
    );
  }
}
