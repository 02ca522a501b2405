import type { AgentEnding, ToolCall } from "../../agents/agent-event.ts";
import { MODEL_CALLS_KEPT_MAX } from "../../agents/limits.ts";
import { listOf, parsedJson, recordOf, textOf } from "./openai-agents-call.ts";
import type { SpanLike } from "./openai-agents-shapes.ts";

/** A call of a tool that ran where the model runs: nobody else sees it, and it is over when it is told. */
export interface HostedCall {
  readonly call: ToolCall;
  readonly ending: AgentEnding;
}

/** Items of the Responses API that are calls of hosted tools. Other calls are run by the framework, which tells them itself. */
const HOSTED_TYPES: ReadonlySet<unknown> = new Set([
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_call",
]);

/** The calls of hosted tools that a response span tells, at most {@link MODEL_CALLS_KEPT_MAX}. */
export function hostedCallsOf({ spanData }: SpanLike): HostedCall[] {
  const items = listOf(recordOf(spanData._response).output);
  return items.flatMap((item) => hostedCallOf(recordOf(item)) ?? []).slice(0, MODEL_CALLS_KEPT_MAX);
}

function hostedCallOf(item: Readonly<Record<string, unknown>>): HostedCall | undefined {
  const { type, id, name, arguments: argumentsText, action, queries, code, output, results, outputs, error, status } = item;
  const callId = textOf(id);
  if (!HOSTED_TYPES.has(type) || callId === undefined) return undefined;
  const input = parsedJson(argumentsText) ?? action ?? queries ?? code;
  const result = parsedJson(output) ?? results ?? outputs;
  const tool = textOf(name) ?? String(type).replace(/_call$/, "");
  const hasFailed = (error !== undefined && error !== null) || status === "failed" || status === "incomplete";
  return {
    call: { callId, tool, ...(input === undefined ? {} : { input }) },
    ending: hasFailed ? { status: "failure", error: error ?? status } : { status: "success", ...(result === undefined ? {} : { result }) },
  };
}
