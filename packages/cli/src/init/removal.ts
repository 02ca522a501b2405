import type { Node } from "jsonc-parser";
import { type Edit, endOf, piecesOf } from "./settings-text.ts";

/**
 * The edits that take one element out of its object or array, as `insertAtEnd` put it in: with the blanks before it and one comma, the one
 * behind it if there is one, else the one before it. Comments stay.
 *
 * @param element A member of an object, or an element of an array.
 * @param suffix What the insertion put before the end of the container: it goes when the element is the last one there. Empty: nothing.
 */
export function removalOf(text: string, element: Node, suffix: string): Edit[] {
  const container = element.parent;
  if (container === undefined) throw new Error("The root has no container.");
  const siblings = container.children ?? [];
  const position = siblings.indexOf(element);
  const previous = siblings[position - 1];
  const next = siblings[position + 1];
  const close = endOf(container) - 1;
  const before = piecesOf(text, previous === undefined ? container.offset + 1 : endOf(previous), element.offset);
  const after = piecesOf(text, endOf(element), next?.offset ?? close);
  const solid = before.findLast(({ kind }) => kind !== "blank" && kind !== "break");
  const blankStart = solid?.end ?? before[0]?.start ?? element.offset;
  const comma = after.find(({ kind }) => kind === "comma") ?? before.find(({ kind }) => kind === "comma");
  const behind = comma !== undefined && comma.start >= endOf(element) ? comma.end : endOf(element);
  const isEnding = suffix !== "" && next === undefined && text.startsWith(suffix, behind);
  const rest = isEnding ? behind + suffix.length : behind;
  // What comes next once all of this is gone; a comment may stand between the element and its comma.
  const resume = behind - endOf(element) <= 1 ? rest : endOf(element);
  // A line comment before the element must not swallow what follows it.
  const isOpenComment = solid?.kind === "comment" && text.startsWith("//", solid.start) && !/[\r\n]/.test(text.charAt(resume));
  const kept = isOpenComment ? (/^(?:\r\n|\r|\n)/.exec(text.slice(blankStart))?.[0].length ?? 0) : 0;
  const edits: Edit[] = [{ start: blankStart + kept, end: endOf(element), text: "" }];
  if (comma !== undefined) edits.push({ start: comma.start, end: comma.end, text: "" });
  if (isEnding) edits.push({ start: behind, end: rest, text: "" });
  return edits;
}

/** What the insertion is likely to have put before the end of a container, where nothing is remembered of it. */
export function likelySuffix(text: string, container: Node): string {
  const close = endOf(container) - 1;
  return /(?:\r\n|\r|\n)[ \t]*$/.exec(text.slice(container.offset, close))?.[0] ?? "";
}

/** Whether nothing but this element stands in its container: no other one and no comment. */
export function isAlone(text: string, element: Node): boolean {
  const container = element.parent;
  if (container?.children?.length !== 1) return false;
  const close = endOf(container) - 1;
  return [...piecesOf(text, container.offset + 1, element.offset), ...piecesOf(text, endOf(element), close)].every(
    ({ kind }) => kind !== "comment",
  );
}

/** Whether an object or array holds nothing, not even a comment. */
export function isEmpty(text: string, container: Node): boolean {
  return (
    (container.children ?? []).length === 0 &&
    piecesOf(text, container.offset + 1, endOf(container) - 1).every(({ kind }) => kind !== "comment")
  );
}
