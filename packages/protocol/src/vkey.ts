/** Verifier keys as text. Source: C2SP signed-note. Rule: NOTE-2. */

import { decodeBase64, encodeBase64 } from "./base64.ts";
import { ED25519_PUBLIC_KEY_BYTES } from "./ed25519.ts";
import { ProtocolError } from "./errors.ts";
import type { Sha256 } from "./hash.ts";
import { KEY_NAME_BYTES_MAX } from "./limits.ts";
import { encodeUtf8, isWellFormed } from "./utf8.ts";

/** Key type bytes that this package verifies. 0x06 (ML-DSA-44 cosignatures) is known to exist and not supported. */
export const KEY_TYPES = { ed25519: 0x01, ed25519Cosignature: 0x04 } as const;

/** One of {@link KEY_TYPES}: 0x01 signs notes, 0x04 cosigns checkpoints. */
export type KeyType = (typeof KEY_TYPES)[keyof typeof KEY_TYPES];

/** A key that signatures are checked with; name and key id together identify it. */
export interface Verifier {
  readonly name: string;
  /** 0 to 2^32 - 1; eight hex digits in text. */
  readonly keyId: number;
  readonly keyType: KeyType;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Whether a name may stand in a note: not empty, at most 255 bytes, no Unicode white space, no control character, no `+`. */
export function isKeyName(name: string): boolean {
  if (name === "" || name.length > KEY_NAME_BYTES_MAX || /[\p{White_Space}\p{Cc}+]/u.test(name) || !isWellFormed(name)) return false;
  return encodeUtf8(name).length <= KEY_NAME_BYTES_MAX;
}

/** SHA-256(name || 0x0A || type || public key), the first four bytes as a big-endian number. */
export function keyId(name: string, keyType: KeyType, publicKey: Uint8Array, sha256: Sha256): number {
  const nameBytes = encodeUtf8(name);
  const data = new Uint8Array(nameBytes.length + 2 + publicKey.length);
  data.set(nameBytes);
  data[nameBytes.length] = 0x0a;
  data[nameBytes.length + 1] = keyType;
  data.set(publicKey, nameBytes.length + 2);
  const [a = 0, b = 0, c = 0, d = 0] = sha256(data);
  return a * 0x1000000 + b * 0x10000 + c * 0x100 + d;
}

/**
 * Writes `<name>+<key id, 8 hex digits>+<base64(type || public key)>`.
 *
 * @param keyType Ed25519 for notes unless said otherwise.
 * @throws {ProtocolError} `VKEY_INVALID` for a name or key that cannot be one.
 */
export function formatVkey(name: string, publicKey: Uint8Array, sha256: Sha256, keyType: KeyType = KEY_TYPES.ed25519): string {
  if (!isKeyName(name)) throw new ProtocolError("VKEY_INVALID", { reason: "the name is empty, too long, or holds a space or +" });
  if (publicKey.length !== ED25519_PUBLIC_KEY_BYTES)
    throw new ProtocolError("VKEY_INVALID", { reason: "the public key is not 32 bytes long" });
  const typed = new Uint8Array(1 + publicKey.length);
  typed[0] = keyType;
  typed.set(publicKey, 1);
  return `${name}+${keyId(name, keyType, publicKey, sha256).toString(16).padStart(8, "0")}+${encodeBase64(typed)}`;
}

/**
 * Reads a verifier key and checks that its key id belongs to it.
 *
 * @throws {ProtocolError} `VKEY_INVALID`, also for key types other than {@link KEY_TYPES}.
 */
export function parseVkey(vkey: string, sha256: Sha256): Verifier {
  const [, name, id, base64] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey) ?? [];
  if (name === undefined || id === undefined || base64 === undefined || !isKeyName(name)) {
    throw new ProtocolError("VKEY_INVALID", { reason: "it is not <name>+<key id>+<base64>" });
  }
  const typed = decodeKey(base64);
  const keyType = typed[0];
  const publicKey = typed.slice(1);
  if (keyType !== KEY_TYPES.ed25519 && keyType !== KEY_TYPES.ed25519Cosignature) {
    throw new ProtocolError("VKEY_INVALID", { reason: "the key type is not supported", keyType: keyType ?? -1 });
  }
  if (publicKey.length !== ED25519_PUBLIC_KEY_BYTES)
    throw new ProtocolError("VKEY_INVALID", { reason: "the public key is not 32 bytes long" });
  const expected = keyId(name, keyType, publicKey, sha256);
  if (expected !== Number.parseInt(id, 16)) throw new ProtocolError("VKEY_INVALID", { reason: "the key id does not belong to the key" });
  return { name, keyId: expected, keyType, publicKey };
}

function decodeKey(base64: string): Uint8Array {
  try {
    return decodeBase64(base64);
  } catch (cause) {
    throw new ProtocolError("VKEY_INVALID", { reason: "the key is not strict base64" }, { cause });
  }
}
