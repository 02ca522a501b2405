import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryEvent } from "../../../test/events/arbitrary-event.ts";
import { AuditEventInputSchema, AuditEventSchema, auditEventJsonSchema, TimestampSchema } from "./event.ts";

const EVENT = {
  action: "agent.run.created",
  actor: { type: "agent", id: "ops" },
  target: { type: "run", id: "r-1" },
  outcome: { status: "success" },
};

function faults(value: unknown): string[] {
  const result = AuditEventInputSchema.safeParse(value);
  return result.success ? [] : result.error.issues.map((issue) => issue.path.map(String).join("."));
}

test("an event survives validation unchanged", () => {
  fc.assert(
    fc.property(arbitraryEvent, (event) => {
      expect(AuditEventSchema.parse(event)).toEqual(event);
    }),
  );
});

test("an event without id, time and tenant is accepted as input", () => {
  expect(faults(EVENT)).toEqual([]);
});

test("a target may be absent only where an activity stands in for it", () => {
  const { target: _, ...withoutTarget } = EVENT;
  expect(faults(withoutTarget)).toEqual(["target"]);
  expect(faults({ ...withoutTarget, activity: { type: "tool", name: "Bash" } })).toEqual([]);
});

test("every fault of an event is named, not only the first", () => {
  expect(faults({ action: "no spaces", actor: { type: "alien", id: "" }, target: { type: "run" }, outcome: {} }).sort()).toEqual([
    "action",
    "actor.id",
    "actor.type",
    "outcome.status",
    "target.id",
  ]);
});

test.each(["ai.approval_approved", "ai.approval_rejected"])("%s must name who decided", (action) => {
  expect(faults({ ...EVENT, action })).toEqual(["activity.approval.approver"]);
  expect(faults({ ...EVENT, action, actor: { type: "user", id: "u-1" } })).toEqual([]);
  const approval = { state: "approved", approver: { type: "user", id: "u-1" } };
  expect(faults({ ...EVENT, action, activity: { type: "approval", name: "deploy", approval } })).toEqual([]);
});

test("an activity whose body stands under another type is refused", () => {
  expect(faults({ ...EVENT, activity: { type: "tool", name: "Bash", skill: { name: "postgres" } } })).toEqual(["activity.skill"]);
});

test.each(["0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "2024-02-29T12:00:00.123456789+14:00", "2026-01-31t12:00:00z"])(
  "the time %s is accepted",
  (time) => {
    expect(TimestampSchema.safeParse(time).success).toBe(true);
  },
);

test.each([
  "0000-01-01T00:00:00Z",
  "2026-02-29T00:00:00Z",
  "2026-04-31T00:00:00Z",
  "2026-01-31",
  "2026-01-31T24:00:00Z",
  "2026-01-31T12:00:00",
  "yesterday",
])("the time %s is refused", (time) => {
  expect(TimestampSchema.safeParse(time).success).toBe(false);
});

test("the JSON Schema names exactly the members of the event", () => {
  const schema = auditEventJsonSchema() as { properties: Record<string, unknown>; required: string[] };
  expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(AuditEventInputSchema.shape).sort());
  expect(schema.required.sort()).toEqual(["action", "actor", "outcome"]);
});
