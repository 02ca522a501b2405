import { type AuditEventInput, fromClaudeCodeHook, type JsonObject, type SearchHit } from "@vouchtrail/events";
import fc from "fast-check";
import { hitOf } from "./story-hits.ts";
import { prompt, SESSION, said, timeOf, toldCall } from "./told-session.ts";

const hookName = fc.constantFrom(
  "PreToolUse",
  "PostToolUse",
  "PostToolUseFailure",
  "PermissionRequest",
  "PermissionDenied",
  "UserPromptSubmit",
  "Stop",
  "SessionStart",
  "SessionEnd",
  "SubagentStart",
  "SubagentStop",
  "PreCompact",
  "SomethingNew",
);
const few = (name: string): fc.Arbitrary<string> => fc.constantFrom(`${name}1`, `${name}2`, `${name}3`);
const subagent = fc.option(few("agent"), { nil: undefined, freq: 2 });
const callIds = fc.option(few("call"), { nil: undefined, freq: 6 });
const texts = fc.constantFrom("one", " one ", "two");
const defined = (members: JsonObject): JsonObject => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
const anyHook = fc
  .record({
    hook_event_name: hookName,
    tool_name: fc.constantFrom("Bash", "Task", "Agent"),
    tool_input: fc.constantFrom({ command: "a" }, { command: "b" }),
    tool_use_id: callIds,
    agent_id: subagent,
    prompt: texts,
    last_assistant_message: texts,
    tool_response: fc.constantFrom({ agentId: "agent1" }, { stdout: "" }),
  })
  .map((payload) => ({ via: "hook", event: fromClaudeCodeHook(defined({ session_id: SESSION, ...payload })) }));
const anyTold = fc
  .record({
    event: fc.oneof(
      texts.map(prompt),
      texts.map(said),
      fc
        .constantFrom("success", "failure", "denied", "pending")
        .map((status) => toldCall("call1", "a", { status } as AuditEventInput["outcome"])),
    ),
    callId: callIds,
    agent: subagent,
    // The parent may be anything: itself, one that comes later, or nothing that there is.
    parent: fc.option(fc.nat({ max: 12 }), { nil: undefined }),
    approvalId: fc.option(few("approval"), { nil: undefined, freq: 4 }),
    isApproval: fc.boolean(),
    via: fc.constantFrom("import", "sdk", "otlp"),
  })
  .map(({ event, callId, agent, parent, approvalId, isApproval, via }) => ({
    via,
    event: {
      ...event,
      ...(isApproval
        ? {
            action: "ai.approval_approved",
            activity: { type: "approval" as const, name: "Bash", approval: { state: "approved" as const } },
          }
        : {}),
      context: defined({
        sessionId: SESSION,
        conversationId: agent === undefined ? SESSION : `${SESSION}/${agent}`,
        callId,
        approvalId,
        parentEventId: parent === undefined ? undefined : `0197a3c2-7d4b-7c1e-9a55-${String(parent).padStart(12, "0")}`,
      }),
    } as AuditEventInput,
  }));
/** Up to 14 entries of one session that nobody put into order. */
export const anySession: fc.Arbitrary<SearchHit[]> = fc
  .array(fc.tuple(fc.oneof(anyHook, anyTold), fc.nat({ max: 5 }), fc.boolean()), { minLength: 1, maxLength: 14 })
  .map((told) => told.map(([{ via, event }, second, isErased], index) => hitOf(index, event, { via, at: timeOf(second), isErased })));
