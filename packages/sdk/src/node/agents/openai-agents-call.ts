import type { AgentEnding, ModelCall, ToolCall } from "../../agents/agent-event.ts";
import { MODEL_CALL_ARGUMENTS_CHARS_MAX, MODEL_CALLS_KEPT_MAX } from "../../agents/limits.ts";
import type { ModelResponseLike, SpanLike, ToolCallLike } from "./openai-agents-shapes.ts";

/** A call that a model asked for and no function span has been found for yet. */
export interface AskedCall {
  readonly callId: string;
  readonly tool: string;
  /** Undefined where they are not known or too long to be kept. */
  readonly argumentsText: string | undefined;
}

/** What the framework answers for a tool that threw, unless it is told otherwise. */
const DEFAULT_FAILURE_TEXT = "An error occurred while running the tool. Please try again.";
/** What the framework answers for a tool that was cancelled. */
const ABORTED_TEXT = "aborted";
/** Id of a response of the Chat Completions API whose stream did not tell one. */
const NO_RESPONSE_ID = "FAKE_ID";
const REJECTION = /^Tool execution for (.+) was manually rejected by user\.$/s;
const TOOL_GUARDRAIL = /Tool (?:input|output) guardrail triggered: /;

/** @param tool Its name, where the call does not tell it. */
export function toolCallOf(toolCall: ToolCallLike, tool: string | undefined): ToolCall {
  const { name, type, callId, id, arguments: argumentsText, action, actions, operation } = toolCall;
  const input = argumentsText === undefined ? (action ?? actions ?? operation) : parsedJson(argumentsText);
  return { callId: callId ?? id ?? "unknown", tool: tool ?? name ?? type ?? "unknown", ...(input === undefined ? {} : { input }) };
}

/** JSON of an object or a list as what it is; any other text as text. */
export function parsedJson(text: unknown): unknown {
  if (typeof text !== "string" || !/^\s*[{[]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** How a call ended, as far as its result tells: the framework hands the text of a failure to the model like a result. */
export function endingOfResult(result: unknown): AgentEnding {
  if (result === DEFAULT_FAILURE_TEXT || result === ABORTED_TEXT) return { status: "failure", error: result };
  return { status: "success", ...(result === undefined || result === "" ? {} : { result: parsedJson(result) }) };
}

/** How a call ended, as its function span tells. */
export function endingOfFunction({ error, spanData }: SpanLike, result: unknown): AgentEnding {
  if (error === null) return endingOfResult(result ?? spanData.output);
  const told = errorTextOf(error);
  return rejectedCallIdOf(error) !== undefined || TOOL_GUARDRAIL.test(told)
    ? { status: "denied", reason: told }
    : { status: "failure", error: told };
}

/** How any other span ended. */
export function endingOfSpan({ error }: SpanLike): AgentEnding {
  return error === null ? { status: "success" } : { status: "failure", error: errorTextOf(error) };
}

/** Id of the call that a person rejected, if that is what the error says. */
export function rejectedCallIdOf(error: SpanLike["error"]): string | undefined {
  const told = error?.data?.error;
  return typeof told === "string" ? REJECTION.exec(told)?.[1] : undefined;
}

function errorTextOf({ message, data }: NonNullable<SpanLike["error"]>): string {
  const told = data?.error;
  return typeof told === "string" && told !== "" ? told : message;
}

/** Milliseconds between the span's own times; undefined where one is missing. */
export function durationOf({ startedAt, endedAt }: SpanLike): number | undefined {
  if (startedAt === null || endedAt === null) return undefined;
  const durationMs = Date.parse(endedAt) - Date.parse(startedAt);
  return durationMs >= 0 ? durationMs : undefined;
}

/** A request to a model, as a generation or response span tells it. */
export function modelCallOf(span: SpanLike): ModelCall {
  const { spanData, spanId } = span;
  const response = spanData.type === "response" ? recordOf(spanData._response) : recordOf(listOf(spanData.output)[0]);
  const model = textOf(spanData.model) ?? textOf(response.model);
  return {
    callId: textOf(spanData.response_id) ?? (response.id === NO_RESPONSE_ID ? undefined : textOf(response.id)) ?? spanId,
    model,
    usage: usageOf(spanData.usage ?? response.usage),
  };
}

/** Tokens as traces and the providers name them. */
export function usageOf(told: unknown): ModelCall["usage"] {
  const usage = recordOf(told);
  const input = recordOf(usage.input_tokens_details ?? usage.prompt_tokens_details ?? usage.details);
  return countsOf({
    tokensInput: usage.input_tokens ?? usage.prompt_tokens,
    tokensOutput: usage.output_tokens ?? usage.completion_tokens,
    tokensCacheRead: usage.cached_input_tokens ?? input.cached_tokens,
    tokensCacheWrite: usage.cache_write_input_tokens ?? input.cache_write_tokens,
  });
}

/** A request to a model, as the result of a run tells it. */
export function modelCallOfResponse({ responseId, usage }: ModelResponseLike, fallbackId: string): ModelCall {
  const sum = (name: string): number | undefined => {
    const counts = (usage?.inputTokensDetails ?? []).map((details) => details[name]).filter((count) => typeof count === "number");
    return counts.length === 0 ? undefined : counts.reduce((total, count) => total + count, 0);
  };
  return {
    callId: responseId ?? fallbackId,
    model: undefined,
    usage: countsOf({
      tokensInput: usage?.inputTokens,
      tokensOutput: usage?.outputTokens,
      tokensCacheRead: sum("cached_tokens"),
      tokensCacheWrite: sum("cache_write_tokens"),
    }),
  };
}

function countsOf(
  told: Readonly<Record<"tokensInput" | "tokensOutput" | "tokensCacheRead" | "tokensCacheWrite", unknown>>,
): ModelCall["usage"] {
  return Object.fromEntries(Object.entries(told).filter(([, count]) => typeof count === "number"));
}

/** The calls of functions that a model asks for in what it answered, at most {@link MODEL_CALLS_KEPT_MAX}. */
export function askedCallsOf({ spanData }: SpanLike): AskedCall[] {
  const items =
    spanData.type === "response"
      ? listOf(recordOf(spanData._response).output)
      : listOf(spanData.output).flatMap((answer) => [answer, ...listOf(recordOf(answer).output), ...chatCallsOf(answer)]);
  return items.flatMap((item) => askedCallOf(recordOf(item)) ?? []).slice(0, MODEL_CALLS_KEPT_MAX);
}

/** Calls in an answer of the Chat Completions API. */
function chatCallsOf(answer: unknown): unknown[] {
  const messages = listOf(recordOf(answer).choices).map((choice) => recordOf(recordOf(choice).message));
  return messages.flatMap((message) => listOf(message.tool_calls));
}

function askedCallOf(item: Readonly<Record<string, unknown>>): AskedCall | undefined {
  const isChat = item.type === "function";
  if (!isChat && item.type !== "function_call") return undefined;
  const called = isChat ? recordOf(item.function) : item;
  const callId = textOf(item.call_id) ?? textOf(item.callId) ?? textOf(item.id);
  const tool = textOf(called.name);
  if (callId === undefined || tool === undefined) return undefined;
  const text = textOf(called.arguments);
  return { callId, tool, argumentsText: text !== undefined && text.length <= MODEL_CALL_ARGUMENTS_CHARS_MAX ? text : undefined };
}

/** Takes the call that a function span measures out of those that were asked for. Twins, with one name and one input, are taken in their order. */
export function takeAskedCall(asked: AskedCall[], span: SpanLike, onlyIfAlone = false): AskedCall | undefined {
  const matches = asked.filter((call) => isCallOf(call, span));
  const [first] = matches;
  if (first === undefined || (onlyIfAlone && matches.length > 1)) return undefined;
  asked.splice(asked.indexOf(first), 1);
  return first;
}

function isCallOf({ tool, argumentsText }: AskedCall, { spanData }: SpanLike): boolean {
  const name = textOf(spanData.name);
  // A tool of a namespace is called by its own name and traced by its full one.
  if (name !== tool && !name?.endsWith(`.${tool}`)) return false;
  const input = textOf(spanData.input);
  return input === undefined || argumentsText === undefined || input === argumentsText;
}

/** An object or a list as one; anything else as an empty one. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** A list as one; anything else as an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Text that says something. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
