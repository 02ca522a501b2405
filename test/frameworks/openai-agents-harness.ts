import type { Agent, FunctionTool, Runner, ToolInputGuardrailDefinition, TracingProcessor } from "@openai/agents-core";
import type { AuditEvent } from "@vouchtrail/events";
import { auditRunner, auditTracing } from "@vouchtrail/sdk/openai-agents";
import { type MockAudit, mockAudit } from "@vouchtrail/sdk/testing";
import { afterEach, test as anyTest, beforeAll } from "vitest";
import { z } from "zod";
import { hasFrameworks } from "../../scripts/frameworks.mjs";
import { type Answer, type Core, scriptedModel } from "./openai-agents-model.ts";

const hasAgents = hasFrameworks();
if (!hasAgents) console.info("The agent frameworks are not installed: OpenAI Agents is not tested.");

/** A test that needs the framework. */
export const test = anyTest.skipIf(!hasAgents);

/** The framework, from the first test on. */
export let core: Core;

/** To be called once by each file: loads the framework, and leaves nothing in it after a test. */
export function useAgents(): void {
  beforeAll(async () => {
    if (hasAgents) core = await import("@openai/agents-core");
  });
  afterEach(() => {
    if (!hasAgents) return;
    core.setTraceProcessors([]);
    core.setTracingDisabled(true);
  });
}

export type Options = NonNullable<Parameters<typeof auditTracing>[0]>;

/** Traces everything of this test, as a program does that adds the processor. */
export function trace(options: Options): TracingProcessor {
  const processor: TracingProcessor = auditTracing(options);
  core.setTracingDisabled(false);
  core.setTraceProcessors([processor]);
  return processor;
}

/** A runner with hooks, and all that it recorded. */
export function auditedRunner(
  config: ConstructorParameters<Core["Runner"]>[0] = {},
  options: Options = {},
): { audit: MockAudit; runner: Runner } {
  const audit = mockAudit();
  trace({ emitter: audit.emitter, ...options });
  const runner = new core.Runner(config);
  auditRunner(runner, { emitter: audit.emitter, ...options });
  return { audit, runner };
}

export function agentOf(
  answers: readonly Answer[],
  more: Partial<ConstructorParameters<Core["Agent"]>[0]> = {},
  spans?: "response" | "generation" | "none",
): Agent {
  return new core.Agent({
    name: "Helper",
    instructions: "Help.",
    model: scriptedModel(core, answers, spans),
    tools: [weather()],
    ...more,
  }) as Agent;
}

/** Fails for the city Atlantis. */
export function weather(inputGuardrails: ToolInputGuardrailDefinition[] = []): FunctionTool {
  return core.tool({
    name: "weather",
    description: "The weather in a city.",
    parameters: z.object({ city: z.string() }),
    inputGuardrails,
    execute: async ({ city }) => {
      if (city === "Atlantis") throw new Error("It is under water.");
      return { city, sky: "blue" };
    },
  }) as unknown as FunctionTool;
}

/** Waits for an approval. */
export function removal(): FunctionTool {
  return core.tool({
    name: "remove",
    description: "",
    parameters: z.object({}),
    needsApproval: true,
    execute: async () => "removed",
  }) as unknown as FunctionTool;
}

export const callOf = (callId: string, city: string) => ({ callId, name: "weather", arguments: { city } });

/** What is told of calls, in order. */
export function callsOf({ events }: Pick<MockAudit, "events">): unknown[] {
  return events
    .filter(({ action }) => action === "ai.tool_call")
    .map(({ context, phase, outcome }) => [context?.callId, phase, outcome.status]);
}
export const ofAction = ({ events }: Pick<MockAudit, "events">, action: string): AuditEvent[] =>
  events.filter((event) => event.action === action);
export const sessionsOf = ({ events }: Pick<MockAudit, "events">): unknown[] => [
  ...new Set(events.map(({ context }) => context?.sessionId)),
];
