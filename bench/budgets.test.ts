import { expect, test } from "vitest";
import { type Budget, budgetCells } from "./budgets.ts";

const BUDGET: Budget = { what: "time", first: 120, goal: 60, found: 0, unit: "µs" };

test("a budget is met up to its bound and missed above it", () => {
  const state = (found: number): string | undefined => budgetCells({ ...BUDGET, found }).at(-1);
  expect([60, 60.1, 120, 120.1].map(state)).toEqual(["met, goal too", "met; goal MISSED", "met; goal MISSED", "MISSED"]);
});

test("a rate is missed below its bound", () => {
  const state = (found: number): string | undefined =>
    budgetCells({ what: "rate", first: 12_000, goal: 40_000, found, unit: "/s", isRate: true }).at(-1);
  expect([11_999, 12_000, 40_000].map(state)).toEqual(["MISSED", "met; goal MISSED", "met, goal too"]);
});

test("what was not measured is neither met nor missed", () => {
  expect(budgetCells({ ...BUDGET, found: Number.NaN })).toEqual(["time", "120 µs", "60 µs", "– µs", "not measured"]);
});

test("a note stands beside the figure", () => {
  expect(budgetCells({ ...BUDGET, found: 78.84, note: "server 50" })).toEqual([
    "time",
    "120 µs",
    "60 µs",
    "78.8 µs (server 50)",
    "met; goal MISSED",
  ]);
});
