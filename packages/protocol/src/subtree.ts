/**
 * Which parts of a tree make a root, an inclusion path or a consistency path: pure arithmetic, no hash is touched here.
 * Sizes and positions are numbers up to 2^53 - 1 and are never shifted or masked: those operators cut to 32 bits.
 */

import { ProtocolError } from "./errors.ts";
import { TREE_SIZE_MAX } from "./limits.ts";

/** A complete subtree: the leaves `position * 2^height` up to, not including, `(position + 1) * 2^height`. */
export interface Subtree {
  readonly height: number;
  readonly position: number;
}

/** @throws {ProtocolError} `INDEX_OUT_OF_RANGE` unless `0 <= from <= to <= TREE_SIZE_MAX` and both are integers. */
export function assertRange(from: number, to: number): void {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || from > to) {
    throw new ProtocolError("INDEX_OUT_OF_RANGE", { from, to, max: TREE_SIZE_MAX });
  }
}

/**
 * The complete subtrees under the node over leaves `from` to `to - 1`, largest (leftmost) first.
 * Folding their hashes from the right gives that node's hash.
 *
 * @param from A multiple of the largest power of two that is not above `to - from`, as every node of a tree has it.
 */
export function subtreesOf(from: number, to: number): Subtree[] {
  const subtrees: Subtree[] = [];
  let at = from;
  while (at < to) {
    const { height, width } = largestPower(to - at);
    subtrees.push({ height, position: at / width });
    at += width;
  }
  return subtrees;
}

/**
 * The inclusion path of a leaf, leaf side first; each element is a list of subtrees to fold.
 * Source: RFC 9162 section 2.1.3.1. Rule: PROOF-3.
 *
 * @throws {ProtocolError} `INDEX_OUT_OF_RANGE` unless index is below treeSize.
 */
export function inclusionSubtrees(index: number, treeSize: number): Subtree[][] {
  assertRange(index, treeSize);
  if (index === treeSize) throw new ProtocolError("INDEX_OUT_OF_RANGE", { index, treeSize });
  const path: Subtree[][] = [];
  let from = 0;
  let to = treeSize;
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      path.push(subtreesOf(middle, to));
      to = middle;
    } else {
      path.push(subtreesOf(from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/**
 * The consistency path between two sizes; each element is a list of subtrees to fold. Empty for equal sizes and for `oldSize` 0.
 * Source: RFC 9162 section 2.1.4.1. Rule: PROOF-3.
 *
 * @throws {ProtocolError} `INDEX_OUT_OF_RANGE` when oldSize is above newSize.
 */
export function consistencySubtrees(oldSize: number, newSize: number): Subtree[][] {
  assertRange(oldSize, newSize);
  if (oldSize === 0 || oldSize === newSize) return [];
  const path: Subtree[][] = [];
  let from = 0;
  let to = newSize;
  while (oldSize !== to) {
    const middle = from + splitOf(to - from);
    if (oldSize <= middle) {
      path.push(subtreesOf(middle, to));
      to = middle;
    } else {
      path.push(subtreesOf(from, middle));
      from = middle;
    }
  }
  // A verifier knows the old root; it needs the last node only when that node is not the whole old tree.
  if (from !== 0) path.push(subtreesOf(from, to));
  return path.reverse();
}

/** The largest power of two below `width` (which is at least 2): where RFC 9162 divides a node. */
function splitOf(width: number): number {
  let split = 1;
  while (split * 2 < width) split *= 2;
  return split;
}

function largestPower(count: number): { height: number; width: number } {
  let height = 0;
  let width = 1;
  while (width * 2 <= count) {
    width *= 2;
    height += 1;
  }
  return { height, width };
}
