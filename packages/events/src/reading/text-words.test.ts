import fc from "fast-check";
import { expect, test } from "vitest";
import { foldCase, sectionTexts, textWords } from "./text-words.ts";

const wordsOf = (value: string): string[] => textWords(value).map(({ plain }) => plain);

test.each([
  ["git log", ["git", "log"]],
  ["  git\t\nlog ", ["git", "log"]],
  ['"git log" oneline', ["git log", "oneline"]],
  ['"a b"c', ["a b", "c"]],
  ['say"hi there"', ['say"hi', 'there"']],
  ['"not closed', ['"not', "closed"]],
  ['""', []],
  ['"" x', ["x"]],
  ['" "', [" "]],
  ["50% _x \\d+ .*", ["50%", "_x", "\\d+", ".*"]],
  ["ΟΔΟΣ İ", ["οδοσ", "i"]],
])("FILTER-7: %j is cut into words and phrases", (value, words) => {
  expect(wordsOf(value)).toEqual(words);
});

test("FILTER-8: a word is also known as JSON writes it", () => {
  expect(textWords('"a\nb" C:\\Temp')).toEqual([
    { plain: "a\nb", escaped: "a\\nb" },
    { plain: "c:\\temp", escaped: "c:\\\\temp" },
  ]);
});

test("FILTER-8: folding looks at each character for itself", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("Σ", "ΑΣ", "İ", "ẞ", "Ꟍ", "K")), { maxLength: 6 }),
      (parts) => {
        expect(foldCase(parts.join(""))).toBe(parts.map(foldCase).join(""));
        expect(foldCase(foldCase(parts.join("")))).toBe(foldCase(parts.join("")));
      },
    ),
  );
  expect(foldCase("Straße ẞ K ΟΔΟΣ ΣΑΣ")).toBe("straße ß k οδοσ σασ");
});

test("FILTER-8: section texts are cut out of disclosures as they are", () => {
  expect(sectionTexts({ personal: '["c2FsdA","personal",{"actor":{"id":"u-1]}"}}]' })).toEqual({
    personal: '{"actor":{"id":"u-1]}"}}',
    content: undefined,
  });
});
