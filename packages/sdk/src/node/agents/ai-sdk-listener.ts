import type { AgentEnding, ModelCall } from "../../agents/agent-event.ts";
import type { AgentAuditOptions } from "../../agents/agent-recorder.ts";
import type { Clock } from "../../clock.ts";
import { abortError, listOf, messageText, numberOf, objectOf, type Told, textOf, usageOf } from "./ai-sdk-event.ts";
import type { AiSdkRun, Moment } from "./ai-sdk-runs.ts";
import { AI_SDK_PLATFORM, createAiSdkTeller } from "./ai-sdk-teller.ts";
import { createAiSdkTools } from "./ai-sdk-tools.ts";

/**
 * What one way into the AI SDK hears, told as events. Each method takes an event of the AI SDK as it is; none ever throws, and the promises never reject.
 * Methods that are called for the same fact a second time, by this way in or by another one, tell nothing.
 */
export interface AiSdkListener {
  started(event: unknown): void;
  stepStarted(event: unknown): void;
  /** The AI SDK is about to ask the model. */
  requestStarted(event: unknown): void;
  /** @returns The number of the attempt in its run, for {@link AiSdkListener.attemptFailed}. */
  attemptStarted(event: unknown): number;
  attemptFailed(event: unknown, attempt: number, error: unknown): void;
  requestEnded(event: unknown): void;
  stepEnded(event: unknown): void;
  stepFailed(event: unknown, error: unknown): void;
  /** Resolves when the intent is recorded. */
  toolStarted(event: unknown): Promise<void>;
  toolEnded(event: unknown): void;
  ended(event: unknown): void;
  aborted(event: unknown): void;
  failed(event: unknown): void;
}

/** Operations that are a run of an agent: what was asked, steps, an answer. All others are one request to a model. */
const AGENT_OPERATIONS: ReadonlySet<string | undefined> = new Set(["ai.generateText", "ai.streamText"]);
/** Operations that tell of the requests to their model themselves. */
const STEPPED_OPERATIONS: ReadonlySet<string | undefined> = new Set([...AGENT_OPERATIONS, "ai.generateObject", "ai.streamObject"]);

export function createAiSdkListener(options: AgentAuditOptions, clock: Clock): AiSdkListener {
  const teller = createAiSdkTeller(options);
  const tools = createAiSdkTools(teller);
  /** This way in, among those that count the same requests. */
  const way = {};

  /** @returns The number, and whether no other way in has counted that far. */
  function count(run: AiSdkRun, what: "calls" | "attempts"): { number: number; isNew: boolean } {
    const seen = run.seen.get(way) ?? { calls: 0, attempts: 0 };
    run.seen.set(way, seen);
    seen[what] += 1;
    const isNew = seen[what] > run[what];
    if (isNew) run[what] = seen[what];
    return { number: seen[what], isNew };
  }

  function tellRequest(run: AiSdkRun, fact: string, call: Partial<ModelCall>, ending: AgentEnding, durationMs?: number): void {
    const { callId = `${run.id}:${fact}`, model = run.model, provider = run.provider, usage = {} } = call;
    void teller.tell(run, `${run.id}/model/${fact}`, (recorder) =>
      recorder.modelCalled(run.scope, { callId, model, provider, usage }, ending, durationMs),
    );
  }

  /** A request that was under way is over, and the AI SDK does not say how it ended. */
  function breakRequest(run: AiSdkRun, event: Told, fact: string, error: unknown): void {
    if (run.request !== "called" && run.request !== "attempted") return;
    run.request = "told";
    tellRequest(run, fact, {}, { status: "failure", error }, elapsedMs(run.requested, event));
  }

  /** A run that is told after it has happened tells its times itself. */
  function momentOf({ timestamp }: Told): Moment {
    const toldMs = numberOf(timestamp);
    return toldMs === undefined ? { ms: clock.nowMs(), isTold: false } : { ms: toldMs, isTold: true };
  }

  function elapsedMs(since: Moment | undefined, event: Told): number | undefined {
    const now = momentOf(event);
    return since === undefined || since.isTold !== now.isTold ? undefined : Math.max(0, now.ms - since.ms);
  }

  function ask(run: AiSdkRun, event: Told, request: "called" | "attempted"): void {
    run.request = request;
    run.requested = momentOf(event);
    run.provider = textOf(event.provider) ?? run.provider;
    run.model = textOf(event.modelId) ?? run.model;
  }

  function tellResponse(run: AiSdkRun, event: Told, step: number): void {
    const { model, response, performance } = event;
    const call: Partial<ModelCall> = {
      callId: textOf(event.responseId) ?? textOf(objectOf(response).id) ?? `${run.id}:${step}`,
      model: textOf(objectOf(response).modelId) ?? textOf(event.modelId) ?? textOf(objectOf(model).modelId) ?? run.model,
      provider: textOf(event.provider) ?? textOf(objectOf(model).provider) ?? run.provider,
      usage: usageOf(event.usage),
    };
    const durationMs = numberOf(objectOf(performance).responseTimeMs) ?? elapsedMs(run.requested, event);
    run.request = "told";
    tellRequest(run, `step-${step}`, call, endingOf(event), durationMs);
  }

  function end(run: AiSdkRun, ending: AgentEnding, event: Told): void {
    const durationMs = elapsedMs(run.started, event);
    // A failure of a run whose start nobody saw is that of an agent: those are what lasts long.
    if (run.operation !== undefined && !STEPPED_OPERATIONS.has(run.operation)) {
      tellRequest(run, "only", { callId: run.id, usage: usageOf(event.usage) }, ending, durationMs);
      return;
    }
    if (ending.status === "failure") breakRequest(run, event, `step-${run.step}`, ending.error);
    const text = textOf(event.text);
    // A run may end without an answer: it waits for an approval, or for its client.
    const isAnswered = text !== undefined || (event.recordOutputs === false && event.finishReason === "stop");
    if (ending.status === "success" && run.caller === undefined && AGENT_OPERATIONS.has(run.operation) && isAnswered)
      void teller.tell(run, `${run.id}/answer`, (recorder) => recorder.answered(run.scope, text));
    const name = run.scope.agentName ?? options.agentName ?? AI_SDK_PLATFORM;
    void teller.tell(run, `${run.id}/end`, (recorder) => recorder.agentInvoked(run.caller ?? run.scope, name, ending, durationMs));
  }

  return {
    started: guarded((event) => {
      const runs = teller.runs();
      const id = textOf(event.callId);
      if (id === undefined || runs.find(id) !== undefined) return;
      const run = teller.begin(event, momentOf(event));
      runs.keep(run);
      if (!AGENT_OPERATIONS.has(run.operation)) return;
      const messages = listOf(event.messages);
      const last = messages.at(-1);
      tools.continued(run, messages);
      // What a tool asks of the agent that it starts is the input of the tool.
      if (run.caller !== undefined) return;
      if (last?.role === "user" || event.recordInputs === false)
        void teller.tell(run, `${id}/prompt`, (recorder) =>
          recorder.prompted(run.scope, last === undefined ? undefined : messageText(last)),
        );
    }),
    stepStarted: guarded((event) => {
      const run = teller.runOf(event);
      const step = numberOf(event.stepNumber) ?? run.step + 1;
      if (step === run.step) return;
      run.step = step;
      run.request = "idle";
    }),
    requestStarted: guarded((event) => {
      const run = teller.runOf(event);
      const { number, isNew } = count(run, "calls");
      if (!isNew) return;
      breakRequest(run, event, `broken-${number}`, new Error("The request was given up, and made again."));
      ask(run, event, "called");
    }),
    attemptStarted(told) {
      let attempt = 0;
      guarded((event) => {
        const run = teller.runOf(event);
        const { number, isNew } = count(run, "attempts");
        attempt = number;
        if (!isNew) return;
        if (run.request === "attempted")
          breakRequest(run, event, `broken-${number}`, new Error("The request was given up, and made again."));
        ask(run, event, "attempted");
      })(told);
      return attempt;
    },
    attemptFailed(told, attempt, error) {
      guarded((event) => {
        const run = teller.runOf(event);
        if (attempt === run.attempts) run.request = "told";
        tellRequest(run, `attempt-${attempt}`, {}, { status: "failure", error }, elapsedMs(run.requested, event));
      })(told);
    },
    requestEnded: guarded((event) => {
      const run = teller.runOf(event);
      tellResponse(run, event, run.step);
    }),
    stepEnded: guarded((event) => {
      const run = teller.runOf(event);
      tellResponse(run, event, numberOf(event.stepNumber) ?? run.step);
      tools.stepped(run, event.content);
    }),
    stepFailed(told, error) {
      guarded((event) => {
        const run = teller.runOf(event);
        breakRequest(run, event, `step-${numberOf(event.stepNumber) ?? run.step}`, error);
      })(told);
    },
    async toolStarted(told) {
      let telling: Promise<void> | undefined;
      guarded((event) => {
        telling = tools.started(teller.runOf(event), event);
      })(told);
      await telling;
    },
    toolEnded: guarded((event) => {
      void tools.ended(teller.runOf(event), event);
    }),
    ended: guarded((event) => end(teller.runOf(event), endingOf(event), event)),
    aborted: guarded((event) => end(teller.runOf(event), { status: "failure", error: abortError(event.reason) }, event)),
    failed: guarded((event) => end(teller.runOf(event), { status: "failure", error: event.error }, event)),
  };
}

/** A stream that breaks is an end like any other for the AI SDK, but for its reason. */
function endingOf({ finishReason }: Told): AgentEnding {
  return finishReason === "error"
    ? { status: "failure", error: new Error("The model stopped because of an error.") }
    : { status: "success" };
}

/** What the AI SDK hands over may be anything, and on its channel an error would end the process. */
function guarded(call: (event: Told) => void): (event: unknown) => void {
  return (event) => {
    try {
      call(objectOf(event));
    } catch {
      // The agent goes on; the emitter tells of events that it could not make.
    }
  };
}
