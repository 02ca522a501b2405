import { type AuditEventInput, fromOtlpLog, type JsonObject } from "@vouchtrail/events";
import { readLogs } from "../../packages/server/src/otlp/read-request.ts";
import { attributesOf, logsOf } from "./otlp-request.ts";

/** What was denied by whom, by the code of the transcript. */
const DECIDERS: Readonly<Record<string, string>> = { USER_REJECTED: "user_reject", PERMISSION_DENIED: "config", HOOK_DENIED: "hook" };
/** Calls that end so were refused before they started, or stopped: the telemetry has no result of them. */
const UNSEEN = /^(?:TOOL_USE_ERROR|INTERRUPTED|CANCELLED_SIBLING)$/;

/**
 * The log records that Claude Code would have exported during a session, as requests of at most `batchSize` records.
 *
 * @param events What `createTranscriptReader` gives for one whole transcript.
 * @returns A decision for each call that began, a result for each that ran, each prompt, answer and request to the model, numbered in order.
 */
export function telemetryOfSession(events: readonly AuditEventInput[], batchSize: number): JsonObject[] {
  const session = events.find(({ context }) => context?.sessionId !== undefined)?.context?.sessionId ?? "unknown";
  const moments = events.flatMap((event) => recordsOf(event).map((record) => ({ ...record, at: timeOf(event) })));
  moments.sort((left, right) => left.at - right.at);
  const records = moments.map(({ name, at, members }, sequence) => ({
    timeUnixNano: `${at}000000`,
    body: { stringValue: `claude_code.${name}` },
    attributes: attributesOf({
      "event.name": name,
      "event.sequence": sequence,
      "event.timestamp": new Date(at).toISOString(),
      "session.id": session,
      "user.id": "installation-1",
      ...members,
    }),
  }));
  const requests: JsonObject[] = [];
  for (let first = 0; first < records.length; first += batchSize)
    requests.push(logsOf("claude-code", records.slice(first, first + batchSize)));
  return requests;
}

/** The events that these requests become. */
export function eventsOfTelemetry(requests: readonly JsonObject[]): AuditEventInput[] {
  return requests.flatMap((request) => readLogs(request).flatMap((record) => fromOtlpLog(record)));
}

interface Told {
  readonly name: string;
  readonly members: Readonly<Record<string, string | number>>;
}

function recordsOf({ action, activity, context, outcome, usage }: AuditEventInput): Told[] {
  const callId = context?.callId ?? "";
  if (action === "ai.model_call") {
    return [
      {
        name: "api_request",
        members: {
          request_id: callId,
          model: usage?.model ?? "unknown",
          input_tokens: String(usage?.tokensInput ?? 0),
          output_tokens: String(usage?.tokensOutput ?? 0),
          cost_usd: "0.01",
        },
      },
    ];
  }
  if (action === "ai.chat_message") return [{ name: activity?.name === "prompt" ? "user_prompt" : "assistant_response", members: {} }];
  if (action !== "ai.tool_call" || UNSEEN.test(outcome.code ?? "")) return [];
  const call = { tool_name: activity?.tool?.name ?? "unknown", tool_use_id: callId };
  const decider = outcome.status === "denied" ? (DECIDERS[outcome.code ?? ""] ?? "config") : undefined;
  if (decider !== undefined) return [{ name: "tool_decision", members: { ...call, decision: "reject", source: decider } }];
  const decision = { name: "tool_decision", members: { ...call, decision: "accept", source: "config" } };
  if (outcome.status === "pending") return [decision];
  const success = outcome.status === "success" ? "true" : "false";
  return [decision, { name: "tool_result", members: { ...call, success, duration_ms: String(usage?.durationMs ?? 0) } }];
}

function timeOf({ occurredAt }: AuditEventInput): number {
  return Date.parse(occurredAt ?? "1970-01-01T00:00:00Z");
}
