/**
 * Base64 in both alphabets (RFC 4648 sections 4 and 5), decoded strictly: every byte string has exactly one spelling,
 * so that no character of a stored hash or signature can change unseen. Rule: BASE64-1.
 */

import { ProtocolError } from "./errors.ts";

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const URL_SAFE_CODES = Uint8Array.from(URL_SAFE, (letter) => letter.charCodeAt(0));
const STANDARD_VALUES = valuesOf(STANDARD);
const URL_SAFE_VALUES = valuesOf(URL_SAFE);

/** Standard base64 with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  const text = encodeWith(STANDARD, bytes);
  const over = bytes.length % 3;
  return over === 0 ? text : text + (over === 1 ? "==" : "=");
}

/** Base64url without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  return encodeWith(URL_SAFE, bytes);
}

/** Base64url without padding, as the ASCII bytes themselves: what a disclosure digest hashes, without a string in between. */
export function encodeBase64urlAscii(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const over = length % 3;
  const whole = length - over;
  const out = new Uint8Array((whole / 3) * 4 + (over === 0 ? 0 : over + 1));
  let at = 0;
  for (let i = 0; i < whole; i += 3) {
    const bits = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    out[at] = URL_SAFE_CODES[bits >> 18]!;
    out[at + 1] = URL_SAFE_CODES[(bits >> 12) & 63]!;
    out[at + 2] = URL_SAFE_CODES[(bits >> 6) & 63]!;
    out[at + 3] = URL_SAFE_CODES[bits & 63]!;
    at += 4;
  }
  if (over > 0) {
    const bits = (bytes[whole]! << 16) | (over === 2 ? bytes[whole + 1]! << 8 : 0);
    out[at] = URL_SAFE_CODES[bits >> 18]!;
    out[at + 1] = URL_SAFE_CODES[(bits >> 12) & 63]!;
    if (over === 2) out[at + 2] = URL_SAFE_CODES[(bits >> 6) & 63]!;
  }
  return out;
}

/**
 * Decodes standard base64: padding required, no white space, unused bits of the last character must be 0.
 *
 * @throws {ProtocolError} `BASE64_INVALID`.
 */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw new ProtocolError("BASE64_INVALID", { reason: "padding is missing" });
  let end = text.length;
  if (text.endsWith("==")) end -= 2;
  else if (text.endsWith("=")) end -= 1;
  return decodeWith(STANDARD_VALUES, text, end);
}

/**
 * Decodes base64url: no padding, no white space, unused bits of the last character must be 0.
 *
 * @throws {ProtocolError} `BASE64_INVALID`.
 */
export function decodeBase64url(text: string): Uint8Array {
  return decodeWith(URL_SAFE_VALUES, text, text.length);
}

function valuesOf(alphabet: string): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let value = 0; value < 64; value++) values[alphabet.charCodeAt(value)] = value;
  return values;
}

function encodeWith(alphabet: string, bytes: Uint8Array): string {
  const { length } = bytes;
  const over = length % 3;
  const whole = length - over;
  let text = "";
  for (let i = 0; i < whole; i += 3) {
    const bits = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    text += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]! + alphabet[(bits >> 6) & 63]! + alphabet[bits & 63]!;
  }
  if (over === 0) return text;
  const bits = (bytes[whole]! << 16) | (over === 2 ? bytes[whole + 1]! << 8 : 0);
  text += alphabet[bits >> 18]! + alphabet[(bits >> 12) & 63]!;
  return over === 2 ? text + alphabet[(bits >> 6) & 63]! : text;
}

/** Decodes the first `end` characters; what is behind them was recognised as padding. */
function decodeWith(values: Int8Array, text: string, end: number): Uint8Array {
  const over = end % 4;
  if (over === 1) throw new ProtocolError("BASE64_INVALID", { reason: "one character too many" });
  const whole = end - over;
  const out = new Uint8Array((whole / 4) * 3 + (over === 0 ? 0 : over - 1));
  let at = 0;
  for (let i = 0; i < whole; i += 4) {
    const bits =
      (valueAt(values, text, i) << 18) |
      (valueAt(values, text, i + 1) << 12) |
      (valueAt(values, text, i + 2) << 6) |
      valueAt(values, text, i + 3);
    out[at] = bits >> 16;
    out[at + 1] = bits >> 8;
    out[at + 2] = bits;
    at += 3;
  }
  if (over > 0) {
    const bits =
      (valueAt(values, text, whole) << 18) |
      (valueAt(values, text, whole + 1) << 12) |
      (over === 3 ? valueAt(values, text, whole + 2) << 6 : 0);
    if ((bits & (over === 3 ? 0xff : 0xffff)) !== 0) throw new ProtocolError("BASE64_INVALID", { reason: "spare bits are set" });
    out[at] = bits >> 16;
    if (over === 3) out[at + 1] = bits >> 8;
  }
  return out;
}

function valueAt(values: Int8Array, text: string, position: number): number {
  const value = values[text.charCodeAt(position)] ?? -1;
  if (value < 0) throw new ProtocolError("BASE64_INVALID", { reason: "character outside the alphabet", position });
  return value;
}
