import { AuditError } from "@vouchtrail/events/errors";
import { faultKind } from "./damage.ts";
import { SQL_MESSAGE_CHARS_MAX } from "./limits.ts";
import { sqlInvalid } from "./sql-tree.ts";

/** Where DuckDB begins to quote the statement. */
const QUOTE = "\n\nLINE ";

/**
 * What went wrong with a statement, in DuckDB's own words: they name columns, types and places. While a statement is planned, only the statement is
 * known, so what is quoted was written by the asker. While it runs, messages quote values of entries, which belong in no message: they are left out.
 *
 * Rule: SQL-8.
 *
 * @returns `SQL_INVALID`; errors that are not about the statement (a damaged file, no memory, an interrupt) as they are.
 */
export function toSqlError(error: unknown, sql: string, during: "planning" | "running"): unknown {
  if (error instanceof AuditError || faultKind(error) !== "other") return error;
  const told = error instanceof Error ? error.message : String(error);
  const message = during === "planning" ? withoutPaths(told, sql) : withoutValues(told, sql);
  return sqlInvalid(message.slice(0, SQL_MESSAGE_CHARS_MAX), error);
}

/** Absolute paths that the statement does not name itself. */
function withoutPaths(message: string, sql: string): string {
  return message.replace(/(?<![\w/])\/[^\s"']+/g, (path) => (sql.includes(path) ? path : "…"));
}

function withoutValues(message: string, sql: string): string {
  // The last one is DuckDB's own, if it is there: a value may hold the same words.
  const at = message.lastIndexOf(QUOTE);
  const excerpt = at === -1 ? "" : message.slice(at);
  const isOfStatement = isExcerpt(excerpt, sql);
  const text = (isOfStatement ? message.slice(0, at) : message)
    // From the first mark to the last: a value may hold any of them. One behind a letter is an apostrophe of DuckDB's own words.
    .replace(/(?<!\w)['"][\s\S]*['"]|(?<!\w)['"][\s\S]*$/, "'…'")
    .replace(/(?<=[\s(=])-?\d[\d.:eE+-]*/g, (number) => (sql.includes(number) ? number : "…"));
  const [line = ""] = text.split("\n", 1);
  return isOfStatement ? `${line}${excerpt}` : line;
}

/** Whether `LINE 1: …` quotes the statement and nothing else; the line below it points at a place. */
function isExcerpt(excerpt: string, sql: string): boolean {
  const [, line = "", pointer = ""] = /^\n\nLINE \d+: (.*)\n([ ^]*)$/.exec(excerpt) ?? [];
  const quoted = line.replace(/^\.\.\./, "").replace(/\.\.\.$/, "");
  return pointer.includes("^") && quoted !== "" && sql.includes(quoted);
}
