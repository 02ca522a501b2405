import fc from "fast-check";
import { expect, test } from "vitest";
import { barText, condense, sparkline } from "./chart.ts";

test("a bar is as long as its share, and more than nothing is seen", () => {
  expect(barText(0, 10)).toBe("");
  expect(barText(1, 10)).toBe("██████████");
  expect(barText(0.5, 10)).toBe("█████");
  expect(barText(0.0001, 10)).toBe("▏");
  expect(barText(0.55, 10)).toBe("█████▌");
  expect([barText(2, 3), barText(-1, 3), barText(Number.NaN, 3)]).toEqual(["███", "", ""]);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 40 }), (share, width) => {
      expect([...barText(share, width)].length).toBeLessThanOrEqual(width);
    }),
  );
});

test("the greatest value of a line is the highest, and only nothing lies on the ground", () => {
  expect(sparkline([0, 1, 50, 100])).toBe("▁▂▅█");
  expect(sparkline([0, 0])).toBe("▁▁");
  expect(sparkline([])).toBe("");
});

test("condensed values keep their sum", () => {
  expect(condense([1, 2, 3, 4, 5], 2)).toEqual([6, 9]);
  expect(condense([1, 2], 10)).toEqual([1, 2]);
  fc.assert(
    fc.property(fc.array(fc.nat(1_000), { minLength: 1 }), fc.integer({ min: 1, max: 30 }), (values, count) => {
      const condensed = condense(values, count);
      expect(condensed.length).toBeLessThanOrEqual(count);
      expect(condensed.reduce((sum, value) => sum + value, 0)).toBe(values.reduce((sum, value) => sum + value, 0));
    }),
  );
});
