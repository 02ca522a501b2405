import fc from "fast-check";
import { expect, test } from "vitest";
import { durationOfNanos, timeOfNanos } from "./otlp-time.ts";

test("OTLP-21: every number of nanoseconds is the day and time of the calendar", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (nanos) => {
      const text = timeOfNanos(String(nanos)) ?? "";
      const milliseconds = new Date(Number(nanos / 1_000_000n)).toISOString();
      expect(text.slice(0, 23)).toBe(milliseconds.slice(0, 23));
      expect(BigInt(text.slice(20, -1).padEnd(9, "0"))).toBe(nanos % 1_000_000_000n);
    }),
  );
});

test("OTLP-21: what is no number of nanoseconds is no time", () => {
  for (const text of ["0", "", "-1", "1.5", "abc", "18446744073709551616", "111111111111111111111"])
    expect(timeOfNanos(text)).toBeUndefined();
});

test("OTLP-40: a duration is exact to the nanosecond, and none runs backwards", () => {
  expect(durationOfNanos("1544712660300000000", "1544712660301500001")).toBe(1.500001);
  expect(durationOfNanos("2", "1")).toBeUndefined();
  expect(durationOfNanos(undefined, "1")).toBeUndefined();
});
