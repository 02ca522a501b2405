import { type AgentAuditOptions, type AgentRecorder, createAgentRecorder } from "../../agents/agent-recorder.ts";
import { toolCallOf } from "./openai-agents-call.ts";
import {
  auditedRuns,
  currentFunctionSpan,
  currentTrace,
  intendedCalls,
  type MeasuredCall,
  measuredCalls,
  PLATFORM,
  record,
  scopeOfTrace,
  watchedSpans,
} from "./openai-agents-run.ts";
import type { AgentLike, ToolCallLike, ToolInputGuardrailLike } from "./openai-agents-shapes.ts";

/** Intents of calls as the framework's hooks know them: with the provider's own id, and with the span that measures the call. */
export interface ToolIntents {
  /** Tells it unless it has been told. Resolves when it is recorded. */
  tell(agent: AgentLike, toolCall: ToolCallLike, tool: string | undefined): Promise<void>;
  /** Whether somebody else tells how the call ended; the result is left there for it. */
  isEndTold(toolCall: ToolCallLike, tool: string | undefined, result: unknown): boolean;
}

export function createToolIntents(recorder: AgentRecorder, options: AgentAuditOptions): ToolIntents {
  return {
    async tell(agent, toolCall, tool) {
      const span = currentFunctionSpan();
      const known = span === undefined ? undefined : measuredCalls.get(span);
      if (known !== undefined) {
        // The span has told it; it does not know the agent for sure.
        known.agentName ??= agent.name;
        return;
      }
      const call: MeasuredCall = { ...toolCallOf(toolCall, tool), agentName: agent.name };
      if (span !== undefined) measuredCalls.set(span, call);
      if (intendedCalls.has(toolCall)) return;
      intendedCalls.add(toolCall);
      const scope = { ...scopeOfTrace(currentTrace().trace, auditedRuns.getStore(), options.sessionId), agentName: agent.name };
      await record(recorder, (to) => to.toolStarted(scope, call));
    },
    isEndTold(toolCall, tool, result) {
      const span = currentFunctionSpan();
      if (span === undefined) return false;
      const call: MeasuredCall = measuredCalls.get(span) ?? toolCallOf(toolCall, tool);
      measuredCalls.set(span, call);
      if (watchedSpans.has(span)) call.result = result;
      else call.isEndTold = true;
      return watchedSpans.has(span);
    },
  };
}

/**
 * A tool guardrail that lets every call pass, for `tool({ inputGuardrails: [auditToolInput()] })`. It is the one place where the framework waits before a tool runs: the
 * intent is on stable storage (or the SDK's deadline for it is over) before the tool begins. Put it last, so that calls that others reject are not told as begun.
 *
 * Rule: FRAMEWORK-22.
 */
export function auditToolInput(options: AgentAuditOptions = {}): ToolInputGuardrailLike {
  const intents = createToolIntents(createAgentRecorder(PLATFORM, options), options);
  return {
    type: "tool_input",
    name: "vouchtrail",
    async run({ agent, toolCall }) {
      // Asked before an approval is, the call is not about to begin.
      if (currentTrace().span === undefined || currentFunctionSpan() !== undefined)
        await intents.tell(agent, toolCall, toolCall.name).catch(() => undefined);
      return { behavior: { type: "allow" } };
    },
  };
}
