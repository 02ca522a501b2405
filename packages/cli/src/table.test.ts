import fc from "fast-check";
import { expect, test } from "vitest";
import { type Column, createTable } from "./table.ts";
import { textWidth } from "./text-width.ts";

interface Row {
  readonly name: string;
  readonly count: number;
  readonly note: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "NAME", text: ({ name }) => name },
  { title: "COUNT", text: ({ count }) => String(count), align: "right", isWhole: true },
  { title: "NOTE", text: ({ note }) => note },
];

const ROWS: readonly Row[] = [
  { name: "漢字", count: 7, note: "short" },
  { name: "plain", count: 1234567, note: "a note that is far too long for a narrow terminal" },
];

test("columns stand under their titles, also with letters that fill two columns", () => {
  expect(createTable(COLUMNS, { width: undefined }).lines(ROWS)).toEqual([
    "NAME     COUNT  NOTE",
    "漢字         7  short",
    "plain  1234567  a note that is far too long for a narrow terminal",
  ]);
});

test("on a terminal the widest columns are cut first, and numbers never", () => {
  expect(createTable(COLUMNS, { width: 30 }).lines(ROWS)).toEqual([
    "NAME     COUNT  NOTE",
    "漢字         7  short",
    "plain  1234567  a note that i…",
  ]);
});

test("rows that come later follow the columns of the first", () => {
  const table = createTable(COLUMNS, { width: 30 });
  table.lines(ROWS);
  expect(table.lines([{ name: "a much longer name", count: 1, note: "n" }])).toEqual(["a mu…        1  n"]);
});

test("what a cell holds cannot break the line, move the cursor or turn the direction of writing", () => {
  const hostile = "\u001b[2J\u001b]0;owned\u0007\r\nnext\u202e\u061c";
  const [, line = ""] = createTable(COLUMNS, { width: undefined }).lines([{ name: hostile, count: 1, note: hostile }]);
  expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e\u061c]/);
  expect(line).toContain("\\u001b[2J");
});

test("a letter with a million marks on it is not written out", () => {
  const [, line = ""] = createTable(COLUMNS, { width: 30 }).lines([{ name: `a${"\u0301".repeat(1_000_000)}`, count: 1, note: "" }]);
  expect(line.length).toBeLessThan(5_000);
});

test("no line is wider than the terminal as long as the columns can be cut at all", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: fc.string({ unit: "grapheme" }), count: fc.nat(9_999), note: fc.string({ unit: "binary" }) })),
      fc.integer({ min: 24, max: 120 }),
      (rows, width) => {
        for (const line of createTable(COLUMNS, { width }).lines(rows)) expect(textWidth(line)).toBeLessThanOrEqual(width);
      },
    ),
  );
});

test("colours go around the padded text and do not count", () => {
  const columns: readonly Column<Row>[] = [
    { title: "NAME", text: ({ name }) => name, paint: (text) => `<${text}>` },
    { title: "NOTE", text: ({ note }) => note },
  ];
  expect(
    createTable(columns, { width: undefined, title: (text) => text.toLowerCase() }).lines([{ name: "a", count: 1, note: "b" }]),
  ).toEqual(["name  note", "<a   >  b"]);
});
