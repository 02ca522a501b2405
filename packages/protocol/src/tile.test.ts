import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBundle, encodeBundle } from "./entry-bundle.ts";
import { bundlePath, parseTilePath, tilePath, tileWidth } from "./tile.ts";

test("TILE-1: the published paths come out", () => {
  expect(tilePath(0, 67)).toBe("tile/0/067");
  expect(tilePath(1, 1000)).toBe("tile/1/x001/000");
  expect(tilePath(63, 1_234_067, 5)).toBe("tile/63/x001/x234/067.p/5");
  expect(bundlePath(0, 255)).toBe("tile/entries/000.p/255");
});

test("TILE-1: a path survives a round trip", () => {
  const width = fc.integer({ min: 1, max: 256 });
  fc.assert(
    fc.property(fc.option(fc.nat(63)), fc.maxSafeNat(), width, (level, n, w) => {
      const path = level === null ? bundlePath(n, w) : tilePath(level, n, w);
      expect(parseTilePath(path)).toEqual({ level: level ?? "entries", n, width: w });
    }),
  );
});

test.each([
  "tile/0/67",
  "tile/00/067",
  "tile/64/000",
  "tile/0/x000/067",
  "tile/0/001/067",
  "tile/0/x067",
  "tile/0/067.p/0",
  "tile/0/067.p/256",
  "tile/0/067.p/05",
  "tile/0/067.p/",
  "tile/-1/000",
  "/tile/0/000",
  "tile/0/000/",
  "tile/0/000\n",
  "tile/data/000",
  "tile/0/x999/x999/x999/x999/x999/999",
  "tile/0/../000",
])("TILE-1: %j is refused", (path) => {
  expect(() => parseTilePath(path)).toThrow(expect.objectContaining({ code: "TILE_PATH_INVALID" }));
});

test("TILE-1: tiles outside the format have no path", () => {
  for (const make of [
    () => tilePath(64, 0),
    () => tilePath(0, -1),
    () => tilePath(0, 2 ** 53),
    () => tilePath(0, 0, 0),
    () => bundlePath(0, 257),
  ]) {
    expect(make).toThrow(expect.objectContaining({ code: "TILE_PATH_INVALID" }));
  }
});

test("TILE-2: the tiles of the published sizes have the published widths", () => {
  const widths = (treeSize: number, level: number): number[] => {
    const found: number[] = [];
    for (let n = 0; tileWidth(level, n, treeSize) > 0; n++) found.push(tileWidth(level, n, treeSize));
    return found;
  };
  expect(widths(70_000, 0)).toEqual([...Array.from({ length: 273 }, () => 256), 112]);
  expect(widths(70_000, 1)).toEqual([256, 17]);
  expect(widths(70_000, 2)).toEqual([1]);
  expect(widths(70_000, 3)).toEqual([]);
  expect([widths(256, 0), widths(256, 1)]).toEqual([[256], [1]]);
  expect([widths(257, 0), widths(257, 1)]).toEqual([[256, 1], [1]]);
  expect([widths(65_536, 0).length, widths(65_536, 1), widths(65_536, 2)]).toEqual([256, [256], [1]]);
  expect(widths(0, 0)).toEqual([]);
  expect(tileWidth(6, 0, 2 ** 53 - 1)).toBe(31);
});

test("TILE-4: a bundle survives a round trip", () => {
  const leaves = fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1, maxLength: 256 });
  fc.assert(
    fc.property(leaves, (given) => {
      expect(decodeBundle(encodeBundle(given)).map((leaf) => [...leaf])).toEqual(given.map((leaf) => [...leaf]));
    }),
  );
});

test("TILE-4: the longest leaf fits, a longer one, no leaf and 257 leaves are refused", () => {
  expect(decodeBundle(encodeBundle([new Uint8Array(65_535)]))[0]).toHaveLength(65_535);
  expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(expect.objectContaining({ code: "ENTRY_TOO_LARGE" }));
  const invalid = expect.objectContaining({ code: "ENTRY_BUNDLE_INVALID" });
  expect(() => encodeBundle([])).toThrow(invalid);
  expect(() => encodeBundle(Array.from({ length: 257 }, () => new Uint8Array(0)))).toThrow(invalid);
  expect(() => decodeBundle(new Uint8Array(0))).toThrow(invalid);
  expect(() => decodeBundle(new Uint8Array(2 * 257))).toThrow(invalid);
});

test("TILE-4: a bundle that was cut ends in an error or in fewer leaves", () => {
  const bundle = encodeBundle([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
  for (const length of [1, 2, 3, 4, 6, 7]) {
    expect(() => decodeBundle(bundle.subarray(0, length))).toThrow(expect.objectContaining({ code: "ENTRY_BUNDLE_INVALID" }));
  }
  expect(decodeBundle(bundle.subarray(0, 5))).toHaveLength(1);
});
