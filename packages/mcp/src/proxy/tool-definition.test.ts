import fc from "fast-check";
import { expect, test } from "vitest";
import { readToolDefinition } from "./tool-definition.ts";

/** The same value with the members of each object in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, turned(member)]),
  );
}

test("PROXY-11: the digest of a definition does not depend on the order of its members, and differs where the value does", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (left, right) => {
      const a = JSON.parse(JSON.stringify(left)) as unknown;
      const b = JSON.parse(JSON.stringify(right)) as unknown;
      expect(readToolDefinition(turned(a)).digest).toBe(readToolDefinition(a).digest);
      expect(JSON.parse(readToolDefinition(a).canonical)).toEqual(a);
      expect(readToolDefinition({ a, b: 1 }).digest).not.toBe(readToolDefinition({ a, b: 2 }).digest);
      if (readToolDefinition(a).canonical !== readToolDefinition(b).canonical)
        expect(readToolDefinition(a).digest).not.toBe(readToolDefinition(b).digest);
    }),
  );
});

test("PROXY-11: a definition that is nested too deeply is refused, not followed", () => {
  const deep = JSON.parse(`${"[".repeat(5_000)}${"]".repeat(5_000)}`) as unknown;
  expect(() => readToolDefinition(deep)).toThrow(RangeError);
});
