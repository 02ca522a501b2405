import { createHash } from "node:crypto";
import { type SqlToken, sqlTokens } from "./sql-tokens.ts";

/** Characters of a preview, unless asked for otherwise. */
const PREVIEW_CHARS_DEFAULT = 200;

/**
 * The same for a query with other values, white space, comments, key words in other case, other lengths of `IN (…)` and other numbers of rows: SHA-256 in 64 hexadecimal digits.
 * Of a text of more than 100,000 characters, or from where a value cannot be told from code, only the beginning counts. Never throws.
 */
export function queryHash(sql: string): string {
  const tokens = readTokens(sql);
  const shape = tokens
    .filter(({ kind, text }, index) => !(kind === "symbol" && text === ";" && index === tokens.length - 1) && !isSign(tokens, index))
    .map((token) => {
      if (token.kind === "word") return token.text.toLowerCase();
      return token.kind === "mark" ? "?" : shown(token);
    })
    .join(" ")
    .replace(/\bin \( \?(?: , \?)* \)/g, "in ( ? )")
    .replace(/(\( \?(?: , \?)* \))(?: , \( \?(?: , \?)* \))+/g, "$1");
  return createHash("sha256").update(shape).digest("hex");
}

/**
 * A query in one line, with `?` for each string and number and without comments, cut to `max` characters: it can be recorded where values must not be. What is in
 * double quotes is shown only where it must be a name, and nothing from where dialects would read a text differently. Never throws.
 */
export function queryPreview(sql: string, max: number = PREVIEW_CHARS_DEFAULT): string {
  const text = readTokens(sql)
    .map((token, index) => `${token.isSpaced && index > 0 ? " " : ""}${shown(token)}`)
    .join("");
  const limit = Number.isFinite(max) ? Math.max(0, Math.floor(max)) : PREVIEW_CHARS_DEFAULT;
  if (text.length <= limit) return text;
  return limit === 0 ? "" : `${text.slice(0, limit - 1).toWellFormed()}…`;
}

/**
 * The tables that a query reads or writes, in the order in which it names them, as it writes them but without quotes: `users`, `public.orders`. Names of `WITH` and
 * functions are none. Statements but SELECT, INSERT, UPDATE, DELETE, MERGE and REPLACE, and texts that are not understood, give an empty list. Never throws.
 */
export function tablesAccessed(sql: string): string[] {
  const tokens = readTokens(sql);
  if (tokens.at(-1)?.kind === "cut") return [];
  const found = new Set<string>();
  const common = commonTables(tokens);
  const levels: Level[] = [startLevel(false)];
  let isExpected = false;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index] as SqlToken;
    const level = levels.at(-1) as Level;
    const word = wordOf(token);
    if (isExpected) {
      if (MODIFIERS.has(word)) continue;
      isExpected = false;
      if (token.text === "(" && token.kind === "symbol") {
        const inner = wordOf(tokens[index + 1]);
        isExpected = !QUERY_WORDS.has(inner);
        levels.push(startLevel(isExpected));
        continue;
      }
      const table = tableAt(tokens, index);
      if (table === undefined) return [];
      const isFunction = tokens[table.end]?.text === "(" && !level.isInto && !HINT_WORDS.has(wordOf(tokens[table.end - 1]));
      if (!isFunction && !common.has(table.name.toLowerCase())) found.add(table.name);
      level.isInto = false;
      index = table.end - 1;
      continue;
    }
    if (token.kind === "symbol") {
      if (token.text === "(") levels.push(startLevel(false));
      else if (token.text === ")") {
        if (levels.length === 1) return [];
        levels.pop();
      } else if (token.text === ";") levels.splice(0, levels.length, startLevel(false));
      else if (token.text === "," && level.isInFrom) isExpected = true;
      continue;
    }
    if (token.kind !== "word") continue;
    if (level.first === undefined) {
      level.first = word;
      if (levels.length === 1 && !STATEMENTS.has(word)) return [];
      if ((word === "insert" || word === "replace") && !hasInto(tokens, index) && tokens[index + 1]?.text !== "(") return [];
    }
    if (CLAUSE_ENDS.has(word)) level.isInFrom = false;
    if (expectsTable(tokens, index, level, levels.length)) {
      isExpected = true;
      level.isInto = word === "into";
      level.isInFrom = word !== "into" && (word !== "join" || level.isInFrom);
    }
  }
  return isExpected || levels.length !== 1 ? [] : [...found];
}

interface Level {
  /** The first word behind the parenthesis: what kind of list this is. */
  first: string | undefined;
  /** A comma separates tables. */
  isInFrom: boolean;
  /** The next table may have a list of columns behind it. */
  isInto: boolean;
}

const STATEMENTS: ReadonlySet<string> = new Set(["select", "insert", "update", "delete", "merge", "replace", "with"]);
const QUERY_WORDS: ReadonlySet<string> = new Set(["select", "with", "values", "insert", "update", "delete"]);
const MODIFIERS: ReadonlySet<string> = new Set(["only", "lateral", "low_priority", "ignore"]);
const HINT_WORDS: ReadonlySet<string> = new Set(["with"]);
const CLAUSE_ENDS: ReadonlySet<string> = new Set(
  "select where group order having limit offset union intersect except window fetch for set values returning qualify when then".split(" "),
);
/** Words that are no table's name unless they are quoted. */
const RESERVED: ReadonlySet<string> = new Set(
  "select from where join on using set values into as and or not null case when then else end group order by having limit offset union intersect except all distinct with inner left right full outer cross natural update delete insert merge table top outfile dumpfile in is like between exists returning unnest rows".split(
    " ",
  ),
);

function startLevel(isInFrom: boolean): Level {
  // A list of tables in parentheses is part of the query around it.
  return { first: isInFrom ? "from" : undefined, isInFrom, isInto: false };
}

function readTokens(sql: string): readonly SqlToken[] {
  if (typeof sql !== "string") return [];
  return namesToldApart(sqlTokens(sql));
}

/** Takes what is in double quotes for a name only where a value cannot stand. */
function namesToldApart(tokens: readonly SqlToken[]): readonly SqlToken[] {
  const levels: (string | undefined)[] = [undefined];
  return tokens.map((token, index) => {
    const word = wordOf(token);
    if (token.kind === "symbol" && token.text === "(") levels.push(undefined);
    else if (token.kind === "symbol" && token.text === ")" && levels.length > 1) levels.pop();
    else if (token.kind === "word") levels[levels.length - 1] ??= word;
    if (token.kind !== "text") return token;
    const before = tokens[index - 1];
    const isPart = isDot(before) || isDot(tokens[index + 1]);
    const first = levels.at(-1);
    // In `trim(both "x" from "y")` no table follows.
    const isTable = TABLE_PREFIXES.has(wordOf(before)) && (wordOf(before) !== "from" || (first !== undefined && STATEMENTS.has(first)));
    return isPart || isTable ? { ...token, kind: "name" as const } : { ...token, kind: "value" as const, text: "" };
  });
}

const TABLE_PREFIXES: ReadonlySet<string> = new Set(["from", "join", "into", "update", "table"]);

function shown({ kind, text }: SqlToken): string {
  if (kind === "value") return "?";
  if (kind === "name") return `"${text}"`;
  return kind === "cut" ? "…" : text;
}

/** A sign of a number: the number is a value, and so is its sign. */
function isSign(tokens: readonly SqlToken[], index: number): boolean {
  const { kind, text } = tokens[index] as SqlToken;
  const before = tokens[index - 1];
  return (
    kind === "symbol" &&
    (text === "-" || text === "+") &&
    tokens[index + 1]?.kind === "value" &&
    before?.kind === "symbol" &&
    !")]".includes(before.text)
  );
}

function wordOf(token: SqlToken | undefined): string {
  return token?.kind === "word" ? token.text.toLowerCase() : "";
}

function isDot(token: SqlToken | undefined): boolean {
  return token?.kind === "symbol" && token.text === ".";
}

function isName(token: SqlToken | undefined): token is SqlToken {
  return token?.kind === "name" || (token?.kind === "word" && !/^[@:]/.test(token.text));
}

function tableAt(tokens: readonly SqlToken[], start: number): { name: string; end: number } | undefined {
  const first = tokens[start];
  if (!isName(first) || RESERVED.has(wordOf(first))) return wordOf(first) === "unnest" ? { name: "unnest", end: start + 1 } : undefined;
  const parts = [first.text];
  let end = start + 1;
  while (isDot(tokens[end])) {
    const part = tokens[end + 1];
    if (isName(part)) parts.push(part.text);
    else return undefined;
    end += 2;
  }
  return { name: parts.join("."), end };
}

function expectsTable(tokens: readonly SqlToken[], index: number, { first }: Level, depth: number): boolean {
  const before = tokens[index - 1];
  switch (wordOf(tokens[index])) {
    case "join":
    case "into":
      return true;
    case "from":
      // Not in `extract(year from at)` and `a is distinct from b`.
      return (
        (depth === 1 || (first !== undefined && (QUERY_WORDS.has(first) || first === "from"))) &&
        !(wordOf(before) === "distinct" && /^(is|not)$/.test(wordOf(tokens[index - 2])))
      );
    case "update":
      // Not in `for update`, `do update` and `on duplicate key update`.
      return before === undefined || (before.kind === "symbol" && ";()".includes(before.text));
    case "merge":
      return wordOf(tokens[index + 1]) !== "into" && (before === undefined || before.text === ";");
    case "using":
      return (first === "delete" || first === "merge" || first === "with") && tokens[index + 1]?.text !== "(";
    default:
      return false;
  }
}

/** Words may stand between `insert` and `into`. */
function hasInto(tokens: readonly SqlToken[], index: number): boolean {
  return tokens.slice(index + 1, index + 5).some((token) => wordOf(token) === "into");
}

/** Names that `with` gives to queries, in lower case. */
function commonTables(tokens: readonly SqlToken[]): ReadonlySet<string> {
  const names = new Set<string>();
  if (!tokens.some((token) => wordOf(token) === "with")) return names;
  const opened: number[] = [];
  let closedFrom = -1;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "symbol" && token.text === "(") opened.push(index);
    else if (token.kind === "symbol" && token.text === ")") closedFrom = opened.pop() ?? -1;
    if (wordOf(token) !== "as" || !/^(|not|materialized)$/.test(wordOf(tokens[index + 1]))) continue;
    const before = tokens[index - 1];
    const name = before?.text === ")" && before.kind === "symbol" ? tokens[closedFrom - 1] : before;
    if (name !== undefined && isName(name)) names.add(name.text.toLowerCase());
  }
  return names;
}
