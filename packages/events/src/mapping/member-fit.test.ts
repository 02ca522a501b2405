import fc from "fast-check";
import { expect, test } from "vitest";
import type { z } from "zod";
import { ACTOR_TYPES, ActionSchema, EventIdSchema, OUTCOME_STATUSES, PROOF_TYPES, TenantSchema, TimestampSchema } from "../event.ts";
import { isAction, isActorType, isEventId, isOutcomeStatus, isProofType, isRecord, isTenant, isTimestamp } from "./member-fit.ts";

const two = fc.integer({ min: 0, max: 99 }).map((number) => String(number).padStart(2, "0"));
const dates = fc
  .tuple(
    fc.constantFrom("2023", "2024", "1900", "2000", "0000", "9999"),
    two,
    two,
    two,
    fc.constantFrom("Z", "z", "+01:00", "-24:00", "", ".123456789Z", ".1234567891Z"),
  )
  .map(([year, month, day, hour, zone]) => `${year}-${month}-${day}T${hour}:00:00${zone}`);
const likelyDates = fc
  .tuple(fc.constantFrom("2023", "2024", "1900", "2000"), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 26, max: 32 }))
  .map(([year, month, day]) => `${year}-${String(month).padStart(2, "0")}-${day}T00:00:60Z`);
const names = fc.string({ unit: fc.constantFrom("a", "Z", "9", ".", "_", ":", "/", "-", " ", "ä", "\n"), maxLength: 140 });
const repeated = fc.integer({ min: 0, max: 140 }).map((length) => "a".repeat(length));

test.each<[string, (value: unknown) => boolean, z.ZodType]>([
  ["isTenant", isTenant, TenantSchema],
  ["isAction", isAction, ActionSchema],
  ["isEventId", isEventId, EventIdSchema],
  ["isTimestamp", isTimestamp, TimestampSchema],
])("%s says what the schema of the event says", (_, fits, schema) => {
  fc.assert(
    fc.property(fc.oneof(names, repeated, dates, likelyDates, fc.uuid(), fc.anything()), (value) => {
      expect(fits(value)).toBe(schema.safeParse(value).success);
    }),
    { numRuns: 1_000 },
  );
});

test("the closed lists of types are those of the event", () => {
  const all = new Set([...ACTOR_TYPES, ...OUTCOME_STATUSES, ...PROOF_TYPES, "other", ""]);
  expect([...all].filter(isActorType).sort()).toEqual([...ACTOR_TYPES].sort());
  expect([...all].filter(isOutcomeStatus).sort()).toEqual([...OUTCOME_STATUSES].sort());
  expect([...all].filter(isProofType).sort()).toEqual([...PROOF_TYPES].sort());
});

test("a record is an object whose members are its content", () => {
  class Plan {
    goal = "g";
  }
  expect([{}, { a: 1 }, Object.create(null)].map(isRecord)).toEqual([true, true, true]);
  const others = [null, undefined, "text", 7, [], new Map(), new Date(0), new Error("x"), new Plan(), () => 1];
  expect(others.filter(isRecord)).toEqual([]);
});
