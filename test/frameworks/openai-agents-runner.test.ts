import type { Agent, ToolInputGuardrailDefinition, TracingProcessor } from "@openai/agents-core";
import { AuditEmitter } from "@vouchtrail/sdk";
import { auditRunner, auditToolInput, auditTracing } from "@vouchtrail/sdk/openai-agents";
import { mockAudit } from "@vouchtrail/sdk/testing";
import { expect } from "vitest";
import { z } from "zod";
import { openTrailServer } from "../sdk/trail-server.ts";
import {
  agentOf,
  auditedRunner,
  callOf,
  callsOf,
  core,
  type Options,
  ofAction,
  removal,
  sessionsOf,
  test,
  trace,
  useAgents,
  weather,
} from "./openai-agents-harness.ts";
import { TOKENS } from "./openai-agents-model.ts";

useAgents();

test("FRAMEWORK-21: hooks tell a call before it begins with the provider's id, also where twins run at once; with a processor beside them each is told once", async () => {
  const { audit, runner } = auditedRunner({ groupId: "group-2", traceIncludeSensitiveData: false });
  const twins = [callOf("call-1", "Oslo"), callOf("call-2", "Oslo"), callOf("call-3", "Atlantis")];
  const result = await runner.run(agentOf([{ calls: twins }, { text: "Blue." }]), [
    { role: "user", content: [{ type: "input_text", text: "Weather?" }] },
  ]);
  expect(result.finalOutput).toBe("Blue.");
  expect(callsOf(audit).slice(0, 3)).toEqual([
    ["call-1", "intent", "pending"],
    ["call-2", "intent", "pending"],
    ["call-3", "intent", "pending"],
  ]);
  expect(callsOf(audit).slice(3).sort()).toEqual([
    ["call-1", "outcome", "success"],
    ["call-2", "outcome", "success"],
    ["call-3", "outcome", "failure"],
  ]);
  expect(audit.events.map(({ action }) => action).filter((action) => action !== "ai.tool_call")).toEqual([
    "agent.prompt.submitted",
    "ai.model_call",
    "ai.model_call",
    "ai.chat_message",
    "agent.invocation",
  ]);
  audit.assertAudited({
    action: "agent.prompt.submitted",
    actor: { type: "user", id: "unknown" },
    activity: { message: { text: "Weather?" } },
  });
  audit.assertAudited({ action: "ai.chat_message", activity: { message: { role: "assistant", text: "Blue." } } });
  audit.assertAudited({ action: "ai.tool_call", phase: "outcome", outcome: { result: { city: "Oslo", sky: "blue" } } });
  expect(sessionsOf(audit)).toEqual(["group-2"]);
  expect(new Set(audit.events.map(({ context }) => context?.requestId)).size).toBe(1);
});

test("FRAMEWORK-21: what was attached to a runner is taken off again, and the runner is as it was", async () => {
  const audit = mockAudit();
  const runner = new core.Runner({ tracingDisabled: true });
  const detach = auditRunner(runner, { emitter: audit.emitter });
  expect(Object.hasOwn(runner, "run")).toBe(true);
  detach();
  expect(Object.hasOwn(runner, "run")).toBe(false);
  await runner.run(agentOf([{ calls: [callOf("call-1", "Oslo")] }, { text: "Blue." }]), "Hi");
  audit.assertNothingAudited();
});

test("FRAMEWORK-22, FRAMEWORK-1: with the guardrail an intent is in the trail before its tool runs, once", async () => {
  await using server = await openTrailServer();
  // A machine that is busy may need longer than the deadline of an application.
  const emitter = new AuditEmitter({ url: server.url, spool: false, logger: false, lifecycle: false, deadlineMs: 30_000 });
  trace({ emitter });
  const guardrail: ToolInputGuardrailDefinition = auditToolInput({ emitter });
  let storedBefore: unknown[] = [];
  const slow = core.tool({
    name: "slow",
    description: "Slow.",
    parameters: z.object({}),
    inputGuardrails: [guardrail],
    execute: async () => {
      storedBefore = server.events().map(({ action, phase }) => [action, phase]);
      return "done";
    },
  });
  const runner = new core.Runner();
  auditRunner(runner, { emitter });
  await runner.run(agentOf([{ calls: [{ callId: "call-1", name: "slow" }] }, { text: "Done." }], { tools: [slow] }), "Go");
  await emitter.close();
  expect(storedBefore).toContainEqual(["ai.tool_call", "intent"]);
  const calls = server.events().filter(({ action }) => action === "ai.tool_call");
  expect(calls.map(({ phase, context }) => [phase, (context as { callId: string }).callId])).toEqual([
    ["intent", "call-1"],
    ["outcome", "call-1"],
  ]);
});

test("FRAMEWORK-23, FRAMEWORK-5: a session is the group, else what the trace's data name, else the conversation, else the option, else the trace", async () => {
  const told = async (config: object, run: object, options: Options): Promise<unknown[]> => {
    const { audit, runner } = auditedRunner(config, options);
    await runner.run(agentOf([{ calls: [callOf("call-1", "Oslo")] }, { text: "Blue." }]), "Hi", run);
    expect(callsOf(audit)).toHaveLength(2);
    return sessionsOf(audit);
  };
  const option: Options = { sessionId: () => "from-option" };
  const metadata = { sessionId: "from-metadata" };
  const conversation = { conversationId: "from-conversation" };
  expect(await told({ groupId: "from-group", traceMetadata: metadata }, conversation, option)).toEqual(["from-group"]);
  expect(await told({ traceMetadata: metadata }, conversation, option)).toEqual(["from-metadata"]);
  expect(await told({}, conversation, option)).toEqual(["from-conversation"]);
  expect(await told({}, {}, option)).toEqual(["from-option"]);
  expect(await told({}, {}, {})).toEqual([expect.stringMatching(/^trace_/)]);
  const throws: Options = {
    sessionId: () => {
      throw new Error("No session.");
    },
  };
  expect(await told({}, {}, throws)).toEqual([expect.stringMatching(/^trace_/)]);
});

test("FRAMEWORK-24: what a person is asked and answers is told, and a call that is rejected ends as denied without beginning", async () => {
  const runs: string[] = [];
  const remove = core.tool({
    name: "remove",
    description: "Removes a file.",
    parameters: z.object({ path: z.string() }),
    needsApproval: true,
    execute: async ({ path }) => runs.push(path),
  });
  const calls = ["a", "b"].map((path) => ({ callId: `call-${path}`, name: "remove", arguments: { path } }));
  const { audit, runner } = auditedRunner({ groupId: "group-3" }, { userId: "ada" });
  const first = await runner.run(agentOf([{ calls }, { text: "Removed." }], { tools: [remove] }), "Clean up");
  const [yes, no] = first.interruptions;
  if (yes === undefined || no === undefined) throw new Error("Nothing was asked.");
  first.state.approve(yes);
  first.state.reject(no);
  const second = await runner.run(first.lastAgent as Agent, first.state);
  expect([second.finalOutput, runs]).toEqual(["Removed.", ["a"]]);
  const asked = audit.events.filter(({ action }) => action.startsWith("ai.approval"));
  expect(asked.map(({ action, context }) => [action, context?.approvalId])).toEqual([
    ["ai.approval_created", "call-a"],
    ["ai.approval_created", "call-b"],
    ["ai.approval_approved", "call-a"],
    ["ai.approval_rejected", "call-b"],
  ]);
  expect(asked[0]).toMatchObject({ activity: { approval: { shown: { path: "a" } } }, details: { call: "call-a" } });
  expect(asked[3]).toMatchObject({ activity: { approval: { approver: { type: "user", id: "ada" } } } });
  expect(callsOf(audit)).toEqual([
    ["call-b", "outcome", "denied"],
    ["call-a", "intent", "pending"],
    ["call-a", "outcome", "success"],
  ]);
  expect(sessionsOf(audit)).toEqual(["group-3"]);
});

test("FRAMEWORK-25: handoffs, and agents that others call as tools, name who works for whom", async () => {
  const expert = agentOf([{ calls: [callOf("call-inner", "Oslo")] }, { text: "Blue." }], { name: "Expert" });
  const closer = agentOf([{ text: "Bye." }], { name: "Closer" });
  const answers = [
    { calls: [{ callId: "call-outer", name: "ask", arguments: { input: "Weather?" } }] },
    { calls: [{ callId: "call-hand", name: "transfer_to_Closer" }] },
  ];
  const chief = agentOf(answers, {
    name: "Chief",
    tools: [expert.asTool({ toolName: "ask", toolDescription: "Asks." })],
    handoffs: [closer],
  });
  const { audit, runner } = auditedRunner({ groupId: "group-4" }, { userId: "ada" });
  expect((await runner.run(chief, "Hi")).finalOutput).toBe("Bye.");
  const inner = audit.events.filter(({ context }) => context?.callId === "call-inner");
  expect(inner).toMatchObject([{ phase: "intent" }, { phase: "outcome", outcome: { status: "success" } }]);
  for (const { actor } of inner)
    expect(actor).toEqual({
      type: "agent",
      id: "Expert",
      onBehalfOf: [
        { type: "agent", id: "Chief" },
        { type: "user", id: "ada" },
      ],
    });
  expect(audit.events.filter(({ context }) => context?.callId === "call-outer").map(({ actor, phase }) => [actor.id, phase])).toEqual([
    ["Chief", "intent"],
    ["Chief", "outcome"],
  ]);
  expect(ofAction(audit, "ai.agent_handoff")).toMatchObject([
    { actor: { id: "Chief" }, activity: { handoff: { from: "Chief", to: "Closer" } } },
  ]);
  expect(ofAction(audit, "agent.invocation").map(({ actor, target }) => [actor.id, target?.id])).toEqual([
    ["Chief", "Expert"],
    ["Chief", "Chief"],
    ["Closer", "Closer"],
  ]);
  expect(ofAction(audit, "agent.prompt.submitted")).toHaveLength(1);
  expect(ofAction(audit, "ai.model_call")).toHaveLength(5);
});

test("FRAMEWORK-28: without tracing the runner tells calls, requests and the run as far as hooks and results know", async () => {
  const audit = mockAudit();
  const runner = new core.Runner({ tracingDisabled: true, groupId: "group-6" });
  auditRunner(runner, { emitter: audit.emitter });
  const remove = removal();
  const answers = [
    { calls: [callOf("call-1", "Oslo"), callOf("call-2", "Atlantis")] },
    { calls: [{ callId: "call-3", name: "remove" }] },
    { text: "No." },
  ];
  const agent = agentOf(answers, { tools: [weather(), remove], handoffs: [] });
  const first = await runner.run(agent, "Hi");
  const [item] = first.interruptions;
  if (item === undefined) throw new Error("Nothing was asked.");
  first.state.reject(item);
  await runner.run(agent, first.state);
  expect(callsOf(audit).slice(0, 2)).toEqual([
    ["call-1", "intent", "pending"],
    ["call-2", "intent", "pending"],
  ]);
  expect(callsOf(audit).slice(2).sort()).toEqual([
    ["call-1", "outcome", "success"],
    ["call-2", "outcome", "failure"],
    ["call-3", "outcome", "denied"],
  ]);
  expect(ofAction(audit, "ai.model_call")).toHaveLength(3);
  expect(ofAction(audit, "agent.invocation")).toHaveLength(2);
  expect(sessionsOf(audit)).toEqual(["group-6"]);
  await expect(runner.run(agentOf([{ fails: "Away." }]), "Hi")).rejects.toThrow("Away.");
  audit.assertAudited({ action: "agent.invocation", outcome: { status: "failure", message: "Away." } });
});

test("FRAMEWORK-21: a slow processor before ours changes nothing: each thing is told once", async () => {
  const audit = mockAudit();
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const slow: TracingProcessor = {
    ...{ onTraceStart: turn, onTraceEnd: turn, onSpanStart: turn, onSpanEnd: turn, forceFlush: turn, shutdown: turn },
  };
  core.setTracingDisabled(false);
  core.setTraceProcessors([slow, auditTracing({ emitter: audit.emitter })]);
  const runner = new core.Runner({ groupId: "group-9" });
  auditRunner(runner, { emitter: audit.emitter });
  await runner.run(agentOf([{ calls: [callOf("call-1", "Oslo"), callOf("call-2", "Atlantis")] }, { text: "Blue." }]), "Hi");
  for (let index = 0; index < 5; index++) await turn();
  expect(callsOf(audit).sort()).toEqual(
    [
      ["call-1", "intent", "pending"],
      ["call-1", "outcome", "success"],
      ["call-2", "intent", "pending"],
      ["call-2", "outcome", "failure"],
    ].sort(),
  );
  expect(ofAction(audit, "ai.model_call")).toMatchObject([{ usage: TOKENS }, { usage: TOKENS }]);
  expect(ofAction(audit, "agent.invocation")).toHaveLength(1);
  expect(sessionsOf(audit)).toEqual(["group-9"]);
});

test("FRAMEWORK-22: a call that still has to be approved is not told as begun", async () => {
  const audit = mockAudit();
  trace({ emitter: audit.emitter });
  const runner = new core.Runner({ toolExecution: { preApprovalInputGuardrails: true } });
  const guarded = core.tool({
    name: "guarded",
    description: "",
    parameters: z.object({}),
    needsApproval: true,
    inputGuardrails: [auditToolInput({ emitter: audit.emitter })],
    execute: async () => "done",
  });
  const answers = [{ calls: [{ callId: "call-1", name: "guarded" }] }, { text: "Done." }];
  const first = await runner.run(agentOf(answers, { tools: [guarded] }), "Hi");
  expect(first.interruptions).toHaveLength(1);
  expect(callsOf(audit)).toEqual([]);
  for (const item of first.interruptions) first.state.approve(item);
  await runner.run(first.lastAgent as Agent, first.state);
  expect(callsOf(audit)).toEqual([
    ["call-1", "intent", "pending"],
    ["call-1", "outcome", "success"],
  ]);
});
