import { hash } from "node:crypto";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { createAuthenticatedTiles } from "./authenticated-tiles.ts";
import { hashLeaf } from "./hash.ts";
import { verifyConsistency, verifyInclusion } from "./proof.ts";
import { hashTile, tileWidth } from "./tile.ts";
import { createTileTree, type ReadTile } from "./tile-tree.ts";
import { createTree } from "./tree.ts";

const SIZE = 70_000;
const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const leafOf = (i: number): Uint8Array => Buffer.from(`leaf ${i}`);

const leaves: Uint8Array[] = [];
/** Level by level, all hashes of the largest tree; a tile is a slice of one. */
const levels: Uint8Array[] = [];
let root: Uint8Array;

beforeAll(() => {
  for (let i = 0; i < SIZE; i++) leaves.push(hashLeaf(leafOf(i), sha256));
  let level: Uint8Array = Buffer.concat(leaves);
  while (level.length > 0) {
    levels.push(level);
    const above: Uint8Array[] = [];
    for (let at = 0; at + 8_192 <= level.length; at += 8_192) above.push(hashTile(level.subarray(at, at + 8_192), sha256));
    level = Buffer.concat(above);
  }
  root = oracle(0, SIZE);
});

const readTile: ReadTile = (level, n, width) => levels[level]!.subarray(n * 8_192, n * 8_192 + width * 32);

function splitOf(width: number): number {
  let k = 1;
  while (k * 2 < width) k *= 2;
  return k;
}

/** MTH of RFC 9162, word for word. */
function oracle(from: number, to: number): Uint8Array {
  if (to === from) return sha256(new Uint8Array(0));
  if (to - from === 1) return leaves[from]!;
  const middle = from + splitOf(to - from);
  return sha256(Buffer.concat([Uint8Array.of(1), oracle(from, middle), oracle(middle, to)]));
}

/** PATH of RFC 9162, word for word. */
function pathOracle(m: number, from: number, to: number): Uint8Array[] {
  if (to - from === 1) return [];
  const k = splitOf(to - from);
  return m < k ? [...pathOracle(m, from, from + k), oracle(from + k, to)] : [...pathOracle(m - k, from + k, to), oracle(from, from + k)];
}

/** SUBPROOF of RFC 9162, word for word. */
function subproofOracle(m: number, from: number, to: number, isWhole: boolean): Uint8Array[] {
  if (m === to - from) return isWhole ? [] : [oracle(from, to)];
  const k = splitOf(to - from);
  return m <= k
    ? [...subproofOracle(m, from, from + k, isWhole), oracle(from + k, to)]
    : [...subproofOracle(m - k, from + k, to, false), oracle(from, from + k)];
}

const sizes = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: SIZE }));

test("PROOF-3: paths made from tiles equal those of a slow recursive oracle, and verify", async () => {
  const tiles = createTileTree({ readTile, sha256 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, a, b) => {
      const index = a % size;
      const oldSize = 1 + (b % size);
      const rootHash = oracle(0, size);
      expect(hex(await tiles.rootHash(size))).toBe(hex(rootHash));
      const path = await tiles.inclusionPath(index, size);
      expect(path.map(hex)).toEqual(pathOracle(index, 0, size).map(hex));
      verifyInclusion({ index, treeSize: size, leafHash: leaves[index]!, path, rootHash }, sha256);
      const consistency = await tiles.consistencyPath(oldSize, size);
      expect(consistency.map(hex)).toEqual(subproofOracle(oldSize, 0, size, true).map(hex));
      verifyConsistency({ oldSize, newSize: size, oldRoot: oracle(0, oldSize), newRoot: rootHash, path: consistency }, sha256);
    }),
    {
      numRuns: 22,
      examples: [
        [256, 255, 100],
        [257, 256, 255],
        [65_536, 65_535, 65_000],
        [SIZE, 69_999, 65_535],
      ],
    },
  );
});

test("PROOF-1: every changed bit of a path, leaf hash or root is refused", async () => {
  const index = 66_001;
  const path = await createTileTree({ readTile, sha256 }).inclusionPath(index, SIZE);
  const all = [leaves[index]!, root, ...path];
  for (let which = 0; which < all.length; which++) {
    for (let bit = 0; bit < 256; bit++) {
      const [leafHash, rootHash, ...changed] = all.map((bytes) => Uint8Array.from(bytes));
      [leafHash!, rootHash!, ...changed][which]![bit >> 3]! ^= 1 << (bit & 7);
      expect(() => verifyInclusion({ index, treeSize: SIZE, leafHash: leafHash!, path: changed, rootHash: rootHash! }, sha256)).toThrow(
        /PROOF_INVALID/,
      );
    }
  }
});

test("TREE-3: an edge read from tiles resumes the incremental tree", async () => {
  const tiles = createTileTree({ readTile, sha256 });
  for (const size of [0, 1, 255, 256, 65_536, 69_990]) {
    const tree = createTree(sha256, await tiles.edge(size));
    for (const leaf of leaves.slice(size, Math.min(size + 300, SIZE))) tree.append(leaf);
    expect(hex(tree.root())).toBe(hex(oracle(0, tree.size)));
  }
});

test("TILE-3: each tile is read once a call, with the width of the asked size", async () => {
  const reads: string[] = [];
  const tiles = createTileTree({
    sha256,
    readTile: (level, n, width) => {
      reads.push(`${level}/${n}/${width}`);
      return readTile(level, n, width);
    },
  });
  await tiles.inclusionPath(65_000, SIZE);
  expect(reads.sort()).toEqual(["0/253/256", "0/273/112", "1/0/256", "1/1/17"]);
});

test("TILE-3: hashing a tile leaves it as it was, also when it is a Buffer", () => {
  const tile = Buffer.from(levels[0]!.subarray(0, 8_192));
  const before = tile.toString("hex");
  expect(hex(hashTile(tile, sha256))).toBe(hex(oracle(0, 256)));
  expect(tile.toString("hex")).toBe(before);
});

test("TILE-3: a tile of the wrong length and indexes outside the tree are refused", async () => {
  const short = createTileTree({ sha256, readTile: (level, n, width) => readTile(level, n, width - 1) });
  await expect(short.rootHash(300)).rejects.toThrow(/TILE_INVALID/);
  const tiles = createTileTree({ readTile, sha256 });
  await expect(tiles.inclusionPath(5, 5)).rejects.toThrow(/INDEX_OUT_OF_RANGE/);
  await expect(tiles.consistencyPath(6, 5)).rejects.toThrow(/INDEX_OUT_OF_RANGE/);
  await expect(tiles.rootHash(-1)).rejects.toThrow(/INDEX_OUT_OF_RANGE/);
});

test("TILE-5: authenticated tiles answer as the oracle does", async () => {
  const tiles = createAuthenticatedTiles({ treeSize: SIZE, rootHash: root, readTile, sha256 });
  for (const index of [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999]) {
    expect(hex(await tiles.leafHash(index))).toBe(hex(leaves[index]!));
    verifyInclusion({ index, treeSize: SIZE, leafHash: leaves[index]!, path: await tiles.inclusionPath(index), rootHash: root }, sha256);
  }
  for (const oldSize of [1, 256, 65_536, 65_537, SIZE]) {
    expect(hex(await tiles.rootHashAt(oldSize))).toBe(hex(oracle(0, oldSize)));
    const path = await tiles.consistencyPath(oldSize);
    verifyConsistency({ oldSize, newSize: SIZE, oldRoot: oracle(0, oldSize), newRoot: root, path }, sha256);
  }
  await expect(tiles.leafHash(SIZE)).rejects.toThrow(/INDEX_OUT_OF_RANGE/);
});

test("TILE-5: one flipped bit in any tile of a log of 70,000 entries is refused, and read again afterwards", async () => {
  const names: { level: number; n: number; width: number }[] = [];
  for (let level = 0; level < levels.length; level++) {
    for (let n = 0; tileWidth(level, n, SIZE) > 0; n++) names.push({ level, n, width: tileWidth(level, n, SIZE) });
  }
  expect(names).toHaveLength(277);
  for (const { level, n, width } of names) {
    const bit = (n * 7_919 + level * 104_729) % (width * 256);
    let isFlipped = true;
    const tiles = createAuthenticatedTiles({
      treeSize: SIZE,
      rootHash: root,
      sha256,
      readTile: (l, m, w) => {
        const tile = Uint8Array.from(readTile(l, m, w) as Uint8Array);
        if (isFlipped && l === level && m === n) tile[bit >> 3]! ^= 1 << (bit & 7);
        return tile;
      },
    });
    // A leaf below the changed tile: its own bit may lie far from that leaf.
    const index = n * 256 ** (level + 1);
    await expect(tiles.leafHash(index)).rejects.toThrow(expect.objectContaining({ code: "TILE_INVALID" }));
    await expect(tiles.inclusionPath(index)).rejects.toThrow(expect.objectContaining({ code: "TILE_INVALID" }));
    isFlipped = false;
    expect(hex(await tiles.leafHash(index))).toBe(hex(leaves[index]!));
  }
});

test("TILE-5: a flipped bit in a tile that is read only as a sibling is refused", async () => {
  // The path of leaf 0 needs tile 1/1 (a sibling) and nothing else of it.
  const tiles = createAuthenticatedTiles({
    treeSize: 131_072 / 2 + 512,
    rootHash: oracle(0, 65_536 + 512),
    sha256,
    readTile: (level, n, width) => {
      const tile = Uint8Array.from(readTile(level, n, width) as Uint8Array);
      if (level === 1 && n === 1) tile[40]! ^= 1;
      return tile;
    },
  });
  await expect(tiles.inclusionPath(0)).rejects.toThrow(/TILE_INVALID/);
});

test("TILE-5: a bundle is checked leaf by leaf and by its count", async () => {
  const tiles = createAuthenticatedTiles({ treeSize: SIZE, rootHash: root, readTile, sha256 });
  const bundle = (n: number, width: number): Uint8Array[] => Array.from({ length: width }, (_, i) => leafOf(n * 256 + i));
  await tiles.authenticateBundle(0, bundle(0, 256));
  await tiles.authenticateBundle(273, bundle(273, 112));
  const swapped = bundle(1, 256);
  [swapped[3], swapped[4]] = [swapped[4]!, swapped[3]!];
  await expect(tiles.authenticateBundle(1, swapped)).rejects.toThrow(
    expect.objectContaining({ detail: expect.objectContaining({ index: 259 }) }),
  );
  await expect(tiles.authenticateBundle(1, bundle(1, 255))).rejects.toThrow(/wrong count/);
  await expect(tiles.authenticateBundle(273, bundle(273, 113))).rejects.toThrow(/wrong count/);
});

test("TILE-5: an empty tree and a tree under another root are told apart", async () => {
  const empty = createAuthenticatedTiles({ treeSize: 0, rootHash: sha256(new Uint8Array(0)), readTile, sha256 });
  expect(hex(await empty.rootHashAt(0))).toBe(hex(oracle(0, 0)));
  const other = createAuthenticatedTiles({ treeSize: SIZE, rootHash: new Uint8Array(32), readTile, sha256 });
  await expect(other.consistencyPath(SIZE)).rejects.toThrow(/TILE_INVALID/);
});

test("PROOF-3: what is known of subtrees changes no path, however it comes and goes", async () => {
  const hashes = new Map<string, Uint8Array>();
  let reads = 0;
  let hashesMax = 20;
  const remembering = createTileTree({
    sha256,
    readTile: (...tile) => {
      reads += 1;
      return readTile(...tile);
    },
    known: {
      get: (key) => hashes.get(key),
      set(key, known) {
        if (hashes.size >= hashesMax) hashes.clear();
        hashes.set(key, known);
      },
    },
  });
  const forgetful = createTileTree({ sha256, readTile });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: SIZE }), fc.nat(), async (size, any) => {
      const index = any % size;
      expect((await remembering.inclusionPath(index, size)).map(hex)).toEqual((await forgetful.inclusionPath(index, size)).map(hex));
      expect(hex(await remembering.rootHash(size))).toBe(hex(await forgetful.rootHash(size)));
    }),
    { numRuns: 300 },
  );
  hashesMax = 100;
  await remembering.inclusionPath(4_711, SIZE);
  await remembering.inclusionPath(4_711, SIZE);
  reads = 0;
  await remembering.inclusionPath(4_711, SIZE);
  expect(reads).toBe(0);
});
