import type { ApplicationShape } from "./application-shape.ts";
import { isObject } from "./json-object.ts";

/** The shapes of which a file may hold one a line. */
export type Shape = "event" | "claude-code-transcript" | ApplicationShape;

// What a transcript line has beside its type. Unknown types count, because the format grows.
const TRANSCRIPT_KEYS = ["uuid", "sessionId", "leafUuid", "messageId", "operation", "prNumber"];
// What the payload of a queue's job has beside what `logAudit` takes.
const QUEUE_KEYS = ["id", "timestamp", "sessionId", "requestId", "success"];
/** Lines looked at, in a text of several: the first ones may be junk. */
const LINES_MAX = 20;

/**
 * Tells what shape a sample has by the members that only that shape has.
 *
 * @param sample A parsed value (for an array: its first member), or text: one JSON value or the first lines of a file.
 * @returns undefined when it is none of them. Rule: MAPPING-7.
 */
export function detectShape(sample: unknown): Shape | undefined {
  if (typeof sample !== "string") return detectValue(Array.isArray(sample) ? sample[0] : sample);
  const lines = sample.split("\n", LINES_MAX).filter((line) => line.trim() !== "");
  for (const line of lines) {
    const shape = detectText(line);
    if (shape !== undefined) return shape;
  }
  return lines.length > 1 ? detectText(sample) : undefined;
}

function detectText(text: string): Shape | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Not JSON is no shape; the importer says so with the line.
  }
  return detectValue(Array.isArray(value) ? value[0] : value);
}

function detectValue(value: unknown): Shape | undefined {
  if (!isObject(value)) return undefined;
  if (typeof value.action === "string" && isObject(value.actor)) return "event";
  if (isObject(value.action) && isObject(value.agent)) return "agent-log-entry";
  if (typeof value.actionType === "string" && typeof value.clientId === "string") return "emitter-event";
  if (typeof value.action === "string" && typeof value.resourceId === "string") {
    if (typeof value.resourceType === "string")
      return QUEUE_KEYS.some((key) => Object.hasOwn(value, key)) ? "queue-event" : "resource-event";
    if (typeof value.resource === "string" && typeof value.status === "string") return "audit-log-entry";
  }
  if (typeof value.type === "string" && TRANSCRIPT_KEYS.some((key) => Object.hasOwn(value, key))) return "claude-code-transcript";
  return undefined;
}
