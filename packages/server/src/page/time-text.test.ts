import { expect, test } from "vitest";
import { ageText, costText, countText, durationText, localTime, shareText } from "./time-text.ts";

test("PAGE-14: a time is shown in the reader's zone, and a text that is none as it is", () => {
  expect(localTime("2026-11-21T05:31:19.123Z")).toMatch(/^2026-11-2[012] \d\d:31:19$/);
  expect(localTime("soon")).toBe("soon");
});

test("PAGE-17: ages are told in one unit, and never as a negative number", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  expect(ageText("2026-11-21T12:00:00.500Z", now)).toBe("just now");
  expect(ageText("2026-11-21T11:59:55Z", now)).toBe("5 s ago");
  expect(ageText("2026-11-21T11:58:59Z", now)).toBe("1 min ago");
  expect(ageText("2026-11-19T11:00:00Z", now)).toBe("2 d ago");
  expect(ageText("2026-11-22T11:00:00Z", now)).toBe("just now");
  expect(ageText("nonsense", now)).toBe("just now");
});

test("PAGE-18: a share is cut and not rounded, so that 100 % means all", () => {
  expect(shareText(1)).toBe("100 %");
  expect(shareText(0.9999)).toBe("99.9 %");
  expect(shareText(0.29)).toBe("29.0 %");
  expect(shareText(0)).toBe("0.0 %");
  expect(countText(1234567)).toBe("1,234,567");
  expect(costText(0.00123)).toBe("$0.0012");
  expect(costText(1234.5)).toBe("$1,234.50");
  expect(durationText(350)).toBe("350 ms");
  expect(durationText(1_234)).toBe("1.2 s");
});
