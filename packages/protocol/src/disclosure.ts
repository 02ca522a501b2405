/**
 * Disclosures: the salted, erasable sections of an entry. Encoding and digest as in RFC 9901 (SD-JWT); of the JSON texts that RFC
 * allows, we write and read one spelling only. Rules: DISCLOSURE-1, DISCLOSURE-2.
 */

import { encodeBase64url, encodeBase64urlAscii } from "./base64.ts";
import { ProtocolError } from "./errors.ts";
import type { Sha256 } from "./hash.ts";
import { SALT_CHARS } from "./limits.ts";
import { decodeUtf8, encodeWellFormed } from "./utf8.ts";

/** The sections an entry may have, in the order in which a leaf names them. */
export const SECTION_NAMES = ["personal", "content"] as const;

/** `personal` points at a person; `content` is what was done. */
export type SectionName = (typeof SECTION_NAMES)[number];

/** A disclosure taken apart. */
export interface Disclosure {
  /** 22 characters of base64url: 128 random bits. */
  readonly salt: string;
  readonly name: SectionName;
  readonly value: Readonly<Record<string, unknown>>;
}

/** 21 characters carry six bits each, the last one two: the other four must be 0. */
const SALT = /^[A-Za-z0-9_-]{21}[AQgw]$/;
const SALT_START = 2;
const NAME_START = SALT_START + SALT_CHARS + 3;

/**
 * Writes `["<salt>","<name>",<value>]`.
 *
 * @param salt 128 fresh random bits as 22 characters of base64url; never used twice.
 * @param valueJson A JSON object as `JSON.stringify` writes it; not parsed here (hot path).
 * @throws {ProtocolError} `DISCLOSURE_INVALID` for a salt of another form.
 */
export function encodeDisclosure(salt: string, name: SectionName, valueJson: string): string {
  if (!SALT.test(salt)) throw new ProtocolError("DISCLOSURE_INVALID", { reason: "the salt is not 128 bits of base64url" });
  return `["${salt}","${name}",${valueJson}]`;
}

/**
 * Reads a disclosure. Refused are other spellings of the same JSON, control characters (a segment line would break), values that
 * are not objects, and unknown section names.
 *
 * @throws {ProtocolError} `DISCLOSURE_INVALID`, `UTF8_INVALID`.
 */
export function parseDisclosure(disclosure: string | Uint8Array): Disclosure {
  const text = typeof disclosure === "string" ? disclosure : decodeUtf8(disclosure);
  const name = disclosureName(text);
  if (name === undefined) throw new ProtocolError("DISCLOSURE_INVALID", { reason: 'it does not start with ["<salt>","<section>",' });
  const value = parseJson(text.slice(NAME_START + name.length + 2, -1));
  if (!text.endsWith("}]") || typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError("DISCLOSURE_INVALID", { reason: "its value is not a JSON object" });
  }
  if (/[\0-\x1f]/.test(text)) throw new ProtocolError("DISCLOSURE_INVALID", { reason: "it holds a control character" });
  return { salt: text.slice(SALT_START, SALT_START + SALT_CHARS), name, value: value as Record<string, unknown> };
}

/**
 * The section that a disclosure says it is, read from its first characters; undefined when they have another form.
 * Enough for a verifier: with a matching digest the rest is what was sealed.
 */
export function disclosureName(text: string): SectionName | undefined {
  if (!text.startsWith('["') || !SALT.test(text.slice(SALT_START, SALT_START + SALT_CHARS)) || !text.startsWith('","', NAME_START - 3))
    return undefined;
  return SECTION_NAMES.find((name) => text.startsWith(`${name}",`, NAME_START));
}

/**
 * The digest that a leaf holds: base64url(SHA-256(ASCII(base64url(UTF-8(text))))), 43 characters.
 *
 * @param disclosure Text that is well formed (not checked: hot path), or its UTF-8 bytes as stored. Any JSON spelling.
 */
export function disclosureDigest(disclosure: string | Uint8Array, sha256: Sha256): string {
  const bytes = typeof disclosure === "string" ? encodeWellFormed(disclosure) : disclosure;
  return encodeBase64url(sha256(encodeBase64urlAscii(bytes)));
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new ProtocolError("DISCLOSURE_INVALID", { reason: "it is not JSON" }, { cause });
  }
}
