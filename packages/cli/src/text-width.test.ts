import fc from "fast-check";
import { expect, test } from "vitest";
import { cutToWidth, padToWidth, textWidth } from "./text-width.ts";

test.each([
  ["", 0],
  ["plain", 5],
  ["naïve", 5],
  ["e\u0301", 1],
  ["漢字", 4],
  ["ｶﾀｶﾅ", 4],
  ["カタカナ", 8],
  ["한국", 4],
  ["한", 2],
  ["ＡＢ", 4],
  ["🙂", 2],
  ["👩‍👩‍👧‍👦", 2],
  ["🇩🇪", 2],
  ["❤️", 2],
  ["✓", 1],
  ["…", 1],
  ["Ünïcödé", 7],
  ["\u200b", 0],
])("%j fills %i columns", (text, width) => {
  expect(textWidth(text)).toBe(width);
});

test("a cut text says so and never fills more columns than it may", () => {
  expect(cutToWidth("abcdef", 6)).toBe("abcdef");
  expect(cutToWidth("abcdef", 5)).toBe("abcd…");
  expect(cutToWidth("漢字漢字", 5)).toBe("漢字…");
  expect(cutToWidth("漢字漢字", 6)).toBe("漢字…");
  expect(cutToWidth("漢字", 4)).toBe("漢字");
  expect(cutToWidth("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 3)).toBe("👩‍👩‍👧‍👦…");
  expect(cutToWidth("漢", 1)).toBe("…");
  expect(cutToWidth("abc", 0)).toBe("");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 20 }), (text, width) => {
      const cut = cutToWidth(text, width);
      expect(textWidth(cut)).toBeLessThanOrEqual(width);
      if (textWidth(text) <= width) expect(cut).toBe(text);
      else expect(cut.endsWith("…")).toBe(true);
    }),
  );
});

test("a padded text fills its columns exactly", () => {
  expect(padToWidth("漢", 4)).toBe("漢  ");
  expect(padToWidth("12", 4, "right")).toBe("  12");
  expect(padToWidth("toolong", 3)).toBe("toolong");
});

test("a text of a megabyte is cut without looking at all of it", () => {
  const text = `é${"漢".repeat(1_000_000)}`;
  expect(cutToWidth(text, 10)).toBe("é漢漢漢漢…");
});
