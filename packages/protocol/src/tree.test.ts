import { hash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyRoot, hashLeaf, hashNode } from "./hash.ts";
import { TREE_SIZE_MAX } from "./limits.ts";
import { subtreesOf } from "./subtree.ts";
import { createTree } from "./tree.ts";

const sha256 = (data: Uint8Array): Uint8Array => hash("sha256", data, "buffer");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const utf8 = (text: string): Uint8Array => Buffer.from(text);

/** MTH of RFC 9162 section 2.1.1, word for word: the slow oracle. */
function oracle(hashes: readonly Uint8Array[], from = 0, to = hashes.length): Uint8Array {
  if (to === from) return sha256(new Uint8Array(0));
  if (to - from === 1) return hashes[from]!;
  let k = 1;
  while (k * 2 < to - from) k *= 2;
  return sha256(Buffer.concat([Uint8Array.of(1), oracle(hashes, from, from + k), oracle(hashes, from + k, to)]));
}

const REFERENCE = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

test("TREE-1: leaf and node hashes are the published ones", () => {
  expect(hex(emptyRoot(sha256))).toBe(ROOTS[0]);
  expect(hex(hashLeaf(utf8(""), sha256))).toBe(ROOTS[1]);
  expect(hex(hashLeaf(utf8("L123456"), sha256))).toBe("395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
  expect(hex(hashNode(utf8("N123"), utf8("N456"), sha256))).toBe("aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
});

test("TREE-1: a leaf longer than an entry bundle can hold is refused", () => {
  expect(hashLeaf(new Uint8Array(65_535), sha256)).toHaveLength(32);
  expect(() => hashLeaf(new Uint8Array(65_536), sha256)).toThrow(expect.objectContaining({ code: "ENTRY_TOO_LARGE" }));
});

test("TREE-2: the roots of the reference leaves are the published ones", () => {
  const tree = createTree(sha256);
  expect(hex(tree.root())).toBe(ROOTS[0]);
  REFERENCE.forEach((leaf, i) => {
    tree.append(hashLeaf(Buffer.from(leaf, "hex"), sha256));
    expect(hex(tree.root())).toBe(ROOTS[i + 1]);
    expect(tree.size).toBe(i + 1);
  });
});

test("TREE-3: a slow recursive oracle agrees for random sizes up to 70,000", () => {
  const leaves = Array.from({ length: 70_000 }, (_, i) => sha256(utf8(`leaf ${i}`)));
  fc.assert(
    fc.property(fc.oneof(fc.nat(600), fc.nat(70_000)), (size) => {
      const tree = createTree(sha256);
      for (const leaf of leaves.slice(0, size)) tree.append(leaf);
      expect(hex(tree.root())).toBe(hex(oracle(leaves, 0, size)));
    }),
    { numRuns: 14, examples: [[65_536], [65_537], [70_000], [256], [257]] },
  );
});

test("TREE-3: a tree resumed from its edge, and a clone, go on alike and share nothing", () => {
  fc.assert(
    fc.property(fc.nat(300), fc.nat(40), (before, after) => {
      const tree = createTree(sha256);
      const leaf = new Uint8Array(32);
      const append = (to: ReturnType<typeof createTree>, i: number): void => {
        leaf.fill(i & 0xff); // One buffer for all leaves: the tree must copy.
        leaf[0] = i >> 8;
        to.append(leaf);
      };
      for (let i = 0; i < before; i++) append(tree, i);
      const rootBefore = hex(tree.root());
      const edge = tree.edge();
      const resumed = createTree(sha256, edge);
      const clone = tree.clone();
      for (const saved of edge.hashes) saved.fill(0);
      for (let i = 0; i < after; i++) append(resumed, i);
      for (let i = 0; i < after; i++) append(clone, i);
      expect(hex(tree.root())).toBe(rootBefore);
      for (let i = 0; i < after; i++) append(tree, i);
      expect(hex(resumed.root())).toBe(hex(tree.root()));
      expect(hex(clone.root())).toBe(hex(tree.root()));
    }),
  );
});

test("TREE-4: sizes beyond 2^32 are counted without losing a bit", () => {
  const size = 2 ** 45 - 1;
  const peaks = subtreesOf(0, size);
  expect(peaks).toHaveLength(45);
  const tree = createTree(sha256, { size, hashes: peaks.map((_, i) => sha256(utf8(`peak ${i}`))) });
  tree.append(sha256(utf8("last")));
  expect(tree.size).toBe(2 ** 45);
  expect(tree.edge().hashes).toHaveLength(1);
});

test("TREE-4: an edge of another size, a short hash and a full tree are refused", () => {
  const full = createTree(sha256, { size: TREE_SIZE_MAX, hashes: subtreesOf(0, TREE_SIZE_MAX).map(() => new Uint8Array(32)) });
  expect(() => full.append(new Uint8Array(32))).toThrow(expect.objectContaining({ code: "INDEX_OUT_OF_RANGE" }));
  expect(() => createTree(sha256, { size: 3, hashes: [new Uint8Array(32)] })).toThrow(expect.objectContaining({ code: "TREE_INVALID" }));
  expect(() => createTree(sha256, { size: 1, hashes: [new Uint8Array(31)] })).toThrow(expect.objectContaining({ code: "TREE_INVALID" }));
  expect(() => createTree(sha256).append(new Uint8Array(33))).toThrow(expect.objectContaining({ code: "HASH_INVALID" }));
});
