import type { AgentEnding, ModelCall, ToolCall } from "../../agents/agent-event.ts";
import type { AgentRecorder } from "../../agents/agent-recorder.ts";
import { unawaited } from "../../agents/unawaited.ts";
import type { Clock } from "../../clock.ts";
import { quietly } from "../../quietly.ts";
import type { GraphEventLike, LangChainAuditOptions, SerializedLike } from "./langchain.ts";
import type { Asking } from "./langchain-approvals.ts";
import { handoffsIn, interruptsIn, isControlFlow, readableError } from "./langchain-errors.ts";
import { answerOf, messagesOf, modelAnswerOf, promptOf, toolAnswerOf } from "./langchain-message.ts";
import { asAgentRun, type Run, scopeOf } from "./langchain-runs.ts";
import { membersOf, textOf } from "./langchain-value.ts";
import {
  askingOf,
  type Beginning,
  type ChainRun,
  createLangChainWork,
  type LangChainWork,
  lateScope,
  type ModelRun,
} from "./langchain-work.ts";

/** The name of a graph to which its application gave none. */
const UNNAMED_GRAPH = "LangGraph";
/** Places of documents that are named in the outcome of a retriever; of more only the number is told. */
const SOURCES_MAX = 100;

type Ids = Pick<Beginning, "runId" | "parentRunId">;

/** Turns what LangChain tells into what is recorded, one part for each kind of run. */
export function createLangChainTelling(recorder: AgentRecorder, options: LangChainAuditOptions, clock: Clock) {
  const work = createLangChainWork(recorder, options, clock);
  return { chains: tellChains(work), models: tellModels(work), tools: tellTools(work), graphs: tellGraphs(work) };
}

function tellChains(work: LangChainWork) {
  const { recorder, options, chains, models, calls, approvals } = work;
  /** Commands to a graph above that were told: they are thrown through every run on their way. */
  const told = new WeakSet<object>();

  /** Calls that were answered in the place of their tool: it is unknown, its input does not fit, or a person has refused. */
  function tellUnrun(run: ChainRun, outputs: unknown): void {
    for (const message of [...messagesOf(outputs)].reverse()) {
      const answer = toolAnswerOf(message);
      if (answer === undefined) return;
      const { callId = "", isError, text } = answer;
      const call = isError ? calls.waiting(run, callId) : undefined;
      if (call === undefined) continue;
      calls.begun(run, callId);
      const approvalId = approvals.decided(run.threadId, call, false);
      const reason = options.hasContent === false ? undefined : text;
      const ending: AgentEnding = approvalId === undefined ? { status: "failure", error: text } : { status: "denied", reason };
      unawaited(recorder.toolEnded(scopeOf(run), { ...call, approvalId }, ending));
    }
  }

  function end(run: ChainRun, ending: AgentEnding, isInterrupted: boolean): void {
    const { agentName, isRoot, rootId, resume } = run;
    if (resume !== undefined) approvals.resumed(resume.value, undefined, askingOf(run));
    if (isRoot) approvals.ended(rootId);
    if (agentName !== undefined) {
      const scope = scopeOf(run, isInterrupted ? { isInterrupted } : {});
      unawaited(recorder.agentInvoked(scope, agentName, ending, work.durationOf(run)));
    }
    if (isRoot) models.giveUpWithin(rootId);
  }

  return {
    started(beginning: Beginning, chain: SerializedLike, inputs: unknown): void {
      if (chains.has(beginning.runId)) return;
      const run = work.begin(beginning);
      const { isGraph, agentName } = agentOf(beginning, chain, options.agentName ?? "langchain");
      const isNamed = agentName !== undefined && agentName !== UNNAMED_GRAPH && agentName === beginning.runName;
      const open: ChainRun = { ...(isNamed ? asAgentRun(run, agentName) : run), isGraph, agentName };
      chains.add(open);
      if (!open.isRoot && !isGraph) return;
      const command = quietly(() => (membersOf(inputs)?.lg_name === "Command" ? membersOf(inputs) : undefined));
      if (command?.resume !== undefined) open.resume = { value: command.resume };
      const prompt = open.isRoot && command === undefined ? quietly(() => promptOf(inputs)) : undefined;
      if (prompt !== undefined) unawaited(recorder.prompted(scopeOf(open), prompt.text));
    },
    ended(runId: string, outputs: unknown): void {
      const run = chains.take(runId);
      if (run === undefined) return;
      quietly(() => tellUnrun(run, outputs));
      const isInterrupted = run.isInterrupted === true;
      const answer = run.isRoot && !isInterrupted ? quietly(() => answerOf(outputs)) : undefined;
      if (answer !== undefined) unawaited(recorder.answered(scopeOf(run), answer.text));
      end(run, { status: "success" }, isInterrupted);
    },
    failed(runId: string, error: unknown): void {
      const run = chains.take(runId);
      if (run === undefined) return;
      const interrupts = interruptsIn(error);
      if (interrupts !== undefined) approvals.noted(interrupts, askingOf(run));
      const thrown = membersOf(error);
      if (run.isGraph && thrown !== undefined && !told.has(thrown)) {
        told.add(thrown);
        for (const name of handoffsIn(error)) unawaited(recorder.handedOff(scopeOf(run), name));
      }
      const ending: AgentEnding = isControlFlow(error) ? { status: "success" } : { status: "failure", error: readableError(error) };
      end(run, ending, interrupts !== undefined);
    },
  };
}

/** Which agent a chain is: a graph, or the executor of older agents. A graph without a name inside of another one is a part of it. */
function agentOf(
  { parentRunId, runName }: Beginning,
  chain: SerializedLike,
  fallback: string,
): { isGraph: boolean; agentName: string | undefined } {
  const id = quietly(() => (Array.isArray(chain.id) ? chain.id.map(String) : [])) ?? [];
  const isGraph = id[0] === "langgraph" && id[1] === "pregel";
  if (!isGraph && id.at(-1) !== "AgentExecutor") return { isGraph, agentName: undefined };
  if (runName !== undefined && runName !== "" && runName !== UNNAMED_GRAPH) return { isGraph, agentName: runName };
  return { isGraph, agentName: parentRunId === undefined ? fallback : undefined };
}

function tellModels(work: LangChainWork) {
  const { recorder, models, calls } = work;

  function tell(run: ModelRun | undefined, ids: Ids, call: Omit<ModelCall, "provider">, ending: AgentEnding): void {
    const scope = run === undefined ? { ...lateScope(ids.runId), requestId: ids.parentRunId ?? ids.runId } : scopeOf(run);
    unawaited(recorder.modelCalled(scope, { ...call, provider: run?.provider }, ending, work.durationOf(run)));
  }

  return {
    started(beginning: Beginning, extraParams: unknown, prompt: unknown): void {
      if (models.has(beginning.runId)) return;
      const { metadata } = beginning;
      const asked = quietly(() => membersOf(membersOf(extraParams)?.invocation_params)) ?? {};
      const model = quietly(() => textOf(metadata?.ls_model_name) ?? textOf(asked.model) ?? textOf(asked.model_name));
      const run: ModelRun = { ...work.begin(beginning), model, provider: quietly(() => textOf(metadata?.ls_provider)) };
      models.add(run);
      const question = run.isRoot ? quietly(() => promptOf(prompt)) : undefined;
      if (question !== undefined) unawaited(recorder.prompted(scopeOf(run), question.text));
    },
    ended(ids: Ids, output: unknown, isCached: boolean): void {
      const run = models.take(ids.runId);
      const answer = quietly(() => modelAnswerOf(output));
      if (run !== undefined && answer !== undefined) calls.remember(run, answer.calls);
      // The answer of a cache has the id and the tokens of the request that filled it; so has one that is told late and was given up.
      const callId = run === undefined || isCached ? ids.runId : (answer?.responseId ?? ids.runId);
      const usage = isCached ? {} : (answer?.usage ?? {});
      tell(run, ids, { callId, model: answer?.model ?? run?.model, usage }, { status: "success" });
      if (run?.isRoot === true && answer?.calls.length === 0) unawaited(recorder.answered(scopeOf(run), answer.text));
    },
    failed(ids: Ids, error: unknown): void {
      const run = models.take(ids.runId);
      tell(run, ids, { callId: ids.runId, model: run?.model, usage: {} }, { status: "failure", error: readableError(error) });
    },
  };
}

function tellTools(work: LangChainWork) {
  const { recorder, tools, calls, approvals } = work;

  async function start(run: Run, call: ToolCall): Promise<void> {
    tools.add({ ...run, call });
    await recorder.toolStarted(scopeOf(run), call);
  }

  function end(runId: string, late: ToolCall, ending: AgentEnding): void {
    const run = tools.take(runId);
    const scope = run === undefined ? lateScope(runId) : scopeOf(run);
    unawaited(recorder.toolEnded(scope, run?.call ?? late, ending, work.durationOf(run)));
  }

  return {
    async started(beginning: Beginning, tool: SerializedLike, input: unknown, toolCallId: string | undefined): Promise<void> {
      const { runId, runName } = beginning;
      if (tools.has(runId)) return;
      const callId = textOf(toolCallId) ?? runId;
      const run = work.begin(beginning);
      const name = calls.begun(run, callId)?.tool ?? textOf(runName) ?? nameOf(tool);
      const approvalId = approvals.decided(run.threadId, { callId, tool: name }, true);
      await start(run, { callId, approvalId, tool: name, input: inputOf(input) });
    },
    ended(runId: string, output: unknown): void {
      const answer = quietly(() => toolAnswerOf(output));
      const late = { callId: answer?.callId ?? runId, tool: answer?.tool ?? "unknown" };
      if (answer?.isError === true) end(runId, late, { status: "failure", error: answer.text });
      else end(runId, late, { status: "success", result: answer === undefined ? output : quietly(() => membersOf(output)?.content) });
    },
    failed(runId: string, error: unknown): void {
      const interrupts = interruptsIn(error);
      const run = tools.get(runId);
      if (interrupts !== undefined && run !== undefined) {
        tools.take(runId);
        // The call waits for an answer: it has not ended.
        approvals.noted(interrupts, { ...askingOf(run), callId: run.call.callId, asker: run.call.tool });
        return;
      }
      const ending: AgentEnding = isControlFlow(error) ? { status: "success" } : { status: "failure", error: readableError(error) };
      end(runId, { callId: runId, tool: "unknown" }, ending);
    },
    async retrieverStarted(beginning: Beginning, retriever: SerializedLike, query: unknown): Promise<void> {
      const { runId, runName } = beginning;
      if (tools.has(runId)) return;
      await start(work.begin(beginning), { callId: runId, tool: textOf(runName) ?? nameOf(retriever), input: { query } });
    },
    retrieved(runId: string, documents: unknown): void {
      end(runId, { callId: runId, tool: "unknown" }, { status: "success", result: quietly(() => foundIn(documents)) });
    },
  };
}

function nameOf(serialized: SerializedLike): string {
  return quietly(() => textOf(serialized.name) ?? textOf(serialized.id?.at(-1))) ?? "unknown";
}

/** Inputs are objects that LangChain tells as JSON, or plain text. */
function inputOf(input: unknown): unknown {
  if (typeof input !== "string" || !input.startsWith("{")) return input === undefined ? undefined : { input };
  return quietly(() => JSON.parse(input) as unknown) ?? { input };
}

/** Which documents were found. What stands in them may be large, and the application has it. */
function foundIn(documents: unknown): { documents: number; sources: unknown[] } {
  const found: unknown[] = Array.isArray(documents) ? documents : [];
  const places = found.slice(0, SOURCES_MAX).map((document) => {
    const { id, metadata } = membersOf(document) ?? {};
    return textOf(id) ?? textOf(membersOf(metadata)?.source);
  });
  return { documents: found.length, sources: places.filter((place) => place !== undefined) };
}

function tellGraphs({ chains, approvals }: LangChainWork) {
  const askingAt = (runId = "unknown"): Asking => {
    const run = chains.get(runId);
    return run === undefined ? { scope: lateScope(runId), rootId: runId, thread: undefined, asker: "langchain" } : askingOf(run);
  };
  return {
    interrupted({ runId, checkpointId, interrupts }: GraphEventLike): void {
      const run = chains.get(runId);
      if (run !== undefined) run.isInterrupted = true;
      approvals.paused(interrupts, checkpointId, askingAt(runId));
    },
    resumed({ runId, checkpointId }: GraphEventLike): void {
      const run = chains.get(runId);
      approvals.resumed(run?.resume?.value, checkpointId, askingAt(runId));
      if (run !== undefined) run.resume = undefined;
    },
  };
}
