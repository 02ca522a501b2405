/**
 * A tree read through tiles that nobody trusts. Rule: TILE-5.
 *
 * No hash is used before its whole tile was checked against the signed root. A partial tile is checked together with the other
 * partial tiles: their hashes are exactly the tree's edge, and folded they must give the root. A full tile must hash to the entry
 * that the (already checked) tile above it stores. Tiles that are read only to compute a parent pass the same door: a known client
 * let those through unchecked (CVE-2026-56865).
 */

import { ProtocolError } from "./errors.ts";
import { hashesEqual, hashLeaf, type Sha256 } from "./hash.ts";
import { HASH_BYTES, TILE_WIDTH } from "./limits.ts";
import { assertRange, consistencySubtrees, inclusionSubtrees, type Subtree, subtreesOf } from "./subtree.ts";
import { hashTile, levelSize, tileWidth } from "./tile.ts";
import { assertTile, hashSubtrees, type ReadTile } from "./tile-tree.ts";

/** Full tiles kept after they were checked: 8 MiB, and enough for the level above 16 million entries. */
const TILES_CACHED_MAX = 1_024;

/**
 * Answers about one signed tree. Every method throws `TILE_INVALID` for a tile that does not belong to the tree, and
 * `INDEX_OUT_OF_RANGE` for what lies outside it; what `readTile` throws passes through. After an error a later call reads again.
 */
export interface AuthenticatedTiles {
  readonly treeSize: number;
  /** The hash of the leaf at `index`. */
  leafHash(index: number): Promise<Uint8Array>;
  /** The inclusion path of the leaf at `index`, leaf side first. */
  inclusionPath(index: number): Promise<Uint8Array[]>;
  /** The consistency path from `oldSize` to this tree; empty for 0 and for this size. */
  consistencyPath(oldSize: number): Promise<Uint8Array[]>;
  /** The root hash that the first `oldSize` leaves have: what an older checkpoint of the same log must say. */
  rootHashAt(oldSize: number): Promise<Uint8Array>;
  /**
   * Checks that these are all leaves of entry bundle `n`, in order.
   * @throws {ProtocolError} `ENTRY_BUNDLE_INVALID`; `detail.index` is the first leaf that differs.
   */
  authenticateBundle(n: number, leaves: readonly Uint8Array[]): Promise<void>;
}

/**
 * Opens a tree over **untrusted** tiles: whoever controls them can at most stop us.
 *
 * @param deps `treeSize` and `rootHash` must come from a checkpoint whose signature was verified.
 * @throws {ProtocolError} `INDEX_OUT_OF_RANGE`, `TILE_INVALID` (the root hash is not 32 bytes).
 */
export function createAuthenticatedTiles(deps: {
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  readonly readTile: ReadTile;
  readonly sha256: Sha256;
}): AuthenticatedTiles {
  const { treeSize, readTile, sha256 } = deps;
  assertRange(treeSize, treeSize);
  if (deps.rootHash.length !== HASH_BYTES) throw new ProtocolError("TILE_INVALID", { reason: "the root hash is not 32 bytes long" });
  const rootHash = new Uint8Array(deps.rootHash);
  const fullTiles = new Map<string, Promise<Uint8Array>>();
  let edge: Promise<readonly Uint8Array[]> | undefined;

  const readChecked = async (level: number, n: number, width: number): Promise<Uint8Array> => {
    const tile = await readTile(level, n, width);
    assertTile(tile, level, n, width);
    // A copy, because the reader's buffer may change after it was checked; and not by `slice`, which on Node's Buffer is a view.
    return new Uint8Array(tile);
  };

  /** All partial tiles, by level; empty where the level has none. */
  const readEdge = async (): Promise<readonly Uint8Array[]> => {
    const reads: (Promise<Uint8Array> | Uint8Array)[] = [];
    for (let level = 0; levelSize(level, treeSize) > 0; level++) {
      const n = Math.floor(levelSize(level, treeSize) / TILE_WIDTH);
      const width = tileWidth(level, n, treeSize);
      reads.push(width === 0 ? new Uint8Array(0) : readChecked(level, n, width));
    }
    const tiles = await Promise.all(reads);
    const [root] = await hashSubtrees([subtreesOf(0, treeSize)], sha256, async (level) => tiles[level]!);
    if (!hashesEqual(root!, rootHash))
      throw new ProtocolError("TILE_INVALID", { reason: "the partial tiles do not lead to the signed root" });
    return tiles;
  };

  const loadEdge = (): Promise<readonly Uint8Array[]> => {
    edge ??= readEdge().catch((error: unknown) => {
      edge = undefined;
      throw error;
    });
    return edge;
  };

  const loadFull = async (level: number, n: number): Promise<Uint8Array> => {
    const parentN = Math.floor(n / TILE_WIDTH);
    const [parent, tile] = await Promise.all([loadTile(level + 1, parentN), readChecked(level, n, TILE_WIDTH)]);
    const at = (n - parentN * TILE_WIDTH) * HASH_BYTES;
    if (!hashesEqual(hashTile(tile, sha256), parent.subarray(at, at + HASH_BYTES))) {
      throw new ProtocolError("TILE_INVALID", { reason: "the tile does not hash to its parent", level, n });
    }
    return tile;
  };

  const loadTile = async (level: number, n: number): Promise<Uint8Array> => {
    const width = tileWidth(level, n, treeSize);
    if (width === 0) throw new ProtocolError("INDEX_OUT_OF_RANGE", { level, n, treeSize });
    if (width < TILE_WIDTH) return (await loadEdge())[level]!;
    const key = `${level}/${n}`;
    let tile = fullTiles.get(key);
    if (tile === undefined) {
      tile = loadFull(level, n).catch((error: unknown) => {
        fullTiles.delete(key);
        throw error;
      });
      const [oldest] = fullTiles.keys();
      if (fullTiles.size >= TILES_CACHED_MAX && oldest !== undefined) fullTiles.delete(oldest);
    } else {
      fullTiles.delete(key); // Set again below: the map's order is the order of use.
    }
    fullTiles.set(key, tile);
    return tile;
  };

  const hashesOf = async (groups: readonly (readonly Subtree[])[]): Promise<Uint8Array[]> => {
    await loadEdge(); // Also a tree without full tiles, or an empty path, is answered only under the signed root.
    return hashSubtrees(groups, sha256, loadTile);
  };

  return {
    treeSize,
    async leafHash(index) {
      assertRange(index, treeSize);
      if (index === treeSize) throw new ProtocolError("INDEX_OUT_OF_RANGE", { index, treeSize });
      const [hash] = await hashesOf([[{ height: 0, position: index }]]);
      return hash!;
    },
    async inclusionPath(index) {
      return hashesOf(inclusionSubtrees(index, treeSize));
    },
    async consistencyPath(oldSize) {
      return hashesOf(consistencySubtrees(oldSize, treeSize));
    },
    async rootHashAt(oldSize) {
      assertRange(oldSize, treeSize);
      const [root] = await hashesOf([subtreesOf(0, oldSize)]);
      return root!;
    },
    async authenticateBundle(n, leaves) {
      const tile = await loadTile(0, n);
      const width = tile.length / HASH_BYTES;
      for (let i = 0; i < Math.min(width, leaves.length); i++) {
        const index = n * TILE_WIDTH + i;
        if (!hashesEqual(hashLeaf(leaves[i]!, sha256), tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES))) {
          throw new ProtocolError("ENTRY_BUNDLE_INVALID", { reason: "a leaf does not match its hash", index });
        }
      }
      if (leaves.length !== width) {
        throw new ProtocolError("ENTRY_BUNDLE_INVALID", {
          reason: "wrong count",
          leaves: leaves.length,
          width,
          index: n * TILE_WIDTH + Math.min(width, leaves.length),
        });
      }
    },
  };
}
