import { isDeepStrictEqual } from "node:util";
import { createAgentRecorder, type PartialScope } from "../../agents/agent-recorder.ts";
import { CLAUDE_HOOK_WAIT_MS } from "../../agents/limits.ts";
import { optionValue } from "../../agents/option-value.ts";
import { unawaited } from "../../agents/unawaited.ts";
import { quietly } from "../../quietly.ts";
import { type SeenCall, seenCall } from "./claude-agent-calls.ts";
import { CLAUDE_AGENT_PLATFORM, type ClaudeAgentAuditOptions, claudeScope, clockOf } from "./claude-agent-options.ts";
import { settledWithin } from "./claude-agent-wait.ts";

/** What is read of what the framework tells a permission callback. */
export interface PermissionRequestLike {
  readonly toolUseID: string;
  readonly agentID?: string;
  readonly requestId?: string;
  readonly decisionReason?: string;
  readonly blockedPath?: string;
}

/** What is read of the answer of a permission callback. */
export interface PermissionAnswerLike {
  readonly behavior: "allow" | "deny";
  readonly message?: string;
  readonly updatedInput?: Record<string, unknown>;
  readonly decisionClassification?: string;
}

/** Who decided. */
export interface Approver {
  readonly type: "user" | "system" | "agent";
  readonly id: string;
}

export interface PermissionAuditOptions extends ClaudeAgentAuditOptions {
  /**
   * Who answers; a function is asked after each answer. Default: the user of the options where the answer says that a person gave it (`decisionClassification`), else the
   * callback itself, as `system`.
   */
  readonly approver?: Approver | ((answer: PermissionAnswerLike) => Approver | undefined);
}

/** As the framework takes it for `options.canUseTool`. */
export type PermissionCallback<Input, Request, Answer> = (toolName: string, input: Input, request: Request) => Promise<Answer>;

/** How a question ended: with an answer, or with what the callback threw. */
type Ending = { readonly answer: PermissionAnswerLike } | { readonly error: unknown };

/**
 * Records what the application's permission callback is asked and how it answers: `canUseTool: auditPermissions(canUseTool)`. What it returns and throws is passed
 * on as it is. Null says that it is answered elsewhere: then the answer is not known.
 *
 * A denial ends the call as well, because no hook tells of it. The session of a call is known from {@link auditHooks}, else from the options.
 *
 * Rules: FRAMEWORK-44, FRAMEWORK-45. Format: the types of version 0.3.330 of the SDK.
 */
export function auditPermissions<
  Input extends Record<string, unknown>,
  Request extends PermissionRequestLike,
  Answer extends PermissionAnswerLike | null,
>(
  canUseTool: PermissionCallback<Input, Request, Answer>,
  options: PermissionAuditOptions = {},
): PermissionCallback<Input, Request, Answer> {
  const recorder = createAgentRecorder(CLAUDE_AGENT_PLATFORM, options);
  const clock = clockOf(options);

  async function recordEnding(question: Question, ending: Ending, answeredAfterMs: number): Promise<void> {
    const { scope, tool, input, callId, call } = question;
    const answer = "answer" in ending ? ending.answer : undefined;
    const isApproved = answer?.behavior === "allow";
    const reason = answer === undefined ? reasonOf("error" in ending ? ending.error : undefined) : answer.message;
    const details = { ...scope.details, answeredAfterMs, ...changesOf(answer, input, options) };
    const approver = quietly(() => approverOf(answer, options)) ?? CALLBACK;
    const approval = { approvalId: callId, callId, tool, shown: input };
    const told = [
      recorder.approvalAnswered({ ...scope, details }, approval, { isApproved, approver, ...(reason === undefined ? {} : { reason }) }),
    ];
    if (!isApproved && !call.isEnded) {
      call.isEnded = true;
      told.push(recorder.toolEnded(scope, { callId, approvalId: callId, tool, input }, { status: "denied", reason }));
    }
    await Promise.all(told);
  }

  return async (tool, input, request) => {
    const question = quietly(() => questionOf(tool, input, request, options));
    const startMs = clock.nowMs();
    if (question !== undefined && !question.call.isAsked) {
      question.call.isAsked = true;
      unawaited(recorder.approvalRequested(question.scope, { approvalId: question.callId, callId: question.callId, tool, shown: input }));
    }
    const record = (ending: Ending): Promise<void> =>
      question === undefined
        ? Promise.resolve()
        : settledWithin(recordEnding(question, ending, clock.nowMs() - startMs), CLAUDE_HOOK_WAIT_MS, clock);
    let answer: Answer;
    try {
      answer = await canUseTool(tool, input, request);
    } catch (error) {
      await record({ error });
      throw error;
    }
    // Waited for: what was allowed is kept before it runs.
    if (answer !== null && typeof answer === "object") await record({ answer });
    return answer;
  };
}

const CALLBACK: Approver = { type: "system", id: "canUseTool" };

interface Question {
  readonly scope: PartialScope;
  readonly tool: string;
  readonly input: unknown;
  readonly callId: string;
  readonly call: SeenCall;
}

function questionOf(tool: string, input: unknown, request: PermissionRequestLike, options: ClaudeAgentAuditOptions): Question {
  const { toolUseID: callId, agentID, decisionReason, blockedPath } = request;
  const call = seenCall(callId);
  const { hasContent = true } = options;
  const scope: PartialScope = {
    ...claudeScope(options, call.sessionId, agentID),
    requestId: call.promptId,
    details: { decisionReason, ...(hasContent ? { blockedPath } : {}) },
  };
  return { scope, tool, input, callId, call };
}

/** What the answer changes: the input that the tool gets instead, and how the framework is to call the decision. */
function changesOf(answer: PermissionAnswerLike | undefined, input: unknown, options: ClaudeAgentAuditOptions): Record<string, unknown> {
  const { updatedInput, decisionClassification } = answer ?? {};
  const isChanged = updatedInput !== undefined && updatedInput !== input && !isDeepStrictEqual(updatedInput, input);
  return {
    ...(decisionClassification === undefined ? {} : { decisionSource: decisionClassification }),
    ...(isChanged ? { isInputChanged: true } : {}),
    ...(isChanged && options.hasContent !== false ? { updatedInput } : {}),
  };
}

function approverOf(answer: PermissionAnswerLike | undefined, { approver, userId }: PermissionAuditOptions): Approver | undefined {
  if (answer === undefined) return undefined;
  const named = typeof approver === "function" ? approver(answer) : approver;
  if (named !== undefined) return named;
  if (answer.decisionClassification?.startsWith("user_") !== true) return undefined;
  const id = optionValue(userId);
  return { type: "user", id: id ?? "unknown" };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : "The permission callback failed.";
}
