import type { JsonObject } from "@vouchtrail/events";

/** The id of a JSON-RPC request. Anything else is no id that an answer could name. */
export type MessageId = string | number;

export interface RequestMessage {
  readonly kind: "request";
  readonly id: MessageId;
  readonly method: string;
  readonly params: JsonObject;
}

export interface NoticeMessage {
  readonly kind: "notification";
  readonly method: string;
  readonly params: JsonObject;
}

export interface ResponseMessage {
  readonly kind: "response";
  readonly id: MessageId;
  readonly result?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly data?: unknown };
}

/** A JSON-RPC message, as leniently as it can be told apart. */
export type Message = RequestMessage | NoticeMessage | ResponseMessage;

/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads one line, one body or one `data:` of a stream. Several messages come from a batch, which revisions before 2025-06-18 knew.
 *
 * @returns undefined when the text is no JSON, or holds something that is no message.
 */
export function readMessages(text: string): readonly Message[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const messages = (Array.isArray(value) ? value : [value]).map(messageOf);
  return messages.includes(undefined) ? undefined : (messages as Message[]);
}

function messageOf(value: unknown): Message | undefined {
  if (!isObject(value)) return undefined;
  const { id, method, params } = value;
  const isId = typeof id === "string" || typeof id === "number";
  if (typeof method === "string") {
    const members = isObject(params) ? params : {};
    return isId ? { kind: "request", id, method, params: members } : { kind: "notification", method, params: members };
  }
  // An answer to something that could not be read names no request: it is a message, and belongs to none.
  if (!("result" in value) && !("error" in value)) return undefined;
  return {
    kind: "response",
    id: isId ? id : "",
    ...("error" in value ? { error: isObject(value.error) ? value.error : {} } : { result: value.result }),
  };
}

/** The key under which an answer finds its request: `1` and `"1"` are two ids. */
export function idKey(id: MessageId): string {
  return JSON.stringify(id);
}
