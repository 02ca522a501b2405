import type { AgentEnding, ToolCall } from "../../agents/agent-event.ts";
import type { AgentRecorder, PartialScope } from "../../agents/agent-recorder.ts";
import {
  LANGCHAIN_CALLS_REMEMBERED_MAX,
  LANGCHAIN_CHAIN_AGE_MAX_MS,
  LANGCHAIN_MODEL_AGE_MAX_MS,
  LANGCHAIN_RUNS_OPEN_MAX,
} from "../../agents/limits.ts";
import { unawaited } from "../../agents/unawaited.ts";
import type { Clock } from "../../clock.ts";
import type { LangChainAuditOptions } from "./langchain.ts";
import { type Approvals, type Asking, createApprovals } from "./langchain-approvals.ts";
import { errorOf } from "./langchain-errors.ts";
import type { AskedCall } from "./langchain-message.ts";
import { beginRun, createOpenRuns, type OpenRuns, type Run, type RunMetadata, scopeOf } from "./langchain-runs.ts";

/** A run that begins, as LangChain tells it. */
export interface Beginning {
  readonly runId: string;
  readonly parentRunId: string | undefined;
  readonly metadata?: RunMetadata | undefined;
  readonly runName?: string | undefined;
}

/** A run of a chain, a graph, or one of its nodes. */
export interface ChainRun extends Run {
  readonly isGraph: boolean;
  /** The agent that this run is, where it is one. */
  readonly agentName: string | undefined;
  /** What a person answered, where the run goes on with it. */
  resume?: { readonly value: unknown } | undefined;
  isInterrupted?: boolean;
}

/** A run of a tool or a retriever, and the call that it is. */
export interface ToolRun extends Run {
  readonly call: ToolCall;
}

/** A request to a model, as it was made. */
export interface ModelRun extends Run {
  readonly model: string | undefined;
  readonly provider: string | undefined;
}

/** What is known of the work that goes on: all that the callbacks share. Each part of it is bounded. */
export interface LangChainWork {
  readonly recorder: AgentRecorder;
  readonly options: LangChainAuditOptions;
  readonly chains: OpenRuns<ChainRun>;
  readonly tools: OpenRuns<ToolRun>;
  readonly models: OpenRuns<ModelRun>;
  readonly calls: AskedCalls;
  readonly approvals: Approvals;
  begin(beginning: Beginning): Run;
  durationOf(run: Run | undefined): number | undefined;
}

/** @param clock Measures durations and ages. */
export function createLangChainWork(recorder: AgentRecorder, options: LangChainAuditOptions, clock: Clock): LangChainWork {
  const runsMax = LANGCHAIN_RUNS_OPEN_MAX;
  const chains = createOpenRuns<ChainRun>({ runsMax, ageMaxMs: LANGCHAIN_CHAIN_AGE_MAX_MS }, (run) => {
    if (run.agentName === undefined) return;
    unawaited(recorder.agentInvoked(scopeOf(run), run.agentName, { status: "failure", error: endUnknown() }));
  });
  // The intent of a call that is given up is told, and its end is as well when it comes.
  const tools = createOpenRuns<ToolRun>({ runsMax });
  const models = createOpenRuns<ModelRun>({ runsMax, ageMaxMs: LANGCHAIN_MODEL_AGE_MAX_MS }, (run) => {
    const { runId: callId, model, provider } = run;
    const ending: AgentEnding = { status: "failure", error: endUnknown() };
    unawaited(recorder.modelCalled(scopeOf(run), { callId, model, provider, usage: {} }, ending));
  });
  return {
    recorder,
    options,
    chains,
    tools,
    models,
    calls: createAskedCalls(),
    approvals: createApprovals(recorder, options),
    begin(beginning) {
      const { parentRunId, metadata } = beginning;
      return beginRun(beginning, chains.get(parentRunId) ?? tools.get(parentRunId), metadata, clock.nowMs());
    },
    durationOf: (run) => (run === undefined ? undefined : Math.max(0, clock.nowMs() - run.startedMs)),
  };
}

function endUnknown(): Error {
  return errorOf("END_UNKNOWN", "LangChain has not told how this ended: the reader may have left the stream.");
}

/** Calls that models asked for: some never reach a tool (unknown tools, inputs that do not fit, refusals), and only these know their names. */
export interface AskedCalls {
  remember(run: Run, calls: readonly AskedCall[]): void;
  /** The call has begun, or it is told that it never will. @returns What is known of it. */
  begun(run: Run, callId: string): AskedCall | undefined;
  /** A call that was asked for and has not begun. */
  waiting(run: Run, callId: string): AskedCall | undefined;
}

function createAskedCalls(): AskedCalls {
  const remembered = new Map<string, AskedCall & { readonly hasBegun: boolean }>();
  // Some models number their calls anew in each response.
  const keyOf = ({ threadId, rootId }: Run, callId: string): string => JSON.stringify([threadId ?? rootId, callId]);

  return {
    remember(run, calls) {
      for (const call of calls) {
        const key = keyOf(run, call.callId);
        remembered.delete(key);
        for (const oldest of remembered.keys()) {
          if (remembered.size < LANGCHAIN_CALLS_REMEMBERED_MAX) break;
          remembered.delete(oldest);
        }
        remembered.set(key, { ...call, hasBegun: false });
      }
    },
    begun(run, callId) {
      const key = keyOf(run, callId);
      const call = remembered.get(key);
      // A call that is interrupted begins again with the same id.
      if (call !== undefined) remembered.set(key, { ...call, input: undefined, hasBegun: true });
      return call;
    },
    waiting(run, callId) {
      const call = remembered.get(keyOf(run, callId));
      return call?.hasBegun === false ? call : undefined;
    },
  };
}

/** Where a question of this run was asked. */
export function askingOf(run: Run): Asking {
  const { rootId, threadId: thread, node, agents } = run;
  return { scope: scopeOf(run), rootId, thread, asker: node ?? agents[0] ?? "langchain" };
}

/** The scope of a run that is not known any more, or never was. */
export function lateScope(runId: string): PartialScope {
  return { details: { run: runId } };
}
