import { expect, test } from "vitest";
import { RUNS_MIN } from "./query-figures.ts";
import { sizesOf } from "./sizes.ts";

test("the short run is the default, and a huge one leaves the rounds of the accept path out", () => {
  const short = sizesOf({ long: false, huge: false });
  const long = sizesOf({ long: true, huge: false });
  expect(short.sustained).toBeLessThan(long.sustained);
  expect(long.sustained).toBe(1_000_000);
  expect(sizesOf({ long: false, huge: true })).toMatchObject({ accept: undefined, sustained: 10_000_000 });
  expect(short.search.ours.runs).toBeGreaterThanOrEqual(30);
  expect(RUNS_MIN).toBeLessThan(30);
});

test("the batches of one block stay within one segment", () => {
  for (const long of [false, true]) {
    const { accept } = sizesOf({ long, huge: false });
    expect((accept?.batch ?? 0) * (1 + (accept?.rounds ?? 0))).toBeLessThanOrEqual(65_536);
  }
});

test("another number of events is a whole number", () => {
  expect(sizesOf({ long: false, huge: false, events: "40000" }).sustained).toBe(40_000);
  for (const events of ["0", "-1", "1.5", "many", ""]) expect(() => sizesOf({ long: false, huge: false, events })).toThrow("whole number");
});
