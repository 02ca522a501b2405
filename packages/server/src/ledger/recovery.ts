import { AuditError } from "@vouchtrail/events";
import { type Checkpoint, createTileTree, encodeBase64, hashesEqual, openCheckpoint, type SectionName } from "@vouchtrail/protocol";
import { verifyEd25519 } from "./ed25519.ts";
import type { CheckedEntry } from "./entry-check.ts";
import type { ErasureLog } from "./erasure-log.ts";
import { type DurableFile, type FileSystem, readOrMissing, TEMPORARY_SUFFIX } from "./file-system.ts";
import { sha256 } from "./hashing.ts";
import { CHECKPOINT_FILE, parseSegmentName, SEGMENTS_FOLDER, segmentPath, VKEY_FILE } from "./layout.ts";
import type { EntryKey } from "./ledger.ts";
import { type LedgerTree, openLedgerTree } from "./ledger-tree.ts";
import { SEGMENT_ENTRIES } from "./limits.ts";
import { findPrune } from "./prune-entry.ts";
import { scanTextSegment } from "./segment-scan.ts";
import { isSealed } from "./segment-sealed.ts";
import type { SegmentStore } from "./segment-store.ts";
import { MissingTileError, openTileLevels, type TileLevels } from "./tile-levels.ts";
import type { TileStore } from "./tile-store.ts";

/** A write that a crash cut off: bytes behind the last good group, for which nothing was ever acked. */
export interface TornGroup {
  readonly segment: number;
  readonly start: number;
  readonly end: number;
  /** The index that its first entry would have had. */
  readonly index: number;
  readonly reason: string;
}

/** What the folder holds, re-derived from its bytes. */
export interface RecoveredLedger {
  readonly checkpoint: Checkpoint;
  readonly note: string;
  readonly tree: LedgerTree;
  readonly levels: TileLevels;
  /** Smallest index that was not pruned. */
  readonly minimumIndex: number;
  /** Entries below it are in sealed segments. */
  readonly sealedEnd: number;
  /** Keys of the entries in text segments, in order, from `sealedEnd` on. */
  readonly keys: readonly EntryKey[];
  /** A write that a crash cut off, at the very end. */
  readonly torn: TornGroup | undefined;
}

export interface RecoveryOptions {
  readonly directory: string;
  readonly origin: string;
  readonly vkey: string;
  readonly fileSystem: FileSystem;
  readonly tiles: TileStore;
  readonly segments: SegmentStore;
  readonly erasures: ErasureLog;
  /** Files are opened for reading only. */
  readonly isReadOnly: boolean;
}

const damaged = (message: string, index?: number): AuditError =>
  new AuditError("LEDGER_DAMAGED", {
    message: `The ledger is damaged: ${message}. Nothing was changed; run vouchtrail verify and restore from a copy.`,
    ...(index === undefined ? {} : { detail: { index } }),
  });

/**
 * Opens the text segments of a ledger and re-derives tree, tiles and offsets; sealed segments are covered by the tiles, whose root must be
 * the checkpoint's. Writes nothing.
 *
 * @throws {AuditError} `LEDGER_DAMAGED`, `SIGNING_KEY_FOREIGN`.
 */
export async function recoverLedger(options: RecoveryOptions): Promise<RecoveredLedger> {
  const text: { first: number; file: DurableFile }[] = [];
  try {
    return await recover(options, text);
  } catch (error) {
    for (const { file } of text) await file.close();
    throw error;
  }
}

/** @param text Takes the open files of text segments, so that the caller can close them. */
async function recover(options: RecoveryOptions, text: { first: number; file: DurableFile }[]): Promise<RecoveredLedger> {
  const { directory, origin, vkey, fileSystem, segments, erasures } = options;
  const storedVkey = (await readOrMissing(fileSystem, `${directory}/${VKEY_FILE}`))?.toString("utf8").trim();
  if (storedVkey === undefined) throw damaged("its verifier key (vkey) is missing");
  if (storedVkey !== vkey) throw new AuditError("SIGNING_KEY_FOREIGN");
  const note = (await readOrMissing(fileSystem, `${directory}/${CHECKPOINT_FILE}`))?.toString("utf8");
  if (note === undefined) throw damaged("its checkpoint is missing");
  const checkpoint = readCheckpoint(note, vkey);

  const firsts = await listSegments(fileSystem, directory);
  const minimumIndex = firsts[0] ?? 0;
  firsts.forEach((first, i) => {
    const expected = minimumIndex + i * SEGMENT_ENTRIES;
    if (first !== expected) throw damaged(`the segment that begins at entry ${expected} is missing`, expected);
  });
  for (const first of firsts) {
    const file = await fileSystem.openFile(segmentPath(directory, first), options.isReadOnly ? "read" : "write");
    text.push({ first, file });
    if (!(await isSealed(file))) continue;
    text.pop();
    await file.close();
    if (text.length > 0) throw damaged(`a sealed segment stands behind one that is not (entry ${first})`, first);
    segments.addSealed(first);
  }
  const sealedEnd = text[0]?.first ?? (firsts.length === 0 ? 0 : minimumIndex + firsts.length * SEGMENT_ENTRIES);
  if (checkpoint.treeSize < sealedEnd) {
    throw damaged(
      `its checkpoint (${checkpoint.treeSize} entries) is older than its sealed segments (${sealedEnd} entries)`,
      checkpoint.treeSize,
    );
  }
  if (firsts.length === 0 && checkpoint.treeSize > 0) throw damaged("all its segments are missing", 0);
  // Text segments are read anyway, and only their own entries can excuse what is missing from them.
  erasures.forgetFrom(sealedEnd);

  const levels = await openLevels(options.tiles, sealedEnd);
  const sealedTree = createTileTree({
    sha256,
    readTile: async (level, n, width) => {
      const tile = await levels.get(level, n, width);
      if (tile === undefined) throw damaged(`the tile ${n} of level ${level} is missing`);
      return tile;
    },
  });
  let tree = openLedgerTree(sealedEnd, (await sealedTree.edge(sealedEnd)).hashes);
  let isCheckpointSeen = false;
  const compareCheckpoint = (size: number, root: string): void => {
    if (size !== checkpoint.treeSize) return;
    isCheckpointSeen = true;
    if (root !== encodeBase64(checkpoint.rootHash)) {
      throw damaged(`its first ${size} entries do not have the root that was signed for them`);
    }
  };
  compareCheckpoint(tree.size, tree.rootText());

  const keys: EntryKey[] = [];
  const missing: { index: number; section: SectionName }[] = [];
  let torn: TornGroup | undefined;
  for (const [position, { first, file }] of text.entries()) {
    const scan = await scanTextSegment({
      file,
      origin,
      first,
      tree,
      onEntry: (_index: number, { frame, leafHash }: CheckedEntry) => {
        keys.push({ tenant: frame.tenant, id: frame.id });
        levels.push(leafHash);
      },
      onGroup: compareCheckpoint,
    });
    if (scan.damage !== undefined) throw damaged(`entry ${scan.damage.index}: ${scan.damage.reason}`, scan.damage.index);
    const isLast = position === text.length - 1;
    if (!isLast && (scan.torn !== undefined || scan.count !== SEGMENT_ENTRIES)) {
      throw damaged(`the segment that begins at entry ${first} ends early`, first + scan.count);
    }
    if (scan.torn !== undefined) torn = { segment: first, index: first + scan.count, ...scan.torn };
    missing.push(...scan.missing);
    for (const { index, leaf } of scan.systemEntries) erasures.add(index, leaf);
    tree = scan.tree;
    const system = scan.systemEntries.map(({ index }) => index);
    segments.addText({ kind: "text", first, file, offsets: scan.offsets, system, count: scan.count, bytes: scan.goodBytes });
  }
  if (tree.size < checkpoint.treeSize) {
    throw damaged(
      `${checkpoint.treeSize} entries were signed, but only the first ${tree.size} are good${torn === undefined ? "" : ` (${torn.reason})`}`,
      tree.size,
    );
  }
  if (!isCheckpointSeen) throw damaged(`no group ends at the ${checkpoint.treeSize} entries that were signed`);
  for (const { index, section } of missing) {
    // An erasure is signed before it removes anything: an unsigned one could be a forgery at the tail.
    const eraser = erasures.erasedBy(index, section);
    if (eraser === undefined || eraser.index >= checkpoint.treeSize) {
      throw damaged(`the ${section} section of entry ${index} is missing and no signed entry erases it`, index);
    }
  }
  await assertPruned(segments, minimumIndex, checkpoint.treeSize);
  return { checkpoint, note, tree, levels, minimumIndex, sealedEnd, keys, torn };
}

/** Only an entry that was signed excuses segments that are gone: anybody can write one behind the checkpoint. */
async function assertPruned(segments: SegmentStore, minimumIndex: number, signedSize: number): Promise<void> {
  if (minimumIndex === 0) return;
  const prunedTo = (await findPrune(segments, minimumIndex, signedSize))?.minimumIndex ?? 0;
  if (prunedTo >= minimumIndex) return;
  const first = Math.floor(prunedTo / SEGMENT_ENTRIES) * SEGMENT_ENTRIES;
  throw damaged(`the segment that begins at entry ${first} is missing and no signed entry prunes it`, first);
}

function readCheckpoint(note: string, vkey: string): Checkpoint {
  try {
    return openCheckpoint(note, { vkey, sha256, verify: verifyEd25519 });
  } catch (error) {
    throw damaged(`its checkpoint is not one that its key signed (${error instanceof Error ? error.message : String(error)})`);
  }
}

async function openLevels(store: TileStore, size: number): Promise<TileLevels> {
  try {
    return await openTileLevels(store, size);
  } catch (error) {
    if (error instanceof MissingTileError) throw damaged(error.message);
    throw error;
  }
}

/** First indexes of the segment files, ascending. */
export async function listSegments(fileSystem: FileSystem, directory: string): Promise<number[]> {
  const firsts: number[] = [];
  for (const name of await fileSystem.list(`${directory}/${SEGMENTS_FOLDER}`)) {
    const first = parseSegmentName(name);
    if (first !== undefined) firsts.push(first);
    else if (!name.endsWith(TEMPORARY_SUFFIX)) throw damaged(`segments/${name} does not belong there`);
  }
  return firsts.sort((left, right) => left - right);
}

/** Whether a checkpoint that was remembered elsewhere fits what the folder holds. */
export type Regression = { readonly kind: "shorter" | "different"; readonly rememberedSize: number } | undefined;

export async function compareRemembered(
  note: string | undefined,
  vkey: string,
  treeSize: number,
  rootAt: (size: number) => Promise<Uint8Array>,
): Promise<Regression> {
  if (note === undefined) return undefined;
  let remembered: Checkpoint;
  try {
    remembered = openCheckpoint(note, { vkey, sha256, verify: verifyEd25519 });
  } catch {
    // Another key signed under this name, or the memory is damaged: either way this is not known to be the ledger that was seen before.
    return { kind: "different", rememberedSize: Number(/^[^\n]*\n(\d{1,15})\n/.exec(note)?.[1] ?? 0) };
  }
  if (remembered.treeSize > treeSize) return { kind: "shorter", rememberedSize: remembered.treeSize };
  if (hashesEqual(await rootAt(remembered.treeSize), remembered.rootHash)) return undefined;
  return { kind: "different", rememberedSize: remembered.treeSize };
}
