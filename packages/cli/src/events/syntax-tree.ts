import type { ParseResult } from "oxc-parser";
import { CommandError } from "../command-error.ts";

/** A node of the syntax tree, as ESTree has it; positions count UTF-16 units, as strings do. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

export interface SyntaxTree {
  readonly text: string;
  readonly program: SyntaxNode;
  readonly comments: readonly { readonly type: "Line" | "Block"; readonly start: number; readonly end: number }[];
}

/** Reads JavaScript or TypeScript; loaded only by the commands that need it. */
export type Parse = (fileName: string, text: string) => SyntaxTree;

export async function loadParse(): Promise<Parse> {
  const { parseSync } = await import("oxc-parser");
  return (fileName, text) => {
    const parsed: ParseResult = parseSync(fileName, text, { sourceType: "module", preserveParens: false });
    const [error] = parsed.errors;
    if (error !== undefined) {
      const at = error.labels[0]?.start ?? 0;
      throw new CommandError(`${fileName}:${lineAt(text, at)}: it cannot be read (${error.message}). Mend it first; nothing was changed.`);
    }
    return { text, program: parsed.program as unknown as SyntaxNode, comments: parsed.comments };
  };
}

/** Number of the line, from 1. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < position; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** The node and everything below it, from the top down. */
export function* nodesOf(node: SyntaxNode): Generator<SyntaxNode> {
  const open: SyntaxNode[] = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    const below = Object.values(next).flatMap((member) => (Array.isArray(member) ? member.filter(isNode) : isNode(member) ? [member] : []));
    open.push(...below.reverse());
  }
}

/** What an expression is without `as const`, `satisfies` and the like. */
export function unwrapped(node: unknown): SyntaxNode | undefined {
  let inner = node;
  while (
    isNode(inner) &&
    /^(?:TSAsExpression|TSSatisfiesExpression|TSNonNullExpression|TSTypeAssertion|ParenthesizedExpression)$/.test(inner.type)
  )
    inner = inner.expression;
  return isNode(inner) ? inner : undefined;
}

/** The text of a string literal, or of a template without anything in it. */
export function textOf(node: unknown): string | undefined {
  const literal = unwrapped(node);
  if (literal?.type === "Literal") return typeof literal.value === "string" ? literal.value : undefined;
  if (literal?.type !== "TemplateLiteral") return undefined;
  const [only, ...more] = literal.quasis as readonly { readonly value: { readonly cooked: string | null } }[];
  return more.length === 0 ? (only?.value.cooked ?? undefined) : undefined;
}

/** The name of an identifier. */
export function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "Identifier" ? (node.name as string) : undefined;
}

/** Properties of an object literal by name; spreads and computed names are left out. */
export function* propertiesOf(
  object: SyntaxNode,
): Generator<{ readonly name: string; readonly property: SyntaxNode; readonly value: SyntaxNode }> {
  for (const property of object.properties as readonly SyntaxNode[]) {
    if (property.type !== "Property" || property.computed === true || !isNode(property.value)) continue;
    const name = nameOf(property.key) ?? textOf(property.key);
    if (name !== undefined) yield { name, property, value: property.value };
  }
}

/** The text of a property of an object literal. */
export function textProperty(object: SyntaxNode, wanted: string): string | undefined {
  for (const { name, value } of propertiesOf(object)) if (name === wanted) return textOf(value);
  return undefined;
}
