import type { JsonObject, Outcome } from "../../event.ts";
import { toLeafCode } from "../leaf-text.ts";
import { type AgentLog, type AgentTold, tellAgentLog, tellDecision, tellPrompt } from "./agent-log.ts";
import { actionPart, failure, modelOf, type OtlpTold, toolOf, usageOf, withUsage } from "./otlp-event.ts";
import type { OtlpRecord } from "./otlp-record.ts";
import { booleanAt, jsonAt, textAt } from "./otlp-value.ts";

const PREFIX = "gemini_cli.";
const SUCCESS: Outcome = { status: "success" };
const COMMON = ["event.name", "event.timestamp", "session.id", "prompt_id"];
const TOOL = ["function_name", "function_args", "success", "error", "call_id"];

/** The name of the event when the record is one of Gemini CLI's, without its prefix. */
export function geminiCliName(record: OtlpRecord): string | undefined {
  const named = [textAt(record.attributes, "event.name"), record.eventName].find((name) => name?.startsWith(PREFIX));
  return named?.slice(PREFIX.length);
}

/** Reads a log record of Gemini CLI. Rule: OTLP-38. Format: docs/cli/telemetry.md of google-gemini/gemini-cli @06c0d81. */
export function readGeminiCliLog(record: OtlpRecord, name: string): readonly OtlpTold[] {
  const { attributes, resource } = record;
  const log: AgentLog = {
    record,
    platform: "gemini-cli",
    name,
    sessionId: textAt(attributes, "session.id") ?? textAt(resource, "session.id"),
    requestId: textAt(attributes, "prompt_id"),
    labels: { version: textAt(resource, "service.version") },
    source: {},
    common: COMMON,
  };
  if (name === "user_prompt") return [tellPrompt(log, "prompt")];
  if (name === "tool_call") return toolCall(log);
  return [tellAgentLog(log, readTold(name, attributes))];
}

/** The call and the decision about it are one record. Without an id of the call it is joined with nothing else. */
function toolCall(log: AgentLog): readonly OtlpTold[] {
  const { attributes } = log.record;
  const callId = textAt(attributes, "call_id");
  const verdict = textAt(attributes, "decision");
  const tool = textAt(attributes, "function_name");
  const parameters = jsonAt(attributes, "function_args");
  const { usage, placed } = usageOf(attributes, { durationMs: ["duration_ms"] });
  const isDenied = verdict === "reject";
  const isFailure = booleanAt(attributes, "success") === false;
  const outcome: Outcome = isDenied
    ? { status: "denied", code: "USER_REJECTED" }
    : isFailure
      ? failure(toLeafCode(textAt(attributes, "error_type"), "TOOL_ERROR"), textAt(attributes, "error"))
      : SUCCESS;
  const call = tellAgentLog(log, {
    action: "ai.tool_call",
    phase: "outcome",
    outcome,
    ...toolOf(tool, parameters),
    ...withUsage(usage),
    callId,
    approvalId: callId,
    placed: [...placed, ...TOOL],
  });
  if (verdict === undefined) return [call];
  const isByPerson = verdict !== "auto_accept";
  const [approval] = tellDecision(log, {
    isApproved: !isDenied,
    tool,
    parameters,
    callId,
    isByPerson,
    source: isByPerson ? undefined : "config",
    code: "USER_REJECTED",
    placed: [...placed, ...TOOL],
  });
  return approval === undefined ? [call] : [{ ...approval, part: "decision" }, call];
}

function readTold(name: string, attributes: JsonObject): AgentTold {
  if (name === "api_response") {
    const { usage, placed } = usageOf(attributes, {
      tokensInput: ["input_token_count"],
      tokensOutput: ["output_token_count"],
      tokensCacheRead: ["cached_content_token_count"],
      durationMs: ["duration_ms"],
      model: ["model"],
    });
    return { action: "ai.model_call", outcome: SUCCESS, ...modelOf(textAt(attributes, "model")), ...withUsage(usage), placed };
  }
  if (name === "api_error") {
    const message = textAt(attributes, "error", "error.message");
    return {
      action: "ai.error",
      outcome: failure("API_ERROR", message),
      activity: { type: "error", name, error: { type: name, ...(message === undefined ? {} : { message }) } },
      placed: ["error"],
    };
  }
  if (name === "config") return { action: "agent.session.started", outcome: SUCCESS };
  if (name === "approval_mode_switch") return { action: "agent.permission_mode.changed", outcome: SUCCESS };
  return { action: `agent.telemetry.${actionPart(name)}`, outcome: SUCCESS };
}
