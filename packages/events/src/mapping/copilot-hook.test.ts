import { expect, test } from "vitest";
import { fromCopilotHook } from "./copilot-hook.ts";

const COMMON = { sessionId: "p-1", timestamp: 1_795_000_000_000, cwd: "/repo" };
const CALL = { toolName: "bash", toolArgs: '{"command":"ls"}' };

test("MAPPING-54: both dialects of Copilot tell the same", () => {
  const own = fromCopilotHook(
    { ...COMMON, ...CALL, toolResult: { resultType: "success", textResultForLlm: "a.ts" } },
    { hookName: "postToolUse" },
  );
  const shared = fromCopilotHook({
    hook_event_name: "PostToolUse",
    session_id: "p-1",
    cwd: "/repo",
    tool_name: "bash",
    tool_input: { command: "ls" },
    tool_result: { result_type: "success", text_result_for_llm: "a.ts" },
  });
  const { details: ownDetails, outcome: ownOutcome, ...first } = own;
  const { details: sharedDetails, outcome: sharedOutcome, ...second } = shared;
  expect(first).toEqual(second);
  expect([ownOutcome.status, sharedOutcome.status]).toEqual(["success", "success"]);
  expect(ownOutcome.result).toEqual({ resultType: "success", textResultForLlm: "a.ts" });
  expect(sharedOutcome.result).toEqual({ result_type: "success", text_result_for_llm: "a.ts" });
  expect(ownDetails).toEqual({ hook: "postToolUse", timestamp: COMMON.timestamp });
  expect(sharedDetails).toEqual({ hook: "PostToolUse" });
});

test.each([
  ["failure", { status: "failure", code: "TOOL_ERROR", message: "no" }],
  ["denied", { status: "denied", code: "PERMISSION_DENIED", message: "no" }],
])("MAPPING-54: a result of the type %s is no success", (resultType, outcome) => {
  const toolResult = { resultType, textResultForLlm: "no" };
  expect(fromCopilotHook({ ...COMMON, ...CALL, toolResult }, { hookName: "postToolUse" }).outcome).toEqual({
    ...outcome,
    result: toolResult,
  });
});

test("MAPPING-54: the payload's own name goes before the caller's, and an error without a result has its message", () => {
  const failed = fromCopilotHook(
    { ...COMMON, ...CALL, hookEventName: "postToolUseFailure", error: { name: "E", message: "gone" } },
    { hookName: "preToolUse" },
  );
  expect(failed).toMatchObject({ phase: "outcome", outcome: { status: "failure", message: "gone" }, details: { error: { name: "E" } } });
  expect(fromCopilotHook({ ...COMMON, prompt: "hi" }, { hookName: "userPromptSubmitted" }).action).toBe("agent.prompt.submitted");
  expect(fromCopilotHook({ ...COMMON, error: { message: "x" } }, { hookName: "errorOccurred" })).toMatchObject({
    action: "ai.error",
    details: { error: { message: "x" } },
  });
});
