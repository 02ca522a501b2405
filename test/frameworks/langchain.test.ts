import type { BaseCallbackHandler, CallbackHandlerMethods } from "@langchain/core/callbacks/base";
import type { Callbacks } from "@langchain/core/callbacks/manager";
import { auditCallbacks } from "@vouchtrail/sdk/langchain";
import { describe, expect, test } from "vitest";
import { audit, briefs, inThread, isInstalled, lang, makeAgent, makeTools, told, useLangChain } from "./langchain-harness.ts";
import { brief, MODEL, scriptedModel } from "./langchain-model.ts";

useLangChain();

describe.skipIf(!isInstalled)("LangChain and LangGraph", () => {
  test("the callbacks fit where LangChain takes callbacks", () => {
    const callbacks = auditCallbacks({ emitter: audit.emitter });
    const methods: CallbackHandlerMethods = callbacks;
    const taken: Callbacks = [callbacks];
    const flags: Pick<BaseCallbackHandler, "name" | "awaitHandlers" | "raiseError" | "ignoreAgent"> = callbacks;
    expect([methods, taken, flags]).toEqual([callbacks, [callbacks], callbacks]);
  });

  test("FRAMEWORK-30, FRAMEWORK-31, FRAMEWORK-32, FRAMEWORK-37: a run is told from prompt to answer, with parallel calls, tokens, session and agent", async () => {
    const ran: string[] = [];
    const agent = makeAgent(
      [
        {
          id: "msg-1",
          calls: [
            { id: "call-1", name: "add", args: { a: 1, b: 2 } },
            { id: "call-2", name: "fail" },
            { id: "call-3", name: "add", args: { a: 3, b: 4 } },
            { id: "call-4", name: "sorry" },
          ],
        },
        { id: "msg-2", text: "It is three." },
      ],
      ran,
    );
    await agent.invoke({ messages: [{ role: "user", content: "How much?" }] }, inThread("thread-1"));
    expect(briefs().sort()).toEqual(
      [
        "agent.prompt.submitted prompt success",
        `ai.model_call ${MODEL} success msg-1`,
        "ai.tool_call intent add pending call-1",
        "ai.tool_call intent fail pending call-2",
        "ai.tool_call intent add pending call-3",
        "ai.tool_call intent sorry pending call-4",
        "ai.tool_call outcome add success call-1",
        "ai.tool_call outcome fail failure TYPE_ERROR call-2",
        "ai.tool_call outcome add success call-3",
        "ai.tool_call outcome sorry failure TOOL_ERROR call-4",
        `ai.model_call ${MODEL} success msg-2`,
        "ai.chat_message response success",
        "agent.invocation helper success",
      ].sort(),
    );
    expect(ran).toHaveLength(2);
    expect(Number(ran[0]?.match(/\d/)?.[0])).toBeGreaterThan(0);
    audit.assertAudited({
      action: "ai.tool_call",
      phase: "outcome",
      context: { callId: "call-1" },
      activity: { tool: { name: "add", parameters: { a: 1, b: 2 } } },
      outcome: { result: "3" },
    });
    audit.assertAudited({ action: "ai.tool_call", context: { callId: "call-2" }, outcome: { message: "no such thing" } });
    audit.assertAudited({ action: "ai.tool_call", context: { callId: "call-4" }, outcome: { message: "It is sold out." } });
    audit.assertAudited({
      action: "ai.model_call",
      usage: { tokensInput: 50, tokensOutput: 7, tokensCacheRead: 30, tokensCacheWrite: 5, model: MODEL },
    });
    audit.assertAudited({
      action: "agent.prompt.submitted",
      actor: { type: "user", id: "ann" },
      activity: { message: { text: "How much?" } },
    });
    audit.assertAudited({ action: "ai.chat_message", activity: { message: { text: "It is three." } } });
    expect(new Set(audit.events.map(({ context }) => `${context?.sessionId} ${context?.requestId}`)).size).toBe(1);
    for (const { action, actor, labels, context, usage } of audit.events) {
      expect(context?.sessionId).toBe("thread-1");
      expect(labels).toEqual({ platform: "langchain" });
      if (action !== "agent.prompt.submitted") expect(actor).toMatchObject({ id: "helper", onBehalfOf: [{ type: "user", id: "ann" }] });
      if (action === "agent.invocation") expect(usage?.tokensInput).toBeUndefined();
    }
  });

  test.each(["true", undefined])(
    "FRAMEWORK-30: the intent is kept before the tool runs, with LANGCHAIN_CALLBACKS_BACKGROUND %s",
    async (background) => {
      const { z } = lang.zod;
      const kept: boolean[] = [];
      const emit = audit.emitter.emit.bind(audit.emitter);
      const states: string[] = [];
      const slow = new Proxy(audit.emitter, {
        get: (target, name) =>
          name !== "emit"
            ? Reflect.get(target, name)
            : async (event: never) => {
                const result = await emit(event);
                // Later than anything that is only queued.
                await new Promise((resolve) => setImmediate(resolve));
                states.push(result.state);
                return result;
              },
      });
      const look = lang.tools.tool(() => kept.push(states.length === 1), { name: "look", schema: z.object({}) });
      const before = process.env.LANGCHAIN_CALLBACKS_BACKGROUND;
      try {
        if (background === undefined) delete process.env.LANGCHAIN_CALLBACKS_BACKGROUND;
        else process.env.LANGCHAIN_CALLBACKS_BACKGROUND = background;
        await look.invoke({}, { callbacks: [auditCallbacks({ emitter: slow })] });
      } finally {
        if (before === undefined) delete process.env.LANGCHAIN_CALLBACKS_BACKGROUND;
        else process.env.LANGCHAIN_CALLBACKS_BACKGROUND = before;
      }
      expect(kept).toEqual([true]);
      const [intent, outcome] = audit.events;
      expect([intent?.phase, outcome?.phase]).toEqual(["intent", "outcome"]);
      // No model asked for it: the id is that of the run.
      expect(outcome?.context?.callId).toBe(intent?.context?.callId);
      expect(intent?.context?.callId).toBe(intent?.context?.requestId);
    },
  );

  test("FRAMEWORK-31: a streamed answer has its tokens, one that was left is told as such, an answer of a cache costs nothing", async () => {
    const callbacks = [auditCallbacks({ emitter: audit.emitter, sessionId: () => "from-options" })];
    const model = scriptedModel(lang, [{ text: "one two three", id: "msg-s" }]);
    const parts: unknown[] = [];
    for await (const { content } of await model.stream("Count!", { callbacks })) parts.push(content);
    expect(parts).toEqual(["one", " two", " three", ""]);
    expect(briefs()).toEqual([
      "agent.prompt.submitted prompt success",
      `ai.model_call ${MODEL} success msg-s`,
      "ai.chat_message response success",
    ]);
    audit.assertAudited({ action: "ai.model_call", usage: { tokensInput: 50, tokensOutput: 7 }, context: { sessionId: "from-options" } });

    audit.clear();
    const left = lang.runnables.RunnableLambda.from(async (_input: string, config) => {
      for await (const _chunk of await model.stream("Count!", config)) break;
      return "left";
    });
    await left.invoke("go", { callbacks });
    audit.assertAudited({ action: "ai.model_call", outcome: { status: "failure", code: "END_UNKNOWN" } });
    expect(told("ai.model_call")).toHaveLength(1);

    audit.clear();
    const broken = scriptedModel(lang, [{ error: new RangeError("too long") }]);
    await expect(broken.invoke("?", { callbacks, maxConcurrency: 1 })).rejects.toThrow("too long");
    audit.assertAudited({ action: "ai.model_call", outcome: { status: "failure", code: "RANGE_ERROR", message: "too long" } });

    audit.clear();
    const cached = new lang.testing.FakeListChatModel({ responses: ["hi"] });
    cached.cache = new (await import("@langchain/core/caches")).InMemoryCache();
    await cached.invoke("same", { callbacks });
    await cached.invoke("same", { callbacks });
    const [first, second] = told("ai.model_call");
    expect(first?.context?.callId).not.toBe(second?.context?.callId);
    expect(second?.usage?.tokensInput).toBeUndefined();
  });

  test("FRAMEWORK-33: calls that never reach a tool are failures, each told once", async () => {
    const agent = makeAgent([
      {
        calls: [
          { id: "call-1", name: "add", args: { a: "one", b: 2 } },
          { id: "call-2", name: "made_up" },
          { id: "call-3", name: "add", args: { a: 1, b: 2 } },
        ],
      },
      { text: "Sorry." },
    ]);
    await agent.invoke({ messages: "Go!" }, inThread("thread-1"));
    expect(told("ai.tool_call").map(brief).sort()).toEqual([
      "ai.tool_call intent add pending call-3",
      "ai.tool_call outcome add failure TOOL_ERROR call-1",
      "ai.tool_call outcome add success call-3",
      "ai.tool_call outcome made_up failure TOOL_ERROR call-2",
    ]);
    audit.assertAudited({ action: "ai.tool_call", context: { callId: "call-1" }, activity: { tool: { parameters: { a: "one", b: 2 } } } });
    audit.clear();
    await agent.invoke({ messages: "Again!" }, inThread("thread-1"));
    expect(told("ai.tool_call")).toEqual([]);
  });

  test("FRAMEWORK-33: a failing tool that ends the run ends the agent as a failure, and its sibling is still told", async () => {
    const { add, fail } = makeTools();
    const node = new lang.prebuilt.ToolNode([add, fail], { handleToolErrors: false });
    const { StateGraph, MessagesAnnotation, START } = lang.graph;
    const graph = new StateGraph(MessagesAnnotation).addNode("tools", node).addEdge(START, "tools").compile({ name: "strict" });
    const calls = [
      { id: "call-1", name: "add", args: { a: 1, b: 2 } },
      { id: "call-2", name: "fail", args: {} },
    ];
    const asked = new lang.messages.AIMessage({ content: "", tool_calls: calls });
    await expect(graph.invoke({ messages: [asked] }, inThread("t"))).rejects.toThrow("no such thing");
    audit.assertAudited({ action: "ai.tool_call", phase: "outcome", context: { callId: "call-1" }, outcome: { status: "success" } });
    audit.assertAudited({ action: "agent.invocation", target: { id: "strict" }, outcome: { status: "failure", code: "TYPE_ERROR" } });
  });

  test.each([
    [{ type: "accept" }, "ai.approval_approved"],
    [false, "ai.approval_rejected"],
  ] as const)("FRAMEWORK-34, FRAMEWORK-35: an interrupt asks for approval, and resuming with %j answers it", async (answer, action) => {
    const ran: string[] = [];
    const agent = makeAgent([{ calls: [{ id: "call-1", name: "ask", args: { why: "fun" } }] }, { text: "Done." }], ran);
    const config = inThread("thread-1");
    await agent.invoke({ messages: "Go!" }, config);
    const [question] = told("ai.approval_created");
    expect(briefs().slice(-3)).toEqual([
      "ai.tool_call intent ask pending call-1",
      `ai.approval_created ask pending ${question?.context?.approvalId}`,
      "agent.invocation helper success",
    ]);
    expect(question).toMatchObject({
      activity: { approval: { shown: { question: "May I?" } } },
      details: { call: "call-1", node: "tools" },
      context: { sessionId: "thread-1" },
    });
    audit.assertAudited({ action: "agent.invocation", details: { isInterrupted: true } });
    expect(told("ai.chat_message")).toEqual([]);
    audit.clear();
    await agent.invoke(new lang.graph.Command({ resume: answer }), config);
    expect(briefs().slice(0, 3)).toEqual([
      `${action} ask success ${question?.context?.approvalId}`,
      "ai.tool_call intent ask pending call-1",
      "ai.tool_call outcome ask success call-1",
    ]);
    audit.assertAudited({ action, activity: { approval: { approver: { type: "user", id: "ann" } } }, details: { call: "call-1" } });
    // The call and its approval are joined.
    expect(told("ai.tool_call").map(({ context }) => context?.approvalId)).toEqual([
      question?.context?.approvalId,
      question?.context?.approvalId,
    ]);
    expect(ran).toEqual([`asked: ${JSON.stringify(answer)}`]);
    audit.assertNotAudited({ action: "agent.prompt.submitted" });
  });

  test("FRAMEWORK-34: an answer that is given to another process names the checkpoint of the question", async () => {
    const agent = makeAgent([{ calls: [{ id: "call-1", name: "ask" }] }, { text: "Done." }]);
    await agent.invoke({ messages: "Go!" }, inThread("thread-1"));
    const checkpoint = told("ai.approval_created")[0]?.details?.checkpoint;
    expect(checkpoint).toEqual(expect.any(String));
    // Callbacks that know nothing of what was before, as after a restart.
    await agent.invoke(new lang.graph.Command({ resume: "yes" }), inThread("thread-1"));
    audit.assertAudited({ action: "ai.approval_approved", details: { checkpoint: String(checkpoint) } });
  });

  test("FRAMEWORK-34: answers by id, a breakpoint, and several interrupts at once are told one by one", async () => {
    const agent = makeAgent([
      {
        calls: [
          { id: "call-1", name: "ask", args: { why: "a" } },
          { id: "call-2", name: "add", args: { a: 1, b: 1 } },
        ],
      },
      { text: "Done." },
    ]);
    const config = inThread("thread-1");
    await agent.invoke({ messages: "Go!" }, config);
    const id = told("ai.approval_created")[0]?.context?.approvalId ?? "";
    await agent.invoke(new lang.graph.Command({ resume: { [id]: { decisions: [{ type: "reject", message: "Too dear." }] } } }), config);
    audit.assertAudited({ action: "ai.approval_rejected", context: { approvalId: id }, outcome: { message: "Too dear." } });
    expect(told("ai.approval_created")).toHaveLength(1);

    audit.clear();
    const { StateGraph, MessagesAnnotation, START, MemorySaver } = lang.graph;
    const stopping = new StateGraph(MessagesAnnotation)
      .addNode("act", () => ({ messages: [] }))
      .addEdge(START, "act")
      .compile({ checkpointer: new MemorySaver(), interruptBefore: ["act"] });
    const second = inThread("thread-2");
    await stopping.invoke({ messages: "Go!" }, second);
    await stopping.invoke(null, second);
    expect(briefs().filter((line) => line.startsWith("ai.approval"))).toEqual([
      expect.stringMatching(/^ai\.approval_created breakpoint pending /),
      expect.stringMatching(/^ai\.approval_approved breakpoint success /),
    ]);
  });

  test("FRAMEWORK-35: requests of the human-in-the-loop middleware are questions of their own, and a refused call is denied", async () => {
    const { StateGraph, MessagesAnnotation, START, MemorySaver, interrupt } = lang.graph;
    const { AIMessage, ToolMessage } = lang.messages;
    const calls = [
      { id: "call-1", name: "pay", args: { amount: 5 } },
      { id: "call-2", name: "mail", args: {} },
    ];
    const mail = lang.tools.tool(() => "sent", { name: "mail", schema: lang.zod.z.object({}) });
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("tools", new lang.prebuilt.ToolNode([mail]))
      .addNode("model", async (state, config) => ({ messages: [await scriptedModel(lang, [{ calls }]).invoke(state.messages, config)] }))
      .addNode("review", () => {
        interrupt({ actionRequests: calls.map(({ name, args }) => ({ name, args })), reviewConfigs: [] });
        return {
          messages: [new AIMessage(""), new ToolMessage({ content: "The user said no.", status: "error", tool_call_id: "call-1" })],
        };
      })
      .addEdge(START, "model")
      .addEdge("model", "review")
      .addEdge("review", "tools")
      .compile({ checkpointer: new MemorySaver(), name: "payer" });
    const config = inThread("thread-1");
    await graph.invoke({ messages: "Pay!" }, config);
    expect(told("ai.approval_created").map(({ target, activity }) => [target?.id, activity?.approval?.shown])).toEqual([
      ["pay", { name: "pay", args: { amount: 5 } }],
      ["mail", { name: "mail", args: {} }],
    ]);
    await graph.invoke(new lang.graph.Command({ resume: { decisions: [{ type: "reject" }, { type: "approve" }] } }), config);
    const answers = audit.events.filter(({ action }) => /approved|rejected/.test(action));
    expect(answers.map(({ action, target }) => `${action} ${target?.id}`)).toEqual([
      "ai.approval_rejected pay",
      "ai.approval_approved mail",
    ]);
    audit.assertAudited({
      action: "ai.tool_call",
      context: { callId: "call-1" },
      outcome: { status: "denied", message: "The user said no." },
    });
  });

  test("FRAMEWORK-35: an answer that decides nothing is what the person said, unless the application knows better", async () => {
    const agent = makeAgent([{ calls: [{ id: "call-1", name: "ask" }] }, { text: "Done." }]);
    const config = inThread("thread-1");
    await agent.invoke({ messages: "Go!" }, config);
    await agent.invoke(new lang.graph.Command({ resume: "My name is Bo." }), config);
    expect(told("agent.prompt.submitted").at(-1)).toMatchObject({ activity: { message: { text: "My name is Bo." } } });
    audit.assertNotAudited({ action: "ai.approval_approved" });

    const knowing = inThread("thread-2", { decisionOf: (answer) => answer === "fiat" });
    const other = makeAgent([{ calls: [{ id: "call-1", name: "ask" }] }, { text: "Done." }]);
    await other.invoke({ messages: "Go!" }, knowing);
    await other.invoke(new lang.graph.Command({ resume: "fiat" }), knowing);
    audit.assertAudited({ action: "ai.approval_approved", context: { sessionId: "thread-2" } });
  });

  test("FRAMEWORK-32, FRAMEWORK-36: subagents act for the agents around them, and hand over by a command to the graph above", async () => {
    const { StateGraph, MessagesAnnotation, START, Command } = lang.graph;
    const { createReactAgent } = lang.prebuilt;
    const { z } = lang.zod;
    const toBob = lang.tools.tool(() => new Command({ graph: Command.PARENT, goto: "bob" }), { name: "to_bob", schema: z.object({}) });
    const alice = createReactAgent({
      name: "alice",
      tools: [toBob],
      llm: scriptedModel(lang, [{ calls: [{ id: "call-1", name: "to_bob" }] }]),
    });
    const bob = createReactAgent({ name: "bob", tools: [], llm: scriptedModel(lang, [{ text: "Hello from Bob." }]) });
    const team = new StateGraph(MessagesAnnotation)
      .addNode("alice", alice, { ends: ["bob"] })
      .addNode("bob", bob)
      .addEdge(START, "alice")
      .compile({ name: "team" });
    await team.invoke({ messages: "Hi!" }, inThread("thread-1"));
    expect(told("ai.agent_handoff")).toMatchObject([
      { actor: { id: "alice" }, target: { type: "agent", id: "bob" }, activity: { handoff: { from: "alice", to: "bob" } } },
    ]);
    expect(told("agent.invocation").map(({ target, outcome }) => [target?.id, outcome.status])).toEqual([
      ["alice", "success"],
      ["bob", "success"],
      ["team", "success"],
    ]);
    audit.assertAudited({ action: "ai.tool_call", phase: "outcome", context: { callId: "call-1" }, outcome: { status: "success" } });
    const chain = [
      { type: "agent", id: "team" },
      { type: "user", id: "ann" },
    ] as const;
    audit.assertAudited({ action: "ai.model_call", actor: { id: "bob", onBehalfOf: [...chain] } });
    expect([told("agent.prompt.submitted").length, told("ai.chat_message").length]).toEqual([1, 1]);
    expect(audit.events.every(({ outcome }) => outcome.status !== "failure")).toBe(true);
  });

  test("FRAMEWORK-32, FRAMEWORK-34: a subagent that is a tool, and its interrupt, are told for the agent that called it", async () => {
    const { createReactAgent } = lang.prebuilt;
    const { ask } = makeTools();
    const { z } = lang.zod;
    const inner = createReactAgent({
      name: "inner",
      tools: [ask],
      llm: scriptedModel(lang, [{ calls: [{ id: "call-i", name: "ask" }] }, { text: "Asked." }]),
    });
    const delegate = lang.tools.tool(
      async ({ task }, config) => (await inner.invoke({ messages: task }, config)).messages.at(-1)?.content,
      {
        name: "delegate",
        schema: z.object({ task: z.string() }),
      },
    );
    const outer = createReactAgent({
      name: "outer",
      tools: [delegate],
      llm: scriptedModel(lang, [{ calls: [{ id: "call-o", name: "delegate", args: { task: "ask" } }] }, { text: "Done." }]),
      checkpointer: new lang.graph.MemorySaver(),
    });
    const config = inThread("thread-1");
    await outer.invoke({ messages: "Go!" }, config);
    expect(told("ai.approval_created")).toMatchObject([{ actor: { id: "inner" }, target: { id: "ask" }, details: { call: "call-i" } }]);
    await outer.invoke(new lang.graph.Command({ resume: true }), config);
    expect(told("ai.approval_approved")).toHaveLength(1);
    for (const callId of ["call-i", "call-o"])
      audit.assertAudited({ action: "ai.tool_call", phase: "outcome", context: { callId }, outcome: { status: "success" } });
    audit.assertAudited({
      action: "ai.tool_call",
      context: { callId: "call-i" },
      actor: {
        id: "inner",
        onBehalfOf: [
          { type: "agent", id: "outer" },
          { type: "user", id: "ann" },
        ],
      },
    });
    audit.assertNotAudited({ action: "ai.tool_call", outcome: { status: "failure" } });
    expect(told("agent.prompt.submitted")).toHaveLength(1);
  });

  test("FRAMEWORK-31, FRAMEWORK-39: a streamed graph is told as an invoked one, and one that is aborted ends as a failure", async () => {
    const agent = makeAgent([{ calls: [{ id: "call-1", name: "add", args: { a: 1, b: 2 } }] }, { text: "It is three.", id: "msg-2" }]);
    const modes: unknown[] = [];
    for await (const [mode] of await agent.stream({ messages: "Go!" }, { ...inThread("thread-1"), streamMode: ["updates", "messages"] }))
      modes.push(mode);
    expect(modes).toContain("messages");
    expect(told("ai.tool_call").map(brief)).toEqual(["ai.tool_call intent add pending call-1", "ai.tool_call outcome add success call-1"]);
    expect(told("ai.model_call").map(({ usage }) => usage?.tokensOutput)).toEqual([7, 7]);
    expect(told("ai.chat_message")).toMatchObject([{ activity: { message: { text: "It is three." } } }]);

    audit.clear();
    const stop = new AbortController();
    const { z } = lang.zod;
    const wait = lang.tools.tool(
      () => {
        stop.abort();
        return new Promise<string>(() => undefined);
      },
      { name: "wait", schema: z.object({}) },
    );
    const waiting = lang.prebuilt.createReactAgent({
      name: "waiting",
      tools: [wait],
      llm: scriptedModel(lang, [{ calls: [{ id: "call-1", name: "wait" }] }]),
    });
    await expect(waiting.invoke({ messages: "Go!" }, { ...inThread("thread-2"), signal: stop.signal })).rejects.toThrow();
    expect(briefs().slice(2)).toEqual([
      "ai.tool_call intent wait pending call-1",
      "ai.tool_call outcome wait failure ABORT_ERROR call-1",
      "agent.invocation waiting failure AGENT_ERROR",
    ]);
  });

  test("FRAMEWORK-38: a retriever is a call that says what it was asked and which documents it found", async () => {
    const { Document } = await import("@langchain/core/documents");
    const output = [new Document({ pageContent: "secret", id: "doc-1" }), new Document({ pageContent: "x", metadata: { source: "a.md" } })];
    const retriever = new lang.testing.FakeRetriever({ output });
    await retriever.invoke("where?", { callbacks: [auditCallbacks({ emitter: audit.emitter })], runName: "handbook" });
    expect(briefs()).toEqual([expect.stringMatching(/intent handbook pending/), expect.stringMatching(/outcome handbook success/)]);
    audit.assertAudited({ action: "ai.tool_call", activity: { tool: { parameters: { query: "where?" } } }, phase: "intent" });
    audit.assertAudited({ action: "ai.tool_call", outcome: { result: { documents: 2, sources: ["doc-1", "a.md"] } } });
    expect(JSON.stringify(audit.events)).not.toContain("secret");
  });

  test("FRAMEWORK-4: without content nothing of prompts, inputs, results, questions and answers is recorded", async () => {
    const agent = makeAgent([
      {
        calls: [
          { id: "call-1", name: "add", args: { a: 987_654, b: 1 } },
          { id: "call-2", name: "ask", args: { why: "SECRET-1" } },
        ],
      },
      { text: "SECRET-2" },
    ]);
    const config = inThread("thread-1", { hasContent: false });
    await agent.invoke({ messages: "SECRET-3" }, config);
    await agent.invoke(new lang.graph.Command({ resume: { type: "reject", message: "SECRET-4" } }), config);
    expect(JSON.stringify(audit.events)).not.toMatch(/SECRET|98765|May I/);
    expect([...new Set(audit.events.map(({ action }) => action))].sort()).toEqual([
      "agent.invocation",
      "agent.prompt.submitted",
      "ai.approval_created",
      "ai.approval_rejected",
      "ai.chat_message",
      "ai.model_call",
      "ai.tool_call",
    ]);
    audit.assertAudited({ action: "ai.model_call", usage: { tokensInput: 50 } });
  });
});
