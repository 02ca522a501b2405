import { CommandError } from "../command-error.ts";
import { checkAction, functionNameOf } from "./event-action.ts";
import { type EventCatalog, findCatalogs, findResourceType } from "./event-catalog.ts";
import { lineAt, nameOf, nodesOf, type Parse, type SyntaxNode, type SyntaxTree, textOf } from "./syntax-tree.ts";
import {
  indentAt,
  insertProperty,
  type PropertyStyle,
  styleOf,
  type TextInsertion,
  type TextStyle,
  withInsertions,
} from "./text-insertion.ts";

/** What is asked for. */
export interface NewEvent {
  readonly action: string;
  /** Default: the first part of the action. */
  readonly resourceType?: string | undefined;
}

/** What was done to a file. Without insertions everything was there already. */
export interface AddedEvent {
  readonly text: string;
  readonly insertions: readonly TextInsertion[];
  /** What is called now: `audit.agentRunCreated`. */
  readonly call: string;
  /** Sentences for people: what was put where, and what was there. */
  readonly told: readonly string[];
}

/**
 * Adds an event type to the catalog in a file: to the object that `defineAuditEvents` is given, or to an object of functions that call `logAudit` and to the union
 * `ResourceType`. Everything else stays as it is, to the last character. Adding twice is adding once. Rule: SDK-38.
 *
 * @throws {CommandError} The action is none, its name is taken, or the place is not found; nothing is changed then.
 */
export function addEvent(
  parse: Parse,
  fileName: string,
  text: string,
  { action, resourceType = action.split(".")[0] ?? "" }: NewEvent,
): AddedEvent {
  checkAction(action);
  if (!/^[A-Za-z0-9_.:/-]{1,64}$/.test(resourceType))
    throw new CommandError(`"${resourceType}" is no type of a resource: 1 to 64 letters, digits or _ . : / -.`);
  // The parser counts without the mark that some editors put in front.
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const tree = parse(fileName, text.slice(mark.length));
  const catalog = onlyCatalog(findCatalogs(tree), tree, fileName);
  const style = styleOf(tree.text);
  const known = catalog.entries.find((entry) => entry.action === action);
  const name = known?.name ?? functionNameOf(action);
  const told: string[] = [];
  const insertions: TextInsertion[] = [];
  if (known !== undefined) {
    const { resourceType: present, start } = known;
    if (present !== undefined && present !== resourceType)
      throw new CommandError(
        `${fileName}:${lineAt(text, start)}: ${action} is there already, with the resource "${present}". Edit it by hand.`,
      );
    told.push(`${name} (${action}) is there already, on line ${lineAt(text, start)}`);
  } else {
    const taken = catalog.entries.find((entry) => entry.name === name);
    if (taken !== undefined)
      throw new CommandError(
        `${fileName}:${lineAt(text, taken.start)}: ${name} is taken${taken.action === undefined ? "" : ` by ${taken.action}`}. Choose another action.`,
      );
    const entry = { name, action, resourceType };
    const added = insertProperty(tree, catalog.object, style, (property) =>
      catalog.form === "definitions"
        ? printDefinition(entry, catalog, tree, style, property)
        : printFunction(entry, fileName, tree, style, property),
    );
    insertions.push(...added);
    told.push(`added ${name} (${action}) to ${catalog.variable ?? "the catalog"}`);
  }
  if (catalog.form === "functions") insertions.push(...addResourceType(tree, fileName, resourceType, style, told));

  const edited = withInsertions(tree.text, insertions);
  confirm(parse, fileName, edited, action);
  return {
    text: mark + edited,
    insertions: insertions.map(({ at, text: inserted }) => ({ at: at + mark.length, text: inserted })),
    call: `${catalog.variable ?? "audit"}.${name}`,
    told,
  };
}

function onlyCatalog(catalogs: readonly EventCatalog[], { text }: SyntaxTree, fileName: string): EventCatalog {
  const [first, ...more] = catalogs;
  if (first === undefined)
    throw new CommandError(
      `${fileName} has no catalog. It needs a call such as "export const audit = defineAuditEvents({});", or an object "audit" of functions that call logAudit.`,
    );
  if (more.length === 0) return first;
  const named = catalogs.filter(({ variable }) => variable === "audit");
  if (named.length === 1 && named[0] !== undefined) return named[0];
  const places = catalogs.map(({ variable, object }) => `${variable ?? "(no name)"} on line ${lineAt(text, object.start)}`);
  throw new CommandError(`${fileName} has ${catalogs.length} catalogs: ${places.join(", ")}. Name the one that is meant "audit".`);
}

interface Entry {
  readonly name: string;
  readonly action: string;
  readonly resourceType: string;
}

function printDefinition(
  { name, action, resourceType }: Entry,
  { object }: EventCatalog,
  { text }: SyntaxTree,
  { quote, lineEnd, indent: step }: TextStyle,
  { isOnOwnLine, indent, hasTrailingComma }: PropertyStyle,
): string {
  const members = [`action: ${quote}${action}${quote}`, `resourceType: ${quote}${resourceType}${quote}`];
  const last = (object.properties as readonly SyntaxNode[]).at(-1);
  const isSpread = last?.type !== "Property";
  if (!isOnOwnLine || isSpread || !text.slice(last.start, last.end).includes("\n")) return `${name}: { ${members.join(", ")} }`;
  const comma = hasTrailingComma ? "," : "";
  return [`${name}: {`, ...members.map((member, i) => `${indent}${step}${member}${i === 0 ? "," : comma}`), `${indent}}`].join(lineEnd);
}

/** The function as its neighbours are written: with types in TypeScript, with address and user agent where the file has the functions that read them. */
function printFunction(
  { name, action, resourceType }: Entry,
  fileName: string,
  { program }: SyntaxTree,
  { quote, lineEnd, indent: step }: TextStyle,
  { isOnOwnLine, indent, hasTrailingComma }: PropertyStyle,
): string {
  const names = new Set([...nodesOf(program)].map(nameOf));
  const isTyped = /\.[cm]?tsx?$/.test(fileName);
  const readers = [
    ["ipAddress", "getIpAddress"],
    ["userAgent", "getUserAgent"],
  ].filter(([, reader]) => names.has(reader));
  const parameters = isTyped
    ? ["resourceId: string", "userId: string", "metadata?: Record<string, unknown>", ...(readers.length === 0 ? [] : ["request?: Request"])]
    : ["resourceId", "userId", "metadata", ...(readers.length === 0 ? [] : ["request"])];
  const members = [
    `action: ${quote}${action}${quote}`,
    `resourceType: ${quote}${resourceType}${quote}`,
    "resourceId",
    "userId",
    "details: metadata",
    ...readers.map(([member, reader]) => `${member}: request ? ${reader}(request) : undefined`),
  ];
  if (!isOnOwnLine) return `${name}: (${parameters.join(", ")}) => logAudit({ ${members.join(", ")} })`;
  const lines = (items: readonly string[], depth: number): string[] =>
    items.map((item, i) => `${indent}${step.repeat(depth)}${item}${i < items.length - 1 || hasTrailingComma ? "," : ""}`);
  return [
    `${name}: (`,
    ...lines(parameters, 1),
    `${indent}) =>`,
    `${indent}${step}logAudit({`,
    ...lines(members, 2),
    `${indent}${step}})`,
  ].join(lineEnd);
}

function addResourceType(
  tree: SyntaxTree,
  fileName: string,
  resourceType: string,
  { quote, lineEnd }: TextStyle,
  told: string[],
): TextInsertion[] {
  const type = findResourceType(tree);
  if (type === undefined) {
    told.push(`no ResourceType is declared here: see that the one in use takes "${resourceType}"`);
    return [];
  }
  const members = type.type === "TSUnionType" ? (type.types as readonly SyntaxNode[]) : [type];
  const last = members.at(-1);
  const texts = members.map((member) => (member.type === "TSLiteralType" ? textOf(member.literal) : undefined));
  if (texts.includes(resourceType) || members.some(({ type: kind }) => kind === "TSStringKeyword")) return [];
  if (last === undefined || texts.every((text) => text === undefined))
    throw new CommandError(
      `${fileName}:${lineAt(tree.text, type.start)}: ResourceType is no union of texts, so that "${resourceType}" cannot be added to it. Add it by hand, and run this again.`,
    );
  told.push(`added "${resourceType}" to ResourceType`);
  const literal = `| ${quote}${resourceType}${quote}`;
  const before = members.at(-2);
  const lineStart = tree.text.lastIndexOf("\n", last.start) + 1;
  const isOwnLine = /^\s*\|\s*$/.test(tree.text.slice(lineStart, last.start)) && (before === undefined || before.end <= lineStart);
  return [{ at: last.end, text: isOwnLine ? `${lineEnd}${indentAt(tree.text, last.start)}${literal}` : ` ${literal}` }];
}

/** Reads the result once more: a file that this would break is left alone. */
function confirm(parse: Parse, fileName: string, edited: string, action: string): void {
  let isThere = false;
  try {
    isThere = findCatalogs(parse(fileName, edited)).some(({ entries }) => entries.some((entry) => entry.action === action));
  } catch {
    // What cannot be read any more is told below.
  }
  if (!isThere)
    throw new CommandError(`${fileName} is written in a way that ${action} cannot be added to. Nothing was changed; add it by hand.`);
}
