import { expect, test } from "vitest";
import { formatNumber, formatTable } from "./report.ts";

test("a number keeps three digits that matter", () => {
  expect([12_345, 123.4, 12.34, 1.234, Number.NaN].map(formatNumber)).toEqual(["12,345", "123", "12.3", "1.23", "–"]);
});

test("a table lines up its columns and fills what a row lacks", () => {
  expect(formatTable(["what", "value"], [["short", "1"], ["much longer"]])).toBe(
    ["| what        | value |", "| ----------- | ----: |", "| short       |     1 |", "| much longer |       |"].join("\n"),
  );
});
