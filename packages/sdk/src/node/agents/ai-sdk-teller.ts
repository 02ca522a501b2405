import { AsyncLocalStorage } from "node:async_hooks";
import { type AgentAuditOptions, type AgentRecorder, createAgentRecorder, type PartialScope } from "../../agents/agent-recorder.ts";
import { optionValue } from "../../agents/option-value.ts";
import { emitterOf } from "../../catalog/define-audit-events.ts";
import { objectOf, type Told, textOf } from "./ai-sdk-event.ts";
import { type AiSdkRun, type AiSdkRuns, type Moment, runsOf } from "./ai-sdk-runs.ts";

/** The label `platform` of what the AI SDK does. */
export const AI_SDK_PLATFORM = "ai-sdk";

/** The call of a tool within which code runs: runs that start there belong to it. */
export interface AiSdkToolScope {
  readonly callId: string;
  readonly toolCallId: string;
}

/** Where the code that runs is; shared by all ways in, because they tell the same. */
export const toolScopes: AsyncLocalStorage<AiSdkToolScope> = new AsyncLocalStorage<AiSdkToolScope>();

/** Records facts about runs, each once. */
export interface AiSdkTeller {
  /** What is known of the runs whose events go where these go now. */
  runs(): AiSdkRuns;
  /** The run of an event; one that is not remembered is made of what the event itself says. */
  runOf(event: Told): AiSdkRun;
  /** A run that starts with this event. */
  begin(event: Told, started: Moment): AiSdkRun;
  /** @param fact Names it among all facts of all runs. */
  tell(run: AiSdkRun, fact: string, record: (recorder: AgentRecorder) => Promise<unknown>): Promise<void>;
  /** Who answers the questions of a run where nobody is named. */
  userOf(run: AiSdkRun): string | undefined;
}

export function createAiSdkTeller(options: AgentAuditOptions): AiSdkTeller {
  const emitter = emitterOf(options);
  let speaker: string | undefined;
  const optionUser = (): string | undefined => optionValue(options.userId);
  // The person that a run names goes before the one of the options. Events are made before `record` returns, so the variable is that of the event.
  const recorder = createAgentRecorder(AI_SDK_PLATFORM, { ...options, userId: () => speaker ?? optionUser() });
  const runs = (): AiSdkRuns => runsOf(emitter());

  function begin(event: Told, started: Moment | undefined): AiSdkRun {
    const id = textOf(event.callId) ?? "unknown";
    const around = started === undefined ? undefined : toolScopes.getStore();
    const parent = around === undefined ? undefined : runs().find(around.callId);
    return {
      id,
      scope: scopeOf(event, id, parent, around),
      caller: parent?.scope,
      userId: textOf(objectOf(event.runtimeContext).userId) ?? parent?.userId,
      operation: textOf(event.operationId),
      started,
      provider: textOf(event.provider),
      model: textOf(event.modelId),
      step: -1,
      request: "idle",
      requested: undefined,
      calls: 0,
      attempts: 0,
      seen: new Map(),
    };
  }

  function scopeOf(event: Told, id: string, parent: AiSdkRun | undefined, around: AiSdkToolScope | undefined): PartialScope {
    const context = objectOf(event.runtimeContext);
    const agentName = textOf(context.agentName) ?? textOf(event.functionId);
    const caller = parent?.scope.agentName ?? options.agentName ?? AI_SDK_PLATFORM;
    return {
      requestId: id,
      sessionId: textOf(context.sessionId) ?? parent?.scope.sessionId,
      conversationId: textOf(context.conversationId) ?? parent?.scope.conversationId,
      ...(agentName === undefined ? {} : { agentName }),
      ...(parent === undefined ? {} : { onBehalfOf: [{ type: "agent", id: caller }, ...(parent.scope.onBehalfOf ?? [])] }),
      ...(around === undefined ? {} : { details: { parentCall: around.toolCallId } }),
    };
  }

  return {
    runs,
    runOf: (event) => runs().find(textOf(event.callId) ?? "unknown") ?? begin(event, undefined),
    begin,
    tell: (run, fact, record) =>
      runs().once(fact, () => {
        speaker = run.userId;
        try {
          return record(recorder);
        } finally {
          speaker = undefined;
        }
      }),
    userOf(run) {
      try {
        return run.userId ?? optionUser();
      } catch {
        // The function of the application threw; the answer is still told.
        return undefined;
      }
    },
  };
}
