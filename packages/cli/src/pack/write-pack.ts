import type { AuditReader, BundlePage, EventFilter } from "@vouchtrail/events";
import {
  createTileTree,
  type EvidenceBundle,
  encodeBase64,
  ProtocolError,
  parseVkey,
  type ReadTile,
  verifyBundle,
} from "@vouchtrail/protocol";
import { CommandError } from "../command-error.ts";
import { PACK_REQUEST_ENTRIES } from "../limits.ts";
import { type CheckpointSet, createChain, createCheckpointSet, formatChain, type PackCrypto } from "./pack-chain.ts";
import { packEntryOf } from "./pack-entry.ts";
import { gatherFacts, type PackFacts } from "./pack-facts.ts";
import { createPackFolder, type PackFolder } from "./pack-folder.ts";
import { formatManifest, MANIFEST_FILE, PACK_FORMAT, PACK_PARTS, type PackCheckpoint, type PackManifest } from "./pack-manifest.ts";
import { formatPackPage, PACK_PAGE_VERSION } from "./pack-page.ts";
import { packQuestionOf } from "./pack-question.ts";
import { rememberVerified } from "./remembered-verify.ts";

export interface WritePackOptions {
  /** Folder to make; nothing may stand there. */
  readonly folder: string;
  readonly reader: Pick<AuditReader, "bundles" | "checkpoint" | "vkey">;
  /** Tiles of the same log, for the consistency proofs. */
  readonly readTile: ReadTile;
  readonly filter: EventFilter;
  readonly made: PackManifest["made"];
  readonly crypto: PackCrypto;
  /** A verifier key that came from elsewhere; the server's own must be equal. */
  readonly vkey?: string;
  /** Signed checkpoints that were kept elsewhere: the pack shows that they are of its history, so that whoever kept them can compare. */
  readonly keptCheckpoints?: readonly string[];
  /** Stops the export; nothing is left behind then. */
  readonly signal?: AbortSignal;
  /** Told how far in the trail the export is. */
  readonly onProgress?: (index: number, below: number) => void;
}

export interface WrittenPack {
  readonly manifest: PackManifest;
  /** SHA-256 of the manifest in hexadecimal: who wrote it down can tell this pack from any other. */
  readonly sha256: string;
}

/**
 * Writes an evidence pack of all entries that match and were durable when the export began. Every bundle is verified on the way: a pack that is
 * written holds. Memory does not grow with the number of entries. Rules: PACK-1 to PACK-4.
 *
 * @throws {CommandError} When nothing matches, the key differs, or the folder cannot be written. Nothing is left behind then.
 * @throws {ProtocolError} When what the server gives does not hold.
 */
export async function writePack(options: WritePackOptions): Promise<WrittenPack> {
  const { reader, crypto } = options;
  const vkey = await reader.vkey();
  if (options.vkey !== undefined && options.vkey !== vkey)
    throw new CommandError("The server gives another verifier key than the one of --vkey. Nothing was written.");
  const { name: origin } = parseVkey(vkey, crypto.sha256);
  const folder = await createPackFolder(options.folder);
  try {
    const verified = { sha256: crypto.sha256, verify: rememberVerified(crypto) };
    const checkpoints = createCheckpointSet(vkey, verified);
    const first = checkpoints.add(await reader.checkpoint());
    const { facts, below, part: bundles } = await writeBundles(options, folder, { vkey, checkpoints, crypto: verified });
    if (facts.count === 0) throw new CommandError("No entry matches, so there is nothing to export. Nothing was written.");
    checkpoints.add(await reader.checkpoint());
    addKept(options.keptCheckpoints ?? [], checkpoints);

    const chain = await createChain(checkpoints, createTileTree({ readTile: options.readTile, sha256: crypto.sha256 }), crypto.sha256);
    const last = checkpoints.list().at(-1)!.checkpoint;
    const head: Omit<PackManifest, "parts"> = {
      format: PACK_FORMAT,
      origin,
      vkey,
      made: options.made,
      question: packQuestionOf(options.filter, below),
      entries: { count: facts.count, first: facts.first, last: facts.last },
      checkpoints: { first: packCheckpointOf(first), last: packCheckpointOf(last) },
      page: PACK_PAGE_VERSION,
    };
    const manifest: PackManifest = {
      ...head,
      parts: [
        bundles,
        await folder.writePart(PACK_PARTS.checkpoints, formatChain(chain)),
        await folder.writePart(PACK_PARTS.vkey, `${vkey}\n`),
        await folder.writePart(PACK_PARTS.summary, formatPackPage(head, facts)),
      ],
    };
    const { sha256 } = await folder.writePart(MANIFEST_FILE, formatManifest(manifest));
    await folder.finish();
    return { manifest, sha256 };
  } finally {
    await folder.discard();
  }
}

/** What was kept must be no newer than what the server signs now: an older copy was put back otherwise. */
function addKept(notes: readonly string[], checkpoints: CheckpointSet): void {
  const { treeSize } = checkpoints.list().at(-1)!.checkpoint;
  for (const note of notes) {
    const kept = checkpoints.add(note);
    if (kept.treeSize > treeSize) {
      throw new CommandError(
        `The kept checkpoint covers ${kept.treeSize} entries, but the newest one of the server only ${treeSize}: its trail was cut, or an older copy was put back. Nothing was written; verify the server.`,
      );
    }
  }
}

/** What everything in the pack must fit. */
interface Standard {
  readonly vkey: string;
  readonly checkpoints: CheckpointSet;
  readonly crypto: PackCrypto;
}

async function writeBundles(
  { reader, filter, signal, onProgress }: WritePackOptions,
  folder: PackFolder,
  { vkey, checkpoints, crypto }: Standard,
): Promise<{ facts: PackFacts; below: number; part: PackManifest["parts"][number] }> {
  const gatherer = gatherFacts();
  const part = await folder.openPart(PACK_PARTS.bundles);
  let below: number | undefined;
  let last = -1;
  for await (const page of pagesOf(reader, filter, signal)) {
    // What arrives while the export runs is not part of the question: on a busy server it would never end.
    below ??= page.treeSize;
    for (const bundle of page.bundles) {
      if (bundle.index >= below) return { facts: gatherer.facts(), below, part: await part.close() };
      if (bundle.index <= last) throw new CommandError("The server gave entries twice or out of order. Nothing was written.");
      if (bundle.vkey !== vkey) throw new CommandError("The server changed its key while the export ran. Run it again.");
      const verified = verifyBundle(bundle, { vkey, ...crypto });
      assertNothingMissing(bundle, verified.sections);
      checkpoints.addProof(bundle.inclusionProof);
      for (const { inclusionProof } of bundle.erasures ?? []) checkpoints.addProof(inclusionProof);
      gatherer.add(packEntryOf(bundle, verified));
      await part.write(`${JSON.stringify(bundle)}\n`);
      last = bundle.index;
    }
    onProgress?.(last + 1, below);
  }
  return { facts: gatherer.facts(), below: below ?? 0, part: await part.close() };
}

/** All pages, oldest first, the next one under way while one is worked on. The first waits until everything that is durable can be found. */
async function* pagesOf(
  reader: Pick<AuditReader, "bundles">,
  filter: EventFilter,
  signal: AbortSignal | undefined,
): AsyncGenerator<BundlePage> {
  const limit = PACK_REQUEST_ENTRIES;
  const aborted = new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  signal?.throwIfAborted();
  let asked: Promise<BundlePage> | undefined = reader.bundles({ filter, limit, wait: true });
  while (asked !== undefined) {
    const page: BundlePage = await Promise.race([asked, aborted]);
    asked = page.nextCursor === undefined ? undefined : reader.bundles({ filter, limit, cursor: page.nextCursor });
    // It is awaited when its turn comes, unless the export has ended by then. The same goes for the signal.
    asked?.catch(() => {});
    aborted.catch(() => {});
    yield page;
    signal?.throwIfAborted();
  }
}

function assertNothingMissing({ index }: EvidenceBundle, sections: ReturnType<typeof verifyBundle>["sections"]): void {
  if (Object.values(sections).some(({ state }) => state === "missing"))
    throw new ProtocolError("BUNDLE_INVALID", { reason: "a section is missing, and no entry erases it", index });
}

function packCheckpointOf({ treeSize, rootHash }: { readonly treeSize: number; readonly rootHash: Uint8Array }): PackCheckpoint {
  return { treeSize, rootHash: encodeBase64(rootHash) };
}
