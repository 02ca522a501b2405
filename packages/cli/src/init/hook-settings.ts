import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { getNodeValue, type Node } from "jsonc-parser";
import type { HookedAgent, WantedHook } from "./hooked-agent.ts";
import { insertAtEnd } from "./insertion.ts";
import { doingOf, isOwnDoing } from "./own-handler.ts";
import { isAlone, isEmpty, likelySuffix, removalOf } from "./removal.ts";
import {
  applyEdits,
  type Edit,
  endOf,
  faultAt,
  indentUnitOf,
  lineBreakOf,
  memberOf,
  parseSettings,
  propertiesOf,
} from "./settings-text.ts";

/** What has to be known of an insertion to take it out again exactly. It holds nothing of the settings but what was inserted. */
export interface Inserted {
  readonly beforeSha256: string;
  readonly afterSha256: string;
  /** What was inserted, in UTF-16 units of the text after it. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
  /** Objects and arrays that were made: `hooks`, `hooks/PreToolUse`; the empty name is the root. */
  readonly created: readonly string[];
  /** What was put before the end of objects and arrays, by the same names. */
  readonly suffixes: Readonly<Record<string, string>>;
  /** The line break that was put before a root that was made. */
  readonly prefix: string;
  /** What the handlers do that were inserted. */
  readonly doings: readonly string[];
}

/** A text with the hooks in it. */
export interface WithHooks {
  readonly text: string;
  readonly inserted: Inserted;
}

/** How hooks were taken out: as exactly what was put in, or handler by handler because the text has changed since or nothing is remembered. */
export interface WithoutHooks {
  readonly text: string;
  readonly way: "exact" | "handlers" | "nothing";
}

/** Name of the root among the containers. */
const ROOT = "";
const HOOKS = "hooks";

/**
 * Puts the hooks into a settings text that holds none of them, by insertions only: everything else stays, byte for byte and in its order.
 *
 * @param name The file, for messages.
 * @throws {CommandError} as `parseSettings`; also where `hooks` or an event is of another type or stands twice. Rules: INIT-1, INIT-4.
 */
export function addHooks(text: string, wanted: readonly WantedHook[], agent: HookedAgent, name: string): WithHooks {
  const tree = parseSettings(text, name);
  const created: string[] = [];
  const suffixes: Record<string, string> = {};
  const edits: Edit[] = [];
  if (tree === undefined) {
    // No value at all: the object that is missing comes behind what there is, and is filled as any other.
    const prefix = text.replace(/^\uFEFF/, "") === "" || /[\r\n]$/.test(text) ? "" : lineBreakOf(text);
    const filled = addHooks(`${text}${prefix}{}`, wanted, agent, name);
    return {
      text: filled.text,
      inserted: {
        ...filled.inserted,
        beforeSha256: sha256Of(text),
        ranges: [{ start: text.length, end: filled.text.length }],
        created: [ROOT, ...filled.inserted.created],
        prefix,
      },
    };
  }
  const unit = indentUnitOf(text, tree);
  const hooks = only(text, tree, HOOKS, "object", name);
  const insert = (container: Node, path: string, render: (indent: string, lineBreak: string) => readonly string[]): void => {
    const insertion = insertAtEnd(text, container, unit, render);
    edits.push(...insertion.edits);
    if (insertion.suffix !== "") suffixes[path] = insertion.suffix;
  };
  const byEvent = new Map<string, unknown[]>();
  for (const { event, handler } of wanted) {
    const group = agent.isGrouped ? { hooks: [handler] } : handler;
    byEvent.set(event, [...(byEvent.get(event) ?? []), group]);
  }
  const fresh: [string, unknown[]][] = [];
  for (const [event, groups] of byEvent) {
    const present = hooks === undefined ? undefined : only(text, hooks, event, "array", name);
    if (present === undefined) fresh.push([event, groups]);
    else insert(present, `${HOOKS}/${event}`, () => groups.map(lineText));
  }
  created.push(...fresh.map(([event]) => `${HOOKS}/${event}`));
  if (hooks === undefined) {
    created.push(HOOKS);
    insert(tree, ROOT, (indent, lineBreak) => [`${JSON.stringify(HOOKS)}: ${hooksText(fresh, unit, indent, lineBreak)}`]);
  } else if (fresh.length > 0) {
    insert(hooks, HOOKS, (indent, lineBreak) =>
      fresh.map(([event, groups]) => `${JSON.stringify(event)}: ${groupsText(groups, unit, indent, lineBreak)}`),
    );
  }
  const after = applyEdits(text, edits);
  const doings = [...new Set(wanted.map(({ handler }) => doingOf(handler)).filter((doing) => doing !== undefined))];
  return {
    text: after,
    inserted: {
      beforeSha256: sha256Of(text),
      afterSha256: sha256Of(after),
      ranges: rangesOf(edits),
      created,
      suffixes,
      prefix: "",
      doings,
    },
  };
}

/**
 * Takes the hooks out again. Unchanged since they were put in, the text becomes what it was, byte for byte; else every handler of ours
 * goes, wherever it stands, and what was made for it where nothing else is in it. Rules: INIT-3, INIT-5.
 *
 * @param inserted What is remembered. Without it, what is empty afterwards counts as made by `init`.
 */
export function removeHooks(text: string, agent: HookedAgent, name: string, inserted: Inserted | undefined): WithoutHooks {
  if (inserted !== undefined && sha256Of(text) === inserted.afterSha256) {
    const edits = inserted.ranges.map(({ start, end }) => ({ start, end, text: "" }));
    const before = applyEdits(text, edits);
    if (sha256Of(before) === inserted.beforeSha256) return { text: before, way: "exact" };
  }
  let current = text;
  let isFound = false;
  for (const isOwn of ownersOf(text, agent, name, inserted)) {
    for (;;) {
      const next = withoutOne(current, agent, name, inserted, isOwn);
      if (next === undefined) break;
      current = next;
      isFound = true;
    }
  }
  if (isFound || inserted !== undefined) current = withoutEmpty(current, name, inserted);
  return { text: current, way: current === text ? "nothing" : "handlers" };
}

/** Whether the hooks that are wanted are there, each once, and no other one of ours: then there is nothing to do, however they are written. */
export function hasHooks(text: string, wanted: readonly WantedHook[], agent: HookedAgent, name: string, inserted?: Inserted): boolean {
  const isOwn = (doing: string): boolean => isOwnDoing(doing, agent.name) || (inserted?.doings.includes(doing) ?? false);
  const found = handlersOf(parseSettings(text, name), agent).filter(({ doing }) => doing !== undefined && isOwn(doing));
  // A group with a matcher that was added by hand still holds the hook; narrowing it is a decision of whoever did that.
  const present = found.map(({ event, node }) => ({ event, handler: plain(getNodeValue(node)) }));
  return present.length === wanted.length && wanted.every((hook) => present.some((one) => isDeepStrictEqual(one, hook)));
}

/** The parser makes objects without a prototype, which are not equal to others. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

/** The events below which something stands that is not what an agent takes: told, not touched. */
export function oddEventsOf(text: string, name: string): string[] {
  const hooks = memberOf(parseSettings(text, name), HOOKS);
  return (hooks?.type === "object" ? (hooks.children ?? []) : [])
    .filter((property) => property.children?.[1]?.type !== "array")
    .map((property) => String(property.children?.[0]?.value));
}

interface FoundHandler {
  readonly event: string;
  readonly doing: string | undefined;
  /** The handler. */
  readonly node: Node;
  /** The array below the event. */
  readonly eventNode: Node;
}

function handlersOf(tree: Node | undefined, agent: HookedAgent): FoundHandler[] {
  const found: FoundHandler[] = [];
  const hooks = memberOf(tree, HOOKS);
  for (const property of hooks?.type === "object" ? (hooks.children ?? []) : []) {
    const [key, eventNode] = property.children ?? [];
    if (eventNode?.type !== "array") continue;
    for (const element of eventNode.children ?? []) {
      const list = agent.isGrouped ? memberOf(element, HOOKS) : undefined;
      const nodes = agent.isGrouped ? (list?.type === "array" ? (list.children ?? []) : []) : [element];
      for (const node of nodes) found.push({ event: String(key?.value), doing: doingOf(getNodeValue(node)), node, eventNode });
    }
  }
  return found;
}

/** First what is remembered; where none of that is found, whatever looks as if `init` had written it. */
function* ownersOf(text: string, agent: HookedAgent, name: string, inserted: Inserted | undefined): Generator<(doing: string) => boolean> {
  const isRemembered = (doing: string): boolean => inserted?.doings.includes(doing) ?? false;
  const hasRemembered = handlersOf(parseSettings(text, name), agent).some(({ doing }) => doing !== undefined && isRemembered(doing));
  yield hasRemembered ? isRemembered : (doing) => isOwnDoing(doing, agent.name);
}

/** Without the first handler of ours, and without what held nothing but it. */
function withoutOne(
  text: string,
  agent: HookedAgent,
  name: string,
  inserted: Inserted | undefined,
  isOwn: (doing: string) => boolean,
): string | undefined {
  const found = handlersOf(parseSettings(text, name), agent).find(({ doing }) => doing !== undefined && isOwn(doing));
  if (found === undefined) return undefined;
  // Without a memory, the blanks at the end go where nothing else is left.
  const suffixOf = (path: string, element: Node): string => {
    if (inserted !== undefined) return inserted.suffixes[path] ?? "";
    return element.parent !== undefined && isAlone(text, element) ? likelySuffix(text, element.parent) : "";
  };
  const isCreated = (path: string): boolean => inserted === undefined || inserted.created.includes(path);
  const eventPath = `${HOOKS}/${found.event}`;
  const group = found.node.parent?.parent?.parent;
  if (agent.isGrouped && (group === undefined || !isAlone(text, found.node))) return applyEdits(text, removalOf(text, found.node, ""));
  const element = agent.isGrouped ? group : found.node;
  if (element === undefined) throw new Error("A group holds its handler.");
  if (!isAlone(text, element) || !isCreated(eventPath)) {
    return applyEdits(text, removalOf(text, element, suffixOf(eventPath, element)));
  }
  return withoutProperty(text, found.eventNode.parent, isCreated, suffixOf);
}

/** Takes out the member of an event, or `hooks` where it was the only one. */
function withoutProperty(
  text: string,
  event: Node | undefined,
  isCreated: (path: string) => boolean,
  suffixOf: (path: string, element: Node) => string,
): string {
  if (event?.parent === undefined) throw new Error("An event is a member of hooks.");
  if (!isAlone(text, event) || !isCreated(HOOKS)) return applyEdits(text, removalOf(text, event, suffixOf(HOOKS, event)));
  const hooks = event.parent.parent;
  if (hooks === undefined) throw new Error("hooks is a member of the settings.");
  return applyEdits(text, removalOf(text, hooks, suffixOf(ROOT, hooks)));
}

/** Without what `init` had made and somebody else has emptied, and without a root that it made. */
function withoutEmpty(text: string, name: string, inserted: Inserted | undefined): string {
  if (inserted === undefined) return text;
  let current = text;
  for (const path of inserted.created.filter((one) => one !== ROOT)) {
    const tree = parseSettings(current, name);
    const [first = "", second] = path.split("/");
    const holder = second === undefined ? tree : memberOf(tree, first);
    const property = propertiesOf(holder, second ?? first).at(-1);
    const value = property?.children?.[1];
    if (property !== undefined && value !== undefined && value.children !== undefined && isEmpty(current, value))
      current = applyEdits(current, removalOf(current, property, inserted.suffixes[second === undefined ? ROOT : first] ?? ""));
  }
  const tree = inserted.created.includes(ROOT) ? parseSettings(current, name) : undefined;
  if (tree === undefined || !isEmpty(current, tree)) return current;
  const outside = current.slice(0, tree.offset);
  const start = outside.length - (outside.endsWith(inserted.prefix) ? inserted.prefix.length : 0);
  return current.slice(0, start) + current.slice(endOf(tree));
}

/** The one member with this name and type. */
function only(text: string, holder: Node, key: string, type: "object" | "array", name: string): Node | undefined {
  const properties = propertiesOf(holder, key);
  const [property, second] = properties;
  if (second !== undefined) throw faultAt(text, second.offset, name, `has ${JSON.stringify(key)} twice`);
  const value = property?.children?.[1];
  if (value !== undefined && value.type !== type) {
    throw faultAt(text, value.offset, name, `has ${JSON.stringify(key)} with something else than an ${type}`);
  }
  return value;
}

/** The value of `hooks`: each event on lines of its own. */
function hooksText(events: readonly (readonly [string, readonly unknown[]])[], unit: string, indent: string, lineBreak: string): string {
  const inner = indent + unit;
  const members = events.map(([event, groups]) => `${inner}${JSON.stringify(event)}: ${groupsText(groups, unit, inner, lineBreak)}`);
  return `{${lineBreak}${members.join(`,${lineBreak}`)}${lineBreak}${indent}}`;
}

/** The value of an event: a line for each group. */
function groupsText(groups: readonly unknown[], unit: string, indent: string, lineBreak: string): string {
  const lines = groups.map((group) => `${indent}${unit}${lineText(group)}`);
  return `[${lineBreak}${lines.join(`,${lineBreak}`)}${lineBreak}${indent}]`;
}

/** JSON in one line, with blanks: there are many hooks, and people read them. */
function lineText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(lineText).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([name, one]) => `${JSON.stringify(name)}: ${lineText(one)}`)
    .join(", ")} }`;
}

/** Where insertions stand after all of them were made. */
function rangesOf(edits: readonly Edit[]): { start: number; end: number }[] {
  let shift = 0;
  return [...edits]
    .sort((left, right) => left.start - right.start)
    .map(({ start, text }) => {
      const range = { start: start + shift, end: start + shift + text.length };
      shift += text.length;
      return range;
    });
}

/** SHA-256 of a text's UTF-8 bytes in lowercase hexadecimal. */
function sha256Of(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
