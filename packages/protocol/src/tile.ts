/** Hash tiles: where they lie, how wide they are, what they hash to. Source: C2SP tlog-tiles. Rules: TILE-1 to TILE-3. */

import { ProtocolError } from "./errors.ts";
import type { Sha256 } from "./hash.ts";
import { HASH_BYTES, TILE_LEVEL_MAX, TILE_WIDTH, TREE_SIZE_MAX } from "./limits.ts";

/** A tile of hashes at a level, or a bundle of entries; `width` is 256 for a full one, else 1 to 255. */
export interface TileName {
  readonly level: number | "entries";
  readonly n: number;
  readonly width: number;
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/**
 * The path of a hash tile below the log's URL prefix, without a leading slash: `tile/0/x001/067`, `tile/1/000.p/17`.
 *
 * @param level 0 to 63.
 * @param n Number of the tile in its level, from 0.
 * @param width 1 to 256 hashes; 256 (a full tile) is not written.
 * @throws {ProtocolError} `TILE_PATH_INVALID`.
 */
export function tilePath(level: number, n: number, width: number = TILE_WIDTH): string {
  if (!Number.isInteger(level) || level < 0 || level > TILE_LEVEL_MAX) throw new ProtocolError("TILE_PATH_INVALID", { level });
  return `tile/${level}/${numberPath(n, width)}`;
}

/** The path of an entry bundle: `tile/entries/<n>[.p/<width>]`. Bounds and error as {@link tilePath}. */
export function bundlePath(n: number, width: number = TILE_WIDTH): string {
  return `tile/entries/${numberPath(n, width)}`;
}

/**
 * Reads a path that {@link tilePath} or {@link bundlePath} writes; every other spelling is refused, so one tile has one name.
 *
 * @throws {ProtocolError} `TILE_PATH_INVALID`.
 */
export function parseTilePath(path: string): TileName {
  const [, where, number, width] = PATH.exec(path) ?? [];
  if (where === undefined || number === undefined) throw new ProtocolError("TILE_PATH_INVALID", { reason: "no such form" });
  const name: TileName = {
    level: where === "entries" ? where : Number(where),
    n: Number(number.replaceAll(/[x/]/g, "")),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  const canonical = name.level === "entries" ? bundlePath(name.n, name.width) : tilePath(name.level, name.n, name.width);
  if (canonical !== path) throw new ProtocolError("TILE_PATH_INVALID", { reason: "not the shortest spelling" });
  return name;
}

/**
 * How many hashes tile `n` of a level holds in a tree of `treeSize` leaves: 0 (there is no such tile) to 256.
 * For level 0 it is the width of the entry bundle too. Rule: TILE-2.
 *
 * @throws {ProtocolError} `INDEX_OUT_OF_RANGE` for anything but non-negative integers.
 */
export function tileWidth(level: number, n: number, treeSize: number): number {
  if (!Number.isSafeInteger(n) || n < 0 || !Number.isSafeInteger(level) || level < 0)
    throw new ProtocolError("INDEX_OUT_OF_RANGE", { level, n });
  const hashes = levelSize(level, treeSize);
  const left = hashes - n * TILE_WIDTH;
  return left <= 0 ? 0 : Math.min(left, TILE_WIDTH);
}

/** How many hashes the tiles of a level hold together: one per complete subtree of 256^level leaves. */
export function levelSize(level: number, treeSize: number): number {
  if (!Number.isSafeInteger(treeSize) || treeSize < 0) throw new ProtocolError("INDEX_OUT_OF_RANGE", { treeSize });
  // Exact: dividing by a power of two only moves the exponent.
  return Math.floor(treeSize / TILE_WIDTH ** level);
}

/**
 * The hash of the complete subtree over hashes `from` to `from + count - 1` of a tile.
 * For a whole full tile it is the hash that the level above stores.
 *
 * @param count A power of two from 1 to 256.
 * @returns 32 bytes that the caller owns.
 * @throws {ProtocolError} `TILE_INVALID` when the tile does not hold those hashes.
 */
export function hashTile(tile: Uint8Array, sha256: Sha256, from = 0, count: number = TILE_WIDTH): Uint8Array {
  if (from < 0 || (from + count) * HASH_BYTES > tile.length) throw new ProtocolError("TILE_INVALID", { bytes: tile.length, from, count });
  // Not `tile.slice`: on Node's Buffer that is a view, and the fold below would overwrite the caller's tile.
  const level = new Uint8Array(tile.subarray(from * HASH_BYTES, (from + count) * HASH_BYTES));
  const preimage = new Uint8Array(1 + 2 * HASH_BYTES);
  preimage[0] = 1;
  for (let width = count; width > 1; width /= 2) {
    for (let i = 0; i < width; i += 2) {
      preimage.set(level.subarray(i * HASH_BYTES, (i + 2) * HASH_BYTES), 1);
      level.set(sha256(preimage), (i / 2) * HASH_BYTES);
    }
  }
  return level.slice(0, HASH_BYTES);
}

/** `1234067` becomes `x001/x234/067`: groups of three digits, all but the last marked, so a path is never also a folder. */
function numberPath(n: number, width: number): string {
  if (!Number.isSafeInteger(n) || n < 0 || n > TREE_SIZE_MAX) throw new ProtocolError("TILE_PATH_INVALID", { n });
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) throw new ProtocolError("TILE_PATH_INVALID", { width });
  const digits = String(n);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/[0-9]{3}/g) ?? [];
  const path = groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join("/");
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}
