import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Options } from "@anthropic-ai/claude-agent-sdk";
import type { AuditLogger } from "@vouchtrail/sdk";
import { beforeAll, test } from "vitest";
import { hasFrameworks } from "../../scripts/frameworks.mjs";

const isInstalled = hasFrameworks();
if (!isInstalled) console.warn("The agent frameworks are not installed: the Claude Agent SDK is not tested.");

/** A test that needs the framework. */
export const testReal = test.skipIf(!isInstalled);

/** The framework, from the first test on. */
export let framework: typeof import("@anthropic-ai/claude-agent-sdk");

/** To be called once by each file: loads the framework. */
export function useClaudeAgent(): void {
  beforeAll(async () => {
    if (isInstalled) framework = await import("@anthropic-ai/claude-agent-sdk");
  });
}

/** A step of the scripted program: see claude-agent-program.mjs. */
export type Step = Readonly<Record<string, unknown>>;

/** What the program was answered. */
export interface ScriptedAnswer {
  readonly hook?: string;
  readonly ask?: string;
  readonly callbackId?: string;
  readonly subtype: string;
  readonly response?: Readonly<Record<string, unknown>>;
  readonly error?: string;
}

/** Messages as they come, and the answers that the program got. */
export interface ScriptedRun {
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly answers: readonly ScriptedAnswer[];
}

const PROGRAM = fileURLToPath(new URL("claude-agent-program.mjs", import.meta.url));

/**
 * Runs a script with the real SDK.
 *
 * @param wrap What the application reads instead of the stream itself.
 */
export async function runScript(
  steps: readonly Step[],
  options: Options = {},
  wrap: (stream: AsyncIterable<unknown>) => AsyncIterable<unknown> = (stream) => stream,
): Promise<ScriptedRun> {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-claude-agent-"));
  try {
    const script = join(folder, "script.json");
    await writeFile(script, JSON.stringify(steps));
    const environment = { PATH: process.env.PATH, CLAUDE_AGENT_SCRIPT: script };
    const started = framework.query({
      prompt: "Tidy the report.",
      options: { env: environment, pathToClaudeCodeExecutable: PROGRAM, executable: "node", ...options },
    });
    const messages: Record<string, unknown>[] = [];
    for await (const message of wrap(started)) messages.push(message as Record<string, unknown>);
    const answers = messages.find(({ subtype }) => subtype === "answers")?.answers ?? [];
    return { messages, answers: answers as readonly ScriptedAnswer[] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A log of an emitter that keeps what went wrong: an event that the trail would not take is not among the recorded ones. */
export function createFaultLog(): { readonly logger: AuditLogger; readonly faults: readonly string[] } {
  const faults: string[] = [];
  const keep = (fields: object, message: string): void => void faults.push(`${message} ${JSON.stringify(fields)}`);
  return { logger: { info: () => undefined, warn: keep, error: keep }, faults };
}

/** The members that every hook of a session has. */
export function hooksOf(sessionId: string, more: Step = {}) {
  return (hook: string, members: Step = {}): Step => {
    const toolUseId = members.tool_use_id;
    const input = {
      session_id: sessionId,
      transcript_path: "/transcripts/one.jsonl",
      cwd: "/work",
      hook_event_name: hook,
      ...more,
      ...members,
    };
    return { hook, input, ...(toolUseId === undefined ? {} : { toolUseId }) };
  };
}

/** The message of the SDK for one piece of a response. */
export function assistantMessage(sessionId: string, id: string, usage: Step, more: Step = {}, content: readonly Step[] = []): Step {
  const message = { id, type: "message", role: "assistant", model: "claude-example-1", content, stop_reason: null, usage };
  return { message: { type: "assistant", message, parent_tool_use_id: null, uuid: `uuid-${id}`, session_id: sessionId, ...more } };
}

/** A stream event of the SDK, as it passes it on when partial messages are asked for. */
export function streamEvent(sessionId: string, event: Step, more: Step = {}): Step {
  return { message: { type: "stream_event", event, parent_tool_use_id: null, uuid: "uuid-event", session_id: sessionId, ...more } };
}

/** The message with which a run ends. */
export function resultMessage(sessionId: string, more: Step = {}): Step {
  return {
    message: {
      type: "result",
      subtype: "success",
      is_error: false,
      duration_ms: 1_200,
      duration_api_ms: 900,
      num_turns: 2,
      result: "The report is tidy.",
      stop_reason: "end_turn",
      total_cost_usd: 0.25,
      usage: { input_tokens: 10, output_tokens: 20 },
      modelUsage: {},
      permission_denials: [],
      uuid: "uuid-result",
      session_id: sessionId,
      ...more,
    },
  };
}
