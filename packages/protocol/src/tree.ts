/** The incremental Merkle tree: only the roots of its complete subtrees, at most 53 hashes. Rule: TREE-3. */

import { ProtocolError } from "./errors.ts";
import { assertHash, emptyRoot, type Sha256 } from "./hash.ts";
import { HASH_BYTES, TREE_SIZE_MAX } from "./limits.ts";
import { assertRange, subtreesOf } from "./subtree.ts";

/** What is needed to go on with a tree: one hash per 1-bit of its size, largest subtree first. */
export interface TreeEdge {
  readonly size: number;
  readonly hashes: readonly Uint8Array[];
}

/** A tree that grows at its right edge. Its hashes are copied in and out: nobody shares them. */
export interface Tree {
  /** Leaves so far. */
  readonly size: number;
  /** Adds one leaf. @throws {ProtocolError} `HASH_INVALID`, `INDEX_OUT_OF_RANGE` (the tree is full). */
  append(leafHash: Uint8Array): void;
  /** The root hash over all leaves so far; 32 bytes that the caller owns. */
  root(): Uint8Array;
  /** The edge to save, with fresh copies of the hashes. */
  edge(): TreeEdge;
  /** An independent tree in the same state. */
  clone(): Tree;
}

/**
 * Creates an empty tree, or goes on from a saved edge.
 *
 * @param sha256 Must neither keep nor change its argument: one buffer serves every inner node.
 * @throws {ProtocolError} `TREE_INVALID` when the edge has not one hash of 32 bytes per 1-bit of its size.
 */
export function createTree(sha256: Sha256, edge?: TreeEdge): Tree {
  const size = edge?.size ?? 0;
  const hashes = edge?.hashes ?? [];
  assertRange(size, size);
  const stack = new Uint8Array((PEAKS_MAX + 1) * HASH_BYTES);
  if (hashes.length !== subtreesOf(0, size).length) throw new ProtocolError("TREE_INVALID", { size, hashes: hashes.length });
  hashes.forEach((hash, i) => {
    if (hash.length !== HASH_BYTES) throw new ProtocolError("TREE_INVALID", { size, bytes: hash.length });
    stack.set(hash, i * HASH_BYTES);
  });
  return growTree(sha256, size, hashes.length, stack);
}

/** A size up to 2^53 - 1 has at most 53 one-bits; one more slot holds the leaf that is being merged. */
const PEAKS_MAX = 53;

/** Peaks lie side by side in one buffer, so the last two are already `left || right`: one copy makes a node's preimage. */
function growTree(sha256: Sha256, startSize: number, startPeaks: number, stack: Uint8Array): Tree {
  const preimage = new Uint8Array(1 + 2 * HASH_BYTES);
  preimage[0] = 1;
  let size = startSize;
  let peaks = startPeaks;

  return {
    get size() {
      return size;
    },
    append(leafHash) {
      assertHash(leafHash);
      if (size === TREE_SIZE_MAX) throw new ProtocolError("INDEX_OUT_OF_RANGE", { size });
      stack.set(leafHash, peaks * HASH_BYTES);
      peaks += 1;
      // One merge for every trailing 1-bit of the old size. Division, because shifts cut to 32 bits.
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
        peaks -= 1;
        const left = (peaks - 1) * HASH_BYTES;
        preimage.set(stack.subarray(left, left + 2 * HASH_BYTES), 1);
        stack.set(sha256(preimage), left);
      }
      size += 1;
    },
    root() {
      if (peaks === 0) return emptyRoot(sha256);
      let root: Uint8Array = stack.slice((peaks - 1) * HASH_BYTES, peaks * HASH_BYTES);
      for (let peak = peaks - 2; peak >= 0; peak--) {
        preimage.set(stack.subarray(peak * HASH_BYTES, (peak + 1) * HASH_BYTES), 1);
        preimage.set(root, 1 + HASH_BYTES);
        root = sha256(preimage);
      }
      return root;
    },
    edge() {
      return { size, hashes: Array.from({ length: peaks }, (_, i) => stack.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES)) };
    },
    clone() {
      return growTree(sha256, size, peaks, stack.slice());
    },
  };
}
