import { printable, printableLines } from "../terminal.ts";

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text of foreign origin as one line of HTML: markup is text, and control and direction marks are shown instead of taking effect. */
export function htmlText(text: string): string {
  return escapeMarkup(printable(text));
}

/** The same for text that keeps its line breaks, for use inside `pre`. */
export function htmlLines(text: string): string {
  return escapeMarkup(printableLines(text));
}

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
