import type { AuditEventInput, JsonObject, Outcome } from "../event.ts";
import type { HookOptions } from "./claude-code-hook.ts";
import { asText } from "./claude-code-line.ts";
import { fromHookDialect, type HookDialect } from "./hook-dialect.ts";
import { isObject } from "./json-object.ts";

const GEMINI_CLI: HookDialect = {
  agentId: "gemini-cli",
  names: {
    BeforeTool: "PreToolUse",
    AfterTool: "PostToolUse",
    BeforeAgent: "UserPromptSubmit",
    AfterAgent: "Stop",
    PreCompress: "PreCompact",
  },
  members: {},
  toolMembers: {},
  hookMembers: { AfterAgent: { prompt_response: "last_assistant_message" } },
  endingOf,
};

/** The only sign of a failure: the result is told in the same hook as a good one. */
function endingOf({ tool_response: response }: JsonObject): Outcome | undefined {
  const error = isObject(response) ? response.error : undefined;
  if (error === undefined || error === null || error === false || error === "") return undefined;
  const message = asText(isObject(error) ? error.message : error);
  return { status: "failure", code: "TOOL_ERROR", ...(message === undefined ? {} : { message }) };
}

/**
 * Turns what a hook of Gemini CLI tells into an event. It names no call: who takes hooks in joins them.
 *
 * @param payload Parsed JSON, as the hook gets it on standard input.
 * @throws {AuditError} `SHAPE_INVALID`: it is no object, or does not name its hook.
 *
 * Rules: MAPPING-50 to MAPPING-52. Format: docs/hooks/reference.md of google-gemini/gemini-cli at 06c0d81.
 */
export function fromGeminiCliHook(payload: unknown, options: HookOptions = {}): AuditEventInput {
  return fromHookDialect(payload, GEMINI_CLI, options);
}
