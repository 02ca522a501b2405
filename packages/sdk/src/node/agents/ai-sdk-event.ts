import type { AgentEnding, ModelCall } from "../../agents/agent-event.ts";

/** An object of the AI SDK whose members are not known yet: each is looked at before it is believed. */
export type Told = Readonly<Record<string, unknown>>;

/** Never fails: what is no object has no members. */
export function objectOf(value: unknown): Told {
  return typeof value === "object" && value !== null ? (value as Told) : {};
}

/** The objects of a list; none where there is no list. */
export function listOf(value: unknown): readonly Told[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

/** A text that is there and not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A finite number. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Tokens as the AI SDK counts them: the cached ones are part of the input. Embeddings have one number. */
export function usageOf(value: unknown): ModelCall["usage"] {
  const usage = objectOf(value);
  const details = objectOf(usage.inputTokenDetails);
  return {
    tokensInput: numberOf(usage.inputTokens) ?? numberOf(usage.tokens),
    tokensOutput: numberOf(usage.outputTokens),
    tokensCacheRead: numberOf(details.cacheReadTokens),
    tokensCacheWrite: numberOf(details.cacheWriteTokens),
  };
}

/** The text of a message: its text parts, one after the other. */
export function messageText({ content }: Told): string | undefined {
  if (typeof content === "string") return textOf(content);
  return textOf(
    listOf(content)
      .map(({ type, text }) => (type === "text" && typeof text === "string" ? text : ""))
      .join(""),
  );
}

/** How a tool ended; undefined where the application hides it from telemetry. */
export function endingOfTool(value: unknown): AgentEnding | undefined {
  const { type, output, error } = objectOf(value);
  if (type === "tool-result") return { status: "success", result: output };
  return type === "tool-error" ? { status: "failure", error } : undefined;
}

/** The result of a tool in a message of the conversation. */
export function endingOfMessage(value: unknown): AgentEnding {
  const { type, value: result, reason } = objectOf(value);
  if (type === "execution-denied") return { status: "denied", reason: textOf(reason) };
  if (type === "error-text" || type === "error-json") return { status: "failure", error: result };
  return { status: "success", result };
}

/** Why a run was aborted, as an error: a signal may be aborted with anything. */
export function abortError(reason: unknown): Error {
  if (reason instanceof Error) return reason;
  return Object.assign(new Error(typeof reason === "string" ? reason : "The run was aborted."), { name: "AbortError" });
}

/** An answer to the question whether a tool may be called, with the call that waits for it. */
export interface ToldApproval {
  readonly approvalId: string;
  readonly toolCall: Told;
  readonly isApproved: boolean;
  readonly reason: string | undefined;
}

/**
 * The answers that a run begins with: like the AI SDK, only those of the last message, and only those to a question that the messages hold. Earlier ones were
 * acted upon by earlier runs.
 */
export function approvalsOf(messages: readonly Told[]): ToldApproval[] {
  const answers = lastToolParts(messages).filter(({ type }) => type === "tool-approval-response");
  if (answers.length === 0) return [];
  const calls = new Map<unknown, Told>();
  const questions = new Map<unknown, unknown>();
  for (const { role, content } of messages) {
    if (role !== "assistant") continue;
    for (const part of listOf(content)) {
      if (part.type === "tool-call") calls.set(part.toolCallId, part);
      if (part.type === "tool-approval-request") questions.set(part.approvalId, part.toolCallId);
    }
  }
  return answers.flatMap(({ approvalId, approved, reason }) => {
    const toolCall = calls.get(questions.get(approvalId));
    if (typeof approvalId !== "string" || toolCall === undefined) return [];
    return [{ approvalId, toolCall, isApproved: approved === true, reason: textOf(reason) }];
  });
}

/** Parts of the last message, where tools or those who answer for them have the last word. */
export function lastToolParts(messages: readonly Told[]): readonly Told[] {
  const last = messages.at(-1);
  return last?.role === "tool" ? listOf(last.content) : [];
}
