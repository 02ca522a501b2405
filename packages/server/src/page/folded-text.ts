/** Long values, folded until somebody wants to read on. Rule: PAGE-9. */

import { make, makeButton } from "./elements.ts";
import { countText } from "./time-text.ts";
import { visibleText } from "./visible-text.ts";

const FOLDED_CHARS_MAX = 400;
/** Shown at a time: a browser lays out a text of some megabytes for seconds. */
const STEP_CHARS = 100_000;

/** Text of the trail, of any length, on as many lines as it has. */
export function foldedText(text: string, tag: "span" | "pre" = "span", charsMax = FOLDED_CHARS_MAX): HTMLElement {
  const shown = make(tag, { dir: "auto", class: "value" });
  if (text.length <= charsMax + 100) {
    shown.textContent = visibleText(text);
    return shown;
  }
  let end = charsMax;
  const more = makeButton("", { class: "link more" }, () => {
    end = Math.min(text.length, end + STEP_CHARS);
    fill();
  });
  const box = make("div", { class: "folded" }, shown, more);
  function fill(): void {
    // Never inside a pair, of which a half would look like a fault of the text.
    shown.textContent = visibleText(end < text.length ? `${text.slice(0, end).replace(/[\ud800-\udbff]$/, "")}…` : text);
    more.hidden = end >= text.length;
    more.textContent = `Show more (${countText(text.length - end)} characters are folded)`;
  }
  fill();
  return box;
}

/** A JSON value as indented text. */
export function foldedJson(value: unknown, charsMax = 2_000): HTMLElement {
  return foldedText(JSON.stringify(value, null, 2) ?? "", "pre", charsMax);
}
