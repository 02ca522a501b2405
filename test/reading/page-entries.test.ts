import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FileLedger, openDataDirectory, type StoredEntry, sealSystemEntry } from "@vouchtrail/server";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BLOCK_ENTRIES, SEGMENT_ENTRIES } from "../../packages/server/src/ledger/limits.ts";
import { READ_GAP_ENTRIES_MAX, READS_IN_FLIGHT_MAX } from "../../packages/server/src/reading/limits.ts";
import { type PageEntry, readPage } from "../../packages/server/src/reading/page-entries.ts";
import { eventOf, sealed } from "./reading-app.ts";

/** A sealed segment and some text; every third entry is of another tenant. */
const SIZE = SEGMENT_ENTRIES + 700;
const tenantAt = (index: number): string => (index % 3 === 0 ? "acme" : "default");

let root = "";
let ledger: FileLedger;
let release: () => void;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-page-"));
  const data = await openDataDirectory({ directory: join(root, "data") });
  ledger = data.ledger;
  release = () => data.lock.release();
  for (let from = 0; from < SIZE; from += 5_000) {
    const events = Array.from({ length: Math.min(5_000, SIZE - from) }, (_, i) => sealed(eventOf({ tenant: tenantAt(from + i) })));
    await ledger.append(events);
  }
  await ledger.idle();
});

afterAll(async () => {
  await ledger.close();
  release();
  await rm(root, { recursive: true, force: true });
});

type Found = { readonly index: number };
const found = (indexes: readonly number[]): Found[] => indexes.map((index) => ({ index }));

/** The ledger, and every range that is read from it. */
function watched(): { ledger: Pick<FileLedger, "read" | "head">; ranges: [number, number][]; openAtOnce: () => number } {
  const ranges: [number, number][] = [];
  let open = 0;
  let openMax = 0;
  return {
    ranges,
    openAtOnce: () => openMax,
    ledger: {
      head: () => ledger.head(),
      read(from, to, signal) {
        ranges.push([from, to]);
        const batches = ledger.read(from, to, signal);
        return (async function* () {
          open += 1;
          openMax = Math.max(openMax, open);
          try {
            yield* batches;
          } finally {
            open -= 1;
          }
        })();
      },
    },
  };
}

async function readAll(from: Pick<FileLedger, "read" | "head">, wanted: readonly Found[], tenant?: string): Promise<PageEntry<Found>[]> {
  const entries: PageEntry<Found>[] = [];
  for await (const group of readPage(from, wanted, { tenant })) entries.push(...group);
  return entries;
}

async function readOne(index: number): Promise<StoredEntry | undefined> {
  for await (const [entry] of ledger.read(index, index + 1)) return entry;
  return undefined;
}

test("READING-1: entries come in the order in which they were found, whole, from sealed segments and from text", async () => {
  const nearby = fc.integer({ min: SEGMENT_ENTRIES - 600, max: SIZE - 1 });
  const anywhere = fc.nat(SIZE - 1);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.oneof(nearby, anywhere), { maxLength: 60 }), fc.boolean(), async (indexes, isNewest) => {
      indexes.sort((left, right) => (isNewest ? right - left : left - right));
      const entries = await readAll(ledger, found(indexes));
      expect(entries.map((entry) => entry.found.index)).toEqual(indexes);
      for (const { found: one, stored } of entries) expect(stored).toEqual(await readOne(one.index));
    }),
    { numRuns: 30 },
  );
});

test("READING-1: neighbours are read together, a few blocks at a time", async () => {
  const { ledger: watchedLedger, ranges, openAtOnce } = watched();
  const from = SEGMENT_ENTRIES - 1_000;
  const indexes = Array.from({ length: 1_500 }, (_, i) => from + i).reverse();
  expect(await readAll(watchedLedger, found(indexes))).toHaveLength(1_500);
  expect(ranges).toHaveLength(new Set(indexes.map((index) => Math.floor(index / BLOCK_ENTRIES))).size);
  expect(openAtOnce()).toBeLessThanOrEqual(READS_IN_FLIGHT_MAX);
  expect(openAtOnce()).toBeGreaterThan(1);
});

test("READING-1: what lies far apart in a block is not read over", async () => {
  const { ledger: watchedLedger, ranges } = watched();
  const first = SEGMENT_ENTRIES;
  await readAll(watchedLedger, found([first, first + READ_GAP_ENTRIES_MAX + 1, first + 200]));
  expect(ranges).toEqual([
    [first, first + READ_GAP_ENTRIES_MAX + 2],
    [first + 200, first + 201],
  ]);
});

test("READING-1: an entry of another tenant, and one that the ledger does not have, are left out", async () => {
  const entries = await readAll(ledger, found([0, 1, 2, 3, SIZE, SIZE + 1, 2 ** 53 - 1]), "default");
  expect(entries.map(({ stored }) => stored?.index)).toEqual([undefined, 1, 2, undefined, undefined, undefined, undefined]);
});

test("READING-9: whoever stops taking stops the reading", async () => {
  const { ledger: watchedLedger, ranges } = watched();
  const indexes = Array.from({ length: 200 }, (_, i) => i * BLOCK_ENTRIES);
  for await (const group of readPage(watchedLedger, found(indexes))) {
    expect(group).toHaveLength(1);
    break;
  }
  expect(ranges.length).toBeLessThanOrEqual(READS_IN_FLIGHT_MAX + 1);
});

test("READING-9: an asker who is gone ends the reading with the reason", async () => {
  const gone = new AbortController();
  const pages = readPage(ledger, found(Array.from({ length: 20 }, (_, i) => i * BLOCK_ENTRIES)), { signal: gone.signal });
  await pages.next();
  gone.abort(new Error("gone"));
  await expect(
    (async () => {
      for await (const _group of pages);
    })(),
  ).rejects.toThrow("gone");
});

test("READING-9: entries that retention removes meanwhile are left out", async () => {
  const pages = readPage(
    ledger,
    found([SIZE - 1, SEGMENT_ENTRIES, SEGMENT_ENTRIES - 1, SEGMENT_ENTRIES - 5_000, 40_000, 20_000, 10_000, 5_000, 0]),
  );
  const taken: PageEntry<Found>[] = [...((await pages.next()).value as readonly PageEntry<Found>[])];
  await ledger.append([
    sealSystemEntry({ action: "ledger.pruned", ledger: "main", system: { prunes: SEGMENT_ENTRIES } }, "2026-02-01T00:00:00.000Z"),
  ]);
  await ledger.prune(SEGMENT_ENTRIES);
  for await (const group of pages) taken.push(...group);
  expect(taken.map((entry) => entry.found.index)).toEqual([
    SIZE - 1,
    SEGMENT_ENTRIES,
    SEGMENT_ENTRIES - 1,
    SEGMENT_ENTRIES - 5_000,
    40_000,
    20_000,
    10_000,
    5_000,
    0,
  ]);
  const there = taken.filter(({ stored }) => stored !== undefined).map(({ stored }) => stored?.index ?? -1);
  expect(there).toEqual(expect.arrayContaining([SIZE - 1, SEGMENT_ENTRIES]));
  expect(taken.at(-1)?.stored).toBeUndefined();
});
