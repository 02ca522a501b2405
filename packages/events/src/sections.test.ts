import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryEvent } from "../../../test/events/arbitrary-event.ts";
import { type AuditEvent, AuditEventSchema, type JsonObject } from "./event.ts";
import {
  ACTION_CHARS_MAX,
  ACTIVITY_NAME_CHARS_MAX,
  CODE_CHARS_MAX,
  CONTEXT_ID_CHARS_MAX,
  ID_CHARS_MAX,
  LEAF_BYTES_MAX,
  MODEL_CHARS_MAX,
  REDACTION_RULE_CHARS_MAX,
  REDACTION_RULES_MAX,
  SOURCE_CHARS_MAX,
  SPAN_ID_CHARS_MAX,
  TENANT_CHARS_MAX,
  TRACE_ID_CHARS_MAX,
} from "./limits.ts";
import { DEFAULT_PRIVACY_POLICY, joinEvent, type PrivacyPolicy, splitEvent } from "./sections.ts";

const RECEIVED = { at: "2026-01-31T12:00:00.000Z", via: "http" } as const;

function split(event: AuditEvent, policy: PrivacyPolicy = DEFAULT_PRIVACY_POLICY) {
  const parts = splitEvent(event, RECEIVED, policy);
  const read = (text: string | undefined): JsonObject | undefined => (text === undefined ? undefined : (JSON.parse(text) as JsonObject));
  const sections: { personal?: JsonObject; content?: JsonObject } = {};
  const personal = read(parts.personal);
  const content = read(parts.content);
  if (personal !== undefined) sections.personal = personal;
  if (content !== undefined) sections.content = content;
  return { text: parts.leafMembers, leaf: JSON.parse(`{"id":"${event.id}"${parts.leafMembers}}`) as JsonObject, sections };
}

/** Without members that are empty objects: an empty context and no context are the same event. */
function withoutEmpty(event: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(event).filter(
      ([key, value]) =>
        !(["context", "security", "usage"].includes(key) && typeof value === "object" && value !== null && Object.keys(value).length === 0),
    ),
  );
}

test("an event put together from leaf and sections is the event that was split", () => {
  fc.assert(
    fc.property(arbitraryEvent, fc.constantFrom("leaf" as const, "personal" as const), (event, contextIds) => {
      const { leaf, sections } = split(event, { ...DEFAULT_PRIVACY_POLICY, contextIds });
      expect(withoutEmpty(joinEvent(leaf, sections))).toEqual(withoutEmpty(event));
    }),
    { numRuns: 500 },
  );
});

test("a leaf holds none of the names, addresses, texts and free-form data of its event", () => {
  const secret = "Zq7vK0";
  const event: AuditEvent = {
    id: "01890000-0000-7000-8000-000000000000",
    occurredAt: "2026-01-31T12:00:00Z",
    tenant: "acme",
    action: "document.shared",
    actor: { type: "user", id: secret, name: secret, email: secret, onBehalfOf: [{ type: "user", id: secret, name: secret }] },
    target: { type: "document", id: secret, name: secret },
    outcome: { status: "failure", code: "DENIED", message: secret, result: { secret } },
    proof: { type: "url", url: secret, data: { secret }, hash: secret },
    changes: { before: { secret }, after: { secret }, fields: [secret] },
    details: { [secret]: secret },
    labels: { [secret]: secret },
    activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: secret } } },
    security: { permissionLevel: "admin", resourcesAccessed: [{ type: "file", identifier: secret }], sensitiveDataAccessed: true },
    context: { sessionId: "s1", ipAddress: secret, userAgent: secret },
  };
  const { text, leaf, sections } = split(event);
  expect(text).not.toContain(secret);
  expect(leaf).toMatchObject({
    actor: { type: "user" },
    target: { type: "document" },
    context: { sessionId: "s1" },
    activity: { type: "tool", name: "Bash" },
  });
  expect(sections.personal).toMatchObject({ actor: { id: secret, email: secret }, context: { ipAddress: secret, userAgent: secret } });
  expect(Object.keys(sections.content ?? {}).sort()).toEqual([
    "activity",
    "changes",
    "details",
    "labels",
    "outcome",
    "proof",
    "security",
    "target",
  ]);
});

test("who approved stands in the personal section, whoever acted", () => {
  const { sections, text } = split({
    id: "01890000-0000-7000-8000-000000000000",
    occurredAt: "2026-01-31T12:00:00Z",
    tenant: "acme",
    action: "ai.approval_approved",
    actor: { type: "system", id: "gate" },
    target: { type: "approval", id: "a-1" },
    outcome: { status: "success" },
    activity: { type: "approval", name: "deploy", approval: { state: "approved", approver: { type: "user", id: "u-9" }, shown: "diff" } },
  });
  expect(text).not.toContain("u-9");
  expect(sections).toEqual({
    personal: { activity: { approval: { approver: { type: "user", id: "u-9" } } } },
    content: { activity: { approval: { state: "approved", shown: "diff" } } },
  });
});

test("a leaf stays under its limit when every leaf field is as long as it may be, in three-byte characters", () => {
  const wide = (chars: number): string => "\u20ac".repeat(chars);
  const event: AuditEvent = {
    id: "01890000-0000-7000-8000-000000000000",
    occurredAt: "2026-01-31T12:00:00.123456789+14:00",
    tenant: "t".repeat(TENANT_CHARS_MAX),
    action: "a".repeat(ACTION_CHARS_MAX),
    actor: { type: "service", id: wide(ID_CHARS_MAX) },
    target: { type: "external", id: wide(ID_CHARS_MAX) },
    outcome: { status: "success", code: wide(CODE_CHARS_MAX) },
    phase: "outcome",
    activity: { type: "external", name: wide(ACTIVITY_NAME_CHARS_MAX) },
    usage: {
      tokensInput: Number.MAX_SAFE_INTEGER,
      tokensOutput: Number.MAX_SAFE_INTEGER,
      tokensCacheRead: Number.MAX_SAFE_INTEGER,
      tokensCacheWrite: Number.MAX_SAFE_INTEGER,
      durationMs: 123456789.12345678,
      costUsd: 0.1234567890123456,
      model: wide(MODEL_CHARS_MAX),
    },
    security: { permissionLevel: "read-write", sensitiveDataAccessed: false },
    context: {
      sessionId: wide(CONTEXT_ID_CHARS_MAX),
      conversationId: wide(CONTEXT_ID_CHARS_MAX),
      taskId: wide(CONTEXT_ID_CHARS_MAX),
      callId: wide(CONTEXT_ID_CHARS_MAX),
      approvalId: wide(CONTEXT_ID_CHARS_MAX),
      requestId: wide(CONTEXT_ID_CHARS_MAX),
      correlationId: wide(CONTEXT_ID_CHARS_MAX),
      traceId: wide(TRACE_ID_CHARS_MAX),
      parentEventId: wide(TRACE_ID_CHARS_MAX),
      spanId: wide(SPAN_ID_CHARS_MAX),
    },
    source: { name: wide(SOURCE_CHARS_MAX), instance: wide(SOURCE_CHARS_MAX), sequence: Number.MAX_SAFE_INTEGER },
  };
  expect(AuditEventSchema.safeParse(event).success).toBe(true);
  const redactions = Object.fromEntries(
    Array.from({ length: REDACTION_RULES_MAX + 1 }, (_, i) => [`${i}`.padEnd(REDACTION_RULE_CHARS_MAX, "r"), 99_999]),
  );
  const received = { at: "2026-01-31T12:00:00.000Z", via: "import", key: "12345678" } as const;
  const { leafMembers } = splitEvent(event, received, DEFAULT_PRIVACY_POLICY, redactions);
  const frameBytes = 220; // Schema, id, two sections and two digests.
  expect(Buffer.byteLength(leafMembers) + frameBytes).toBeLessThan(LEAF_BYTES_MAX);
});
