import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import { createTileTree, encodeBase64, openCheckpoint } from "@vouchtrail/protocol";
import { v7 as uuidv7 } from "uuid";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sealEvent, sealSystemEntry } from "../intake/seal.ts";
import { generateSeed, signerFromSeed, verifyEd25519 } from "./ed25519.ts";
import { type FileLedger, type FileLedgerOptions, openFileLedger } from "./file-ledger.ts";
import { sha256 } from "./hashing.ts";
import { hashTenant } from "./id-table.ts";
import type { SealedEntry } from "./ledger.ts";

let root = "";
const seed = generateSeed();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-ledger-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

function optionsOf(changes: Partial<FileLedgerOptions> = {}): FileLedgerOptions {
  return {
    directory: join(root, "ledger/main"),
    signer: signerFromSeed("example.org/test", seed),
    idsDirectory: join(root, "index/ids"),
    recoveredDirectory: join(root, "recovered"),
    erasuresFile: join(root, "followers-erasures.json"),
    ...changes,
  };
}

function entryOf(i: number, id = uuidv7(), tenant = "default"): SealedEntry {
  return sealEvent(
    {
      id,
      occurredAt: "2026-01-31T12:00:00.000Z",
      tenant,
      action: "document.read",
      actor: { type: "user", id: `user-${i % 7}` },
      target: { type: "document", id: `document-${i}` },
      outcome: { status: "success" },
      details: { i },
    },
    { at: "2026-01-31T12:00:01.000Z", via: "http" },
    DEFAULT_PRIVACY_POLICY,
  );
}

const entriesOf = (count: number, from = 0): SealedEntry[] => Array.from({ length: count }, (_, i) => entryOf(from + i));

async function readAll(ledger: FileLedger): Promise<string[]> {
  const leaves: string[] = [];
  for await (const batch of ledger.read(0, (await ledger.head()).treeSize)) for (const entry of batch) leaves.push(entry.leaf);
  return leaves;
}

test("LEDGER-3: what is appended is read back after a restart, in order", async () => {
  const entries = entriesOf(1_000);
  const first = await openFileLedger(optionsOf());
  for (let i = 0; i < entries.length; i += 100) await first.append(entries.slice(i, i + 100));
  await first.close();
  const second = await openFileLedger(optionsOf());
  expect(await readAll(second)).toEqual(entries.map((entry) => entry.leaf));
  expect((await second.find([{ tenant: "default", id: entries[567]!.id }]))[0]).toBe(567);
  await second.close();
});

test("ID-1: the same id answers the first receipt, other content is a conflict", async () => {
  const ledger = await openFileLedger(optionsOf());
  const entry = entryOf(1);
  const other = { ...entry, status: "failure" };
  const [first, again, conflict] = await ledger.append([entry, entry, other]);
  expect(first).toMatchObject({ isDuplicate: false, receipt: { index: 0 } });
  expect(again).toMatchObject({ isDuplicate: true, receipt: { index: 0 } });
  expect(conflict).toEqual({ conflictIndex: 0 });
  await ledger.close();
  const reopened = await openFileLedger(optionsOf());
  expect(await reopened.append([entry])).toMatchObject([{ isDuplicate: true, receipt: { index: 0 } }]);
  await reopened.close();
});

test("LEDGER-4: a log of more than one segment keeps every tile, seals the full segment and opens again", async () => {
  const ledger = await openFileLedger(optionsOf());
  const entries = entriesOf(66_500);
  for (let i = 0; i < entries.length; i += 2_000) await ledger.append(entries.slice(i, i + 2_000));
  await ledger.idle();
  const names = await readdir(join(root, "ledger/main/segments"));
  expect(names).toHaveLength(2);
  expect((await readFile(join(root, "ledger/main/segments", names[0]!))).subarray(0, 19).toString()).toBe("vouchtrail-sealed/1");
  await ledger.close();

  const again = await openFileLedger(optionsOf());
  const checkpoint = openCheckpoint(await again.checkpoint(), { vkey: again.vkey, sha256, verify: verifyEd25519 });
  expect(checkpoint.treeSize).toBe(66_500);
  const tree = createTileTree({ sha256, readTile: (level, n, width) => again.tile(level, n, width) });
  expect(encodeBase64(await tree.rootHash(66_500))).toBe(encodeBase64(checkpoint.rootHash));
  expect(await again.find([entries[3]!, entries[65_535]!, entries[65_536]!, { tenant: "other", id: entries[3]!.id }])).toEqual([
    3,
    65_535,
    65_536,
    undefined,
  ]);
  const results = await again.append([entries[3]!, entries[66_000]!]);
  expect(results).toMatchObject([
    { isDuplicate: true, receipt: { index: 3 } },
    { isDuplicate: true, receipt: { index: 66_000 } },
  ]);
  expect((await readAll(again))[65_000]).toBe(entries[65_000]!.leaf);
  await again.close();
});

test("ERASE-1: an erasure removes the bytes from active and sealed segments and keeps every proof", async () => {
  const ledger = await openFileLedger(optionsOf());
  const entries = entriesOf(66_000);
  for (let i = 0; i < entries.length; i += 2_000) await ledger.append(entries.slice(i, i + 2_000));
  await ledger.idle();
  const before = (await ledger.head()).treeSize;
  const ranges = {
    content: [
      [10, 12],
      [65_600, 65_601],
    ] as [number, number][],
  };
  await ledger.append([
    sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases: ranges } }, "2026-02-01T00:00:00.000Z"),
  ]);
  await ledger.erase(ranges, before);
  for (const index of [10, 11, 65_600]) {
    for await (const [entry] of ledger.read(index, index + 1)) {
      expect(entry?.disclosures.content).toBeUndefined();
      expect(entry?.disclosures.personal).toBeDefined();
    }
    expect(ledger.erasedBy(index, "content")).toMatchObject({ index: before, isDone: true });
  }
  await ledger.append(entriesOf(5, 66_000));
  await ledger.close();
  const again = await openFileLedger(optionsOf());
  expect((await again.head()).treeSize).toBe(before + 6);
  expect(again.erasures()).toMatchObject([{ index: before, isDone: true }]);
  await again.close();
});

test("ID-2: the same id of two tenants whose hashes are equal is two entries, in whichever generation they are", async () => {
  const byHash = new Map<number, string>();
  let tenants: readonly [string, string] | undefined;
  for (let i = 0; tenants === undefined; i++) {
    const other = byHash.get(hashTenant(`tenant-${i}`));
    if (other !== undefined) tenants = [other, `tenant-${i}`];
    byHash.set(hashTenant(`tenant-${i}`), `tenant-${i}`);
  }
  const id = uuidv7();
  const [older, newer] = tenants.map((tenant) => entryOf(1, id, tenant));
  const ledger = await openFileLedger(optionsOf({ limits: { idGenerationMax: 10 } }));
  await ledger.append([older!]);
  await ledger.append(entriesOf(12));
  expect(await ledger.append([newer!])).toMatchObject([{ isDuplicate: false, receipt: { index: 13 } }]);
  expect(await ledger.append([older!, newer!])).toMatchObject([
    { isDuplicate: true, receipt: { index: 0 } },
    { isDuplicate: true, receipt: { index: 13 } },
  ]);
  expect(await ledger.find([older!, newer!])).toEqual([0, 13]);
  expect([...(await ledger.findById(id))].sort((left, right) => left - right)).toEqual([0, 13]);
  await ledger.close();
});
