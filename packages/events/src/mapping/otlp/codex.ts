import type { JsonObject, Outcome } from "../../event.ts";
import { type AgentLog, type AgentTold, tellAgentLog, tellDecision, tellPrompt } from "./agent-log.ts";
import { actionPart, failure, modelOf, type OtlpTold, toolOf, usageOf, withUsage } from "./otlp-event.ts";
import type { OtlpRecord } from "./otlp-record.ts";
import { amountAt, booleanAt, jsonAt, textAt } from "./otlp-value.ts";

const PREFIX = "codex.";
const SUCCESS: Outcome = { status: "success" };
const COMMON = ["event.name", "event.timestamp", "conversation.id", "app.version", "terminal.type"];
/** Records that come many times a second and tell of nothing that was done. */
const CHATTER: ReadonlySet<string> = new Set(["sse_event", "websocket_event", "websocket_request", "turn_ttft", "startup_phase"]);

/** The name of the event when the record is one of Codex's, without its prefix; undefined for the ticks of a stream. */
export function codexName(record: OtlpRecord): string | undefined {
  const named = [textAt(record.attributes, "event.name"), record.eventName, record.body].find(
    (name): name is string => typeof name === "string" && name.startsWith(PREFIX),
  );
  const name = named?.slice(PREFIX.length);
  if (name === undefined || !CHATTER.has(name)) return name;
  const isTold = name === "sse_event" && (isCompleted(record.attributes) || errorOf(record.attributes) !== undefined);
  return isTold ? name : undefined;
}

/** Reads a log record of Codex. Rule: OTLP-37. Format: session_telemetry.rs of openai/codex @0136a73. */
export function readCodexLog(record: OtlpRecord, name: string): readonly OtlpTold[] {
  const { attributes, resource } = record;
  const log: AgentLog = {
    record,
    platform: "codex",
    name,
    sessionId: textAt(attributes, "conversation.id"),
    requestId: undefined,
    labels: {
      version: textAt(attributes, "app.version") ?? textAt(resource, "service.version"),
      terminal: textAt(attributes, "terminal.type"),
    },
    source: {},
    common: COMMON,
  };
  if (name === "tool_decision") return decision(log);
  if (name === "user_prompt") return [tellPrompt(log, "prompt")];
  return [tellAgentLog(log, readTold(name, attributes))];
}

function readTold(name: string, attributes: JsonObject): AgentTold {
  if (name === "tool_result") {
    const callId = textAt(attributes, "call_id");
    const output = attributes.output;
    const { usage, placed } = usageOf(attributes, { durationMs: ["duration_ms"] });
    const isFailure = booleanAt(attributes, "success") === false;
    return {
      action: "ai.tool_call",
      phase: "outcome",
      outcome: { ...(isFailure ? failure("TOOL_ERROR", undefined) : SUCCESS), ...(output === undefined ? {} : { result: output }) },
      ...toolOf(textAt(attributes, "tool_name"), jsonAt(attributes, "arguments")),
      ...withUsage(usage),
      callId,
      approvalId: callId,
      placed: [...placed, "tool_name", "call_id", "arguments", "output", "success"],
    };
  }
  const message = errorOf(attributes);
  if (name === "api_request" || name === "sse_event") {
    if (message !== undefined) {
      const activity = { type: "error", name, error: { type: name, message } } as const;
      return { action: "ai.error", outcome: failure("API_ERROR", message), activity, placed: ["error.message"] };
    }
    if (name === "sse_event") return completed(attributes);
  }
  if (name === "conversation_starts") return { action: "agent.session.started", outcome: SUCCESS };
  return { action: `agent.telemetry.${actionPart(name)}`, outcome: SUCCESS };
}

function completed(attributes: JsonObject): AgentTold {
  const { usage, placed } = usageOf(attributes, {
    tokensInput: ["input_token_count"],
    tokensOutput: ["output_token_count"],
    tokensCacheRead: ["cached_token_count"],
    durationMs: ["duration_ms"],
    model: ["model"],
  });
  return { action: "ai.model_call", outcome: SUCCESS, ...modelOf(textAt(attributes, "model")), ...withUsage(usage), placed };
}

const isCompleted = (attributes: JsonObject): boolean => attributes["event.kind"] === "response.completed";

function errorOf(attributes: JsonObject): string | undefined {
  const status = amountAt(attributes, "http.response.status_code") ?? 0;
  return textAt(attributes, "error.message") ?? (status >= 400 ? `HTTP ${status}` : undefined);
}

function decision(log: AgentLog): readonly OtlpTold[] {
  const { attributes } = log.record;
  const verdict = textAt(attributes, "decision")?.toLowerCase() ?? "";
  const source = textAt(attributes, "source");
  return tellDecision(log, {
    isApproved: /^(?:approved|accept)/.test(verdict),
    tool: textAt(attributes, "tool_name"),
    parameters: jsonAt(attributes, "arguments"),
    callId: textAt(attributes, "call_id"),
    isByPerson: source?.toLowerCase() === "user",
    source,
    code: source?.toLowerCase() === "user" ? "USER_REJECTED" : "PERMISSION_DENIED",
    // What was decided is kept: there are more answers than yes and no.
    placed: ["tool_name", "call_id", "arguments", "source"],
  });
}
