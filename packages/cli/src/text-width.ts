const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

// Characters that fill two columns of a terminal: East Asian Wide and Fullwidth (Unicode Standard Annex 11), by script and block.
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Yi}\p{Script=Tangut}\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u33ff\ua960-\ua97f\uac00-\ud7a3\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;
// Half-width forms are of these scripts too.
const HALF_WIDTH = /^[\uff61-\uffdc\uffe8-\uffee]/;
const PICTURE = /\p{Emoji_Presentation}|\ufe0f|^\p{Regional_Indicator}{2}$/u;
const NO_WIDTH = /^[\p{M}\p{Cf}\u1160-\u11ff\ud7b0-\ud7ff]$/u;
const ASCII = /^[\x20-\x7e]*$/;

/** Columns that a line of text fills in a terminal. Its control characters must be gone already. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += clusterWidth(segment);
  return width;
}

/** The text, cut to at most `width` columns; what was cut shows as `…`. A picture or letter is never cut in two. */
export function cutToWidth(text: string, width: number): string {
  if (width < 1) return "";
  if (ASCII.test(text)) return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
  let kept = "";
  let columns = 0;
  // Where the ellipsis would go if the rest turns out to be too long.
  let cut = "";
  for (const { segment } of segmenter.segment(text)) {
    columns += clusterWidth(segment);
    if (columns > width) return `${cut}…`;
    kept += segment;
    if (columns < width) cut = kept;
  }
  return kept;
}

/** The text with spaces on the side away from its edge, so that it fills `width` columns. */
export function padToWidth(text: string, width: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "left" ? text + spaces : spaces + text;
}

function clusterWidth(cluster: string): number {
  if (PICTURE.test(cluster)) return 2;
  let width = 0;
  for (const character of cluster) {
    if (NO_WIDTH.test(character)) continue;
    width += WIDE.test(character) && !HALF_WIDTH.test(character) ? 2 : 1;
  }
  return width;
}
