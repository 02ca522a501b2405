/** The three hashes a Merkle tree is made of. Source: RFC 6962 section 2.1, RFC 9162 section 2.1. Rule: TREE-1. */

import { ProtocolError } from "./errors.ts";
import { ENTRY_BYTES_MAX, HASH_BYTES } from "./limits.ts";

/**
 * SHA-256, synchronous; 32 bytes that the caller may keep.
 * It must not keep or change its argument: callers reuse that buffer for the next hash.
 */
export type Sha256 = (data: Uint8Array) => Uint8Array;

/**
 * Hashes one leaf: SHA-256(0x00 || leaf). The prefix keeps a leaf from ever being read as an inner node (0x01).
 *
 * @param leaf 0 to {@link ENTRY_BYTES_MAX} bytes, as stored.
 * @throws {ProtocolError} `ENTRY_TOO_LARGE`.
 */
export function hashLeaf(leaf: Uint8Array, sha256: Sha256): Uint8Array {
  if (leaf.length > ENTRY_BYTES_MAX) throw new ProtocolError("ENTRY_TOO_LARGE", { bytes: leaf.length, bytesMax: ENTRY_BYTES_MAX });
  const prefixed = new Uint8Array(leaf.length + 1); // Byte 0 stays 0x00.
  prefixed.set(leaf, 1);
  return sha256(prefixed);
}

/**
 * Hashes two subtrees into their parent: SHA-256(0x01 || left || right).
 *
 * The lengths are not checked here (a published known answer hashes four-byte strings); whatever reads hashes from outside
 * calls {@link assertHash} first.
 */
export function hashNode(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  const prefixed = new Uint8Array(1 + left.length + right.length);
  prefixed[0] = 1;
  prefixed.set(left, 1);
  prefixed.set(right, 1 + left.length);
  return sha256(prefixed);
}

/** The root hash of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(sha256: Sha256): Uint8Array {
  return sha256(new Uint8Array(0));
}

/** Whether two hashes are the same bytes. Hashes are public, so the time it takes may depend on them. */
export function hashesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** @throws {ProtocolError} `HASH_INVALID` unless it has 32 bytes. */
export function assertHash(hash: Uint8Array): void {
  if (hash.length !== HASH_BYTES) throw new ProtocolError("HASH_INVALID", { bytes: hash.length });
}
