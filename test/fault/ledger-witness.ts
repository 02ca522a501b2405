import { randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import { createTree, encodeBase64, formatVkey, openCheckpoint } from "@vouchtrail/protocol";
import { expect } from "vitest";
import { sealEvent, sealSystemEntry } from "../../packages/server/src/intake/seal.ts";
import { generateSeed, signerFromSeed, verifyEd25519 } from "../../packages/server/src/ledger/ed25519.ts";
import { type FileLedger, type FileLedgerOptions, openFileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import type { FileSystem } from "../../packages/server/src/ledger/file-system.ts";
import { hashLeafText, sha256 } from "../../packages/server/src/ledger/hashing.ts";
import type { Erasure, SealedEntry } from "../../packages/server/src/ledger/ledger.ts";
import type { RememberedCheckpoints } from "../../packages/server/src/ledger/remembered-checkpoint.ts";
import { createFaultyFileSystem, type FaultyFileSystem } from "./faulty-file-system.ts";

export const SEED = generateSeed();
export const SIGNER = signerFromSeed("example.org/fault", SEED);
export const VKEY = formatVkey(SIGNER.name, SIGNER.publicKey, sha256);
/** A word that stands in the content section of every entry and nowhere else. */
export const CONTENT_WORD = "confidential-marmalade";

/** A place for one case: the data directory, and what lies outside of it. */
export interface Place {
  readonly root: string;
  readonly data: string;
  readonly directory: string;
  /** A fresh faulty file system over the data directory. */
  faulty(): Promise<FaultyFileSystem>;
  remove(): Promise<void>;
}

/** @param template A data directory to begin with. */
export async function makePlace(template?: string): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-fault-"));
  const data = join(root, "data");
  if (template === undefined) await mkdir(data);
  else await cp(template, data, { recursive: true });
  return {
    root,
    data,
    directory: join(data, "ledger/main"),
    async faulty() {
      const graveyard = await mkdtemp(join(root, "graves-"));
      return createFaultyFileSystem(data, graveyard);
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** What somebody outside remembers of a ledger: every receipt and every checkpoint that was ever given out. */
export interface Witness {
  readonly acked: Map<string, { readonly index: number; readonly leafHash: string }>;
  /** Root by tree size. */
  readonly roots: Map<number, string>;
  readonly remembered: RememberedCheckpoints;
}

export function createWitness(): Witness {
  const roots = new Map<number, string>();
  let newest: string | undefined;
  return {
    acked: new Map(),
    roots,
    remembered: {
      load: async () => newest,
      async save(_origin, note) {
        newest = note;
        const { treeSize, rootHash } = openCheckpoint(note, { vkey: VKEY, sha256, verify: verifyEd25519 });
        const root = encodeBase64(rootHash);
        expect(roots.get(treeSize) ?? root).toBe(root);
        roots.set(treeSize, root);
      },
      originAt: async () => undefined,
      rememberPlace: async () => {},
    },
  };
}

/** A copy, for cases that begin where another ended. */
export async function copyWitness(from: Witness): Promise<Witness> {
  const copy = createWitness();
  for (const [id, receipt] of from.acked) copy.acked.set(id, receipt);
  for (const [size, root] of from.roots) copy.roots.set(size, root);
  const note = await from.remembered.load(SIGNER.name);
  if (note !== undefined) await copy.remembered.save(SIGNER.name, note);
  return copy;
}

export function openIn(
  place: Place,
  witness: Witness,
  fileSystem?: FileSystem,
  more: Partial<FileLedgerOptions> = {},
): Promise<FileLedger> {
  return openFileLedger({
    directory: place.directory,
    signer: SIGNER,
    idsDirectory: join(place.data, "index/ids"),
    recoveredDirectory: join(place.data, "recovered"),
    erasuresFile: join(place.data, "erasures.json"),
    remembered: witness.remembered,
    // Cases ask for checkpoints themselves, so that each of them takes the same steps.
    checkpointIntervalMs: 3_600_000,
    ...(fileSystem === undefined ? {} : { fileSystem }),
    ...more,
  });
}

export function entryOf(n: number, id: string = randomUUID()): SealedEntry {
  return sealEvent(
    {
      id,
      occurredAt: "2026-01-31T12:00:00.000Z",
      tenant: "default",
      action: "document.read",
      actor: { type: "user", id: `user-${n % 7}` },
      target: { type: "document", id: `document-${n}` },
      outcome: { status: "success" },
      details: { n, note: CONTENT_WORD },
    },
    { at: "2026-01-31T12:00:01.000Z", via: "http" },
    DEFAULT_PRIVACY_POLICY,
  );
}

/** An entry that is quick to check: it has nothing but the empty section. */
export function smallEntryOf(): SealedEntry {
  return sealEvent(
    {
      id: randomUUID(),
      occurredAt: "2026-01-31T12:00:00.000Z",
      tenant: "default",
      action: "job.done",
      actor: { type: "system", id: "scheduler" },
      target: { type: "tool", id: "job" },
      outcome: { status: "success" },
    },
    { at: "2026-01-31T12:00:01.000Z", via: "http" },
    DEFAULT_PRIVACY_POLICY,
  );
}

export const entriesOf = (count: number, from = 0): SealedEntry[] => Array.from({ length: count }, (_, i) => entryOf(from + i));

export function erasureOf(ranges: Erasure): SealedEntry {
  return sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases: ranges as never } }, "2026-02-01T00:00:00.000Z");
}

/** Appends and keeps the receipts. Rejects as the ledger does. */
export async function append(ledger: FileLedger, witness: Witness, entries: readonly SealedEntry[]): Promise<void> {
  const results = await ledger.append(entries);
  results.forEach((result, i) => {
    if ("conflictIndex" in result) throw new Error(`Entry ${result.conflictIndex} has the same id and other content.`);
    const { id, index, leafHash } = result.receipt;
    expect(id).toBe(entries[i]!.id);
    const before = witness.acked.get(id);
    if (before !== undefined) expect({ index, leafHash }).toEqual(before);
    witness.acked.set(id, { index, leafHash });
  });
}

export const signed = (ledger: FileLedger, treeSize: number): Promise<void> =>
  ledger.waitForCheckpoint(treeSize, AbortSignal.timeout(60_000));

/**
 * Compares all that a ledger holds with all that was ever given out: every acked entry once, under its index and hash; every published root
 * the root of that many entries.
 */
export async function expectFaithful(ledger: FileLedger, witness: Witness): Promise<void> {
  expect(ledger.findings.regression).toBeUndefined();
  const { treeSize, rootHash } = await ledger.head();
  const tree = createTree(sha256);
  const places = new Map<string, number>();
  const roots = new Map(witness.roots);
  roots.delete(0);
  for await (const batch of ledger.read(0, treeSize)) {
    for (const { index, leaf } of batch) {
      const id = leaf.slice(ID_START, ID_START + 36);
      if (places.has(id)) throw new Error(`The id ${id} is there twice: at ${places.get(id)} and ${index}.`);
      places.set(id, index);
      const leafHash = hashLeafText(leaf);
      const receipt = witness.acked.get(id);
      if (receipt !== undefined && (receipt.index !== index || receipt.leafHash !== encodeBase64(leafHash)))
        throw new Error(`The entry acked at ${receipt.index} is not what stands at ${index}.`);
      tree.append(leafHash);
      const root = roots.get(tree.size);
      if (root !== undefined) {
        expect(encodeBase64(tree.root())).toBe(root);
        roots.delete(tree.size);
      }
    }
  }
  expect(tree.size).toBe(treeSize);
  expect(encodeBase64(tree.root())).toBe(encodeBase64(rootHash));
  expect([...roots.keys()]).toEqual([]);
  for (const [id, { index }] of witness.acked) if (places.get(id) !== index) throw new Error(`The entry acked at ${index} is gone.`);
}

const ID_START = '{"schema":"vouchtrail/1","id":"'.length;
