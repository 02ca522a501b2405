/** Text of the trail made safe to look at: what would be invisible, or would change how other text reads, is shown by its name. Rule: PAGE-9. */

// Controls and half surrogates; marks that turn the direction of text; spaces of no width, tags and fillers that hide what is there.
// The joiners U+200C and U+200D stay: words and emoji of many languages need them.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\u{d800}-\u{dfff}]/gu;

/** Line feeds and tabs stay as they are; every other character that cannot be seen is written as `⟨U+202E⟩`. */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, (character) => `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** The same on one line, and cut to so many characters (UTF-16 units, never inside a pair); the cut is shown by `…`. */
export function visibleLine(text: string, charsMax: number): string {
  const cut = text.length > charsMax ? `${text.slice(0, charsMax - 1).replace(/[\ud800-\udbff]$/, "")}…` : text;
  return visibleText(cut.replace(/[\t\n]+/g, " "));
}
