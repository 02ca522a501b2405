import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { AIMessage, AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import type { AuditEvent } from "@vouchtrail/events";

/** What a model says: text, calls, or what it throws. */
export interface Answer {
  readonly text?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly args?: Record<string, unknown> }[];
  readonly error?: Error;
  readonly id?: string;
  /** Without usage when null. */
  readonly usage?: null;
}

/** Tokens of each answer. */
export const TOKENS = {
  input_tokens: 50,
  output_tokens: 7,
  total_tokens: 57,
  input_token_details: { cache_read: 30, cache_creation: 5 },
};
export const MODEL = "scripted-2026";

/** The packages under test, loaded only where they are installed. */
export async function loadLangChain() {
  const [models, messages, outputs, tools, runnables, dispatch, testing, graph, prebuilt, zod] = await Promise.all([
    import("@langchain/core/language_models/chat_models"),
    import("@langchain/core/messages"),
    import("@langchain/core/outputs"),
    import("@langchain/core/tools"),
    import("@langchain/core/runnables"),
    import("@langchain/core/callbacks/dispatch"),
    import("@langchain/core/utils/testing"),
    import("@langchain/langgraph"),
    import("@langchain/langgraph/prebuilt"),
    import("zod"),
  ]);
  return { models, messages, outputs, tools, runnables, dispatch, testing, graph, prebuilt, zod };
}
export type LangChain = Awaited<ReturnType<typeof loadLangChain>>;

/** A chat model that answers as it is told to, one answer a request; from the last one on it repeats itself. */
export function scriptedModel({ models, messages, outputs }: LangChain, answers: readonly Answer[]): BaseChatModel {
  let next = 0;
  const nextAnswer = (): Answer => answers[Math.min(next++, answers.length - 1)] ?? {};

  function messageOf({ text = "", calls = [], id, usage, error }: Answer): AIMessage {
    if (error !== undefined) throw error;
    const members = {
      content: text,
      ...(id === undefined ? {} : { id }),
      tool_calls: calls.map((call) => ({ ...call, args: call.args ?? {}, type: "tool_call" as const })),
      ...(usage === null ? {} : { usage_metadata: TOKENS }),
      response_metadata: { model_name: MODEL },
    };
    return new messages.AIMessage(members as never);
  }

  class ScriptedModel extends models.BaseChatModel {
    _llmType(): string {
      return "scripted";
    }
    override bindTools(): never {
      return this as never;
    }
    async _generate(_messages: BaseMessage[]) {
      const message = messageOf(nextAnswer());
      return { generations: [{ text: String(message.content), message }] };
    }
    override async *_streamResponseChunks(_messages: BaseMessage[]) {
      const { content, ...whole } = messageOf(nextAnswer());
      const chunk = (members: Partial<AIMessageChunk>) =>
        new outputs.ChatGenerationChunk({
          text: String(members.content ?? ""),
          message: new messages.AIMessageChunk({ content: "", id: whole.id, ...members } as never),
        });
      for (const part of String(content).split(/(?= )/)) yield chunk({ content: part });
      yield chunk({
        usage_metadata: whole.usage_metadata,
        response_metadata: whole.response_metadata,
        tool_call_chunks: whole.tool_calls?.map(({ id, name, args }, index) => ({ id, name, args: JSON.stringify(args), index })),
      } as never);
    }
  }
  return new ScriptedModel({}) as unknown as BaseChatModel;
}

/** An event in one line: what is told, of what, and how it ended. */
export function brief({ action, phase, target, outcome, context }: AuditEvent): string {
  const id = context?.callId ?? context?.approvalId;
  return [action, phase, target?.id, outcome.status, outcome.code, id].filter((part) => part !== undefined).join(" ");
}
