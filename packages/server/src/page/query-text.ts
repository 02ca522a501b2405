/**
 * The text of the search box and the parameters that it stands for. Rules: PAGE-5, PAGE-6.
 *
 * Bare words and quoted phrases are searched for in the text of entries. `name:value` is a filter; a value with spaces stands in double quotes,
 * in which `\"` and `\\` are a quote and a backslash. Names are not checked here: the server knows them and says which one was meant.
 */

/** One filter or parameter as it is sent. A value may begin with `!` for NOT. */
export interface QueryFilter {
  readonly name: string;
  readonly value: string;
}

export interface Query {
  readonly filters: readonly QueryFilter[];
  /** Words to find, joined by spaces; a phrase stands in double quotes. Empty when there are none. */
  readonly text: string;
}

/** Parameters that change how results are listed, not what matches. Only the search takes them. */
const LISTING_NAMES: ReadonlySet<string> = new Set(["order", "deeds", "deed", "limit"]);

type Token = { readonly word: string } | { readonly phrase: string } | QueryFilter;

/** Reads the box. Every text has a meaning: an unclosed quote ends at the end of the text. */
export function parseQuery(box: string): Query {
  const tokens = tokensOf(box);
  const words = tokens.flatMap((token) => {
    if ("word" in token) return [token.word];
    // The server knows no quote inside a phrase; what stands around it is still found.
    if ("phrase" in token) return [`"${token.phrase.replaceAll('"', " ")}"`];
    return [];
  });
  return { filters: tokens.filter((token) => "name" in token), text: words.join(" ") };
}

/** Query parameters of `GET /api/v1/events`, in the order of the box. */
export function searchParameters(query: Query): (readonly [name: string, value: string])[] {
  const pairs = query.filters.map(({ name, value }) => [name, value] as const);
  return query.text === "" ? pairs : [...pairs, ["text", query.text]];
}

/** The parameters that say what matches: those that the counts and the tail take. */
export function matchParameters(query: Query): (readonly [name: string, value: string])[] {
  return searchParameters(query).filter(([name]) => !LISTING_NAMES.has(name));
}

/** The action of entries that tell of reading the trail: this page causes some itself. */
export const READ_ACTION = "audit.log.read";

/** The query without entries that tell of reading the trail. A query that asks for actions of its own is left as it is. */
export function withoutReads(query: Query): Query {
  const asksForActions = query.filters.some(({ name, value }) => name === "action" && !value.startsWith("!"));
  return asksForActions ? query : { ...query, filters: [...query.filters, { name: "action", value: `!${READ_ACTION}` }] };
}

/** One filter as it is written in the box. */
export function formatFilter({ name, value }: QueryFilter): string {
  const isPlain = value !== "" && !/[\s"]/u.test(value) && !value.startsWith("//");
  return `${name}:${isPlain ? value : quote(value)}`;
}

/** The filter that finds exactly this value, whatever it begins with. */
export function filterFor(name: string, value: string): QueryFilter {
  return { name, value: /^\\*!/.test(value) ? `\\${value}` : value };
}

/**
 * The box with one filter set, changed or (with an empty value) removed. What else the box holds stays as it was written, but for a quote that
 * was never closed: it would swallow what follows.
 *
 * @param filter Takes the place of the first filter of its name; further ones of that name go.
 */
export function withFilter(box: string, filter: QueryFilter): string {
  const parts = partsOf(box);
  const kept: string[] = [];
  let isDone = filter.value === "";
  for (const part of parts) {
    const token = tokenOf(part);
    if (!("name" in token) || token.name !== filter.name) kept.push(closed(part, token));
    else if (!isDone) {
      kept.push(formatFilter(filter));
      isDone = true;
    }
  }
  if (!isDone) kept.push(formatFilter(filter));
  return kept.join(" ");
}

/** The value of the only filter of this name; empty when there is none or more than one. */
export function soleValue(query: Query, name: string): string {
  const values = query.filters.filter((filter) => filter.name === name);
  return values.length === 1 ? (values[0]?.value ?? "") : "";
}

function quote(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function closed(part: string, token: Token): string {
  const isOpen = /^(?:[A-Za-z][\w.-]*:)?"/u.test(part) && !/^[^"]*"(?:[^"\\]|\\[\s\S])*"$/u.test(part);
  if (!isOpen || "word" in token) return part;
  return "phrase" in token ? quote(token.phrase) : formatFilter(token);
}

function unquote(text: string): string {
  return text.replace(/\\(["\\])/g, "$1");
}

// A name, a value with a quoted part, or what stands between white space. A quote that is never closed reaches to the end.
const PART = /(?:[A-Za-z][\w.-]*:)?"(?:[^"\\]|\\[\s\S])*(?:"|$)|\S+/gu;

function partsOf(box: string): string[] {
  return box.match(PART) ?? [];
}

function tokensOf(box: string): Token[] {
  return partsOf(box).map(tokenOf);
}

function tokenOf(part: string): Token {
  const quoted = /^(?:([A-Za-z][\w.-]*):)?"([\s\S]*)$/u.exec(part);
  if (quoted !== null) {
    const [, name, rest = ""] = quoted;
    const text = unquote(/^(?:[^"\\]|\\[\s\S])*/.exec(rest)?.[0] ?? rest);
    return name === undefined ? { phrase: text } : { name, value: text };
  }
  // Neither an address such as http://… nor a colon with nothing behind it is a filter.
  const plain = /^([A-Za-z][\w.-]*):(?!\/\/)(.+)$/u.exec(part);
  if (plain === null) return { word: part };
  return { name: plain[1] ?? "", value: plain[2] ?? "" };
}
