import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HookEvent, HookJSONOutput, Options } from "@anthropic-ai/claude-agent-sdk";
import { AuditEventInputSchema, fromClaudeCodeHook, type JsonObject } from "@vouchtrail/events";
import { AuditEmitter, type Clock, type Spool } from "@vouchtrail/sdk";
import { AUDITED_HOOKS, type AuditedHook, auditHooks, auditPermissions, withAuditHooks } from "@vouchtrail/sdk/claude-agent";
import { mockAudit } from "@vouchtrail/sdk/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hooksOfSession, readSessions } from "../hooks/session-hooks.ts";
import { createFaultLog, framework, hooksOf, resultMessage, runScript, testReal, useClaudeAgent } from "./claude-agent-run.ts";

useClaudeAgent();

/** Hooks that are not recorded, and why: the comment of AUDITED_HOOKS. */
type LeftOut =
  | "PostToolBatch"
  | "UserPromptExpansion"
  | "PreModelSwitch"
  | "MessageDisplay"
  | "FileChanged"
  | "InstructionsLoaded"
  | "CwdChanged"
  | "Notification"
  | "WorktreeCreate"
  | "WorktreeRemove";
const LEFT_OUT: readonly LeftOut[] = [
  "PostToolBatch",
  "UserPromptExpansion",
  "PreModelSwitch",
  "MessageDisplay",
  "FileChanged",
  "InstructionsLoaded",
  "CwdChanged",
  "Notification",
  "WorktreeCreate",
  "WorktreeRemove",
];

// The types of the framework: tsc proves that everything fits.
const hooks: Options["hooks"] = auditHooks();
const merged: Options["hooks"] = withAuditHooks(hooks);
const permissions: Options["canUseTool"] = auditPermissions(async (_tool, input) => ({ behavior: "allow", updatedInput: input }));
const unknownHooks: Exclude<HookEvent, AuditedHook | LeftOut>[] = [];

/** Members of hooks that find a place in an event. */
const MEMBERS = [
  "session_id",
  "cwd",
  "permission_mode",
  "tool_use_id",
  "agent_id",
  "prompt_id",
  "tool_name",
  "tool_input",
  "tool_response",
  "duration_ms",
  "error",
  "is_interrupt",
  "reason",
  "prompt",
  "last_assistant_message",
  "model",
];

let callCount = 0;
const newCallId = (): string => `toolu_hooks_${callCount++}`;

testReal("FRAMEWORK-42: every hook of the installed SDK is recorded, or left out on purpose", () => {
  expect(unknownHooks).toEqual([]);
  expect([...AUDITED_HOOKS, ...LEFT_OUT].sort()).toEqual([...framework.HOOK_EVENTS].sort());
  expect(Object.keys(hooks ?? {})).toEqual([...AUDITED_HOOKS]);
  expect(Object.values(merged ?? {}).map((matchers) => matchers?.length)).toEqual(AUDITED_HOOKS.map(() => 2));
  expect(typeof permissions).toBe("function");
});

test("FRAMEWORK-40: a hook becomes the event that it becomes when Claude Code posts it", async () => {
  const sessions = readSessions()?.slice(0, 5) ?? [];
  const id = newCallId();
  const call = { tool_name: "Bash", tool_input: { command: "ls" }, tool_use_id: id };
  const own = hooksOf("session-40", { prompt_id: "prompt-1", permission_mode: "default" });
  const made = [
    own("SessionStart", { source: "startup", model: "claude-example-1" }),
    own("UserPromptSubmit", { prompt: "Tidy up." }),
    own("PreToolUse", call),
    own("PostToolUse", { ...call, tool_response: { stdout: "a", interrupted: false }, duration_ms: 12 }),
    own("PostToolUseFailure", { ...call, tool_use_id: newCallId(), error: "Exit code 2\nno such file", is_interrupt: false }),
    own("PermissionDenied", { ...call, tool_use_id: newCallId(), reason: "The classifier blocked it." }),
    own("SubagentStart", { agent_id: "agent-1", agent_type: "reviewer" }),
    own("PreToolUse", { ...call, tool_use_id: newCallId(), agent_id: "agent-1" }),
    own("Stop", { stop_hook_active: false, last_assistant_message: "Done." }),
    own("StopFailure", { error: "rate_limit" }),
    own("SessionEnd", { reason: "other" }),
  ].map(({ input }) => input as JsonObject);
  const payloads = [...made, ...sessions.flatMap(({ events }) => hooksOfSession(events).slice(0, 100))];
  const audit = mockAudit();
  const named = auditHooks({ emitter: audit.emitter });
  for (const payload of payloads) {
    const name = payload.hook_event_name as AuditedHook;
    expect(await named[name]?.[0]?.hooks[0]?.(payload, undefined)).toEqual({});
    const { id: _id, occurredAt: _time, source: _source, ...event } = audit.events.at(-1) ?? ({} as JsonObject);
    expect(event).toEqual(JSON.parse(JSON.stringify(fromClaudeCodeHook(payload, { agentId: "claude-agent-sdk" }))));
  }
  expect(audit.events).toHaveLength(payloads.length);
});

testReal(
  "FRAMEWORK-5, FRAMEWORK-40, FRAMEWORK-41: the real SDK calls the hooks, which decide nothing; the agent and its user are named",
  async () => {
    const audit = mockAudit();
    const [id, failing] = [newCallId(), newCallId()];
    const own = hooksOf("session-real");
    const call = { tool_name: "Write", tool_input: { file_path: "/repo/a" } };
    const steps = [
      own("UserPromptSubmit", { prompt: "Tidy up." }),
      own("PreToolUse", { ...call, tool_use_id: id }),
      own("PostToolUse", { ...call, tool_use_id: id, tool_response: "written" }),
      own("SubagentStart", { agent_id: "helper-1", agent_type: "helper" }),
      own("PreToolUse", { ...call, tool_use_id: failing, agent_id: "helper-1" }),
      own("PostToolUseFailure", { ...call, tool_use_id: failing, agent_id: "helper-1", error: "The disk is full." }),
      own("PermissionRequest", call),
      resultMessage("session-real"),
    ];
    const options = { emitter: audit.emitter, agentName: "tidier", userId: () => "ada" };
    const { answers } = await runScript(steps, { hooks: auditHooks(options) });
    expect(answers.map(({ subtype, response }) => [subtype, response])).toEqual(answers.map(() => ["success", {}]));
    expect(answers).toHaveLength(7);
    const user = { type: "user", id: "ada" };
    expect(audit.events).toMatchObject([
      { action: "agent.prompt.submitted", actor: user, labels: { platform: "claude-agent-sdk" } },
      { phase: "intent", actor: { type: "agent", id: "tidier", onBehalfOf: [user] }, context: { sessionId: "session-real", callId: id } },
      { phase: "outcome", outcome: { status: "success" }, context: { callId: id } },
      { action: "agent.subagent.started" },
      { phase: "intent", actor: { id: "tidier/helper-1", onBehalfOf: [{ type: "agent", id: "tidier" }, user] } },
      { phase: "outcome", outcome: { status: "failure" }, context: { callId: failing } },
      { action: "ai.approval_created", outcome: { status: "pending" } },
    ]);
  },
);

testReal("FRAMEWORK-43: hooks of the application come first, and what they decide stands", async () => {
  const audit = mockAudit();
  const order: string[] = [];
  const decision = { hookSpecificOutput: { hookEventName: "PreToolUse" as const, permissionDecision: "deny" as const } };
  const noted = (name: string, answer: HookJSONOutput) => async () => {
    order.push(name);
    return answer;
  };
  const own: NonNullable<Options["hooks"]> = {
    PreToolUse: [
      { matcher: "Bash", hooks: [noted("first", decision)] },
      { matcher: "Bash", hooks: [noted("second", { systemMessage: "Careful." })] },
    ],
    Notification: [{ hooks: [async () => ({})] }],
  };
  const before = structuredClone(Object.keys(own));
  const steps = [hooksOf("session-43")("PreToolUse", { tool_name: "Bash", tool_use_id: newCallId() }), resultMessage("session-43")];
  const { answers } = await runScript(steps, { hooks: withAuditHooks(own, { emitter: audit.emitter }) });
  expect(answers.map(({ response }) => response)).toEqual([decision, { systemMessage: "Careful." }, {}]);
  expect(order).toEqual(["first", "second"]);
  expect([Object.keys(own), own.PreToolUse?.length]).toEqual([before, 2]);
  expect(audit.events).toMatchObject([{ action: "ai.tool_call", phase: "intent" }]);
  expect(withAuditHooks(own).Notification).toBe(own.Notification);
});

test("FRAMEWORK-1, FRAMEWORK-41: the intent is on the disk before the hook answers, while the trail is away", async () => {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-claude-agent-"));
  const emitter = new AuditEmitter({
    transport: { send: () => new Promise(() => undefined) },
    spool: { directory: folder },
    deadlineMs: 20,
    logger: false,
    lifecycle: false,
  });
  try {
    const { input } = hooksOf("session-away")("PreToolUse", { tool_name: "Bash", tool_use_id: "toolu_on_disk" });
    await auditHooks({ emitter }).PreToolUse[0]?.hooks[0]?.(input, undefined);
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
    const texts = files.flatMap((file) => (existsSync(file) && !file.endsWith(".lock") ? [readText(file)] : []));
    expect(texts.join("\n")).toContain("toolu_on_disk");
  } finally {
    await emitter.close(10);
    await rm(folder, { recursive: true, force: true });
  }
});

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // A folder.
    return "";
  }
}

test("FRAMEWORK-41: a hook answers within its limit when nothing takes the event, whatever the delivery", async () => {
  const spool: Spool = {
    append: () => new Promise(() => undefined),
    take: () => Promise.resolve(undefined),
    mayHoldEvents: () => false,
    close: () => Promise.resolve(),
  };
  for (const delivery of ["durable", "strict"] as const) {
    const timers: (readonly [delayMs: number, call: () => void])[] = [];
    const clock: Clock = {
      wallMs: () => 0,
      nowMs: () => 0,
      after: (delayMs, call) => {
        timers.push([delayMs, call]);
        return { cancel: () => undefined };
      },
    };
    const transport = { send: () => new Promise<never>(() => undefined) };
    const emitter = new AuditEmitter({ transport, spool, delivery, logger: false, lifecycle: false, clock });
    const { input } = hooksOf("session-hanging")("PreToolUse", { tool_name: "Bash", tool_use_id: newCallId() });
    let isAnswered = false;
    const answer = auditHooks({ emitter, clock })
      .PreToolUse[0]?.hooks[0]?.(input, undefined)
      ?.then((said) => {
        isAnswered = true;
        return said;
      });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    for (const [delayMs, call] of timers) if (delayMs === 1_000) call();
    expect(await answer).toEqual({});
    expect(timers.map(([delayMs]) => delayMs)).toContain(1_000);
  }
});

test("FRAMEWORK-3, FRAMEWORK-41: whatever a hook is handed, it answers that nothing is decided, and every event is valid", async () => {
  const audit = mockAudit();
  const { PreToolUse } = auditHooks({ emitter: audit.emitter });
  const hook = PreToolUse[0]?.hooks[0];
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const hostile: unknown[] = [
    undefined,
    null,
    "text",
    [],
    {},
    { hook_event_name: 7 },
    {
      hook_event_name: "PreToolUse",
      tool_name: "\ud800\u0000",
      tool_input: cyclic,
      tool_use_id: "x".repeat(100_000),
      session_id: "\udfff",
    },
    { hook_event_name: "PostToolUse", tool_name: "y".repeat(100_000), tool_response: 10n, tool_use_id: "", duration_ms: Number.NaN },
    {
      hook_event_name: "PreToolUse",
      tool_name: { toString: 1 },
      get tool_input(): never {
        throw new Error("unreadable");
      },
    },
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("closed");
        },
        get: () => {
          throw new Error("closed");
        },
      },
    ),
  ];
  for (const payload of hostile) expect(await hook?.(payload, undefined)).toEqual({});
  for (const event of audit.events) expect(AuditEventInputSchema.safeParse(event).success).toBe(true);
  const log = createFaultLog();
  const known = mockAudit({ logger: log.logger });
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.string({ unit: "binary" }));
  const members = fc.record(Object.fromEntries(MEMBERS.map((name) => [name, anything])), { requiredKeys: [] });
  const names = fc.constantFrom(...AUDITED_HOOKS, "Later");
  const more = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 });
  const listening = auditHooks({ emitter: known.emitter }).PreToolUse[0]?.hooks[0];
  await fc.assert(
    fc.asyncProperty(names, members, more, fc.option(fc.string(), { nil: undefined }), async (hook_event_name, some, others, id) => {
      const before = known.events.length;
      // A call that is asked for twice is told once.
      expect(await listening?.({ ...others, ...some, hook_event_name }, hook_event_name === "PermissionRequest" ? undefined : id)).toEqual(
        {},
      );
      if (hook_event_name !== "PermissionRequest") expect(known.events).toHaveLength(before + 1);
    }),
    { numRuns: 40 },
  );
  expect(log.faults).toEqual([]);
  const broken = auditHooks({
    emitter: () => {
      throw new Error("no emitter");
    },
    userId: () => {
      throw new Error("no user");
    },
  });
  expect(await broken.PreToolUse[0]?.hooks[0]?.({ hook_event_name: "PreToolUse" }, "a")).toEqual({});
});

test("FRAMEWORK-4: without content names, ids, durations and errors are left", async () => {
  const audit = mockAudit();
  const { Stop } = auditHooks({ emitter: audit.emitter, hasContent: false, sessionId: "of-the-options" });
  const own = hooksOf("session-bare");
  const secret = "SECRET-TEXT";
  const call = { tool_name: "Bash", tool_input: { command: secret } };
  const interrupted = newCallId();
  const payloads = [
    own("UserPromptSubmit", { prompt: secret }),
    own("PreToolUse", { ...call, tool_use_id: newCallId() }),
    own("PostToolUse", { ...call, tool_use_id: interrupted, tool_response: { stdout: secret, interrupted: true }, duration_ms: 5 }),
    own("PostToolUseFailure", { ...call, tool_use_id: newCallId(), error: `Exit code 3\n${secret}` }),
    own("PermissionRequest", { ...call, permission_suggestions: [{ rules: [secret] }] }),
    own("Elicitation", { mcp_server_name: "forms", message: secret, requested_schema: { secret } }),
    own("ElicitationResult", { mcp_server_name: "forms", action: "accept", content: { name: secret } }),
    own("Stop", { last_assistant_message: secret, background_tasks: [{ command: secret }] }),
    own("SubagentStop", { agent_id: "a", last_assistant_message: secret }),
    own("TaskCreated", { task_id: "t", task_subject: secret }),
    own("SomethingNew", { text: secret }),
    { input: { hook_event_name: "Stop" } },
  ];
  for (const { input } of payloads) await Stop[0]?.hooks[0]?.(input, undefined);
  expect(JSON.stringify(audit.events)).not.toContain(secret);
  expect(audit.events).toHaveLength(payloads.length);
  expect(audit.events[2]).toMatchObject({ outcome: { code: "INTERRUPTED" }, usage: { durationMs: 5 }, context: { callId: interrupted } });
  expect(audit.events[3]).toMatchObject({ outcome: { code: "EXIT_3", message: "Exit code 3" }, activity: { tool: { name: "Bash" } } });
  expect(audit.events.at(-1)?.context?.sessionId).toBe("of-the-options");
});
