import { CONTEXT_ID_CHARS_MAX, toLeafId } from "@vouchtrail/events/leaf";
import type { AgentApproval, AgentEnding, ToolCall } from "../../agents/agent-event.ts";
import {
  approvalsOf,
  endingOfMessage,
  endingOfTool,
  lastToolParts,
  listOf,
  numberOf,
  objectOf,
  type Told,
  textOf,
} from "./ai-sdk-event.ts";
import type { AiSdkRun } from "./ai-sdk-runs.ts";
import { AI_SDK_PLATFORM, type AiSdkTeller } from "./ai-sdk-teller.ts";

/** Tells of tools: calls that the AI SDK makes, those that others make, and the questions whether they may be made. */
export interface AiSdkTools {
  /** @returns Resolves when the intent is recorded. */
  started(run: AiSdkRun, event: Told): Promise<void>;
  ended(run: AiSdkRun, event: Told): Promise<void>;
  /** What a finished step holds of tools that the AI SDK did not execute: those of the provider, those of the client, refused and waiting ones. */
  stepped(run: AiSdkRun, content: unknown): void;
  /** What the messages that a run begins with say about calls of earlier runs. */
  continued(run: AiSdkRun, messages: readonly Told[]): void;
}

export function createAiSdkTools(teller: AiSdkTeller): AiSdkTools {
  const executed = (run: AiSdkRun, callId: string, moment: string): string => `${run.id}/${run.step}/tool/${keyOf(callId)}/${moment}`;
  /** The provider may answer in a later step, or run. */
  const provided = (callId: string, moment: string): string => `provider/${keyOf(callId)}/${moment}`;
  /** The client answers in another run. */
  const left = (callId: string): string => `client/${keyOf(callId)}`;

  function tellStart(run: AiSdkRun, call: ToolCall, fact: string): Promise<void> {
    return teller.tell(run, fact, (recorder) => recorder.toolStarted(run.scope, call));
  }

  function tellEnd(run: AiSdkRun, call: ToolCall, ending: AgentEnding, fact: string, durationMs?: number): Promise<void> {
    return teller.tell(run, fact, (recorder) => recorder.toolEnded(run.scope, call, ending, durationMs));
  }

  function tellAnswer(run: AiSdkRun, approval: AgentApproval, isApproved: boolean, reason: string | undefined, isAutomatic: boolean): void {
    const approver = isAutomatic
      ? { type: "system" as const, id: AI_SDK_PLATFORM }
      : { type: "user" as const, id: toLeafId(teller.userOf(run) ?? "unknown", CONTEXT_ID_CHARS_MAX) };
    void teller.tell(run, `approval/${keyOf(approval.approvalId)}/answered`, (recorder) =>
      recorder.approvalAnswered(run.scope, approval, { isApproved, approver, reason }),
    );
  }

  function tellDenial(run: AiSdkRun, call: ToolCall, reason: string | undefined): void {
    void tellEnd(run, call, { status: "denied", reason }, `${run.id}/denied/${keyOf(call.callId)}`);
  }

  /** A call in a step: who executes it is told by its marks, and by what else the step holds of it. */
  function tellCall(run: AiSdkRun, part: Told, asked: ReadonlySet<unknown>): void {
    const call = callOf(part);
    if (part.invalid === true) {
      void tellEnd(run, call, { status: "failure", error: part.error }, `${run.id}/refused/${keyOf(call.callId)}`);
    } else if (asked.has(part.toolCallId)) {
      // It waits for an answer, and has not begun.
    } else if (part.providerExecuted === true) {
      void tellStart(run, call, provided(call.callId, "start"));
    } else if (!teller.runs().isTold(executed(run, call.callId, "start"))) {
      void tellStart(run, call, left(call.callId));
    }
  }

  return {
    started(run, event) {
      const call = callOf(objectOf(event.toolCall));
      return tellStart(run, call, executed(run, call.callId, "start"));
    },
    async ended(run, event) {
      const call = callOf(objectOf(event.toolCall));
      const ending = endingOfTool(event.toolOutput);
      // Nothing says whether it succeeded: the intent stands alone, which is what is known.
      if (ending === undefined) return;
      await tellEnd(run, call, ending, executed(run, call.callId, "end"), numberOf(event.toolExecutionMs));
    },
    stepped(run, content) {
      const parts = listOf(content);
      const questions = parts.filter(({ type }) => type === "tool-approval-request");
      const asked = new Set(questions.map(({ toolCall }) => objectOf(toolCall).toolCallId));
      for (const part of parts) {
        if (part.type === "tool-call") tellCall(run, part, asked);
        const ending = part.providerExecuted === true ? endingOfTool(part) : undefined;
        if (ending !== undefined) {
          const call = callOf(part);
          // Of a call that waited for an answer nothing else has told that it began.
          void tellStart(run, call, provided(call.callId, "start"));
          void tellEnd(run, call, ending, provided(call.callId, "end"));
        }
      }
      const automatic = new Set(questions.filter(({ isAutomatic }) => isAutomatic === true).map(({ approvalId }) => approvalId));
      for (const { approvalId, toolCall } of questions) {
        const approval = approvalOf(approvalId, objectOf(toolCall));
        void teller.tell(run, `approval/${keyOf(approval.approvalId)}/asked`, (recorder) =>
          recorder.approvalRequested(run.scope, approval),
        );
      }
      for (const { type, approvalId, toolCall, approved, reason } of parts) {
        if (type !== "tool-approval-response") continue;
        const call = objectOf(toolCall);
        tellAnswer(run, approvalOf(approvalId, call), approved === true, textOf(reason), automatic.has(approvalId));
        if (approved !== true) tellDenial(run, callOf(call), textOf(reason));
      }
    },
    continued(run, messages) {
      for (const { approvalId, toolCall, isApproved, reason } of approvalsOf(messages)) {
        tellAnswer(run, approvalOf(approvalId, toolCall), isApproved, reason, false);
        if (!isApproved) tellDenial(run, callOf(toolCall), reason);
      }
      for (const part of lastToolParts(messages)) {
        const call = callOf(part);
        // Only of calls that were left to the client: the other results are told where they are made.
        if (part.type !== "tool-result" || !teller.runs().isTold(left(call.callId))) continue;
        void tellEnd(run, call, endingOfMessage(part.output), `${left(call.callId)}/end`);
      }
    },
  };
}

function callOf({ toolCallId, toolName, input }: Told): ToolCall {
  return { callId: textOf(toolCallId) ?? "unknown", tool: textOf(toolName) ?? "unknown", input };
}

function approvalOf(approvalId: unknown, toolCall: Told): AgentApproval {
  const { callId, tool, input } = callOf(toolCall);
  return { approvalId: textOf(approvalId) ?? callId, callId, tool, shown: input };
}

/** Ids come from models and clients: a key that is remembered is never longer than an id of an event. */
function keyOf(id: string): string {
  return toLeafId(id, CONTEXT_ID_CHARS_MAX);
}
