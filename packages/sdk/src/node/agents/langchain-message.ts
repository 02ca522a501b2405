import type { ModelCall } from "../../agents/agent-event.ts";
import { type Members, membersOf, textOf } from "./langchain-value.ts";

/** A call that a model asked for. */
export interface AskedCall {
  readonly callId: string;
  readonly tool: string;
  readonly input: unknown;
}

type Role = "human" | "ai" | "tool" | "other";

const ROLES: ReadonlyMap<string, Role> = new Map([
  ["human", "human"],
  ["user", "human"],
  ["ai", "ai"],
  ["assistant", "ai"],
  ["tool", "tool"],
]);

/** Whose message it is. Messages are objects of a class, `{ role, content }`, or pairs; bare text among messages is a person's. */
function roleOf(message: unknown): Role {
  if (typeof message === "string") return "human";
  if (Array.isArray(message)) return ROLES.get(String(message[0])) ?? "other";
  const members = membersOf(message);
  const getType = members?.getType ?? members?._getType;
  const type = typeof getType === "function" ? (getType.call(message) as unknown) : (members?.role ?? members?.type);
  return ROLES.get(String(type)) ?? "other";
}

/** The text of a message, or of its content; parts that are no text (images, files) are left out. */
export function contentText(message: unknown): string | undefined {
  if (typeof message === "string") return message;
  if (Array.isArray(message)) return contentText({ content: message[1] });
  const content = membersOf(message)?.content;
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  const parts = content.map((part: unknown) => (typeof part === "string" ? part : membersOf(part)?.text));
  const texts = parts.filter((part) => typeof part === "string");
  return texts.length === 0 ? undefined : texts.join("");
}

/** Messages that stand in what a run takes or gives: on its own, in an array, or under `messages`, also of a command. */
export function messagesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap((member: unknown) => (isMessage(member) ? [member] : heldMessages(member)));
  return isMessage(value) ? [value] : heldMessages(value);
}

function heldMessages(value: unknown): readonly unknown[] {
  const members = membersOf(value);
  const held = members?.messages ?? members?.output ?? members?.input ?? membersOf(members?.update)?.messages;
  if (Array.isArray(held)) return held;
  return typeof held === "string" || isMessage(held) ? [held] : [];
}

function isMessage(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && "content" in value;
}

/** What a person asked: the last message that a piece of work begins with, when it is a person's; undefined when there is none. */
export function promptOf(inputs: unknown): { readonly text: string | undefined } | undefined {
  const question = membersOf(inputs)?.question;
  const last = typeof inputs === "string" ? inputs : (messagesOf(inputs).at(-1) ?? (typeof question === "string" ? question : undefined));
  return last !== undefined && roleOf(last) === "human" ? { text: contentText(last) } : undefined;
}

/** What was answered: the last message that a piece of work ends with, when a model said it. */
export function answerOf(outputs: unknown): { readonly text: string | undefined } | undefined {
  const last = typeof outputs === "string" ? outputs : messagesOf(outputs).at(-1);
  if (typeof last === "string") return { text: last };
  return last !== undefined && roleOf(last) === "ai" && callsOf(last).length === 0 ? { text: contentText(last) } : undefined;
}

/** Calls that a model asks for in its message. */
export function callsOf(message: unknown): AskedCall[] {
  const calls = membersOf(message)?.tool_calls;
  if (!Array.isArray(calls)) return [];
  return calls.flatMap((call: unknown) => {
    const { id, name, args } = membersOf(call) ?? {};
    return typeof id === "string" && id !== "" && typeof name === "string" ? [{ callId: id, tool: name, input: args }] : [];
  });
}

/** The message in which a tool answers; undefined when the value is another one. */
export function toolAnswerOf(output: unknown): { callId?: string; tool?: string; isError: boolean; text: string | undefined } | undefined {
  if (!isMessage(output) || roleOf(output) !== "tool") return undefined;
  const { tool_call_id: callId, name, status } = output as Members;
  return {
    ...(typeof callId === "string" && callId !== "" ? { callId } : {}),
    ...(typeof name === "string" && name !== "" ? { tool: name } : {}),
    isError: status === "error",
    text: contentText(output),
  };
}

/** What the end of a request to a model tells. */
export interface ModelAnswer {
  /** The provider's id of its response. */
  readonly responseId: string | undefined;
  readonly model: string | undefined;
  readonly usage: ModelCall["usage"];
  readonly calls: readonly AskedCall[];
  readonly text: string | undefined;
}

/** Reads an `LLMResult`: tokens are those of the message, else those of the provider's output as older models tell them. */
export function modelAnswerOf(result: unknown): ModelAnswer {
  const { generations, llmOutput } = membersOf(result) ?? {};
  const [generation] = (Array.isArray(generations) ? generations.flat() : []) as unknown[];
  const message = membersOf(generation)?.message;
  const { id, usage_metadata: usage, response_metadata: response } = membersOf(message) ?? {};
  const told = membersOf(response) ?? {};
  const output = membersOf(llmOutput) ?? {};
  const model = textOf(told.model_name) ?? textOf(told.model) ?? textOf(told.model_id) ?? textOf(output.model_name) ?? textOf(output.model);
  return {
    responseId: textOf(told.id) ?? providerIdOf(id),
    model,
    usage: membersOf(usage) === undefined ? tokensOf(output.tokenUsage ?? output.token_usage ?? output.usage) : usageOf(usage),
    calls: callsOf(message),
    text: contentText(message) ?? textOf(membersOf(generation)?.text),
  };
}

/** LangChain gives a message an id of its own where the provider gives none. */
function providerIdOf(id: unknown): string | undefined {
  const text = textOf(id);
  return text?.startsWith("run-") === true || text?.startsWith("lc_run-") === true ? undefined : text;
}

function usageOf(usage: unknown): ModelCall["usage"] {
  const { input_tokens: input, output_tokens: output, input_token_details: details } = membersOf(usage) ?? {};
  const { cache_read: read, cache_creation: write } = membersOf(details) ?? {};
  return counted({ tokensInput: input, tokensOutput: output, tokensCacheRead: read, tokensCacheWrite: write });
}

function tokensOf(usage: unknown): ModelCall["usage"] {
  const told = membersOf(usage) ?? {};
  return counted({
    tokensInput: told.promptTokens ?? told.prompt_tokens ?? told.input_tokens,
    tokensOutput: told.completionTokens ?? told.completion_tokens ?? told.output_tokens,
  });
}

function counted(counts: Readonly<Record<string, unknown>>): ModelCall["usage"] {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => typeof count === "number"));
}
