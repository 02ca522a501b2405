import type { Finding } from "./finding.ts";
import { SEARCHED_CHARS_MAX, SQL_TOKENS_MAX } from "./limits.ts";

// Comments, texts and dollar-quoted bodies first, so that no word in them is read; then quoted and bare names, then single marks.
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)|\$(\w{0,16})\$[\s\S]*?(?:\$\1\$|$)|"(?:[^"]|"")*"|`[^`]*`|\[[A-Za-z_][^\][]{0,127}\]|[\p{L}_][\p{L}\p{N}_$]*|[^\s]/gu;
const READS = new Set(["select", "show", "explain", "describe", "desc", "values", "table", "with", "list"]);
const ADMINISTERS = new Set([
  "drop",
  "alter",
  "grant",
  "revoke",
  "truncate",
  "vacuum",
  "reindex",
  "attach",
  "load",
  "install",
  "shutdown",
  "kill",
  "flush",
]);
const WRITES = new Set(["insert", "update", "delete", "merge", "replace", "upsert", "into"]);
const NAMES_TABLE = new Set(["from", "join", "into", "update", "table", "describe", "desc", "truncate"]);
const NO_TABLE = new Set([
  "select",
  "lateral",
  "only",
  "if",
  "exists",
  "not",
  "unnest",
  "values",
  "set",
  "as",
  "where",
  "generate_series",
  "table",
  "of",
  "on",
  "nowait",
  "skip",
]);
/** Objects whose making or change is administration, not data. */
const ADMINISTERED = new Set([
  "user",
  "role",
  "database",
  "extension",
  "server",
  "publication",
  "subscription",
  "policy",
  "trigger",
  "function",
]);

/**
 * Reads SQL for its tables and its level, without a grammar: dialects differ, and a word too many is better than a table too few.
 *
 * A statement that begins with a word that reads and holds no word that writes is `readonly`; what drops, alters or grants is `admin`; all else is
 * `read-write`. At most {@link SQL_TOKENS_MAX} tokens are read.
 */
export function readSql(sql: string, finding: Finding): void {
  if (sql.length > SEARCHED_CHARS_MAX) finding.markUnread("length");
  const tokens: string[] = [];
  for (const [token] of sql.slice(0, SEARCHED_CHARS_MAX).matchAll(TOKEN)) {
    if (token.startsWith("--") || token.startsWith("/*") || token.startsWith("'") || /^\$\w*\$/.test(token)) continue;
    if (tokens.push(token) < SQL_TOKENS_MAX) continue;
    finding.markUnread("length");
    break;
  }
  const common = new Set<string>();
  tokens.forEach((token, i) => {
    const isCommon = tokens[i + 1]?.toLowerCase() === "as" && /^(?:\(|not|materialized)$/i.test(tokens[i + 2] ?? "");
    if (isCommon) common.add(nameOf(token).toLowerCase());
  });
  let isFirst = true;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] ?? "";
    if (token === ";") {
      isFirst = true;
      continue;
    }
    const word = token.toLowerCase();
    if (isFirst && word !== "(") {
      isFirst = false;
      if (ADMINISTERS.has(word) || (word === "create" && administers(tokens, i))) finding.raise("admin");
      else finding.raise(READS.has(word) ? "readonly" : "read-write");
      if (word === "copy") i = readTables(tokens, i, common, finding);
    }
    if (WRITES.has(word)) finding.raise("read-write");
    if (word === "program" && tokens[0]?.toLowerCase() === "copy") finding.raise("admin");
    if (NAMES_TABLE.has(word)) i = readTables(tokens, i, common, finding);
  }
}

function administers(tokens: readonly string[], i: number): boolean {
  return tokens.slice(i + 1, i + 5).some((token) => ADMINISTERED.has(token.toLowerCase()));
}

/** Reads the names after `from` and its like, also behind commas. @returns The index of the last token that it took. */
function readTables(tokens: readonly string[], start: number, common: ReadonlySet<string>, finding: Finding): number {
  let i = start;
  for (;;) {
    let next = i + 1;
    while (NO_TABLE.has(tokens[next]?.toLowerCase() ?? "") && next < start + 6) next++;
    if (!isName(tokens[next])) return i;
    const names = [nameOf(tokens[next] ?? "")];
    while (tokens[next + 1] === "." && isName(tokens[next + 2])) {
      names.push(nameOf(tokens[next + 2] ?? ""));
      next += 2;
    }
    const table = names.join(".");
    // A name before a bracket is a function, except where columns follow: INSERT INTO t (a, b).
    const isFunction = tokens[next + 1] === "(" && !/^(?:into|table)$/i.test(tokens[start] ?? "");
    if (!isFunction && !common.has(table.toLowerCase())) finding.addTable(table);
    i = next;
    // An alias, with or without AS.
    if (tokens[i + 1]?.toLowerCase() === "as") i++;
    if (isName(tokens[i + 1]) && tokens[i + 2] === ",") i++;
    if (tokens[i + 1] !== ",") return i;
    i++;
  }
}

function isName(token: string | undefined): boolean {
  return token !== undefined && (/^[\p{L}_]/u.test(token) || /^["`[]./.test(token));
}
function nameOf(token: string): string {
  return /^["`[]/.test(token) ? token.slice(1, -1) : token;
}
