import { AuditError } from "../errors.ts";
import type { Activity, Actor, AuditEventInput, Context, JsonObject, Outcome, Usage } from "../event.ts";
import {
  ACTIVITY_NAME_CHARS_MAX,
  CONTEXT_ID_CHARS_MAX,
  ID_CHARS_MAX,
  LABEL_VALUE_CHARS_MAX,
  MODEL_CHARS_MAX,
  NAME_CHARS_MAX,
} from "../limits.ts";
import { readToolEnding } from "./claude-code-outcome.ts";
import { asText } from "./claude-code-value.ts";
import { isObject, present } from "./json-object.ts";
import { replaceLoneSurrogates, toLeafId, toLeafName } from "./leaf-text.ts";

export interface HookOptions {
  readonly tenant?: string;
  /** The agent whose hook it is; default `claude-code`. */
  readonly agentId?: string;
  /** The label `platform`, at most 256 characters; default: the agent. */
  readonly platform?: string;
}

/** What one hook tells: everything but what all of them have. */
interface Told extends Pick<AuditEventInput, "action" | "outcome"> {
  readonly phase?: "intent" | "outcome";
  readonly actor?: Actor;
  readonly activity?: Activity;
  readonly target?: AuditEventInput["target"];
  readonly usage?: Usage;
  /** Members of the payload that have found their place. The others are kept in the details. */
  readonly placed: readonly string[];
}

const SUCCESS: Outcome = { status: "success" };
/** Members that every hook has, and that have a place of their own. */
const COMMON = ["hook_event_name", "session_id", "cwd", "permission_mode", "tool_use_id", "agent_id", "prompt_id"];
const TOOL = ["tool_name", "tool_input"];

/** Known hooks that tell of no tool, prompt or answer, under the action by which the trail keeps them. Others become `agent.hook.<name>`. */
const LIFE: Readonly<Record<string, string>> = {
  SessionStart: "agent.session.started",
  SessionEnd: "agent.session.ended",
  SubagentStart: "agent.subagent.started",
  SubagentStop: "agent.subagent.ended",
  PreCompact: "agent.context.compacting",
  PostCompact: "agent.context.compacted",
  PreModelSwitch: "agent.model.switching",
  PostModelSwitch: "agent.model.switched",
  ConfigChange: "agent.config.changed",
  TaskCreated: "agent.task.created",
  TaskCompleted: "agent.task.completed",
};

/**
 * Turns what a hook of Claude Code posts into an event. Codex and Copilot post the same shape.
 *
 * A tool call is an intent before (`PreToolUse`) and an outcome after (`PostToolUse`, `PostToolUseFailure`, `PermissionDenied`), joined by session and call id with everything else that tells of the
 * call. Hooks and members that this version does not know are kept, never an error: the list of hooks grows with every version. A hook names no time and no id: the server gives both.
 *
 * @param payload Parsed JSON, as the hook posts it.
 * @throws {AuditError} `SHAPE_INVALID`: it is no object, or does not name its hook.
 *
 * Rules: MAPPING-30 to MAPPING-34. Format: product documentation as of November 2026.
 */
export function fromClaudeCodeHook(payload: unknown, options: HookOptions = {}): AuditEventInput {
  if (!isObject(payload)) throw new AuditError("SHAPE_INVALID", { message: "A hook posts a JSON object." });
  const name = asText(payload.hook_event_name);
  if (name === undefined)
    throw new AuditError("SHAPE_INVALID", { path: "hook_event_name", message: "hook_event_name: expected the name of the hook." });
  const agentId = toLeafId(options.agentId ?? "claude-code", ID_CHARS_MAX);
  const agent = actorOf(agentId, asText(payload.agent_id));
  const told = readHook(name, payload, agentId);
  const { placed, ...event } = told;
  const sessionId = asText(payload.session_id);
  const session = toLeafId(sessionId ?? "unknown", ID_CHARS_MAX);
  const rest = Object.fromEntries(Object.entries(payload).filter(([key, value]) => !isPlaced(key, value, placed)));
  const { labels, long } = labelsOf(payload, options.platform ?? agentId);
  const details = present({ hook: name, ...long, ...rest });
  return {
    ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
    actor: agent,
    ...(event.activity === undefined ? { target: { type: "session", id: session } } : {}),
    ...event,
    context: contextOf(payload, sessionId),
    labels,
    details,
  };
}

/** Whether a member stands elsewhere in the event, whole: one of another type than its place takes is kept in the details. */
function isPlaced(key: string, value: unknown, placed: readonly string[]): boolean {
  if (!COMMON.includes(key) && !placed.includes(key)) return false;
  if (key === "tool_name") return typeof value === "string" && value !== "" && value.length <= NAME_CHARS_MAX;
  if (key === "is_interrupt") return typeof value === "boolean";
  if (key === "model") return typeof value === "string" && value.length <= MODEL_CHARS_MAX;
  if (key === "tool_input" || key === "tool_response" || key === "duration_ms") return true;
  return asText(value) !== undefined;
}

function readHook(name: string, payload: JsonObject, agentId: string): Told {
  switch (name) {
    case "PreToolUse":
      return { action: "ai.tool_call", phase: "intent", outcome: { status: "pending" }, ...toolOf(payload), placed: TOOL };
    case "PostToolUse":
      return {
        action: "ai.tool_call",
        phase: "outcome",
        outcome: endingOf(payload),
        ...toolOf(payload),
        ...durationOf(payload),
        placed: [...TOOL, "tool_response", ...placedDuration(payload)],
      };
    case "PostToolUseFailure":
      return {
        action: "ai.tool_call",
        phase: "outcome",
        outcome: failureOf(payload),
        ...toolOf(payload),
        ...durationOf(payload),
        placed: [...TOOL, "error", "is_interrupt", ...placedDuration(payload)],
      };
    case "PermissionDenied":
      return {
        action: "ai.tool_call",
        phase: "outcome",
        outcome: { status: "denied", code: "PERMISSION_DENIED", ...messageOf(payload.reason) },
        ...toolOf(payload),
        placed: [...TOOL, ...(asText(payload.reason) === undefined ? [] : ["reason"])],
      };
    case "PermissionRequest":
      return permissionRequest(payload);
    case "UserPromptSubmit":
      return said("agent.prompt.submitted", "prompt", "user", payload.prompt, { type: "user", id: "unknown" }, "prompt");
    case "Stop":
      return said("agent.turn.ended", "response", "assistant", payload.last_assistant_message, undefined, "last_assistant_message");
    case "StopFailure":
      return stopFailure(payload);
    default:
      return {
        action: (Object.hasOwn(LIFE, name) ? LIFE[name] : undefined) ?? `agent.hook.${actionPart(name)}`,
        outcome: SUCCESS,
        ...(name === "SessionStart" ? { actor: { type: "system" as const, id: agentId }, ...modelOf(payload.model) } : {}),
        placed: name === "SessionStart" && asText(payload.model) !== undefined ? ["model"] : [],
      };
  }
}

function toolOf(payload: JsonObject): Pick<Told, "target" | "activity"> & { activity: Activity } {
  const written = asText(payload.tool_name) ?? "unknown";
  const name = toLeafName(written, ACTIVITY_NAME_CHARS_MAX) ?? "unknown";
  return {
    target: { type: "tool", id: name },
    activity: {
      type: "tool",
      name,
      tool: {
        name: replaceLoneSurrogates(written.slice(0, NAME_CHARS_MAX)),
        ...(payload.tool_input === undefined ? {} : { parameters: payload.tool_input }),
      },
    },
  };
}

/** It names no call: which call is asked for is known only from its tool and input. */
function permissionRequest(payload: JsonObject): Told {
  const { target, activity } = toolOf(payload);
  return {
    action: "ai.approval_created",
    outcome: { status: "pending" },
    ...(target === undefined ? {} : { target }),
    activity: {
      type: "approval",
      name: activity.name,
      approval: { state: "created", shown: present({ tool: payload.tool_name, input: payload.tool_input }), observed: true },
    },
    placed: TOOL,
  };
}

function said(action: string, name: string, role: string, text: unknown, actor: Actor | undefined, member: string): Told {
  const words = asText(text);
  return {
    action,
    outcome: SUCCESS,
    ...(actor === undefined ? {} : { actor }),
    activity: { type: "message", name, message: { role, ...(words === undefined ? {} : { text: words }) } },
    placed: words === undefined ? [] : [member],
  };
}

function stopFailure(payload: JsonObject): Told {
  const kind = asText(payload.error);
  const message = asText(payload.error_details) ?? asText(payload.last_assistant_message);
  return {
    action: "ai.error",
    outcome: {
      status: "failure",
      code: (kind ?? "unknown")
        .toUpperCase()
        .replace(/[^A-Z0-9_]/g, "_")
        .slice(0, 64),
      ...messageOf(message),
    },
    activity: {
      type: "error",
      name: "api_error",
      error: { ...(kind === undefined ? {} : { type: kind.slice(0, NAME_CHARS_MAX) }), ...messageOf(message) },
    },
    placed: kind === undefined ? [] : ["error"],
  };
}

/** A tool that was interrupted ends like one that succeeded: its response says so. */
function endingOf({ tool_response: response }: JsonObject): Outcome {
  const { status, code } = readToolEnding(false, "", response);
  return { status, ...(code === undefined ? {} : { code }), ...(response === undefined ? {} : { result: response }) };
}

function failureOf(payload: JsonObject): Outcome {
  const text = asText(payload.error) ?? "";
  if (payload.is_interrupt === true) return { status: "failure", code: "INTERRUPTED", ...messageOf(text) };
  const { status, code, message } = readToolEnding(true, text, undefined);
  const outcome: Outcome = { status, ...(code === undefined ? {} : { code }), ...messageOf(message) };
  if (text !== message) outcome.result = payload.error;
  return outcome;
}

function durationOf({ duration_ms: duration }: JsonObject): { usage?: Usage } {
  return isDuration(duration) ? { usage: { durationMs: duration } } : {};
}
function placedDuration({ duration_ms: duration }: JsonObject): string[] {
  return isDuration(duration) ? ["duration_ms"] : [];
}
function isDuration(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function modelOf(model: unknown): { usage?: Usage } {
  const name = asText(model);
  const leafName = name === undefined ? undefined : toLeafName(name, MODEL_CHARS_MAX);
  return leafName === undefined ? {} : { usage: { model: leafName } };
}

function messageOf(text: unknown): { message?: string } {
  const words = asText(text);
  return words === undefined ? {} : { message: words };
}

function actorOf(agentId: string, subagentId: string | undefined): Actor {
  if (subagentId === undefined) return { type: "agent", id: agentId };
  return { type: "agent", id: toLeafId(`${agentId}/${subagentId}`, ID_CHARS_MAX), onBehalfOf: [{ type: "agent", id: agentId }] };
}

/** The ids that join what hooks, transcripts and telemetry tell of one call. */
function contextOf(payload: JsonObject, sessionId: string | undefined): Context {
  const id = (value: string | undefined): string | undefined => (value === undefined ? undefined : toLeafId(value, CONTEXT_ID_CHARS_MAX));
  const subagent = asText(payload.agent_id);
  return present({
    sessionId: id(sessionId),
    conversationId: id(sessionId === undefined ? undefined : subagent === undefined ? sessionId : `${sessionId}/${subagent}`),
    callId: id(asText(payload.tool_use_id)),
    requestId: id(asText(payload.prompt_id)),
  }) as Context;
}

/** As transcripts have them; what is too long for a label is kept whole in the details. */
function labelsOf(payload: JsonObject, platform: string): { labels: Record<string, string>; long: JsonObject } {
  const candidates = {
    platform,
    cwd: asText(payload.cwd),
    permissionMode: asText(payload.permission_mode),
    subagent: asText(payload.agent_id),
  };
  const labels: Record<string, string> = {};
  const long: JsonObject = {};
  for (const [name, value] of Object.entries(candidates)) {
    if (value !== undefined) (value.length <= LABEL_VALUE_CHARS_MAX ? labels : long)[name] = value;
  }
  return { labels, long };
}

/** `SomeHookName` as `some_hook_name`: at most 64 characters that an action may have. */
function actionPart(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, "_")
    .slice(0, 64);
  return words === "" ? "unknown" : words;
}
