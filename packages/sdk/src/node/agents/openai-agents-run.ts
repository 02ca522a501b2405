import { AsyncLocalStorage } from "node:async_hooks";
import type { AgentRecorder, PartialScope } from "../../agents/agent-recorder.ts";
import { optionValue } from "../../agents/option-value.ts";
import type { AskedCall } from "./openai-agents-call.ts";
import type { SpanLike, TraceLike } from "./openai-agents-shapes.ts";

/** The framework: the label `platform`. */
export const PLATFORM = "openai-agents";

/** A run of an audited runner, as long as it lasts. Agents that its tools run are in it too. */
export interface AuditedRun {
  /** Stands for the id of the trace where there is none. */
  readonly runId: string;
  readonly groupId: string | undefined;
  readonly conversationId: string | undefined;
  /** Calls that were rejected and told so: their spans tell nothing new. */
  readonly denied: AskedCall[];
  /** A processor of ours sees the spans of it. */
  isTraced: boolean;
  /** A processor of ours has told tokens of it. */
  hasToldTokens: boolean;
  /** Its trace, as soon as there is one. Around the run there is none. */
  trace: TraceLike | undefined;
  /** What was asked, until it is told. */
  prompt: { readonly text: string | undefined } | undefined;
}

/** The call that a function span measures, and what of it has been told. */
export interface MeasuredCall {
  readonly callId: string;
  readonly tool: string;
  readonly input?: unknown;
  /** The agent that calls, where a hook named it. */
  agentName?: string;
  result?: unknown;
  isEndTold?: boolean;
}

/** The audited run that the current code is part of. */
export const auditedRuns = new AsyncLocalStorage<AuditedRun>();

/** Hooks know the id of a call, spans know how it ended: here they meet. Nothing in it outlives its span. */
export const measuredCalls = new WeakMap<object, MeasuredCall>();

/** Spans that a processor of ours tells the end of. */
export const watchedSpans = new WeakSet<object>();

/** Calls whose intent has been told, by what the framework hands over for them. */
export const intendedCalls = new WeakSet<object>();

/** Where every copy of the framework in a process keeps its current trace and span. */
const FRAMEWORK_STORAGE = Symbol.for("openai.agents.core.asyncLocalStorage");
/** Id of the trace and the spans of a run that is not traced. */
const NO_TRACE_ID = "no-op";

/** The framework's current trace and span; nothing where there is none, or where a version of it keeps them elsewhere. */
export function currentTrace(): { readonly trace?: TraceLike | undefined; readonly span?: SpanLike | undefined } {
  try {
    const storage = (globalThis as unknown as Readonly<Record<symbol, { getStore?(): unknown } | undefined>>)[FRAMEWORK_STORAGE];
    const store = storage?.getStore?.() as { active?: boolean; trace?: TraceLike; span?: SpanLike } | undefined;
    if (store === undefined || store.active === false) return {};
    const { trace, span } = store;
    return {
      trace: trace?.traceId === NO_TRACE_ID ? undefined : trace,
      span: span?.spanId === NO_TRACE_ID ? undefined : span,
    };
  } catch {
    return {};
  }
}

/** The current span, if it measures a call of a tool. */
export function currentFunctionSpan(): SpanLike | undefined {
  const { span } = currentTrace();
  return span?.spanData.type === "function" ? span : undefined;
}

/**
 * To which session and run something belongs. The framework has no sessions: its group is what comes nearest, then the conversation that the provider keeps, then
 * what the application says, and last the trace alone. Without any, intent and outcome of a call would count as two.
 */
export function scopeOfTrace(
  trace: TraceLike | undefined,
  run: AuditedRun | undefined,
  sessionId: string | (() => string | undefined) | undefined,
): PartialScope {
  const { traceId, groupId, metadata } = trace ?? run?.trace ?? {};
  const requestId = traceId ?? run?.runId;
  const named = [groupId, metadata?.sessionId, metadata?.session_id, run?.groupId, run?.conversationId];
  return {
    sessionId: named.find((id): id is string => typeof id === "string" && id !== "") ?? toldSession(sessionId) ?? requestId,
    conversationId: run?.conversationId,
    requestId,
  };
}

function toldSession(sessionId: string | (() => string | undefined) | undefined): string | undefined {
  try {
    return optionValue(sessionId);
  } catch {
    return undefined;
  }
}

/** Does what must not disturb the agent, whatever a framework or an emitter (one that is strict, or closed) does. Resolves when it is recorded. */
export async function record(recorder: AgentRecorder, tell: (recorder: AgentRecorder) => Promise<unknown> | undefined): Promise<void> {
  try {
    await tell(recorder);
  } catch {
    // The emitter has told its own log.
  }
}
