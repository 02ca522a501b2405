type Payload = Readonly<Record<string, unknown>>;

/** Members of a hook that are no content: names, ids, numbers and reasons. What a later version adds stays away until it is known. */
const KEPT = new Set([
  "hook_event_name",
  "session_id",
  "transcript_path",
  "cwd",
  "permission_mode",
  "prompt_id",
  "agent_id",
  "agent_type",
  "agent_transcript_path",
  "effort",
  "tool_name",
  "tool_use_id",
  "mcp_server",
  "mcp_server_name",
  "duration_ms",
  "is_interrupt",
  "error_details",
  "reason",
  "source",
  "model",
  "trigger",
  "stop_hook_active",
  "from_model",
  "to_model",
  "requested_model",
  "context_tokens",
  "estimated_cache_write_usd",
  "task_id",
  "teammate_name",
  "team_name",
  "elicitation_id",
  "mode",
  "action",
]);

/**
 * A hook without prompts, answers, inputs and results. Errors stay, without what a tool wrote: their first line.
 * Rule: FRAMEWORK-4.
 */
export function withoutContent(payload: Payload): Payload {
  const { error, tool_response: response } = payload;
  return {
    ...Object.fromEntries(Object.entries(payload).filter(([name]) => KEPT.has(name))),
    ...(typeof error === "string" ? { error: error.split("\n", 1)[0] } : {}),
    // It says how the call ended.
    ...(isInterrupted(response) ? { tool_response: { interrupted: true } } : {}),
  };
}

function isInterrupted(response: unknown): boolean {
  return typeof response === "object" && response !== null && "interrupted" in response && response.interrupted === true;
}
