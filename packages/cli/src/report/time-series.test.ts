import type { DeedSums, StatsBucket } from "@vouchtrail/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { timeText } from "../clock.ts";
import { CHART_WIDTH } from "../limits.ts";
import { ratePercent } from "./outcomes-report.ts";
import { bucketFor, seriesOf } from "./time-series.ts";

const SUMS: DeedSums = {
  total: 0,
  success: 0,
  failure: 0,
  partial: 0,
  pending: 0,
  denied: 0,
  successRate: null,
  tokensInput: 0,
  tokensOutput: 0,
  costUsd: 0,
};
const bucket = (from: string, total: number): StatsBucket => ({ ...SUMS, from, total });

test("spans are as long as they can be while ten of them fit", () => {
  const hourMs = 3_600_000;
  expect([1, 10, 24 * 9, 24 * 10, 24 * 3_000].map((hours) => bucketFor(hours * hourMs))).toEqual(["minute", "hour", "hour", "day", "day"]);
  expect(bucketFor(-1)).toBe("minute");
});

test("spans without a deed show as nothing", () => {
  const buckets = [bucket("2026-01-01T00:00:00.000Z", 5), bucket("2026-01-04T00:00:00.000Z", 2)];
  expect(seriesOf(buckets, "day")).toEqual({ counts: [5, 0, 0, 2], from: "2026-01-01T00:00:00.000Z", to: "2026-01-04T00:00:00.000Z" });
  expect(seriesOf([], "day")).toBeUndefined();
});

test("a series is no wider than a chart and keeps its sum, also with a deed of long ago", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 29_000_000 }), { minLength: 1, maxLength: 50 }), (minutes) => {
      const buckets = minutes.sort((left, right) => left - right).map((minute) => bucket(timeText(minute * 60_000), 3));
      const counts = seriesOf(buckets, "minute")?.counts ?? [];
      expect(counts.length).toBeLessThanOrEqual(CHART_WIDTH);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3 * minutes.length);
    }),
  );
});

test("a rate is rounded to one decimal, half away from zero", () => {
  expect([ratePercent(1, 3), ratePercent(2, 3), ratePercent(1, 8), ratePercent(49, 400), ratePercent(0, 7), ratePercent(7, 7)]).toEqual([
    33.3, 66.7, 12.5, 12.3, 0, 100,
  ]);
});
