import { AuditError } from "@vouchtrail/events";
import { createTileTree, formatVkey, parseErasures, type SectionName, type Signer } from "@vouchtrail/protocol";
import { createAppendQueue } from "./append-queue.ts";
import { type Checkpointer, createCheckpointer } from "./checkpointer.ts";
import { createDuplicateFinder } from "./duplicates.ts";
import { createIndexedLookup, createScanningLookup, type EntryLookup, readKeys, readStored } from "./entry-lookup.ts";
import { createEraser, type Eraser } from "./erasing.ts";
import { type ErasureLog, type ErasureRecord, openErasureLog } from "./erasure-log.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";
import { createFreeSpace, type FreeSpace } from "./free-space.ts";
import { createGroupWriter, type GroupWriter } from "./group-writer.ts";
import { sha256 } from "./hashing.ts";
import { type IdIndex, openIdIndex } from "./id-index.ts";
import type { Head, Ledger } from "./ledger.ts";
import { createLedgerIfAbsent } from "./ledger-creation.ts";
import { createLedgerState, type LedgerState } from "./ledger-state.ts";
import { ID_GENERATION_MAX, SEGMENT_ENTRIES } from "./limits.ts";
import { createMaintenance, type Maintenance } from "./maintenance.ts";
import { createPruner, type Pruner } from "./pruning.ts";
import { compareRemembered, type RecoveredLedger, type Regression, recoverLedger, type TornGroup } from "./recovery.ts";
import type { RememberedCheckpoints } from "./remembered-checkpoint.ts";
import { createSealing } from "./sealing.ts";
import { createSegmentStore, type SegmentStore } from "./segment-store.ts";
import { removeTemporaries, repairTail } from "./tail-repair.ts";
import type { TileLevels } from "./tile-levels.ts";
import { createTileStore } from "./tile-store.ts";

/** Hashes of a full tile (C2SP tlog-tiles). */
const TILE_WIDTH = 256;
/** The design's bound for how long a durable entry stays unsigned. */
const CHECKPOINT_INTERVAL_MS = 1_000;

/** A follower's promise that the ledger once had this many entries. A shorter ledger is damage. */
export interface Floor {
  readonly name: string;
  readonly next: number;
}

export interface FileLedgerOptions {
  /** The ledger's folder, `ledger/main`. */
  readonly directory: string;
  /** Signs checkpoints; its name is the origin. */
  readonly signer: Signer;
  /** Where sorted ids are kept; derived from the ledger. */
  readonly idsDirectory: string;
  /** Where a torn group is moved to. */
  readonly recoveredDirectory: string;
  /** Where it is kept which erasures are finished; derived from the ledger. */
  readonly erasuresFile: string;
  readonly remembered?: RememberedCheckpoints;
  readonly floors?: readonly Floor[];
  readonly fileSystem?: FileSystem;
  /** Longest time that a durable entry stays unsigned, in milliseconds. */
  readonly checkpointIntervalMs?: number;
  /** Opens for reading only: nothing is written, nothing is repaired. */
  readonly isReadOnly?: boolean;
  /** Smaller than the defaults of `limits.ts` where memory is short. */
  readonly limits?: { readonly pendingEntriesMax?: number; readonly idGenerationMax?: number };
  /** Told about what happens outside of calls: a failed disk, a finished erasure. */
  readonly onNotice?: (notice: LedgerNotice) => void;
}

export type LedgerNotice =
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "maintenance-failed"; readonly error: unknown }
  | { readonly kind: "remember-failed"; readonly error: unknown }
  | { readonly kind: "segment-sealed"; readonly first: number }
  | { readonly kind: "erasure-done"; readonly index: number }
  | { readonly kind: "checkpoint"; readonly treeSize: number };

/** What opening found. The caller writes it into the trail. */
export interface LedgerFindings {
  readonly torn: TornGroup | undefined;
  /** The ledger is shorter than, or differs from, a checkpoint that was remembered elsewhere: it accepts nothing. */
  readonly regression: Regression;
}

/** The ledger in files. See {@link Ledger} for the contract. */
export interface FileLedger extends Ledger, AsyncDisposable {
  readonly vkey: string;
  readonly findings: LedgerFindings;
  /** Undefined while entries are accepted; else the error that `append` would throw. */
  refusal(): AuditError | undefined;
  /** The entry that erased a section, and whether all files are rid of it. */
  erasedBy(index: number, section: SectionName): ErasureRecord | undefined;
  /** Erasure entries so far. */
  erasures(): readonly ErasureRecord[];
  /** Resolves once a checkpoint covers that many entries; asks for one at once. */
  waitForCheckpoint(treeSize: number, signal: AbortSignal): Promise<void>;
  /** Indexes of the durable entries with an id, of every tenant. */
  findById(id: string): Promise<readonly number[]>;
  /** Entries and characters that wait for the writer. */
  pending(): { readonly entries: number; readonly chars: number };
  /** Resolves when sealing and erasing have nothing left to do. */
  idle(): Promise<void>;
}

/** What is known once the folder was read: the store behind the parts. */
interface Recovery {
  readonly origin: string;
  readonly fileSystem: FileSystem;
  readonly vkey: string;
  readonly segments: SegmentStore;
  readonly erasures: ErasureLog;
  readonly recovered: RecoveredLedger;
  readonly regression: Regression;
}

/** The parts of one ledger, connected. */
interface Parts {
  readonly state: LedgerState;
  readonly freeSpace: FreeSpace;
  readonly writer: GroupWriter;
  readonly checkpointer: Checkpointer;
  readonly maintenance: Maintenance;
  readonly scheduleSealing: (first: number) => void;
  readonly eraser: Eraser;
  readonly pruner: Pruner;
  readonly lookup: EntryLookup;
}

/**
 * Opens a ledger, or makes an empty one: recovers what the folder holds, repairs its tail, and goes on with what was left undone. The states
 * of an open ledger are those of {@link LedgerState}; what it promises while it writes are the invariants of {@link GroupWriter},
 * {@link Checkpointer}, {@link Eraser} and {@link Pruner}.
 *
 * @throws {AuditError} `LEDGER_DAMAGED`, `SIGNING_KEY_FOREIGN`.
 */
export async function openFileLedger(options: FileLedgerOptions): Promise<FileLedger> {
  const { directory, signer, isReadOnly = false } = options;
  const origin = signer.name;
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const vkey = formatVkey(origin, signer.publicKey, sha256);
  const tiles = createTileStore(directory, fileSystem);
  const segments = createSegmentStore(directory, origin, fileSystem);
  const erasures = await openErasureLog(fileSystem, options.erasuresFile, origin);
  if (!isReadOnly) await createLedgerIfAbsent({ directory, signer, vkey, fileSystem });
  const recovered = await recoverLedger({ directory, origin, vkey, fileSystem, tiles, segments, erasures, isReadOnly });
  let ids: IdIndex | undefined;
  try {
    assertFloors(options.floors ?? [], recovered.tree.size);
    const regression = await findRegression(options, vkey, recovered);
    const isWritable = !isReadOnly && regression === undefined;
    if (isWritable) {
      await removeTemporaries({ directory, fileSystem });
      await repairTail({ directory, recoveredDirectory: options.recoveredDirectory, fileSystem, segments, recovered });
      ids = await openIds(options, fileSystem, segments, recovered);
    }
    const recovery: Recovery = { origin, fileSystem, vkey, segments, erasures, recovered, regression };
    const parts = connectParts(options, recovery, ids);
    if (isWritable) {
      await parts.freeSpace.check();
      if (recovered.tree.size > parts.checkpointer.published().size) await parts.checkpointer.sign();
    }
    await readErasures(segments, erasures);
    // Only what is sealed need not be looked at again: text segments are scanned at every start anyway.
    if (isWritable) await erasures.save(recovered.sealedEnd);
    if (isWritable) resumeMaintenance(parts, recovery);
    return createLedger(recovery, parts, ids);
  } catch (error) {
    await ids?.close();
    await segments.close();
    throw error;
  }
}

function assertFloors(floors: readonly Floor[], treeSize: number): void {
  for (const floor of floors) {
    if (floor.next <= treeSize) continue;
    throw new AuditError("LEDGER_DAMAGED", {
      message: `The ledger has ${treeSize} entries, but ${floor.name} has already read ${floor.next}. Restore the newer copy.`,
      detail: { index: treeSize },
    });
  }
}

async function findRegression(options: FileLedgerOptions, vkey: string, { tree, levels }: RecoveredLedger): Promise<Regression> {
  // Over hashes as of now; `tile` of the ledger serves only what a checkpoint covers.
  const tileTree = createTileTree({ sha256, readTile: (level, n, width) => readTile(levels, level, n, width) });
  return compareRemembered(await options.remembered?.load(options.signer.name), vkey, tree.size, (size) => tileTree.rootHash(size));
}

async function readTile(levels: Pick<TileLevels, "get">, level: number, n: number, width: number): Promise<Uint8Array> {
  const tile = await levels.get(level, n, width);
  if (tile === undefined) throw new AuditError("TILE_UNKNOWN");
  return tile;
}

async function openIds(
  options: FileLedgerOptions,
  fileSystem: FileSystem,
  segments: SegmentStore,
  { keys, minimumIndex, sealedEnd }: RecoveredLedger,
): Promise<IdIndex> {
  const generationMax = options.limits?.idGenerationMax ?? ID_GENERATION_MAX;
  const index = await openIdIndex(
    { directory: options.idsDirectory, fileSystem, readKeys: (from, to) => readKeys(segments, from, to), generationMax },
    minimumIndex,
    sealedEnd,
  );
  keys.forEach((key, i) => {
    index.add(key, sealedEnd + i);
  });
  return index;
}

/** Looks for erasure entries in segments that were sealed since the log was last written. */
async function readErasures(segments: SegmentStore, erasures: ErasureLog): Promise<void> {
  for (const first of segments.firsts()) {
    if (segments.text(first) !== undefined || first + SEGMENT_ENTRIES <= erasures.next) continue;
    for (const index of await segments.systemEntries(first)) {
      for (const entry of await segments.readBatch(index, index + 1)) erasures.add(index, entry.leaf);
    }
  }
}

function resumeMaintenance({ scheduleSealing, eraser, writer }: Parts, { segments, recovered }: Recovery): void {
  for (const first of segments.firsts())
    if (first >= recovered.sealedEnd && first + SEGMENT_ENTRIES <= writer.head().size) scheduleSealing(first);
  eraser.resume();
}

/**
 * Connects the parts. Writer and checkpointer need each other, and all of them the state that each can end: they are given functions, which
 * are called only after all of them are made.
 */
function connectParts(options: FileLedgerOptions, recovery: Recovery, ids: IdIndex | undefined): Parts {
  const { directory, signer, recoveredDirectory, onNotice = () => {} } = options;
  const { origin, fileSystem, vkey, segments, erasures, recovered, regression } = recovery;
  const { tree, levels, checkpoint, note } = recovered;
  const freeSpace = createFreeSpace(fileSystem, directory);
  const state = createLedgerState({
    isReadOnly: options.isReadOnly ?? false,
    regression,
    treeSize: () => writer.head().size,
    freeSpace,
    onFailed(error, refusal) {
      writer.abandon(refusal);
      checkpointer.stop(refusal);
      onNotice({ kind: "failed", error });
    },
  });
  const maintenance = createMaintenance((error) => {
    if (!state.isEnding()) onNotice({ kind: "maintenance-failed", error });
  });
  const checkpointer = createCheckpointer({
    directory,
    signer,
    vkey,
    fileSystem,
    remembered: options.remembered,
    intervalMs: options.checkpointIntervalMs ?? CHECKPOINT_INTERVAL_MS,
    published: { size: checkpoint.treeSize, root: checkpoint.rootHash, note },
    levels,
    head: () => writer.head(),
    gate: state,
    onSigned: (treeSize) => onNotice({ kind: "checkpoint", treeSize }),
    onRememberFailed: (error) => onNotice({ kind: "remember-failed", error }),
  });
  const pruner = createPruner({
    directory,
    fileSystem,
    maintenance,
    segments,
    checkpointer,
    gate: state,
    minimumIndex: recovered.minimumIndex,
  });
  const scheduleSealing = createSealing({
    maintenance,
    segments,
    checkpointer,
    ids,
    onSealed: (first) => onNotice({ kind: "segment-sealed", first }),
  });
  const writer: GroupWriter = createGroupWriter({
    directory,
    origin,
    fileSystem,
    queue: createAppendQueue(options.limits?.pendingEntriesMax),
    tree,
    levels,
    segments,
    erasures,
    duplicates: ids === undefined ? undefined : createDuplicateFinder({ origin, ids, segments, minimumIndex: pruner.minimumIndex }),
    checkpointer,
    gate: state,
    onSegmentFull: scheduleSealing,
  });
  const eraser = createEraser({
    recoveredDirectory,
    fileSystem,
    maintenance,
    erasures,
    segments,
    checkpointer,
    writer,
    gate: state,
    onDone: (index) => onNotice({ kind: "erasure-done", index }),
  });
  const reading = { segments, head: writer.head, minimumIndex: pruner.minimumIndex };
  const lookup = ids === undefined ? createScanningLookup(reading) : createIndexedLookup(reading, ids);
  return { state, freeSpace, writer, checkpointer, maintenance, scheduleSealing, eraser, pruner, lookup };
}

function createLedger(recovery: Recovery, parts: Parts, ids: IdIndex | undefined): FileLedger {
  const { origin, vkey, segments, erasures, recovered, regression } = recovery;
  const { state, freeSpace, writer, checkpointer, maintenance, eraser, pruner, lookup } = parts;
  let closing: Promise<void> | undefined;

  async function finish(): Promise<void> {
    try {
      if (state.beginClosing()) {
        await writer.settled();
        await maintenance.idle();
        // A failure meanwhile has been told; then there is nothing to sign.
        if (state.isAccepting()) await checkpointer.request();
      }
    } finally {
      state.endClosing();
      const closed = new AuditError("SHUTTING_DOWN");
      await checkpointer.settled();
      await writer.settled();
      await maintenance.idle();
      checkpointer.stop(closed);
      writer.close(closed);
      await ids?.close();
      await segments.close();
    }
  }

  const ledger: FileLedger = {
    origin,
    vkey,
    findings: { torn: recovered.torn, regression },
    refusal: state.refusal,
    erasedBy: erasures.erasedBy,
    erasures: () => erasures.records,
    pending: writer.pending,
    async append(entries) {
      // Not awaited: entries must reach the queue in the order in which they were sealed, or `received.at` would go back.
      if (state.isOpen()) void freeSpace.check();
      const refusal = state.refusal();
      if (refusal !== undefined) throw refusal;
      // Before it is durable: an erasure that cannot be read would keep the ledger from ever opening again.
      for (const entry of entries) if (entry.isSystem) parseErasures(entry.leaf);
      return writer.append(entries);
    },
    read(from, to, signal) {
      const { size } = writer.head();
      const minimumIndex = pruner.minimumIndex();
      const end = Math.min(to, size);
      if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || from > to || from > size) {
        throw new AuditError("RANGE_INVALID", { detail: { from, to, treeSize: size } });
      }
      if (from < minimumIndex && from < end) throw new AuditError("ENTRY_PRUNED", { detail: { minimumIndex } });
      return readStored(segments, from, end, signal);
    },
    find: lookup.find,
    findById: lookup.findById,
    async head() {
      const { size, root } = writer.head();
      return { treeSize: size, rootHash: root, minimumIndex: pruner.minimumIndex() } satisfies Head;
    },
    async waitFor(treeSize, signal) {
      if (state.isClosed() && writer.head().size < treeSize) throw new AuditError("SHUTTING_DOWN");
      await writer.waitFor(treeSize, signal);
    },
    waitForCheckpoint: checkpointer.waitFor,
    checkpoint: async () => checkpointer.published().note,
    publish: checkpointer.publish,
    async tile(level, n, width) {
      const end = (n * TILE_WIDTH + width) * TILE_WIDTH ** level;
      if (width < 1 || width > TILE_WIDTH || end > checkpointer.published().size) throw new AuditError("TILE_UNKNOWN");
      return readTile(recovered.levels, level, n, width);
    },
    erase: eraser.erase,
    prune: pruner.prune,
    idle: maintenance.idle,
    close() {
      closing ??= finish();
      return closing;
    },
    [Symbol.asyncDispose]: () => ledger.close(),
  };
  return ledger;
}
