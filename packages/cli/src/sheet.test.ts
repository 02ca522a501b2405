import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { printSheet, type Sheet, sheetObjects } from "./sheet.ts";
import { openTerminal } from "./terminal.ts";

const SHEET: Sheet = {
  columns: [
    { name: "agent", title: "AGENT" },
    { name: "cost", title: "COST", align: "right" },
    { name: "bar", title: "", isPicture: true, text: () => "███" },
  ],
  rows: [
    ["ops/release", 1.5, undefined],
    ["=evil()", null, undefined],
  ],
};

async function printed(format: "table" | "json" | "ndjson" | "csv", columns?: number): Promise<string> {
  const stream = Object.assign(new PassThrough(), { isTTY: columns !== undefined, ...(columns === undefined ? {} : { columns }) });
  await printSheet(SHEET, format, openTerminal(stream, new PassThrough(), { NO_COLOR: "1" }), { rows: 2 });
  return (stream.read() as Buffer).toString();
}

test("a sheet is printed in every format, and pictures only where somebody looks", async () => {
  expect(await printed("table")).toBe("AGENT        COST\nops/release   1.5\n=evil()\n");
  expect(await printed("table", 80)).toBe("AGENT        COST\nops/release   1.5  ███\n=evil()            ███\n");
  expect(await printed("ndjson", 80)).toBe('{"agent":"ops/release","cost":1.5}\n{"agent":"=evil()","cost":null}\n');
  expect(await printed("csv", 80)).toBe("agent,cost\r\nops/release,1.5\r\n'=evil(),\r\n");
  expect(await printed("json")).toBe('{"rows":2}\n');
});

test("columns of one name do not hide each other", () => {
  const columns = ["a", "a", "a_1", "__proto__"].map((name) => ({ name, title: name }));
  const [row] = sheetObjects({ columns, rows: [[1, 2, 3, 4]] });
  expect(Object.entries(row ?? {})).toEqual([
    ["a", 1],
    ["a_1", 2],
    ["a_1_1", 3],
    ["__proto__", 4],
  ]);
});
