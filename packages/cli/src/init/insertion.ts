import type { Node } from "jsonc-parser";
import { type Edit, endOf, indentAt, lineBreakOf, piecesOf, startsLine } from "./settings-text.ts";

/** The edits that put elements behind the last one of an object or array, and what was put before its end as well. */
export interface Insertion {
  readonly edits: readonly Edit[];
  /** A line break and blanks, where the end stood on the same line; else empty. */
  readonly suffix: string;
}

/**
 * Puts elements at the end of an object or array, by insertions only: nothing that stands there moves. They come behind a comment on the
 * line of the last element, which goes on belonging to that element. Where a comma ends the last element, one ends the last new one.
 *
 * `removal.ts` takes out the same: a change here needs one there. Rule: INIT-1.
 *
 * @param render Makes the texts of the elements (`"name": value` in an object) for the indentation that they stand at.
 */
export function insertAtEnd(
  text: string,
  container: Node,
  unit: string,
  render: (indent: string, lineBreak: string) => readonly string[],
): Insertion {
  const lineBreak = lineBreakOf(text);
  const close = endOf(container) - 1;
  const last = container.children?.at(-1);
  const start = last === undefined ? container.offset + 1 : endOf(last);
  const pieces = piecesOf(text, start, close);
  const comma = pieces.find(({ kind }) => kind === "comma");
  const place = placeBehind(text, comma?.end ?? start, close);
  const closeIndent = indentAt(text, container.offset);
  const indent = last !== undefined && startsLine(text, last.offset) ? indentAt(text, last.offset) : closeIndent + unit;
  const elements = render(indent, lineBreak).map((element) => `${lineBreak}${indent}${element}`);
  const suffix = /[\r\n]/.test(text.slice(place, close)) ? "" : lineBreak + closeIndent;
  const ending = `${comma === undefined ? "" : ","}${suffix}`;
  const added: Edit = { start: place, end: place, text: `${elements.join(",")}${ending}` };
  if (last === undefined || comma !== undefined) return { edits: [added], suffix };
  if (place === start) return { edits: [{ ...added, text: `,${added.text}` }], suffix };
  return { edits: [{ start, end: start, text: "," }, added], suffix };
}

/** Behind the comments that stand on the same line, if there are any. */
function placeBehind(text: string, start: number, close: number): number {
  let place = start;
  for (const { kind, start: from, end } of piecesOf(text, start, close)) {
    if (kind === "blank") continue;
    if (kind !== "comment" || /[\r\n]/.test(text.slice(from, end))) break;
    place = end;
  }
  return place;
}
