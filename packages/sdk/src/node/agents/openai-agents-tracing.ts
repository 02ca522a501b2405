import { type AgentAuditOptions, type AgentRecorder, createAgentRecorder, type PartialScope } from "../../agents/agent-recorder.ts";
import { AGENTS_ABOVE_MAX, MODEL_CALLS_KEPT_MAX, TRACES_KEPT_MAX } from "../../agents/limits.ts";
import { quietly } from "../../quietly.ts";
import {
  type AskedCall,
  askedCallsOf,
  durationOf,
  endingOfFunction,
  endingOfSpan,
  modelCallOf,
  parsedJson,
  rejectedCallIdOf,
  takeAskedCall,
  usageOf,
} from "./openai-agents-call.ts";
import { hostedCallsOf } from "./openai-agents-hosted.ts";
import { auditedRuns, type MeasuredCall, measuredCalls, PLATFORM, record, scopeOfTrace, watchedSpans } from "./openai-agents-run.ts";
import type { SpanLike, TraceLike, TracingProcessorLike } from "./openai-agents-shapes.ts";
import { createOpenSpans, type HeldRequest } from "./openai-agents-spans.ts";

/**
 * A `TracingProcessor` that records what agents of `@openai/agents` do: `addTraceProcessor(auditTracing())`. It tells of every run in the process: calls of
 * tools with how they ended, requests to models with their tokens, agents, handoffs and guardrails.
 *
 * The framework waits for no processor and tells a span's call only by name and input, so the intent is recorded when the tool begins, not before it, and the id of
 * the call is that of the model's answer where it can be found in it. `auditRunner` tells both exactly; together they tell each call once.
 *
 * Nothing is thrown and no processor behind it has to wait. What is kept between the begin and the end of a span is bounded by `TRACES_KEPT_MAX` and `SPANS_OPEN_MAX`. Rule: FRAMEWORK-20.
 */
export function auditTracing(options: AgentAuditOptions = {}): TracingProcessorLike {
  const recorder = createAgentRecorder(PLATFORM, options);
  const traces = new Map<string, { readonly trace: TraceLike; readonly asked: AskedCall[] }>();
  const open = createOpenSpans();
  const pending = new Set<Promise<void>>();

  function tell(what: (recorder: AgentRecorder) => Promise<unknown>): void {
    const work = record(recorder, what).finally(() => pending.delete(work));
    pending.add(work);
  }

  function remember(trace: TraceLike): AskedCall[] {
    const known = traces.get(trace.traceId);
    const asked = known?.asked ?? [];
    traces.delete(trace.traceId);
    traces.set(trace.traceId, { trace, asked });
    if (traces.size > TRACES_KEPT_MAX) traces.delete(traces.keys().next().value as string);
    return asked;
  }

  function traceOf({ traceId, traceMetadata }: SpanLike): { readonly trace: TraceLike; readonly asked: AskedCall[] } {
    const known = traces.get(traceId);
    if (known !== undefined) return known;
    const trace = { traceId, metadata: traceMetadata };
    return { trace, asked: remember(trace) };
  }

  function scopeOf(span: SpanLike, agents: readonly string[] = open.agentsAround(span)): PartialScope {
    const [agentName, ...callers] = agents;
    const scope = scopeOfTrace(traceOf(span).trace, auditedRuns.getStore(), options.sessionId);
    return {
      ...scope,
      ...(agentName === undefined ? {} : { agentName }),
      ...(callers.length === 0 ? {} : { onBehalfOf: callers.slice(0, AGENTS_ABOVE_MAX).map((id) => ({ type: "agent", id })) }),
    };
  }

  function beginFunction(span: SpanLike): void {
    // A hook has been quicker.
    if (measuredCalls.has(span)) return;
    const isAudited = auditedRuns.getStore() !== undefined;
    // Which of two twins this is, a hook will tell exactly.
    const asked = takeAskedCall(traceOf(span).asked, span, isAudited);
    if (asked === undefined && isAudited) return;
    const call = callOf(span, asked);
    measuredCalls.set(span, call);
    tell((to) => to.toolStarted(scopeOf(span), call));
  }

  function endFunction(span: SpanLike): void {
    const measured = measuredCalls.get(span);
    if (measured?.isEndTold === true) return;
    const denied = auditedRuns.getStore()?.denied;
    if (
      measured === undefined &&
      denied !== undefined &&
      rejectedCallIdOf(span.error) !== undefined &&
      takeAskedCall(denied, span) !== undefined
    )
      return;
    const call = measured ?? callOf(span, takeAskedCall(traceOf(span).asked, span));
    call.isEndTold = true;
    measuredCalls.set(span, call);
    const scope = { ...scopeOf(span), ...(call.agentName === undefined ? {} : { agentName: call.agentName }) };
    const { mcp_data: mcp } = span.spanData;
    const details = mcp === undefined ? {} : { details: { mcp } };
    tell((to) => to.toolEnded({ ...scope, ...details }, call, endingOfFunction(span, call.result), durationOf(span)));
  }

  function endModel(span: SpanLike): void {
    const { asked } = traceOf(span);
    asked.push(...askedCallsOf(span));
    asked.splice(0, asked.length - MODEL_CALLS_KEPT_MAX);
    for (const { call, ending } of hostedCallsOf(span)) tell((to) => to.toolEnded(scopeOf(span), call, ending));
    const request: HeldRequest = { call: modelCallOf(span), scope: scopeOf(span), durationMs: durationOf(span) };
    const turn = open.turnAround(span);
    const hasTokens = Object.keys(request.call.usage).length > 0;
    if (turn !== undefined && hasTokens) turn.hasTokens = true;
    if (hasTokens) toldTokens();
    // The tokens of its turn may be told yet; a request that failed has none.
    if (turn !== undefined && !hasTokens && span.error === null && turn.held.length < MODEL_CALLS_KEPT_MAX) turn.held.push(request);
    else tell((to) => to.modelCalled(request.scope, request.call, endingOfSpan(span), request.durationMs));
  }

  function tellHeld(held: readonly HeldRequest[]): void {
    for (const { scope, call, durationMs } of held) tell((to) => to.modelCalled(scope, call, { status: "success" }, durationMs));
  }

  function endTurn(span: SpanLike): void {
    const agents = open.agentsAround(span);
    const turn = open.end(span);
    const { usage: told, agent_name: named } = span.spanData;
    const usage = usageOf(told);
    if (Object.keys(usage).length > 0) toldTokens();
    const [first, ...others] = turn?.held ?? [];
    if (first !== undefined) {
      tellHeld([turn?.hasTokens === true ? first : { ...first, call: { ...first.call, usage } }, ...others]);
    } else if (turn?.hasTokens === false && Object.keys(usage).length > 0) {
      // Models of others need not make spans of their own.
      const scope = scopeOf(span, agents.length > 0 || typeof named !== "string" ? agents : [named]);
      tell((to) => to.modelCalled(scope, { callId: span.spanId, model: undefined, usage }, { status: "success" }));
    }
  }

  function endAgent(span: SpanLike): void {
    const name = nameOf(span, "name");
    const callers = open.agentsAround(span);
    open.end(span);
    const scope = scopeOf(span, callers.length > 0 ? callers : [name]);
    tell((to) => to.agentInvoked(scope, name, endingOfSpan(span), durationOf(span)));
  }

  function endHandoff(span: SpanLike): void {
    const to = span.spanData.to_agent;
    // Without one, nobody was handed anything: the agent's own end tells why.
    if (typeof to !== "string") return;
    const from = span.spanData.from_agent;
    const scope = { ...scopeOf(span), ...(typeof from === "string" ? { agentName: from } : {}) };
    tell((told) => told.handedOff(scope, to, span.error?.message));
  }

  function end(span: SpanLike): void {
    const { type } = span.spanData;
    if (type === "agent") endAgent(span);
    else if (type === "turn") endTurn(span);
    else if (type === "function") endFunction(span);
    else if (type === "generation" || type === "response") endModel(span);
    else if (type === "handoff") endHandoff(span);
    // One that itself failed ends the run as one that is tripped does.
    else if (type === "guardrail") {
      const isTripped = span.spanData.triggered === true || span.error !== null;
      tell((to) => to.guarded(scopeOf(span), nameOf(span, "name"), isTripped));
    }
    tellHeld(open.end(span)?.held ?? []);
  }

  async function flush(): Promise<void> {
    await Promise.all(pending);
  }

  return {
    async onTraceStart(trace) {
      quietly(() => remember(trace));
    },
    async onTraceEnd(trace) {
      quietly(() => remember(trace));
    },
    async onSpanStart(span) {
      quietly(() => {
        watchedSpans.add(span);
        const run = auditedRuns.getStore();
        if (run !== undefined) run.isTraced = true;
        tellHeld(open.begin(span));
      });
      if (span.spanData.type !== "function") return;
      // The framework writes the input into the span right after it has begun.
      await undefined;
      quietly(() => beginFunction(span));
    },
    async onSpanEnd(span) {
      quietly(() => end(span));
    },
    shutdown: flush,
    forceFlush: flush,
  };
}

function callOf(span: SpanLike, asked: AskedCall | undefined): MeasuredCall {
  const { input: told } = span.spanData;
  const text = typeof told === "string" && told !== "" ? told : asked?.argumentsText;
  const input = text === undefined ? undefined : parsedJson(text);
  return {
    callId: asked?.callId ?? rejectedCallIdOf(span.error) ?? span.spanId,
    tool: nameOf(span, "name"),
    ...(input === undefined ? {} : { input }),
  };
}

function nameOf({ spanData }: SpanLike, member: string): string {
  const name = spanData[member];
  return typeof name === "string" && name !== "" ? name : "unknown";
}

function toldTokens(): void {
  const run = auditedRuns.getStore();
  if (run !== undefined) run.hasToldTokens = true;
}
