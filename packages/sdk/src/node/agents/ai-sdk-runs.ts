import type { PartialScope } from "../../agents/agent-recorder.ts";
import { AI_SDK_RUNS_MAX, AI_SDK_TOLD_MAX } from "../../agents/limits.ts";

/** Milliseconds, either of our own clock or as the AI SDK tells them afterwards (`timestamp`, since 1970). The two cannot be subtracted from each other. */
export interface Moment {
  readonly ms: number;
  readonly isTold: boolean;
}

/** One call of the AI SDK: `generateText` with all its steps, `embed`, and so on. */
export interface AiSdkRun {
  readonly id: string;
  readonly scope: PartialScope;
  /** The agent whose tool started this run, and on whose behalf it acts; undefined for a run that the application started. */
  readonly caller: PartialScope | undefined;
  /** The person that the run's own context names. */
  readonly userId: string | undefined;
  /** `ai.generateText` and so on. */
  readonly operation: string | undefined;
  /** Undefined where the start was not seen. */
  readonly started: Moment | undefined;
  provider: string | undefined;
  model: string | undefined;
  /** Number of the step; -1 before the first. */
  step: number;
  /**
   * The request to the model of this step: `idle` until there is one, `called` when the AI SDK is about to send it, `attempted` when it is sent, `told` when
   * an event says how it ended.
   */
  request: "idle" | "called" | "attempted" | "told";
  requested: Moment | undefined;
  /** Requests that the AI SDK was about to send, and those that it sent: more, when it tried again. */
  calls: number;
  attempts: number;
  /** The same two numbers as each way in has seen them, so that two ways do not count one request twice. */
  readonly seen: Map<object, { calls: number; attempts: number }>;
}

/** What has been told of the runs of a process, whichever way it was heard. */
export interface AiSdkRuns {
  find(id: string): AiSdkRun | undefined;
  /** Keeps a run, and forgets the oldest one when there are more than {@link AI_SDK_RUNS_MAX}. */
  keep(run: AiSdkRun): void;
  /** Whether this fact is among the last {@link AI_SDK_TOLD_MAX}. */
  isTold(fact: string): boolean;
  /**
   * Tells a fact the first time that it is heard.
   *
   * @returns Resolves when it is recorded, whoever told it. Never rejects.
   */
  once(fact: string, tell: () => Promise<unknown>): Promise<void>;
}

/** Those who record to the same emitter tell of the same runs; what goes elsewhere is told there as well. */
const runsOfEmitters = new WeakMap<object, AiSdkRuns>();

/** @param emitter The emitter that the events go to. */
export function runsOf(emitter: object): AiSdkRuns {
  const known = runsOfEmitters.get(emitter);
  if (known !== undefined) return known;
  const runs = createRuns();
  runsOfEmitters.set(emitter, runs);
  return runs;
}

function createRuns(): AiSdkRuns {
  const runs = new Map<string, AiSdkRun>();
  const told = new Map<string, Promise<void>>();
  return {
    find: (id) => runs.get(id),
    keep(run) {
      runs.set(run.id, run);
      forgetOldest(runs, AI_SDK_RUNS_MAX);
    },
    isTold: (fact) => told.has(fact),
    once(fact, tell) {
      const known = told.get(fact);
      if (known !== undefined) return known;
      const telling = tell().then(
        () => undefined,
        () => undefined,
      );
      told.set(fact, telling);
      forgetOldest(told, AI_SDK_TOLD_MAX);
      return telling;
    },
  };
}

/** A Map keeps the order in which its keys came. */
function forgetOldest(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
