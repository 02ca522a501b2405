import { joinEvent } from "@vouchtrail/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { firstDifference, type Json, sealedEvent } from "./sealed-event.ts";

test("PAGE-11: an event is put together as the server does it", () => {
  const leaf = {
    schema: "vouchtrail/1",
    id: "x",
    sections: ["personal", "content"],
    _sd: [],
    received: {},
    actor: { type: "user" },
    activity: { type: "approval", name: "a" },
    context: { sessionId: "s" },
  };
  const personal = {
    actor: { id: "u", name: "n" },
    activity: { approval: { approver: { type: "user", id: "b" } } },
    context: { ipAddress: "::1" },
  };
  const content = JSON.parse(
    '{"activity":{"approval":{"state":"approved"}},"details":{"__proto__":{"x":1},"list":[{"a":1}]},"redactedLengths":{"a":1}}',
  ) as Json;
  const joined = joinEvent(leaf, { personal, content });
  expect(firstDifference(sealedEvent(leaf, [personal, content]), joined)).toBeUndefined();
  expect(sealedEvent(leaf, [content])).not.toHaveProperty("redactedLengths");
});

test("PAGE-11: two values are the same exactly when their JSON is, apart from the order of members", () => {
  const value = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(value, value, (a, b) => {
      const copy = JSON.parse(JSON.stringify(a)) as unknown;
      expect(firstDifference(copy, JSON.parse(JSON.stringify(a)))).toBeUndefined();
      expect(firstDifference(copy, JSON.parse(JSON.stringify(b))) === undefined).toBe(sorted(a) === sorted(b));
    }),
  );
});

test("PAGE-11: the place of a difference is named", () => {
  expect(firstDifference({ a: { b: [1, 2] } }, { a: { b: [1, 3] } })).toBe("a.b[1]");
  expect(firstDifference({ a: 1 }, { a: 1, b: undefined })).toBe("b");
  expect(firstDifference([1], [1, 2], "x")).toBe("x");
  expect(firstDifference({ a: [] }, { a: {} })).toBe("a");
  expect(firstDifference(JSON.parse('{"__proto__":1}'), {})).toBe("__proto__");
});

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${sorted(inner)}`);
  return `{${members.sort().join(",")}}`;
}
