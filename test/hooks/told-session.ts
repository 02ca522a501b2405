import { type AuditEventInput, createTranscriptReader, fromClaudeCodeHook, type ReceivedVia } from "@vouchtrail/events";
import { type HookPayload, hooksOfSession } from "./session-hooks.ts";

/** What the vantage points tell of one session: events by the way that they come. */
export interface ToldSession {
  readonly id: string;
  hooks: AuditEventInput[];
  imported: AuditEventInput[];
  /** What comes another way. */
  readonly others: [via: ReceivedVia, events: AuditEventInput[]][];
}

const START_MS = Date.parse("2026-02-01T10:00:00Z");
/** A moment at which every told session is long over. */
export const LATER_MS: number = START_MS + 86_400_000;
const at = (second: number): string => new Date(START_MS + second * 1_000).toISOString();

/** The lines of a transcript with every way in which a call can end, and a subagent. */
export function linesOf(id: string): object[] {
  const common = { sessionId: id, cwd: "/repo", version: "2.1.40", isSidechain: false };
  let parent: string | null = null;
  let second = 0;
  const lines: object[] = [];
  const push = (type: string, role: string, content: unknown, more: object = {}): void => {
    const uuid = `u-${lines.length}`;
    second += 10;
    const message = { id: `msg-${uuid}`, role, content, ...(role === "assistant" ? { model: "claude-test-1" } : {}) };
    lines.push({
      ...common,
      type,
      uuid,
      parentUuid: parent,
      timestamp: at(second),
      ...(message.id && { requestId: `req-${uuid}` }),
      message,
      ...more,
    });
    parent = uuid;
  };
  const call = (callId: string, name: string, input: object, result: string, isError = false): void => {
    push("assistant", "assistant", [{ type: "tool_use", id: callId, name, input }]);
    push("user", "user", [{ type: "tool_result", tool_use_id: callId, content: result, ...(isError ? { is_error: true } : {}) }]);
  };
  const sub = (role: "user" | "assistant", content: unknown): void => {
    const uuid = `s-${lines.length}`;
    second += 10;
    const message = {
      ...common,
      type: role,
      uuid,
      parentUuid: null,
      timestamp: at(second),
      requestId: `req-${uuid}`,
      message: { id: `m-${uuid}`, role, content },
    };
    const data = { type: "agent_progress", agentId: "a1", message };
    lines.push({
      ...common,
      type: "progress",
      uuid: `p-${lines.length}`,
      parentUuid: parent,
      timestamp: at(second),
      parentToolUseID: "call-agent",
      data,
    });
  };
  push("user", "user", "Mend the build.", { permissionMode: "default" });
  call("call-list", "Bash", { command: "ls" }, "src");
  call("call-test", "Bash", { command: "npm test" }, "Exit code 1\nfailed", true);
  push("assistant", "assistant", [
    { type: "tool_use", id: "call-agent", name: "Task", input: { prompt: "Look", subagent_type: "Explore" } },
  ]);
  sub("user", [{ type: "text", text: "Look" }]);
  sub("assistant", [{ type: "tool_use", id: "call-grep", name: "Grep", input: { pattern: "x" } }]);
  sub("user", [{ type: "tool_result", tool_use_id: "call-grep", content: "found" }]);
  push("user", "user", [{ type: "tool_result", tool_use_id: "call-agent", content: "done" }]);
  call(
    "call-push",
    "Bash",
    { command: "git push" },
    "The user doesn't want to proceed with this tool use. The tool use was rejected",
    true,
  );
  call("call-bad", "Edit", { file_path: "/repo/a" }, "<tool_use_error>String to replace not found</tool_use_error>", true);
  call("call-long", "Bash", { command: "sleep 1000" }, "[Request interrupted by user for tool use]", true);
  push("assistant", "assistant", [{ type: "text", text: "Another way." }]);
  call("call-edit", "Edit", { file_path: "/repo/a", old_string: "a", new_string: "b" }, "done");
  call("call-last", "Bash", { command: "npm test" }, "passed");
  push("assistant", "assistant", [{ type: "text", text: "It builds." }]);
  return lines;
}

/** What a transcript of these lines tells. */
export function importOf(lines: readonly object[]): AuditEventInput[] {
  const reader = createTranscriptReader();
  return [...lines.flatMap((line) => reader.push(JSON.stringify(line))), ...reader.end()];
}

/** What the hooks tell, each at the time of what it stands for. */
export function eventsOfHooks(payloads: readonly HookPayload[], transcript: readonly AuditEventInput[]): AuditEventInput[] {
  let occurredAt = at(0);
  return payloads.map((payload) => {
    const told = transcript.find(({ context }) => context?.callId !== undefined && context.callId === payload.tool_use_id);
    if (told?.occurredAt !== undefined && told.occurredAt > occurredAt) occurredAt = told.occurredAt;
    return { ...fromClaudeCodeHook(payload), occurredAt };
  });
}

/** A session that hooks and transcript tell in full, and its hook of one call. */
export function tellSession(id: string): ToldSession {
  const imported = importOf(linesOf(id));
  return { id, hooks: eventsOfHooks(hooksOfSession(imported), imported), imported, others: [] };
}

/** The hook of that name, for that call when one is named. */
export function hookAt(session: ToldSession, hook: string, callId?: string): number {
  const position = session.hooks.findIndex(
    ({ details, context }) => details?.hook === hook && (callId === undefined || context?.callId === callId),
  );
  if (position < 0) throw new Error(`There is no ${hook} of ${callId ?? "the session"}.`);
  return position;
}

export function dropHook(session: ToldSession, hook: string, callId?: string): void {
  session.hooks.splice(hookAt(session, hook, callId), 1);
}
