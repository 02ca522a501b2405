import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { v7 as uuidv7 } from "uuid";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeFileSystem } from "./file-system.ts";
import { type IdIndex, openIdIndex } from "./id-index.ts";
import type { EntryKey } from "./ledger.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vouchtrail-ids-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const TENANTS = ["default", "acme", "vouchtrail"];

function keysOf(count: number): EntryKey[] {
  return Array.from({ length: count }, (_, i) => ({
    tenant: TENANTS[i % TENANTS.length]!,
    id: i % 3 === 0 ? randomUUID() : uuidv7({ msecs: 1_760_000_000_000 + i }),
  }));
}

/** An index over keys of a ledger whose first `sealedEnd` entries are sealed. */
async function openOver(keys: readonly EntryKey[], sealedEnd: number, generationMax: number): Promise<IdIndex> {
  async function* readKeys(from: number, to: number): AsyncGenerator<{ index: number; key: EntryKey }[]> {
    for (let at = from; at < to; at += 256) yield keys.slice(at, Math.min(at + 256, to)).map((key, i) => ({ key, index: at + i }));
  }
  const index = await openIdIndex({ directory, fileSystem: nodeFileSystem, readKeys, generationMax }, 0, sealedEnd);
  for (let i = sealedEnd; i < keys.length; i++) index.add(keys[i]!, i);
  return index;
}

test("ID-1: an entry is found by tenant and id in whichever generation or file it is, and a stranger is not", async () => {
  const oracle = new Map<string, number[]>();
  const keys = keysOf(12_000);
  keys.forEach((key, i) => {
    oracle.set(key.id, [...(oracle.get(key.id) ?? []), i]);
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 8_000 }),
      fc.integer({ min: 50, max: 3_000 }),
      fc.array(fc.nat(11_999), { minLength: 60 }),
      async (sealedEnd, generationMax, picks) => {
        await rm(directory, { recursive: true, force: true });
        const index = await openOver(keys, 0, generationMax);
        for (let end = 1_000; end <= sealedEnd; end += 1_000) await index.seal(end);
        await index.close();
        const again = await openOver(keys, sealedEnd, generationMax);
        for (const pick of picks) {
          const key = keys[pick]!;
          expect(await again.findAll(key)).toEqual([pick]);
          expect(await again.find(key)).toEqual([pick]);
          expect(await again.findAnyTenant(key.id)).toEqual(oracle.get(key.id));
          expect(await again.findAll({ tenant: "nobody", id: key.id })).toEqual([]);
        }
        expect(await again.findAll({ tenant: "default", id: randomUUID() })).toEqual([]);
        await again.close();
      },
    ),
    { numRuns: 12 },
  );
});

test("ID-1: an id of one tenant does not hide the same id of another in an older generation", async () => {
  const id = randomUUID();
  const keys = [{ tenant: "acme", id }, ...keysOf(300), { tenant: "default", id }];
  const index = await openOver(keys, 0, 100);
  await index.seal(200);
  expect((await index.findAnyTenant(id)).toSorted((left, right) => left - right)).toEqual([0, 301]);
  expect(await index.findAll({ tenant: "acme", id })).toEqual([0]);
  await index.close();
});

const HARMS: readonly (readonly [string, (path: string) => Promise<void>])[] = [
  ["deleted", (path) => rm(path)],
  ["cut", async (path) => truncate(path, (await readFile(path)).length - 5_000)],
  ["emptied", (path) => writeFile(path, "")],
  ["changed in its header", (path) => flip(path, 20)],
  ["changed in a block", (path) => flip(path, 64 + 4_096 + 500)],
];

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = bytes[at]! ^ 4;
  await writeFile(path, bytes);
}

test.each(HARMS)("ID-3: a file of ids that was %s is derived again when the ledger is opened", async (_name, harm) => {
  const keys = keysOf(3_000);
  await (await openOver(keys, 2_500, 400)).close();
  const [name = ""] = await readdir(directory);
  await harm(join(directory, name));
  // Once with all sealed ids in memory as well, once with none of them.
  for (const generationMax of [100_000, 400]) {
    const index = await openOver(keys, 2_500, generationMax);
    for (const i of [0, 1, 2, 700, 2_499, 2_500, 2_999]) expect(await index.findAll(keys[i]!)).toEqual([i]);
    await index.close();
  }
});

test("ID-3: a file of ids that is changed while the server runs is derived again once, however many look for it", async () => {
  const keys = keysOf(3_000);
  const index = await openOver(keys, 2_500, 400);
  const [name = ""] = await readdir(directory);
  await writeFile(join(directory, name), (await readFile(join(directory, name))).fill(0xff, 64));
  const found = await Promise.all([3, 4, 5, 700, 2_499].map((i) => index.findAll(keys[i]!)));
  expect(found).toEqual([[3], [4], [5], [700], [2_499]]);
  await index.close();
});
