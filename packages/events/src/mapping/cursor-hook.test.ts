import { expect, test } from "vitest";
import { fromCursorHook } from "./cursor-hook.ts";

const COMMON = { conversation_id: "c-1", generation_id: "g-1", model: "m", cursor_version: "2.4", workspace_roots: ["/repo"] };

test("MAPPING-53: conversation and generation of Cursor are session and turn, and input in JSON text is read", () => {
  const event = fromCursorHook({ ...COMMON, hook_event_name: "preToolUse", tool_name: "Write", tool_input: '{"path":"a.ts"}' });
  expect(event).toMatchObject({
    action: "ai.tool_call",
    phase: "intent",
    actor: { type: "agent", id: "cursor" },
    activity: { tool: { name: "Write", parameters: { path: "a.ts" } } },
    context: { sessionId: "c-1", requestId: "g-1" },
    details: { hook: "preToolUse", cursor_version: "2.4", workspace_roots: ["/repo"], model: "m" },
  });
});

test("MAPPING-53: the person at the machine is personal: who asked, and on whose behalf the agent acts", () => {
  const email = "dev@example.org";
  const asked = fromCursorHook({ ...COMMON, user_email: email, hook_event_name: "beforeSubmitPrompt", prompt: "fix it" });
  expect(asked.actor).toEqual({ type: "user", id: email });
  const acted = fromCursorHook({ ...COMMON, user_email: email, hook_event_name: "stop" });
  expect(acted.actor).toEqual({ type: "agent", id: "cursor", onBehalfOf: [{ type: "user", id: email }] });
  expect(JSON.stringify([asked.details, acted.details])).not.toContain(email);
});

test("MAPPING-53: hooks of the shell and of MCP are calls with their results", () => {
  const shell = { ...COMMON, command: "ls", cwd: "/repo" };
  expect(fromCursorHook({ ...shell, hook_event_name: "beforeShellExecution" })).toMatchObject({
    phase: "intent",
    activity: { tool: { name: "Shell", parameters: { command: "ls" } } },
    labels: { cwd: "/repo" },
  });
  expect(fromCursorHook({ ...shell, hook_event_name: "afterShellExecution", output: "a.ts", duration: 12 })).toMatchObject({
    outcome: { status: "success", result: "a.ts" },
    details: { duration: 12 },
  });
  const call = { ...COMMON, tool_name: "search", tool_input: "{}" };
  const result = { content: [], isError: true };
  expect(fromCursorHook({ ...call, hook_event_name: "afterMCPExecution", result_json: JSON.stringify(result) }).outcome).toEqual({
    status: "failure",
    code: "TOOL_ERROR",
    result,
  });
  expect(fromCursorHook({ ...call, hook_event_name: "postToolUseFailure", error_message: "no such file" }).outcome).toEqual({
    status: "failure",
    code: "TOOL_ERROR",
    message: "no such file",
  });
});

test("MAPPING-53: an answer of the agent is what it said, and no end of a turn", () => {
  const event = fromCursorHook({ ...COMMON, hook_event_name: "afterAgentResponse", text: "done" });
  expect(event).toMatchObject({ action: "ai.chat_message", activity: { message: { role: "assistant", text: "done" } } });
  expect(event.details).not.toHaveProperty("text");
});

test("MAPPING-53: a name that cannot be made text is no hook", () => {
  expect(() => fromCursorHook({ ...COMMON, hook_event_name: { toString: null } })).toThrowError(/hook_event_name/);
});
