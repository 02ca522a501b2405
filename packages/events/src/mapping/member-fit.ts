import type { ActorType, JsonObject, OutcomeStatus, Proof } from "../event.ts";
import { ACTION_CHARS_MAX, TENANT_CHARS_MAX } from "../limits.ts";

// The same rules as the schemas of event.ts, without the library that they are written in: these run on the caller's thread for each event, and a
// program that only sends events does not load the schemas. A test compares the two.

const ACTION_PATTERN = /^[A-Za-z0-9._:/-]+$/;
const TENANT_PATTERN = /^[A-Za-z0-9._-]+$/;
const UUID_PATTERN = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const RFC3339_PATTERN =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const ACTOR_TYPES: ReadonlySet<unknown> = new Set(["user", "agent", "system", "webhook", "service"] satisfies ActorType[]);
const OUTCOME_STATUSES: ReadonlySet<unknown> = new Set(["success", "failure", "partial", "pending", "denied"] satisfies OutcomeStatus[]);
const PROOF_TYPES: ReadonlySet<unknown> = new Set(["screenshot", "api_response", "hash", "url", "none"] satisfies Proof["type"][]);

/** Whether `value` may be the `tenant` of an event. Source: `TenantSchema`. */
export function isTenant(value: unknown): value is string {
  return typeof value === "string" && value.length <= TENANT_CHARS_MAX && TENANT_PATTERN.test(value);
}

/** Whether `value` may be the `action` of an event. Source: `ActionSchema`. */
export function isAction(value: unknown): value is string {
  return typeof value === "string" && value.length <= ACTION_CHARS_MAX && ACTION_PATTERN.test(value);
}

/** Whether `value` may be the `id` of an event: any UUID. Source: `EventIdSchema`. */
export function isEventId(value: unknown): value is string {
  return typeof value === "string" && UUID_PATTERN.test(value);
}

/** Whether `value` is an RFC 3339 time with a zone, of a day that there is. Source: `TimestampSchema`. */
export function isTimestamp(value: unknown): value is string {
  if (typeof value !== "string" || !RFC3339_PATTERN.test(value)) return false;
  const day = Number(value.slice(8, 10));
  const month = Number(value.slice(5, 7));
  const year = Number(value.slice(0, 4));
  if (month === 2 && day === 29) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= (MONTH_DAYS[month - 1] ?? 0);
}

/** Whether `value` may be the type of an actor. Source: `ACTOR_TYPES`. */
export function isActorType(value: unknown): value is ActorType {
  return ACTOR_TYPES.has(value);
}

/** Whether `value` may be the status of an outcome. Source: `OUTCOME_STATUSES`. */
export function isOutcomeStatus(value: unknown): value is OutcomeStatus {
  return OUTCOME_STATUSES.has(value);
}

/** Whether `value` may be the type of a proof. Source: `PROOF_TYPES`. */
export function isProofType(value: unknown): value is Proof["type"] {
  return PROOF_TYPES.has(value);
}

/** Whether `value` is text of at most `charsMax` characters, of any kind: what a section holds. */
export function isText(value: unknown, charsMax: number): value is string {
  return typeof value === "string" && value.length <= charsMax;
}

/** Whether `value` is text with something in it: what a shape asks of a name or an id. */
export function isFilledText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/**
 * Whether `value` is an object whose members are its content: no list, and no Map, Date or Error, which have their content elsewhere. Those are
 * handed on whole, for whoever turns the event into JSON.
 */
export function isRecord(value: unknown): value is JsonObject {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The second test is for objects of another realm.
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}
