/** A whole tree read through its tiles: roots and paths for any size, without touching a leaf. Rules: PROOF-3, TILE-3. */

import { ProtocolError } from "./errors.ts";
import { emptyRoot, hashNode, type Sha256 } from "./hash.ts";
import { HASH_BYTES, TILE_WIDTH } from "./limits.ts";
import { assertRange, consistencySubtrees, inclusionSubtrees, type Subtree, subtreesOf } from "./subtree.ts";
import { hashTile, tileWidth } from "./tile.ts";
import type { TreeEdge } from "./tree.ts";

/**
 * Reads a hash tile: exactly `width` hashes of 32 bytes, at once or later. A store that has only the wider tile returns its
 * first `width` hashes.
 */
export type ReadTile = (level: number, n: number, width: number) => Uint8Array | Promise<Uint8Array>;

/** Roots and paths of one growing tree. Every method throws `INDEX_OUT_OF_RANGE` and `TILE_INVALID` (a tile of the wrong length). */
export interface TileTree {
  /** The root hash of the first `size` leaves. */
  rootHash(size: number): Promise<Uint8Array>;
  /** The inclusion path of a leaf in the tree of `size` leaves, leaf side first. */
  inclusionPath(index: number, size: number): Promise<Uint8Array[]>;
  /** The consistency path; empty when the sizes are equal or `oldSize` is 0. */
  consistencyPath(oldSize: number, newSize: number): Promise<Uint8Array[]>;
  /** The edge from which an incremental tree goes on. */
  edge(size: number): Promise<TreeEdge>;
}

/**
 * Reads a tree through tiles that the caller **trusts**: whoever can change them can make us give out wrong proofs (which then
 * fail to verify). For tiles from elsewhere use `createAuthenticatedTiles`.
 *
 * All tiles that one call needs are requested together, and each of them once.
 */
export function createTileTree(deps: {
  readonly readTile: ReadTile;
  readonly sha256: Sha256;
  /** Keeps what was computed for the next call: paths of neighbours share nearly everything. */
  readonly known?: SubtreeHashes;
}): TileTree {
  const { sha256, known } = deps;
  const hashesOf = (groups: readonly (readonly Subtree[])[], size: number): Promise<Uint8Array[]> =>
    hashSubtrees(
      groups,
      sha256,
      async (level, n) => {
        const width = tileWidth(level, n, size);
        const tile = await deps.readTile(level, n, width);
        assertTile(tile, level, n, width);
        return tile;
      },
      known,
    );
  return {
    async rootHash(size) {
      assertRange(size, size);
      const [root] = await hashesOf([subtreesOf(0, size)], size);
      return root!;
    },
    async inclusionPath(index, size) {
      return hashesOf(inclusionSubtrees(index, size), size);
    },
    async consistencyPath(oldSize, newSize) {
      return hashesOf(consistencySubtrees(oldSize, newSize), newSize);
    },
    async edge(size) {
      assertRange(size, size);
      const peaks = subtreesOf(0, size).map((subtree) => [subtree]);
      return { size, hashes: await hashesOf(peaks, size) };
    },
  };
}

/** @throws {ProtocolError} `TILE_INVALID` unless the tile has `width` hashes, and at least one. */
export function assertTile(tile: Uint8Array, level: number, n: number, width: number): void {
  if (width < 1 || tile.length !== width * HASH_BYTES) {
    throw new ProtocolError("TILE_INVALID", { reason: "wrong length", level, n, width, bytes: tile.length });
  }
}

/** Hashes of complete subtrees by `height/position`: they never change, however much the tree grows. The owner bounds it. */
export interface SubtreeHashes {
  get(key: string): Uint8Array | undefined;
  set(key: string, hash: Uint8Array): void;
}

/**
 * Computes one hash per group by folding its subtrees from the right; the empty group is the empty tree.
 *
 * @param loadTile Called once per tile, all calls before the first answer.
 */
export async function hashSubtrees(
  groups: readonly (readonly Subtree[])[],
  sha256: Sha256,
  loadTile: (level: number, n: number) => Promise<Uint8Array>,
  known?: SubtreeHashes,
): Promise<Uint8Array[]> {
  // Taken first: who keeps what is known may let go of it while tiles are loaded.
  const hashes = new Map<string, Uint8Array>();
  const loading = new Map<string, Promise<Uint8Array>>();
  for (const group of groups) {
    for (const subtree of group) {
      const hash = known?.get(keyOf(subtree));
      if (hash !== undefined) {
        hashes.set(keyOf(subtree), hash);
        continue;
      }
      const { level, n, key } = tileOf(subtree);
      if (!loading.has(key)) loading.set(key, loadTile(level, n));
    }
  }
  const tiles = new Map<string, Uint8Array>();
  // Awaited together: a rejection among several pending reads must not be left unhandled.
  await Promise.all([...loading].map(async ([key, tile]) => tiles.set(key, await tile)));

  const hashOf = (subtree: Subtree): Uint8Array => {
    const before = hashes.get(keyOf(subtree));
    if (before !== undefined) return before;
    const { key, from, count } = tileOf(subtree);
    const hash = hashTile(tiles.get(key)!, sha256, from, count);
    known?.set(keyOf(subtree), hash);
    return hash;
  };
  return groups.map((group) => {
    const last = group.at(-1);
    if (last === undefined) return emptyRoot(sha256);
    return group.slice(0, -1).reduceRight((right, subtree) => hashNode(hashOf(subtree), right, sha256), hashOf(last));
  });
}

function keyOf({ height, position }: Subtree): string {
  return `${height}/${position}`;
}

/** The tile that holds a subtree: levels of eight heights, each hash of a tile being `2^(height % 8)` times narrower than it. */
function tileOf(subtree: Subtree): { level: number; n: number; from: number; count: number; key: string } {
  const level = Math.floor(subtree.height / 8);
  const count = 2 ** (subtree.height % 8);
  // Divided before it is multiplied: `position * count` can pass 2^53 in no tree of that size, but the order costs nothing.
  const perTile = TILE_WIDTH / count;
  const n = Math.floor(subtree.position / perTile);
  return { level, n, from: (subtree.position - n * perTile) * count, count, key: `${level}/${n}` };
}
