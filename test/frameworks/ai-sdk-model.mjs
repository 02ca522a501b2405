// Mock models of the AI SDK that answer what they are told to, and tools for them.
import { jsonSchema, stepCountIs, tool } from "ai";
import { MockLanguageModelV4, simulateReadableStream } from "ai/test";

export const anything = jsonSchema({ type: "object" });
const usage = {
  inputTokens: { total: 11, noCache: 8, cacheRead: 2, cacheWrite: 1 },
  outputTokens: { total: 7, text: 7, reasoning: 0 },
};
let responses = 0;
export function generated(content, id = `response-${++responses}`) {
  const unified = content.some(({ type }) => type === "tool-call") ? "tool-calls" : "stop";
  return { content, finishReason: { unified, raw: undefined }, usage, warnings: [], response: { id, modelId: "model-1" } };
}
export const say = (text) => generated([{ type: "text", text }]);
export const call = (toolCallId, toolName, input = {}, more = {}) => ({
  type: "tool-call",
  toolCallId,
  toolName,
  input: JSON.stringify(input),
  ...more,
});
/** A model that answers with these, one after the other; a function is called, and may throw. */
export function modelOf(...answers) {
  const left = [...answers];
  const next = async () => {
    const answer = left.shift();
    return typeof answer === "function" ? answer() : answer;
  };
  return new MockLanguageModelV4({ provider: "mock", modelId: "model-1", doGenerate: next, doStream: async () => streamed(await next()) });
}
export function streamed({ content, finishReason, response }, breaksWith) {
  const chunks = [
    { type: "stream-start", warnings: [] },
    { type: "response-metadata", ...response },
    ...content.flatMap((part) =>
      part.type === "text"
        ? [
            { type: "text-start", id: "1" },
            { type: "text-delta", id: "1", delta: part.text },
            { type: "text-end", id: "1" },
          ]
        : [part],
    ),
    breaksWith ?? { type: "finish", finishReason, usage },
  ];
  return { stream: simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: null }) };
}
export const tools = {
  weather: tool({ inputSchema: anything, execute: async ({ city }) => ({ city, degrees: 21 }) }),
  broken: tool({
    inputSchema: anything,
    execute: async () => {
      throw new TypeError("no weather");
    },
  }),
};
export const threeCalls = () =>
  generated([call("c-1", "weather", { city: "A" }), call("c-2", "broken", { city: "B" }), call("c-3", "weather", { city: "C" })]);
export const oneStep = { stopWhen: stepCountIs(1) };
export const loop = { stopWhen: stepCountIs(5), maxRetries: 0 };
export const messagesOf = (text) => [{ role: "user", content: text }];
