/** What the list says of an entry, in a few words each. Erased parts are named, not left blank. */

import type { EntryView } from "@vouchtrail/events";
import { isObject } from "./sealed-event.ts";

/** An entry as a search or the tail gives it. Only a search knows how it stands to its deed. */
export type ListedEntry = EntryView & { readonly counted?: boolean; readonly deed?: string };

/** The value at a path, or undefined wherever the path ends early. Events come without the fields of erased sections. */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  return found;
}

/** The text or number at a path as text; undefined for anything else. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = valueAt(value, ...path);
  return typeof found === "string" || typeof found === "number" || typeof found === "boolean" ? String(found) : undefined;
}

/** A name, else an id; `erased` is what stands where a section is gone. */
export interface Shown {
  readonly text: string;
  readonly isErased: boolean;
}

export function actorOf(entry: ListedEntry): Shown {
  return nameOf(entry, "actor", "personal");
}

export function targetOf(entry: ListedEntry): Shown {
  const isPersonal = isGone(entry, "personal") && textAt(entry.event, "target", "id") === undefined;
  return nameOf(entry, "target", isPersonal ? "personal" : "content");
}

/** The tool, or what else the agent did; empty for what no agent did. */
export function activityOf({ event }: ListedEntry): string {
  const name = textAt(event, "activity", "name") ?? "";
  const type = textAt(event, "activity", "type") ?? "";
  return type === "" || type === "tool" || type === name ? name : `${type}: ${name}`;
}

/** How the entry stands to its deed: `counted`, `told again`, `intent`, `no deed` (entries of the server itself); empty where nothing is known yet. */
export function countingOf(entry: ListedEntry): string {
  if (entry.counted === undefined) return "";
  if (entry.counted) return "counted";
  if (entry.deed === undefined && textAt(entry.event, "phase") === undefined) return "no deed";
  return textAt(entry.event, "phase") === "intent" ? "intent" : "told again";
}

function nameOf(entry: ListedEntry, member: "actor" | "target", section: "personal" | "content"): Shown {
  const text = textAt(entry.event, member, "name") ?? textAt(entry.event, member, "id");
  if (text !== undefined) return { text, isErased: false };
  return { text: isGone(entry, section) ? "erased" : "", isErased: isGone(entry, section) };
}

function isGone({ sections }: ListedEntry, section: "personal" | "content"): boolean {
  const state = sections[section]?.state;
  return state === "erased" || state === "missing";
}
