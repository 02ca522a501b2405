import { type AgentAuditOptions, createAgentRecorder } from "../../agents/agent-recorder.ts";
import { type Clock, systemClock } from "../../clock.ts";
import type { DecisionOf } from "./langchain-approvals.ts";
import { createLangChainTelling } from "./langchain-telling.ts";

export type { DecisionOf } from "./langchain-approvals.ts";

/** What {@link auditCallbacks} takes. */
export interface LangChainAuditOptions extends AgentAuditOptions {
  /** Whether what a person answered to an interrupt approves; default: what commonly says yes or no does. */
  readonly decisionOf?: DecisionOf;
}

/** The serialised form of a tool, a model or a graph, as far as it is read. */
export interface SerializedLike {
  readonly id?: readonly string[];
  readonly name?: string;
}

type Metadata = Readonly<Record<string, unknown>>;
type Tags = readonly string[];

/**
 * The callbacks as `@langchain/core` calls them. Handlers of starts get the id of the run as their third argument, the others as their second.
 *
 * Source: `BaseCallbackHandler` and `CallbackManager` of `@langchain/core` 1.4, `GraphCallbackHandler` of `@langchain/langgraph` 1.7.
 */
export interface LangChainCallbacks {
  readonly name: string;
  /** An object with a name is taken as it is, so this flag counts: the intent is on its way to disk before a tool runs. */
  readonly awaitHandlers: boolean;
  readonly raiseError: boolean;
  readonly ignoreLLM: boolean;
  readonly ignoreChain: boolean;
  readonly ignoreAgent: boolean;
  readonly ignoreRetriever: boolean;
  readonly ignoreCustomEvent: boolean;
  /** The types of LangChain call the fourth argument the type of the run; it is the run above, as everywhere. */
  handleChainStart(
    chain: SerializedLike,
    inputs: unknown,
    runId: string,
    parentRunId?: string,
    tags?: Tags,
    metadata?: Metadata,
    runType?: string,
    runName?: string,
  ): void;
  handleChainEnd(outputs: unknown, runId: string): void;
  handleChainError(error: unknown, runId: string): void;
  handleLLMStart(
    model: SerializedLike,
    prompts: readonly string[],
    runId: string,
    parentRunId?: string,
    extraParams?: Metadata,
    tags?: Tags,
    metadata?: Metadata,
  ): void;
  handleChatModelStart(
    model: SerializedLike,
    messages: readonly (readonly unknown[])[],
    runId: string,
    parentRunId?: string,
    extraParams?: Metadata,
    tags?: Tags,
    metadata?: Metadata,
  ): void;
  handleLLMEnd(output: unknown, runId: string, parentRunId?: string, tags?: Tags, extraParams?: Metadata): void;
  handleLLMError(error: unknown, runId: string, parentRunId?: string, tags?: Tags, extraParams?: Metadata): void;
  handleToolStart(
    tool: SerializedLike,
    input: string,
    runId: string,
    parentRunId?: string,
    tags?: Tags,
    metadata?: Metadata,
    runName?: string,
    toolCallId?: string,
  ): Promise<void>;
  handleToolEnd(output: unknown, runId: string): void;
  handleToolError(error: unknown, runId: string): void;
  handleRetrieverStart(
    retriever: SerializedLike,
    query: string,
    runId: string,
    parentRunId?: string,
    tags?: Tags,
    metadata?: Metadata,
    name?: string,
  ): Promise<void>;
  handleRetrieverEnd(documents: readonly unknown[], runId: string): void;
  handleRetrieverError(error: unknown, runId: string): void;
  /** LangGraph: the outermost graph has stopped and waits. */
  handleInterrupt(event: GraphEventLike): void;
  /** LangGraph: a graph goes on from a checkpoint. */
  handleResume(event: GraphEventLike): void;
}

/** What LangGraph tells of a graph that stops or goes on. */
export interface GraphEventLike {
  readonly runId: string | undefined;
  readonly checkpointId: string;
  readonly interrupts?: readonly unknown[];
}

/** LangGraph calls `handleInterrupt` and `handleResume` of handlers that carry this mark. */
const GRAPH_CALLBACKS = Symbol.for("langgraph.graph_callback_handler");

/**
 * Callbacks for LangChain and LangGraph, which record what an agent does: `graph.invoke(input, { callbacks: [auditCallbacks()] })`. They can stand wherever
 * callbacks can: at an invocation, in `withConfig`, or where a model, a tool or a graph is made. Give one and the same object: two of them record everything twice.
 *
 * Nothing is ever thrown into the agent. A tool waits until its intent is recorded, which the emitter bounds; nothing else waits.
 *
 * Rules: FRAMEWORK-30 to FRAMEWORK-39.
 */
export function auditCallbacks(options: LangChainAuditOptions = {}, clock: Clock = systemClock): LangChainCallbacks {
  const telling = createLangChainTelling(createAgentRecorder("langchain", options), options, clock);
  const { chains, models, tools, graphs } = telling;
  const callbacks: LangChainCallbacks = {
    name: "vouchtrail",
    awaitHandlers: true,
    raiseError: false,
    ignoreLLM: false,
    ignoreChain: false,
    ignoreAgent: false,
    ignoreRetriever: false,
    ignoreCustomEvent: true,
    handleChainStart(chain, inputs, runId, parentRunId, _tags, metadata, _runType, runName) {
      safely(() => chains.started({ runId, parentRunId, metadata, runName }, chain, inputs));
    },
    handleChainEnd: (outputs, runId) => safely(() => chains.ended(runId, outputs)),
    handleChainError: (error, runId) => safely(() => chains.failed(runId, error)),
    handleLLMStart(_model, prompts, runId, parentRunId, extraParams, _tags, metadata) {
      safely(() => models.started({ runId, parentRunId, metadata }, extraParams, prompts[0]));
    },
    handleChatModelStart(_model, messages, runId, parentRunId, extraParams, _tags, metadata) {
      safely(() => models.started({ runId, parentRunId, metadata }, extraParams, messages[0]));
    },
    handleLLMEnd(output, runId, parentRunId, _tags, extraParams) {
      safely(() => models.ended({ runId, parentRunId }, output, extraParams?.cached === true));
    },
    handleLLMError: (error, runId, parentRunId) => safely(() => models.failed({ runId, parentRunId }, error)),
    async handleToolStart(tool, input, runId, parentRunId, _tags, metadata, runName, toolCallId) {
      await inTime(() => tools.started({ runId, parentRunId, metadata, runName }, tool, input, toolCallId));
    },
    handleToolEnd: (output, runId) => safely(() => tools.ended(runId, output)),
    handleToolError: (error, runId) => safely(() => tools.failed(runId, error)),
    async handleRetrieverStart(retriever, query, runId, parentRunId, _tags, metadata, name) {
      await inTime(() => tools.retrieverStarted({ runId, parentRunId, metadata, runName: name }, retriever, query));
    },
    handleRetrieverEnd: (documents, runId) => safely(() => tools.retrieved(runId, documents)),
    handleRetrieverError: (error, runId) => safely(() => tools.failed(runId, error)),
    handleInterrupt: (event) => safely(() => graphs.interrupted(event)),
    handleResume: (event) => safely(() => graphs.resumed(event)),
  };
  return Object.assign(callbacks, { [GRAPH_CALLBACKS]: true });
}

/** The agent goes on, whatever is wrong with what is told. */
function safely(tell: () => void): void {
  try {
    tell();
  } catch {
    // What could be read has been told; a value that throws when it is read has no more to say.
  }
}

async function inTime(tell: () => Promise<unknown>): Promise<void> {
  try {
    await tell();
  } catch {
    // An emitter that cannot be had must not stop the tool.
  }
}
