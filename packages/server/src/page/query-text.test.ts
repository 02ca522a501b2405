import fc from "fast-check";
import { expect, test } from "vitest";
import { filterFor, formatFilter, matchParameters, parseQuery, searchParameters, soleValue, withFilter } from "./query-text.ts";

test("PAGE-5: words are text, name:value is a filter, quotes hold spaces", () => {
  expect(
    searchParameters(parseQuery('actor:u-17 timed out outcome:!success label.env:prod "could not" target:"a b \\"c\\" \\\\"')),
  ).toEqual([
    ["actor", "u-17"],
    ["outcome", "!success"],
    ["label.env", "prod"],
    ["target", 'a b "c" \\'],
    ["text", 'timed out "could not"'],
  ]);
});

test.each([
  ["", []],
  ["   ", []],
  ["http://example.org/x", [["text", "http://example.org/x"]]],
  ["12:30", [["text", "12:30"]]],
  ["actor:", [["text", "actor:"]]],
  [":x", [["text", ":x"]]],
  ['actor:"never closed', [["actor", "never closed"]]],
  ['"never closed', [["text", '"never closed"']]],
  ["session:a:b", [["session", "a:b"]]],
  [
    "actor:a actor:b",
    [
      ["actor", "a"],
      ["actor", "b"],
    ],
  ],
  ['"say \\"hi\\" now"', [["text", '"say  hi  now"']]],
  ["actor:\\!bang", [["actor", "\\!bang"]]],
])("PAGE-5: the box %j means %j", (box, parameters) => {
  expect(searchParameters(parseQuery(box))).toEqual(parameters);
});

test("PAGE-5: a filter that is written into the box is read back, whatever its value", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z][\w.-]{0,10}$/), fc.string({ unit: "grapheme", minLength: 1 }), (name, value) => {
      expect(parseQuery(formatFilter({ name, value }))).toEqual({ filters: [{ name, value }], text: "" });
    }),
    {
      examples: [
        ["a", '"'],
        ["a", "//x"],
        ["a", "\\"],
        ["a", '\\"'],
        ["a", " "],
        ["a", "\u2003"],
        ["a", "\u0000"],
      ],
    },
  );
});

test("PAGE-5: a filter for an exact value is not taken for its opposite", () => {
  expect(filterFor("actor", "!x")).toEqual({ name: "actor", value: "\\!x" });
  expect(filterFor("actor", "\\!x")).toEqual({ name: "actor", value: "\\\\!x" });
  expect(filterFor("actor", "x!")).toEqual({ name: "actor", value: "x!" });
});

test("PAGE-6: setting a filter leaves the rest of the box as it was written", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme", minLength: 1 }), (box, value) => {
      const changed = withFilter(box, { name: "actor", value });
      expect(soleValue(parseQuery(changed), "actor")).toBe(value);
      const others = (text: string): unknown => [parseQuery(text).text, parseQuery(text).filters.filter(({ name }) => name !== "actor")];
      expect(others(changed)).toEqual(others(box));
      expect(others(withFilter(changed, { name: "actor", value: "" }))).toEqual(others(box));
    }),
    {
      examples: [
        ['a "open', "b"],
        ['label:"', "c"],
        ['"a\\', "d"],
      ],
    },
  );
  expect(withFilter('x actor:a "y  z" actor:b tool:t', { name: "actor", value: "c d" })).toBe('x actor:"c d" "y  z" tool:t');
  expect(withFilter("x actor:a", { name: "actor", value: "" })).toBe("x");
});

test("PAGE-18: what only changes how results are listed is not asked of the counts", () => {
  expect(matchParameters(parseQuery("order:oldest deeds:true deed:00 limit:5 actor:a b"))).toEqual([
    ["actor", "a"],
    ["text", "b"],
  ]);
});
