import { randomUUID } from "node:crypto";
import type { AgentApproval, AgentEnding } from "../../agents/agent-event.ts";
import { type AgentAuditOptions, type AgentRecorder, createAgentRecorder, type PartialScope } from "../../agents/agent-recorder.ts";
import { optionValue } from "../../agents/option-value.ts";
import { type Clock, systemClock } from "../../clock.ts";
import { endingOfResult, modelCallOfResponse, toolCallOf } from "./openai-agents-call.ts";
import { type AuditedRun, auditedRuns, currentTrace, PLATFORM, record, scopeOfTrace } from "./openai-agents-run.ts";
import type { AgentLike, ApprovalItemLike, RunnerLike, RunResultLike, RunStateLike, ToolCallLike } from "./openai-agents-shapes.ts";
import { createToolIntents } from "./openai-agents-tool-intents.ts";

/** Options of {@link auditRunner}. */
export interface AuditRunnerOptions extends AgentAuditOptions {
  /** Measures what no span measures; default: the clock of the process. */
  readonly clock?: Clock;
}

type Run = (...parameters: unknown[]) => Promise<unknown>;
type On = (type: string, listener: (...told: never[]) => void) => unknown;

/**
 * Records what happens in the runs of a `Runner`, by its hooks and around its `run`: the prompt, calls of tools with the provider's own call id before they begin, how they ended, approvals asked
 * for and given, handoffs, the answer. With `auditTracing` beside it each thing is told once: the spans tell how calls ended, the requests to models and the agents. Without it, or with
 * tracing disabled, this tells them as far as hooks and results know.
 *
 * `run` answers, throws and streams as before. Nothing is thrown.
 *
 * @returns Takes all of it off again. Rule: FRAMEWORK-21.
 */
export function auditRunner(runner: RunnerLike, options: AuditRunnerOptions = {}): () => void {
  const { clock = systemClock } = options;
  const recorder = createAgentRecorder(PLATFORM, options);
  const intents = createToolIntents(recorder, options);
  const startedMs = new WeakMap<object, number>();
  const asked = new WeakSet<object>();

  const tell = (what: (recorder: AgentRecorder) => Promise<unknown> | undefined): void => void record(recorder, what);
  const scopeOf = (agent?: AgentLike): PartialScope => ({
    ...scopeOfTrace(currentTrace().trace, auditedRuns.getStore(), options.sessionId),
    ...(agent === undefined ? {} : { agentName: agent.name }),
  });

  const hooks: Readonly<Record<string, (...told: never[]) => void>> = {
    agent_start: (_context: unknown, agent: AgentLike) => {
      const run = auditedRuns.getStore();
      if (run === undefined) return;
      run.trace ??= currentTrace().trace;
      tellPrompt(run, agent);
    },
    agent_tool_start: (_context: unknown, agent: AgentLike, tool: { name?: string }, { toolCall }: { toolCall: ToolCallLike }) => {
      startedMs.set(toolCall, clock.nowMs());
      void intents.tell(agent, toolCall, tool.name);
    },
    agent_tool_end: (
      _context: unknown,
      agent: AgentLike,
      tool: { name?: string },
      result: unknown,
      { toolCall }: { toolCall: ToolCallLike },
    ) => {
      const started = startedMs.get(toolCall);
      if (intents.isEndTold(toolCall, tool.name, result)) return;
      const durationMs = started === undefined ? undefined : Math.round(clock.nowMs() - started);
      tell((to) => to.toolEnded(scopeOf(agent), toolCallOf(toolCall, tool.name), endingOfResult(result), durationMs));
    },
    agent_handoff: (_context: unknown, from: AgentLike, to: AgentLike) => {
      // The span of the handoff tells it.
      if (auditedRuns.getStore()?.isTraced !== true) tell((told) => told.handedOff(scopeOf(from), to.name));
    },
    agent_end: (_context: unknown, agent: AgentLike, output: unknown) => {
      tell((to) => to.answered(scopeOf(agent), typeof output === "string" ? output : undefined));
    },
  };
  const listeners = Object.entries(hooks).map(([type, hook]) => [type, guarded(hook)] as const);
  for (const [type, listener] of listeners) (runner.on as On).call(runner, type, listener);

  const original = runner.run as Run;
  const hadOwn = Object.hasOwn(runner, "run");
  const audited: Run = async function (this: unknown, ...parameters) {
    const isNested = auditedRuns.getStore() !== undefined;
    const run = runOf(runner, parameters[2]);
    return auditedRuns.run(run, async () => {
      const [agent, input] = parameters as [AgentLike | undefined, unknown];
      const state = stateOf(input);
      const responsesBefore = state?._modelResponses?.length ?? 0;
      const beganMs = clock.nowMs();
      const finish = guarded((result: RunResultLike | undefined, ending: AgentEnding) => {
        tellPrompt(run, agent);
        tellInterruptions(result?.interruptions ?? []);
        if (run.isTraced && (run.hasToldTokens || hasTurnSpans(runner, parameters[2]))) return;
        tellUntraced(run, result, responsesBefore, agent, ending, Math.round(clock.nowMs() - beganMs));
      });
      guarded(() => {
        if (state !== undefined) tellAnswers(state, run);
        // An agent that is run by a tool of another is asked by that agent, not by a person.
        else if (!isNested) run.prompt = { text: promptOf(input) };
      })();
      try {
        const result = await original.apply(runner, parameters);
        const { completed } = (result ?? {}) as RunResultLike;
        if (typeof completed?.then !== "function") finish(result as RunResultLike, SUCCESS);
        else {
          completed.then(
            () => finish(result as RunResultLike, SUCCESS),
            (error: unknown) => finish(result as RunResultLike, { status: "failure", error }),
          );
        }
        return result;
      } catch (error) {
        finish(resultOfError(error), { status: "failure", error });
        throw error;
      }
    });
  };
  (runner as { run: unknown }).run = audited;

  /** Not before there is a trace, which may tell the session. */
  function tellPrompt(run: AuditedRun, agent: AgentLike | undefined): void {
    const { prompt } = run;
    run.prompt = undefined;
    if (prompt !== undefined) tell((to) => to.prompted(scopeOf(agent), prompt.text));
  }

  function tellInterruptions(items: readonly ApprovalItemLike[]): void {
    for (const item of items) {
      if (asked.has(item.rawItem)) continue;
      asked.add(item.rawItem);
      tell((to) => to.approvalRequested(scopeOf(item.agent), approvalOf(item)));
    }
  }

  /** What was decided while the run stood still. The call of what was rejected ends here: it never begins. */
  function tellAnswers(state: RunStateLike, run: AuditedRun): void {
    run.trace = state._trace ?? undefined;
    for (const item of state.getInterruptions()) {
      const approval = approvalOf(item);
      const isApproved = state._context?.isToolApproved({ toolName: approval.tool, callId: approval.approvalId });
      if (isApproved === undefined) continue;
      const scope = scopeOf(item.agent);
      const approver = { type: "user", id: optionValue(options.userId) ?? "unknown" } as const;
      tell((to) => to.approvalAnswered(scope, approval, { isApproved, approver }));
      if (isApproved) continue;
      const call = toolCallOf(item.rawItem, approval.tool);
      run.denied.push({ ...call, argumentsText: item.rawItem.arguments });
      tell((to) => to.toolEnded(scope, call, { status: "denied" }));
    }
  }

  function tellUntraced(
    run: AuditedRun,
    result: RunResultLike | undefined,
    responsesBefore: number,
    agent: AgentLike | undefined,
    ending: AgentEnding,
    durationMs: number,
  ): void {
    const scope = scopeOf(result?.lastAgent ?? agent);
    for (const [index, response] of (result?.rawResponses ?? []).slice(responsesBefore).entries()) {
      const call = modelCallOfResponse(response, `${run.runId}:${responsesBefore + index}`);
      tell((to) => to.modelCalled(scope, call, SUCCESS));
    }
    if (!run.isTraced && agent !== undefined) tell((to) => to.agentInvoked(scopeOf(agent), agent.name, ending, durationMs));
  }

  return () => {
    for (const [type, listener] of listeners) (runner.off as On).call(runner, type, listener);
    if (runner.run !== audited) return;
    if (hadOwn) (runner as { run: unknown }).run = original;
    else delete (runner as { run?: unknown }).run;
  };
}

const SUCCESS: AgentEnding = { status: "success" };

function runOf(runner: RunnerLike, told: unknown): AuditedRun {
  const { conversationId } = (told ?? {}) as { conversationId?: string };
  return {
    runId: randomUUID(),
    groupId: runner.config?.groupId,
    conversationId,
    denied: [],
    isTraced: false,
    hasToldTokens: false,
    trace: undefined,
    prompt: undefined,
  };
}

/** The framework puts the state of the run into its errors. */
function resultOfError(error: unknown): RunResultLike | undefined {
  const state = (error as { readonly state?: RunStateLike } | undefined)?.state;
  return state === undefined ? undefined : { rawResponses: state._modelResponses ?? [] };
}

/** Whether spans tell the tokens of each turn, whatever spans the model makes. */
function hasTurnSpans({ config }: RunnerLike, told: unknown): boolean {
  const { tracing } = (told ?? {}) as NonNullable<RunnerLike["config"]>;
  return (tracing?.includeTaskAndTurnSpans ?? config?.tracing?.includeTaskAndTurnSpans) !== false;
}

function stateOf(input: unknown): RunStateLike | undefined {
  return typeof (input as Partial<RunStateLike> | undefined)?.getInterruptions === "function" ? (input as RunStateLike) : undefined;
}

function approvalOf({ rawItem, toolName, name, arguments: shown }: ApprovalItemLike): AgentApproval {
  const { callId, tool, input } = toolCallOf(rawItem, toolName ?? name);
  return { approvalId: callId, callId, tool, shown: input ?? shown };
}

/** The text that a person asked last. */
function promptOf(input: unknown): string | undefined {
  if (typeof input === "string") return input;
  if (!Array.isArray(input)) return undefined;
  const { content } = (input as readonly { role?: string; content?: unknown }[]).findLast(({ role }) => role === "user") ?? {};
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  return (content as readonly { text?: unknown }[]).flatMap(({ text }) => (typeof text === "string" ? text : [])).join("\n");
}

/** A listener that throws would end the agent's run. */
function guarded<Told extends unknown[]>(listener: (...told: Told) => void): (...told: Told) => void {
  return (...told) => {
    try {
      listener(...told);
    } catch {
      // What this version of the framework hands over cannot be read.
    }
  };
}
