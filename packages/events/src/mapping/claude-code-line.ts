import { type JsonObject, TimestampSchema } from "../event.ts";
import { asObject, asText } from "./claude-code-value.ts";
import { isObject } from "./json-object.ts";

export { asAmount, asObject, asText } from "./claude-code-value.ts";

/** One message of a transcript, whether it has a line of its own or sits inside a progress line of the subagent that said it. */
export interface TranscriptMessage {
  readonly role: "user" | "assistant";
  readonly uuid: string | undefined;
  readonly parentUuid: string | undefined;
  readonly occurredAt: string | undefined;
  readonly requestId: string | undefined;
  /** The response's own id. It groups lines as `requestId` does, and is there when a proxy drops that one. */
  readonly messageId: string | undefined;
  /** Set inside a subagent. */
  readonly agentId: string | undefined;
  /** The call that started the subagent, where the line says so. */
  readonly parentCallId: string | undefined;
  readonly model: string | undefined;
  readonly usage: JsonObject | undefined;
  /** The blocks of the message; text content is one text block. */
  readonly blocks: readonly JsonObject[];
  readonly toolUseResult: unknown;
  readonly isMeta: boolean;
  readonly isCompactSummary: boolean;
  readonly isApiError: boolean;
}

/** The subagent that a line belongs to: what the line says, else what its file's name says. Undefined on the main thread. */
export function subagentOf(line: JsonObject, fileSubagentId: string | undefined): string | undefined {
  return asText(line.agentId) ?? fileSubagentId ?? (line.isSidechain === true ? "unknown" : undefined);
}

/**
 * Finds the message of a line of type user or assistant, or of a progress line of a subagent (`data.type` is `agent_progress`).
 *
 * @param fileSubagentId The subagent whose own file the line is from.
 * @returns undefined for any other line, and for one whose message is not one.
 */
export function readMessage(line: JsonObject, fileSubagentId?: string): TranscriptMessage | undefined {
  if (line.type === "progress") {
    const data = asObject(line.data);
    const inner = asObject(data?.message);
    if (data?.type !== "agent_progress" || inner === undefined) return undefined;
    return toMessage(inner, asText(data.agentId) ?? "unknown", asText(line.parentToolUseID));
  }
  return toMessage(line, subagentOf(line, fileSubagentId), undefined);
}

function toMessage(line: JsonObject, agentId: string | undefined, parentCallId: string | undefined): TranscriptMessage | undefined {
  const message = asObject(line.message);
  const role = line.type;
  if (message === undefined || (role !== "user" && role !== "assistant")) return undefined;
  const { content } = message;
  const blocks =
    typeof content === "string" ? [{ type: "text", text: content }] : Array.isArray(content) ? content.filter(isObject) : undefined;
  if (blocks === undefined) return undefined;
  return {
    role,
    uuid: asText(line.uuid),
    parentUuid: asText(line.parentUuid),
    occurredAt: asTimestamp(line.timestamp),
    requestId: asText(line.requestId),
    messageId: asText(message.id),
    agentId,
    parentCallId,
    model: asText(message.model),
    usage: asObject(message.usage),
    blocks,
    toolUseResult: line.toolUseResult,
    isMeta: line.isMeta === true,
    isCompactSummary: line.isCompactSummary === true,
    isApiError: line.isApiErrorMessage === true,
  };
}

/** The text of a message or of a tool result: a string, or the text blocks of a list joined by an empty line. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts = content.filter(isObject).flatMap((block) => (block.type === "text" && typeof block.text === "string" ? [block.text] : []));
  return texts.join("\n\n");
}

/** Text that the trail takes as a time. */
export function asTimestamp(value: unknown): string | undefined {
  return TimestampSchema.safeParse(value).success ? (value as string) : undefined;
}
