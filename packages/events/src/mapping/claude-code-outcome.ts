import type { Outcome } from "../event.ts";

/** How a tool call of Claude Code ended, read from its `tool_result` block. */
export interface ToolEnding {
  readonly status: "success" | "failure" | "denied";
  /** Absent on success. */
  readonly code?: string;
  /** The whole text of a refusal, the first line of a failure. Absent on success. */
  readonly message?: string;
}

// The transcript has no field for why a call failed: these are the texts that Claude Code writes. A tool that fails can write them too, so a
// code tells what the transcript says, not what is certain. They count only in a result marked `is_error`: what a file or a web page says
// is never read as a refusal.
const HUMAN_REFUSALS = ["The user doesn't want to proceed with this tool use", "The user doesn't want to take this action right now"];
const RULES: readonly { readonly pattern: RegExp; readonly status: "failure" | "denied"; readonly code: string }[] = [
  { pattern: /^Permission to use \S+.* has been denied/, status: "denied", code: "PERMISSION_DENIED" },
  { pattern: /^Permission for this action has been denied/, status: "denied", code: "PERMISSION_DENIED" },
  { pattern: /^Claude requested permissions? to .*, but you haven't granted it yet/, status: "denied", code: "PERMISSION_NOT_GRANTED" },
  { pattern: /^(?:PreToolUse:\S* hook (?:blocking )?error|Hook PreToolUse:\S* denied this tool)/, status: "denied", code: "HOOK_DENIED" },
  { pattern: /^(?:Sibling tool call errored|Cancelled: parallel tool call )/, status: "failure", code: "CANCELLED_SIBLING" },
  { pattern: /^\[Request interrupted by user/, status: "failure", code: "INTERRUPTED" },
];
const EXIT_CODE_PATTERN = /^Exit code (\d{1,10})(?!\d)/;
const TOOL_USE_ERROR_PATTERN = /^<tool_use_error>([\s\S]*?)(?:<\/tool_use_error>\s*)?$/;

/**
 * Reads how a tool call ended.
 *
 * @param isError The block's `is_error`. Absent on most good results.
 * @param text The block's text.
 * @param toolUseResult The line's `toolUseResult`: an object in the tool's own shape, or a string on errors.
 *
 * A call cut short by a sibling's failure or by the user is a failure; `denied` is kept for a decision against the call.
 * Rule: MAPPING-13.
 */
export function readToolEnding(isError: boolean, text: string, toolUseResult: unknown): ToolEnding {
  if (!isError) {
    if (isInterrupted(toolUseResult)) return { status: "failure", code: "INTERRUPTED" };
    return { status: "success" };
  }
  const wrapped = TOOL_USE_ERROR_PATTERN.exec(text);
  const reason = wrapped?.[1] ?? text;
  if (HUMAN_REFUSALS.some((start) => reason.startsWith(start)) || toolUseResult === "User rejected tool use") {
    return { status: "denied", code: "USER_REJECTED", message: reason };
  }
  const rule = RULES.find(({ pattern }) => pattern.test(reason));
  if (rule?.status === "denied") return { status: "denied", code: rule.code, message: reason };
  const message = firstLine(reason);
  if (rule !== undefined) return { status: "failure", code: rule.code, message };
  const exit = EXIT_CODE_PATTERN.exec(reason)?.[1];
  if (exit !== undefined) return { status: "failure", code: `EXIT_${exit}`, message };
  return { status: "failure", code: wrapped === null ? "TOOL_ERROR" : "TOOL_USE_ERROR", message };
}

/** The outcome of a finished call: its ending, and the tool's own result where there is one, else what the model was told. */
export function toOutcome(ending: ToolEnding, content: unknown, text: string, toolUseResult: unknown): Outcome {
  const { status, code, message } = ending;
  const outcome: Outcome = {
    status,
    ...(code !== undefined && { code }),
    ...(message !== undefined && { message }),
  };
  if (status === "success") {
    const result = toolUseResult ?? content;
    if (result !== undefined) outcome.result = result;
  } else if (typeof toolUseResult === "object" && toolUseResult !== null) outcome.result = toolUseResult;
  else if (text !== message && text !== `<tool_use_error>${message}</tool_use_error>`) outcome.result = text;
  return outcome;
}

function isInterrupted(toolUseResult: unknown): boolean {
  return (
    typeof toolUseResult === "object" && toolUseResult !== null && "interrupted" in toolUseResult && toolUseResult.interrupted === true
  );
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end < 0 ? text : text.slice(0, end);
}
