import type * as AgentsCore from "@openai/agents-core";
import type { Model, ModelRequest, ModelResponse, StreamEvent } from "@openai/agents-core";

export type Core = typeof AgentsCore;

/** What a model answers: calls of tools, else a text; or that it fails. */
export interface Answer {
  readonly calls?: readonly { readonly callId: string; readonly name: string; readonly arguments?: unknown }[];
  readonly text?: string;
  readonly fails?: string;
  readonly id?: string;
  /** Calls of hosted tools, as the Responses API tells them. */
  readonly hosted?: readonly object[];
}

/** Tokens of every answer. */
export const TOKENS = { tokensInput: 11, tokensOutput: 7, tokensCacheRead: 4 } as const;
export const MODEL = "gpt-scripted";

let count = 0;

/**
 * A model that answers what it is told to, and that makes spans as those of `@openai/agents-openai` do.
 *
 * @param spans Of the Responses API, of the Chat Completions API, or none.
 */
export function scriptedModel(core: Core, answers: readonly Answer[], spans: "response" | "generation" | "none" = "response"): Model {
  const left = [...answers];

  function next(): Answer & { readonly id: string } {
    const answer = left.shift() ?? { text: "There is nothing left to say." };
    return { id: `resp-${++count}`, ...answer };
  }

  function fill(span: Span, request: ModelRequest, answer: Answer & { id: string }): void {
    const data = span.spanData as Record<string, unknown>;
    if (spans === "generation") {
      data.model = MODEL;
      if (request.tracing === true) data.output = [chatResponseOf(answer)];
    } else if (request.tracing === true) {
      data.response_id = answer.id;
      data._response = responseOf(answer);
    }
  }

  const respond = async (request: ModelRequest, span: Span | undefined): Promise<ModelResponse> => {
    const answer = next();
    await undefined;
    if (answer.fails !== undefined) throw new Error(answer.fails);
    if (span !== undefined) fill(span, request, answer);
    return modelResponseOf(core, answer);
  };

  return {
    getResponse(request) {
      if (spans === "none") return respond(request, undefined);
      return spans === "response"
        ? core.withResponseSpan((span) => respond(request, span))
        : core.withGenerationSpan((span) => respond(request, span));
    },
    async *getStreamedResponse(request): AsyncIterable<StreamEvent> {
      const made = spans === "generation" ? core.createGenerationSpan() : core.createResponseSpan({ data: {} });
      const span = request.tracing !== false && spans !== "none" ? (made as Span) : undefined;
      try {
        if (span !== undefined) {
          span.start();
          core.setCurrentSpan(span);
        }
        yield { type: "response_started" } as StreamEvent;
        const answer = next();
        if (answer.fails !== undefined) throw new Error(answer.fails);
        for (const delta of answer.text ?? "") yield { type: "output_text_delta", delta } as StreamEvent;
        if (span !== undefined) fill(span, request, answer);
        const { usage, output } = modelResponseOf(core, answer);
        const { inputTokens, outputTokens, totalTokens } = usage;
        const told = { inputTokens, outputTokens, totalTokens, inputTokensDetails: { cached_tokens: TOKENS.tokensCacheRead } };
        yield { type: "response_done", response: { id: answer.id, usage: told, output } } as StreamEvent;
      } catch (error) {
        span?.setError({ message: "Error streaming response", data: { error: String(error) } });
        throw error;
      } finally {
        span?.end();
        if (span !== undefined) core.resetCurrentSpan();
      }
    },
  };
}

type Span = ReturnType<Core["createResponseSpan"] | Core["createGenerationSpan"]>;

function modelResponseOf({ Usage }: Core, answer: Answer & { id: string }): ModelResponse {
  const { tokensInput: inputTokens, tokensOutput: outputTokens, tokensCacheRead } = TOKENS;
  const details = { inputTokensDetails: { cached_tokens: tokensCacheRead } };
  const calls = (answer.calls ?? []).map(({ callId, name, arguments: input }) => ({
    type: "function_call",
    callId,
    name,
    arguments: argumentsOf(input),
    status: "completed",
  }));
  const message = {
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: answer.text ?? "" }],
  };
  return {
    usage: new Usage({ requests: 1, inputTokens, outputTokens, totalTokens: inputTokens + outputTokens, ...details }),
    output: (calls.length > 0 ? calls : [message]) as ModelResponse["output"],
    responseId: answer.id,
  };
}

function responseOf({ id, calls = [], hosted = [] }: Answer & { id: string }): object {
  const { tokensInput, tokensOutput, tokensCacheRead } = TOKENS;
  return {
    id,
    model: MODEL,
    output: [
      ...hosted,
      ...calls.map(({ callId, name, arguments: input }) => ({
        type: "function_call",
        id: `fc-${callId}`,
        call_id: callId,
        name,
        arguments: argumentsOf(input),
      })),
    ],
    usage: { input_tokens: tokensInput, output_tokens: tokensOutput, input_tokens_details: { cached_tokens: tokensCacheRead } },
  };
}

function chatResponseOf({ id, calls = [] }: Answer & { id: string }): object {
  const { tokensInput, tokensOutput, tokensCacheRead } = TOKENS;
  const tools = calls.map(({ callId, name, arguments: input }) => ({
    id: callId,
    type: "function",
    function: { name, arguments: argumentsOf(input) },
  }));
  return {
    id,
    model: MODEL,
    choices: [{ message: { role: "assistant", tool_calls: tools } }],
    usage: { prompt_tokens: tokensInput, completion_tokens: tokensOutput, prompt_tokens_details: { cached_tokens: tokensCacheRead } },
  };
}

function argumentsOf(input: unknown): string {
  return typeof input === "string" ? input : JSON.stringify(input ?? {});
}
