import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditReader, BUNDLES_FORMAT, type EventFilter, matchesFilter, parseFilter, sectionTexts } from "@vouchtrail/events";
import type { PackManifest } from "../../packages/cli/src/pack/pack-manifest.ts";
import { type PackReport, type VerifyPackOptions, verifyPack } from "../../packages/cli/src/pack/verify-pack.ts";
import { type WritePackOptions, type WrittenPack, writePack } from "../../packages/cli/src/pack/write-pack.ts";
import { verifyEd25519 } from "../../packages/server/src/ledger/ed25519.ts";
import type { FileLedger } from "../../packages/server/src/ledger/file-ledger.ts";
import { sha256 } from "../../packages/server/src/ledger/hashing.ts";
import type { StoredEntry } from "../../packages/server/src/ledger/ledger.ts";
import { viewEntry } from "../../packages/server/src/reading/entry-view.ts";
import { openLedgerReader } from "../../packages/server/src/reading/ledger-reader.ts";
import { createProofs } from "../../packages/server/src/reading/proofs.ts";

export const CRYPTO = { sha256, verify: verifyEd25519 };
export const MADE: PackManifest["made"] = { at: "2026-11-21T05:30:00.000Z", by: "auditor@desk", with: "vouchtrail 0.1.0" };

const folders: string[] = [];

/** A path in a fresh folder at which nothing stands. */
export async function newPath(name = "pack"): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-pack-"));
  folders.push(folder);
  return join(folder, name);
}

export async function removePaths(): Promise<void> {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

/** What an export needs of the read contract, over a ledger by itself: a page is a walk over the ledger. */
export function readerOf(ledger: FileLedger, pageEntries = 200): Pick<AuditReader, "bundles" | "checkpoint" | "vkey"> {
  const { checkpoint, vkey } = openLedgerReader(ledger, { tenant: undefined });
  return {
    checkpoint,
    vkey,
    async bundles({ filter, cursor = "0", limit = pageEntries }) {
      const matches = matchesFilter(filter);
      const { treeSize } = await ledger.head();
      const first = await ledger.checkpoint();
      const found: StoredEntry[] = [];
      let next = Number(cursor);
      const wanted = Math.min(limit, pageEntries);
      for await (const batch of ledger.read(next, treeSize)) {
        for (const entry of batch) {
          if (found.length === wanted) break;
          next = entry.index + 1;
          if (matches(viewEntry(ledger, entry), sectionTexts(entry.disclosures))) found.push(entry);
        }
        if (found.length === wanted) break;
      }
      const { checkpoint: last, bundles } = await createProofs(ledger).bundles(found);
      const cursorText = next < treeSize ? { nextCursor: String(next) } : {};
      return { format: BUNDLES_FORMAT, checkpoints: { first, last }, bundles, ...cursorText, treeSize, searchedTo: treeSize };
    },
  };
}

export function filterOf(query: Readonly<Record<string, unknown>> = {}): EventFilter {
  return parseFilter(query);
}

/** Exports from a ledger. */
export function exportPack(ledger: FileLedger, folder: string, changes: Partial<WritePackOptions> = {}): Promise<WrittenPack> {
  return writePack({
    folder,
    reader: readerOf(ledger),
    readTile: (level, n, width) => ledger.tile(level, n, width),
    filter: filterOf(),
    made: MADE,
    crypto: CRYPTO,
    ...changes,
  });
}

export function checkPack(folder: string, changes: Partial<VerifyPackOptions> = {}): Promise<PackReport> {
  return verifyPack(folder, { crypto: CRYPTO, ...changes });
}
