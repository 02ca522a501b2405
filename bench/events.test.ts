import { AuditEventInputSchema, createRedactor } from "@vouchtrail/events";
import { expect, test } from "vitest";
import { createEventSource } from "./events.ts";

const EVENTS = 2_000;

function take(seed: number): ReturnType<ReturnType<typeof createEventSource>["next"]>[] {
  const source = createEventSource(seed);
  return Array.from({ length: EVENTS }, () => source.next());
}

test("the same seed gives the same events, another seed others", () => {
  expect(take(1)).toEqual(take(1));
  expect(take(1)).not.toEqual(take(2));
});

test("every event is valid and has an id of its own", () => {
  const events = take(3);
  expect(events.filter((event) => !AuditEventInputSchema.safeParse(event).success)).toEqual([]);
  expect(new Set(events.map(({ id }) => id)).size).toBe(EVENTS);
});

test("the events are the mix that the report states", () => {
  const events = take(4);
  const bytes = events.reduce((sum, event) => sum + JSON.stringify(event).length, 0) / EVENTS;
  expect(bytes).toBeGreaterThan(1_100);
  expect(bytes).toBeLessThan(1_300);
  const agents = events.filter(({ actor }) => actor.type === "agent").length / EVENTS;
  expect(agents).toBeGreaterThan(0.55);
  expect(agents).toBeLessThan(0.65);
  const redactor = createRedactor();
  const redacted = events.filter((event) => redactor.redactEvent(event).hits.size > 0).length / EVENTS;
  expect(redacted).toBeGreaterThan(0.015);
  expect(redacted).toBeLessThan(0.045);
});

test("a body holds as many events as asked for, and one event stands without an array", () => {
  const source = createEventSource(5);
  const many = source.body(7);
  expect(JSON.parse(many.bytes.toString())).toHaveLength(7);
  expect(many.count).toBe(7);
  expect(JSON.parse(source.body(1).bytes.toString())).toHaveProperty("action");
});

test("events happen when they should, one after the other", () => {
  const firstMs = Date.UTC(2026, 9, 1);
  const source = createEventSource(6, { firstMs, stepMs: 2_592 });
  const timesMs = Array.from({ length: 1_000 }, () => Date.parse(source.next().occurredAt));
  expect(timesMs).toEqual(timesMs.toSorted((left, right) => left - right));
  expect(timesMs[0]).toBeGreaterThanOrEqual(firstMs);
  expect(timesMs.at(-1)).toBeGreaterThanOrEqual(firstMs + 999 * 2_592);
  expect(timesMs.at(-1)).toBeLessThanOrEqual(firstMs + 1_000 * 2_592);
});
