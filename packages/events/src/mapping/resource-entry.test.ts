import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AuditError } from "../errors.ts";
import { type AuditEvent, type AuditEventInput, AuditEventInputSchema } from "../event.ts";
import { fromAuditLogEntry, toAuditLogEntry } from "./audit-log-entry.ts";
import { fromQueueEvent, toQueueEvent } from "./queue-event.ts";
import { fromResourceEvent, toResourceEvent } from "./resource-event.ts";

type From = (input: unknown) => { event: AuditEventInput; notes: string[] };
type To = (event: AuditEvent) => unknown;

/** To an event that the server takes, and back. */
function roundTrip(entry: unknown, from: From, to: To): unknown {
  const sent: unknown = JSON.parse(JSON.stringify(from(entry).event));
  AuditEventInputSchema.parse(sent);
  return to(sent as AuditEvent);
}
function fault(entry: unknown, from: From): AuditError {
  try {
    from(entry);
  } catch (error) {
    if (error instanceof AuditError) return error;
    throw error;
  }
  throw new Error("The entry was accepted.");
}

const text = fc.string({ unit: "binary", maxLength: 12 });
const filled = fc.oneof(text, fc.string({ minLength: 60, maxLength: 210 })).filter((value) => value !== "");
const anyJson = fc.jsonValue({ maxDepth: 2 });
const keys = fc.oneof(
  fc.string(),
  fc.constantFrom(
    "__proto__",
    "resourceEvent",
    "queueEventMarks",
    "auditLogEntry",
    "auditLogEntryMarks",
    "username",
    "sessionId",
    "success",
    "id",
  ),
);
const extra = fc.dictionary(keys, anyJson, { maxKeys: 2 });
const free = fc.oneof({ weight: 4, arbitrary: fc.dictionary(keys, anyJson, { maxKeys: 4 }) }, anyJson);
const required = { action: fc.stringMatching(/^[A-Za-z0-9._:/-]{1,128}$/), resourceId: filled };
const some = <Members extends Record<string, fc.Arbitrary<unknown>>>(members: Members) => fc.record(members, { requiredKeys: [] });
const request = {
  ipAddress: fc.oneof(fc.ipV4(), anyJson),
  userAgent: fc.oneof(text, anyJson),
  userId: fc.oneof(filled, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), anyJson),
};
const ended = { errorMessage: fc.oneof(text, anyJson) };
const known = {
  id: fc.oneof(fc.uuid(), filled, anyJson),
  timestamp: fc.oneof(fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-01 00:00:00"), anyJson),
};
const success = { success: fc.constantFrom(true, false, null) };
const changes = fc.oneof(
  some({ before: fc.oneof(extra, anyJson), after: fc.oneof(extra, anyJson), fields: fc.oneof(fc.array(text), anyJson), more: anyJson }),
  anyJson,
);
const status = fc.constantFrom("success", "failure", "partial", "pending", "denied", "error", "failed");
const joined = (...parts: readonly fc.Arbitrary<object>[]): fc.Arbitrary<unknown> =>
  // What JSON gives: -0 is 0, and every object has the usual prototype.
  fc.tuple(...parts).map((members) => JSON.parse(JSON.stringify(Object.assign({}, ...members))) as unknown);
// Extra members must not take the place of those that have to be of a type.
const others = extra.map(({ success: _, ...rest }) => rest);

const resourceEvents = joined(
  others,
  fc.record({ ...required, resourceType: filled }),
  some({ ...request, ...ended, ...success, details: free }),
);
const queueEvents = joined(
  others,
  fc.record({ ...required, resourceType: filled }),
  some({ ...request, ...ended, ...success, ...known, details: free, sessionId: anyJson, requestId: fc.oneof(filled, anyJson) }),
);
const auditLogEntries = joined(
  extra,
  fc.record({ ...required, resource: filled, status }),
  some({ ...request, ...ended, ...known, metadata: free, changes, username: fc.oneof(text, anyJson) }),
);

test.each<[string, fc.Arbitrary<unknown>, From, To]>([
  ["MAPPING-21: every resource event", resourceEvents, fromResourceEvent, toResourceEvent],
  ["MAPPING-22: every queue event", queueEvents, fromQueueEvent, toQueueEvent],
  ["MAPPING-23: every audit log entry", auditLogEntries, fromAuditLogEntry, toAuditLogEntry],
])("%s comes back as it was, and the event between is valid", (_, entries, from, to) => {
  fc.assert(
    fc.property(entries, (entry) => {
      deepStrictEqual(roundTrip(entry, from, to), entry);
    }),
    { numRuns: 250 },
  );
});

test("MAPPING-21: the call that an application makes fits without a rest", () => {
  const { event, notes } = fromResourceEvent({
    action: "agent.run.created",
    resourceType: "agent",
    resourceId: "run-1",
    userId: "user-1",
    details: { goal: "g", policyId: "p" },
    ipAddress: undefined,
    userAgent: "curl/8",
  });
  expect(notes).toEqual([]);
  expect(event).toStrictEqual({
    action: "agent.run.created",
    actor: { type: "user", id: "user-1" },
    target: { type: "agent", id: "run-1" },
    outcome: { status: "success" },
    context: { userAgent: "curl/8" },
    details: { goal: "g", policyId: "p" },
  });
});

test("MAPPING-22: every member of a queue event goes to its place", () => {
  const { event, notes } = fromQueueEvent({
    id: "0f0e0d0c-0b0a-4908-8706-050403020100",
    timestamp: "2026-01-01T00:00:00Z",
    userId: "u-1",
    action: "guild.update",
    resourceType: "guild",
    resourceId: "g-1",
    details: { field: "name" },
    ipAddress: "192.0.2.1",
    userAgent: "curl/8",
    sessionId: "s-1",
    requestId: "r-1",
    success: false,
    errorMessage: "No such guild",
  });
  expect(notes).toEqual([]);
  expect(event).toStrictEqual({
    action: "guild.update",
    actor: { type: "user", id: "u-1" },
    target: { type: "guild", id: "g-1" },
    outcome: { status: "failure", message: "No such guild" },
    id: "0f0e0d0c-0b0a-4908-8706-050403020100",
    occurredAt: "2026-01-01T00:00:00Z",
    context: { ipAddress: "192.0.2.1", userAgent: "curl/8", sessionId: "s-1", requestId: "r-1" },
    details: { field: "name" },
  });
});

test("MAPPING-23: every member of an audit log entry goes to its place", () => {
  const { event, notes } = fromAuditLogEntry({
    id: "audit-7",
    timestamp: "2026-01-01T00:00:00Z",
    userId: "u-1",
    username: "Ada",
    action: "GUILD_SETTINGS_UPDATE",
    resource: "guild",
    resourceId: "g-1",
    changes: { before: { name: "a" }, after: { name: "b" }, fields: ["name"] },
    ipAddress: "192.0.2.1",
    userAgent: "curl/8",
    status: "success",
    metadata: { reason: "asked" },
  });
  expect(notes).toEqual(["id is not a UUID: kept, and the event's id is derived from it"]);
  expect(event).toStrictEqual({
    action: "GUILD_SETTINGS_UPDATE",
    actor: { type: "user", id: "u-1", name: "Ada" },
    target: { type: "guild", id: "g-1" },
    outcome: { status: "success" },
    id: fromAuditLogEntry({ id: "audit-7", action: "x", resource: "y", resourceId: "z", status: "failed" }).event.id,
    occurredAt: "2026-01-01T00:00:00Z",
    changes: { before: { name: "a" }, after: { name: "b" }, fields: ["name"] },
    context: { ipAddress: "192.0.2.1", userAgent: "curl/8" },
    details: { reason: "asked", auditLogEntry: { id: "audit-7" } },
  });
});

test("MAPPING-26: without a user the actor is the system, unknown, which is noted; a number is a user", () => {
  const entry = { action: "a", resourceType: "t", resourceId: "r" };
  for (const userId of [undefined, null, "", true]) {
    const { event, notes } = fromResourceEvent({ ...entry, userId });
    expect(event.actor).toEqual({ type: "system", id: "unknown" });
    expect(notes).toHaveLength(1);
  }
  expect(fromResourceEvent({ ...entry, userId: 42 })).toMatchObject({
    event: { actor: { type: "user", id: "42" }, details: { resourceEventMarks: { numbers: ["userId"] } } },
    notes: [],
  });
  expect(fromResourceEvent({ ...entry, userId: "unknown" }).event.actor).toEqual({ type: "user", id: "unknown" });
});

test.each([
  [{}, "success"],
  [{ success: null }, "success"],
  [{ success: true, errorMessage: "late" }, "success"],
  [{ errorMessage: "" }, "success"],
  [{ errorMessage: "broken" }, "failure"],
  [{ success: false }, "failure"],
])("MAPPING-27: the outcome of a queue event with %o is %s", (members, expected) => {
  expect(fromQueueEvent({ action: "a", resourceType: "t", resourceId: "r", ...members }).event.outcome.status).toBe(expected);
});

test("MAPPING-27: the words error and failed are failures, and a word that is not known is no outcome", () => {
  const entry = { action: "a", resource: "t", resourceId: "r" };
  for (const word of ["error", "failed"]) {
    expect(fromAuditLogEntry({ ...entry, status: word }).event).toMatchObject({
      outcome: { status: "failure" },
      details: { auditLogEntry: { status: word } },
    });
  }
  expect(fault({ ...entry, status: "meh" }, fromAuditLogEntry).path).toBe("status");
  expect(fault({ ...entry, resourceType: "t", success: "yes" }, fromQueueEvent).path).toBe("success");
});

test("MAPPING-25: all that an entry lacks is named at once", () => {
  expect(
    fault({}, fromQueueEvent)
      .message.split("; ")
      .map((part) => part.split(":")[0]),
  ).toEqual(["action", "resourceType", "resourceId"]);
  expect(
    fault({}, fromAuditLogEntry)
      .message.split("; ")
      .map((part) => part.split(":")[0]),
  ).toEqual(["action", "resource", "resourceId", "status"]);
  for (const entry of [undefined, null, "text", 7, []]) expect(fault(entry, fromResourceEvent).code).toBe("SHAPE_INVALID");
});
