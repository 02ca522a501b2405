import type { PartialScope } from "../../agents/agent-recorder.ts";
import { AGENTS_ABOVE_MAX } from "../../agents/limits.ts";
import { quietly } from "../../quietly.ts";
import { textOf } from "./langchain-value.ts";

/** What LangChain attaches to a run; the members that are read are numbers and text, but an application may put anything there. */
export type RunMetadata = Readonly<Record<string, unknown>>;

/** A run of a chain, a model, a tool or a retriever that has begun and has not ended. */
export interface Run {
  readonly runId: string;
  /** The outermost run: the whole piece of work. */
  readonly rootId: string;
  readonly isRoot: boolean;
  /** Names of the agents that the run is part of, nearest first. */
  readonly agents: readonly string[];
  readonly sessionId: string | undefined;
  /** The thread of the graph, whose checkpoints a run goes on from. */
  readonly threadId: string | undefined;
  /** The node of the graph that the run is part of. */
  readonly node: string | undefined;
  /** By the clock that never goes back, in milliseconds. */
  readonly startedMs: number;
}

/** Runs of one kind that are open, oldest first. */
export interface OpenRuns<OpenRun extends Run> {
  get(runId: string | undefined): OpenRun | undefined;
  has(runId: string): boolean;
  add(run: OpenRun): void;
  /** The run, which is then no longer open. */
  take(runId: string): OpenRun | undefined;
  /** Gives up all that are part of this piece of work. */
  giveUpWithin(rootId: string): void;
}

/**
 * @param limits `runsMax`: the oldest run is given up for another one. `ageMaxMs`: runs older than that are given up as soon as another one begins.
 * @param giveUp Told of each run that is given up: nobody may ever say how it ended.
 */
export function createOpenRuns<OpenRun extends Run>(
  limits: { readonly runsMax: number; readonly ageMaxMs?: number },
  giveUp: (run: OpenRun) => void = () => undefined,
): OpenRuns<OpenRun> {
  const { runsMax, ageMaxMs = Number.POSITIVE_INFINITY } = limits;
  const open = new Map<string, OpenRun>();

  function drop(run: OpenRun): void {
    open.delete(run.runId);
    giveUp(run);
  }

  return {
    get: (runId) => (runId === undefined ? undefined : open.get(runId)),
    has: (runId) => open.has(runId),
    add(run) {
      for (const oldest of open.values()) {
        if (open.size < runsMax && run.startedMs - oldest.startedMs <= ageMaxMs) break;
        drop(oldest);
      }
      open.set(run.runId, run);
    },
    take(runId) {
      const run = open.get(runId);
      open.delete(runId);
      return run;
    },
    giveUpWithin(rootId) {
      for (const run of [...open.values()]) if (run.rootId === rootId) drop(run);
    },
  };
}

/**
 * A run that begins below another one, or on its own.
 *
 * @param parent The run above it, where that one is known: it is not when the callbacks were given to a part of the work only.
 */
export function beginRun(
  ids: { readonly runId: string; readonly parentRunId: string | undefined },
  parent: Run | undefined,
  metadata: RunMetadata | undefined,
  startedMs: number,
): Run {
  const { runId, parentRunId } = ids;
  return {
    runId,
    rootId: parent?.rootId ?? parentRunId ?? runId,
    isRoot: parentRunId === undefined,
    agents: parent?.agents ?? [],
    threadId: quietly(() => textOf(metadata?.thread_id)) ?? parent?.threadId,
    sessionId: quietly(() => sessionOf(metadata)) ?? parent?.sessionId,
    node: quietly(() => textOf(metadata?.langgraph_node)) ?? parent?.node,
    startedMs,
  };
}

/** The run as that of an agent. */
export function asAgentRun(run: Run, agentName: string): Run {
  return { ...run, agents: [agentName, ...run.agents].slice(0, AGENTS_ABOVE_MAX) };
}

/** Who acts in a run, for whom, and in which session. */
export function scopeOf(run: Run, details: Readonly<Record<string, unknown>> = {}): PartialScope {
  const { agents, sessionId, rootId, runId, node } = run;
  const [agentName, ...above] = agents;
  return {
    ...(agentName === undefined ? {} : { agentName }),
    onBehalfOf: above.map((id) => ({ type: "agent", id })),
    sessionId,
    requestId: rootId,
    details: { run: runId, node, ...details },
  };
}

/** What LangSmith and LangGraph call the conversation; an application that keeps a session id of its own is believed first. */
function sessionOf(metadata: RunMetadata | undefined): string | undefined {
  for (const name of ["session_id", "sessionId", "thread_id", "conversation_id"]) {
    const id = textOf(metadata?.[name]);
    if (id !== undefined) return id;
  }
  return undefined;
}
