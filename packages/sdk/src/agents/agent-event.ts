import {
  ACTIVITY_NAME_CHARS_MAX,
  CONTEXT_ID_CHARS_MAX,
  ID_CHARS_MAX,
  MODEL_CHARS_MAX,
  NAME_CHARS_MAX,
  replaceLoneSurrogates,
  toLeafCode,
  toLeafId,
  toLeafName,
} from "@vouchtrail/events/leaf";
import type { NativeEventInput } from "../event-input.ts";
import { toJson } from "../plain-value.ts";

type Context = NonNullable<NativeEventInput["context"]>;
type Outcome = NativeEventInput["outcome"];
type Usage = NonNullable<NativeEventInput["usage"]>;
type Approver = { readonly type: "user" | "system" | "agent"; readonly id: string };

/** Who acts, and in which piece of work. Ids are taken as the framework has them; those that do not fit a leaf are replaced by stable ones. */
export interface AgentScope {
  /** The agent, as the application names it. */
  readonly agentName: string;
  /** For whom it works: the agent that called it, the person who asked. Nearest first. */
  readonly onBehalfOf?: readonly { readonly type: string; readonly id: string }[] | undefined;
  readonly sessionId?: string | undefined;
  readonly conversationId?: string | undefined;
  /** One run of the agent, from prompt to answer. */
  readonly requestId?: string | undefined;
  /** What else the framework tells of the work. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** How a piece of work ended. What was thrown is told by its name, code and message. */
export type AgentEnding =
  | { readonly status: "success"; readonly result?: unknown }
  | { readonly status: "failure"; readonly error: unknown }
  | { readonly status: "denied"; readonly reason?: string | undefined };

/** One call of a tool. Both events of it have the same `callId`, which joins them with what others tell of the call. */
export interface ToolCall {
  readonly callId: string;
  /** The question whether it may be made, where there was one: it joins the call with the approval. */
  readonly approvalId?: string | undefined;
  readonly tool: string;
  readonly input?: unknown;
}

/** One request to a model. */
export interface ModelCall {
  /** The provider's own id of the response where there is one: it joins what the provider's telemetry tells. */
  readonly callId: string;
  readonly model: string | undefined;
  readonly provider?: string | undefined;
  readonly usage: Pick<Usage, "tokensInput" | "tokensOutput" | "tokensCacheRead" | "tokensCacheWrite" | "costUsd">;
}

/** A question whether something may be done, and what was shown to the one who decides. */
export interface AgentApproval {
  readonly approvalId: string;
  /** The call that waits for it. */
  readonly callId?: string | undefined;
  readonly tool: string;
  readonly shown?: unknown;
}

const PENDING: Outcome = { status: "pending" };
const SUCCESS: Outcome = { status: "success" };

/** Says that a tool is about to be called. */
export function toolIntent(platform: string, scope: AgentScope, call: ToolCall): NativeEventInput {
  return { ...toolEvent(platform, scope, call), phase: "intent", outcome: PENDING };
}

/** Says how a call of a tool ended. */
export function toolOutcome(
  platform: string,
  scope: AgentScope,
  call: ToolCall,
  ending: AgentEnding,
  durationMs: number | undefined,
): NativeEventInput {
  return { ...toolEvent(platform, scope, call), phase: "outcome", outcome: outcomeOf(ending, "TOOL_ERROR"), ...usageOf({ durationMs }) };
}

function toolEvent(platform: string, scope: AgentScope, { callId, approvalId, tool, input }: ToolCall): Omit<NativeEventInput, "outcome"> {
  const name = toLeafName(tool, ACTIVITY_NAME_CHARS_MAX) ?? "unknown";
  return {
    action: "ai.tool_call",
    target: { type: "tool", id: name },
    activity: { type: "tool", name, tool: { name: nameOf(tool), ...(input === undefined ? {} : { parameters: input }) } },
    ...frameOf(platform, scope, { callId, approvalId }),
  };
}

/** One request to a model, with its tokens. */
export function modelEvent(
  platform: string,
  scope: AgentScope,
  { callId, model, provider, usage }: ModelCall,
  ending: AgentEnding,
  durationMs: number | undefined,
): NativeEventInput {
  const name = (model === undefined ? undefined : toLeafName(model, MODEL_CHARS_MAX)) ?? "unknown";
  const outcome = outcomeOf(ending, "MODEL_ERROR");
  return {
    action: "ai.model_call",
    target: { type: "model", id: name },
    activity: { type: "external", name: "model_call", external: { type: "api_call", target: name } },
    outcome,
    ...usageOf({ ...usage, durationMs, model: name === "unknown" ? undefined : name }),
    ...frameOf(platform, scope, { callId }, { provider }),
  };
}

/** An agent that was called and has ended. Its tokens are those of its requests, which are events of their own. */
export function invocationEvent(
  platform: string,
  scope: AgentScope,
  agentName: string,
  ending: AgentEnding,
  durationMs: number | undefined,
): NativeEventInput {
  return {
    action: "agent.invocation",
    target: { type: "agent", id: toLeafId(agentName, ID_CHARS_MAX) },
    outcome: outcomeOf(ending, "AGENT_ERROR"),
    ...usageOf({ durationMs }),
    ...frameOf(platform, scope),
  };
}

/** An agent hands its work to another one. */
export function handoffEvent(platform: string, scope: AgentScope, to: string, reason?: string): NativeEventInput {
  const name = toLeafName(to, ACTIVITY_NAME_CHARS_MAX) ?? "unknown";
  return {
    action: "ai.agent_handoff",
    target: { type: "agent", id: toLeafId(to, ID_CHARS_MAX) },
    activity: {
      type: "handoff",
      name,
      handoff: { from: nameOf(scope.agentName), to: nameOf(to), ...(reason === undefined ? {} : { reason }) },
    },
    outcome: SUCCESS,
    ...frameOf(platform, scope),
  };
}

/** What a person asked; `userId` where the application says who it is. */
export function promptEvent(platform: string, scope: AgentScope, text: string | undefined, userId: string | undefined): NativeEventInput {
  return {
    ...spoken("agent.prompt.submitted", "prompt", "user", text),
    ...frameOf(platform, scope),
    actor: { type: "user", id: toLeafId(userId ?? "unknown", ID_CHARS_MAX) },
  };
}

/** What the agent answered. */
export function answerEvent(platform: string, scope: AgentScope, text: string | undefined): NativeEventInput {
  return { ...spoken("ai.chat_message", "response", "assistant", text), ...frameOf(platform, scope) };
}

function spoken(action: string, name: string, role: string, text: string | undefined): Omit<NativeEventInput, "actor"> {
  return {
    action,
    outcome: SUCCESS,
    target: { type: "message", id: name },
    activity: { type: "message", name, message: { role, ...(text === undefined ? {} : { text }) } },
  };
}

/** A question whether a call may be made: it is another deed than the call, so it has no call id. */
export function approvalRequested(platform: string, scope: AgentScope, approval: AgentApproval): NativeEventInput {
  return { ...approvalEvent(platform, scope, approval, { state: "created" }), action: "ai.approval_created", outcome: PENDING };
}

/** The answer, and who gave it. */
export function approvalAnswered(
  platform: string,
  scope: AgentScope,
  approval: AgentApproval,
  answer: { readonly isApproved: boolean; readonly approver: Approver; readonly reason?: string | undefined },
): NativeEventInput {
  const { isApproved, approver, reason } = answer;
  return {
    ...approvalEvent(platform, scope, approval, { state: isApproved ? "approved" : "rejected", approver: { ...approver } }),
    action: isApproved ? "ai.approval_approved" : "ai.approval_rejected",
    outcome: reason === undefined ? SUCCESS : { ...SUCCESS, message: reason },
  };
}

function approvalEvent(
  platform: string,
  scope: AgentScope,
  { approvalId, callId, tool, shown }: AgentApproval,
  told: { state: "created" | "approved" | "rejected"; approver?: { type: string; id: string } },
): Omit<NativeEventInput, "action" | "outcome"> {
  const name = toLeafName(tool, ACTIVITY_NAME_CHARS_MAX) ?? "unknown";
  return {
    target: { type: "tool", id: name },
    activity: { type: "approval", name, approval: { ...told, ...(shown === undefined ? {} : { shown }), observed: true } },
    ...frameOf(platform, scope, { approvalId }, { call: callId }),
  };
}

/** A rule of the application stopped the agent, or let it pass. */
export function guardrailEvent(platform: string, scope: AgentScope, rule: string, isTripped: boolean): NativeEventInput {
  return {
    action: isTripped ? "agent.guardrail.tripped" : "agent.guardrail.passed",
    target: { type: "guardrail", id: toLeafId(rule, ID_CHARS_MAX) },
    outcome: isTripped ? { status: "denied", code: "GUARDRAIL_TRIPPED" } : SUCCESS,
    ...frameOf(platform, scope),
  };
}

type Ids = Partial<Record<"callId" | "approvalId", string | undefined>>;

function frameOf(platform: string, scope: AgentScope, ids: Ids = {}, more: Readonly<Record<string, unknown>> = {}) {
  const { agentName, onBehalfOf, sessionId, conversationId, requestId, details } = scope;
  const context: Context = {};
  for (const [name, id] of Object.entries({ sessionId, conversationId, requestId, ...ids })) {
    if (id !== undefined && id !== "") context[name as keyof Context] = toLeafId(id, CONTEXT_ID_CHARS_MAX);
  }
  const told = Object.fromEntries(Object.entries({ ...details, ...more }).filter(([, value]) => value !== undefined));
  const chain = onBehalfOf?.map(({ type, id }) => ({ type, id: toLeafId(id, ID_CHARS_MAX) })) ?? [];
  return {
    actor: { type: "agent" as const, id: toLeafId(agentName, ID_CHARS_MAX), ...(chain.length > 0 ? { onBehalfOf: chain } : {}) },
    labels: { platform },
    ...(Object.keys(context).length > 0 ? { context } : {}),
    ...(Object.keys(told).length > 0 ? { details: told } : {}),
  };
}

function outcomeOf(ending: AgentEnding, code: string): Outcome {
  if (ending.status === "success") return { status: "success", ...(ending.result === undefined ? {} : { result: ending.result }) };
  if (ending.status === "denied") return { status: "denied", code: "DENIED", ...messageOf(ending.reason) };
  const { error } = ending;
  if (!(error instanceof Error)) return { status: "failure", code, ...messageOf(error) };
  // Most errors have no better name than that.
  return { status: "failure", code: error.name === "Error" ? code : toLeafCode(error.name, code), ...messageOf(error.message) };
}

function messageOf(told: unknown): { message?: string } {
  if (told === undefined || told === null || told === "") return {};
  return { message: typeof told === "string" ? told : toJson(told) };
}

function usageOf(usage: { readonly [Name in keyof Usage]: Usage[Name] | undefined }): { usage?: Usage } {
  const known = Object.fromEntries(Object.entries(usage).filter(([name, value]) => isUsage(name, value)));
  return Object.keys(known).length === 0 ? {} : { usage: known };
}

function isUsage(name: string, value: unknown): boolean {
  if (name === "model") return value !== undefined;
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) return false;
  return !name.startsWith("tokens") || Number.isSafeInteger(value);
}

function nameOf(text: string): string {
  return replaceLoneSurrogates(text).slice(0, NAME_CHARS_MAX);
}
