import type { Redactor } from "@vouchtrail/events";

/** An answer that decides nothing: the agent goes on as if there were no hook. */
export const NOTHING = "{}";

/**
 * What a hook is answered when secrets are to be kept from the model: for the output of a tool that holds some, the same output with each of them replaced. It keeps the tool's own shape, because an
 * agent passes over an output of another one.
 *
 * @param body The JSON of the hook, as it was posted. Read as the agent reads it, so that numbers keep their type.
 * @returns {@link NOTHING} for every other hook, and when there is nothing to replace. Rule: HOOK-4.
 */
export function answerWithoutSecrets(body: Buffer, redactor: Redactor): string {
  if (!redactor.mayContainSecrets(body)) return NOTHING;
  const hook = JSON.parse(body.toString("utf8")) as { readonly hook_event_name?: unknown; readonly tool_response?: unknown };
  if (hook.hook_event_name !== "PostToolUse" || hook.tool_response === undefined) return NOTHING;
  // Not at the top: there, members named as those of an event are left alone.
  const { event, hits } = redactor.redactEvent({ output: hook.tool_response });
  if (hits.size === 0) return NOTHING;
  return JSON.stringify({ hookSpecificOutput: { hookEventName: "PostToolUse", updatedToolOutput: event.output } });
}
