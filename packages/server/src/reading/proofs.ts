import {
  BUNDLE_FORMAT,
  type BundledErasure,
  createTileTree,
  type EvidenceBundle,
  formatTlogProof,
  parseCheckpoint,
  parseNote,
} from "@vouchtrail/protocol";
import type { FileLedger } from "../ledger/file-ledger.ts";
import { sha256 } from "../ledger/hashing.ts";
import type { StoredEntry } from "../ledger/ledger.ts";

/** How long a proof waits for a checkpoint that covers its entry, in milliseconds. */
export const CHECKPOINT_WAIT_MS = 10_000;

/** Proofs under the newest checkpoint. */
export interface Proofs {
  /**
   * `c2sp.org/tlog-proof@v1` for an entry.
   * @throws {AuditError} `CHECKPOINT_TIMEOUT` or the ledger's refusal when no checkpoint comes.
   */
  inclusionProof(index: number): Promise<string>;
  bundle(entry: StoredEntry): Promise<EvidenceBundle>;
}

export function createProofs(ledger: FileLedger): Proofs {
  const tree = createTileTree({ sha256, readTile: (level, n, width) => ledger.tile(level, n, width) });

  async function inclusionProof(index: number): Promise<string> {
    await ledger.waitForCheckpoint(index + 1, AbortSignal.timeout(CHECKPOINT_WAIT_MS));
    const note = await ledger.checkpoint();
    const { treeSize } = parseCheckpoint(parseNote(note).text);
    return formatTlogProof({ index, path: await tree.inclusionPath(index, treeSize), checkpoint: note });
  }

  async function bundledErasure(index: number): Promise<BundledErasure | undefined> {
    for await (const batch of ledger.read(index, index + 1)) {
      const [entry] = batch;
      if (entry !== undefined) return { index, leaf: entry.leaf, inclusionProof: await inclusionProof(index) };
    }
    return undefined;
  }

  return {
    inclusionProof,
    async bundle(entry) {
      const erasers = new Set<number>();
      for (const section of ["personal", "content"] as const) {
        const record = entry.disclosures[section] === undefined ? ledger.erasedBy(entry.index, section) : undefined;
        if (record !== undefined) erasers.add(record.index);
      }
      const erasures: BundledErasure[] = [];
      for (const index of erasers) {
        const erasure = await bundledErasure(index);
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
        inclusionProof: await inclusionProof(entry.index),
      };
    },
  };
}
