import { AuditEventInputSchema, type SessionPage } from "@vouchtrail/events";
import { createAuditEmitter } from "@vouchtrail/sdk";
import { auditCallbacks } from "@vouchtrail/sdk/langchain";
import { describe, expect, test } from "vitest";
import { startTestServer } from "../hostile/running-server.ts";
import { audit, briefs, inThread, isInstalled, lang, makeAgent, told, useLangChain } from "./langchain-harness.ts";
import { MODEL, scriptedModel, TOKENS } from "./langchain-model.ts";

useLangChain();

describe.skipIf(!isInstalled)("what may go wrong", () => {
  test("FRAMEWORK-3, FRAMEWORK-39: values that cannot be read or told neither stop the agent nor make an event that is refused", async () => {
    const callbacks = auditCallbacks({ emitter: audit.emitter });
    const cyclic: Record<string, unknown> = { name: "cycle" };
    cyclic.messages = [cyclic];
    cyclic.self = cyclic;
    const throwing = new Proxy(
      {},
      {
        get: () => {
          throw new Error("hands off");
        },
        has: () => {
          throw new Error("hands off");
        },
      },
    );
    const hostile: unknown[] = [
      cyclic,
      throwing,
      "\ud800",
      "x".repeat(5_000),
      null,
      undefined,
      1n,
      Symbol("s"),
      () => 1,
      [cyclic],
      Object.create(null),
    ];
    const longId = "i".repeat(10_000);
    let number = 0;
    for (const value of hostile) {
      const bad = value as never;
      const id = (): string => `run-${number++}`;
      const chain = id();
      callbacks.handleChainStart(
        { id: ["langgraph", "pregel"] },
        bad,
        chain,
        undefined,
        [],
        { thread_id: bad, langgraph_node: bad },
        undefined,
        `${longId}\udfff`,
      );
      const tool = id();
      await callbacks.handleToolStart(bad, bad, tool, chain, [], bad, bad, bad);
      callbacks.handleToolEnd(bad, tool);
      const failing = id();
      await callbacks.handleToolStart({}, '{"broken":', failing, chain, [], {}, "\ud800", longId);
      callbacks.handleToolError(bad, failing);
      const model = id();
      callbacks.handleChatModelStart(bad, [[bad]], model, chain, bad, [], { ls_model_name: bad, ls_provider: bad });
      callbacks.handleLLMEnd(
        {
          generations: [
            [
              {
                text: bad,
                message: {
                  id: bad,
                  content: bad,
                  tool_calls: [bad],
                  usage_metadata: { input_tokens: -1, output_tokens: 1.5, input_token_details: bad },
                },
              },
            ],
          ],
        },
        model,
      );
      const llm = id();
      callbacks.handleLLMStart(bad, [bad], llm, chain, bad, [], bad);
      callbacks.handleLLMError(bad, llm);
      const retriever = id();
      await callbacks.handleRetrieverStart(bad, bad, retriever, chain, [], bad, bad);
      callbacks.handleRetrieverEnd(bad, retriever);
      callbacks.handleInterrupt({ runId: chain, checkpointId: bad, interrupts: [{ id: `${longId}${number}`, value: bad }, bad] });
      callbacks.handleResume({ runId: chain, checkpointId: bad });
      callbacks.handleChainEnd(bad, chain);
      callbacks.handleChainError(bad, id());
    }
    // The mock throws where an event would be refused, and only keeps what a trail takes: nothing is missing.
    expect(told("ai.tool_call")).toHaveLength(hostile.length * 6);
    expect(told("ai.model_call")).toHaveLength(hostile.length * 2);
    expect(told("agent.invocation")).toHaveLength(hostile.length);
    for (const event of audit.events) expect(AuditEventInputSchema.safeParse(event).success).toBe(true);
  });

  test("FRAMEWORK-39: an emitter that cannot be had, and a trail that is away, do not disturb the agent", async () => {
    const unhad = () => {
      throw new Error("not configured");
    };
    const away = createAuditEmitter({ url: "http://127.0.0.1:9", spool: false, logger: false, lifecycle: false });
    for (const emitter of [unhad, away]) {
      const agent = makeAgent([{ calls: [{ id: "call-1", name: "add", args: { a: 1, b: 2 } }] }, { text: "Three." }]);
      const { messages } = await agent.invoke({ messages: "Go!" }, inThread("t", { emitter, userId: unhad }));
      expect(messages.map(({ content }) => content)).toEqual(["Go!", "", "3", "Three."]);
    }
    await away.close(10);
  });

  test("FRAMEWORK-39: runs that never end stay bounded, and what is given up is told", async () => {
    const callbacks = auditCallbacks({ emitter: audit.emitter });
    for (let run = 0; run < 10_005; run++) callbacks.handleChatModelStart({}, [[]], `model-${run}`, "elsewhere");
    expect(briefs()).toEqual([0, 1, 2, 3, 4].map((run) => `ai.model_call unknown failure END_UNKNOWN model-${run}`));
    expect(audit.events[0]?.usage?.durationMs).toBeUndefined();
    audit.clear();
    // An end that comes late is told for the same call.
    callbacks.handleLLMEnd({ generations: [[{ message: { id: "msg-1", usage_metadata: TOKENS } }]] }, "model-3", "elsewhere");
    audit.assertAudited({
      action: "ai.model_call",
      context: { callId: "model-3" },
      usage: { tokensInput: 50 },
      outcome: { status: "success" },
    });
    callbacks.handleToolEnd({ content: "x", type: "tool", tool_call_id: "call-9", name: "add", status: "success" }, "forgotten");
    audit.assertAudited({ action: "ai.tool_call", target: { id: "add" }, context: { callId: "call-9" }, phase: "outcome" });
  });

  test("FRAMEWORK-39: agents that never end are given up as well, and a question of one that was is still told", () => {
    const callbacks = auditCallbacks({ emitter: audit.emitter });
    for (let run = 0; run < 10_001; run++)
      callbacks.handleChainStart({ id: ["langgraph", "pregel"] }, {}, `graph-${run}`, undefined, [], {}, undefined, "endless");
    expect(briefs()).toEqual(["agent.invocation endless failure END_UNKNOWN"]);
    callbacks.handleInterrupt({ runId: "graph-0", checkpointId: "checkpoint-1", interrupts: [{ id: "question-1", value: "May I?" }] });
    callbacks.handleChainEnd({}, "graph-0");
    expect(briefs().slice(1)).toEqual(["ai.approval_created langchain pending question-1"]);
  });

  test("FRAMEWORK-39: a stream that its reader has left is told after an hour at the latest", () => {
    let nowMs = 0;
    const clock = { wallMs: () => nowMs, nowMs: () => nowMs, after: () => ({ cancel: () => undefined }) };
    const callbacks = auditCallbacks({ emitter: audit.emitter }, clock);
    callbacks.handleChatModelStart({}, [[]], "model-1");
    nowMs = 3_600_000;
    callbacks.handleChatModelStart({}, [[]], "model-2");
    audit.assertNothingAudited();
    nowMs += 1;
    callbacks.handleChatModelStart({}, [[]], "model-3");
    expect(briefs()).toEqual(["ai.model_call unknown failure END_UNKNOWN model-1"]);
    nowMs += 250;
    callbacks.handleLLMEnd({ generations: [[{ text: "x" }]] }, "model-3");
    audit.assertAudited({ action: "ai.model_call", context: { callId: "model-3" }, usage: { durationMs: 250 } });
  });

  test("FRAMEWORK-30: callbacks that are given in two places tell each run once", async () => {
    const callbacks = [auditCallbacks({ emitter: audit.emitter })];
    const model = scriptedModel(lang, [{ text: "Hi." }]);
    model.callbacks = callbacks;
    await lang.runnables.RunnableLambda.from((text: string) => text)
      .pipe(model)
      .invoke("x", { callbacks });
    expect(told("ai.model_call")).toHaveLength(1);
  });
});

test.skipIf(!isInstalled)(
  "FRAMEWORK-1, FRAMEWORK-2, FRAMEWORK-32: a server counts the calls, failures and tokens of the session as they were",
  async () => {
    const server = await startTestServer();
    try {
      const emitter = createAuditEmitter({ url: server.running.url, spool: false, logger: false, lifecycle: false });
      const agent = makeAgent([
        {
          id: "msg-1",
          calls: [
            { id: "call-1", name: "add", args: { a: 1, b: 2 } },
            { id: "call-2", name: "fail" },
            { id: "call-3", name: "made_up" },
            { id: "call-4", name: "ask" },
          ],
        },
        { id: "msg-2", text: "Done." },
      ]);
      const config = inThread("session-langchain", { emitter });
      await agent.invoke({ messages: "Go!" }, config);
      // The tools of the step run again, under the same ids.
      await agent.invoke(new lang.graph.Command({ resume: true }), config);
      await emitter.close();
      const { text } = await server.send("/api/v1/sessions?wait=searchable&session=session-langchain");
      expect((JSON.parse(text) as SessionPage).sessions).toMatchObject([
        {
          id: "session-langchain",
          agents: ["helper"],
          users: ["ann"],
          models: [MODEL],
          prompts: 1,
          toolCalls: 4,
          failures: 2,
          tokensInput: 100,
          tokensOutput: 14,
          tokensCacheRead: 60,
          tokensCacheWrite: 10,
        },
      ]);
    } finally {
      await server.remove();
    }
  },
);
