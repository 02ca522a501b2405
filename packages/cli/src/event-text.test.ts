import { expect, test } from "vitest";
import { completeEvent, newEventId } from "./event-text.ts";

const missing = { id: "00000000-0000-4000-8000-000000000001", occurredAt: "2026-01-02T03:04:05.000Z" };
const complete = (text: string): string => completeEvent(text, JSON.parse(text) as Record<string, unknown>, missing).json;

test("an event that has id and time is sent as it was written, on one line", () => {
  expect(complete('{ "id": "x",\r\n "occurredAt": "y", "id": "z" }\n')).toBe('{ "id": "x",  "occurredAt": "y", "id": "z" }');
});

test("what is missing is put in front, and what was written stays as it was", () => {
  expect(complete('{"a":1,"a":2}')).toBe(`{"id":"${missing.id}","occurredAt":"${missing.occurredAt}","a":1,"a":2}`);
  expect(JSON.parse(complete("{ }"))).toEqual(missing);
  expect(JSON.parse(complete('{"id":"x"}'))).toEqual({ occurredAt: missing.occurredAt, id: "x" });
});

test("a tenant is given only to an event that names none", () => {
  const withTenant = (text: string): unknown =>
    JSON.parse(completeEvent(text, JSON.parse(text) as Record<string, unknown>, { ...missing, tenant: "acme" }).json);
  expect(withTenant("{}")).toMatchObject({ tenant: "acme" });
  expect(withTenant('{"tenant":"other"}')).toMatchObject({ tenant: "other" });
});

test("an event without a time but with an id in the order of time happened when its id says", () => {
  expect(JSON.parse(complete('{"id":"019b7c2f-8e40-7000-8000-000000000000"}'))).toMatchObject({
    occurredAt: new Date(0x019b7c2f8e40).toISOString(),
  });
  const before = new Date().toISOString();
  const { occurredAt } = JSON.parse(complete(JSON.stringify({ id: newEventId() }))) as { occurredAt: string };
  expect(occurredAt >= before).toBe(true);
});
