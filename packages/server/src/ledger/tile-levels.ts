import { hashTile } from "@vouchtrail/protocol";
import { sha256 } from "./hashing.ts";
import { SEGMENT_ENTRIES } from "./limits.ts";
import type { TileStore } from "./tile-store.ts";

const HASH_BYTES = 32;
const WIDTH = 256;

interface PartialTile {
  n: number;
  count: number;
  hashes: Buffer;
}

/**
 * The hashes of all levels: partial tiles and full ones that are not on disk yet in memory, all others in the store.
 *
 * Invariant: a full tile leaves memory only after it is durable, so every hash below the published checkpoint can be had.
 */
export interface TileLevels {
  /** Adds the next leaf hash. `tileRoot` saves work where the caller knows the root of the tile that it completes. */
  push(leafHash: Uint8Array, tileRoot?: Uint8Array): void;
  /** The first `width` hashes of a tile, undefined if there are not that many. */
  get(level: number, n: number, width: number): Promise<Uint8Array | undefined>;
  /** Makes all full tiles durable. */
  save(): Promise<void>;
}

/** @param size Leaves so far: a multiple of 65,536, all of whose tiles are in the store. */
export async function openTileLevels(store: TileStore, size: number): Promise<TileLevels> {
  const partials: PartialTile[] = [];
  const unsaved = new Map<string, { level: number; n: number; hashes: Buffer }>();

  const partialAt = (level: number): PartialTile => {
    let partial = partials[level];
    if (partial === undefined) {
      partial = { n: 0, count: 0, hashes: Buffer.alloc(WIDTH * HASH_BYTES) };
      partials[level] = partial;
    }
    return partial;
  };

  const pushAt = (level: number, hash: Uint8Array, tileRoot?: Uint8Array): void => {
    const partial = partialAt(level);
    partial.hashes.set(hash, partial.count * HASH_BYTES);
    partial.count += 1;
    if (partial.count < WIDTH) return;
    unsaved.set(`${level}/${partial.n}`, { level, n: partial.n, hashes: partial.hashes });
    pushAt(level + 1, tileRoot ?? hashTile(partial.hashes, sha256));
    partials[level] = { n: partial.n + 1, count: 0, hashes: Buffer.alloc(WIDTH * HASH_BYTES) };
  };

  // Levels 0 and 1 end exactly at `size`. Above, a partial tile is made of the roots of full tiles one level down.
  partialAt(0).n = size / WIDTH;
  partialAt(1).n = size / SEGMENT_ENTRIES;
  for (let level = 2, below = size / SEGMENT_ENTRIES; below > 0; level++, below = Math.floor(below / WIDTH)) {
    const partial = partialAt(level);
    partial.n = Math.floor(below / WIDTH);
    for (let n = partial.n * WIDTH; n < below; n++) {
      const tile = await store.read(level - 1, n);
      if (tile === undefined) throw new MissingTileError(level - 1, n);
      partial.hashes.set(hashTile(tile, sha256), partial.count * HASH_BYTES);
      partial.count += 1;
    }
  }

  return {
    push: (leafHash, tileRoot) => pushAt(0, leafHash, tileRoot),
    async get(level, n, width) {
      const partial = partials[level];
      if (partial !== undefined && n === partial.n)
        return width <= partial.count ? partial.hashes.subarray(0, width * HASH_BYTES) : undefined;
      const full = unsaved.get(`${level}/${n}`)?.hashes ?? (await store.read(level, n));
      return full?.subarray(0, width * HASH_BYTES);
    },
    async save() {
      const tiles = [...unsaved];
      if (tiles.length === 0) return;
      await store.write(tiles.map(([, tile]) => tile));
      for (const [name] of tiles) unsaved.delete(name);
    },
  };
}

/** A tile that must be in the store is not. */
export class MissingTileError extends Error {
  override readonly name = "MissingTileError";
  constructor(level: number, n: number) {
    super(`The tile ${n} of level ${level} is missing.`);
  }
}
