import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { CommandError } from "../command-error.ts";
import { SETTINGS_DEPTH_MAX } from "./limits.ts";

/** A piece of the text between two values: what a parser skips, and the commas. */
export interface Piece {
  readonly kind: "blank" | "break" | "comment" | "comma" | "other";
  readonly start: number;
  readonly end: number;
}

/** One change of a text: what stands from `start` to `end` (offsets in UTF-16 units) becomes `text`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The tree of a settings text: JSON with comments and trailing commas, with or without a byte order mark. Offsets are those of `text`.
 *
 * @param name The file, for the message.
 * @returns Undefined when there is no value at all: nothing, or only blanks and comments.
 * @throws {CommandError} with line and column: it does not parse, is no object, or is nested deeper than {@link SETTINGS_DEPTH_MAX}.
 */
export function parseSettings(text: string, name: string): Node | undefined {
  const deep = tooDeepAt(text);
  if (deep !== undefined) throw faultAt(text, deep, name, `has more than ${SETTINGS_DEPTH_MAX} brackets within each other`);
  const errors: ParseError[] = [];
  // The parser takes a byte order mark for a fault. A blank in its place leaves all offsets as they are.
  const parsed = text.replace(/^\uFEFF/, " ");
  if (isBlank(parsed)) return undefined;
  const tree = parseTree(parsed, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) throw faultAt(text, error.offset, name, `cannot be read as JSON (${printParseErrorCode(error.error)})`);
  if (tree === undefined) throw faultAt(text, 0, name, "cannot be read as JSON");
  if (tree.type !== "object") throw faultAt(text, tree.offset, name, "must hold one JSON object");
  return tree;
}

/** A fault of a settings file, as one line that names the place and says that nothing was written. */
export function faultAt(text: string, offset: number, name: string, fault: string): CommandError {
  const { line, column } = placeOf(text, offset);
  return new CommandError(`${name}:${line}:${column} ${fault}. Nothing was written; correct it and run this again.`);
}

/** Line and column of an offset, both from 1. A byte order mark has no column. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).replace(/^\uFEFF/, "");
  const lines = before.split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

/** Splits what stands from `start` to `end`. A line comment holds the blanks at its end, but not the line break. */
export function piecesOf(text: string, start: number, end: number): Piece[] {
  const pieces: Piece[] = [];
  const pattern = /([ \t\uFEFF]+)|(\r\n|\r|\n)|(\/\/[^\r\n]*|\/\*[\s\S]*?\*\/)|(,)|[\s\S]/gy;
  pattern.lastIndex = start;
  while (pattern.lastIndex < end) {
    const from = pattern.lastIndex;
    const [, blank, lineBreak, comment, comma] = pattern.exec(text) ?? [];
    const kind =
      blank !== undefined
        ? "blank"
        : lineBreak !== undefined
          ? "break"
          : comment !== undefined
            ? "comment"
            : comma !== undefined
              ? "comma"
              : "other";
    pieces.push({ kind, start: from, end: Math.min(pattern.lastIndex, end) });
  }
  return pieces;
}

/** The members of an object with this name: more than one where a key is doubled. */
export function propertiesOf(object: Node | undefined, name: string): Node[] {
  return (object?.type === "object" ? (object.children ?? []) : []).filter((property) => property.children?.[0]?.value === name);
}

/** The value of the last member with this name, as JSON readers take it. */
export function memberOf(object: Node | undefined, name: string): Node | undefined {
  return propertiesOf(object, name).at(-1)?.children?.[1];
}

/** The offset behind a node. */
export function endOf(node: Node): number {
  return node.offset + node.length;
}

/** Applies edits that do not overlap, in any order. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = "";
  let position = 0;
  for (const edit of [...edits].sort((left, right) => left.start - right.start)) {
    result += text.slice(position, edit.start) + edit.text;
    position = edit.end;
  }
  return result + text.slice(position);
}

/** The line end of a text: that of its first line, else a line feed. */
export function lineBreakOf(text: string): string {
  return /\r\n|\r|\n/.exec(text)?.[0] ?? "\n";
}

/** The blanks that the line of an offset begins with. */
export function indentAt(text: string, offset: number): string {
  const lineStart = Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1;
  return /^[ \t]*/.exec(text.slice(lineStart, offset).replace(/^\uFEFF/, ""))?.[0] ?? "";
}

/** What one level is indented by: the blanks before the first member of the root that begins a line, else two blanks. */
export function indentUnitOf(text: string, root: Node | undefined): string {
  const outer = root === undefined ? "" : indentAt(text, root.offset);
  for (const child of root?.children ?? []) {
    const indent = indentAt(text, child.offset);
    if (startsLine(text, child.offset) && indent.length > outer.length && indent.startsWith(outer)) return indent.slice(outer.length);
  }
  return "  ";
}

/** Whether only blanks stand before an offset on its line. */
export function startsLine(text: string, offset: number): boolean {
  const lineStart = Math.max(text.lastIndexOf("\n", offset - 1), text.lastIndexOf("\r", offset - 1)) + 1;
  return lineStart > 0 && /^[ \t]*$/.test(text.slice(lineStart, offset));
}

/** Nothing but blanks and comments. */
function isBlank(text: string): boolean {
  return piecesOf(text, 0, text.length).every(({ kind }) => kind === "blank" || kind === "break" || kind === "comment");
}

/** Where the depth goes beyond the bound, without calling itself as the parser does. */
function tooDeepAt(text: string): number | undefined {
  let depth = 0;
  for (const match of text.matchAll(/"(?:[^"\\\r\n]|\\.)*"|\/\/[^\r\n]*|\/\*[\s\S]*?\*\/|[[\]{}]/g)) {
    const [token] = match;
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > SETTINGS_DEPTH_MAX) return match.index;
  }
  return undefined;
}
