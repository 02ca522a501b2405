import { expect, test } from "vitest";
import { median, medianRound, quantile } from "./figures.ts";

test("a quantile is the value below which that share lies", () => {
  const values = Array.from({ length: 100 }, (_, i) => i);
  expect(quantile(values, 0.5)).toBe(50);
  expect(quantile(values, 0.99)).toBe(99);
  expect(quantile([], 0.5)).toBeNaN();
});

test("one slow round does not move the median", () => {
  expect(median([3, 1, 900])).toBe(3);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  const round = (cpuUsPerEvent: number): Parameters<typeof medianRound>[0][number] => ({
    cpuUsPerEvent,
    eventsPerSecond: 1,
    p50Ms: 1,
    p99Ms: 1,
  });
  expect(medianRound([round(60), round(50), round(500)]).cpuUsPerEvent).toBe(60);
});
