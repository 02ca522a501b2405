import type { AuditEventInput, JsonObject, Outcome } from "../../event.ts";
import { agentOf, IDENTITY_ATTRIBUTES, type OtlpTold, personOf, speechOf, toolOf } from "./otlp-event.ts";
import type { OtlpRecord } from "./otlp-record.ts";
import { textAt } from "./otlp-value.ts";

/** What all records of one agent have in common. */
export interface AgentLog {
  readonly record: OtlpRecord;
  /** The agent's name as actor and as the label `platform`. */
  readonly platform: string;
  /** The name of the event without the prefix of the agent. */
  readonly name: string;
  readonly sessionId: string | undefined;
  readonly requestId: string | undefined;
  readonly labels: Readonly<Record<string, string | undefined>>;
  readonly source: Pick<AuditEventInput, "source">;
  /** Attributes that all records of the agent have, and that stand elsewhere in the event. */
  readonly common: readonly string[];
}

/** What one kind of record tells beside what all have. */
export interface AgentTold extends Pick<AuditEventInput, "action" | "outcome" | "phase" | "activity" | "target" | "usage"> {
  readonly actor?: OtlpTold["actor"];
  readonly callId?: string | undefined;
  readonly approvalId?: string | undefined;
  readonly placed?: readonly string[];
  readonly details?: JsonObject;
  readonly part?: string;
}

/** The event of one record of an agent's telemetry. What has no target of its own concerns the session. */
export function tellAgentLog(log: AgentLog, told: AgentTold): OtlpTold {
  const { record, platform, name, sessionId, requestId, labels, source, common } = log;
  const { callId, approvalId, placed = [], details, actor = agentOf(platform, record), ...event } = told;
  return {
    ...event,
    actor,
    ...(event.target === undefined && event.activity === undefined ? { target: { type: "session", id: targetId(sessionId) } } : {}),
    // Only one event of a record bears its number.
    ...(told.part === undefined ? source : {}),
    context: { sessionId, requestId, callId, approvalId },
    labels: { platform, ...labels },
    placed: new Set([...common, ...IDENTITY_ATTRIBUTES, ...placed]),
    details: { event: name, ...(record.body === undefined || isName(record.body, name) ? {} : { body: record.body }), ...details },
  };
}

/** Agents repeat the name of the event as body. */
const isName = (body: unknown, name: string): boolean => typeof body === "string" && (body === name || body.endsWith(`.${name}`));

function targetId(sessionId: string | undefined): string {
  return sessionId === undefined || sessionId.length > 200 ? "unknown" : sessionId.replace(/[\u0000-\u001f\u007f]/g, " ");
}

/** A decision about a call. A denial is a second event: the end of the call, because nothing else will tell of one. */
export interface ToolDecision {
  readonly isApproved: boolean;
  readonly tool: string | undefined;
  readonly parameters: unknown;
  readonly callId: string | undefined;
  /** A person, else the rule or program that decided. */
  readonly isByPerson: boolean;
  readonly source: string | undefined;
  /** Code of the call that was denied. */
  readonly code: string;
  readonly placed: readonly string[];
}

/**
 * The events of a decision about a call. The approval names the call as its approval id, not as its call id: it is another deed than the call, and counts beside
 * it. Rule: OTLP-32.
 */
export function tellDecision(log: AgentLog, decision: ToolDecision): readonly OtlpTold[] {
  const { isApproved, tool, parameters, callId, isByPerson, source, code, placed } = decision;
  const { target, activity } = toolOf(tool, parameters);
  const person = personOf(log.record);
  const approver = isByPerson
    ? { type: "user", id: person.email ?? person.id }
    : { type: "system", id: (source ?? "unknown").slice(0, 1_000) };
  const approval = tellAgentLog(log, {
    action: isApproved ? "ai.approval_approved" : "ai.approval_rejected",
    outcome: { status: "success" },
    target,
    activity: {
      type: "approval",
      name: activity.name,
      approval: {
        state: isApproved ? "approved" : "rejected",
        approver,
        ...(parameters === undefined ? {} : { shown: parameters }),
        observed: true,
      },
    },
    approvalId: callId,
    placed,
    details: source === undefined ? {} : { decisionSource: source },
  });
  if (isApproved || callId === undefined) return [approval];
  const denied: Outcome = { status: "denied", code };
  return [
    approval,
    tellAgentLog(log, {
      action: "ai.tool_call",
      phase: "outcome",
      outcome: denied,
      target,
      activity,
      callId,
      approvalId: callId,
      placed,
      part: "denied",
    }),
  ];
}

/** What a person asked the agent. */
export function tellPrompt(log: AgentLog, attribute: string): OtlpTold {
  const text = textAt(log.record.attributes, attribute);
  return tellAgentLog(log, {
    action: "agent.prompt.submitted",
    outcome: { status: "success" },
    actor: personOf(log.record),
    target: { type: "session", id: targetId(log.sessionId) },
    activity: speechOf("prompt", "user", text),
    placed: [attribute],
  });
}
