import { expect, test } from "vitest";
import { readToolEnding, toOutcome } from "./claude-code-outcome.ts";

const REFUSAL = "The user doesn't want to proceed with this tool use. The tool use was rejected. The user said:\nnot there";

test.each([
  [REFUSAL, "denied", "USER_REJECTED"],
  ["The user doesn't want to take this action right now. STOP what you are doing.", "denied", "USER_REJECTED"],
  ["Permission to use Bash with command rm -rf x has been denied.", "denied", "PERMISSION_DENIED"],
  ["Claude requested permissions to write to a.txt, but you haven't granted it yet.", "denied", "PERMISSION_NOT_GRANTED"],
  ["PreToolUse:Bash hook error: [check.sh]: not on main", "denied", "HOOK_DENIED"],
  ["Exit code 1\nerror", "failure", "EXIT_1"],
  ["Exit code 137", "failure", "EXIT_137"],
  ["<tool_use_error>File does not exist.</tool_use_error>", "failure", "TOOL_USE_ERROR"],
  ["<tool_use_error>Sibling tool call errored</tool_use_error>", "failure", "CANCELLED_SIBLING"],
  ["[Request interrupted by user for tool use]", "failure", "INTERRUPTED"],
  ["Task not found", "failure", "TOOL_ERROR"],
  ["", "failure", "TOOL_ERROR"],
] as const)("MAPPING-13: an error that says %j is %s with code %s", (text, status, code) => {
  expect(readToolEnding(true, text, undefined)).toMatchObject({ status, code });
});

test("MAPPING-13: text in a good result is never read as a refusal", () => {
  expect(readToolEnding(false, REFUSAL, undefined)).toEqual({ status: "success" });
  expect(toOutcome({ status: "success" }, REFUSAL, REFUSAL, undefined)).toEqual({ status: "success", result: REFUSAL });
});

test("MAPPING-13: the short form of a refusal and an interrupted command are told by the tool's own result", () => {
  expect(readToolEnding(true, "stopped", "User rejected tool use")).toMatchObject({ status: "denied", code: "USER_REJECTED" });
  expect(readToolEnding(false, "", { stdout: "", interrupted: true })).toEqual({ status: "failure", code: "INTERRUPTED" });
});

test("MAPPING-13: a refusal keeps its whole text as message, a failure its first line and the rest as result", () => {
  expect(toOutcome(readToolEnding(true, REFUSAL, `Error: ${REFUSAL}`), REFUSAL, REFUSAL, `Error: ${REFUSAL}`)).toEqual({
    status: "denied",
    code: "USER_REJECTED",
    message: REFUSAL,
  });
  const text = "Exit code 2\nmake: no rule";
  expect(toOutcome(readToolEnding(true, text, undefined), text, text, "Error: …")).toEqual({
    status: "failure",
    code: "EXIT_2",
    message: "Exit code 2",
    result: text,
  });
});
