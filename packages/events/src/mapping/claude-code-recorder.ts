import { isObject } from "./json-object.ts";

// The commands and addresses by which Vouchtrail is hooked into an agent.
const RECORDER_MARKS = ["agent-audit-log", "/hooks/claude-code", "/hooks/codex", "/hooks/copilot", "vouchtrail"];

/**
 * Whether one of the hooks that ran is Vouchtrail's own: then an error among them may mean that something was not recorded.
 *
 * @param hookInfos The member of a `stop_hook_summary`: a list of `{ command }`. It does not say which of them failed. Rule: MAPPING-38.
 */
export function namesRecorder(hookInfos: unknown): boolean {
  if (!Array.isArray(hookInfos)) return false;
  return hookInfos
    .filter(isObject)
    .some(({ command }) => typeof command === "string" && RECORDER_MARKS.some((mark) => command.includes(mark)));
}
