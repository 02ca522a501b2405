import fc from "fast-check";
import { expect, test } from "vitest";
import { formatCsvLine } from "./csv.ts";

test("CSV-1: cells are quoted where they must be, numbers stay numbers and nothing is nothing", () => {
  expect(formatCsvLine(["a", 'say "hi"', "1,5", "two\nlines", -7, true, null, undefined, { a: 1 }])).toBe(
    'a,"say ""hi""","1,5","two\nlines",-7,true,,,"{""a"":1}"\r\n',
  );
});

test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", ' "=1', "＝1"])(
  "CSV-2: %j is no formula in a spreadsheet",
  (text) => {
    expect(formatCsvLine([text]).replace(/^"/, "").startsWith("'")).toBe(true);
  },
);

test("CSV-2: what stands behind another separator is no formula either", () => {
  expect(formatCsvLine(["a;=1\n+2"])).toBe("\"a;'=1\n'+2\"\r\n");
});

test("CSV-1: a line is read back as what was written, but for the apostrophe before a formula", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1 }), (cells) => {
      const [read] = parseCsv(formatCsvLine(cells));
      const withoutGuard = (cell: string): string => cell.replace(/(?<=^|[;\t\r\n])'/g, "");
      expect(read?.map(withoutGuard)).toEqual(cells.map(withoutGuard));
    }),
  );
});

/** A reader of RFC 4180 of its own, so that writer and reader cannot be wrong together. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = [[]];
  let at = 0;
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      for (at += 1; !(text[at] === '"' && text[at + 1] !== '"'); at++) {
        cell += text[at];
        if (text[at] === '"') at += 1;
      }
      at += 1;
    } else while (text[at] !== "," && !text.startsWith("\r\n", at)) cell += text[at++];
    lines.at(-1)?.push(cell);
    if (text[at] === ",") at += 1;
    else {
      at += 2;
      lines.push([]);
    }
  }
  return lines;
}
