import { expect, test } from "vitest";
import { fromGeminiCliHook } from "./gemini-cli-hook.ts";

const COMMON = { session_id: "g-1", transcript_path: "/t.json", cwd: "/repo", timestamp: "2026-11-21T10:00:00.000Z" };
const CALL = { tool_name: "run_shell_command", tool_input: { command: "npm test" } };

test("MAPPING-52: a call of Gemini CLI is an intent before it and an outcome after it, with what the model and the person were shown", () => {
  expect(fromGeminiCliHook({ ...COMMON, ...CALL, hook_event_name: "BeforeTool", mcp_context: { server_name: "files" } })).toMatchObject({
    action: "ai.tool_call",
    phase: "intent",
    outcome: { status: "pending" },
    actor: { type: "agent", id: "gemini-cli" },
    activity: { tool: { name: "run_shell_command", parameters: { command: "npm test" } } },
    context: { sessionId: "g-1" },
    labels: { platform: "gemini-cli", cwd: "/repo" },
    details: { hook: "BeforeTool", timestamp: COMMON.timestamp, mcp_context: { server_name: "files" } },
  });
  const response = { llmContent: "12 passed", returnDisplay: "ok" };
  expect(fromGeminiCliHook({ ...COMMON, ...CALL, hook_event_name: "AfterTool", tool_response: response })).toMatchObject({
    phase: "outcome",
    outcome: { status: "success", result: response },
  });
});

test.each([["not found"], [{ message: "not found", type: "x" }]])(
  "MAPPING-52: an error in the response of Gemini CLI is a failure: %j",
  (error) => {
    const response = { llmContent: "", error };
    expect(fromGeminiCliHook({ ...COMMON, ...CALL, hook_event_name: "AfterTool", tool_response: response }).outcome).toEqual({
      status: "failure",
      code: "TOOL_ERROR",
      message: "not found",
      result: response,
    });
  },
);

test("MAPPING-52: what was asked and answered, and a compaction, have the actions that other agents have", () => {
  expect(fromGeminiCliHook({ ...COMMON, hook_event_name: "BeforeAgent", prompt: "fix it" })).toMatchObject({
    action: "agent.prompt.submitted",
    activity: { message: { role: "user", text: "fix it" } },
  });
  expect(fromGeminiCliHook({ ...COMMON, hook_event_name: "AfterAgent", prompt: "fix it", prompt_response: "done" })).toMatchObject({
    action: "agent.turn.ended",
    activity: { message: { role: "assistant", text: "done" } },
    details: { prompt: "fix it" },
  });
  expect(fromGeminiCliHook({ ...COMMON, hook_event_name: "PreCompress" }).action).toBe("agent.context.compacting");
});
