import { ACTIVITY_TYPES, type AuditEvent, AuditEventSchema } from "@vouchtrail/events";
import fc from "fast-check";

const leafText = (charsMax: number) =>
  fc
    .string({ unit: "grapheme", minLength: 1, maxLength: Math.floor(charsMax / 4) })
    .filter((text) => !/[\u0000-\u001f\u007f]/.test(text) && text.length <= charsMax);
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const count = fc.nat(1_000_000);
const optional = <T extends Record<string, fc.Arbitrary<unknown>>>(members: T) => fc.record(members, { requiredKeys: [] });
// JSON cannot hold -0, so nothing that came through a parser of JSON text written by a serialiser has it.
const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const jsonObject = fc
  .dictionary(fc.string({ maxLength: 12 }), json, { maxKeys: 4 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);
const time = fc
  .date({ min: new Date("0001-01-01T00:00:00.000Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
  .map((date) => date.toISOString());

const bodies = {
  tool: fc.record({ name: text, parameters: json }),
  skill: fc.record({ name: text, operation: text, parameters: json }),
  external: fc.record({ type: fc.constantFrom("web_search", "web_fetch", "api_call"), target: text }),
  decision: fc.record({ question: text, chosen: text, optionsConsidered: fc.array(fc.record({ option: text }), { maxLength: 3 }) }),
  approval: fc.record({ state: fc.constantFrom("created", "approved", "rejected"), approver: fc.record({ type: text, id: text }) }),
  handoff: optional({ from: text, to: text, reason: text }),
  message: optional({ role: text, text }),
  task: fc.record({ state: fc.constantFrom("queued", "completed", "failed") }),
  limit: fc.record({ kind: fc.constantFrom("rate", "budget"), used: count }),
  error: optional({ type: text, message: text }),
};
const activity = fc
  .constantFrom(...ACTIVITY_TYPES)
  .chain((type) =>
    fc.record({ name: leafText(128), body: bodies[type] as fc.Arbitrary<unknown> }).map(({ name, body }) => ({ type, name, [type]: body })),
  );

const party = fc.record({ type: leafText(64), id: leafText(200), name: text }, { requiredKeys: ["type", "id"] });

/** Valid events of all kinds: every member is sometimes there and sometimes not. */
export const arbitraryEvent: fc.Arbitrary<AuditEvent> = fc
  .record(
    {
      id: fc.uuid(),
      occurredAt: time,
      tenant: fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/),
      action: fc.stringMatching(/^[A-Za-z0-9._:/-]{1,128}$/),
      actor: fc.record(
        {
          type: fc.constantFrom("user", "agent", "system", "webhook", "service"),
          id: leafText(200),
          name: text,
          email: text,
          onBehalfOf: fc.array(party, { maxLength: 3 }),
        },
        { requiredKeys: ["type", "id"] },
      ),
      target: fc.record(
        { type: fc.oneof(fc.constantFrom("user", "tool", "document"), leafText(64)), id: leafText(200), name: text },
        { requiredKeys: ["type", "id"] },
      ),
      outcome: fc.record(
        {
          status: fc.constantFrom("success", "failure", "partial", "pending", "denied"),
          code: leafText(64),
          message: text,
          result: json,
        },
        { requiredKeys: ["status"] },
      ),
      phase: fc.constantFrom("intent", "outcome"),
      proof: fc.record(
        { type: fc.constantFrom("screenshot", "hash", "none"), data: jsonObject, url: text, hash: text, capturedAt: time },
        { requiredKeys: ["type"] },
      ),
      changes: optional({ before: jsonObject, after: jsonObject, fields: fc.array(text, { maxLength: 3 }) }),
      details: jsonObject,
      labels: fc
        // Intake refuses this name; the schema alone would pass over it.
        .dictionary(
          fc.string({ maxLength: 10 }).filter((name) => name !== "__proto__"),
          fc.string({ maxLength: 10 }),
          { maxKeys: 4 },
        )
        .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, string>),
      activity,
      usage: optional({
        tokensInput: count,
        tokensOutput: count,
        durationMs: count,
        costUsd: fc.constantFrom(0, 0.5, 1.25),
        model: leafText(100),
      }),
      security: optional({
        permissionLevel: fc.constantFrom("readonly", "read-write", "admin"),
        resourcesAccessed: fc.array(fc.record({ type: text, identifier: text }), { maxLength: 3 }),
        sensitiveDataAccessed: fc.boolean(),
      }),
      context: optional({
        sessionId: leafText(128),
        callId: leafText(128),
        traceId: leafText(64),
        spanId: leafText(32),
        ipAddress: text,
        userAgent: text,
      }),
      source: fc.record({ name: leafText(128), instance: leafText(128), sequence: count }),
    },
    { requiredKeys: ["id", "occurredAt", "tenant", "action", "actor", "target", "outcome"] },
  )
  .filter((event) => AuditEventSchema.safeParse(event).success)
  .map((event) => event as AuditEvent);
