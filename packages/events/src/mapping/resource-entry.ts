import type { Actor, AuditEvent, AuditEventInput, Changes, Context, JsonObject, OutcomeStatus } from "../event.ts";
import { CONTEXT_ID_CHARS_MAX, ID_CHARS_MAX, LIST_MEMBERS_MAX, NAME_CHARS_MAX, TYPE_CHARS_MAX, URL_CHARS_MAX } from "../limits.ts";
import { mergeRest, type Need, parted, unmetNeeds, withMember, withoutReserved } from "./flat-entry.ts";
import { isObject, present } from "./json-object.ts";
import { isLeafText, toLeafId, toLeafName } from "./leaf-text.ts";
import { isAction, isEventId, isFilledText, isOutcomeStatus, isRecord, isText, isTimestamp } from "./member-fit.ts";
import { stableId } from "./stable-id.ts";

// What three shapes have in common: a user did an action on a resource. They differ in the names of members, in which of them have a place, and in
// how they say that it worked.

/** One of the shapes that tell of a resource. */
export interface ResourceForm {
  /** Its name, as an error and a derived id give it. */
  readonly shape: string;
  /** The key of `details` that holds what the event has no place for, at the paths of the entry. */
  readonly restKey: string;
  /** The key of `details` that says what the way back cannot know otherwise: {@link Marks}. */
  readonly marksKey: string;
  readonly typeKey: "resourceType" | "resource";
  readonly detailsKey: "details" | "metadata";
  /** Members with a place in the event; all others are kept in the rest. */
  readonly members: ReadonlySet<string>;
  /** The member that says how it ended: a boolean that is always there, one that is there for a failure only, or a status. */
  readonly outcome: "success" | "failure-only" | "status";
  readonly needs: readonly Need[];
}

/** Names of members: those that the way back would add and the entry does not have, and those that were numbers. */
interface Marks {
  absent?: readonly unknown[];
  numbers?: readonly unknown[];
}

/** What a shape must have in any case, under its own name for the type of the resource. */
export function resourceNeeds(typeKey: ResourceForm["typeKey"], outcome: ResourceForm["outcome"]): readonly Need[] {
  return [
    { member: "action", expected: "1 to 128 letters, digits or . _ : / -", isMet: isAction },
    { member: typeKey, expected: "text that is not empty", isMet: isFilledText },
    { member: "resourceId", expected: "text that is not empty", isMet: isFilledText },
    outcome === "status"
      ? { member: "status", expected: "success, failure, partial, pending, denied, error or failed", isMet: isStatus }
      : { member: "success", expected: "true or false", isMet: isSuccess },
  ];
}

// Words that say the same. The word itself is kept.
const STATUS_WORDS = new Map<unknown, OutcomeStatus>([
  ["error", "failure"],
  ["failed", "failure"],
]);
const CHANGES_PLACES = {
  before: isRecord,
  after: isRecord,
  fields: (value: unknown) =>
    Array.isArray(value) && value.length <= LIST_MEMBERS_MAX && value.every((member) => isText(member, NAME_CHARS_MAX)),
};

/**
 * Turns an entry of one of the shapes into an event; what does not fit its place is kept in the rest.
 *
 * @throws {AuditError} `SHAPE_INVALID`, naming every need that is not met.
 */
export function fromResourceEntry(input: unknown, form: ResourceForm): { event: AuditEventInput; notes: string[] } {
  if (!meetsNeeds(input, form)) throw unmetNeeds(form.shape, input, form.needs);
  const { members, restKey, marksKey, detailsKey } = form;
  const notes: string[] = [];
  let rest: JsonObject | undefined;
  for (const key of Object.keys(input)) {
    if (!members.has(key) && input[key] !== undefined) rest = withMember(rest, key, input[key]);
  }

  const type = input[form.typeKey] as string;
  const resourceId = input.resourceId as string;
  const event: AuditEventInput = {
    action: input.action as string,
    actor: { type: "system", id: "unknown" },
    target: { type, id: resourceId },
    outcome: { status: statusOf(input, form) },
  };
  if (!isLeafText(type, TYPE_CHARS_MAX) || !isLeafText(resourceId, ID_CHARS_MAX)) {
    event.target = { type: toLeafName(type, TYPE_CHARS_MAX) ?? "unknown", id: toLeafId(resourceId, ID_CHARS_MAX) };
    if (event.target.type !== type) rest = withMember(rest, form.typeKey, type);
    if (event.target.id !== resourceId) rest = withMember(rest, "resourceId", resourceId);
    notes.push("the resource does not fit a leaf: cut or replaced there, and kept whole in details");
  }
  rest = takeActor(input, form, event.actor, rest, notes);
  if (form.members.has("id")) rest = takeIdAndTime(input, form, event, rest, notes);

  const { errorMessage } = input;
  if (typeof errorMessage === "string") event.outcome.message = errorMessage;
  else if (errorMessage !== undefined) rest = withMember(rest, "errorMessage", errorMessage);
  const marks: Marks = {};
  // Not kept as it is: that would put a second copy of who it was beside the section that can be erased.
  if (typeof input.userId === "number") marks.numbers = ["userId"];
  const statedKey = form.outcome === "status" ? "status" : "success";
  const stated = input[statedKey];
  if (stated !== toStated(event.outcome.status, form)) {
    if (stated === undefined) marks.absent = [statedKey];
    else rest = withMember(rest, statedKey, stated);
  }

  const context: Context = {};
  for (const name of CONTEXT_MEMBERS) {
    const value = members.has(name) ? input[name] : undefined;
    if (value === undefined) continue;
    if (fitsContext(name, value)) context[name] = value as string;
    else rest = withMember(rest, name, value);
  }
  if (!isEmpty(context)) event.context = context;
  if (members.has("changes") && input.changes !== undefined) rest = takeChanges(input.changes, event, rest);

  const isMarked = !isEmpty(marks);
  const free = input[detailsKey];
  let details: JsonObject | undefined;
  if (isRecord(free)) {
    details = {};
    let reserved: JsonObject | undefined;
    for (const key of Object.keys(free)) {
      const value = free[key];
      if (value === undefined) continue;
      if (key === restKey || key === marksKey) reserved = withMember(reserved, key, value);
      else withMember(details, key, value);
    }
    if (reserved !== undefined) rest = withMember(rest, detailsKey, reserved);
    if (isEmpty(details) && (rest !== undefined || isMarked)) {
      rest = withMember(rest, detailsKey, reserved ?? {});
      details = undefined;
    }
  } else if (free !== undefined) rest = withMember(rest, detailsKey, free);
  if (rest !== undefined) details = withMember(details, restKey, rest);
  if (isMarked) details = withMember(details, marksKey, marks);
  if (details !== undefined) event.details = details;
  return { event, notes };
}

/** Turns an event into an entry of one of the shapes. */
export function toResourceEntry(event: AuditEvent, form: ResourceForm): JsonObject {
  const { restKey, marksKey, detailsKey, members } = form;
  const { actor, target, outcome, context, details } = event;
  const statedKey = form.outcome === "status" ? "status" : "success";
  const marks = marksOf(details?.[marksKey]);
  const isUnknown = actor.type === "system" && actor.id === "unknown";
  const entry: JsonObject = {
    action: event.action,
    [form.typeKey]: target.type,
    resourceId: target.id,
    userId: isUnknown ? undefined : marks.numbers?.includes("userId") === true ? Number(actor.id) : actor.id,
    [statedKey]: marks.absent?.includes(statedKey) === true ? undefined : toStated(outcome.status, form),
    errorMessage: outcome.message,
    [detailsKey]: withoutReserved(details, [restKey, marksKey]),
    id: event.id,
    timestamp: event.occurredAt,
    username: actor.name,
    changes: event.changes,
  };
  for (const name of CONTEXT_MEMBERS) entry[name] = context?.[name];
  const known = Object.fromEntries(Object.entries(entry).filter(([name, value]) => value !== undefined && members.has(name)));
  return mergeRest(present(known), details?.[restKey]);
}

const CONTEXT_MEMBERS = ["ipAddress", "userAgent", "sessionId", "requestId"] as const;

function marksOf(value: unknown): Marks {
  const { absent, numbers } = isObject(value) ? value : {};
  return { ...(Array.isArray(absent) && { absent }), ...(Array.isArray(numbers) && { numbers }) };
}

function fitsContext(name: (typeof CONTEXT_MEMBERS)[number], value: unknown): boolean {
  if (name === "ipAddress") return isText(value, NAME_CHARS_MAX);
  if (name === "userAgent") return isText(value, URL_CHARS_MAX);
  return isLeafText(value, CONTEXT_ID_CHARS_MAX);
}

function meetsNeeds(input: unknown, { typeKey, outcome }: ResourceForm): input is JsonObject {
  return (
    isObject(input) &&
    isAction(input.action) &&
    isFilledText(input[typeKey]) &&
    isFilledText(input.resourceId) &&
    (outcome === "status" ? isStatus(input.status) : isSuccess(input.success))
  );
}

function isSuccess(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "boolean";
}
function isStatus(value: unknown): boolean {
  return isOutcomeStatus(value) || STATUS_WORDS.has(value);
}

/** What the entry says; an entry that does not say it succeeded unless it has an error message. */
function statusOf({ success, status, errorMessage }: JsonObject, { outcome }: ResourceForm): OutcomeStatus {
  if (outcome === "status") return isOutcomeStatus(status) ? status : (STATUS_WORDS.get(status) ?? "failure");
  return (success ?? !isFilledText(errorMessage)) ? "success" : "failure";
}

/** How the shape states an outcome, or undefined when it need not. */
function toStated(status: OutcomeStatus, { outcome }: ResourceForm): unknown {
  if (outcome === "status") return status;
  return outcome === "failure-only" && status === "success" ? undefined : status === "success";
}

function takeActor(
  input: JsonObject,
  { members }: ResourceForm,
  actor: Actor,
  left: JsonObject | undefined,
  notes: string[],
): JsonObject | undefined {
  let rest = left;
  const { userId } = input;
  if (isFilledText(userId) || (typeof userId === "number" && Number.isFinite(userId))) {
    actor.type = "user";
    actor.id = toLeafId(String(userId), ID_CHARS_MAX);
    if (typeof userId === "string" && actor.id !== userId) {
      rest = withMember(rest, "userId", userId);
      notes.push("userId does not fit a leaf: replaced there, and kept whole in details");
    }
  } else {
    if (userId !== undefined) rest = withMember(rest, "userId", userId);
    notes.push("userId is missing: the actor is the system, unknown");
  }
  const username = members.has("username") ? input.username : undefined;
  if (isText(username, NAME_CHARS_MAX)) actor.name = username;
  else if (username !== undefined) rest = withMember(rest, "username", username);
  return rest;
}

function takeIdAndTime(
  { id, timestamp }: JsonObject,
  { shape }: ResourceForm,
  event: AuditEventInput,
  left: JsonObject | undefined,
  notes: string[],
): JsonObject | undefined {
  let rest = left;
  if (isEventId(id)) event.id = id;
  else if (id !== undefined) {
    rest = withMember(rest, "id", id);
    if (isFilledText(id)) {
      event.id = stableId(shape, id);
      notes.push("id is not a UUID: kept, and the event's id is derived from it");
    }
  }
  if (isTimestamp(timestamp)) event.occurredAt = timestamp;
  else if (timestamp !== undefined) {
    rest = withMember(rest, "timestamp", timestamp);
    notes.push("timestamp is not an RFC 3339 time: kept in details");
  }
  return rest;
}

function takeChanges(changes: unknown, event: AuditEventInput, left: JsonObject | undefined): JsonObject | undefined {
  if (!isRecord(changes)) return withMember(left, "changes", changes);
  const { placed, rest } = parted(changes, CHANGES_PLACES);
  if (rest === undefined || !isEmpty(placed)) event.changes = placed as Changes;
  return rest === undefined ? left : withMember(left, "changes", rest);
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
