import { SQL_PAD_CHARS_MAX, SQL_PATTERN_CHARS_MAX, SQL_WILDCARDS_MAX } from "./limits.ts";
import { nodesOf, type SqlNode, sqlForbidden } from "./sql-tree.ts";

/** Checks the arguments of one function. */
type CheckArguments = (call: SqlNode, name: string) => void;

/**
 * Functions that are allowed as long as what makes them long or endless stands in the statement itself, and is small. A pattern that comes out of an
 * event was chosen by whoever sent the event. Names in lower case. Rule: SQL-4.
 */
const CHECKS: ReadonlyMap<string, CheckArguments> = new Map([
  ...["~~", "!~~", "~~*", "!~~*"].map((name) => [name, checkLikePattern] as const),
  ...["like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape", "~~~"].map((name) => [name, checkLikePattern] as const),
  ...["regexp_matches", "regexp_full_match", "regexp_replace", "regexp_extract", "regexp_extract_all"].map(
    (name) => [name, checkPattern] as const,
  ),
  ...["regexp_split_to_array", "regexp_split_to_table", "str_split_regex", "string_split_regex"].map(
    (name) => [name, checkPattern] as const,
  ),
  ...["from_json", "from_json_strict", "json_transform", "json_transform_strict"].map((name) => [name, checkPattern] as const),
  ...["lpad", "rpad"].map((name) => [name, checkPadding] as const),
  ...["format", "printf"].map((name) => [name, checkFormat] as const),
]);

/** Names of the functions that {@link checkArguments} allows. */
export const CHECKED_FUNCTIONS: ReadonlySet<string> = new Set(CHECKS.keys());

/** @throws {AuditError} `SQL_FORBIDDEN`. */
export function checkArguments(call: SqlNode, name: string): void {
  CHECKS.get(name)?.(call, name);
}

/**
 * LIKE and GLOB try every place for every wildcard but the first, and cannot be stopped while they do: with eight wildcards a line of 60 letters
 * takes seconds. Only LIKE itself, with nothing but `%` in it, goes through the text once.
 */
function checkLikePattern(call: SqlNode, name: string): void {
  const pattern = textOf(argumentsOf(call)[1]);
  if (pattern === undefined) {
    throw sqlForbidden(
      "The pattern of LIKE must be a text that stands in the statement. contains, starts_with and ends_with compare with a column.",
    );
  }
  const isPlainLike = (name === "~~" || name === "!~~") && !pattern.includes("_");
  if (isPlainLike) return;
  const wildcards = pattern.match(/[%*]+/g)?.length ?? 0;
  if (wildcards <= SQL_WILDCARDS_MAX) return;
  throw sqlForbidden(
    `A pattern has at most ${SQL_WILDCARDS_MAX} wildcards, unless it is one of LIKE without "_". Write lower(x) LIKE '%a%b%c%' instead of ILIKE, or regexp_matches.`,
  );
}

function checkPattern(call: SqlNode, name: string): void {
  const pattern = textOf(argumentsOf(call)[1]);
  if (pattern !== undefined && pattern.length <= SQL_PATTERN_CHARS_MAX) return;
  throw sqlForbidden(
    `The second argument of ${name} must be a text that stands in the statement, of at most ${SQL_PATTERN_CHARS_MAX} characters.`,
  );
}

function checkPadding(call: SqlNode, name: string): void {
  const length = numberOf(argumentsOf(call)[1]);
  if (length !== undefined && length <= SQL_PAD_CHARS_MAX) return;
  throw sqlForbidden(`The second argument of ${name} must be a number that stands in the statement, of at most ${SQL_PAD_CHARS_MAX}.`);
}

/** A width that is taken from a value, or has four digits. */
const WIDE = /\*|\{[^{}]*\{|\d{4}/;

function checkFormat(call: SqlNode, name: string): void {
  const text = textOf(argumentsOf(call)[0]);
  if (text !== undefined && !WIDE.test(text)) return;
  throw sqlForbidden(`The first argument of ${name} must be a text that stands in the statement, with widths below 1000.`);
}

function argumentsOf(call: SqlNode): readonly SqlNode[] {
  return nodesOf(call.children);
}

/** The text that an expression is, as far as it can be told without running it: literals, joined and in capitals or small letters. */
function textOf(expression: SqlNode | undefined): string | undefined {
  if (expression?.class === "CONSTANT") {
    const { value } = expression.value as SqlNode;
    return typeof value === "string" ? value : undefined;
  }
  if (expression?.class !== "FUNCTION") return undefined;
  const parts = argumentsOf(expression).map(textOf);
  if (parts.includes(undefined)) return undefined;
  switch (expression.function_name) {
    case "||":
      return parts.join("");
    case "lower":
    case "upper":
      return parts[0];
    default:
      return undefined;
  }
}

function numberOf(expression: SqlNode | undefined): number | undefined {
  if (expression?.class !== "CONSTANT") return undefined;
  const { value } = expression.value as SqlNode;
  return typeof value === "number" ? value : undefined;
}
