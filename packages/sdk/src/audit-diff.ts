import { AuditError } from "@vouchtrail/events/errors";
import { toJson } from "./plain-value.ts";

/** What changed, in the form that an event has under `changes`. */
export interface AuditDiff {
  /** Values before, by path. A path that was not there before is absent. */
  readonly before: Record<string, unknown>;
  /** Values after, by path. A path that is gone is absent. */
  readonly after: Record<string, unknown>;
  /** All paths that differ, in the order of the values: `address.city`, `tags.0`. A dot or backslash in a name has a backslash before it. */
  readonly fields: string[];
}

export interface AuditDiffOptions {
  /**
   * Paths whose values are not told, only that they changed: `password`, `cards.*.number`, and at any depth `**.token`. `*` stands for one name, `**` for any
   * number of them. What is below a path is not told either.
   */
  readonly redact?: readonly string[];
  /** Fields at most, from 1 on; default 200. Where more differ they are told together, as values of the objects that hold them. The trail takes 1,000. */
  readonly fieldsMax?: number;
}

const FIELDS_MAX_DEFAULT = 200;
const REDACTED = "[REDACTED]";
/** Levels that are compared one by one; deeper values are compared whole. */
const DEPTH_MAX = 64;

/**
 * What differs between two states of an object: `changes: auditDiff(before, after)`. Only that is told, and nothing of either state is changed or kept.
 *
 * Values are compared as the trail would have them: dates, maps, errors and big integers as text or objects, `undefined` as absent, cycles by their mark. For
 * what is not redacted, setting the paths of `after` in `before`, deleting those that are only in `before` (from the end of an array), gives `after`.
 *
 * @param before The object before; null or undefined when it was created.
 * @param after The object after; null or undefined when it was deleted.
 * @throws {AuditError} `CONFIG_INVALID`: the options are none. No value is one that throws.
 */
export function auditDiff(before: object | null | undefined, after: object | null | undefined, options: AuditDiffOptions = {}): AuditDiff {
  const fieldsMax = options.fieldsMax ?? FIELDS_MAX_DEFAULT;
  if (!Number.isInteger(fieldsMax) || fieldsMax < 1) throw invalid("fieldsMax", "expected a whole number from 1 on");
  const patterns = (options.redact ?? []).map(toPattern);
  const [old, new_] = [plain(before), plain(after)];
  let differences = differencesOf(old, new_, patterns, DEPTH_MAX);
  for (let depth = depthOf(differences) - 1; differences.length > fieldsMax && depth > 0; depth -= 1) {
    differences = differencesOf(old, new_, patterns, depth);
  }
  const told = differences.slice(0, differences.length > fieldsMax ? fieldsMax - 1 : fieldsMax);
  const rest = differences.length - told.length;
  const side = (name: "before" | "after"): Record<string, unknown> =>
    // Made from entries, a member may have any name: `__proto__` too.
    Object.fromEntries(
      told.filter((difference) => difference[name] !== undefined).map((difference) => [pathText(difference.path), difference[name]]),
    );
  return {
    before: side("before"),
    after: side("after"),
    fields: [...told.map(({ path }) => pathText(path)), ...(rest > 0 ? [`[${rest} more fields]`] : [])],
  };
}

interface Difference {
  readonly path: readonly string[];
  /** Undefined where there is none; JSON knows no such value. */
  readonly before: unknown;
  readonly after: unknown;
}

/** The parts of a path that are still to be met. */
type Pattern = readonly string[];

function differencesOf(before: unknown, after: unknown, patterns: readonly Pattern[], depthMax: number): Difference[] {
  const found: Difference[] = [];
  const compare = (old: unknown, new_: unknown, path: readonly string[], open: readonly Pattern[]): void => {
    if (isEqual(old, new_)) return;
    const isHidden = path.length > 0 && open.some(isMet);
    if (
      !isHidden &&
      (path.length === 0 || (path.length < depthMax && isContainer(old) && isContainer(new_) && Array.isArray(old) === Array.isArray(new_)))
    ) {
      for (const name of namesOf(old, new_)) compare(memberOf(old, name), memberOf(new_, name), [...path, name], step(open, name));
      return;
    }
    const show = (value: unknown): unknown => (value === undefined ? undefined : redacted(value, open, isHidden));
    found.push({ path, before: show(old), after: show(new_) });
  };
  compare(before, after, [], patterns);
  return found;
}

/** The value without what is hidden in it. */
function redacted(value: unknown, open: readonly Pattern[], isHidden: boolean): unknown {
  if (isHidden) return REDACTED;
  if (!isContainer(value) || open.length === 0) return value;
  const member = (name: string, inner: unknown): unknown => {
    const next = step(open, name);
    return redacted(inner, next, next.some(isMet));
  };
  if (Array.isArray(value)) return value.map((inner, index) => member(String(index), inner));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, member(name, inner)]));
}

/** What is left of patterns below a member. */
function step(open: readonly Pattern[], name: string): Pattern[] {
  const next = open.flatMap((pattern): Pattern[] => {
    const [first, ...rest] = pattern;
    // Any number of names, also none.
    if (first === "**") return [pattern, ...step([rest], name)];
    return first === "*" || first === name ? [rest] : [];
  });
  // Several `**` in one pattern come to the same rest by many ways.
  return next.length < 2 ? next : [...new Map(next.map((pattern) => [JSON.stringify(pattern), pattern])).values()];
}

function isMet(pattern: Pattern): boolean {
  return pattern.every((part) => part === "**");
}

function toPattern(text: string): Pattern {
  if (typeof text !== "string" || text === "" || text.length > 1_000) throw invalid("redact", "expected paths like cards.*.number");
  const parts = [""];
  for (const [token] of text.matchAll(/\\.|[^\\]|\\$/gs)) {
    if (token === ".") parts.push("");
    else parts.push(`${parts.pop()}${token.length > 1 && token.startsWith("\\") ? token.slice(1) : token}`);
  }
  return parts;
}

function pathText(path: readonly string[]): string {
  return path.map((name) => name.replace(/[.\\]/g, "\\$&")).join(".");
}

function invalid(path: string, reason: string): AuditError {
  return new AuditError("CONFIG_INVALID", { path, message: `${path}: ${reason}.` });
}

/** The value as JSON has it; what is no object has no fields. */
function plain(value: object | null | undefined): object {
  const known: unknown = value === null || value === undefined ? {} : JSON.parse(toJson(value));
  return isContainer(known) ? known : {};
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function namesOf(old: unknown, new_: unknown): Iterable<string> {
  const keys = (value: unknown): string[] => (isContainer(value) ? Object.keys(value) : []);
  return new Set([...keys(old), ...keys(new_)]);
}

function memberOf(value: unknown, name: string): unknown {
  return isContainer(value) && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!isContainer(one) || !isContainer(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isEqual(memberOf(one, name), memberOf(other, name)))
  );
}

function depthOf(differences: readonly Difference[]): number {
  return differences.reduce((depth, { path }) => Math.max(depth, path.length), 1);
}
