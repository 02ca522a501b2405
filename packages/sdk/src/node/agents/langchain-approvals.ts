import { ID_CHARS_MAX, toLeafId } from "@vouchtrail/events/leaf";
import type { AgentApproval } from "../../agents/agent-event.ts";
import type { AgentAuditOptions, AgentRecorder, PartialScope } from "../../agents/agent-recorder.ts";
import { DECISIONS_KEPT_MAX, PENDING_APPROVALS_MAX } from "../../agents/limits.ts";
import { optionValue } from "../../agents/option-value.ts";
import { unawaited } from "../../agents/unawaited.ts";
import { quietly } from "../../quietly.ts";
import { contentText } from "./langchain-message.ts";
import { type Members, membersOf, textOf } from "./langchain-value.ts";

/**
 * What a person's answer to an interrupt decides: true when what was asked for may be done, false when it may not, undefined when the answer is something else,
 * for example text that the agent asked for.
 */
export type DecisionOf = (answer: unknown) => boolean | undefined;

/** Where a question was asked. */
export interface Asking {
  readonly scope: PartialScope;
  /** The outermost run. */
  readonly rootId: string;
  /** The thread of the graph: an answer without ids is one to the oldest question of the thread. */
  readonly thread: string | undefined;
  /** The call of a tool that asked. */
  readonly callId?: string | undefined;
  /** The tool, the node or the graph that asked. */
  readonly asker: string;
}

/** The questions of interrupted graphs, and who answers them. */
export interface Approvals {
  /** Keeps who asked: the interrupt is on its way through the runs around, up to the graph that stops. Those without an id are left to that graph. */
  noted(interrupts: unknown, asking: Asking): void;
  /** A graph has stopped at a checkpoint, for these interrupts or, without any, at a breakpoint that it was given. */
  paused(interrupts: unknown, checkpointId: string, asking: Asking): void;
  /** Tells of interrupts that were noted in a piece of work that has ended, and for which no graph has stopped that says so. */
  ended(rootId: string): void;
  /**
   * A graph goes on.
   *
   * @param resume What was given to `Command({ resume })`; undefined where a graph went on without.
   */
  resumed(resume: unknown, checkpointId: string | undefined, asking: Asking): void;
  /**
   * The approval by which a call may be made, or was refused: the one that the call itself asked for, else the oldest of its tool that was decided so. Told once.
   *
   * @returns The id of the approval; undefined when nobody was asked.
   */
  decided(thread: string | undefined, call: { readonly callId?: string; readonly tool: string }, isApproved: boolean): string | undefined;
}

interface Question {
  readonly id: string;
  readonly thread: string | undefined;
  readonly approvals: readonly AgentApproval[];
}

/** Ids of interrupts are 128 bits in hexadecimal: an object with such keys answers several at once. */
const INTERRUPT_ID = /^[0-9a-f]{32}$/;
/** A breakpoint (`interruptBefore`, `interruptAfter`) asks for no tool. */
const BREAKPOINT = "breakpoint";

const APPROVING: ReadonlySet<string> = new Set([
  "true",
  "yes",
  "y",
  "ok",
  "approve",
  "approved",
  "accept",
  "accepted",
  "allow",
  "allowed",
  "edit",
]);
const REFUSING: ReadonlySet<string> = new Set(["false", "no", "n", "reject", "rejected", "deny", "denied", "ignore", "cancel", "refuse"]);

/** Nothing is thrown; what is told is not waited for. Rules: FRAMEWORK-34, FRAMEWORK-35. */
export function createApprovals(recorder: AgentRecorder, options: AgentAuditOptions & { readonly decisionOf?: DecisionOf }): Approvals {
  // All of them oldest first.
  const open = new Map<string, Question>();
  const noted = new Map<string, { readonly value: unknown; readonly asking: Asking }>();
  const decisions = new Map<string, string[]>();

  function ask(id: string, value: unknown, asking: Asking, details: Members): void {
    if (open.has(id)) return;
    const approvals = approvalsOf(id, value, asking);
    makeRoom(open);
    open.set(id, { id, thread: asking.thread, approvals });
    const scope = withDetails(asking.scope, details);
    for (const approval of approvals) unawaited(recorder.approvalRequested(scope, approval));
  }

  function askNoted(id: string): void {
    const found = noted.get(id);
    noted.delete(id);
    if (found !== undefined) ask(id, found.value, found.asking, {});
  }

  function decide(key: string, approvalId: string): void {
    const earlier = decisions.get(key) ?? [];
    makeRoom(decisions);
    decisions.set(key, [...earlier, approvalId].slice(-DECISIONS_KEPT_MAX));
  }

  function answer(question: Question, told: unknown, { scope }: Asking, details: Members): void {
    open.delete(question.id);
    const { approvals } = question;
    const each = quietly(() => membersOf(told)?.decisions);
    const isEach = approvals.length > 1 && Array.isArray(each) && each.length === approvals.length;
    for (const [position, approval] of approvals.entries()) {
      const one: unknown = isEach ? each[position] : told;
      const isApproved = quietly(() => (options.decisionOf ?? decisionOf)(one));
      if (isApproved === undefined) {
        // It is no decision: the question stays open, and the person has told the agent something.
        unawaited(recorder.prompted(withDetails(scope, { ...details, approval: approval.approvalId || undefined }), saidIn(one)));
        continue;
      }
      const reason = options.hasContent === false ? undefined : reasonIn(one);
      const approver = { type: "user" as const, id: toLeafId(quietly(() => optionValue(options.userId)) || "unknown", ID_CHARS_MAX) };
      decide(keyOf(question.thread, approval, isApproved), approval.approvalId);
      unawaited(recorder.approvalAnswered(withDetails(scope, details), approval, { isApproved, approver, reason }));
    }
  }

  return {
    noted(interrupts, asking) {
      for (const { id, value } of interruptsOf(interrupts)) {
        if (id === undefined || open.has(id) || noted.has(id)) continue;
        if (noted.size >= PENDING_APPROVALS_MAX) askNoted(noted.keys().next().value ?? "");
        noted.set(id, { value, asking });
      }
    },
    paused(interrupts, checkpointId, asking) {
      const told = interruptsOf(interrupts);
      const details = { checkpoint: checkpointId };
      if (told.length === 0) ask(checkpointId, undefined, { ...asking, asker: BREAKPOINT }, details);
      for (const [position, { id = `${checkpointId}/${position}`, value }] of told.entries()) {
        ask(id, value, noted.get(id)?.asking ?? asking, details);
        noted.delete(id);
      }
    },
    ended(rootId) {
      for (const [id, { asking }] of [...noted]) if (asking.rootId === rootId) askNoted(id);
    },
    resumed(resume, checkpointId, asking) {
      const details = { checkpoint: checkpointId };
      if (resume === undefined) {
        const breakpoint = open.get(checkpointId ?? "");
        if (breakpoint !== undefined) answer(breakpoint, true, asking, details);
        return;
      }
      const unknown = (id: string): Question => ({ id, thread: asking.thread, approvals: [{ approvalId: id, tool: asking.asker }] });
      const answers = Object.entries(membersOf(resume) ?? {});
      if (answers.length > 0 && answers.every(([id]) => INTERRUPT_ID.test(id))) {
        for (const [id, told] of answers) answer(open.get(id) ?? unknown(id), told, asking, details);
        return;
      }
      const oldest = [...open.values()].find(({ thread }) => thread === asking.thread);
      // Asked before the process began: the id is not known any more, and the checkpoint says which question it was.
      answer(oldest ?? unknown(""), resume, asking, details);
    },
    decided(thread, { callId, tool }, isApproved) {
      for (const key of [keyOf(thread, { callId, tool }, isApproved), keyOf(thread, { tool }, isApproved)]) {
        const [oldest, ...rest] = decisions.get(key) ?? [];
        if (oldest === undefined) continue;
        if (rest.length === 0) decisions.delete(key);
        else decisions.set(key, rest);
        return oldest;
      }
      return undefined;
    },
  };
}

/** Forgets the oldest, so that there is room for one more. */
function makeRoom(remembered: Map<string, unknown>): void {
  const [oldest] = remembered.keys();
  if (remembered.size >= PENDING_APPROVALS_MAX && oldest !== undefined) remembered.delete(oldest);
}

/** A call that asked itself runs again and reads the answer, whatever it is. */
function keyOf(thread: string | undefined, { callId, tool }: { callId?: string | undefined; tool: string }, isApproved: boolean): string {
  return JSON.stringify(callId === undefined ? [thread, tool, isApproved] : [thread, callId]);
}

function interruptsOf(interrupts: unknown): { readonly id: string | undefined; readonly value: unknown }[] {
  if (!Array.isArray(interrupts)) return [];
  return interrupts.map((interrupt: unknown) => ({ id: textOf(membersOf(interrupt)?.id), value: membersOf(interrupt)?.value }));
}

/**
 * What an interrupt asks for. Values of LangChain's own middleware and of the agent inbox name the calls that wait (`actionRequests`, `action_requests`,
 * `action_request`): each is a question of its own.
 */
function approvalsOf(id: string, value: unknown, { callId, asker }: Asking): AgentApproval[] {
  const requests = quietly(() => requestsOf(value)) ?? [];
  if (requests.length === 0) return [{ approvalId: id, callId, tool: asker, shown: value }];
  return requests.map((request, position) => ({
    approvalId: requests.length === 1 ? id : `${id}/${position}`,
    callId,
    tool: textOf(request.name) ?? textOf(request.action) ?? asker,
    shown: request,
  }));
}

function requestsOf(value: unknown): Members[] {
  const { actionRequests, action_requests: named } = membersOf(value) ?? {};
  const requests: unknown = actionRequests ?? named;
  const inbox: unknown[] = Array.isArray(value) ? value : [value];
  const asked: unknown[] = Array.isArray(requests) ? requests : inbox.map((member) => membersOf(member)?.action_request);
  return asked.map(membersOf).filter((request) => request !== undefined);
}

/**
 * Reads the answers that people commonly give: booleans, words such as "yes" and "reject", and objects that say so under `type`, `decision`, `approved` or
 * `decisions`, as LangChain's middleware and the agent inbox have it. Several decisions approve only together.
 */
export function decisionOf(answer: unknown): boolean | undefined {
  if (typeof answer === "boolean") return answer;
  if (typeof answer === "string") {
    const word = answer.trim().toLowerCase();
    return APPROVING.has(word) ? true : REFUSING.has(word) ? false : undefined;
  }
  const members = membersOf(answer);
  const decided: unknown = Array.isArray(answer) ? answer : members?.decisions;
  if (Array.isArray(decided)) {
    const all = decided.map((one: unknown) => (Array.isArray(one) ? undefined : singleDecision(one)));
    if (all.includes(false)) return false;
    return all.length > 0 && all.every((one) => one === true) ? true : undefined;
  }
  return singleDecision(answer);
}

function singleDecision(answer: unknown): boolean | undefined {
  const { type, decision, approved, isApproved } = membersOf(answer) ?? {};
  for (const told of [answer, approved, isApproved, decision, type])
    if (typeof told === "boolean" || typeof told === "string") {
      const isDecided = decisionOf(told);
      if (isDecided !== undefined) return isDecided;
    }
  return undefined;
}

function saidIn(answer: unknown): string | undefined {
  return quietly(() => textOf(answer) ?? contentText(answer) ?? textOf(membersOf(answer)?.args) ?? JSON.stringify(answer));
}

function reasonIn(answer: unknown): string | undefined {
  return quietly(() => {
    const members = membersOf(answer);
    const decisions = members?.decisions;
    const [only] = Array.isArray(decisions) ? (decisions as unknown[]) : [members];
    return textOf(membersOf(only)?.message) ?? textOf(membersOf(only)?.reason);
  });
}

function withDetails(scope: PartialScope, details: Members): PartialScope {
  return { ...scope, details: { ...scope.details, ...details } };
}
