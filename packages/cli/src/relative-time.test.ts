import fc from "fast-check";
import { expect, test } from "vitest";
import { timeText } from "./clock.ts";
import { CommandError } from "./command-error.ts";
import { momentOf } from "./relative-time.ts";

const NOW = Date.parse("2026-11-21T05:30:00.000Z");
const moment = (text: string): string => momentOf(text, NOW, timeText);

test.each([
  ["90s", "2026-11-21T05:28:30.000Z"],
  ["30m", "2026-11-21T05:00:00.000Z"],
  ["2h", "2026-11-21T03:30:00.000Z"],
  [" 2 h ", "2026-11-21T03:30:00.000Z"],
  ["7d", "2026-11-14T05:30:00.000Z"],
  ["2w", "2026-11-07T05:30:00.000Z"],
  ["0s", "2026-11-21T05:30:00.000Z"],
  ["now", "2026-11-21T05:30:00.000Z"],
  ["today", "2026-11-21T00:00:00.000Z"],
  ["yesterday", "2026-11-20T00:00:00.000Z"],
])("%s before %s", (text, expected) => {
  expect(moment(text)).toBe(expected);
});

test("dates and times are handed on as they were written", () => {
  for (const text of ["2026-11-01", "2026-11-01T08:00:00Z", "2026-11-01T08:00:00.123456789+05:30"]) expect(moment(text)).toBe(text);
});

test("what is no time is refused in words that say what to write", () => {
  for (const text of ["", "soon", "h", "-2h", "1.5h", "2 h ago", "1h30m", "99999999999s", "2x", "2constructor", "2__proto__", "２h"]) {
    expect(() => moment(text), text).toThrow(CommandError);
  }
  expect(() => moment("soon")).toThrow(/30m, 2h, 7d/);
  expect(() => moment("3mo")).toThrow(/differ in length.*30d/);
  expect(() => moment("1y")).toThrow(/differ in length/);
  expect(() => moment("3H")).toThrow(/no unit that is known/);
  expect(() => moment("99999w")).toThrow(/before 1970/);
});

test("a span is that many units before now, whatever the number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20_000 }), fc.constantFrom("s", "m", "h", "d"), (count, unit) => {
      const unitMs = { s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[unit as "s"];
      expect(Date.parse(moment(`${count}${unit}`))).toBe(NOW - count * unitMs);
    }),
  );
});
