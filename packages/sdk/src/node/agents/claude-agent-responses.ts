import { CONTEXT_ID_CHARS_MAX, toLeafId } from "@vouchtrail/events/leaf";
import type { AgentEnding, ModelCall } from "../../agents/agent-event.ts";
import { CLAUDE_RESPONSES_OPEN_MAX, CLAUDE_RESPONSES_REMEMBERED_MAX } from "../../agents/limits.ts";
import { type Members, membersAt, numberAt, textAt } from "./claude-agent-value.ts";

/** One response of the model, put together from its pieces. */
export interface ClaudeResponse {
  /** The id of the request where it is known, else that of the response: as transcripts and telemetry have it. */
  readonly callId: string;
  readonly model: string | undefined;
  readonly usage: ModelCall["usage"];
  readonly ending: AgentEnding;
  /** Undefined on the main thread. */
  readonly subagentId: string | undefined;
  readonly sessionId: string | undefined;
  readonly details: Members;
}

/** Puts responses together. */
export interface ResponseReader {
  /** A message of type `assistant` or `stream_event`. */
  read(message: Members, sessionId: string | undefined): void;
  /** No more pieces of the open responses come. */
  closeAll(): void;
}

interface OpenResponse {
  readonly messageId: string;
  readonly usage: Record<string, number>;
  readonly parentCallId: string | undefined;
  readonly sessionId: string | undefined;
  requestId: string | undefined;
  model: string | undefined;
  subagentId: string | undefined;
  stopReason: string | undefined;
  failure: { readonly kind: string; readonly message: string } | undefined;
}

/** What the agent wrote itself, such as the text of an error, names this model. */
const SYNTHETIC_MODEL = "<synthetic>";
const TOKENS = {
  tokensInput: "input_tokens",
  tokensOutput: "output_tokens",
  tokensCacheRead: "cache_read_input_tokens",
  tokensCacheWrite: "cache_creation_input_tokens",
} as const;

/**
 * A response comes as one message for each block, all with the same id and the count so far, and as stream events where the application asked for them. It is whole when
 * another one begins in its thread, when its stream says so, or when the run ends.
 *
 * @param tell Called once for each response.
 */
export function createResponseReader(tell: (response: ClaudeResponse) => void): ResponseReader {
  /** By thread: the call that started the subagent, or none. */
  const open = new Map<string, OpenResponse>();
  const told = new Set<string>();

  function openAt(thread: string, messageId: string, message: Members, sessionId: string | undefined): OpenResponse | undefined {
    const known = open.get(thread);
    if (known?.messageId === messageId) return known;
    close(thread);
    if (told.has(keyOf(messageId))) return undefined;
    const response: OpenResponse = {
      messageId,
      usage: {},
      parentCallId: textAt(message, "parent_tool_use_id"),
      sessionId,
      requestId: undefined,
      model: undefined,
      subagentId: undefined,
      stopReason: undefined,
      failure: undefined,
    };
    open.set(thread, response);
    if (open.size > CLAUDE_RESPONSES_OPEN_MAX) close(open.keys().next().value ?? thread);
    return response;
  }

  function close(thread: string): void {
    const response = open.get(thread);
    if (response === undefined) return;
    open.delete(thread);
    const key = keyOf(response.messageId);
    told.add(key);
    if (told.size > CLAUDE_RESPONSES_REMEMBERED_MAX) told.delete(told.values().next().value ?? key);
    const isSynthetic = response.model === SYNTHETIC_MODEL;
    // Text that the agent wrote itself was no request, unless it stands for one that failed.
    if (isSynthetic && response.failure === undefined) return;
    tell(wholeResponse(response, isSynthetic));
  }

  function readMessage(thread: string, message: Members, sessionId: string | undefined): void {
    const inner = membersAt(message, "message");
    const messageId = textAt(inner, "id");
    if (messageId === undefined) return;
    const response = openAt(thread, messageId, message, sessionId);
    if (response === undefined) return;
    add(response, inner);
    response.requestId ??= textAt(message, "request_id");
    response.subagentId ??= textAt(message, "agent_id");
    const kind = textAt(message, "error");
    if (kind !== undefined) response.failure = { kind, message: textOf(inner) ?? "The request to the model failed." };
    if (message.aborted === true) response.failure ??= { kind: "aborted", message: "The response was cut off before it was whole." };
  }

  function readStreamEvent(thread: string, message: Members, sessionId: string | undefined): void {
    const event = membersAt(message, "event");
    if (event?.type === "message_start") {
      const start = membersAt(event, "message");
      const messageId = textAt(start, "id");
      const response = messageId === undefined ? undefined : openAt(thread, messageId, message, sessionId);
      if (response !== undefined) add(response, start);
    } else if (event?.type === "message_delta") {
      const response = open.get(thread);
      if (response === undefined) return;
      add(response, event);
      response.stopReason = textAt(membersAt(event, "delta"), "stop_reason") ?? response.stopReason;
    } else if (event?.type === "message_stop") close(thread);
  }

  return {
    read(message, sessionId) {
      const thread = threadOf(message);
      if (message.type === "assistant") readMessage(thread, message, sessionId);
      else readStreamEvent(thread, message, sessionId);
    },
    closeAll() {
      for (const thread of [...open.keys()]) close(thread);
    },
  };
}

/** Adds what a piece says: counts grow from piece to piece, so the largest is the last. */
function add(response: OpenResponse, piece: Members | undefined): void {
  response.model ??= textAt(piece, "model");
  response.stopReason = textAt(piece, "stop_reason") ?? response.stopReason;
  const usage = membersAt(piece, "usage");
  for (const [name, wire] of Object.entries(TOKENS)) {
    const count = numberAt(usage, wire);
    if (count !== undefined) response.usage[name] = Math.max(response.usage[name] ?? 0, count);
  }
}

function wholeResponse(response: OpenResponse, isSynthetic: boolean): ClaudeResponse {
  const { messageId, requestId, model, usage, sessionId, parentCallId, subagentId, failure, stopReason } = response;
  return {
    callId: requestId ?? messageId,
    model: isSynthetic ? undefined : model,
    usage,
    ending: failure === undefined ? { status: "success" } : { status: "failure", error: named(failure) },
    // A subagent that does not say which it is: only the call that started it is known.
    subagentId: subagentId ?? (parentCallId === undefined ? undefined : "unknown"),
    sessionId,
    details: { messageId, parentCallId, stopReason },
  };
}

function named({ kind, message }: { readonly kind: string; readonly message: string }): Error {
  return Object.assign(new Error(message), { name: kind });
}

/** The text of a message that stands for an error. */
function textOf(message: Members | undefined): string | undefined {
  const content = message?.content;
  if (!Array.isArray(content)) return undefined;
  const texts = (content as readonly unknown[]).flatMap((block) => textAt(membersAt({ block }, "block"), "text") ?? []);
  return texts.length === 0 ? undefined : texts.join("\n");
}

function threadOf(message: Members): string {
  return toLeafId(textAt(message, "parent_tool_use_id") ?? "main", CONTEXT_ID_CHARS_MAX);
}

function keyOf(messageId: string): string {
  return toLeafId(messageId, CONTEXT_ID_CHARS_MAX);
}
