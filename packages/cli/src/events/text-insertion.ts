import type { SyntaxNode, SyntaxTree } from "./syntax-tree.ts";

/** Text that is put into a file. Nothing else of the file changes. */
export interface TextInsertion {
  /** Where, in UTF-16 units of the text as it was. */
  readonly at: number;
  readonly text: string;
}

/** @param insertions In any order; those at one place keep theirs. */
export function withInsertions(text: string, insertions: readonly TextInsertion[]): string {
  let result = "";
  let from = 0;
  for (const { at, text: inserted } of [...insertions].sort((a, b) => a.at - b.at)) {
    result += text.slice(from, at) + inserted;
    from = at;
  }
  return result + text.slice(from);
}

/** How a file is written. */
export interface TextStyle {
  readonly lineEnd: "\n" | "\r\n";
  readonly quote: '"' | "'";
  /** One step of indentation. */
  readonly indent: string;
}

export function styleOf(text: string): TextStyle {
  const count = (character: string): number => text.split(character).length;
  return {
    lineEnd: /\r\n/.test(text) ? "\r\n" : "\n",
    quote: count("'") > count('"') ? "'" : '"',
    indent: /^( {2,8}|\t)(?=[^\s*])/m.exec(text)?.[1] ?? "  ",
  };
}

/** The white space that a position's line begins with. */
export function indentAt(text: string, position: number): string {
  const start = text.lastIndexOf("\n", position - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, position))?.[0] ?? "";
}

/** How a new property fits into an object literal. */
export interface PropertyStyle {
  /** Whether the property gets lines of its own. */
  readonly isOnOwnLine: boolean;
  readonly indent: string;
  readonly hasTrailingComma: boolean;
}

/**
 * Puts a property at the end of an object literal: after the last one and what stands behind it on its line, with the commas that the object has.
 *
 * @param print Gives the property without a comma behind it, beginning where it stands.
 */
export function insertProperty(
  { text, comments }: SyntaxTree,
  object: SyntaxNode,
  style: TextStyle,
  print: (property: PropertyStyle) => string,
): TextInsertion[] {
  const { lineEnd } = style;
  const properties = object.properties as readonly SyntaxNode[];
  const last = properties.at(-1);
  const outer = indentAt(text, object.start);
  if (last === undefined) {
    const indent = outer + style.indent;
    const body = print({ isOnOwnLine: true, indent, hasTrailingComma: true });
    const isBare = !text.slice(object.start, object.end).includes("\n");
    return [{ at: object.start + 1, text: `${lineEnd}${indent}${body},${isBare ? lineEnd + outer : ""}` }];
  }
  const commaAt = skip(text, comments, last.end, /\s/);
  const hasTrailingComma = text[commaAt] === ",";
  const after = skip(text, comments, hasTrailingComma ? commaAt + 1 : last.end, /[ \t]/);
  const isOnOwnLine = after >= text.length || text[after] === "\n" || text[after] === "\r";
  const own = indentAt(text, last.start);
  const indent = own === outer ? outer + style.indent : own;
  const body = print({ isOnOwnLine, indent, hasTrailingComma });
  const end = hasTrailingComma ? "," : "";
  const entry = isOnOwnLine ? `${lineEnd}${indent}${body}${end}` : ` ${body}${end}`;
  // Behind the last property there may be a comment on its line: the comma stands before it, the entry after it.
  const comma = hasTrailingComma ? [] : [{ at: last.end, text: "," }];
  return [...comma, { at: isOnOwnLine ? after : hasTrailingComma ? commaAt + 1 : last.end, text: entry }];
}

/** The first position that is neither white space nor in a comment. */
function skip(text: string, comments: SyntaxTree["comments"], from: number, space: RegExp): number {
  let at = from;
  for (;;) {
    while (at < text.length && space.test(text[at] as string)) at += 1;
    const comment = comments.find(({ start }) => start === at);
    if (comment === undefined) return at;
    at = comment.end;
  }
}
