import type { SessionStory } from "@vouchtrail/events";
import { AuditEmitter } from "@vouchtrail/sdk";
import { auditHooks, auditMessages, auditPermissions } from "@vouchtrail/sdk/claude-agent";
import { expect } from "vitest";
import { startTestServer } from "../hostile/running-server.ts";
import { openTrailServer } from "../sdk/trail-server.ts";
import { assistantMessage, hooksOf, resultMessage, runScript, testReal, useClaudeAgent } from "./claude-agent-run.ts";

useClaudeAgent();

let callCount = 0;
const newCallId = (): string => `toolu_trail_${callCount++}`;

testReal(
  "FRAMEWORK-1, FRAMEWORK-2, FRAMEWORK-40: the trail's session counts what happened in a run, and joins approvals with their calls",
  async () => {
    const server = await startTestServer();
    const emitter = new AuditEmitter({ url: server.running.url, spool: false, logger: false });
    try {
      const session = "session-served";
      const own = hooksOf(session, { prompt_id: "prompt-served" });
      const ids = [0, 1, 2, 3, 4].map(newCallId);
      const call = (number: number) => ({ tool_name: "Bash", tool_input: { number }, tool_use_id: ids[number] });
      const steps = [
        own("SessionStart", { source: "startup" }),
        own("UserPromptSubmit", { prompt: "Tidy up." }),
        assistantMessage(session, "msg_1", { input_tokens: 100, output_tokens: 1 }, { request_id: "req_1" }),
        assistantMessage(session, "msg_1", { input_tokens: 100, output_tokens: 40, cache_read_input_tokens: 7 }, { request_id: "req_1" }),
        {
          parallel: [0, 1, 2].map((number) => [
            own("PreToolUse", call(number)),
            number === 2
              ? own("PostToolUseFailure", { ...call(number), error: "It broke." })
              : own("PostToolUse", { ...call(number), tool_response: "ok" }),
          ]),
        },
        own("PreToolUse", call(3)),
        { ask: "Bash", toolUseId: ids[3], input: { number: 3 } },
        own("PreToolUse", call(4)),
        { ask: "Bash", toolUseId: ids[4], input: { number: 4 }, allowed: [own("PostToolUse", { ...call(4), tool_response: "ok" })] },
        assistantMessage(session, "msg_2", { input_tokens: 50, output_tokens: 60 }),
        own("Stop", { last_assistant_message: "Done." }),
        resultMessage(session, { permission_denials: [{ tool_name: "Bash", tool_use_id: ids[3], tool_input: { number: 3 } }] }),
      ];
      const options = { emitter, userId: "ada" };
      await runScript(
        steps,
        {
          hooks: auditHooks(options),
          canUseTool: auditPermissions(
            async (_tool, input) => (input.number === 3 ? { behavior: "deny", message: "Not this one." } : { behavior: "allow" }),
            options,
          ),
        },
        (stream) => auditMessages(stream, options),
      );
      await emitter.close();
      const { text } = await server.send("/api/v1/sessions?wait=searchable");
      const { sessions } = JSON.parse(text) as { sessions: readonly Record<string, unknown>[] };
      expect(sessions.filter(({ id }) => id === session)).toMatchObject([
        {
          toolCalls: 5,
          failures: 1,
          denials: 1,
          prompts: 1,
          tokensInput: 150,
          tokensOutput: 100,
          tokensCacheRead: 7,
          users: ["ada"],
          models: ["claude-example-1"],
        },
      ]);
      const story = JSON.parse((await server.send(`/api/v1/sessions/${session}?wait=searchable`)).text) as SessionStory;
      const told = story.steps.flatMap((step) => [step, ...(step.children ?? [])]);
      expect(told.filter(({ kind }) => kind === "approval")).toEqual([]);
      expect(told.flatMap(({ callId, approval }) => (approval === undefined ? [] : [[callId, approval.state, approval.by.id]]))).toEqual([
        [ids[3], "rejected", "canUseTool"],
        [ids[4], "approved", "canUseTool"],
      ]);
    } finally {
      await emitter.close();
      await server.remove();
    }
  },
);

testReal("FRAMEWORK-41: a trail that refuses and hangs up does not disturb the agent", async () => {
  await using trail = await openTrailServer((_request, _serve, response) => void response.destroy());
  const emitter = new AuditEmitter({
    url: trail.url,
    spool: false,
    deadlineMs: 20,
    delivery: "strict",
    strictTimeoutMs: 50,
    logger: false,
  });
  const id = newCallId();
  const own = hooksOf("session-refused");
  const options = { emitter };
  const steps = [
    own("PreToolUse", { tool_name: "Bash", tool_use_id: id }),
    { ask: "Bash", toolUseId: id, input: {} },
    own("PostToolUse", { tool_name: "Bash", tool_use_id: id, tool_response: "ok" }),
    assistantMessage("session-refused", "msg_refused", { input_tokens: 1 }),
    resultMessage("session-refused"),
  ];
  const { messages, answers } = await runScript(
    steps,
    { hooks: auditHooks(options), canUseTool: auditPermissions(async () => ({ behavior: "allow" }), options) },
    (stream) => auditMessages(stream, options),
  );
  expect(answers.map(({ subtype }) => subtype)).toEqual(["success", "success", "success"]);
  expect(messages.at(-1)).toMatchObject({ type: "result", subtype: "success" });
  await emitter.close(10);
  expect(trail.requests.length).toBeGreaterThan(0);
});
