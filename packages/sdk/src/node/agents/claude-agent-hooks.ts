import { CONTEXT_ID_CHARS_MAX, ID_CHARS_MAX, toLeafId } from "@vouchtrail/events/leaf";
import { fromClaudeCodeHook } from "@vouchtrail/events/shapes";
import { eventOf } from "../../agents/agent-recorder.ts";
import { CLAUDE_HOOK_WAIT_MS } from "../../agents/limits.ts";
import { optionValue } from "../../agents/option-value.ts";
import { unawaited } from "../../agents/unawaited.ts";
import { emitterOf } from "../../catalog/define-audit-events.ts";
import type { NativeEventInput } from "../../event-input.ts";
import { seenCall } from "./claude-agent-calls.ts";
import { withoutContent } from "./claude-agent-content.ts";
import { CLAUDE_AGENT_PLATFORM, type ClaudeAgentAuditOptions, clockOf } from "./claude-agent-options.ts";
import { settledWithin } from "./claude-agent-wait.ts";

/**
 * The hooks that are recorded. Left out are those that repeat what others tell (PostToolBatch, UserPromptExpansion, PreModelSwitch), that come in great numbers
 * (MessageDisplay, FileChanged, InstructionsLoaded, CwdChanged, Notification), and WorktreeCreate and WorktreeRemove: with a hook for them the agent makes and
 * removes no worktree itself. docs/agents.md has the same choice for Claude Code.
 */
export const AUDITED_HOOKS = [
  "Setup",
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PermissionDenied",
  "PostToolUse",
  "PostToolUseFailure",
  "SubagentStart",
  "SubagentStop",
  "PreCompact",
  "PostCompact",
  "PostModelSwitch",
  "ConfigChange",
  "DirectoryAdded",
  "TaskCreated",
  "TaskCompleted",
  "TeammateIdle",
  "Elicitation",
  "ElicitationResult",
  "Stop",
  "StopFailure",
  "SessionEnd",
] as const;
export type AuditedHook = (typeof AUDITED_HOOKS)[number];

/** Answers a hook: nothing is decided. */
export type AuditHook = (payload: unknown, toolUseId: string | undefined) => Promise<Record<string, never>>;
/** The value of `options.hooks` of `query()`. */
export type AuditHooks = { [Name in AuditedHook]: { hooks: AuditHook[] }[] };

/** Hooks whose call is known to the callback, in case the payload does not name it. */
const CALL_HOOKS: ReadonlySet<unknown> = new Set(["PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied"]);

type Payload = Readonly<Record<string, unknown>>;

/**
 * Records what an agent of the Claude Agent SDK does: `query({ prompt, options: { hooks: auditHooks() } })`.
 *
 * A hook becomes the event that it becomes when Claude Code posts it. Each callback answers that nothing is decided, never throws, and ends within
 * {@link CLAUDE_HOOK_WAIT_MS}, because a hook that times out would block the call. An intent is waited for, so that it is kept before the tool runs.
 *
 * Rules: FRAMEWORK-40 to FRAMEWORK-43. Format: the types of version 0.3.330 of the SDK.
 */
export function auditHooks(options: ClaudeAgentAuditOptions = {}): AuditHooks {
  const hook = createHook(options);
  return Object.fromEntries(AUDITED_HOOKS.map((name) => [name, [{ hooks: [hook] }]])) as AuditHooks;
}

/**
 * The application's own hooks and those of {@link auditHooks} behind them: `hooks: withAuditHooks(hooks)`. What it is given is left as it is.
 *
 * Rule: FRAMEWORK-43.
 */
export function withAuditHooks<Hooks extends object>(hooks: Hooks | undefined, options: ClaudeAgentAuditOptions = {}): Hooks & AuditHooks {
  const merged: Record<string, unknown> = { ...hooks };
  for (const [name, matchers] of Object.entries(auditHooks(options))) {
    const own = merged[name];
    merged[name] = Array.isArray(own) ? [...own, ...matchers] : matchers;
  }
  return merged as Hooks & AuditHooks;
}

function createHook(options: ClaudeAgentAuditOptions): AuditHook {
  const emitter = emitterOf(options);
  const clock = clockOf(options);

  async function record(payload: Payload, toolUseId: string | undefined): Promise<void> {
    const to = emitter();
    // An event that the trail does not take must not be given up: a hook has no way to say so, and the call goes on.
    const delivery = to.delivery === "strict" ? "durable" : to.delivery;
    await to.emit(
      eventOf(() => hookEvent(payload, toolUseId, options)),
      { delivery },
    );
  }

  return async (payload, toolUseId) => {
    try {
      const told = isPayload(payload) ? payload : {};
      if (!isRepeated(told, toolUseId)) {
        const work = record(told, toolUseId);
        if (told.hook_event_name === "PreToolUse") await settledWithin(work, CLAUDE_HOOK_WAIT_MS, clock);
        else unawaited(work);
      }
    } catch {
      // A payload that throws when it is read: nothing of it reaches the agent.
    }
    return {};
  };
}

/** Notes what the hook tells of its call. @returns Whether a permission callback has told already that somebody is asked. */
function isRepeated(payload: Payload, toolUseId: string | undefined): boolean {
  const { hook_event_name: name, tool_use_id: callId = toolUseId, session_id: sessionId, prompt_id: promptId } = payload;
  if (typeof callId !== "string" || (!CALL_HOOKS.has(name) && name !== "PermissionRequest")) return false;
  const call = seenCall(callId);
  if (typeof sessionId === "string") call.sessionId = sessionId;
  if (typeof promptId === "string") call.promptId = promptId;
  if (name === "PermissionRequest") {
    const isAsked = call.isAsked;
    call.isAsked = true;
    return isAsked;
  }
  if (name !== "PreToolUse") call.isEnded = true;
  return false;
}

function hookEvent(payload: Payload, toolUseId: string | undefined, options: ClaudeAgentAuditOptions): NativeEventInput {
  const { agentName = CLAUDE_AGENT_PLATFORM, hasContent = true } = options;
  const isCall = CALL_HOOKS.has(payload.hook_event_name);
  const whole = {
    ...missing("session_id", payload, optionValue(options.sessionId)),
    ...(isCall ? missing("tool_use_id", payload, toolUseId) : {}),
    ...(hasContent ? payload : withoutContent(payload)),
  };
  const event = fromClaudeCodeHook(whole, { agentId: agentName, platform: CLAUDE_AGENT_PLATFORM });
  return withUser(withApproval(event, toolUseId), optionValue(options.userId));
}

/**
 * Joins an approval with its call. A request for approval names no call, but the SDK does, and the id of the call is the one by which answers and telemetry name the
 * approval; the end of a call that somebody was asked for names it too.
 */
function withApproval(event: NativeEventInput, toolUseId: string | undefined): NativeEventInput {
  const { activity, phase, context } = event;
  const callId = activity?.type === "approval" ? toolUseId : phase === "outcome" ? (context?.callId ?? toolUseId) : undefined;
  if (callId === undefined || (phase === "outcome" && !seenCall(callId).isAsked)) return event;
  return { ...event, context: { ...context, approvalId: toLeafId(callId, CONTEXT_ID_CHARS_MAX) } };
}

/** The person for whom the agent works: who asked, and on whose behalf all else is done. */
function withUser(event: NativeEventInput, userId: string | undefined): NativeEventInput {
  if (userId === undefined) return event;
  const id = toLeafId(userId, ID_CHARS_MAX);
  const { actor } = event;
  if (actor.type === "user") return { ...event, actor: { ...actor, id } };
  if (actor.type !== "agent") return event;
  return { ...event, actor: { ...actor, onBehalfOf: [...(actor.onBehalfOf ?? []), { type: "user", id }] } };
}

function missing(name: string, payload: Payload, value: string | undefined): Payload {
  return payload[name] === undefined && value !== undefined ? { [name]: value } : {};
}

function isPayload(value: unknown): value is Payload {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
