import { AuditError } from "@vouchtrail/events/errors";
import { type CatalogOptions, emitterOf } from "../catalog/define-audit-events.ts";
import { unmadeEvent } from "../catalog/unmade-event.ts";
import type { AuditEventResult, NativeEventInput } from "../event-input.ts";
import {
  type AgentApproval,
  type AgentEnding,
  type AgentScope,
  answerEvent,
  approvalAnswered,
  approvalRequested,
  guardrailEvent,
  handoffEvent,
  invocationEvent,
  type ModelCall,
  modelEvent,
  promptEvent,
  type ToolCall,
  toolIntent,
  toolOutcome,
} from "./agent-event.ts";
import { optionValue } from "./option-value.ts";

/** What all adapters for agent frameworks take. */
export interface AgentAuditOptions extends CatalogOptions {
  /** The agent where the framework names none; default: the framework. */
  readonly agentName?: string;
  /** The session that the work belongs to, where the framework names none. A function is asked for each event. */
  readonly sessionId?: string | (() => string | undefined);
  /** The person for whom the agent works. A function is asked for each event. */
  readonly userId?: string | (() => string | undefined);
  /** Whether prompts, answers, inputs and results are recorded; default true. The server redacts and minimises them in any case. */
  readonly hasContent?: boolean;
}

/** A scope as an adapter knows it: what is missing comes from the options. */
export type PartialScope = Partial<AgentScope>;

/**
 * Records what an agent does. Nothing is ever thrown, and what is recorded is durable as soon as the result is there: whoever has to know that an intent is
 * kept before the call begins waits for it.
 */
export interface AgentRecorder {
  toolStarted(scope: PartialScope, call: ToolCall): Promise<AuditEventResult>;
  toolEnded(scope: PartialScope, call: ToolCall, ending: AgentEnding, durationMs?: number): Promise<AuditEventResult>;
  modelCalled(scope: PartialScope, call: ModelCall, ending: AgentEnding, durationMs?: number): Promise<AuditEventResult>;
  agentInvoked(scope: PartialScope, agentName: string, ending: AgentEnding, durationMs?: number): Promise<AuditEventResult>;
  handedOff(scope: PartialScope, to: string, reason?: string): Promise<AuditEventResult>;
  prompted(scope: PartialScope, text: string | undefined): Promise<AuditEventResult>;
  answered(scope: PartialScope, text: string | undefined): Promise<AuditEventResult>;
  approvalRequested(scope: PartialScope, approval: AgentApproval): Promise<AuditEventResult>;
  approvalAnswered(scope: PartialScope, approval: AgentApproval, answer: Parameters<typeof approvalAnswered>[3]): Promise<AuditEventResult>;
  guarded(scope: PartialScope, rule: string, isTripped: boolean): Promise<AuditEventResult>;
}

/** @param platform The framework: the label `platform` of every event, and the agent's name where nothing else is known. */
export function createAgentRecorder(platform: string, options: AgentAuditOptions = {}): AgentRecorder {
  const emitter = emitterOf(options);
  const { hasContent = true } = options;

  async function record(partial: PartialScope, make: (scope: AgentScope) => NativeEventInput): Promise<AuditEventResult> {
    return emitter().emit(eventOf(() => make(scopeOf(partial))));
  }

  function scopeOf(partial: PartialScope): AgentScope {
    const userId = optionValue(options.userId);
    return {
      ...partial,
      agentName: partial.agentName ?? options.agentName ?? platform,
      sessionId: partial.sessionId ?? optionValue(options.sessionId),
      onBehalfOf: [...(partial.onBehalfOf ?? []), ...(userId === undefined ? [] : [{ type: "user", id: userId }])],
    };
  }

  const withContent = <Value>(value: Value): Value | undefined => (hasContent ? value : undefined);
  const callOf = (call: ToolCall): ToolCall => ({ ...call, input: withContent(call.input) });
  const endingOf = (ending: AgentEnding): AgentEnding =>
    ending.status === "success" ? { ...ending, result: withContent(ending.result) } : ending;
  const approvalOf = (approval: AgentApproval): AgentApproval => ({ ...approval, shown: withContent(approval.shown) });

  return {
    toolStarted: (partial, call) => record(partial, (scope) => toolIntent(platform, scope, callOf(call))),
    toolEnded: (partial, call, ending, durationMs) =>
      record(partial, (scope) => toolOutcome(platform, scope, callOf(call), endingOf(ending), durationMs)),
    modelCalled: (partial, call, ending, durationMs) =>
      record(partial, (scope) => modelEvent(platform, scope, call, endingOf(ending), durationMs)),
    agentInvoked: (partial, name, ending, durationMs) =>
      record(partial, (scope) => invocationEvent(platform, scope, name, endingOf(ending), durationMs)),
    handedOff: (partial, to, reason) => record(partial, (scope) => handoffEvent(platform, scope, to, reason)),
    prompted: (partial, text) => record(partial, (scope) => promptEvent(platform, scope, withContent(text), optionValue(options.userId))),
    answered: (partial, text) => record(partial, (scope) => answerEvent(platform, scope, withContent(text))),
    approvalRequested: (partial, approval) => record(partial, (scope) => approvalRequested(platform, scope, approvalOf(approval))),
    approvalAnswered: (partial, approval, answer) =>
      record(partial, (scope) => approvalAnswered(platform, scope, approvalOf(approval), answer)),
    guarded: (partial, rule, isTripped) => record(partial, (scope) => guardrailEvent(platform, scope, rule, isTripped)),
  };
}

/** What a framework hands over may throw when it is read; that must not reach the agent. */
export function eventOf(make: () => NativeEventInput): NativeEventInput {
  try {
    return make();
  } catch (cause) {
    return unmadeEvent(
      cause instanceof AuditError ? cause : new AuditError("EVENT_INVALID", { cause, message: "The event cannot be read." }),
    );
  }
}
