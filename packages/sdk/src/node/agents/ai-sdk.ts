import { tracingChannel } from "node:diagnostics_channel";
import type { AgentAuditOptions } from "../../agents/agent-recorder.ts";
import { type Clock, systemClock } from "../../clock.ts";
import { objectOf, textOf } from "./ai-sdk-event.ts";
import { type AiSdkListener, createAiSdkListener } from "./ai-sdk-listener.ts";
import { type AiSdkToolScope, toolScopes } from "./ai-sdk-teller.ts";

/** The channel of `node:diagnostics_channel` on which the AI SDK from version 7 on tells what it does. */
const CHANNEL_NAME = "ai:telemetry";
/** Operations of that channel that are a run of their own: they have a start and an end. */
const RUN_TYPES: ReadonlySet<string> = new Set([
  "generateText",
  "streamText",
  "embed",
  "embedMany",
  "rerank",
  "generateSpeech",
  "transcribe",
  "streamTranscribe",
  "experimental_decide",
]);

export interface AiSdkAuditOptions extends AgentAuditOptions {
  /** For tests; default: the clock of the machine. */
  readonly clock?: Clock;
}

interface Executed<T> {
  readonly callId: string;
  readonly execute: () => PromiseLike<T>;
}

/** An integration as `registerTelemetry` and the setting `telemetry.integrations` of the AI SDK take it. */
export interface AiSdkTelemetry {
  onStart(event: unknown): void;
  onStepStart(event: unknown): void;
  onLanguageModelCallStart(event: unknown): void;
  onLanguageModelCallEnd(event: unknown): void;
  /** The AI SDK waits for this before it calls the tool. */
  onToolExecutionStart(event: unknown): Promise<void>;
  onToolExecutionEnd(event: unknown): void;
  onStepEnd(event: unknown): void;
  onStepError(event: unknown): void;
  onObjectStepStart(event: unknown): void;
  onObjectStepEnd(event: unknown): void;
  experimental_onDecideStart(event: unknown): void;
  experimental_onDecideEnd(event: unknown): void;
  experimental_onStreamTranscriptionStart(event: unknown): void;
  experimental_onStreamTranscriptionEnd(event: unknown): void;
  onEnd(event: unknown): void;
  onAbort(event: unknown): void;
  onError(event: unknown): void;
  executeLanguageModelCall<T>(options: Executed<T>): PromiseLike<T>;
  executeTool<T>(options: Executed<T> & { readonly toolCallId: string }): PromiseLike<T>;
}

/**
 * An integration for the telemetry of the AI SDK from version 7 on: `registerTelemetry(auditTelemetry())` for all calls, or
 * `telemetry: { integrations: [auditTelemetry()] }` for one. A tool is called when its intent is recorded; the wait for that is bounded by the emitter.
 * It never throws, and changes nothing that the AI SDK does.
 *
 * `functionId` names the agent. Of `runtimeContext` the members `sessionId`, `conversationId`, `userId` and `agentName` are taken, where
 * `telemetry.includeRuntimeContext` lets them through.
 *
 * Rules: FRAMEWORK-10 to FRAMEWORK-19.
 */
export function auditTelemetry(options: AiSdkAuditOptions = {}): AiSdkTelemetry {
  return telemetryOf(createAiSdkListener(options, options.clock ?? systemClock));
}

/**
 * Records what the AI SDK does in this process, without anything in the application but this line: as an integration for all calls, and on the diagnostics
 * channel of the AI SDK for those that name integrations of their own and so leave the others out. Together with {@link auditTelemetry} nothing is recorded twice.
 *
 * @returns Ends it. What is under way is still told as far as it has been heard. Calling it again does nothing.
 *
 * Rules: FRAMEWORK-10 to FRAMEWORK-19.
 */
export function auditAiSdk(options: AiSdkAuditOptions = {}): () => void {
  const listener = createAiSdkListener(options, options.clock ?? systemClock);
  const endRegistration = register(telemetryOf(listener));
  // Of its own: it counts the requests that it hears for itself.
  const endSubscription = subscribe(createAiSdkListener(options, options.clock ?? systemClock));
  let isEnded = false;
  return () => {
    if (isEnded) return;
    isEnded = true;
    endRegistration();
    endSubscription();
  };
}

function telemetryOf(listener: AiSdkListener): AiSdkTelemetry {
  return {
    onStart: listener.started,
    onStepStart: listener.stepStarted,
    onLanguageModelCallStart: listener.requestStarted,
    onLanguageModelCallEnd: listener.requestEnded,
    onToolExecutionStart: listener.toolStarted,
    onToolExecutionEnd: listener.toolEnded,
    onStepEnd: listener.stepEnded,
    onStepError: (event) => listener.stepFailed(event, objectOf(event).error),
    onObjectStepStart(event) {
      listener.stepStarted(event);
      listener.requestStarted(event);
    },
    onObjectStepEnd: listener.stepEnded,
    experimental_onDecideStart: listener.started,
    experimental_onDecideEnd: listener.ended,
    experimental_onStreamTranscriptionStart: listener.started,
    experimental_onStreamTranscriptionEnd: listener.ended,
    onEnd: listener.ended,
    onAbort: listener.aborted,
    onError: listener.failed,
    async executeLanguageModelCall(call) {
      const attempt = listener.attemptStarted(call);
      try {
        return await call.execute();
      } catch (error) {
        listener.attemptFailed(call, attempt, error);
        throw error;
      }
    },
    executeTool: ({ callId, toolCallId, execute }) => toolScopes.run({ callId, toolCallId }, execute),
  };
}

/** The list that `registerTelemetry` of the AI SDK fills. It is reached without it, because the SDK does not depend on the AI SDK. */
function register(telemetry: AiSdkTelemetry): () => void {
  const globals = globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown };
  globals.AI_SDK_TELEMETRY_INTEGRATIONS ??= [];
  const integrations = globals.AI_SDK_TELEMETRY_INTEGRATIONS;
  if (!Array.isArray(integrations)) return () => undefined;
  integrations.push(telemetry);
  return () => {
    const index = integrations.indexOf(telemetry);
    if (index >= 0) integrations.splice(index, 1);
  };
}

/** Those who listen to the channel: the store of the tools is bound for all of them, and freed by the last one. */
let subscriptions = 0;

function subscribe(listener: AiSdkListener): () => void {
  const channel = tracingChannel(CHANNEL_NAME);
  /** Requests to models, by the message that the channel has for each from its start to its end. */
  const attempts = new WeakMap<object, number>();

  function onStart(message: unknown): void {
    const { type, event } = objectOf(message);
    if (type === "step") listener.stepStarted(event);
    else if (type === "languageModelCall") attempts.set(objectOf(message), listener.attemptStarted(event));
    else if (type === "executeTool") void listener.toolStarted(event);
    else if (typeof type === "string" && RUN_TYPES.has(type)) listener.started(event);
  }

  function onEnd(told: unknown): void {
    const message = objectOf(told);
    const { type, event, error } = message;
    const isFailed = error !== undefined;
    // A result that hides nothing has all that the start had, and more.
    const whole = { ...objectOf(event), ...membersOf(message.result) };
    if (type === "step") {
      if (isFailed) listener.stepFailed(event, error);
      else listener.stepEnded(whole);
    } else if (type === "languageModelCall") {
      if (isFailed) listener.attemptFailed(event, attempts.get(message) ?? 0, error);
    } else if (type === "executeTool") {
      const { output, toolExecutionMs } = objectOf(message.result);
      const toolOutput = isFailed ? { type: "tool-error", error } : output;
      listener.toolEnded({ ...objectOf(event), toolOutput, toolExecutionMs });
    } else if (typeof type === "string" && RUN_TYPES.has(type)) {
      if (isFailed) listener.failed({ ...objectOf(event), error });
      else listener.ended(whole);
    }
  }

  channel.start.subscribe(onStart);
  channel.asyncEnd.subscribe(onEnd);
  subscriptions += 1;
  if (subscriptions === 1) channel.start.bindStore(toolScopes, scopeOfMessage);
  return () => {
    channel.start.unsubscribe(onStart);
    channel.asyncEnd.unsubscribe(onEnd);
    subscriptions -= 1;
    if (subscriptions === 0) channel.start.unbindStore(toolScopes);
  };
}

/** What is told at the end of anything; of a result most members are getters. */
function membersOf(result: unknown): object {
  const { text, usage, content, finishReason, response, model, performance, stepNumber } = objectOf(result);
  const members = { text, usage, content, finishReason, response, model, performance, stepNumber };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function scopeOfMessage(message: unknown): AiSdkToolScope | undefined {
  const { type, event } = objectOf(message);
  const { callId, toolCall } = objectOf(event);
  const toolCallId = textOf(objectOf(toolCall).toolCallId);
  return type === "executeTool" && typeof callId === "string" && toolCallId !== undefined ? { callId, toolCallId } : toolScopes.getStore();
}
