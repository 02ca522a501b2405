import { tracingChannel } from "node:diagnostics_channel";
import fc from "fast-check";
import { expect, test } from "vitest";
import { mockAudit } from "../testing/mock-audit.ts";
import { auditAiSdk, auditTelemetry } from "./ai-sdk.ts";

const integrationsOf = (): unknown => (globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown }).AI_SDK_TELEMETRY_INTEGRATIONS;
const types = ["generateText", "streamText", "step", "languageModelCall", "executeTool", "embed", "rerank", "other"] as const;
const event = fc.oneof(
  fc.anything({ withBigInt: true, withNullPrototype: true }),
  fc.record(
    {
      callId: fc.constantFrom("call-1", "call-2"),
      operationId: fc.constantFrom("ai.generateText", "ai.embed", "other"),
      stepNumber: fc.oneof(fc.nat(3), fc.anything()),
      messages: fc.array(
        fc.oneof(fc.record({ role: fc.constantFrom("user", "tool", "assistant"), content: fc.anything() }), fc.anything()),
      ),
      content: fc.array(
        fc.record({
          type: fc.constantFrom("tool-call", "tool-result", "tool-error", "tool-approval-request", "tool-approval-response"),
          toolCallId: fc.oneof(fc.string({ unit: "binary" }), fc.anything()),
          toolName: fc.anything(),
          input: fc.anything(),
          approvalId: fc.anything(),
          toolCall: fc.anything(),
          invalid: fc.boolean(),
          providerExecuted: fc.boolean(),
        }),
      ),
      toolCall: fc.oneof(fc.record({ toolCallId: fc.string(), toolName: fc.string(), input: fc.anything() }), fc.anything()),
      toolOutput: fc.oneof(fc.record({ type: fc.constantFrom("tool-result", "tool-error"), output: fc.anything(), error: fc.anything() })),
      usage: fc.anything(),
      error: fc.anything(),
      functionId: fc.anything(),
      runtimeContext: fc.anything(),
    },
    { requiredKeys: ["callId"] },
  ),
);

test("FRAMEWORK-3, FRAMEWORK-19: whatever the AI SDK hands over, nothing throws and every event is one that the trail takes", async () => {
  const refused: unknown[] = [];
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (...told: unknown[]) => void refused.push(told),
    error: (...told: unknown[]) => void refused.push(told),
  };
  let recorded = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(16), event), { maxLength: 12 }), async (heard) => {
      const { emitter, events } = mockAudit({ logger });
      const telemetry = auditTelemetry({ emitter });
      const { executeTool, executeLanguageModelCall, ...callbacks } = telemetry;
      const calls = Object.values(callbacks);
      for (const [index, told] of heard) await calls[index % calls.length]?.(told);
      const callId = "call-1";
      expect(await executeTool({ callId, toolCallId: "t", execute: async () => 1 })).toBe(1);
      await expect(executeLanguageModelCall({ callId, execute: () => Promise.reject(new RangeError("away")) })).rejects.toThrow("away");
      recorded += events.length;
    }),
    { numRuns: 200 },
  );
  expect(refused).toEqual([]);
  expect(recorded).toBeGreaterThan(200);
  // What is refused would have been seen.
  await mockAudit({ logger }).emitter.emit({ action: "No action" } as never);
  expect(refused).not.toEqual([]);
});

test("FRAMEWORK-10, FRAMEWORK-19: whatever comes over the channel, nothing throws; afterwards nobody listens", async () => {
  const { emitter } = mockAudit();
  const end = auditAiSdk({ emitter });
  const channel = tracingChannel("ai:telemetry");
  expect(channel.start.hasSubscribers).toBe(true);
  expect(integrationsOf()).toHaveLength(1);
  const uncaught: unknown[] = [];
  const onUncaught = (error: unknown): void => void uncaught.push(error);
  process.on("uncaughtException", onUncaught);
  fc.assert(
    fc.property(fc.constantFrom(...types), event, fc.anything(), fc.anything(), (type, told, result, error) => {
      const message = { type, event: told, result, error };
      channel.start.runStores(message, () => undefined);
      channel.asyncEnd.publish(message);
      channel.start.publish(told);
      channel.asyncEnd.publish(told);
    }),
    { numRuns: 200 },
  );
  end();
  end();
  // The channel throws what its listeners throw a moment later.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("uncaughtException", onUncaught);
  expect(channel.start.hasSubscribers).toBe(false);
  expect(channel.asyncEnd.hasSubscribers).toBe(false);
  expect(integrationsOf()).toEqual([]);
  expect(uncaught).toEqual([]);
});

test("FRAMEWORK-13: a run that is told after it has happened has the duration that its times say", () => {
  const { emitter, events } = mockAudit();
  const telemetry = auditTelemetry({ emitter });
  const run = { callId: "call-1", operationId: "ai.generateText" };
  telemetry.onStart({ ...run, timestamp: 1_000 });
  telemetry.onEnd({ ...run, timestamp: 4_500 });
  telemetry.onStart({ ...run, callId: "call-2", timestamp: 1_000 });
  telemetry.onEnd({ ...run, callId: "call-2" });
  expect(events.map(({ action, usage }) => [action, usage?.durationMs])).toEqual([
    ["agent.invocation", 3_500],
    ["agent.invocation", undefined],
  ]);
});

test("FRAMEWORK-19: what comes of a run that is not remembered is told without its duration", async () => {
  const { emitter, events } = mockAudit();
  const telemetry = auditTelemetry({ emitter });
  const toolCall = { toolCallId: "t-1", toolName: "look", input: {} };
  await telemetry.onToolExecutionStart({ callId: "call-9", functionId: "helper", toolCall });
  telemetry.onToolExecutionEnd({
    callId: "call-9",
    functionId: "helper",
    toolCall,
    toolOutput: { type: "tool-result", output: 1 },
    toolExecutionMs: 4,
  });
  telemetry.onError({ callId: "call-9", error: new RangeError("late") });
  expect(events.map(({ action, phase, actor, outcome, usage }) => [action, phase, actor.id, outcome.status, usage?.durationMs])).toEqual([
    ["ai.tool_call", "intent", "helper", "pending", undefined],
    ["ai.tool_call", "outcome", "helper", "success", 4],
    ["agent.invocation", undefined, "ai-sdk", "failure", undefined],
  ]);
});

test("FRAMEWORK-16: a call of the provider that waits for an approval has not begun; its result tells both", () => {
  const { emitter, events } = mockAudit();
  const telemetry = auditTelemetry({ emitter });
  const toolCall = { type: "tool-call", toolCallId: "p-1", toolName: "search", input: {}, providerExecuted: true };
  const response = { id: "response-1" };
  telemetry.onStart({ callId: "call-1", operationId: "ai.generateText" });
  telemetry.onStepEnd({
    callId: "call-1",
    stepNumber: 0,
    response,
    content: [toolCall, { type: "tool-approval-request", approvalId: "a-1", toolCall }],
  });
  const calls = () => events.filter(({ action }) => action === "ai.tool_call").map(({ phase, outcome }) => [phase, outcome.status]);
  expect(calls()).toEqual([]);
  const result = { ...toolCall, type: "tool-result", output: "found" };
  telemetry.onStepEnd({ callId: "call-1", stepNumber: 1, response, content: [result] });
  expect(calls()).toEqual([
    ["intent", "pending"],
    ["outcome", "success"],
  ]);
});

test("FRAMEWORK-12: a request that is made again within a step was broken before, however many listen", () => {
  const { emitter, events } = mockAudit();
  const listeners = [auditTelemetry({ emitter }), auditTelemetry({ emitter })];
  const call = { callId: "call-1", operationId: "ai.streamText", modelId: "model-1", provider: "mock" };
  for (const { onStart } of listeners) onStart(call);
  for (const { onStepStart } of listeners) onStepStart({ ...call, stepNumber: 0 });
  for (let attempt = 0; attempt < 2; attempt++) for (const { onLanguageModelCallStart } of listeners) onLanguageModelCallStart(call);
  for (const { onLanguageModelCallEnd } of listeners)
    onLanguageModelCallEnd({ ...call, responseId: "response-1", usage: { inputTokens: 3, outputTokens: 2 } });
  expect(events.map(({ action, outcome, usage }) => [action, outcome.status, usage?.tokensInput])).toEqual([
    ["ai.model_call", "failure", undefined],
    ["ai.model_call", "success", 3],
  ]);
});
