import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject } from "../event.ts";
import { CSV_COLUMNS, formatCsvHeader, formatCsvRow } from "./csv.ts";
import type { SearchHit } from "./reader.ts";

function hitOf(event: JsonObject, more: Partial<SearchHit> = {}): SearchHit {
  return {
    index: 7,
    leafHash: "hash",
    origin: "log",
    event,
    received: { at: "2026-01-01T00:00:00.000Z", via: "http" },
    sections: {},
    counted: true,
    ...more,
  };
}

/** Reads CSV as RFC 4180 says. */
function parseCsv(text: string, separator = ","): string[][] {
  const rows: string[][] = [[""]];
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const row = rows.at(-1)!;
    const last = row.length - 1;
    const character = text[i]!;
    if (isQuoted) {
      if (character !== '"') row[last] += character;
      else if (text[i + 1] === '"') {
        row[last] += '"';
        i += 1;
      } else isQuoted = false;
    } else if (character === '"' && row[last] === "") isQuoted = true;
    else if (character === separator) row.push("");
    else if (character === "\r" || character === "\n") {
      if (character === "\r" && text[i + 1] === "\n") i += 1;
      rows.push([""]);
    } else row[last] += character;
  }
  if (rows.at(-1)!.join("") === "") rows.pop();
  return rows;
}

function rowOf(hit: SearchHit): Record<string, string> {
  const [cells = []] = parseCsv(formatCsvRow(hit));
  expect(cells).toHaveLength(CSV_COLUMNS.length);
  return Object.fromEntries(cells.map((cell, i) => [CSV_COLUMNS[i]!, cell]));
}

test("CSV-1: the page names the columns in their order", () => {
  const page = readFileSync(new URL("../../../../docs/spec/reading.md", import.meta.url), "utf8");
  const [, paragraph = ""] = /new ones go to the end:\n\n([\s\S]*?)\n\n/.exec(page) ?? [];
  expect([...paragraph.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(CSV_COLUMNS);
});

test("CSV-1: a byte order mark and the header come first, lines end with CR LF", () => {
  expect(formatCsvHeader()).toBe(`\ufeff${CSV_COLUMNS.join(",")}\r\n`);
  expect(formatCsvRow(hitOf({}))).toMatch(/\r\n$/);
});

test("CSV-1: what an event has comes into its column, what it lacks is empty", () => {
  const row = rowOf(
    hitOf(
      {
        id: "id-1",
        actor: { type: "user", id: "u-17", name: 'Ann "the" O,\nBrien' },
        outcome: { status: "failure", code: "E1" },
        usage: { durationMs: 12.5, costUsd: 0, tokensInput: 3 },
        security: { sensitiveDataAccessed: false },
        labels: { env: "prod" },
      },
      { deed: "00000000000000ff", counted: false },
    ),
  );
  expect(row).toMatchObject({
    index: "7",
    id: "id-1",
    actorName: 'Ann "the" O,\nBrien',
    status: "failure",
    code: "E1",
    durationMs: "12.5",
    costUsd: "0",
    sensitiveDataAccessed: "false",
    labels: '{"env":"prod"}',
    counted: "false",
    deed: "00000000000000ff",
    message: "",
    targetId: "",
  });
});

test("CSV-1: names of the prototype are no members of an event", () => {
  expect(rowOf(hitOf({ actor: {}, usage: {} })).actorName).toBe("");
  expect(rowOf(hitOf(JSON.parse('{"actor":{"__proto__":{"name":"x"}},"context":"text","usage":null}') as JsonObject)).actorName).toBe("");
});

test("CSV-2: no cell begins as a formula, for whatever text and separator", () => {
  const nasty = fc.array(
    fc.constantFrom("=", "+", "-", "@", "\t", "\r", "\n", ";", ",", '"', "'", " ", "1", "a", "cmd|' /C calc'!A0", "\uff1d", "\uff20"),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(
      nasty.map((parts) => parts.join("")),
      (text) => {
        const row = formatCsvRow(hitOf({ outcome: { message: text }, actor: { name: text } }));
        const plain = parseCsv(row)[0]!;
        for (const cell of plain) expect(cell).not.toMatch(/^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/);
        for (const separator of [";", "\t"]) {
          for (const cell of parseCsv(row, separator).flat()) expect(cell).not.toMatch(/^[=+\-@\uff1d\uff0b\uff0d\uff20]/);
        }
        // Nothing but apostrophes was added.
        expect(plain[CSV_COLUMNS.indexOf("message")]!.replaceAll("'", "")).toBe(text.replaceAll("'", ""));
      },
    ),
    { numRuns: 2_000 },
  );
});

test.each([
  ["\r=", "'\r'="],
  ["x;=1", "x;'=1"],
  ["a-b", "a-b"],
  ['x;"=1', `x;'"=1`],
])("CSV-2: %j becomes %j", (text, expected) => {
  expect(rowOf(hitOf({ outcome: { message: text } })).message).toBe(expected);
});

test("CSV-2: numbers stay numbers, a negative one too", () => {
  expect(rowOf(hitOf({ usage: { costUsd: -1.5 } })).costUsd).toBe("-1.5");
  expect(rowOf(hitOf({ outcome: { code: "-1.5" } })).code).toBe("'-1.5");
});

test("CSV-2: a long text of spaces or semicolons takes no longer than its length", () => {
  const text = `${";".repeat(200_000)}${" ".repeat(200_000)}`;
  expect(rowOf(hitOf({ outcome: { message: text } })).message).toBe(text);
});
