import { AuditError } from "../errors.ts";
import { type JsonObject, TimestampSchema } from "../event.ts";
import { isObject } from "./json-object.ts";

// In this order: the first body that is there names a missing type.
const BODY_KEYS = ["tool", "skill", "external", "decision"] as const;

/**
 * Repairs what shell hooks get wrong in an agent log entry. Works on copies: the caller's object stays as it is.
 *
 * @param notes Gets one sentence for each repair.
 * @throws {AuditError} `SHAPE_INVALID` for a time that cannot be read.
 *
 * Rule: MAPPING-5.
 */
export function repairAgentLogEntry(entry: unknown, notes: string[]): unknown {
  if (!isObject(entry)) return entry;
  const copy: JsonObject = { ...entry };
  repairId(copy, notes);
  repairTimestamp(copy, notes);
  const agent: JsonObject = isObject(copy.agent) ? { ...copy.agent } : {};
  if (!isNamed(agent.id)) {
    agent.id = "unknown";
    notes.push("agent.id is missing: set to unknown");
  }
  for (const key of ["session_id", "conversation_id"]) dropUnnamed(agent, key, `agent.${key}`, notes);
  copy.agent = agent;
  if (isObject(copy.action)) copy.action = repairAction(copy.action, notes);
  if (isObject(copy.outcome) && copy.outcome.result === null) {
    const { result: _, ...outcome } = copy.outcome;
    copy.outcome = outcome;
    notes.push("outcome.result is null: left out");
  }
  return copy;
}

function repairAction(source: JsonObject, notes: string[]): JsonObject {
  const action = { ...source };
  if (action.type === undefined) {
    const body = BODY_KEYS.find((type) => isObject(action[type]));
    if (body !== undefined) {
      action.type = body;
      notes.push("action.type is missing: taken from the body");
    }
  }
  const key = typeof action.type === "string" ? action.type : "";
  const body = isObject(action[key]) ? { ...action[key] } : undefined;
  if (body !== undefined && body.parameters === null) {
    delete body.parameters;
    notes.push(`action.${key}.parameters is null: left out`);
  }
  if (!isNamed(action.name)) {
    const named = isNamed(body?.name);
    action.name = named ? body?.name : "unknown";
    notes.push(`action.name is missing: ${named ? "taken from the body" : "set to unknown"}`);
  }
  if (body !== undefined) action[key] = body;
  return action;
}

function repairId(copy: JsonObject, notes: string[]): void {
  if (typeof copy.id === "number") {
    copy.id = String(copy.id);
    notes.push("id is a number: read as text");
  }
  dropUnnamed(copy, "id", "id", notes);
}

function repairTimestamp(copy: JsonObject, notes: string[]): void {
  const { timestamp } = copy;
  if (!isNamed(timestamp)) {
    if (Object.hasOwn(copy, "timestamp")) delete copy.timestamp;
    notes.push("timestamp is missing: the time of arrival stands in");
    return;
  }
  if (TimestampSchema.safeParse(timestamp).success) return;
  const parts = /^(\d{4}-\d\d-\d\d)[Tt _](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?\s*([Zz]|[+-]\d\d(?::?\d\d)?)?$/.exec(timestamp.trim());
  const repaired = parts === null ? undefined : joinTimestamp(parts);
  if (repaired === undefined || !TimestampSchema.safeParse(repaired).success) {
    throw new AuditError("SHAPE_INVALID", { path: "timestamp", message: "timestamp: Expected an ISO 8601 date and time." });
  }
  copy.timestamp = repaired;
  notes.push(parts?.[4] === undefined ? "timestamp has no zone: read as UTC" : "timestamp rewritten as RFC 3339");
}

function joinTimestamp(parts: RegExpExecArray): string {
  const [, day = "", clock = "", fraction = "", zone = "Z"] = parts;
  const seconds = clock.length === 5 ? `${clock}:00` : clock;
  const digits = zone.replace(":", "");
  const offset = zone.length === 1 ? zone : `${digits.slice(0, 3)}:${digits.slice(3, 5) || "00"}`;
  return `${day}T${seconds}${fraction === "" ? "" : `.${fraction.slice(0, 9)}`}${offset}`;
}

function dropUnnamed(object: JsonObject, key: string, path: string, notes: string[]): void {
  if (!Object.hasOwn(object, key) || isNamed(object[key])) return;
  delete object[key];
  notes.push(`${path} is empty: left out`);
}

// `jq -r .x` prints the word null for what is not there.
function isNamed(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "" && value !== "null";
}
