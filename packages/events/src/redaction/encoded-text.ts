/**
 * Opens encodings that hide a secret: percent signs, JSON's `\u` escapes, base64. No `Buffer` and no `TextDecoder`: this package runs
 * anywhere, and each decoded character must be led back to where it stood.
 */
import { BASE64_RUN_CHARS_MIN } from "./limits.ts";

/** Decoded text, and for each of its characters where its encoding starts; one more entry says where the last one ends. */
export interface DecodedText {
  readonly text: string;
  readonly starts: Uint32Array;
}

const hexValue = (code: number): number => {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
};

const hexByte = (text: string, at: number): number => {
  const high = hexValue(text.charCodeAt(at));
  const low = hexValue(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
};

/** Undoes `%XX` (as UTF-8), or `undefined` when there is none. */
export function decodePercent(text: string): DecodedText | undefined {
  if (!/%[0-9A-Fa-f]{2}/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length);
  return mapped(text, (at, write) => {
    if (text.charCodeAt(at) !== 0x25) return 0;
    let count = 0;
    for (let byte = hexByte(text, at + 1); text.charCodeAt(at + count * 3) === 0x25 && byte >= 0; byte = hexByte(text, at + count * 3 + 1))
      bytes[count++] = byte;
    decodeUtf8(bytes, count, (code, from, to) => write(code, at + from * 3, at + to * 3));
    return count * 3;
  });
}

/** Undoes `\uXXXX` and `\/`, however many backslashes stand in front, or `undefined` when there is none. */
export function decodeEscapes(text: string): DecodedText | undefined {
  if (!/\\(?:u[0-9A-Fa-f]{4}|\/)/.test(text)) return undefined;
  return mapped(text, (at, write) => {
    if (text.charCodeAt(at) !== 0x5c) return 0;
    let end = at + 1;
    while (text.charCodeAt(end) === 0x5c) end++;
    if (text.charCodeAt(end) === 0x2f) {
      write(0x2f, at, end + 1);
      return end + 1 - at;
    }
    const high = text.charCodeAt(end) === 0x75 ? hexByte(text, end + 1) : -1;
    const low = high < 0 ? -1 : hexByte(text, end + 3);
    if (low < 0) {
      for (let index = at; index < end; index++) write(0x5c, index, index + 1);
      return end - at;
    }
    write(high * 256 + low, at, end + 5);
    return end + 5 - at;
  });
}

type WriteCode = (code: number, from: number, to: number) => void;

/** Copies the text; `read` decodes what begins at a place and returns its length, or 0 to copy one character. */
function mapped(text: string, read: (at: number, write: WriteCode) => number): DecodedText {
  const codes = new Uint16Array(text.length);
  const starts = new Uint32Array(text.length + 1);
  let count = 0;
  let end = 0;
  const write: WriteCode = (code, from, to) => {
    if (code > 0xffff) {
      codes[count] = 0xd800 + ((code - 0x10000) >> 10);
      starts[count++] = from;
      codes[count] = 0xdc00 + ((code - 0x10000) & 0x3ff);
    } else codes[count] = code;
    starts[count++] = from;
    end = to;
  };
  for (let at = 0; at < text.length; ) {
    const length = read(at, write);
    if (length === 0) write(text.charCodeAt(at), at, at + 1);
    at += length === 0 ? 1 : length;
  }
  starts[count] = end;
  return { text: textOf(codes, count), starts: starts.subarray(0, count + 1) };
}

/** Strings are made in pieces: a call takes a bounded number of arguments. */
function textOf(codes: Uint16Array, count: number): string {
  let text = "";
  for (let at = 0; at < count; at += 8_192)
    text += String.fromCharCode.apply(null, codes.subarray(at, Math.min(count, at + 8_192)) as unknown as number[]);
  return text;
}

/** Reads UTF-8 leniently: what is not UTF-8 becomes U+0000, which no rule matches across. */
function decodeUtf8(bytes: Uint8Array, count: number, write: WriteCode): void {
  for (let at = 0; at < count; ) {
    const first = bytes[at] ?? 0;
    const length =
      first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
    let code = length === 1 ? first : length === 2 ? first & 0x1f : length === 3 ? first & 0x0f : first & 0x07;
    let isValid = length > 0 && at + length <= count;
    for (let index = 1; isValid && index < length; index++) {
      const byte = bytes[at + index] ?? 0;
      isValid = (byte & 0xc0) === 0x80;
      code = code * 64 + (byte & 0x3f);
    }
    const step = isValid ? length : 1;
    write(isValid ? code : 0, at, at + step);
    at += step;
  }
}

/** Six-bit value of each ASCII code in either base64 alphabet, or 255. */
export const BASE64_VALUES: Uint8Array = (() => {
  const values = new Uint8Array(256).fill(255);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (let index = 0; index < 64; index++) values[alphabet.charCodeAt(index)] = index;
  values[0x2d] = 62;
  values[0x5f] = 63;
  return values;
})();

/** Groups of four characters in a row that decode to printable ASCII before a run is opened: 12 characters of text. */
const PRINTABLE_GROUPS_MIN = 4;

const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Whether base64 that starts at `from` decodes to a stretch of printable ASCII. Digests, ids, paths and images practically never do. */
export function decodesToText(at: (index: number) => number, from: number, to: number): boolean {
  let groups = 0;
  for (let index = from; index + 4 <= to; index += 4) {
    const a = BASE64_VALUES[at(index)] ?? 255;
    if (a < 32) {
      const b = BASE64_VALUES[at(index + 1)] ?? 255;
      const c = BASE64_VALUES[at(index + 2)] ?? 255;
      const d = BASE64_VALUES[at(index + 3)] ?? 255;
      if (isPrintable((a << 2) | (b >> 4)) && isPrintable(((b & 15) << 4) | (c >> 2)) && isPrintable(((c & 3) << 6) | d)) {
        if (++groups >= PRINTABLE_GROUPS_MIN) return true;
        continue;
      }
    }
    groups = 0;
  }
  return false;
}

const RUN = new RegExp(`[A-Za-z0-9+/_-]{${BASE64_RUN_CHARS_MIN},}`, "g");
// Tools wrap base64 at 60, 64 or 76 characters; in a string inside a string the line feed is written out.
const LINE_CHARS_MIN = 56;
const NEXT_LINE = /(?:\\{0,8}r)?(?:\r?\n|\\{1,8}n)[ \t]{0,16}(?=[A-Za-z0-9+/_-])/y;
const LINE = /[A-Za-z0-9+/_-]+/y;

/** Calls `visit` with each stretch of base64 that decodes to text: where it stands, and the text for one of the four ways to align it. */
export function visitBase64(text: string, visit: (start: number, end: number, decoded: string) => boolean): void {
  RUN.lastIndex = 0;
  for (let match = RUN.exec(text); match !== null; match = RUN.exec(text)) {
    const start = match.index;
    let end = start + match[0].length;
    let run = match[0];
    let line = run.length;
    const lines = [run];
    while (line >= LINE_CHARS_MIN && line % 4 === 0) {
      NEXT_LINE.lastIndex = end;
      if (!NEXT_LINE.test(text)) break;
      LINE.lastIndex = NEXT_LINE.lastIndex;
      const more = LINE.exec(text);
      if (more === null || more[0].length > line) break;
      lines.push(more[0]);
      line = more[0].length;
      end = LINE.lastIndex;
    }
    if (lines.length > 1) run = lines.join("");
    for (let padding = 0; padding < 2 && text[end] === "="; padding++) end++;
    for (let offset = 0; offset < 4; offset++) {
      if (!decodesToText((index) => run.charCodeAt(index), offset, run.length)) continue;
      if (visit(start, end, decodeBase64(run, offset))) break;
    }
    // Set last: `visit` comes back here for what it finds inside, and the pattern is shared.
    RUN.lastIndex = end;
  }
}

function decodeBase64(run: string, offset: number): string {
  const bytes = new Uint8Array(Math.ceil(((run.length - offset) * 3) / 4));
  let count = 0;
  let bits = 0;
  let held = 0;
  for (let index = offset; index < run.length; index++) {
    held = ((held << 6) | (BASE64_VALUES[run.charCodeAt(index)] ?? 0)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[count++] = (held >> bits) & 0xff;
    }
  }
  const codes = new Uint16Array(count + 1);
  let written = 0;
  decodeUtf8(bytes, count, (code) => {
    // Beyond the basic plane nothing matters to a rule: one character stands for two.
    codes[written++] = code > 0xffff ? 0xfffd : code;
  });
  return textOf(codes, written);
}
