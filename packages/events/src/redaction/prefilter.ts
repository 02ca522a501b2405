/**
 * Tells from an event's raw JSON whether anything in it could be redacted, in one pass and without building a string. "No" is a guarantee
 * that {@link createRedactor} would leave the event as it is; "yes" costs the slow way and is wrong now and then.
 */

import { BASE64_VALUES, decodesToText } from "./encoded-text.ts";
import type { KeywordTable } from "./keyword-table.ts";
import { BASE64_RUN_CHARS_MIN, KEY_CHARS_MAX } from "./limits.ts";
import type { SecretKeyKind } from "./secret-key.ts";
import { TOKEN_RULES, type TokenRule } from "./token-rules.ts";

// More than any rule spans before the character it must hold, at three bytes a character.
const HOLDS_BYTES_MAX = 1_600;

const RUN = 1;
const DIGIT = 2;
const NAME = 4;
const ALNUM = 8;
const TOKEN = 16;
const FLAGS: Uint8Array = (() => {
  const flags = new Uint8Array(256);
  for (let code = 0; code < 128; code++) {
    const character = String.fromCharCode(code);
    let flag = 0;
    if (BASE64_VALUES[code] !== 255) flag |= RUN;
    if (/\d/.test(character)) flag |= DIGIT;
    if (/[A-Za-z0-9_.-]/.test(character)) flag |= NAME;
    if (/[A-Za-z0-9]/.test(character)) flag |= ALNUM;
    if (/[A-Za-z0-9_.+/=~:,@$%-]/.test(character)) flag |= TOKEN;
    flags[code] = flag;
  }
  return flags;
})();

export interface PrefilterOptions {
  readonly hasBuiltIn: boolean;
  readonly alwaysTrue: boolean;
  readonly classify: (name: string) => SecretKeyKind | undefined;
}

type Bytes = Uint8Array;

/** Makes the prefilter for a table of keywords. */
export function createPrefilter(table: KeywordTable, options: PrefilterOptions): (json: Bytes, start?: number, end?: number) => boolean {
  const { automaton, meanings } = table;
  const { classes, classCount, next, outputs, outputsFrom } = automaton;
  const { classify, hasBuiltIn } = options;
  if (options.alwaysTrue) return () => true;

  function isHit(json: Bytes, state: number, at: number, start: number, end: number): boolean {
    for (const keyword of outputs[state / classCount] ?? []) {
      const meaning = meanings[keyword];
      if (meaning === undefined) continue;
      if (meaning.type === "stem") {
        if (isSecretName(json, at, start, end, classify)) return true;
      } else if (meaning.type === "rule") {
        const rule = TOKEN_RULES[meaning.rule];
        if (rule !== undefined && mayMatch(rule, json, at, meaning.length, start, end)) return true;
      } else return true;
    }
    return false;
  }

  return function mayContainSecrets(json, start = 0, end = json.length) {
    let state = 0;
    let run = 0;
    let digits = 0;
    let lastDigit = -9;
    for (let at = start; at < end; at++) {
      const byte = json[at] as number;
      state = next[state + (classes[byte] as number)] as number;
      if (state >= outputsFrom && isHit(json, state, at, start, end)) return true;
      const flags = FLAGS[byte] as number;
      if ((flags & RUN) !== 0) {
        run++;
        if ((flags & DIGIT) !== 0) {
          digits = at - lastDigit === 1 || (at - lastDigit === 2 && isCardSeparator(json[at - 1])) ? digits + 1 : 1;
          lastDigit = at;
          if (digits === 13 && hasBuiltIn && mayBeCard(json, at, start)) return true;
        }
      } else {
        if (run >= BASE64_RUN_CHARS_MIN && isText(json, at - run, at)) return true;
        run = 0;
        if (byte === 0x25 && at + 2 < end && isHex(json[at + 1]) && isHex(json[at + 2])) return true;
      }
    }
    return run >= BASE64_RUN_CHARS_MIN && isText(json, end - run, end);
  };
}

const isCardSeparator = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x2d;
const isHex = (byte: number | undefined): boolean =>
  byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66));

function isText(json: Bytes, from: number, to: number): boolean {
  const at = (index: number): number => json[index] as number;
  for (let offset = 0; offset < 4; offset++) if (decodesToText(at, from + offset, to)) return true;
  return false;
}

/** Whether the thirteen digits that end at `at` begin as a card number does. */
function mayBeCard(json: Bytes, at: number, start: number): boolean {
  let first = at;
  for (let digits = 1; digits < 13; ) {
    first--;
    if (((FLAGS[json[first] as number] as number) & DIGIT) !== 0) digits++;
  }
  const digit = json[first] as number;
  if (digit < 0x32 || digit > 0x36) return false;
  if (first === start) return true;
  const before = FLAGS[json[first - 1] as number] as number;
  return (before & ALNUM) === 0 || json[first - 2] === 0x5c;
}

/** The cheap part of a rule: what may stand before its literal, and how much of a token must follow. */
function mayMatch(rule: TokenRule, json: Bytes, at: number, length: number, start: number, end: number): boolean {
  const first = at - length + 1 - (rule.back ?? 0);
  if (first < start) return false;
  if (rule.boundary !== "none" && first > start) {
    const isGlued = ((FLAGS[json[first - 1] as number] as number) & ALNUM) !== 0;
    // The letter of an escape such as \n is no part of a word.
    if (isGlued && json[first - 2] !== 0x5c) return false;
  }
  const tail = rule.tail ?? 0;
  if (tail > 0) {
    if (at + tail >= end) return false;
    for (let index = at + 1; index <= at + tail; index++) if (((FLAGS[json[index] as number] as number) & TOKEN) === 0) return false;
  }
  if (rule.holds !== undefined) {
    const wanted = rule.holds.charCodeAt(0);
    const limit = Math.min(end, at + HOLDS_BYTES_MAX);
    for (let index = at + 1; index < limit; index++) {
      const byte = json[index] as number;
      if (byte === wanted) return true;
      if (byte <= 0x20 || byte === 0x22) return false;
    }
    return limit < end;
  }
  return true;
}

/** Whether the stem that ends at `at` belongs to a secret-looking name with a value behind it. */
function isSecretName(json: Bytes, at: number, start: number, end: number, classify: PrefilterOptions["classify"]): boolean {
  let to = at + 1;
  while (to < end && ((FLAGS[json[to] as number] as number) & NAME) !== 0) {
    if (++to - at > KEY_CHARS_MAX + 16) return false;
  }
  const floor = Math.max(start, to - KEY_CHARS_MAX);
  let from = at;
  while (from > floor && ((FLAGS[json[from - 1] as number] as number) & NAME) !== 0) from--;
  if (!hasValueBehind(json, to, end) && json[from] !== 0x2d) return false;
  const name = String.fromCharCode.apply(null, json.subarray(from, to) as unknown as number[]);
  if (classify(name) !== undefined) return true;
  if (json[from - 1] === 0x5c && classify(name.slice(1)) !== undefined) return true;
  // "API key: …": the word before may make it one.
  return json[from - 1] === 0x20 && /^keys?$/i.test(name);
}

function hasValueBehind(json: Bytes, to: number, end: number): boolean {
  for (let index = to; index < end && index - to < 40; index++) {
    const byte = json[index] as number;
    switch (byte) {
      case 0x3a: // :
      case 0x3d: // =
      case 0x2c: // ,
      case 0x3e: // >
      case 0x7d: // }
        return true;
      case 0x20:
      case 0x09:
      case 0x0a:
      case 0x0d:
      case 0x22:
      case 0x27:
      case 0x60:
      case 0x5d: // ]
        break;
      case 0x5c: // An escape: of a quote, a backslash, or a blank.
        if (json[index + 1] === 0x74) index++;
        break;
      default:
        return false;
    }
  }
  // Only quotes and blanks as far as we look, or the end: an array may close here.
  return true;
}
