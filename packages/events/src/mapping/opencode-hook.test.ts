import { expect, test } from "vitest";
import { fromOpencodeHook } from "./opencode-hook.ts";

test("MAPPING-55: a call of OpenCode is joined by its own call id", () => {
  const call = { sessionID: "ses_1", callID: "call_1", tool: "bash", args: { command: "ls" } };
  const before = fromOpencodeHook({ ...call, hook_event_name: "tool.execute.before" });
  const output = { title: "ls", output: "a.ts", metadata: { exit: 0 } };
  const after = fromOpencodeHook({ ...call, hook_event_name: "tool.execute.after", output });
  expect(before).toMatchObject({
    phase: "intent",
    actor: { type: "agent", id: "opencode" },
    activity: { tool: { name: "bash", parameters: { command: "ls" } } },
    context: { sessionId: "ses_1", callId: "call_1" },
    details: { hook: "tool.execute.before" },
  });
  expect(after).toMatchObject({ phase: "outcome", outcome: { status: "success", result: output } });
  expect(after.context).toEqual(before.context);
});

test("MAPPING-55: prompts, sessions and turns of OpenCode have the actions that other agents have", () => {
  const of = (name: string, members: object = {}): unknown => fromOpencodeHook({ hook_event_name: name, sessionID: "ses_1", ...members });
  expect(of("chat.message", { prompt: "fix it" })).toMatchObject({ action: "agent.prompt.submitted" });
  expect(of("session.created")).toMatchObject({ action: "agent.session.started" });
  expect(of("session.idle")).toMatchObject({ action: "agent.turn.ended" });
  expect(of("session.compacted")).toMatchObject({ action: "agent.context.compacted" });
  expect(of("permission.replied", { properties: { response: "reject" } })).toMatchObject({
    action: "agent.hook.permission_replied",
    details: { properties: { response: "reject" } },
  });
});
