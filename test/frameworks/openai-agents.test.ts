import type { Agent } from "@openai/agents-core";
import { auditRunner } from "@vouchtrail/sdk/openai-agents";
import { mockAudit } from "@vouchtrail/sdk/testing";
import { expect } from "vitest";
import { z } from "zod";
import {
  agentOf,
  auditedRunner,
  callOf,
  callsOf,
  core,
  ofAction,
  sessionsOf,
  test,
  trace,
  useAgents,
  weather,
} from "./openai-agents-harness.ts";
import { MODEL, TOKENS } from "./openai-agents-model.ts";

useAgents();

test("FRAMEWORK-20, FRAMEWORK-1: a processor tells calls that run at once with the ids of the model's answer, and how each ended", async () => {
  for (const spans of ["response", "generation"] as const) {
    const audit = mockAudit();
    trace({ emitter: audit.emitter });
    const answers = [{ calls: [callOf("call-1", "Oslo"), callOf("call-2", "Atlantis"), callOf("call-3", "Rome")] }, { text: "Blue." }];
    await new core.Runner({ groupId: "group-1" }).run(agentOf(answers, {}, spans), "How is the weather?");
    expect(callsOf(audit).slice(0, 3)).toEqual([
      ["call-1", "intent", "pending"],
      ["call-2", "intent", "pending"],
      ["call-3", "intent", "pending"],
    ]);
    // Which of them ends first is nobody's business.
    expect(callsOf(audit).slice(3).sort()).toEqual([
      ["call-1", "outcome", "success"],
      ["call-2", "outcome", "failure"],
      ["call-3", "outcome", "success"],
    ]);
    audit.assertAudited({
      action: "ai.tool_call",
      phase: "outcome",
      actor: { type: "agent", id: "Helper" },
      target: { type: "tool", id: "weather" },
      activity: { tool: { name: "weather", parameters: { city: "Rome" } } },
      outcome: { status: "success", result: { city: "Rome", sky: "blue" } },
      context: { sessionId: "group-1", callId: "call-3" },
      labels: { platform: "openai-agents" },
    });
    expect(sessionsOf(audit)).toEqual(["group-1"]);
    expect(ofAction(audit, "agent.invocation")).toMatchObject([
      { target: { type: "agent", id: "Helper" }, outcome: { status: "success" } },
    ]);
    const requests = ofAction(audit, "ai.model_call");
    expect(requests.map(({ usage }) => usage)).toMatchObject([
      { ...TOKENS, model: MODEL },
      { ...TOKENS, model: MODEL },
    ]);
    expect(requests.every(({ context }) => context?.callId?.startsWith("resp-") === true)).toBe(true);
    expect(audit.events.every(({ usage }) => usage?.durationMs === undefined || usage.durationMs >= 0)).toBe(true);
  }
});

test("FRAMEWORK-20: data that a trace must not hold is not needed: calls have the ids of their spans, and still one intent and one outcome", async () => {
  const audit = mockAudit();
  trace({ emitter: audit.emitter });
  await new core.Runner({ traceIncludeSensitiveData: false }).run(
    agentOf([{ calls: [callOf("call-1", "Oslo")] }, { text: "Blue." }]),
    "Hi",
  );
  const calls = ofAction(audit, "ai.tool_call");
  expect(calls.map(({ phase }) => phase)).toEqual(["intent", "outcome"]);
  expect(new Set(calls.map(({ context }) => context?.callId)).size).toBe(1);
  expect(JSON.stringify(audit.events)).not.toContain("Oslo");
});

test("FRAMEWORK-24: a processor alone tells from the span that a call was rejected", async () => {
  const audit = mockAudit();
  trace({ emitter: audit.emitter });
  const remove = core.tool({
    name: "remove",
    description: "",
    parameters: z.object({}),
    needsApproval: true,
    execute: async () => "removed",
  });
  const first = await new core.Runner().run(
    agentOf([{ calls: [{ callId: "call-1", name: "remove" }] }, { text: "No." }], { tools: [remove] }),
    "Hi",
  );
  const [item] = first.interruptions;
  if (item === undefined) throw new Error("Nothing was asked.");
  first.state.reject(item);
  await new core.Runner().run(first.lastAgent as Agent, first.state);
  expect(callsOf(audit)).toContainEqual(["call-1", "outcome", "denied"]);
});

test("FRAMEWORK-25: a guardrail that lets pass and one that stops the agent are told, and the agent's end is a failure", async () => {
  const rule = (name: string, tripwireTriggered: boolean) => ({ name, execute: async () => ({ tripwireTriggered, outputInfo: {} }) });
  const { audit, runner } = auditedRunner();
  const agent = agentOf([{ text: "Hi." }], { inputGuardrails: [rule("polite", false), rule("on-topic", true)] });
  await expect(runner.run(agent, "Hello")).rejects.toThrow("guardrail");
  audit.assertAudited({ action: "agent.guardrail.passed", target: { type: "guardrail", id: "polite" } });
  audit.assertAudited({ action: "agent.guardrail.tripped", target: { type: "guardrail", id: "on-topic" }, outcome: { status: "denied" } });
  audit.assertAudited({ action: "agent.invocation", outcome: { status: "failure" } });
  audit.assertAudited({ action: "agent.prompt.submitted" });
});

test("FRAMEWORK-25: a tool that throws out of the run, and one that a tool guardrail stops, are told, and the error reaches the program", async () => {
  const fatal = core.tool({
    name: "fatal",
    description: "",
    parameters: z.object({}),
    errorFunction: null,
    execute: async (): Promise<string> => {
      throw new Error("The disk is full.");
    },
  });
  const one = auditedRunner();
  await expect(one.runner.run(agentOf([{ calls: [{ callId: "call-1", name: "fatal" }] }], { tools: [fatal] }), "Hi")).rejects.toThrow(
    "The disk is full.",
  );
  one.audit.assertAudited({
    action: "ai.tool_call",
    phase: "outcome",
    outcome: { status: "failure", message: "Error: The disk is full." },
  });

  const guardrail = core.defineToolInputGuardrail({
    name: "no-rome",
    run: async () => ({ behavior: { type: "throwException" as const } }),
  });
  const other = auditedRunner();
  await expect(other.runner.run(agentOf([{ calls: [callOf("call-1", "Rome")] }], { tools: [weather([guardrail])] }), "Hi")).rejects.toThrow(
    "no-rome",
  );
  expect(callsOf(other.audit)).toContainEqual(["call-1", "outcome", "denied"]);
});

test("FRAMEWORK-26, FRAMEWORK-2: each request counts its tokens once: from its span, else from its turn, else from the result", async () => {
  const ask = async (config: object, spans: "response" | "none", hasRunner: boolean, isTraced: boolean): Promise<unknown[]> => {
    const audit = mockAudit();
    if (isTraced) trace({ emitter: audit.emitter });
    const runner = new core.Runner({ tracingDisabled: !isTraced, ...config });
    if (hasRunner) auditRunner(runner, { emitter: audit.emitter });
    await runner.run(agentOf([{ calls: [callOf("call-1", "Oslo")] }, { text: "Blue." }], {}, spans), "Hi");
    return ofAction(audit, "ai.model_call").map(({ usage }) => [usage?.tokensInput, usage?.tokensOutput, usage?.tokensCacheRead]);
  };
  const twice = [
    [TOKENS.tokensInput, TOKENS.tokensOutput, TOKENS.tokensCacheRead],
    [TOKENS.tokensInput, TOKENS.tokensOutput, TOKENS.tokensCacheRead],
  ];
  for (const spans of ["response", "none"] as const) {
    expect(await ask({}, spans, false, true)).toEqual(twice);
    expect(await ask({}, spans, true, true)).toEqual(twice);
    expect(await ask({}, spans, true, false)).toEqual(twice);
    expect(await ask({ traceIncludeSensitiveData: false }, spans, false, true)).toEqual(twice);
    expect(await ask({ traceIncludeSensitiveData: false }, spans, true, true)).toEqual(twice);
    expect(await ask({ tracing: { includeTaskAndTurnSpans: false } }, spans, true, true)).toEqual(twice);
  }
});

test("FRAMEWORK-26: a request that fails is a failure, and so is the agent", async () => {
  const { audit, runner } = auditedRunner();
  await expect(runner.run(agentOf([{ fails: "The provider is away." }]), "Hi")).rejects.toThrow("The provider is away.");
  audit.assertAudited({ action: "ai.model_call", outcome: { status: "failure", message: "The provider is away." } });
  audit.assertAudited({ action: "agent.invocation", outcome: { status: "failure" } });
});

test("FRAMEWORK-20, FRAMEWORK-21: a streamed run is told like any other, and one that the program leaves tells how it ended", async () => {
  const { audit, runner } = auditedRunner({ groupId: "group-5" });
  const stream = await runner.run(agentOf([{ calls: [callOf("call-1", "Oslo")] }, { text: "Blue." }]), "Hi", { stream: true });
  let text = "";
  for await (const part of stream.toTextStream()) text += part;
  await stream.completed;
  expect(text).toBe("Blue.");
  expect(callsOf(audit)).toEqual([
    ["call-1", "intent", "pending"],
    ["call-1", "outcome", "success"],
  ]);
  expect(ofAction(audit, "ai.model_call")).toMatchObject([{ usage: TOKENS }, { usage: TOKENS }]);
  expect(ofAction(audit, "ai.chat_message")).toHaveLength(1);

  const left = auditedRunner();
  const controller = new AbortController();
  const broken = await left.runner.run(agentOf([{ text: "A long answer." }]), "Hi", { stream: true, signal: controller.signal });
  for await (const part of broken.toTextStream()) if (part !== "") controller.abort();
  await broken.completed.catch(() => undefined);
  expect(ofAction(left.audit, "agent.prompt.submitted")).toHaveLength(1);
  expect(ofAction(left.audit, "agent.invocation")).toHaveLength(1);
});

test("FRAMEWORK-20: tools that run where the model runs are told from its answer, when they are over", async () => {
  const audit = mockAudit();
  trace({ emitter: audit.emitter });
  const hosted = [
    { type: "web_search_call", id: "ws-1", status: "completed", action: { type: "search", query: "weather" } },
    { type: "mcp_call", id: "mcp-1", name: "lookup", arguments: '{"a":1}', output: null, error: "It is away." },
    { type: "message", id: "msg-1" },
  ];
  await new core.Runner().run(agentOf([{ text: "Blue.", hosted }]), "Hi");
  expect(callsOf(audit)).toEqual([
    ["ws-1", "outcome", "success"],
    ["mcp-1", "outcome", "failure"],
  ]);
  audit.assertAudited({ action: "ai.tool_call", target: { id: "web_search" }, activity: { tool: { parameters: { query: "weather" } } } });
  audit.assertAudited({ action: "ai.tool_call", target: { id: "lookup" }, outcome: { message: "It is away." } });
});
