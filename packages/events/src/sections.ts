import type { SectionName } from "@vouchtrail/protocol";
import { ACTIVITY_TYPES, type AuditEvent, type JsonObject } from "./event.ts";

/** Through which door an event came in. */
export const RECEIVED_VIA = ["sdk", "http", "hook", "otlp", "mcp", "proxy", "import", "queue", "server"] as const;
export type ReceivedVia = (typeof RECEIVED_VIA)[number];

/** Set by the server. `at` is RFC 3339 in UTC with milliseconds and never goes back within a ledger; `key` is the id of the API key. */
export interface Received {
  readonly at: string;
  readonly via: ReceivedVia;
  readonly key?: string;
}

/** Which fields identify a person. Rule: SECTION-2. */
export interface PrivacyPolicy {
  /** Target types that are persons: their ids go to `personal`. */
  readonly personalTargets: ReadonlySet<string>;
  /** Target types declared impersonal: their ids stay in the leaf. */
  readonly impersonalTargets: ReadonlySet<string>;
  /** `personal` moves session and trace ids out of the leaf. */
  readonly contextIds: "leaf" | "personal";
}

export const DEFAULT_PRIVACY_POLICY: PrivacyPolicy = {
  personalTargets: new Set(["user", "member", "customer", "patient", "person", "employee", "contact", "account", "email"]),
  // An agent entry without a target of its own has its activity as target: the leaf names that already.
  impersonalTargets: new Set([...ACTIVITY_TYPES, "service", "repository", "ledger", "system", "agent", "model"]),
  contextIds: "leaf",
};

/** An event cut into what is hashed openly and what is salted. Section texts are JSON objects; undefined where there is nothing to say. */
export interface SplitEvent {
  /** JSON members that follow `_sd` in the leaf, beginning with a comma and ending without a brace. */
  readonly leafMembers: string;
  readonly personal: string | undefined;
  readonly content: string | undefined;
}

/**
 * Splits an event into its leaf members and its two sections. What is not in the closed list of the leaf goes into a section.
 *
 * @param redactions Hits per rule, written into the leaf.
 * @param lengthBuckets Lengths of what was redacted, in buckets; written into the content section only.
 *
 * Rule: SECTION-1 to SECTION-5. The first members are in the order that `parseLeafFrame` of the protocol package slices.
 */
export function splitEvent(
  event: AuditEvent,
  received: Received,
  policy: PrivacyPolicy,
  redactions?: JsonObject,
  lengthBuckets?: JsonObject,
): SplitEvent {
  const { actor, target, outcome, activity, context, security } = event;
  const personal: JsonObject = {};
  const content: JsonObject = {};

  const personalActor: JsonObject = {};
  const isPersonalActor = actor.type === "user";
  if (isPersonalActor) personalActor.id = actor.id;
  if (actor.name !== undefined) personalActor.name = actor.name;
  if (actor.email !== undefined) personalActor.email = actor.email;
  if (actor.onBehalfOf !== undefined) personalActor.onBehalfOf = actor.onBehalfOf;
  if (!isEmpty(personalActor)) personal.actor = personalActor;

  let leafTarget = `{"type":${JSON.stringify(target.type)}`;
  if (policy.personalTargets.has(target.type)) {
    personal.target = target.name === undefined ? { id: target.id } : { id: target.id, name: target.name };
  } else if (policy.impersonalTargets.has(target.type)) {
    leafTarget += `,"id":${JSON.stringify(target.id)}`;
    if (target.name !== undefined) content.target = { name: target.name };
  } else {
    content.target = target.name === undefined ? { id: target.id } : { id: target.id, name: target.name };
  }
  leafTarget += "}";

  if (outcome.message !== undefined || outcome.result !== undefined) {
    const rest: JsonObject = {};
    if (outcome.message !== undefined) rest.message = outcome.message;
    if (outcome.result !== undefined) rest.result = outcome.result;
    content.outcome = rest;
  }
  if (event.proof !== undefined) content.proof = event.proof;
  if (event.changes !== undefined) content.changes = event.changes;
  if (event.details !== undefined) content.details = event.details;
  if (event.labels !== undefined) content.labels = event.labels;
  if (event.extensions !== undefined) content.extensions = event.extensions;

  let leafActivity = "";
  if (activity !== undefined) {
    const { type, name } = activity;
    leafActivity = `,"activity":{"type":"${type}","name":${JSON.stringify(name)}}`;
    const body = activity[type];
    if (body !== undefined) {
      const approval = activity.approval;
      if (type === "approval" && approval?.approver !== undefined) {
        const { approver, ...rest } = approval;
        personal.activity = { approval: { approver } };
        content.activity = { approval: rest };
      } else {
        content.activity = { [type]: body };
      }
    }
  }

  let leafSecurity = "";
  if (security !== undefined) {
    const { resourcesAccessed, ...flags } = security;
    if (resourcesAccessed !== undefined) content.security = { resourcesAccessed };
    if (!isEmpty(flags)) leafSecurity = `,"security":${JSON.stringify(flags)}`;
  }

  let leafContext = "";
  if (context !== undefined) {
    if (policy.contextIds === "personal") {
      personal.context = context;
    } else {
      const { ipAddress, userAgent, ...ids } = context;
      if (ipAddress !== undefined || userAgent !== undefined) {
        const origin: JsonObject = {};
        if (ipAddress !== undefined) origin.ipAddress = ipAddress;
        if (userAgent !== undefined) origin.userAgent = userAgent;
        personal.context = origin;
      }
      if (!isEmpty(ids)) leafContext = `,"context":${JSON.stringify(ids)}`;
    }
  }
  if (lengthBuckets !== undefined) content.redactedLengths = lengthBuckets;

  const leafMembers =
    `,"tenant":"${event.tenant}","occurredAt":"${event.occurredAt}","action":"${event.action}"` +
    `,"outcome":{"status":"${outcome.status}"${outcome.code === undefined ? "" : `,"code":${JSON.stringify(outcome.code)}`}}` +
    `,"received":{"at":"${received.at}","via":"${received.via}"${received.key === undefined ? "" : `,"key":${JSON.stringify(received.key)}`}}` +
    `,"actor":{"type":"${actor.type}"${isPersonalActor ? "" : `,"id":${JSON.stringify(actor.id)}`}}` +
    `,"target":${leafTarget}` +
    (event.phase === undefined ? "" : `,"phase":"${event.phase}"`) +
    leafActivity +
    (event.usage === undefined ? "" : `,"usage":${JSON.stringify(event.usage)}`) +
    leafSecurity +
    leafContext +
    (event.source === undefined ? "" : `,"source":${JSON.stringify(event.source)}`) +
    (redactions === undefined ? "" : `,"redactions":${JSON.stringify(redactions)}`);

  return {
    leafMembers,
    personal: isEmpty(personal) ? undefined : JSON.stringify(personal),
    content: isEmpty(content) ? undefined : JSON.stringify(content),
  };
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

// Members of the leaf that are about the entry, not part of the event.
const ENTRY_MEMBERS = new Set(["schema", "sections", "_sd", "received", "redactions", "system"]);

/**
 * Puts an event together again from its leaf and whatever sections are still there. Where a section was erased its fields are absent:
 * the result is then a partial event.
 *
 * @param leaf The parsed leaf.
 * @param sections The parsed values of the disclosures.
 */
export function joinEvent(leaf: JsonObject, sections: Partial<Record<SectionName, JsonObject>>): JsonObject {
  const event: JsonObject = {};
  for (const [key, value] of Object.entries(leaf)) if (!ENTRY_MEMBERS.has(key)) event[key] = structuredMember(value);
  for (const section of [sections.personal, sections.content]) {
    if (section === undefined) continue;
    for (const [key, value] of Object.entries(section)) {
      if (key === "redactedLengths") continue;
      event[key] = merge(event[key], value);
    }
  }
  return event;
}

function structuredMember(value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : value;
}

// Two levels are enough: the split never divides anything below `activity.approval`.
function merge(into: unknown, from: unknown): unknown {
  if (!isObject(into) || !isObject(from)) return from;
  const merged: JsonObject = { ...into };
  for (const [key, value] of Object.entries(from)) {
    const there = merged[key];
    merged[key] = isObject(there) && isObject(value) ? { ...there, ...value } : value;
  }
  return merged;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
