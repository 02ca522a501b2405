import { createTree, encodeBase64, type Tree } from "@vouchtrail/protocol";
import { sha256 } from "./hashing.ts";
import { BLOCK_ENTRIES } from "./limits.ts";

/**
 * The Merkle tree of a ledger, kept as the edge of the current tile of level 0 and the edge of all full ones. Two edges, because the root of
 * a full tile is needed as a hash of level 1, and taking it while it is made costs nothing.
 *
 * Invariant: `upper` holds one leaf per full tile of level 0; `inner.size` is the width of the partial one.
 */
export interface LedgerTree {
  readonly size: number;
  /** Appends a leaf hash. Returns the root of the tile of level 0 that it completes, if it does. */
  append(leafHash: Uint8Array): Uint8Array | undefined;
  root(): Uint8Array;
  rootText(): string;
  clone(): LedgerTree;
}

/** A tree that has only full tiles below it: `size` is a multiple of 256 and `edge` its complete subtrees, largest first. */
export function openLedgerTree(size: number, edge: readonly Uint8Array[]): LedgerTree {
  return wrap(createTree(sha256, { size: size / BLOCK_ENTRIES, hashes: edge }), createTree(sha256));
}

function wrap(upper: Tree, inner: Tree): LedgerTree {
  return {
    get size() {
      return upper.size * BLOCK_ENTRIES + inner.size;
    },
    append(leafHash) {
      inner.append(leafHash);
      if (inner.size < BLOCK_ENTRIES) return undefined;
      const root = inner.root();
      upper.append(root);
      inner = createTree(sha256);
      return root;
    },
    root() {
      return createTree(sha256, {
        size: upper.size * BLOCK_ENTRIES + inner.size,
        hashes: [...upper.edge().hashes, ...inner.edge().hashes],
      }).root();
    },
    rootText() {
      return encodeBase64(this.root());
    },
    clone: () => wrap(upper.clone(), inner.clone()),
  };
}
