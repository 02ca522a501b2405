/** UTF-8, strictly: what cannot be represented is refused, never replaced by U+FFFD. */

import { ProtocolError } from "./errors.ts";

// Declared here because this package compiles without DOM and Node types; every supported run time has both.
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(label: string, options: { fatal: boolean; ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}

const encoder = new TextEncoder();
// The byte order mark is kept: dropping it would let two byte strings become one text.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether the text holds no lone surrogate, so that encoding it loses nothing. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/**
 * Encodes text as UTF-8.
 *
 * @throws {ProtocolError} `UTF8_INVALID` for a lone surrogate: the encoder would replace it, and two texts would have one hash.
 */
export function encodeUtf8(text: string): Uint8Array {
  if (!isWellFormed(text)) throw new ProtocolError("UTF8_INVALID", { reason: "lone surrogate" });
  return encoder.encode(text);
}

/** Encodes text that the caller knows to be well formed; saves the scan of {@link encodeUtf8} on hot paths. */
export function encodeWellFormed(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Decodes UTF-8; a byte order mark stays in the text.
 *
 * @throws {ProtocolError} `UTF8_INVALID` for any malformed sequence.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ProtocolError("UTF8_INVALID", {}, { cause });
  }
}
