import type { AuditEventInput } from "../event.ts";
import type { HookOptions } from "./claude-code-hook.ts";
import { fromHookDialect, type HookDialect } from "./hook-dialect.ts";

const OPENCODE: HookDialect = {
  agentId: "opencode",
  names: {
    "tool.execute.before": "PreToolUse",
    "tool.execute.after": "PostToolUse",
    "chat.message": "UserPromptSubmit",
    "session.created": "SessionStart",
    "session.idle": "Stop",
    "session.compacted": "PostCompact",
    "session.error": "StopFailure",
    "permission.ask": "PermissionRequest",
  },
  members: { sessionID: "session_id", callID: "tool_use_id" },
  toolMembers: { tool: "tool_name", args: "tool_input", output: "tool_response" },
};

/**
 * Turns what the plugin of Vouchtrail in OpenCode posts into an event. OpenCode has no hooks that post: the plugin gives each function that is called the name of a hook, and its arguments as members.
 *
 * @param payload Parsed JSON, as the plugin posts it.
 * @throws {AuditError} `SHAPE_INVALID`: it is no object, or does not name its hook.
 *
 * Rules: MAPPING-50, MAPPING-51, MAPPING-55. Format: types of `@opencode-ai/plugin` 1.18.33.
 */
export function fromOpencodeHook(payload: unknown, options: HookOptions = {}): AuditEventInput {
  return fromHookDialect(payload, OPENCODE, options);
}
