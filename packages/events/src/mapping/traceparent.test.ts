import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTraceParent, parseTraceParent } from "./traceparent.ts";

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length }).filter((text) => !/^0+$/.test(text));

test("TRACE-1: a traceparent is read as it was written, also of a later version", () => {
  const flags = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 2, maxLength: 2 });
  fc.assert(
    fc.property(hex(32), hex(16), flags, (traceId, spanId, traceFlags) => {
      const parent = { traceId, spanId, flags: traceFlags };
      expect(parseTraceParent(formatTraceParent(parent))).toEqual(parent);
      expect(parseTraceParent(`cc-${traceId}-${spanId}-${traceFlags}-more`)).toEqual(parent);
    }),
  );
});

test("TRACE-1: what is no traceparent names no trace", () => {
  const good = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  expect(parseTraceParent(good)).toBeDefined();
  const bad = [
    undefined,
    7,
    "",
    good.toUpperCase(),
    good.replace("00-", "ff-"),
    good.replace("a".repeat(32), "0".repeat(32)),
    good.replace("b".repeat(16), "0".repeat(16)),
    `${good}0`,
    `${good}-${"x".repeat(600)}`,
  ];
  for (const text of bad) expect(parseTraceParent(text), String(text)).toBeUndefined();
});
