import type { JsonObject, Outcome } from "../../event.ts";
import { isObject } from "../json-object.ts";
import { toLeafCode } from "../leaf-text.ts";
import { type AgentLog, type AgentTold, tellAgentLog, tellDecision, tellPrompt } from "./agent-log.ts";
import { actionPart, failure, modelOf, type OtlpTold, sourceOf, speechOf, toolOf, usageOf, withUsage } from "./otlp-event.ts";
import type { OtlpRecord } from "./otlp-record.ts";
import { booleanAt, countAt, jsonAt, textAt } from "./otlp-value.ts";

const PREFIX = "claude_code.";
const SERVICES: ReadonlySet<string> = new Set(["claude-code", "claude-code-desktop"]);
const SUCCESS: Outcome = { status: "success" };
const COMMON = [
  "event.name",
  "event.timestamp",
  "event.sequence",
  "session.id",
  "prompt.id",
  "app.version",
  "app.entrypoint",
  "terminal.type",
];
const USAGE = {
  tokensInput: ["input_tokens"],
  tokensOutput: ["output_tokens"],
  tokensCacheRead: ["cache_read_tokens"],
  tokensCacheWrite: ["cache_creation_tokens"],
  durationMs: ["duration_ms"],
  costUsd: ["cost_usd"],
  model: ["model"],
};
/** Codes of a denied call, by the source of the decision. */
const DENIALS: Readonly<Record<string, string>> = { hook: "HOOK_DENIED", config: "PERMISSION_DENIED" };
/** Known records that tell of no tool, prompt or request, under the action by which the trail keeps them. Others become `agent.telemetry.<name>`. */
const LIFE: Readonly<Record<string, string>> = {
  permission_mode_changed: "agent.permission_mode.changed",
  mcp_server_connection: "agent.mcp_server.connection",
  compaction: "agent.context.compacted",
  subagent_completed: "agent.subagent.completed",
  plugin_installed: "agent.plugin.installed",
  plugin_loaded: "agent.plugin.loaded",
  skill_activated: "agent.skill.activated",
  hook_registered: "agent.hook.registered",
  auth: "agent.auth",
};
/** How the recorder is named in the hooks of an agent. */
const RECORDER_MARKS = ["vouchtrail", "agent-audit-log", "/hooks/claude-code"];

/** The name of the event when the record is one of Claude Code's, without its prefix. */
export function claudeCodeName(record: OtlpRecord): string | undefined {
  const named = [record.eventName, record.body, record.attributes["event.name"]].find(
    (name): name is string => typeof name === "string" && name.startsWith(PREFIX),
  );
  if (named !== undefined) return named.slice(PREFIX.length);
  if (!SERVICES.has(textAt(record.resource, "service.name") ?? "")) return undefined;
  return textAt(record.attributes, "event.name") ?? record.eventName ?? "unknown";
}

/**
 * Reads a log record of Claude Code. Every one becomes an event with its number, also of a kind that this version does not know: only so is a gap in
 * the numbers a loss. Rules: OTLP-30 to OTLP-36. Format: product documentation as of November 2026.
 */
export function readClaudeCodeLog(record: OtlpRecord, name: string): readonly OtlpTold[] {
  const { attributes, resource } = record;
  const sessionId = textAt(attributes, "session.id") ?? textAt(resource, "session.id");
  const log: AgentLog = {
    record,
    platform: "claude-code",
    name,
    sessionId,
    requestId: textAt(attributes, "prompt.id"),
    labels: {
      version: textAt(attributes, "app.version") ?? textAt(resource, "service.version"),
      entrypoint: textAt(attributes, "app.entrypoint"),
      terminal: textAt(attributes, "terminal.type"),
    },
    source: sourceOf(textAt(resource, "service.name") ?? "claude-code", sessionId, countAt(attributes, "event.sequence")),
    common: COMMON,
  };
  if (name === "tool_decision") return decision(log);
  if (name === "user_prompt") return [tellPrompt(log, "prompt")];
  return [tellAgentLog(log, readTold(log))];
}

function readTold(log: AgentLog): AgentTold {
  const { name, record } = log;
  const { attributes } = record;
  switch (name) {
    case "tool_result":
      return toolResult(attributes);
    case "api_request":
      return request(attributes);
    case "assistant_response":
      return {
        action: "ai.chat_message",
        outcome: SUCCESS,
        target: { type: "conversation", id: sessionOf(log) },
        activity: speechOf("response", "assistant", textAt(attributes, "response")),
        ...usagePart(attributes, { model: ["model"] }, "response"),
      };
    case "api_error":
    case "api_refusal":
    case "api_retries_exhausted":
    case "internal_error":
      return errorOf(name, attributes);
    case "hook_execution_complete":
      return hookExecution(attributes);
    default:
      return {
        action: (Object.hasOwn(LIFE, name) ? LIFE[name] : undefined) ?? `agent.telemetry.${actionPart(name)}`,
        outcome: outcomeOf(attributes),
        placed: booleanAt(attributes, "success") === undefined ? [] : ["success"],
      };
  }
}

function sessionOf({ sessionId }: AgentLog): string {
  return sessionId === undefined || sessionId.length > 200 ? "unknown" : sessionId;
}

function usagePart(
  attributes: JsonObject,
  names: Parameters<typeof usageOf>[1],
  ...more: readonly string[]
): Pick<AgentTold, "usage" | "placed"> {
  const { usage, placed } = usageOf(attributes, names);
  return { ...withUsage(usage), placed: [...placed, ...more] };
}

function toolResult(attributes: JsonObject): AgentTold {
  const success = booleanAt(attributes, "success");
  const isFailure = success === false || (success === undefined && textAt(attributes, "error_type", "error") !== undefined);
  const callId = textAt(attributes, "tool_use_id");
  return {
    action: "ai.tool_call",
    phase: "outcome",
    outcome: isFailure ? failure(toLeafCode(textAt(attributes, "error_type"), "TOOL_ERROR"), textAt(attributes, "error")) : SUCCESS,
    ...toolOf(textAt(attributes, "tool_name"), parametersOf(attributes)),
    callId,
    approvalId: callId,
    ...usagePart(attributes, { durationMs: ["duration_ms"] }, ...PARAMETERS, "tool_name", "tool_use_id", "success", "error"),
  };
}

const PARAMETERS = ["tool_input", "tool_parameters"];

/** The input, and beside it what only the parameters have, such as the id of a commit. */
function parametersOf(attributes: JsonObject): unknown {
  const [input, parameters] = [jsonAt(attributes, "tool_input"), jsonAt(attributes, "tool_parameters")];
  if (input === undefined || parameters === undefined) return input ?? parameters;
  return isObject(input) && isObject(parameters) ? { ...parameters, ...input } : { input, parameters };
}

function decision(log: AgentLog): readonly OtlpTold[] {
  const { attributes } = log.record;
  const source = textAt(attributes, "source");
  const verdict = textAt(attributes, "decision");
  if (verdict !== "accept" && verdict !== "reject")
    return [tellAgentLog(log, { action: "agent.telemetry.tool_decision", outcome: SUCCESS })];
  return tellDecision(log, {
    isApproved: verdict === "accept",
    tool: textAt(attributes, "tool_name"),
    parameters: parametersOf(attributes),
    callId: textAt(attributes, "tool_use_id"),
    isByPerson: source?.startsWith("user_") === true,
    source,
    code: (source === undefined ? undefined : DENIALS[source]) ?? "USER_REJECTED",
    placed: [...PARAMETERS, "tool_name", "tool_use_id", "decision", "source"],
  });
}

/** The transcript tells of the same request under the same id: one deed, and its tokens count once. */
function request(attributes: JsonObject): AgentTold {
  return {
    action: "ai.model_call",
    outcome: SUCCESS,
    ...modelOf(textAt(attributes, "model")),
    callId: textAt(attributes, "request_id", "client_request_id"),
    ...usagePart(attributes, USAGE, "request_id"),
  };
}

function errorOf(name: string, attributes: JsonObject): AgentTold {
  const message = textAt(attributes, "error");
  return {
    action: "ai.error",
    outcome: failure(toLeafCode(name, "ERROR"), message),
    activity: { type: "error", name, error: { type: name, ...(message === undefined ? {} : { message }) } },
    ...usagePart(attributes, { model: ["model"], durationMs: ["duration_ms"] }, "error"),
  };
}

/** Errors of other people's hooks are no loss of the trail's. Blocking is what a hook is for, and no error. */
function hookExecution(attributes: JsonObject): AgentTold {
  const failed = (countAt(attributes, "num_non_blocking_error") ?? 0) + (countAt(attributes, "num_cancelled") ?? 0);
  const names = ["hook_source", "hook_name", "plugin.name"].map((name) => textAt(attributes, name)?.toLowerCase() ?? "");
  const isOurs = names.some((name) => RECORDER_MARKS.some((mark) => name.includes(mark)));
  return {
    action: "agent.hook.executed",
    outcome: failed === 0 ? SUCCESS : { status: "failure", code: isOurs ? "RECORDER_HOOK_ERROR" : "HOOK_ERROR" },
    ...usagePart(attributes, { durationMs: ["total_duration_ms"] }),
  };
}

function outcomeOf(attributes: JsonObject): Outcome {
  const isFailure = booleanAt(attributes, "success") === false || textAt(attributes, "status") === "failed";
  return isFailure
    ? failure(toLeafCode(textAt(attributes, "error_code", "error_category"), "ERROR"), textAt(attributes, "error"))
    : SUCCESS;
}
