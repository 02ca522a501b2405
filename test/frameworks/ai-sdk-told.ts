import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AuditEvent } from "@vouchtrail/events";
import { findNewerNode, hasFrameworks } from "../../scripts/frameworks.mjs";

const newerNode = findNewerNode();
/** Whether the AI SDK and a Node.js that runs it are there. */
export const isAiSdkRunnable: boolean = hasFrameworks() && newerNode !== undefined;

/** What was recorded while the program performed a scenario, and what it saw itself. */
export interface Scenario {
  readonly events: readonly AuditEvent[];
  readonly notes?: Readonly<Record<string, unknown>>;
}

export interface Scenarios {
  scenarioOf(name: string): Scenario;
  eventsOf(name: string, action: string): readonly AuditEvent[];
  /** Phase, id, tool and status of each event of a call. */
  callsOf(name: string): unknown[];
}

/**
 * Runs `ai-sdk-program.mjs` with a Node.js that the AI SDK accepts.
 *
 * @param parameters Its arguments.
 * @throws {Error} It ended without telling anything.
 */
export async function playScenarios(parameters: readonly string[]): Promise<Scenarios> {
  const path = fileURLToPath(new URL("ai-sdk-program.mjs", import.meta.url));
  const program = fork(path, [...parameters], { execPath: newerNode, execArgv: [] });
  const told = await new Promise<Readonly<Record<string, Scenario>>>((resolve, reject) => {
    program.on("message", (message) => resolve(JSON.parse(String(message))));
    program.on("error", reject);
    program.on("exit", (code) => reject(new Error(`The program ended with ${code} and told nothing.`)));
  });
  const scenarioOf = (name: string): Scenario => {
    const scenario = told[name];
    if (scenario === undefined) throw new Error(`There is no scenario ${name}.`);
    return scenario;
  };
  const eventsOf = (name: string, action: string): readonly AuditEvent[] =>
    scenarioOf(name).events.filter((event) => event.action === action);
  return {
    scenarioOf,
    eventsOf,
    callsOf: (name) =>
      eventsOf(name, "ai.tool_call").map(({ phase, context, target, outcome }) => [phase, context?.callId, target?.id, outcome.status]),
  };
}

/** What stays the same of events from run to run, whatever their order. */
export function shapesOf(events: readonly AuditEvent[]): string[] {
  return events
    .map(({ action, phase, outcome, actor, target, context, usage }) =>
      JSON.stringify([
        action,
        phase,
        outcome.status,
        outcome.code,
        actor.id,
        target?.id,
        action === "ai.tool_call" ? context?.callId : undefined,
        usage?.tokensInput,
        usage?.tokensOutput,
      ]),
    )
    .sort();
}
