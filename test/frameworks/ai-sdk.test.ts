import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditEvent, SessionPage } from "@vouchtrail/events";
import type { TelemetryOptions, TelemetryTracingEventType } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditTelemetry } from "../../packages/sdk/src/node/agents/ai-sdk.ts";
import { startTestServer, type TestServer } from "../hostile/running-server.ts";
import { isAiSdkRunnable, playScenarios, type Scenario, type Scenarios, shapesOf } from "./ai-sdk-told.ts";

if (!isAiSdkRunnable)
  console.info("The AI SDK or a Node.js that runs it is not installed: its adapter is not tested. Run: node scripts/frameworks.mjs");

const WAYS = ["telemetry", "perCall", "global", "channel", "both"] as const;
let scenarios: Scenarios;
let server: TestServer;
let spoolDirectory: string;

beforeAll(async () => {
  if (!isAiSdkRunnable) return;
  server = await startTestServer();
  spoolDirectory = await mkdtemp(join(tmpdir(), "vouchtrail-ai-sdk-"));
  // Nothing listens on port 9.
  scenarios = await playScenarios([server.running.url, "http://127.0.0.1:9", spoolDirectory]);
});
afterAll(async () => {
  if (!isAiSdkRunnable) return;
  await server.remove();
  await rm(spoolDirectory, { recursive: true, force: true });
});

const scenarioOf = (name: string): Scenario => scenarios.scenarioOf(name);
const eventsOf = (name: string, action: string): readonly AuditEvent[] => scenarios.eventsOf(name, action);
const callsOf = (name: string): unknown[] => scenarios.callsOf(name);

describe.skipIf(!isAiSdkRunnable)("the AI SDK", () => {
  test("FRAMEWORK-10: the integration is what the AI SDK takes, and the channel tells what it knows", () => {
    const options: TelemetryOptions = { integrations: [auditTelemetry(), auditTelemetry({ agentName: "helper" })] };
    expect(options.integrations).toHaveLength(2);
    // A type that the AI SDK adds does not compile here.
    const types: Record<TelemetryTracingEventType, boolean> = {
      generateText: true,
      streamText: true,
      step: true,
      languageModelCall: true,
      executeTool: true,
      embed: true,
      embedMany: true,
      rerank: true,
      generateSpeech: true,
      transcribe: true,
      streamTranscribe: true,
      experimental_decide: true,
    };
    expect(Object.values(types).every(Boolean)).toBe(true);
    expect(scenarioOf("names").notes).toEqual({ channel: "ai:telemetry" });
  });

  test.each(["tools", "nested", "retry", "failing", "approvals", "elsewhere", "others"])(
    "FRAMEWORK-10: %s is recorded alike by every way in, and once by several together",
    (name) => {
      const expected = shapesOf(scenarioOf(`${name}/telemetry`).events);
      expect(expected.length).toBeGreaterThan(2);
      for (const way of WAYS) expect(shapesOf(scenarioOf(`${name}/${way}`).events), way).toEqual(expected);
    },
  );

  test.each(["stream", "failing-stream", "abort"])("FRAMEWORK-10: %s is recorded alike by all but the channel alone, and once", (name) => {
    const expected = shapesOf(scenarioOf(`${name}/telemetry`).events);
    expect(expected.length).toBeGreaterThan(2);
    for (const way of ["perCall", "global", "both"]) expect(shapesOf(scenarioOf(`${name}/${way}`).events), way).toEqual(expected);
  });

  test("FRAMEWORK-1, FRAMEWORK-11: parallel calls of tools are intents and outcomes with the ids of the provider, inputs, results and errors", () => {
    for (const name of ["tools/telemetry", "tools/channel", "stream/telemetry", "stream/channel"]) {
      expect(scenarioOf(name).notes).toEqual({ text: "fine" });
      const calls = eventsOf(name, "ai.tool_call");
      const ids = ["c-1", "c-2", "c-3"];
      expect(calls.filter(({ phase }) => phase === "intent").map(({ context }) => context?.callId)).toEqual(ids);
      const outcomes = new Map(calls.filter(({ phase }) => phase === "outcome").map((event) => [event.context?.callId, event]));
      expect([...outcomes.keys()].sort()).toEqual(ids);
      expect(outcomes.get("c-1")).toMatchObject({
        outcome: { status: "success", result: { city: "A", degrees: 21 } },
        activity: { tool: { name: "weather", parameters: { city: "A" } } },
        usage: { durationMs: expect.any(Number) },
        labels: { platform: "ai-sdk" },
      });
      expect(outcomes.get("c-2")?.outcome).toMatchObject({ status: "failure", code: "TYPE_ERROR", message: "no weather" });
    }
  });

  test("FRAMEWORK-1, FRAMEWORK-11: a tool is called when its intent is recorded", () => {
    for (const way of ["telemetry", "both"]) expect(scenarioOf(`intent-first/${way}`).notes).toEqual({ order: ["intent l-1", "executed"] });
  });

  test("FRAMEWORK-2, FRAMEWORK-12: a request to a model has the id of its response, its model and its tokens", () => {
    for (const name of ["tools/telemetry", "tools/channel", "stream/telemetry", "stream/both"]) {
      const requests = eventsOf(name, "ai.model_call");
      expect(requests, name).toHaveLength(2);
      for (const { context, usage, outcome, details } of requests) {
        expect(context?.callId).toMatch(/^response-\d+$/);
        expect(outcome.status).toBe("success");
        expect(usage).toMatchObject({ model: "model-1", tokensInput: 11, tokensOutput: 7, tokensCacheRead: 2, tokensCacheWrite: 1 });
        expect(details).toMatchObject({ provider: "mock" });
      }
      expect(eventsOf(name, "agent.invocation").map(({ usage }) => usage?.tokensInput)).toEqual([undefined]);
    }
  });

  test("FRAMEWORK-12: each attempt that fails is a request of its own, and a run that fails is told as it failed", () => {
    for (const way of WAYS) {
      const retried = eventsOf(`retry/${way}`, "ai.model_call");
      expect(retried.map(({ outcome }) => [outcome.status, outcome.message])).toEqual([
        ["failure", "busy"],
        ["success", undefined],
      ]);
      expect(new Set(retried.map(({ context }) => context?.callId)).size).toBe(2);
      expect(scenarioOf(`failing/${way}`).notes).toEqual({ thrown: "RangeError: model away" });
      for (const action of ["ai.model_call", "agent.invocation"])
        expect(eventsOf(`failing/${way}`, action)).toMatchObject([
          { outcome: { status: "failure", code: "RANGE_ERROR", message: "model away" } },
        ]);
    }
    for (const way of ["telemetry", "global", "both"])
      expect(eventsOf(`failing-stream/${way}`, "ai.model_call").map(({ outcome }) => outcome.status)).toEqual(["failure"]);
  });

  test("FRAMEWORK-12, FRAMEWORK-13: a stream that is aborted ends its run, and the request that was under way", () => {
    for (const way of WAYS)
      expect(eventsOf(`abort/${way}`, "agent.invocation")).toMatchObject([{ outcome: { status: "failure", code: "ABORT_ERROR" } }]);
    expect(eventsOf("abort/channel", "ai.model_call")).toMatchObject([{ outcome: { status: "failure", code: "ABORT_ERROR" } }]);
  });

  test("FRAMEWORK-5, FRAMEWORK-13: a run has its prompt, its answer and its end; what names agent, session and person comes from its own telemetry, else from the options", () => {
    const { events } = scenarioOf("context");
    expect(events.map(({ action }) => action)).toEqual(["agent.prompt.submitted", "ai.model_call", "ai.chat_message", "agent.invocation"]);
    expect(events[0]).toMatchObject({ actor: { type: "user", id: "u-9" }, activity: { message: { role: "user", text: "Hi" } } });
    expect(events[2]).toMatchObject({ activity: { message: { role: "assistant", text: "hello" } } });
    expect(events[3]).toMatchObject({ usage: { durationMs: expect.any(Number) } });
    for (const { context } of events) expect(context).toMatchObject({ sessionId: "s-9", conversationId: "k-9" });
    for (const { actor } of events.slice(1))
      expect(actor).toEqual({ type: "agent", id: "greeter", onBehalfOf: [{ type: "user", id: "u-9" }] });
    expect(new Set(events.map(({ context }) => context?.requestId)).size).toBe(1);
    expect(eventsOf("tools/telemetry", "agent.prompt.submitted")).toMatchObject([{ actor: { id: "u-1" }, context: { sessionId: "s-1" } }]);
  });

  test("FRAMEWORK-14: a run that a tool starts acts on behalf of the agent whose tool it is, in its session", () => {
    for (const way of WAYS) {
      const { events } = scenarioOf(`nested/${way}`);
      const inner = events.filter(({ actor }) => actor.id === "researcher");
      expect(inner).toHaveLength(4);
      for (const { actor, context, details } of inner) {
        expect(actor.onBehalfOf).toEqual([
          { type: "agent", id: "writer" },
          { type: "user", id: "u-1" },
        ]);
        expect(context?.sessionId).toBe("s-1");
        expect(details).toMatchObject({ parentCall: "outer-1" });
      }
      const invocations = eventsOf(`nested/${way}`, "agent.invocation");
      expect(invocations.map(({ actor, target }) => [actor.id, target?.id])).toEqual([
        ["writer", "researcher"],
        ["writer", "writer"],
      ]);
      expect(eventsOf(`nested/${way}`, "agent.prompt.submitted")).toHaveLength(1);
    }
  });

  test("FRAMEWORK-15: questions whether a tool may be called, their answers and who gave them are told, and what was refused is denied", () => {
    for (const way of WAYS) {
      const name = `approvals/${way}`;
      expect(scenarioOf(name).notes).toEqual({ executions: 1 });
      expect(eventsOf(name, "ai.approval_created")).toHaveLength(3);
      expect(eventsOf(name, "ai.approval_created")[0]).toMatchObject({
        outcome: { status: "pending" },
        activity: { approval: { state: "created", shown: { disk: 1 } } },
        details: { call: "w-1" },
      });
      expect(eventsOf(name, "ai.approval_approved")).toMatchObject([
        { details: { call: "w-1" }, activity: { approval: { approver: { type: "user", id: "u-9" } } } },
      ]);
      expect(eventsOf(name, "ai.approval_rejected")).toMatchObject([
        {
          details: { call: "w-2" },
          activity: { approval: { approver: { type: "user", id: "u-9" } } },
          outcome: { message: "not that one" },
        },
        { details: { call: "w-3" }, activity: { approval: { approver: { type: "system" } } }, outcome: { message: "never" } },
      ]);
      expect(callsOf(name).sort()).toEqual([
        ["intent", "w-1", "wipe", "pending"],
        ["outcome", "w-1", "wipe", "success"],
        ["outcome", "w-2", "wipe", "denied"],
        ["outcome", "w-3", "wipe", "denied"],
      ]);
      const asked = eventsOf(name, "ai.approval_created").map(({ context }) => context?.approvalId);
      expect(eventsOf(name, "ai.approval_approved")[0]?.context?.approvalId).toBe(asked[0]);
    }
  });

  test("FRAMEWORK-16: calls that the provider or the client executes are told as far as the AI SDK hears of them, and those that it refuses have failed", () => {
    for (const way of WAYS) {
      expect(scenarioOf(`elsewhere/${way}`).notes).toBeUndefined();
      expect(callsOf(`elsewhere/${way}`)).toEqual([
        ["intent", "p-1", "search", "pending"],
        ["outcome", "p-1", "search", "success"],
        ["outcome", "i-1", "unheard", "failure"],
        ["intent", "q-1", "ask", "pending"],
        ["outcome", "q-1", "ask", "success"],
      ]);
      const answers = eventsOf(`elsewhere/${way}`, "ai.tool_call").filter(({ outcome }) => outcome.status === "success");
      expect(answers.map(({ outcome }) => outcome.result)).toEqual([{ hits: 3 }, "the red one"]);
    }
  });

  test("FRAMEWORK-17: embedding, reranking and speech are one request each, with the tokens that are told", () => {
    for (const way of WAYS) {
      const { events } = scenarioOf(`others/${way}`);
      expect(events.map(({ action, target, usage, outcome }) => [action, target?.id, usage?.tokensInput, outcome.status])).toEqual([
        ["ai.model_call", "embed-1", 5, "success"],
        ["ai.model_call", "embed-1", 10, "success"],
        ["ai.model_call", "rerank-1", undefined, "success"],
        ["ai.model_call", "speech-1", undefined, "success"],
        ["ai.model_call", "embed-1", undefined, "failure"],
      ]);
    }
  });

  test("FRAMEWORK-17: a generated object is one request, and a run that fails when the answer is no object", () => {
    for (const way of ["telemetry", "both"]) {
      expect(scenarioOf(`object/${way}`).notes).toEqual({ object: { city: "A" } });
      expect(eventsOf(`object/${way}`, "ai.model_call").map(({ usage, outcome }) => [usage?.tokensInput, outcome.status])).toEqual([
        [11, "success"],
        [11, "success"],
      ]);
      expect(eventsOf(`object/${way}`, "agent.invocation").map(({ outcome }) => outcome.status)).toEqual(["success", "failure"]);
    }
  });

  test("FRAMEWORK-18: the channel alone tells no tokens of a stream, and nothing of what the application hides", () => {
    expect(eventsOf("stream/channel", "ai.model_call").map(({ usage }) => usage?.tokensInput)).toEqual([undefined, undefined]);
    expect(callsOf("hidden/channel")).toEqual(
      ["c-1", "c-2", "c-3"].map((id) => ["intent", id, id === "c-2" ? "broken" : "weather", "pending"]),
    );
    for (const way of ["telemetry", "channel"]) {
      const text = JSON.stringify(scenarioOf(`hidden/${way}`).events);
      expect(text).not.toContain("SECRET");
      expect(text).not.toContain("degrees");
    }
    expect(callsOf("hidden/telemetry")).toHaveLength(6);
    expect(eventsOf("hidden/telemetry", "ai.model_call").map(({ usage }) => usage?.tokensInput)).toEqual([11, 11]);
  });

  test("FRAMEWORK-18: who ends it hears nothing more, and takes it from nobody else", () => {
    expect(scenarioOf("deaf").notes).toEqual({ heard: 0, others: true });
    expect(scenarioOf("ended").notes).toEqual({ subscribers: 1 });
    expect(scenarioOf("ended").events).toHaveLength(4);
  });

  test("FRAMEWORK-4: without content neither prompts, answers, inputs nor results are there; names, ids, tokens and errors are", () => {
    const { events } = scenarioOf("without-content");
    const text = JSON.stringify(events);
    for (const secret of ["SECRET", "degrees", '"city"']) expect(text).not.toContain(secret);
    expect(shapesOf(events)).toHaveLength(scenarioOf("tools/telemetry").events.length);
    expect(text).toContain("no weather");
  });

  test("FRAMEWORK-3: values that JSON has no form for, huge ids and halves of characters become events that the trail takes", () => {
    const outcomes = eventsOf("hostile", "ai.tool_call").filter(({ phase }) => phase === "outcome");
    expect(outcomes.map(({ target, outcome }) => `${target?.id} ${outcome.status}`).sort()).toEqual([
      "big success",
      "cyclic success",
      "getter success",
      "thrower failure",
    ]);
    expect(new Set(outcomes.map(({ context }) => context?.callId)).size).toBe(4);
    expect(eventsOf("hostile", "agent.invocation")).toHaveLength(1);
  });

  test("FRAMEWORK-19: options that throw, streams that nobody reads and a trail that is away do not disturb the agent", async () => {
    expect(scenarioOf("broken-options").notes).toEqual({ text: "fine" });
    expect(scenarioOf("forgotten").notes).toEqual({ text: "still here" });
    expect(eventsOf("forgotten", "ai.chat_message")).toHaveLength(1);
    expect(scenarioOf("away").notes).toMatchObject({ text: "fine" });
    expect((await readdir(spoolDirectory)).length).toBeGreaterThan(0);
  });

  test("FRAMEWORK-1, FRAMEWORK-2: a run that is sent to a server is a session with the calls, failures and tokens that happened", async () => {
    expect(scenarioOf("real").notes).toMatchObject({ text: "fine" });
    const { status, text } = await server.send("/api/v1/sessions?wait=searchable&session=real-session");
    expect(status, text).toBe(200);
    const { sessions } = JSON.parse(text) as SessionPage;
    expect(sessions).toMatchObject([
      {
        id: "real-session",
        agents: ["real-agent"],
        users: ["u-1"],
        models: ["model-1"],
        prompts: 1,
        toolCalls: 3,
        failures: 1,
        denials: 0,
        tokensInput: 22,
        tokensOutput: 14,
        tokensCacheRead: 4,
        tokensCacheWrite: 2,
      },
    ]);
  });
});
