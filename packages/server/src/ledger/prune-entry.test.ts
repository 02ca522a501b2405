import { expect, test } from "vitest";
import { sealSystemEntry } from "../intake/seal.ts";
import { findPrune, parsePrune } from "./prune-entry.ts";

const leafOf = (system: Record<string, unknown>): string =>
  sealSystemEntry({ action: "ledger.pruned", ledger: "main", system: system as never }, "2026-02-01T00:00:00.000Z").leaf;

test("PRUNE-1: an entry prunes what its member system says, and nothing in any other form", () => {
  expect(parsePrune(leafOf({ prunes: 65_536 }))).toBe(65_536);
  for (const prunes of [0, -1, 1.5, "65536", null, [65_536], 2 ** 60]) expect(parsePrune(leafOf({ prunes }))).toBeUndefined();
  expect(parsePrune(leafOf({ erases: { content: [[0, 1]] } }))).toBeUndefined();
  expect(parsePrune('{"details":{"system":{"prunes":65536}}}')).toBeUndefined();
  expect(parsePrune('{"system":{"prunes":65536}')).toBeUndefined();
});

/** Segments of ten entries, in which some prune. */
function segmentsWith(prunes: ReadonlyMap<number, number>): { segments: Parameters<typeof findPrune>[0]; read: number[] } {
  const read: number[] = [];
  return {
    read,
    segments: {
      firsts: () => [20, 30, 40],
      systemEntries: async (first) => [...prunes.keys()].filter((index) => index >= first && index < first + 10),
      async readBatch(index) {
        read.push(index);
        return [{ index, leaf: leafOf({ prunes: prunes.get(index) }), disclosures: {} }];
      },
    },
  };
}

test("PRUNE-1: the newest entry that prunes far enough is found, and no older one is read", async () => {
  const { segments, read } = segmentsWith(
    new Map([
      [25, 20],
      [33, 20],
      [41, 10],
    ]),
  );
  expect(await findPrune(segments, 20, 50)).toEqual({ index: 33, minimumIndex: 20 });
  expect(read).toEqual([41, 33]);
});

test("PRUNE-1: when no entry prunes far enough, the one that comes nearest is told, and none at or behind the end", async () => {
  const prunes = new Map([
    [25, 12],
    [33, 5],
    [41, 20],
  ]);
  expect(await findPrune(segmentsWith(prunes).segments, 20, 41)).toEqual({ index: 25, minimumIndex: 12 });
  expect(await findPrune(segmentsWith(prunes).segments, 20, 20)).toBeUndefined();
});
