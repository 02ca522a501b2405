import { AuditEventInputSchema } from "@vouchtrail/events";
import { expect, test } from "vitest";
import { createShapeReader } from "./shape-reader.ts";

const OPTIONS = { tenant: "acme", importedAt: "2026-01-01T00:00:00Z" };
const EMITTER = {
  clientId: "c-1",
  actionType: "a.b",
  actorType: "user",
  actorId: "u-1",
  targetType: "t",
  targetId: "i",
  outcome: "success",
};
const QUEUE = { action: "user.login", resourceType: "user", resourceId: "u-1", success: true };
const LOG_ENTRY = {
  id: "7",
  timestamp: "2025-01-01T00:00:00Z",
  userId: "u-1",
  action: "USER_LOGIN",
  resource: "user",
  resourceId: "u-1",
  status: "success",
};

function read(
  shape: Parameters<typeof createShapeReader>[0],
  record: unknown,
): { results: unknown[]; repaired: number; json: () => Record<string, unknown> } {
  const reader = createShapeReader(shape, OPTIONS);
  const results = reader.push({ text: JSON.stringify(record), line: 3, fault: undefined });
  const [first] = results;
  return {
    results: [...results, ...reader.end()],
    repaired: reader.counts.repaired,
    json: () => {
      if (first === undefined || !("event" in first)) throw new Error("The record was refused.");
      return JSON.parse(first.event.json) as Record<string, unknown>;
    },
  };
}

test.each([
  ["emitter-event", EMITTER, { tenant: "c-1", action: "a.b", occurredAt: "2026-01-01T00:00:00Z" }, 0],
  ["resource-event", { ...QUEUE, userId: "u-1" }, { tenant: "acme", action: "user.login", occurredAt: "2026-01-01T00:00:00Z" }, 0],
  ["queue-event", QUEUE, { tenant: "acme", actor: { type: "system", id: "unknown" } }, 1],
  ["audit-log-entry", LOG_ENTRY, { tenant: "acme", occurredAt: "2025-01-01T00:00:00Z", target: { type: "user", id: "u-1" } }, 1],
] as const)("MAPPING-29: a line of the shape %s is a whole event, the same each time it is read", (shape, record, expected, repaired) => {
  const first = read(shape, record);
  expect(AuditEventInputSchema.parse(first.json())).toMatchObject(expected);
  expect(first.repaired).toBe(repaired);
  expect(read(shape, record).json()).toEqual(first.json());
  expect(read(shape, { ...record, more: 1, id: "another" }).json().id).not.toBe(first.json().id);
});

test("MAPPING-29: a line that lacks something is refused with its number, and names all of it", () => {
  expect(read("queue-event", { action: "user.login" }).results).toEqual([
    { refusal: { line: 3, code: "SHAPE_INVALID", path: "resourceType", message: expect.stringContaining("resourceId: expected") } },
  ]);
});
