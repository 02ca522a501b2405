/** What a leaf and its disclosures say, next to what was shown. Rule: PAGE-11. */

/** A JSON object as it was parsed. */
export type Json = Readonly<Record<string, unknown>>;

// Members of the leaf that are about the entry, not part of the event.
const ENTRY_MEMBERS: ReadonlySet<string> = new Set(["schema", "sections", "_sd", "received", "redactions", "system"]);
/** In the content section, about the entry too. */
const CONTENT_ENTRY_MEMBER = "redactedLengths";

/** The event that a leaf and the sections that are still there hold together. */
export function sealedEvent(leaf: Json, sections: readonly Json[]): Json {
  const own = Object.fromEntries(Object.entries(leaf).filter(([name]) => !ENTRY_MEMBERS.has(name)));
  return sections.reduce<Json>((event, section) => {
    const members = Object.fromEntries(Object.entries(section).filter(([name]) => name !== CONTENT_ENTRY_MEMBER));
    return merged(event, members);
  }, own);
}

/** Objects join member by member, as deep as they go; anything else of the second takes the place of the first. */
function merged(first: Json, second: Json): Json {
  // Through entries, not by assignment: a member may be called __proto__.
  const members = new Map(Object.entries(first));
  for (const [name, value] of Object.entries(second)) {
    const there = members.get(name);
    members.set(name, isObject(there) && isObject(value) ? merged(there, value) : value);
  }
  return Object.fromEntries(members);
}

/** The path of the first place where two JSON values differ, such as `actor.id`; undefined when they are the same. Order of members is nothing. */
export function firstDifference(a: unknown, b: unknown, path = ""): string | undefined {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return path;
    return firstOf(a.keys(), (i) => firstDifference(a[i], b[i], `${path}[${i}]`));
  }
  if (!isObject(a) || !isObject(b)) return Object.is(a, b) ? undefined : path;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return firstOf(names, (name) => {
    const here = path === "" ? name : `${path}.${name}`;
    return Object.hasOwn(a, name) && Object.hasOwn(b, name) ? firstDifference(a[name], b[name], here) : here;
  });
}

function firstOf<T>(items: Iterable<T>, find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
