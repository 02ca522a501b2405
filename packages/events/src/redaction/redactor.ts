/**
 * Takes known secrets out of an event before it is sealed. Rules: docs/spec/redaction.md.
 *
 * A text is read once by the keyword automaton; only the rules whose literal it holds are tried, at the places where it stands.
 */
import { AuditError } from "../errors.ts";
import { findAssignments } from "./assignment.ts";
import { findCards } from "./card.ts";
import { type DecodedText, decodeEscapes, decodePercent, visitBase64 } from "./encoded-text.ts";
import { createKeywordTable } from "./keyword-table.ts";
import {
  BASE64_RUN_CHARS_MIN,
  DECODE_DEPTH_MAX,
  DECODED_CHARS_FLOOR,
  DECODED_FACTOR_MAX,
  PASSES_MAX,
  REPLACEMENT_CHARS_MAX,
  WALK_DEPTH_MAX,
} from "./limits.ts";
import { isPlaceholder, isWeakSecret, looksRandom } from "./placeholder.ts";
import { createPrefilter } from "./prefilter.ts";
import { privateKeyEnd } from "./private-key.ts";
import { createKeyClassifier, type SecretKeyKind } from "./secret-key.ts";
import { TOKEN_RULES, type TokenRule } from "./token-rules.ts";
import { compileUserPatterns } from "./user-pattern.ts";

/** The `audit.redaction` block. */
export interface RedactionConfig {
  /** RE2 patterns, case-sensitive as written; the whole match is replaced. */
  readonly patterns?: readonly string[];
  /** What stands in place of a secret; default `[REDACTED]`, 1 to 100 characters. */
  readonly replacement?: string;
  /** Whether the built-in rules apply; default true. */
  readonly builtIn?: boolean;
  /** More names of keys whose values are secret, in any spelling (`vpnPin` is also `VPN_PIN`). */
  readonly keys?: readonly string[];
}

/** What was taken out of one event: how often per rule id, and how many per length bucket of the text taken out (`17-32`). */
export interface Redacted<T> {
  readonly event: T;
  readonly hits: ReadonlyMap<string, number>;
  readonly lengthBuckets: ReadonlyMap<string, number>;
}

export interface Redactor {
  /** True when the bytes may hold something to redact; false is a guarantee. One pass over the raw JSON of one event, as sent. */
  mayContainSecrets(json: Uint8Array, start?: number, end?: number): boolean;
  /** The event without its secrets: the same object when there were none, else a copy; the input is never changed. */
  redactEvent<T extends object>(event: T): Redacted<T>;
  /** For free text such as log lines and error messages. */
  redactText(text: string): { readonly text: string; readonly hits: ReadonlyMap<string, number> };
}

/** Ids of the rules that are not told by shape alone; with {@link TOKEN_RULES} these are all built-in ids. */
export const OTHER_RULE_IDS = [
  "private-key",
  "payment-card",
  "secret-key-value",
  "secret-assignment",
  "encoded-unread",
  "nested-unread",
] as const;

const DEFAULT_REPLACEMENT = "[REDACTED]";
const NO_HITS: ReadonlyMap<string, number> = new Map();
// The identity of an entry: the prefilter may say yes for them, but changing them would change which event this is.
const IDENTITY_FIELDS = new Set(["id", "occurredAt", "tenant"]);

interface Span {
  readonly start: number;
  readonly end: number;
  readonly rule: string;
}

interface Tally {
  hits: Map<string, number>;
  lengthBuckets: Map<string, number>;
}

/**
 * Builds a redactor: tables once, then pure functions.
 *
 * @throws {AuditError} `CONFIG_INVALID` with the path of the option that is wrong.
 */
export function createRedactor(config: RedactionConfig = {}): Redactor {
  const replacement = config.replacement ?? DEFAULT_REPLACEMENT;
  if (replacement.length === 0 || replacement.length > REPLACEMENT_CHARS_MAX) {
    throw new AuditError("CONFIG_INVALID", {
      path: "audit.redaction.replacement",
      message: `The replacement has 1 to ${REPLACEMENT_CHARS_MAX} characters.`,
    });
  }
  const hasBuiltIn = config.builtIn ?? true;
  const keys = config.keys ?? [];
  const userPatterns = compileUserPatterns(config.patterns ?? []);
  const classify = createKeyClassifier(keys, hasBuiltIn);
  const table = createKeywordTable(hasBuiltIn, keys, userPatterns);
  const alwaysTried = userPatterns.filter(({ literal }) => literal === undefined);
  const { classes, classCount, next, outputs, outputsFrom } = table.automaton;
  const hasKeys = hasBuiltIn || keys.length > 0;

  const prefilter = createPrefilter(table, { hasBuiltIn, classify, alwaysTrue: alwaysTried.length > 0 });

  /** Adds what is to be taken out of a text. `budget` counts decoded characters down. */
  function collect(text: string, depth: number, budget: { chars: number }, push: (start: number, end: number, rule: string) => void): void {
    let state = 0;
    let run = 0;
    let hasRun = false;
    let hasPercent = false;
    let hasEscape = false;
    let hasStem = false;
    let digits = 0;
    let triedPatterns = 0;
    let coveredTo = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      state = code < 256 ? (next[state + (classes[code] as number)] as number) : 0;
      if (state >= outputsFrom) {
        for (const keyword of outputs[state / classCount] ?? []) {
          const meaning = table.meanings[keyword];
          if (meaning === undefined) continue;
          if (meaning.type === "stem") hasStem = true;
          else if (meaning.type === "escape") hasEscape = true;
          else if (meaning.type === "user") triedPatterns++;
          else if (meaning.type === "private-key") {
            const start = at + 1 - meaning.length;
            const end = start < coveredTo ? -1 : privateKeyEnd(text, start);
            if (end > 0) {
              push(start, end, "private-key");
              coveredTo = end;
            }
          } else {
            const rule = TOKEN_RULES[meaning.rule] as TokenRule;
            const start = at + 1 - meaning.length - (rule.back ?? 0);
            if (start >= coveredTo && hasBoundary(text, start, rule.boundary)) matchRule(rule, text, start, push);
          }
        }
      }
      if (isBase64Code(code)) {
        if (++run >= BASE64_RUN_CHARS_MIN) hasRun = true;
        if (code >= 0x30 && code <= 0x39) digits++;
      } else {
        run = 0;
        if (code === 0x25) hasPercent = true;
      }
    }
    if (hasStem && hasKeys) findAssignments(text, classify, (start, end) => push(start, end, "secret-assignment"));
    if (hasBuiltIn && digits >= 13) findCards(text, (start, end) => push(start, end, "payment-card"));
    if (triedPatterns > 0) for (const { id, find } of userPatterns) find(text, (start, end) => push(start, end, id));
    else for (const { id, find } of alwaysTried) find(text, (start, end) => push(start, end, id));
    if (depth < DECODE_DEPTH_MAX) {
      if (hasPercent) collectDecoded(decodePercent(text), depth, budget, push);
      if (hasEscape) collectDecoded(decodeEscapes(text), depth, budget, push);
      if (hasRun) collectBase64(text, depth, budget, push);
    }
  }

  function collectDecoded(
    decoded: DecodedText | undefined,
    depth: number,
    budget: { chars: number },
    push: (start: number, end: number, rule: string) => void,
  ): void {
    if (decoded === undefined) return;
    const { text, starts } = decoded;
    budget.chars -= text.length;
    if (budget.chars < 0) {
      push(0, starts[text.length] ?? 0, "encoded-unread");
      return;
    }
    collect(text, depth + 1, budget, (start, end, rule) => push(starts[start] ?? 0, starts[end] ?? 0, rule));
  }

  function collectBase64(
    text: string,
    depth: number,
    budget: { chars: number },
    push: (start: number, end: number, rule: string) => void,
  ): void {
    visitBase64(text, (start, end, decoded) => {
      budget.chars -= decoded.length;
      let found = budget.chars < 0 ? "encoded-unread" : "";
      if (found === "") {
        collect(decoded, depth + 1, budget, (from, to, rule) => {
          if (found === "" && !isReplacement(decoded.slice(from, to))) found = rule;
        });
      }
      if (found !== "") push(start, end, found);
      return found !== "";
    });
  }

  const isReplacement = (text: string): boolean => replacement.includes(text);

  function redactOnce(text: string, tally: Tally): string {
    let spans: Span[] | undefined;
    collect(text, 0, { chars: text.length * DECODED_FACTOR_MAX + DECODED_CHARS_FLOOR }, (start, end, rule) => {
      if (end <= start || isReplacement(text.slice(start, end))) return;
      spans ??= [];
      spans.push({ start, end, rule });
    });
    if (spans === undefined) return text;
    return replaceSpans(text, spans, replacement, tally);
  }

  function redactString(text: string, tally: Tally): string {
    let current = text;
    for (let pass = 0; pass < PASSES_MAX; pass++) {
      const redacted = redactOnce(current, tally);
      if (redacted === current) break;
      current = redacted;
    }
    return current;
  }

  function redactWhole(text: string, kind: SecretKeyKind, tally: Tally): string {
    if (text === replacement || isPlaceholder(text)) return text;
    if ((kind === "token" && text.length < 4) || (kind === "weak" && !isWeakSecret(text)))
      return kind === "weak" ? redactString(text, tally) : text;
    count(tally, "secret-key-value", text.length);
    return replacement;
  }

  function walk(value: unknown, kind: SecretKeyKind | undefined, depth: number, tally: Tally): unknown {
    if (typeof value === "string") return kind === undefined ? redactString(value, tally) : redactWhole(value, kind, tally);
    if (typeof value === "number") {
      // A count under `token` is none; digits under `password` are one.
      const digits = kind === "password" ? String(value) : "";
      return digits.length >= 4 ? redactWhole(digits, "password", tally) : value;
    }
    if (typeof value !== "object" || value === null) return value;
    if (depth > WALK_DEPTH_MAX) {
      count(tally, "nested-unread", 0);
      return replacement;
    }
    return Array.isArray(value) ? walkArray(value, kind, depth, tally) : walkObject(value as Record<string, unknown>, kind, depth, tally);
  }

  function walkArray(list: readonly unknown[], kind: SecretKeyKind | undefined, depth: number, tally: Tally): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (const [index, member] of list.entries()) {
      const memberKind = kind ?? (typeof member === "string" && index > 0 ? kindInList(list, index) : undefined);
      const redacted = walk(member, memberKind, depth + 1, tally);
      if (redacted !== member) {
        copy ??= [...list];
        copy[index] = redacted;
      }
    }
    return copy ?? list;
  }

  /** What the member before says about this one: `["--password", "x"]`, `["Authorization", "Bearer x"]`. */
  function kindInList(list: readonly unknown[], index: number): SecretKeyKind | undefined {
    const before = list[index - 1];
    const value = list[index];
    if (typeof before !== "string" || typeof value !== "string" || before.length < 3 || before.length > 64 || value.length === 0)
      return undefined;
    const kind = classify(before);
    if (kind === undefined || value.startsWith("-") || !/^[\w.-]+$/.test(before)) return undefined;
    if (before.startsWith("-")) return kind;
    if (kind === "authorization" && /^\S+ \S+$/.test(value)) return kind;
    if (kind === "cookie" && value.includes("=")) return kind;
    return list.length === 2 && (looksRandom(value) || value.length >= 16) && classify(value) === undefined ? kind : undefined;
  }

  function walkObject(
    object: Record<string, unknown>,
    kind: SecretKeyKind | undefined,
    depth: number,
    tally: Tally,
  ): Record<string, unknown> {
    let copy: [string, unknown][] | undefined;
    const names = Object.keys(object);
    const valueKind = hasKeys ? kindOfNamedValue(object) : undefined;
    for (const [index, name] of names.entries()) {
      const value = object[name];
      if (depth === 0 && IDENTITY_FIELDS.has(name)) {
        copy?.push([name, value]);
        continue;
      }
      const redactedName = name.length < 5 ? name : redactString(name, tally);
      const redacted = walk(value, kindOfMember(name, value, kind, valueKind), depth + 1, tally);
      if (copy === undefined && (redacted !== value || redactedName !== name))
        copy = names.slice(0, index).map((known) => [known, object[known]]);
      copy?.push([redactedName, redacted]);
    }
    return copy === undefined ? object : fromEntries(copy);
  }

  function kindOfMember(
    name: string,
    value: unknown,
    kind: SecretKeyKind | undefined,
    valueKind: SecretKeyKind | undefined,
  ): SecretKeyKind | undefined {
    const own = classify(name);
    if (own !== undefined) return own;
    if (valueKind !== undefined && (name === "value" || name === "Value" || name === "values" || name === "data" || name === "stringData"))
      return valueKind;
    if (kind === undefined) return undefined;
    if (kind === "cookie") return kind;
    return /^(?:value|data|raw|plain|text|current|content|default|string|stringData|parameter|before|after|old|new)$/i.test(name) ||
      typeof value === "object"
      ? kind
      : undefined;
  }

  /** `{ name: "DB_PASSWORD", value: … }`, `{ key: "Authorization", value: … }`, and a Kubernetes Secret's data. */
  function kindOfNamedValue(object: Record<string, unknown>): SecretKeyKind | undefined {
    // As with cookies, every member of its data is secret, whatever its name.
    if (object.kind === "Secret" && (object.data !== undefined || object.stringData !== undefined)) return "cookie";
    if (object.value === undefined && object.values === undefined && object.Value === undefined) return undefined;
    const name = object.name ?? object.key ?? object.header ?? object.field ?? object.Name ?? object.Key;
    return typeof name === "string" ? classify(name) : undefined;
  }

  return {
    mayContainSecrets: prefilter,
    redactEvent(event) {
      const tally: Tally = { hits: new Map(), lengthBuckets: new Map() };
      const redacted = walk(event, undefined, 0, tally) as typeof event;
      return { event: redacted, hits: tally.hits, lengthBuckets: tally.lengthBuckets };
    },
    redactText(text) {
      const tally: Tally = { hits: new Map(), lengthBuckets: new Map() };
      const redacted = redactString(text, tally);
      return { text: redacted, hits: redacted === text ? NO_HITS : tally.hits };
    },
  };
}

const isBase64Code = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x2f && code <= 0x39) ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x5f;

function hasBoundary(text: string, start: number, boundary: TokenRule["boundary"]): boolean {
  if (boundary === "none" || start === 0) return true;
  const before = text.charCodeAt(start - 1);
  const isWord = (before >= 0x30 && before <= 0x39) || (before >= 0x41 && before <= 0x5a) || (before >= 0x61 && before <= 0x7a);
  // The letter of a written-out escape such as \n is no part of the word behind it.
  if (isWord) return text.charCodeAt(start - 2) === 0x5c && /[nrtbf]/.test(text[start - 1] ?? "");
  return boundary !== "strict" || (before !== 0x5f && before !== 0x2d);
}

/** Tries a rule at one place. */
function matchRule(rule: TokenRule, text: string, start: number, push: (start: number, end: number, rule: string) => void): void {
  const { pattern } = rule;
  pattern.lastIndex = start;
  const match = pattern.exec(text);
  if (match === null) return;
  const from = match[2] === undefined ? start : start + (match[1] ?? "").length;
  const secret = match[2] ?? match[0];
  if (rule.accept?.(secret) !== false) push(from, from + secret.length, rule.id);
}

function count(tally: Tally, rule: string, length: number): void {
  tally.hits.set(rule, (tally.hits.get(rule) ?? 0) + 1);
  let top = 8;
  while (top < length) top *= 2;
  const bucket = `${top === 8 ? 1 : top / 2 + 1}-${top}`;
  tally.lengthBuckets.set(bucket, (tally.lengthBuckets.get(bucket) ?? 0) + 1);
}

/** Replaces spans; where they overlap, one replacement stands for all and the hit is counted for the one found by shape, else the first. */
function replaceSpans(text: string, spans: Span[], replacement: string, tally: Tally): string {
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  let result = "";
  let at = 0;
  for (let index = 0; index < spans.length; ) {
    const { start } = spans[index] as Span;
    let { end, rule } = spans[index] as Span;
    for (index++; index < spans.length; index++) {
      const other = spans[index] as Span;
      if (other.start >= end) break;
      end = Math.max(end, other.end);
      if (rule === "secret-assignment") rule = other.rule;
    }
    result += text.slice(at, start) + replacement;
    at = end;
    count(tally, rule, end - start);
  }
  return result + text.slice(at);
}

/** Own members only, `__proto__` among them; names that became equal keep apart by a number. */
function fromEntries(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const names = new Set<string>();
  return Object.fromEntries(
    entries.map(([name, value]) => {
      let unique = name;
      for (let copy = 2; names.has(unique); copy++) unique = `${name} ${copy}`;
      names.add(unique);
      return [unique, value];
    }),
  );
}
