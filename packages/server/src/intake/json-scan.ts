/**
 * One pass over JSON text as bytes, before it is parsed: where the values of a body lie, and what JSON.parse would hide (duplicate keys,
 * numbers that it rounds, depth). It trusts nothing: text that is not JSON gives some result here and fails in JSON.parse.
 */
export interface ScannedValue {
  /** Half-open byte range. */
  readonly start: number;
  readonly end: number;
  /** Names of members, on all levels together, counted as written. */
  readonly keyCount: number;
  readonly depth: number;
  /** There is a number that JSON.parse may not keep exactly. */
  readonly hasLongNumber: boolean;
  /** There is a `\u` escape: the only way to write half of a surrogate pair. */
  readonly hasUnicodeEscape: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LOWER_U = 0x75;
// Fifteen significant digits always survive the way through a double.
const SAFE_NUMBER_CHARS = 15;

/** Scans one value from `start` (not white space) up to its end, at the latest `limit`. */
export function scanValue(bytes: Uint8Array, start: number, limit: number): ScannedValue {
  let i = start;
  let depth = 0;
  let depthMax = 0;
  let keyCount = 0;
  let hasLongNumber = false;
  let hasUnicodeEscape = false;
  while (i < limit) {
    const byte = bytes[i]!;
    if (byte === QUOTE) {
      i += 1;
      for (; i < limit; i++) {
        const inside = bytes[i]!;
        if (inside === QUOTE) break;
        if (inside === BACKSLASH) {
          i += 1;
          if (bytes[i] === LOWER_U) hasUnicodeEscape = true;
        }
      }
      i += 1;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > depthMax) depthMax = depth;
      i += 1;
      continue;
    } else if (byte === 0x7d || byte === 0x5d) {
      // A closing bracket of whatever is around the value ends it too.
      if (depth === 0) break;
      depth -= 1;
      i += 1;
    } else if (byte === 0x3a) {
      keyCount += 1;
      i += 1;
      continue;
    } else if (byte === 0x2c) {
      if (depth === 0) break;
      i += 1;
      continue;
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      const from = i;
      let isPlain = true;
      for (i++; i < limit; i++) {
        const digit = bytes[i]!;
        if (digit >= 0x30 && digit <= 0x39) continue;
        if (digit === 0x2e) continue;
        if (digit === 0x65 || digit === 0x45 || digit === 0x2b || digit === 0x2d) {
          isPlain = false;
          continue;
        }
        break;
      }
      if (!isPlain || i - from > SAFE_NUMBER_CHARS) hasLongNumber = true;
    } else {
      i += 1;
      if (depth === 0 && !isSpace(byte)) continue;
      if (depth === 0) break;
      continue;
    }
    if (depth === 0) break;
  }
  return { start, end: Math.min(i, limit), keyCount, depth: depthMax, hasLongNumber, hasUnicodeEscape };
}

export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

export function skipSpace(bytes: Uint8Array, start: number, limit: number): number {
  let i = start;
  while (i < limit && isSpace(bytes[i])) i += 1;
  return i;
}
