/**
 * Finds values under secret-looking names in text: JSON at any level of escaping, YAML, INI, environment dumps, header lists, command lines,
 * URLs, XML and source code. A scanner and not a pattern, because quoting decides where a value ends, and because its work is bounded by
 * construction: it moves forward from separator to separator and looks back at most one name.
 */
import { KEY_CHARS_MAX, VALUE_CHARS_MAX } from "./limits.ts";
import { isExpression, isPlaceholder, isWeakSecret, looksRandom } from "./placeholder.ts";
import type { SecretKeyKind } from "./secret-key.ts";

type Classify = (name: string) => SecretKeyKind | undefined;
type Push = (start: number, end: number) => void;

const isNameCode = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x30 && code <= 0x39) ||
  code === 0x5f ||
  code === 0x2d ||
  code === 0x2e;
const isQuoteCode = (code: number): boolean => code === 0x22 || code === 0x27 || code === 0x60;
const isBlankCode = (code: number): boolean => code === 0x20 || code === 0x09;

/** The name that ends at `end`, classified; the letter of an escape such as `\n` in front of it is left out when that helps. */
export function kindBefore(text: string, end: number, classify: Classify): { kind: SecretKeyKind; start: number } | undefined {
  const floor = Math.max(0, end - KEY_CHARS_MAX);
  let start = end;
  while (start > floor && isNameCode(text.charCodeAt(start - 1))) start--;
  if (start === end) return undefined;
  let name = text.slice(start, end);
  if (text.charCodeAt(start - 1) === 0x5c && /^[nrtbf]/.test(name) && name.length > 1) {
    const kind = classify(name.slice(1));
    if (kind !== undefined) return { kind, start: start + 1 };
  }
  if (/^keys?$/i.test(name) && text.charCodeAt(start - 1) === 0x20) {
    // "API key: …" in prose and reports.
    let before = start - 1;
    while (before > floor && isNameCode(text.charCodeAt(before - 1))) before--;
    name = `${text.slice(before, start - 1)}_${name}`;
  }
  const kind = classify(name);
  return kind === undefined ? undefined : { kind, start };
}

/** Calls `push` with start and end of every value under a secret-looking name. */
export function findAssignments(text: string, classify: Classify, push: Push): void {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // : = and the > that ends an XML tag, plus the blank and the comma after a command's flag.
    if (code !== 0x3a && code !== 0x3d && code !== 0x3e && code !== 0x20 && code !== 0x2c) continue;
    if (code === 0x20 && !followsFlag(text, at)) continue;
    let end = at;
    while (end > 0 && at - end < 4 && isBlankCode(text.charCodeAt(end - 1))) end--;
    let quote = "";
    const unquotedEnd = end;
    while (end > 0 && unquotedEnd - end < 8) {
      const before = text.charCodeAt(end - 1);
      if (!isQuoteCode(before) && before !== 0x5c && !(before === 0x5d && code === 0x3d)) break;
      quote = text.slice(--end, unquotedEnd);
    }
    if (end === 0 || !isNameCode(text.charCodeAt(end - 1))) continue;
    const found = kindBefore(text, end, classify);
    if (found === undefined) continue;
    const stop = readValue(text, at, code, quote, found, push);
    if (stop > at) at = stop - 1;
  }
}

/** Whether the word that ends at `end` begins with a dash. */
function followsFlag(text: string, end: number): boolean {
  const floor = Math.max(0, end - KEY_CHARS_MAX);
  let start = end;
  while (start > floor && isNameCode(text.charCodeAt(start - 1))) start--;
  return start < end && text.charCodeAt(start) === 0x2d;
}

function readValue(
  text: string,
  at: number,
  code: number,
  quote: string,
  found: { kind: SecretKeyKind; start: number },
  push: Push,
): number {
  if (code === 0x3e) return readElement(text, at, found.start, push);
  const isFlag = text.charCodeAt(found.start) === 0x2d || text.charCodeAt(found.start - 1) === 0x2d;
  if (code === 0x20 || code === 0x2c) {
    // `--password x`, `"--password", "x"`, `"Authorization","Basic …"`, `name: "Cookie", value: "…"`.
    if (code === 0x20 && (!isFlag || quote !== "")) return at;
    if (code === 0x2c && quote === "") return at;
  }
  let start = at + 1;
  let isComparison = false;
  if (code === 0x3a && text.charCodeAt(start) === 0x3a) return at;
  if (code !== 0x20) {
    while (start - at < 4 && (text.charCodeAt(start) === 0x3d || text.charCodeAt(start) === 0x3e)) {
      if (text.charCodeAt(start) === 0x3d && code === 0x3d) isComparison = true;
      start++;
    }
  }
  const blankFrom = start;
  while (start < text.length && start - blankFrom < 64 && isBlankCode(text.charCodeAt(start))) start++;
  // YAML and pretty-printed JSON never break the line here, except before a block (`|`, `>`).
  const block = /[|>][+-]?[ \t]{0,8}\n[ \t]{1,32}/y;
  block.lastIndex = start;
  if (code === 0x3a && block.test(text)) {
    const lineEnd = endOfLine(text, block.lastIndex);
    const line = text.slice(block.lastIndex, lineEnd);
    if (line.length >= 4 && !isPlaceholder(line)) push(block.lastIndex, lineEnd);
    return lineEnd;
  }
  if (code === 0x2c) {
    const label = /["'\\]{1,4}value["'\\]{1,4}[ \t]{0,4}:[ \t]{0,4}/iy;
    label.lastIndex = start;
    const isNamed = /(?:name|key|header|field)["'\\]{1,8}[ \t]{0,4}:[ \t]{0,4}["'\\]{1,8}$/i.test(
      text.slice(Math.max(0, found.start - 32), found.start),
    );
    if (isNamed && label.test(text)) start = label.lastIndex;
    else if (!isFlag && found.kind !== "authorization" && found.kind !== "cookie") return at;
  }

  // A list's first member, or a literal that a constructor wraps, is the value too.
  const opening =
    /(?:\[[ \t]{0,4})?(?:(?:[Ss]tring::from|Some|Secret(?:Str|String)?(?:::from|::new)?|Buffer\.from|str|bytes)\()?(?:[bru]{0,2})(\\{0,16}["'`])/y;
  opening.lastIndex = start;
  const open = opening.exec(text);
  if (open !== null) return readQuoted(text, opening.lastIndex, open[1] ?? '"', code === 0x2c ? start : -1, found.kind, push);
  if (isComparison || code === 0x2c) return at;
  return readBare(text, start, { hasBlank: start > blankFrom || isBlankCode(text.charCodeAt(at - 1)), isFlag, code, quote }, found, push);
}

/** `<password>value</password>`. */
function readElement(text: string, at: number, nameStart: number, push: Push): number {
  const before = text.charCodeAt(nameStart - 1);
  if (before !== 0x3c && before !== 0x3a) return at;
  const end = text.indexOf("<", at + 1);
  if (end < 0 || end - at > VALUE_CHARS_MAX || text.charCodeAt(end + 1) !== 0x2f) return at;
  if (end > at + 1 && !isPlaceholder(text.slice(at + 1, end))) push(at + 1, end);
  return end;
}

function readQuoted(text: string, start: number, quote: string, listStart: number, kind: SecretKeyKind, push: Push): number {
  const limit = Math.min(text.length, start + VALUE_CHARS_MAX);
  const end = closingQuote(text, start, quote, limit);
  const stop = end < 0 ? endOfLine(text, start) : end;
  const value = text.slice(start, stop);
  if (value.length === 0 || (kind === "weak" && !isWeakSecret(value))) return stop;
  if (listStart >= 0 && value.length < 4) return stop;
  // In `"token=" + value` the quote closes the text that the name stands in.
  if (isPlaceholder(value) || isInterpolation(value) || /^\s{0,4}[+,);](?:\s|$)/.test(value)) return stop;
  push(start, stop);
  return stop;
}

/** The next quote with as many backslashes as the opening one; a deeper-escaped quote belongs to the value. */
function closingQuote(text: string, start: number, quote: string, limit: number): number {
  const character = quote.charCodeAt(quote.length - 1);
  const depth = quote.length - 1;
  let slashes = 0;
  for (let index = start; index < limit; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x5c) slashes++;
    else {
      if (code === character && slashes <= depth) return index - slashes;
      slashes = 0;
    }
  }
  return -1;
}

/** `${a}`, `#{a}`, `{{ a }}` and nothing else. */
function isInterpolation(value: string): boolean {
  return value.length <= 200 && /^(?:[$#]\{[^{}]{1,100}\}|\{\{[^{}]{1,100}\}\}|\$\([^()]{1,180}\)|\$[A-Za-z_]\w{0,60})$/.test(value);
}

interface BareContext {
  readonly hasBlank: boolean;
  readonly isFlag: boolean;
  readonly code: number;
  readonly quote: string;
}

const BARE = /[^\s"'`,;&<>|(){}[\]\\]{1,2048}/y;
const HEADER_VALUE =
  /(?:(?:Bearer|Basic|Token|Digest|ApiKey|Api-Key|Negotiate|NTLM|GoogleLogin|SSWS|OAuth|AWS4-HMAC-SHA256|Key|Hawk)(?: |\\t|\+){1,4})?/iy;

function readBare(text: string, start: number, context: BareContext, found: { kind: SecretKeyKind; start: number }, push: Push): number {
  if (found.kind === "cookie") return readCookies(text, start, push);
  if (found.kind === "authorization") return readAuthorization(text, start, push);
  BARE.lastIndex = start;
  const match = BARE.exec(text);
  if (match === null) return start;
  let value = match[0];
  let end = start + value.length;
  const next = text[end] ?? "";
  // `getToken(`, `Secret<`, `env[`: what follows makes it code. A closing bracket only ends it.
  if (/[([<{]/.test(next) && isName(value)) return end;
  if (context.code === 0x3d && !context.hasBlank) {
    // In a shell or an environment dump the value goes on until a blank.
    while (end < text.length && /[([{})\]|<>,]/.test(text[end] ?? "") && end - start < 512) {
      BARE.lastIndex = end + 1;
      const more = BARE.exec(text);
      if (more === null) break;
      end = BARE.lastIndex;
    }
    value = text.slice(start, end);
  }
  const trimmed = value.replace(/[.:!?]{1,3}$/, "");
  // A colour or a typed array is what style sheets and declarations put here.
  if (context.hasBlank && /^(?:#[0-9a-f]{3,8}|(?:Big)?(?:Ui|I)nt\d{1,2}(?:Clamped)?Array|Float\d\dArray)$/i.test(trimmed)) return end;
  if (isPlaceholder(trimmed) || isPlaceholder(value)) return end;
  const name = text.slice(found.start, found.start + KEY_CHARS_MAX);
  const isEnvironment = /^[A-Z][A-Z0-9_]{2,}(?![a-z])/.test(name);
  if (!isEnvironment && !context.isFlag && isExpression(value)) return end;
  if (isEnvironment && /^[$(]/.test(value)) return end;
  if (!isValueLike(text, trimmed, end, isEnvironment, context, found)) return end;
  push(start, start + (context.hasBlank ? trimmed.length : value.length));
  return end;
}

const isName = (value: string): boolean => /^[A-Za-z_$][\w$.:]*$/.test(value);

function isValueLike(
  text: string,
  value: string,
  end: number,
  isEnvironment: boolean,
  context: BareContext,
  found: { kind: SecretKeyKind; start: number },
): boolean {
  if (found.kind === "weak") return isWeakSecret(value);
  if (looksRandom(value)) return value.length >= 4;
  if (/^(?:\/|\.{1,2}\/|~\/)/.test(value)) return false;
  if (context.code === 0x3d && !context.hasBlank) return isEnvironment || found.kind === "password" || value.length >= 6;
  if (context.code === 0x20) return value.length >= 3;
  if (/^\d+$/.test(value)) return found.kind === "password" && value.length >= 4;
  // `password: swordfish` is configuration when it has the line for itself; with more words behind it, it is prose; with `;`, a type.
  const rest = text.slice(end, end + 16);
  if (!/^(?:[ \t]*(?:\r?\n|$|#)|\\n|\\r|["'])/.test(rest)) return false;
  const line = text.slice(Math.max(0, found.start - 40), found.start);
  const isLineStart = /(?:^|\n|\\n)[ \t>+-]*["']?(?:[\w.-]*)$/.test(line) || found.start === 0;
  return (
    isLineStart && value.length >= 5 && (found.kind === "password" || value.length >= 8) && !/^[A-Z][a-z]+(?:[A-Z][a-z]+)*$/.test(value)
  );
}

function readCookies(text: string, start: number, push: Push): number {
  const end = endOfHeader(text, start);
  const value = text.slice(start, Math.min(end, start + 512));
  if (/^[^\s=;,"'(){}]{1,128}=[^\s;]{2,}/.test(value)) push(start, end);
  return end;
}

function readAuthorization(text: string, start: number, push: Push): number {
  HEADER_VALUE.lastIndex = start;
  HEADER_VALUE.exec(text);
  const from = Math.max(HEADER_VALUE.lastIndex, start);
  const end = endOfHeader(text, start);
  const value = text.slice(from, Math.min(end, from + 8_192));
  const token = /^[^\s,"'`]{1,8192}/.exec(value)?.[0] ?? "";
  if (token.length < 4 || isPlaceholder(token) || isInterpolation(token)) return from;
  if (from > start) {
    const isWhole = /^(?:digest|aws4|hawk|oauth)/i.test(text.slice(start, from));
    if (isWhole) push(from, end);
    else if (looksRandom(token) || token.length >= 16 || value.length === token.length) push(from, from + token.length);
    return isWhole ? end : from + token.length;
  }
  if (looksRandom(token) && !isExpression(token)) push(from, from + token.length);
  return from + token.length;
}

/** The end of a header's value: of the line, or the quote that closes the argument it stands in. */
function endOfHeader(text: string, start: number): number {
  const limit = Math.min(text.length, start + VALUE_CHARS_MAX);
  for (let index = start; index < limit; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x0a || code === 0x0d || isQuoteCode(code)) return index;
    if (code === 0x5c && /["'`nr]/.test(text[index + 1] ?? "")) return index;
  }
  return limit;
}

function endOfLine(text: string, start: number): number {
  const limit = Math.min(text.length, start + VALUE_CHARS_MAX);
  for (let index = start; index < limit; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x0a || code === 0x0d) return index;
  }
  return limit;
}
