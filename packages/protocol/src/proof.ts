/** Verifying that a leaf is in a tree, and that a tree extends an older one. Source: RFC 9162 section 2.1. */

import { ProtocolError } from "./errors.ts";
import { hashesEqual, hashNode, type Sha256 } from "./hash.ts";
import { HASH_BYTES, PROOF_HASHES_MAX } from "./limits.ts";

/** What an inclusion proof says: this leaf hash stands at `index` in the tree of `treeSize` leaves with that root. */
export interface InclusionProof {
  readonly index: number;
  readonly treeSize: number;
  readonly leafHash: Uint8Array;
  /** At most 63 hashes, the leaf's sibling first. */
  readonly path: readonly Uint8Array[];
  readonly rootHash: Uint8Array;
}

/** What a consistency proof says: the first `oldSize` leaves of the new tree are the old tree. */
export interface ConsistencyProof {
  readonly oldSize: number;
  readonly newSize: number;
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
  /** At most 63 hashes. */
  readonly path: readonly Uint8Array[];
}

/**
 * Verifies an inclusion proof. Source: RFC 9162 section 2.1.3.2. Rule: PROOF-1.
 *
 * @throws {ProtocolError} `PROOF_INVALID` for every proof that does not hold, malformed ones too.
 */
export function verifyInclusion(proof: InclusionProof, sha256: Sha256): void {
  const { index, treeSize, leafHash, path, rootHash } = proof;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(treeSize) || index < 0 || index >= treeSize) {
    throw new ProtocolError("PROOF_INVALID", { reason: "the index is outside the tree" });
  }
  assertHashes([leafHash, rootHash], path);
  let node = index;
  let last = treeSize - 1;
  let hash = leafHash;
  for (const sibling of path) {
    if (last === 0) throw new ProtocolError("PROOF_INVALID", { reason: "the path is too long" });
    if (node % 2 === 1 || node === last) {
      hash = hashNode(sibling, hash, sha256);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash = hashNode(hash, sibling, sha256);
    }
    node = half(node);
    last = half(last);
  }
  if (last !== 0) throw new ProtocolError("PROOF_INVALID", { reason: "the path is too short" });
  if (!hashesEqual(hash, rootHash)) throw new ProtocolError("PROOF_INVALID", { reason: "the path leads to another root" });
}

/**
 * Verifies a consistency proof. Source: RFC 9162 section 2.1.4.2. Rule: PROOF-2.
 *
 * @param proof `oldSize` 0 is refused: every tree extends the empty one, nothing is left to prove, and the public vectors
 *   count it as an error. A caller that allows it decides so before it calls.
 * @throws {ProtocolError} `PROOF_INVALID` for every proof that does not hold, malformed ones too.
 */
export function verifyConsistency(proof: ConsistencyProof, sha256: Sha256): void {
  const { oldSize, newSize, oldRoot, newRoot, path } = proof;
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(newSize) || oldSize < 1 || oldSize > newSize) {
    throw new ProtocolError("PROOF_INVALID", { reason: "the old size must be from 1 to the new size" });
  }
  assertHashes([oldRoot, newRoot], path);
  if (oldSize === newSize) {
    if (path.length > 0) throw new ProtocolError("PROOF_INVALID", { reason: "the path is too long" });
    if (!hashesEqual(oldRoot, newRoot)) throw new ProtocolError("PROOF_INVALID", { reason: "one size has two roots" });
    return;
  }
  if (path.length === 0) throw new ProtocolError("PROOF_INVALID", { reason: "the path is empty" });

  let node = oldSize - 1;
  let last = newSize - 1;
  while (node % 2 === 1) {
    node = half(node);
    last = half(last);
  }
  // A complete old tree is itself the first node; node is 0 exactly when oldSize is a power of two.
  const [first = oldRoot, ...rest] = node === 0 ? [oldRoot, ...path] : path;
  let oldHash = first;
  let newHash = first;
  for (const sibling of rest) {
    if (last === 0) throw new ProtocolError("PROOF_INVALID", { reason: "the path is too long" });
    if (node % 2 === 1 || node === last) {
      oldHash = hashNode(sibling, oldHash, sha256);
      newHash = hashNode(sibling, newHash, sha256);
      while (node % 2 === 0 && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      newHash = hashNode(newHash, sibling, sha256);
    }
    node = half(node);
    last = half(last);
  }
  if (last !== 0) throw new ProtocolError("PROOF_INVALID", { reason: "the path is too short" });
  if (!hashesEqual(oldHash, oldRoot)) throw new ProtocolError("PROOF_INVALID", { reason: "the path leads to another old root" });
  if (!hashesEqual(newHash, newRoot)) throw new ProtocolError("PROOF_INVALID", { reason: "the path leads to another new root" });
}

/** Not a shift: that would cut the number to 32 bits. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function assertHashes(ends: readonly Uint8Array[], path: readonly Uint8Array[]): void {
  if (path.length > PROOF_HASHES_MAX) throw new ProtocolError("PROOF_INVALID", { reason: "the path is too long", hashes: path.length });
  for (const hash of [...ends, ...path]) {
    if (hash.length !== HASH_BYTES) throw new ProtocolError("PROOF_INVALID", { reason: "a hash is not 32 bytes long", bytes: hash.length });
  }
}
