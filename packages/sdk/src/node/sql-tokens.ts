/**
 * A part of an SQL text.
 *
 * `word`: a key word or a name. `name`: a quoted name. `text`: in double quotes, which are a name in standard SQL and a value in MySQL. `value`: a string or number.
 * `mark`: a placeholder. `cut`: from here on it cannot be told what is a value; always last.
 */
export interface SqlToken {
  readonly kind: "word" | "name" | "text" | "value" | "mark" | "symbol" | "cut";
  /** As written; empty for values. Names are without their quotes. */
  readonly text: string;
  /** White space or a comment stood before it. */
  readonly isSpaced: boolean;
}

/** Characters that are read. Longer statements are generated; their beginning tells what they do. */
const SQL_CHARS_MAX = 100_000;

const SPACE = /[\s\u0000]+/y;
const WORD = /(?:@@?|:)?[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\.?\d(?:[\w.$\u0080-\uffff]|(?<=[\d.][eE])[+-](?=\d))*/y;
const MARK = /\$\d+|:\d+|\?\d*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const BRACKETED = /\[([A-Za-z_][\w $#@.-]{0,127})\]/y;
const QUOTE_IN_BRACKETS = /\[[^\]]{0,128}['"`$]/y;
const TEMPORARY_TABLE = /##?[A-Za-z_]\w*/y;
const TABLE_WORDS: ReadonlySet<string> = new Set(["from", "into", "join", "update", "table"]);
/** Letters before a quote that belong to the string. */
const PREFIXES: ReadonlySet<string> = new Set(["n", "b", "x", "e", "r", "rb", "br", "q", "nq"]);
const PAIRS: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}", "<": ">" };

/**
 * The parts of an SQL text of any dialect, without comments. Never throws, in time linear to the text.
 *
 * Dialects differ in where a string ends: a backslash before a quote, three quotes, `#`, nested comments. Where two of them would read a text differently it is
 * cut, so that no value is ever taken for a word.
 */
export function sqlTokens(sql: string): readonly SqlToken[] {
  const text = sql.slice(0, SQL_CHARS_MAX);
  const tokens: SqlToken[] = [];
  let [at, isSpaced, isCut] = [0, false, false];
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const push = (kind: SqlToken["kind"], shown: string, end: number): void => {
    tokens.push({ kind, text: shown, isSpaced });
    [at, isSpaced] = [end, false];
  };
  /** A quoted part ends at `end`; undefined: nobody can tell. */
  const quoted = (kind: "name" | "text" | "value", end: number | undefined): void => {
    const isClosed = end !== undefined && end <= text.length;
    if (isClosed) push(kind, kind === "value" ? "" : text.slice(at + 1, end - 1), end);
    else push("value", "", text.length);
    if (!isClosed) isCut = true;
  };

  while (at < text.length && !isCut) {
    const space = match(SPACE);
    if (space !== null) {
      at = SPACE.lastIndex;
      isSpaced = true;
      continue;
    }
    const char = text[at] as string;
    const previous = tokens.at(-1);
    const comment = commentEnd(text, at);
    if (comment !== undefined) {
      if (comment < 0) isCut = true;
      else [at, isSpaced] = [comment, true];
    } else if (char === "'") quoted("value", stringEnd(text, at, false));
    else if (char === '"') quoted("text", stringEnd(text, at, false));
    else if (char === "`") quoted("name", stringEnd(text, at, false));
    else if (char === "$" && match(DOLLAR_QUOTE) !== null) {
      const [tag] = match(DOLLAR_QUOTE) as RegExpExecArray;
      const end = text.indexOf(tag, at + tag.length);
      quoted("value", end < 0 ? undefined : end + tag.length);
    } else if (char === "[") {
      const isSubscript = previous?.text.toLowerCase() === "array" || (!isSpaced && isOperand(previous));
      const name = isSubscript ? null : match(BRACKETED);
      if (name !== null) push("name", name[1] ?? "", BRACKETED.lastIndex);
      else if (!isSubscript && match(QUOTE_IN_BRACKETS) !== null) isCut = true;
      else push("symbol", char, at + 1);
    } else if (char === "#") {
      const table = previous?.kind === "word" && TABLE_WORDS.has(previous.text.toLowerCase()) ? match(TEMPORARY_TABLE) : null;
      if (table === null) isCut = true;
      else push("word", table[0], TEMPORARY_TABLE.lastIndex);
    } else if (text.startsWith("::", at)) push("symbol", "::", at + 2);
    else if (match(MARK) !== null) push("mark", (match(MARK) as RegExpExecArray)[0], MARK.lastIndex);
    else if (match(WORD) !== null) {
      const [word] = match(WORD) as RegExpExecArray;
      const end = at + word.length;
      const prefix = word.toLowerCase();
      if (text[end] === "'" && PREFIXES.has(prefix)) {
        at = end;
        quoted("value", prefix.endsWith("q") ? alternativeEnd(text, end) : stringEnd(text, end, prefix === "e"));
      } else push("word", word, end);
    } else if (match(NUMBER) !== null && !(char === "." && !isSpaced && isOperand(previous))) push("value", "", NUMBER.lastIndex);
    else push("symbol", char, at + 1);
  }
  if (isCut || sql.length > text.length) tokens.push({ kind: "cut", text: "", isSpaced: true });
  return tokens;
}

/** Whether a value could be followed by `[…]` or `.…`. */
function isOperand(token: SqlToken | undefined): boolean {
  return token !== undefined && (token.kind !== "symbol" || token.text === ")" || token.text === "]");
}

/** Where a comment that begins here ends; undefined when none does, -1 when dialects do not agree. */
function commentEnd(text: string, at: number): number | undefined {
  if (text.startsWith("/*", at)) {
    const end = text.indexOf("*/", at + 2);
    // Some dialects nest comments.
    return end < 0 || text.slice(at + 2, end).includes("/*") ? -1 : end + 2;
  }
  if (!text.startsWith("--", at)) return undefined;
  const line = text.indexOf("\n", at);
  const end = line < 0 ? text.length : line;
  const comment = text.slice(at + 2, end);
  // MySQL wants white space behind the dashes: without it, a quote would begin a string there. A lone carriage return ends a line in some dialects.
  if ((/^\S/.test(comment) && /['"`$]|\/\*/.test(comment)) || /\r./.test(comment)) return -1;
  return end;
}

/** Where a string ends whose quote stands at `at`; undefined when dialects do not agree, or when it does not end. */
function stringEnd(text: string, at: number, hasEscapes: boolean): number | undefined {
  const quote = text[at] as string;
  let [end, backslashes] = [0, 0];
  for (let index = at + 1; index < text.length; index += 1) {
    const char = text[index];
    if (char === "\\") {
      backslashes += 1;
      continue;
    }
    const isEscaped = backslashes % 2 === 1;
    backslashes = 0;
    if (char !== quote || (isEscaped && hasEscapes)) continue;
    if (isEscaped) return undefined;
    if (text[index + 1] === quote) index += 1;
    else {
      end = index + 1;
      break;
    }
  }
  if (end === 0) return undefined;
  // BigQuery quotes by three quotes, between which one is a character.
  const triple = quote.repeat(3);
  if (quote !== "`" && text.startsWith(triple, at) && text.indexOf(triple, at + 3) + 3 !== end) return undefined;
  return end;
}

/** Where Oracle's `q'[…]'` ends. */
function alternativeEnd(text: string, at: number): number | undefined {
  const open = text[at + 1] ?? "";
  const end = text.indexOf(`${PAIRS[open] ?? open}'`, at + 2);
  return end < 0 || open === "" ? undefined : end + 2;
}
