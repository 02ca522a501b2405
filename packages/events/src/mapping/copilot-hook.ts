import type { AuditEventInput, JsonObject, Outcome } from "../event.ts";
import type { HookOptions } from "./claude-code-hook.ts";
import { asText } from "./claude-code-line.ts";
import { fromHookDialect, type HookDialect } from "./hook-dialect.ts";
import { isObject } from "./json-object.ts";

export interface CopilotHookOptions extends HookOptions {
  /** The hook's name, for a payload that does not hold it. */
  readonly hookName?: string;
}

const COPILOT: HookDialect = {
  agentId: "copilot",
  names: {
    sessionStart: "SessionStart",
    sessionEnd: "SessionEnd",
    userPromptSubmitted: "UserPromptSubmit",
    UserPromptSubmitted: "UserPromptSubmit",
    preToolUse: "PreToolUse",
    postToolUse: "PostToolUse",
    postToolUseFailure: "PostToolUseFailure",
    permissionRequest: "PermissionRequest",
    agentStop: "Stop",
    AgentStop: "Stop",
    subagentStart: "SubagentStart",
    subagentStop: "SubagentStop",
    preCompact: "PreCompact",
    errorOccurred: "StopFailure",
    ErrorOccurred: "StopFailure",
  },
  members: { sessionId: "session_id" },
  toolMembers: { toolName: "tool_name", toolArgs: "tool_input", toolResult: "tool_response", tool_result: "tool_response" },
  endingOf,
};

const FAILED = /^(?:fail|failure|failed|error|timeout)$/i;
const DENIED = /^(?:denied|rejected)$/i;

/** The word of the result; it says nothing about a call where it is none of these. */
function endingOf(payload: JsonObject): Outcome | undefined {
  const result = payload.toolResult ?? payload.tool_result ?? payload.tool_response;
  if (!isObject(result)) return messageOfError(payload.error);
  const word = asText(result.resultType) ?? asText(result.result_type) ?? "";
  const text = asText(result.textResultForLlm) ?? asText(result.text_result_for_llm);
  const message = text === undefined ? {} : { message: text };
  if (FAILED.test(word)) return { status: "failure", code: "TOOL_ERROR", ...message };
  if (DENIED.test(word)) return { status: "denied", code: "PERMISSION_DENIED", ...message };
  return messageOfError(payload.error);
}

/** An error that is an object with a message. One that is a text is read from the hook's own name. */
function messageOfError(error: unknown): Outcome | undefined {
  const message = isObject(error) ? asText(error.message) : undefined;
  return message === undefined ? undefined : { status: "failure", code: "TOOL_ERROR", message };
}

/**
 * Turns what a hook of Copilot tells into an event, in either dialect: that of Claude Code, with names of hooks that begin with a capital, or its own (`sessionId`, `toolName`, `toolArgs`, `toolResult`), whose
 * payload may not name its hook.
 *
 * @param payload Parsed JSON, as the hook posts it.
 * @throws {AuditError} `SHAPE_INVALID`: it is no object, or neither it nor the caller names the hook.
 *
 * Rules: MAPPING-50, MAPPING-51, MAPPING-54. Format: content/copilot/reference/hooks-reference.md of github/docs at 05da5bc.
 */
export function fromCopilotHook(payload: unknown, { hookName, ...options }: CopilotHookOptions = {}): AuditEventInput {
  const own = isObject(payload) ? (asText(payload.hookEventName) ?? asText(payload.eventName)) : undefined;
  return fromHookDialect(payload, COPILOT, options, own ?? hookName);
}
