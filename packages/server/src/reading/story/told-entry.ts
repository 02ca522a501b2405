import { type JsonObject, microsOf, type SearchHit, type StepKind } from "@vouchtrail/events";

/** One entry, with what a story needs to know of it. */
export interface ToldEntry {
  readonly hit: SearchHit;
  readonly index: number;
  readonly id: string;
  readonly via: string;
  readonly phase: string | undefined;
  readonly kind: StepKind;
  readonly action: string;
  /** RFC 3339 as written, and in microseconds since 1970. */
  readonly occurredAt: string;
  readonly micros: bigint;
  readonly status: string;
  readonly code: string | undefined;
  readonly sessionId: string | undefined;
  readonly conversationId: string | undefined;
  /** Id of the subagent whose conversation it is; undefined in the main one. */
  readonly subagent: string | undefined;
  readonly callId: string | undefined;
  readonly approvalId: string | undefined;
  readonly taskId: string | undefined;
  readonly correlationId: string | undefined;
  readonly requestId: string | undefined;
  readonly parentEventId: string | undefined;
  /** Name of the activity. */
  readonly name: string | undefined;
  /** What was said, for messages; undefined where nothing was or it was erased. */
  readonly text: string | undefined;
  /** Input of a call, undefined where there is none or it was erased. */
  readonly input: unknown;
  readonly isContentErased: boolean;
  readonly isErased: boolean;
}

export function toldEntry(hit: SearchHit): ToldEntry {
  const { event, received, sections } = hit;
  const context = objectAt(event, "context");
  const activity = objectAt(event, "activity");
  const labels = objectAt(event, "labels");
  const sessionId = textOf(context?.sessionId);
  const conversationId = textOf(context?.conversationId);
  const occurredAt = textOf(event.occurredAt) ?? textOf(received.at) ?? "1970-01-01T00:00:00Z";
  const isErased = Object.values(sections).some(({ state }) => state !== "present");
  return {
    hit,
    index: hit.index,
    id: (textOf(event.id) ?? "").toLowerCase(),
    via: textOf(received.via) ?? "unknown",
    phase: textOf(event.phase),
    kind: kindOf(event, activity),
    action: textOf(event.action) ?? "unknown",
    occurredAt,
    micros: microsOf(occurredAt),
    status: textOf(objectAt(event, "outcome")?.status) ?? "pending",
    code: textOf(objectAt(event, "outcome")?.code),
    sessionId,
    conversationId,
    subagent: subagentOf(sessionId, conversationId) ?? textOf(labels?.subagent),
    callId: textOf(context?.callId),
    approvalId: textOf(context?.approvalId),
    taskId: textOf(context?.taskId),
    correlationId: textOf(context?.correlationId),
    requestId: textOf(context?.requestId),
    parentEventId: textOf(context?.parentEventId)?.toLowerCase(),
    name: textOf(activity?.name),
    text: textOf(objectAt(activity, "message")?.text),
    input: inputOf(activity),
    isContentErased: sections.content !== undefined && sections.content.state !== "present",
    isErased,
  };
}

/** A member that is an object. */
export function objectAt(value: JsonObject | undefined, name: string): JsonObject | undefined {
  const member = value?.[name];
  return typeof member === "object" && member !== null && !Array.isArray(member) ? (member as JsonObject) : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

// The conversation of a subagent is named `<session>/<its id>`.
function subagentOf(sessionId: string | undefined, conversationId: string | undefined): string | undefined {
  if (sessionId === undefined || conversationId === undefined || !conversationId.startsWith(`${sessionId}/`)) return undefined;
  return conversationId.slice(sessionId.length + 1) || undefined;
}

const KINDS_BY_ACTION: readonly (readonly [prefix: string, kind: StepKind])[] = [
  ["agent.session.", "session"],
  ["agent.subagent.", "subagent"],
  ["agent.context.", "compaction"],
  ["agent.model.", "model"],
  ["ai.approval_", "approval"],
  ["ai.model_call", "request"],
];

function kindOf(event: JsonObject, activity: JsonObject | undefined): StepKind {
  const action = textOf(event.action) ?? "";
  const known = KINDS_BY_ACTION.find(([prefix]) => action.startsWith(prefix));
  if (known !== undefined) return known[1];
  switch (activity?.type) {
    case "tool":
    case "skill":
    case "external":
      return "call";
    case "decision":
    case "approval":
    case "error":
      return activity.type;
    case "message":
      return kindOfMessage(activity);
    default:
      return action === "ai.error" ? "error" : "event";
  }
}

function kindOfMessage(activity: JsonObject): StepKind {
  if (activity.name === "prompt" || activity.name === "response") return activity.name;
  // A program that sends messages of its own names who spoke, not what it was.
  const role = objectAt(activity, "message")?.role;
  if (activity.name === "local_output" || activity.name === "summary") return "message";
  return role === "user" ? "prompt" : role === "assistant" ? "response" : "message";
}

function inputOf(activity: JsonObject | undefined): unknown {
  const body = objectAt(activity, "tool") ?? objectAt(activity, "skill") ?? objectAt(activity, "external");
  if (body !== undefined) return body.parameters ?? textOf(body.target);
  return objectAt(objectAt(activity, "approval"), "shown")?.input;
}
