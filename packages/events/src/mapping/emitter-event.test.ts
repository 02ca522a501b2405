import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AuditError } from "../errors.ts";
import { ACTOR_TYPES, type AuditEvent, AuditEventInputSchema, OUTCOME_STATUSES, PROOF_TYPES } from "../event.ts";
import { fromEmitterEvent, toEmitterEvent } from "./emitter-event.ts";

const EVENT = {
  clientId: "client-123",
  actionType: "content.publish",
  actorType: "agent",
  actorId: "publisher-agent",
  targetType: "post",
  targetId: "post-456",
  outcome: "success",
} as const;

/** To an event that the server takes, and back. */
function roundTrip(entry: unknown): unknown {
  const sent: unknown = JSON.parse(JSON.stringify(fromEmitterEvent(entry).event));
  AuditEventInputSchema.parse(sent);
  return toEmitterEvent(sent as AuditEvent);
}
function fault(entry: unknown): AuditError {
  try {
    fromEmitterEvent(entry);
  } catch (error) {
    if (error instanceof AuditError) return error;
    throw error;
  }
  throw new Error("The entry was accepted.");
}

const keys = fc.oneof(
  fc.string(),
  fc.constantFrom("__proto__", "emitterEvent", "constructor", "clientId", "metadata", "durationMs", "errorCode"),
);
const text = fc.string({ unit: "binary", maxLength: 12 });
const filled = fc.oneof(text, fc.string({ minLength: 60, maxLength: 210 })).filter((value) => value !== "");
const anyJson = fc.jsonValue({ maxDepth: 2 });
const metadata = fc
  .tuple(
    fc.dictionary(keys, anyJson, { maxKeys: 3 }),
    fc.record(
      {
        platform: fc.oneof(text, anyJson),
        lane: fc.oneof(fc.constantFrom("api", "browser"), anyJson),
        episodeId: fc.oneof(text, fc.string({ minLength: 250, maxLength: 260 })),
        durationMs: fc.oneof(fc.nat(), anyJson),
        errorCode: fc.oneof(fc.constantFrom("RATE_LIMIT", "", "x".repeat(65)), anyJson),
        errorMessage: fc.oneof(text, anyJson),
        requestId: fc.oneof(fc.uuid(), anyJson),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([free, known]) => ({ ...free, ...known }));
const proof = fc.record(
  {
    type: fc.constantFrom(...PROOF_TYPES),
    data: fc.oneof(fc.dictionary(text, anyJson, { maxKeys: 2 }), anyJson),
    url: fc.oneof(fc.webUrl(), anyJson),
    hash: fc.oneof(text, anyJson),
    capturedAt: fc.oneof(fc.constantFrom("2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z"), anyJson),
    more: anyJson,
  },
  { requiredKeys: [] },
);
const entries = fc
  .tuple(
    fc.dictionary(
      keys.filter((key) => key !== "clientId"),
      anyJson,
      { maxKeys: 2 },
    ),
    fc.record({
      clientId: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
      actionType: fc.stringMatching(/^[A-Za-z0-9._:/-]{1,128}$/),
      actorType: fc.constantFrom(...ACTOR_TYPES),
      actorId: filled,
      targetType: filled,
      targetId: filled,
      outcome: fc.constantFrom(...OUTCOME_STATUSES),
    }),
    fc.record(
      {
        metadata: fc.oneof({ weight: 4, arbitrary: metadata }, anyJson),
        proof: fc.oneof(proof, anyJson),
        correlationId: fc.oneof(filled, anyJson),
        parentEventId: fc.oneof(fc.uuid(), anyJson),
      },
      { requiredKeys: [] },
    ),
  )
  // What JSON gives: -0 is 0, and every object has the usual prototype.
  .map(([free, required, optional]) => JSON.parse(JSON.stringify(Object.assign(free, required, optional))) as unknown);

test("MAPPING-20: every emitter event comes back as it was, and the event between is valid", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      deepStrictEqual(roundTrip(entry), entry);
    }),
    { numRuns: 250 },
  );
});

test("MAPPING-20: every member goes to its place", () => {
  const { event, notes } = fromEmitterEvent({
    ...EVENT,
    outcome: "failure",
    proof: { type: "api_response", data: { postId: "ig_789" }, url: "https://a.example", hash: "h", capturedAt: "2026-01-01T00:00:00Z" },
    metadata: {
      platform: "instagram",
      lane: "api",
      episodeId: "e-1",
      durationMs: 12.5,
      errorCode: "PLATFORM_ERROR",
      errorMessage: "Rate limit exceeded",
      requestId: "r-1",
      attempt: 2,
    },
    correlationId: "c-1",
    parentEventId: "p-1",
  });
  expect(notes).toEqual([]);
  expect(event).toEqual({
    tenant: "client-123",
    action: "content.publish",
    actor: { type: "agent", id: "publisher-agent" },
    target: { type: "post", id: "post-456" },
    outcome: { status: "failure", code: "PLATFORM_ERROR", message: "Rate limit exceeded" },
    proof: { type: "api_response", data: { postId: "ig_789" }, url: "https://a.example", hash: "h", capturedAt: "2026-01-01T00:00:00Z" },
    labels: { platform: "instagram", lane: "api", episodeId: "e-1" },
    usage: { durationMs: 12.5 },
    context: { correlationId: "c-1", parentEventId: "p-1", requestId: "r-1" },
    details: { attempt: 2 },
  });
});

test("MAPPING-20: a value that does not fit its place is kept, and an id that does not fit a leaf is noted", () => {
  const long = "x".repeat(201);
  const { event, notes } = fromEmitterEvent({
    ...EVENT,
    actorId: long,
    targetId: `${long}y`,
    correlationId: 7,
    proof: { type: "hash", hash: "h", algorithm: "sha256" },
    metadata: { durationMs: "12 ms", emitterEvent: 1 },
    schemaVersion: 3,
  });
  expect(event.actor.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(event.target?.id).not.toBe(event.actor.id);
  expect(event.proof).toEqual({ type: "hash", hash: "h" });
  expect(event.details).toEqual({
    durationMs: "12 ms",
    emitterEvent: {
      actorId: long,
      targetId: `${long}y`,
      correlationId: 7,
      proof: { algorithm: "sha256" },
      metadata: { emitterEvent: 1 },
      schemaVersion: 3,
    },
  });
  expect(notes).toHaveLength(2);
});

test("MAPPING-20: members without a value are absent, and objects with content elsewhere are handed on whole", () => {
  const { event } = fromEmitterEvent({
    ...EVENT,
    metadata: { errorCode: undefined, free: undefined, n: 1 },
    proof: undefined,
    other: undefined,
  });
  expect(event.details).toStrictEqual({ n: 1 });
  expect(event).not.toHaveProperty("proof");
  const map = new Map([["a", 1]]);
  expect(fromEmitterEvent({ ...EVENT, metadata: map }).event.details).toEqual({ emitterEvent: { metadata: map } });
});

test("MAPPING-20: the input is not changed", () => {
  const entry = { ...EVENT, metadata: { platform: "x", emitterEvent: 1, n: 1 }, proof: { type: "none", more: 1 } };
  const before = structuredClone(entry);
  fromEmitterEvent(entry);
  expect(entry).toStrictEqual(before);
});

test("MAPPING-25: everything that is missing or wrong is named at once, without a value", () => {
  const { code, path, message } = fault({ ...EVENT, clientId: "two words", outcome: "secret-word", actorId: "" });
  expect(code).toBe("SHAPE_INVALID");
  expect(path).toBe("clientId");
  expect(message.split("; ").map((text) => text.split(":")[0])).toEqual(["clientId", "actorId", "outcome"]);
  expect(message).not.toContain("two words");
  expect(message).not.toContain("secret-word");
  expect(fault({}).message.split("; ")).toHaveLength(7);
  for (const entry of [undefined, null, "text", 7, []]) expect(fault(entry).code).toBe("SHAPE_INVALID");
});
