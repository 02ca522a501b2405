import type { Actor, AuditEventInput, JsonObject, Outcome } from "../event.ts";
import { ID_CHARS_MAX, ON_BEHALF_OF_MAX } from "../limits.ts";
import type { HookOptions } from "./claude-code-hook.ts";
import { asText } from "./claude-code-line.ts";
import { fromHookDialect, type HookDialect } from "./hook-dialect.ts";
import { isObject } from "./json-object.ts";
import { isLeafText } from "./leaf-text.ts";

const CURSOR: HookDialect = {
  agentId: "cursor",
  names: {
    sessionStart: "SessionStart",
    sessionEnd: "SessionEnd",
    beforeSubmitPrompt: "UserPromptSubmit",
    preToolUse: "PreToolUse",
    postToolUse: "PostToolUse",
    postToolUseFailure: "PostToolUseFailure",
    beforeShellExecution: "PreToolUse",
    afterShellExecution: "PostToolUse",
    beforeMCPExecution: "PreToolUse",
    afterMCPExecution: "PostToolUse",
    subagentStart: "SubagentStart",
    subagentStop: "SubagentStop",
    preCompact: "PreCompact",
    stop: "Stop",
  },
  members: { conversation_id: "session_id", generation_id: "prompt_id" },
  toolMembers: { output: "tool_response", result_json: "tool_response", tool_output: "tool_response", error_message: "error" },
  endingOf,
};

/** Hooks of the shell, which name no tool. */
const SHELL_HOOKS: readonly unknown[] = ["beforeShellExecution", "afterShellExecution"];

/** A result of an MCP server says itself that it is an error. Source: Model Context Protocol, `CallToolResult.isError`. */
function endingOf({ hook_event_name: hook, result_json: result }: JsonObject): Outcome | undefined {
  if (hook !== "afterMCPExecution" || typeof result !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(result);
    return isObject(value) && value.isError === true ? { status: "failure", code: "TOOL_ERROR" } : undefined;
  } catch {
    return undefined; // No JSON: kept as the text that it is.
  }
}

/**
 * Turns what a hook of Cursor tells into an event. The person at the machine (`user_email`) is personal: who wrote a prompt, and on whose behalf the agent acts.
 *
 * @param payload Parsed JSON, as the hook gets it on standard input.
 * @throws {AuditError} `SHAPE_INVALID`: it is no object, or does not name its hook.
 *
 * Rules: MAPPING-50, MAPPING-51, MAPPING-53. Format: five public integrations of 2026 that agree.
 */
export function fromCursorHook(payload: unknown, options: HookOptions = {}): AuditEventInput {
  const event = fromHookDialect(withShellTool(payload), CURSOR, options);
  if (!isObject(payload)) return event;
  const spoken = payload.hook_event_name === "afterAgentResponse" ? withAnswer(event, payload) : event;
  const email = asText(payload.user_email);
  if (email === undefined || !isLeafText(email, ID_CHARS_MAX)) return spoken;
  const { user_email: _email, ...details } = spoken.details ?? {};
  return { ...spoken, actor: withPerson(spoken.actor, email), details };
}

/** A command in the shell, told as a call of the tool `Shell`. */
function withShellTool(payload: unknown): unknown {
  if (!isObject(payload) || !SHELL_HOOKS.includes(payload.hook_event_name)) return payload;
  if (Object.hasOwn(payload, "tool_name") || Object.hasOwn(payload, "tool_input")) return payload;
  const { command, ...rest } = payload;
  return { ...rest, tool_name: "Shell", tool_input: command === undefined ? {} : { command } };
}

function withAnswer(event: AuditEventInput, payload: JsonObject): AuditEventInput {
  const text = asText(payload.text);
  if (text === undefined) return event;
  const { target: _target, details, ...rest } = event;
  const { text: _text, ...others } = details ?? {};
  return {
    ...rest,
    action: "ai.chat_message",
    activity: { type: "message", name: "response", message: { role: "assistant", text } },
    details: others,
  };
}

function withPerson(actor: Actor, email: string): Actor {
  if (actor.type === "user") return { ...actor, id: email };
  return { ...actor, onBehalfOf: [...(actor.onBehalfOf ?? []), { type: "user" as const, id: email }].slice(0, ON_BEHALF_OF_MAX) };
}
