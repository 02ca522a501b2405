import { type SpanShape, tellAgent, tellModel, tellTool } from "./gen-ai-span.ts";
import type { OtlpTold } from "./otlp-event.ts";
import type { OtlpSpan } from "./otlp-record.ts";
import { textAt } from "./otlp-value.ts";

const KINDS: Readonly<Record<string, "tool" | "model" | "agent">> = { TOOL: "tool", LLM: "model", EMBEDDING: "model", AGENT: "agent" };

/** What a span of OpenInference stands for; undefined when it is none, or one that only groups others. */
export function openInferenceKind({ attributes }: OtlpSpan): "tool" | "model" | "agent" | undefined {
  const kind = textAt(attributes, "openinference.span.kind")?.toUpperCase() ?? "";
  return Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
}

/** Reads a span of OpenInference. Rule: OTLP-41. Source: @arizeai/openinference-semantic-conventions 2.12.0. */
export function readOpenInferenceSpan(span: OtlpSpan, kind: "tool" | "model" | "agent"): OtlpTold {
  const shape: SpanShape = { span, session: ["session.id"], agent: ["agent.name"] };
  if (kind === "tool") {
    return tellTool(shape, {
      name: ["tool.name"],
      id: ["tool_call.id", "tool.id"],
      input: ["input.value", "tool.parameters"],
      result: ["output.value"],
    });
  }
  if (kind === "model") {
    return tellModel(shape, {
      tokensInput: ["llm.token_count.prompt"],
      tokensOutput: ["llm.token_count.completion"],
      tokensCacheRead: ["llm.token_count.prompt_details.cache_read"],
      tokensCacheWrite: ["llm.token_count.prompt_details.cache_write"],
      costUsd: ["llm.cost.total"],
      model: ["llm.model_name", "embedding.model_name"],
    });
  }
  return tellAgent(shape);
}
