import {
  BUNDLE_FORMAT,
  type BundledErasure,
  createTileTree,
  type EvidenceBundle,
  formatTlogProof,
  parseCheckpoint,
  parseNote,
  type SubtreeHashes,
} from "@vouchtrail/protocol";
import type { FileLedger } from "../ledger/file-ledger.ts";
import { sha256 } from "../ledger/hashing.ts";
import type { StoredEntry } from "../ledger/ledger.ts";

/** How long a proof waits for a checkpoint that covers its entry, in milliseconds. */
export const CHECKPOINT_WAIT_MS = 10_000;

/** Hashes of subtrees kept for the proofs of neighbours: a page of bundles needs a few thousand. About 150 bytes each. */
const SUBTREE_HASHES_MAX = 16_384;

const hashesByLedger = new WeakMap<FileLedger, SubtreeHashes>();

/** One for all proofs of a ledger, whoever asks for them. */
function knownHashesOf(ledger: FileLedger): SubtreeHashes {
  const there = hashesByLedger.get(ledger);
  if (there !== undefined) return there;
  const hashes = new Map<string, Uint8Array>();
  const known: SubtreeHashes = {
    get: (key) => hashes.get(key),
    set(key, hash) {
      if (hashes.size >= SUBTREE_HASHES_MAX) hashes.clear();
      hashes.set(key, hash);
    },
  };
  hashesByLedger.set(ledger, known);
  return known;
}

/** Bundles whose proofs all end in one checkpoint. */
export interface CheckpointedBundles {
  readonly checkpoint: string;
  readonly bundles: readonly EvidenceBundle[];
}

/** Proofs under the newest checkpoint. */
export interface Proofs {
  /**
   * `c2sp.org/tlog-proof@v1` for an entry.
   * @throws {AuditError} `CHECKPOINT_TIMEOUT` or the ledger's refusal when no checkpoint comes.
   */
  inclusionProof(index: number): Promise<string>;
  bundle(entry: StoredEntry): Promise<EvidenceBundle>;
  /** The same for many, under one checkpoint that covers all of them and the entries that erased something of theirs. */
  bundles(entries: readonly StoredEntry[], signal?: AbortSignal): Promise<CheckpointedBundles>;
}

export function createProofs(ledger: FileLedger): Proofs {
  const tree = createTileTree({ sha256, readTile: (level, n, width) => ledger.tile(level, n, width), known: knownHashesOf(ledger) });

  /** The newest checkpoint, once it covers that many entries. */
  async function checkpointOver(treeSize: number): Promise<string> {
    await ledger.waitForCheckpoint(treeSize, AbortSignal.timeout(CHECKPOINT_WAIT_MS));
    return ledger.checkpoint();
  }

  async function proofUnder(note: string, index: number): Promise<string> {
    const { treeSize } = parseCheckpoint(parseNote(note).text);
    return formatTlogProof({ index, path: await tree.inclusionPath(index, treeSize), checkpoint: note });
  }

  /** The entries that erased a section of this one. */
  function erasersOf({ index, disclosures }: StoredEntry): readonly number[] {
    const erasers = new Set<number>();
    for (const section of ["personal", "content"] as const) {
      const record = disclosures[section] === undefined ? ledger.erasedBy(index, section) : undefined;
      if (record !== undefined) erasers.add(record.index);
    }
    return [...erasers];
  }

  async function bundledErasure(note: string, index: number): Promise<BundledErasure | undefined> {
    for await (const batch of ledger.read(index, index + 1)) {
      const [entry] = batch;
      if (entry !== undefined) return { index, leaf: entry.leaf, inclusionProof: await proofUnder(note, index) };
    }
    return undefined;
  }

  async function bundleUnder(note: string, entry: StoredEntry, erasers: readonly number[]): Promise<EvidenceBundle> {
    const erasures: BundledErasure[] = [];
    for (const index of erasers) {
      const erasure = await bundledErasure(note, index);
      if (erasure !== undefined) erasures.push(erasure);
    }
    return {
      format: BUNDLE_FORMAT,
      origin: ledger.origin,
      vkey: ledger.vkey,
      index: entry.index,
      leaf: entry.leaf,
      disclosures: entry.disclosures,
      ...(erasures.length === 0 ? {} : { erasures }),
      inclusionProof: await proofUnder(note, entry.index),
    };
  }

  async function bundles(entries: readonly StoredEntry[], signal?: AbortSignal): Promise<CheckpointedBundles> {
    const erasersByEntry = entries.map((entry) => erasersOf(entry));
    const newest = [...entries.map(({ index }) => index), ...erasersByEntry.flat()].reduce((left, right) => Math.max(left, right), -1);
    const checkpoint = await checkpointOver(newest + 1);
    const made: EvidenceBundle[] = [];
    for (const [position, entry] of entries.entries()) {
      signal?.throwIfAborted();
      made.push(await bundleUnder(checkpoint, entry, erasersByEntry[position] ?? []));
    }
    return { checkpoint, bundles: made };
  }

  return {
    async inclusionProof(index) {
      return proofUnder(await checkpointOver(index + 1), index);
    },
    async bundle(entry) {
      const { bundles: made } = await bundles([entry]);
      return made[0]!;
    },
    bundles,
  };
}
