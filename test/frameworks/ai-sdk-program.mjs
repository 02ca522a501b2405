// Runs scenarios with the real AI SDK and its mock models, and tells what was recorded of each. It is a program of its own because the AI SDK needs a newer
// Node.js than the tests run on. Arguments: the URL of a trail, a URL where there is none, and a folder for the spool.
import {
  AI_SDK_TELEMETRY_TRACING_CHANNEL,
  APICallError,
  embed,
  embedMany,
  generateObject,
  generateSpeech,
  generateText,
  registerTelemetry,
  rerank,
  streamText,
  ToolLoopAgent,
  tool,
} from "ai";
import { MockEmbeddingModelV4, MockLanguageModelV4, MockRerankingModelV4, MockSpeechModelV4 } from "ai/test";
import { auditAiSdk, auditTelemetry } from "../../packages/sdk/dist/node/agents/ai-sdk.js";
import { createAuditEmitter } from "../../packages/sdk/dist/node/index.js";
import { mockAudit } from "../../packages/sdk/dist/node/testing/mock-audit.js";
import { anything, call, generated, loop, messagesOf, modelOf, oneStep, say, streamed, threeCalls, tools } from "./ai-sdk-model.mjs";
import { scenario, told, WAYS } from "./ai-sdk-player.mjs";

const [trailUrl, awayUrl, spoolDirectory] = process.argv.slice(2);
globalThis.AI_SDK_LOG_WARNINGS = false;

const withTelemetry = (settings, more) => ({ telemetry: { ...settings.telemetry, ...more } });

for (const way of Object.keys(WAYS)) {
  await scenario(`tools/${way}`, way, { sessionId: "s-1", userId: "u-1" }, async (settings) => {
    const { text } = await generateText({ model: modelOf(threeCalls(), say("fine")), tools, prompt: "Weather?", ...loop, ...settings });
    return { text };
  });
  await scenario(`stream/${way}`, way, { sessionId: "s-1" }, async (settings) => {
    const result = streamText({ model: modelOf(threeCalls(), say("fine")), tools, prompt: "Weather?", ...loop, ...settings });
    let text = "";
    for await (const delta of result.textStream) text += delta;
    return { text };
  });
  await scenario(`nested/${way}`, way, { sessionId: "s-1", userId: "u-1" }, async (settings) => {
    const research = tool({
      inputSchema: anything,
      execute: async () => {
        const inner = await generateText({
          model: modelOf(generated([call("inner-1", "weather", { city: "A" })]), say("researched")),
          tools,
          prompt: "Look it up",
          ...loop,
          ...withTelemetry(settings, { functionId: "researcher" }),
        });
        return inner.text;
      },
    });
    const agent = new ToolLoopAgent({
      model: modelOf(generated([call("outer-1", "research")]), say("done")),
      tools: { research },
      ...loop,
      ...withTelemetry(settings, { functionId: "writer" }),
    });
    return { text: (await agent.generate({ prompt: "Write" })).text };
  });
  await scenario(`retry/${way}`, way, {}, async (settings) => {
    const busy = () => {
      const responseHeaders = { "retry-after-ms": "1" };
      throw new APICallError({
        message: "busy",
        url: "http://x",
        requestBodyValues: {},
        statusCode: 503,
        isRetryable: true,
        responseHeaders,
      });
    };
    const { text } = await generateText({ model: modelOf(busy, say("late")), prompt: "Now?", maxRetries: 1, ...settings });
    return { text };
  });
  await scenario(`failing/${way}`, way, {}, (settings) => {
    const model = modelOf(() => {
      throw new RangeError("model away");
    });
    return generateText({ model, prompt: "Now?", maxRetries: 0, ...settings });
  });
  await scenario(`failing-stream/${way}`, way, {}, async (settings) => {
    const model = new MockLanguageModelV4({
      provider: "mock",
      modelId: "model-1",
      doStream: async () => streamed(say("half"), { type: "error", error: new RangeError("broke") }),
    });
    const seen = [];
    const result = streamText({ model, prompt: "Now?", maxRetries: 0, onError: ({ error }) => seen.push(error.message), ...settings });
    await result.consumeStream();
    await Promise.resolve(result.totalUsage).catch(() => undefined);
    return { seen };
  });
  await scenario(`abort/${way}`, way, {}, async (settings) => {
    const controller = new AbortController();
    const result = streamText({ model: modelOf(say("never heard")), prompt: "Now?", abortSignal: controller.signal, ...settings });
    for await (const part of result.fullStream) if (part.type === "text-delta") controller.abort();
    await Promise.resolve(result.totalUsage).catch(() => undefined);
  });
  await scenario(`approvals/${way}`, way, { userId: "u-9" }, async (settings) => {
    let executions = 0;
    const guarded = { wipe: tool({ inputSchema: anything, needsApproval: true, execute: async () => `wiped ${++executions}` }) };
    const asked = await generateText({
      model: modelOf(generated([call("w-1", "wipe", { disk: 1 }), call("w-2", "wipe", { disk: 2 })])),
      tools: guarded,
      messages: messagesOf("Wipe both"),
      ...loop,
      ...settings,
    });
    const questions = asked.content.filter(({ type }) => type === "tool-approval-request");
    const answers = questions.map(({ approvalId }, index) => ({
      type: "tool-approval-response",
      approvalId,
      approved: index === 0,
      ...(index === 0 ? {} : { reason: "not that one" }),
    }));
    const messages = [...messagesOf("Wipe both"), ...asked.response.messages, { role: "tool", content: answers }];
    await generateText({ model: modelOf(say("one is wiped")), tools: guarded, messages, ...loop, ...settings });
    await generateText({
      model: modelOf(generated([call("w-3", "wipe")]), say("not allowed")),
      tools: guarded,
      toolApproval: { wipe: { type: "denied", reason: "never" } },
      messages: messagesOf("Wipe again"),
      ...loop,
      ...settings,
    });
    return { executions };
  });
  await scenario(`elsewhere/${way}`, way, {}, async (settings) => {
    const elsewhere = { ask: tool({ inputSchema: anything }), ...tools };
    const model = modelOf(
      generated([
        call("p-1", "search", { q: "x" }, { providerExecuted: true, dynamic: true }),
        { type: "tool-result", toolCallId: "p-1", toolName: "search", result: { hits: 3 }, dynamic: true },
        call("i-1", "unheard"),
        call("q-1", "ask", { question: "which?" }),
      ]),
    );
    const first = await generateText({ model, tools: elsewhere, messages: messagesOf("Go"), ...oneStep, ...settings });
    const answer = { type: "tool-result", toolCallId: "q-1", toolName: "ask", output: { type: "text", value: "the red one" } };
    const messages = [...messagesOf("Go"), ...first.response.messages, { role: "tool", content: [answer] }];
    await generateText({ model: modelOf(say("red it is")), tools: elsewhere, messages, ...settings });
  });
  await scenario(`others/${way}`, way, { sessionId: "s-2" }, async (settings) => {
    const model = new MockEmbeddingModelV4({
      modelId: "embed-1",
      maxEmbeddingsPerCall: 1,
      doEmbed: async () => ({ embeddings: [[1]], usage: { tokens: 5 }, warnings: [] }),
    });
    await embed({ model, value: "one", ...settings });
    await embedMany({ model, values: ["one", "two"], ...settings });
    const reranker = new MockRerankingModelV4({
      modelId: "rerank-1",
      doRerank: async () => ({ ranking: [{ index: 0, relevanceScore: 1 }] }),
    });
    await rerank({ model: reranker, documents: ["one"], query: "q", ...settings });
    const speaker = new MockSpeechModelV4({
      modelId: "speech-1",
      doGenerate: async () => ({ audio: new Uint8Array([1]), warnings: [], response: { timestamp: new Date(0), modelId: "speech-1" } }),
    });
    await generateSpeech({ model: speaker, text: "one", ...settings });
    const failing = new MockEmbeddingModelV4({
      modelId: "embed-1",
      doEmbed: async () => {
        throw new RangeError("no vectors");
      },
    });
    await embed({ model: failing, value: "one", maxRetries: 0, ...settings }).catch(() => undefined);
  });
}

for (const way of ["telemetry", "both"]) {
  await scenario(`object/${way}`, way, {}, async (settings) => {
    const { object } = await generateObject({ model: modelOf(say('{"city":"A"}')), schema: anything, prompt: "Which?", ...settings });
    await generateObject({ model: modelOf(say("no object")), schema: anything, prompt: "Which?", ...settings }).catch(() => undefined);
    return { object };
  });
}
await scenario("context", "telemetry", { userId: "of the options" }, (settings) =>
  generateText({
    model: modelOf(say("hello")),
    prompt: "Hi",
    runtimeContext: { sessionId: "s-9", conversationId: "k-9", userId: "u-9", agentName: "greeter", secret: "x" },
    ...withTelemetry(settings, {
      functionId: "f",
      includeRuntimeContext: { sessionId: true, conversationId: true, userId: true, agentName: true },
    }),
  }),
);
await scenario("without-content", "both", { hasContent: false }, async (settings) => {
  await generateText({ model: modelOf(threeCalls(), say("SECRET")), tools, prompt: "SECRET", ...loop, ...settings });
});
for (const way of ["telemetry", "channel"]) {
  await scenario(`hidden/${way}`, way, {}, (settings) =>
    generateText({
      model: modelOf(threeCalls(), say("SECRET")),
      tools,
      prompt: "SECRET",
      ...loop,
      ...withTelemetry(settings, { recordInputs: false, recordOutputs: false }),
    }),
  );
}
{
  const order = [];
  const send = async (events) => {
    await new Promise((resolve) => setImmediate(resolve));
    for (const { json } of events) {
      const { phase, context } = JSON.parse(json);
      if (phase !== undefined) order.push(`${phase} ${context.callId}`);
    }
    return events.map(({ id }, index) => ({ receipt: { origin: "test", id, index, leafHash: "" } }));
  };
  const emitter = createAuditEmitter({ transport: { send }, spool: false, logger: false, lifecycle: false });
  for (const way of ["telemetry", "both"]) {
    await scenario(`intent-first/${way}`, way, { emitter }, async (settings) => {
      order.length = 0;
      const look = tool({ inputSchema: anything, execute: async () => order.push("executed") });
      await generateText({
        model: modelOf(generated([call("l-1", "look")]), say("seen")),
        tools: { look },
        prompt: "Look",
        ...loop,
        ...settings,
      });
      return { order: order.slice(0, 2) };
    });
  }
  await emitter.close();
}
await scenario("hostile", "both", {}, async (settings) => {
  const cycle = { name: "cycle" };
  cycle.self = cycle;
  const hostile = {
    cyclic: tool({ inputSchema: anything, execute: async () => cycle }),
    thrower: tool({
      inputSchema: anything,
      execute: async () => {
        throw cycle;
      },
    }),
    getter: tool({
      inputSchema: anything,
      execute: async () => ({
        get never() {
          throw new Error("no");
        },
      }),
    }),
    big: tool({ inputSchema: anything, execute: async () => ({ n: 10n, f: () => 1, s: Symbol("s"), text: "\ud800" }) }),
  };
  const names = Object.keys(hostile);
  const content = names.map((name, index) => call(`${"i".repeat(index * 5_000)}\ud800${index}`, name, { text: "\udc00", __proto__: 1 }));
  const { text } = await generateText({
    model: modelOf(generated(content, "\ud800".repeat(500)), say("\udfff survived")),
    tools: hostile,
    prompt: "\ud800",
    ...loop,
    ...withTelemetry(settings, { functionId: "\ud800".repeat(2_000) }),
  }).catch((error) => ({ text: `thrown ${error.message}` }));
  return { text };
});
await scenario("broken-options", "both", {}, async () => {
  const broken = () => {
    throw new Error("The options are broken.");
  };
  const end = auditAiSdk({ emitter: broken, userId: broken, sessionId: broken });
  registerTelemetry(auditTelemetry({ userId: broken, sessionId: broken, emitter: mockAudit().emitter }));
  const { text } = await generateText({ model: modelOf(threeCalls(), say("fine")), tools, prompt: "Weather?", ...loop });
  end();
  end();
  return { text };
});
await scenario("ended", "global", {}, async (_settings, audit) => {
  const other = auditAiSdk({ emitter: audit.emitter });
  other();
  await generateText({ model: modelOf(say("heard")), prompt: "One" });
  return { subscribers: globalThis.AI_SDK_TELEMETRY_INTEGRATIONS.length };
});
await scenario("deaf", "global", {}, async (_settings, audit) => {
  const heard = mockAudit();
  const end = auditAiSdk({ emitter: heard.emitter });
  end();
  await generateText({ model: modelOf(say("heard")), prompt: "One" });
  return { heard: heard.events.length, others: audit.events.length > 0 };
});
await scenario("forgotten", "both", {}, async (settings) => {
  // Nobody reads these streams: they start and never end.
  for (let index = 0; index < 1_050; index++) streamText({ model: modelOf(say("x")), prompt: "Never read", ...settings });
  const { text } = await generateText({ model: modelOf(say("still here")), prompt: "And you?", ...settings });
  return { text };
});
told.forgotten.events = told.forgotten.events.filter(({ action }) => action === "ai.chat_message");

async function real(url, spool) {
  const emitter = createAuditEmitter({ url, spool, logger: false, lifecycle: false, source: { name: "ai-sdk-program", instance: "1" } });
  const end = auditAiSdk({ emitter, sessionId: "real-session", userId: "u-1", agentName: "real-agent" });
  const startedMs = performance.now();
  const { text } = await generateText({ model: modelOf(threeCalls(), say("fine")), tools, prompt: "Weather?", ...loop });
  const elapsedMs = performance.now() - startedMs;
  end();
  await emitter.close();
  return { text, elapsedMs };
}
told.names = { events: [], notes: { channel: AI_SDK_TELEMETRY_TRACING_CHANNEL } };
told.real = { events: [], notes: await real(trailUrl, false) };
told.away = { events: [], notes: await real(awayUrl, { directory: spoolDirectory }) };

process.send(JSON.stringify(told), () => process.disconnect());
