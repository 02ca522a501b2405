import fc from "fast-check";
import { expect, test } from "vitest";
import { visibleLine, visibleText } from "./visible-text.ts";

test("PAGE-9: what cannot be seen or turns other text around is shown by its number", () => {
  expect(visibleText("a\u202eb\u0000\u001b[31m\u0007\u200b\ufeff\u2066c\u0085\r")).toBe(
    "a⟨U+202E⟩b⟨U+0000⟩⟨U+001B⟩[31m⟨U+0007⟩⟨U+200B⟩⟨U+FEFF⟩⟨U+2066⟩c⟨U+0085⟩⟨U+000D⟩",
  );
  expect(visibleText("\ud800 \udfff \u{e0041}")).toBe("⟨U+D800⟩ ⟨U+DFFF⟩ ⟨U+E0041⟩");
});

test("PAGE-9: text of any language, emoji and line ends stay as they are", () => {
  for (const text of ["Grüße, 世界", "مرحبا", "שלום", "می‌خواهم", "👨‍👩‍👧", "a\n\tb", "<img src=x onerror=alert(1)>"])
    expect(visibleText(text)).toBe(text);
});

test("PAGE-9: no text comes out with a control or a direction mark in it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(visibleText(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/);
      expect(visibleLine(text, 20)).not.toMatch(/[\t\n]/);
    }),
  );
});

test("PAGE-9: a line is cut to a length, never inside a character, and says so", () => {
  expect(visibleLine("abcdef", 6)).toBe("abcdef");
  expect(visibleLine("abcdefg", 6)).toBe("abcde…");
  expect(visibleLine("abcd😀efg", 6)).toBe("abcd…");
  expect(visibleLine("a\n\n\tb", 9)).toBe("a b");
});
