import type { JsonObject, Outcome } from "../../event.ts";
import { toLeafCode } from "../leaf-text.ts";
import { agentOf, failure, IDENTITY_ATTRIBUTES, modelOf, type OtlpTold, toolOf, usageOf, withUsage } from "./otlp-event.ts";
import type { OtlpSpan } from "./otlp-record.ts";
import { durationOfNanos } from "./otlp-time.ts";
import { jsonAt, textAt } from "./otlp-value.ts";

const MODEL_OPERATIONS: ReadonlySet<string> = new Set(["chat", "generate_content", "text_completion", "embeddings"]);
const AGENT_OPERATIONS: ReadonlySet<string> = new Set(["invoke_agent", "invoke_workflow"]);
const USAGE = {
  tokensInput: ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "ai.usage.promptTokens"],
  tokensOutput: ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "ai.usage.completionTokens"],
  tokensCacheRead: ["gen_ai.usage.cache_read.input_tokens"],
  tokensCacheWrite: ["gen_ai.usage.cache_creation.input_tokens"],
  model: ["gen_ai.response.model", "gen_ai.request.model", "ai.model.id"],
};
const TOOL_NAME = ["gen_ai.tool.name", "ai.toolCall.name"];
const TOOL_ID = ["gen_ai.tool.call.id", "ai.toolCall.id"];
const TOOL_INPUT = ["gen_ai.tool.call.arguments", "ai.toolCall.args"];
const TOOL_RESULT = ["gen_ai.tool.call.result", "ai.toolCall.result"];
const SESSION = ["session.id", "gen_ai.conversation.id"];

/** What a span of the GenAI conventions stands for; undefined when it is none, or one that only groups others. */
export function genAiKind({ name, attributes }: OtlpSpan): "tool" | "model" | "agent" | undefined {
  // The spans of Claude Code repeat its log records, and one of a denied call does not say so.
  if (name.startsWith("claude_code.")) return undefined;
  const operation = textAt(attributes, "gen_ai.operation.name") ?? "";
  if (operation === "execute_tool" || name === "ai.toolCall") return "tool";
  if (MODEL_OPERATIONS.has(operation)) return "model";
  if (AGENT_OPERATIONS.has(operation)) return "agent";
  if (operation === "" && /^ai\.\w+\.do(?:Generate|Stream|Embed)$/.test(name)) return "model";
  return undefined;
}

/** Reads a span of the GenAI conventions, or of older versions of the AI SDK. Rule: OTLP-40. Source: semantic-conventions-genai. */
export function readGenAiSpan(span: OtlpSpan, kind: "tool" | "model" | "agent"): OtlpTold {
  const { attributes } = span;
  const shape = { span, session: SESSION, agent: ["gen_ai.agent.name", "gen_ai.agent.id"] };
  if (kind === "tool") {
    return tellTool(shape, { name: TOOL_NAME, id: TOOL_ID, input: TOOL_INPUT, result: TOOL_RESULT });
  }
  if (kind === "model") return tellModel(shape, USAGE, textAt(attributes, "gen_ai.response.id"));
  return tellAgent(shape);
}

/** A span, and where its conventions keep what all kinds have. */
export interface SpanShape {
  readonly span: OtlpSpan;
  readonly session: readonly string[];
  readonly agent: readonly string[];
}

/** A call of a tool; without an id of its own the span's. */
export function tellTool(
  shape: SpanShape,
  names: { name: readonly string[]; id: readonly string[]; input: readonly string[]; result: readonly string[] },
): OtlpTold {
  const { attributes, spanId, name: spanName } = shape.span;
  const result = jsonAt(attributes, ...names.result);
  const outcome = outcomeOf(shape.span);
  return tellSpan(shape, {
    action: "ai.tool_call",
    outcome: result === undefined ? outcome : { ...outcome, result },
    ...toolOf(textAt(attributes, ...names.name) ?? spanName, jsonAt(attributes, ...names.input)),
    callId: textAt(attributes, ...names.id) ?? spanId,
    placed: [
      firstOf(attributes, names.name),
      firstOf(attributes, names.id),
      firstOf(attributes, names.input),
      firstOf(attributes, names.result),
    ],
  });
}

/** A request to a model, with its usage. */
export function tellModel(shape: SpanShape, names: Parameters<typeof usageOf>[1], responseId?: string): OtlpTold {
  const { usage, placed } = usageOf(shape.span.attributes, names);
  return tellSpan(shape, {
    action: "ai.model_call",
    outcome: outcomeOf(shape.span),
    ...modelOf(usage.model),
    usage,
    callId: responseId ?? shape.span.spanId,
    placed,
  });
}

/** An agent that was called. Its tokens are the sum of its requests', which have spans of their own: they stay in the details. */
export function tellAgent(shape: SpanShape): OtlpTold {
  const { attributes, name } = shape.span;
  const agent = textAt(attributes, ...shape.agent) ?? name;
  return tellSpan(shape, {
    action: "agent.invocation",
    outcome: outcomeOf(shape.span),
    target: { type: "agent", id: agentOf(agent === "" ? "unknown" : agent, shape.span).id },
    placed: [],
  });
}

interface SpanTold extends Pick<OtlpTold, "action" | "outcome" | "target" | "activity" | "usage"> {
  readonly callId?: string | undefined;
  readonly placed: readonly (string | undefined)[];
}

function tellSpan({ span, session, agent }: SpanShape, told: SpanTold): OtlpTold {
  const { attributes, resource, parentSpanId, events, links } = span;
  const { callId, placed, usage, ...event } = told;
  const durationMs = durationOfNanos(span.startTimeUnixNano, span.endTimeUnixNano);
  const agentName = textAt(attributes, ...agent) ?? textAt(resource, "service.name") ?? "unknown";
  const sessionId = textAt(attributes, ...session);
  return {
    ...event,
    ...withUsage({ ...usage, ...(durationMs === undefined ? {} : { durationMs }) }),
    actor: agentOf(agentName, span),
    context: { sessionId, callId },
    labels: { service: textAt(resource, "service.name") },
    placed: new Set([
      ...IDENTITY_ATTRIBUTES,
      ...placed.flatMap((name) => (name === undefined ? [] : [name])),
      ...(sessionId === undefined ? [] : [firstOf(attributes, session) ?? ""]),
    ]),
    details: {
      span: span.name,
      ...(parentSpanId === undefined ? {} : { parentSpanId }),
      ...(events.length > 0 ? { events } : {}),
      ...(links.length > 0 ? { links } : {}),
    },
  };
}

/** A span failed when it says so, or names an error. */
export function outcomeOf({ attributes, status }: OtlpSpan): Outcome {
  const type = textAt(attributes, "error.type");
  if (status.code !== 2 && type === undefined) return { status: "success" };
  return failure(toLeafCode(type, "ERROR"), status.message);
}

function firstOf(attributes: JsonObject, names: readonly string[]): string | undefined {
  return names.find((name) => attributes[name] !== undefined && attributes[name] !== "");
}
