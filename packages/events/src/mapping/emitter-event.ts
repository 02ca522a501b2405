import type { ActorType, AuditEvent, AuditEventInput, Context, JsonObject, OutcomeStatus, Proof } from "../event.ts";
import {
  CODE_CHARS_MAX,
  CONTEXT_ID_CHARS_MAX,
  ID_CHARS_MAX,
  LABEL_VALUE_CHARS_MAX,
  NAME_CHARS_MAX,
  TRACE_ID_CHARS_MAX,
  TYPE_CHARS_MAX,
  URL_CHARS_MAX,
} from "../limits.ts";
import { mergeRest, type Need, parted, unmetNeeds, withMember, withoutReserved } from "./flat-entry.ts";
import { isObject, present } from "./json-object.ts";
import { isLeafText, toLeafId, toLeafName } from "./leaf-text.ts";
import {
  isAction,
  isActorType,
  isFilledText,
  isOutcomeStatus,
  isProofType,
  isRecord,
  isTenant,
  isText,
  isTimestamp,
} from "./member-fit.ts";

/** The short form in which an emitter takes events. Keys that are not named here are allowed and kept. */
export interface EmitterEvent {
  readonly clientId: string;
  readonly actionType: string;
  readonly actorType: ActorType;
  readonly actorId: string;
  readonly targetType: string;
  readonly targetId: string;
  readonly outcome: OutcomeStatus;
  readonly proof?: unknown;
  /** `platform`, `lane`, `episodeId`, `durationMs`, `errorCode`, `errorMessage` and `requestId` have places of their own in the event. */
  readonly metadata?: unknown;
  readonly correlationId?: unknown;
  readonly parentEventId?: unknown;
  readonly [key: string]: unknown;
}

/** The key of `details` that holds what the event has no place for, at the paths of the emitter event. */
const REST_KEY = "emitterEvent";
const RESERVED = [REST_KEY];

const MEMBERS: ReadonlySet<string> = new Set([
  "clientId",
  "actionType",
  "actorType",
  "actorId",
  "targetType",
  "targetId",
  "outcome",
  "proof",
  "metadata",
  "correlationId",
  "parentEventId",
]);

const NEEDS: readonly Need[] = [
  { member: "clientId", expected: "1 to 64 letters, digits or . _ -", isMet: isTenant },
  { member: "actionType", expected: "1 to 128 letters, digits or . _ : / -", isMet: isAction },
  { member: "actorType", expected: "user, agent, system, webhook or service", isMet: isActorType },
  { member: "actorId", expected: "text that is not empty", isMet: isFilledText },
  { member: "targetType", expected: "text that is not empty", isMet: isFilledText },
  { member: "targetId", expected: "text that is not empty", isMet: isFilledText },
  { member: "outcome", expected: "success, failure, partial, pending or denied", isMet: isOutcomeStatus },
];

const PROOF_PLACES = {
  type: isProofType,
  data: isRecord,
  url: (value: unknown) => isText(value, URL_CHARS_MAX),
  hash: (value: unknown) => isText(value, NAME_CHARS_MAX),
  capturedAt: isTimestamp,
};

/**
 * Turns one emitter event into an event. Law: `toEmitterEvent(fromEmitterEvent(x).event)` equals `x` for every valid `x` (MAPPING-20).
 *
 * @param input An object as an application gives it; it is not changed, and nothing in `metadata` or `proof` is copied deeply.
 * @returns The event, without id and time, and one sentence for each value that had to be replaced.
 * @throws {AuditError} `SHAPE_INVALID`, naming every required member that is missing or wrong, with the path of the first.
 */
export function fromEmitterEvent(input: unknown): { event: AuditEventInput; notes: string[] } {
  if (!isEmitterEvent(input)) throw unmetNeeds("emitter-event", input, NEEDS);
  const { clientId, actionType, actorType, actorId, targetType, targetId, outcome: status } = input;
  const notes: string[] = [];
  let rest: JsonObject | undefined;
  for (const key of Object.keys(input)) {
    if (!MEMBERS.has(key) && input[key] !== undefined) rest = withMember(rest, key, input[key]);
  }
  const event: AuditEventInput = {
    tenant: clientId,
    action: actionType,
    actor: { type: actorType, id: actorId },
    target: { type: targetType, id: targetId },
    outcome: { status },
  };
  if (!isLeafText(actorId, ID_CHARS_MAX)) {
    event.actor.id = toLeafId(actorId, ID_CHARS_MAX);
    rest = withMember(rest, "actorId", actorId);
    notes.push("actorId does not fit a leaf: replaced there, and kept whole in details");
  }
  if (!isLeafText(targetType, TYPE_CHARS_MAX) || !isLeafText(targetId, ID_CHARS_MAX)) {
    event.target = { type: toLeafName(targetType, TYPE_CHARS_MAX) ?? "unknown", id: toLeafId(targetId, ID_CHARS_MAX) };
    if (event.target.type !== targetType) rest = withMember(rest, "targetType", targetType);
    if (event.target.id !== targetId) rest = withMember(rest, "targetId", targetId);
    notes.push("the target does not fit a leaf: cut or replaced there, and kept whole in details");
  }

  const context: Context = {};
  const { correlationId, parentEventId, proof, metadata } = input;
  if (isLeafText(correlationId, CONTEXT_ID_CHARS_MAX)) context.correlationId = correlationId as string;
  else if (correlationId !== undefined) rest = withMember(rest, "correlationId", correlationId);
  if (isLeafText(parentEventId, TRACE_ID_CHARS_MAX)) context.parentEventId = parentEventId as string;
  else if (parentEventId !== undefined) rest = withMember(rest, "parentEventId", parentEventId);
  if (isRecord(proof) && isProofType(proof.type)) {
    const { placed, rest: left } = parted(proof, PROOF_PLACES);
    event.proof = placed as Proof;
    if (left !== undefined) rest = withMember(rest, "proof", left);
  } else if (proof !== undefined) rest = withMember(rest, "proof", proof);

  let details: JsonObject | undefined;
  if (isRecord(metadata)) {
    details = takeMetadata(metadata, event, context);
    if (Object.hasOwn(details, REST_KEY)) {
      rest = withMember(rest, "metadata", { [REST_KEY]: details[REST_KEY] });
      delete details[REST_KEY];
    }
    if (isEmpty(details)) {
      // Metadata of which everything has a place leaves nothing; metadata that was empty is to come back empty.
      const wasEmpty = isEmpty(metadata);
      if (wasEmpty && rest !== undefined) rest = withMember(rest, "metadata", {});
      if (!wasEmpty || rest !== undefined) details = undefined;
    }
  } else if (metadata !== undefined) rest = withMember(rest, "metadata", metadata);
  if (!isEmpty(context)) event.context = context;
  if (rest !== undefined) details = withMember(details, REST_KEY, rest);
  if (details !== undefined) event.details = details;
  return { event, notes };
}

/** Puts what has a place there, and gives the rest. A value that does not fit its place stays in the rest under its own name. */
function takeMetadata(metadata: JsonObject, event: AuditEventInput, context: Context): JsonObject {
  const free: JsonObject = {};
  for (const key of Object.keys(metadata)) {
    const value = metadata[key];
    if (value === undefined) continue;
    switch (key) {
      case "platform":
      case "lane":
      case "episodeId":
        if (!isText(value, LABEL_VALUE_CHARS_MAX)) break;
        event.labels ??= {};
        event.labels[key] = value;
        continue;
      case "durationMs":
        if (typeof value !== "number" || !(value >= 0 && value < Number.POSITIVE_INFINITY)) break;
        event.usage = { durationMs: value };
        continue;
      case "errorCode":
        if (!isLeafText(value, CODE_CHARS_MAX)) break;
        event.outcome.code = value as string;
        continue;
      case "errorMessage":
        if (typeof value !== "string") break;
        event.outcome.message = value;
        continue;
      case "requestId":
        if (!isLeafText(value, CONTEXT_ID_CHARS_MAX)) break;
        context.requestId = value as string;
        continue;
    }
    withMember(free, key, value);
  }
  return free;
}

/**
 * Turns an event into the short form. Exact for events made by {@link fromEmitterEvent}. Of other events, members without a place are left out:
 * id, time, names, changes, activity, further labels. Rule: MAPPING-20.
 */
export function toEmitterEvent(event: AuditEvent): EmitterEvent {
  const { labels, usage, outcome, context, details } = event;
  const free = withoutReserved(details, RESERVED);
  const placed = present({
    platform: labels?.platform,
    lane: labels?.lane,
    episodeId: labels?.episodeId,
    durationMs: usage?.durationMs,
    errorCode: outcome.code,
    errorMessage: outcome.message,
    requestId: context?.requestId,
  });
  const entry = present({
    clientId: event.tenant,
    actionType: event.action,
    actorType: event.actor.type,
    actorId: event.actor.id,
    targetType: event.target.type,
    targetId: event.target.id,
    outcome: outcome.status,
    proof: event.proof,
    metadata: free === undefined && isEmpty(placed) ? undefined : mergeRest(placed, free),
    correlationId: context?.correlationId,
    parentEventId: context?.parentEventId,
  });
  return mergeRest(entry, details?.[REST_KEY]) as unknown as EmitterEvent;
}

function isEmitterEvent(input: unknown): input is EmitterEvent {
  return (
    isObject(input) &&
    isTenant(input.clientId) &&
    isAction(input.actionType) &&
    isActorType(input.actorType) &&
    isFilledText(input.actorId) &&
    isFilledText(input.targetType) &&
    isFilledText(input.targetId) &&
    isOutcomeStatus(input.outcome)
  );
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}
