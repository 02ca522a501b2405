import { dirname } from "node:path";
import { AuditError } from "@vouchtrail/events";
import {
  createTileTree,
  encodeBase64,
  formatCheckpoint,
  formatVkey,
  hashesEqual,
  openCheckpoint,
  parseErasures,
  parseLeafFrame,
  type SectionName,
  type Signer,
  signNote,
} from "@vouchtrail/protocol";
import { verifyEd25519 } from "./ed25519.ts";
import { type ErasureLog, type ErasureRecord, openErasureLog } from "./erasure-log.ts";
import { type FileSystem, isMissing, nodeFileSystem, replaceFile, TEMPORARY_SUFFIX } from "./file-system.ts";
import { hashLeafText, sha256 } from "./hashing.ts";
import { type IdIndex, openIdIndex } from "./id-index.ts";
import { CHECKPOINT_FILE, SEGMENTS_FOLDER, segmentPath, TILES_FOLDER, VKEY_FILE } from "./layout.ts";
import type { AppendResult, EntryKey, Head, Ledger, SealedEntry, StoredEntry } from "./ledger.ts";
import {
  DISK_FREE_BYTES_MIN,
  DISK_FREE_CACHE_MS,
  GROUP_BYTES_MAX,
  GROUP_ENTRIES_MAX,
  ID_GENERATION_MAX,
  PENDING_CHARS_MAX,
  PENDING_ENTRIES_MAX,
  SEGMENT_ENTRIES,
} from "./limits.ts";
import { compareRemembered, type Regression, readOrMissing, recoverLedger, type TornGroup } from "./recovery.ts";
import type { RememberedCheckpoints } from "./remembered-checkpoint.ts";
import { createSegmentStore, type TextSegment, UncertainSwitchError } from "./segment-store.ts";
import { formatHeader, formatLine, formatMarker } from "./segment-text.ts";
import { createTileStore } from "./tile-store.ts";

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

/** The ledger's folder, the one for all ledgers and the data directory: who makes the data directory makes that one durable. */
const FOLDERS_ABOVE = 3;

interface Request {
  readonly entries: readonly SealedEntry[];
  readonly results: (AppendResult | undefined)[];
  readonly chars: number;
  remaining: number;
  resolve(results: readonly AppendResult[]): void;
  reject(error: unknown): void;
}

interface Item {
  readonly request: Request;
  readonly position: number;
  readonly entry: SealedEntry;
}

interface Waiter {
  readonly size: number;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Opens a ledger, or makes an empty one.
 *
 * States: `open` --failed write or sync--> `failed` (reads go on, appends are refused) ; `open` --close--> `closing` --> `closed`.
 * Opened `read-only` (asked for, or because the ledger regressed) it never accepts.
 *
 * Invariants: an append resolves only after `fdatasync`; a group is written only after the sync of the one before it; a checkpoint is signed
 * only over durable entries whose full tiles are durable; a segment is begun only after a checkpoint covers the one before it.
 *
 * @throws {AuditError} `LEDGER_DAMAGED`, `SIGNING_KEY_FOREIGN`.
 */
export async function openFileLedger(options: FileLedgerOptions): Promise<FileLedger> {
  const { directory, signer, remembered, isReadOnly = false, onNotice = () => {} } = options;
  const fileSystem = options.fileSystem ?? nodeFileSystem;
  const origin = signer.name;
  const pendingEntriesMax = options.limits?.pendingEntriesMax ?? PENDING_ENTRIES_MAX;
  const vkey = formatVkey(signer.name, signer.publicKey, sha256);
  const tiles = createTileStore(directory, fileSystem);
  const segments = createSegmentStore(directory, origin, fileSystem);
  const erasures: ErasureLog = await openErasureLog(fileSystem, options.erasuresFile, origin);

  if (!isReadOnly) await createIfEmpty();
  const recovered = await recoverLedger({ directory, origin, vkey, fileSystem, tiles, segments, erasures, isReadOnly });
  const { tree, levels } = recovered;
  const minimumAtStart = recovered.minimumIndex;
  let minimumIndex = minimumAtStart;

  for (const floor of options.floors ?? []) {
    if (floor.next > tree.size) {
      await segments.close();
      throw new AuditError("LEDGER_DAMAGED", {
        message: `The ledger has ${tree.size} entries, but ${floor.name} has already read ${floor.next}. Restore the newer copy.`,
        detail: { index: tree.size },
      });
    }
  }

  /** Hashes as of now, for our own use; `tile` below serves only what a checkpoint covers. */
  const tileTree = createTileTree({
    sha256,
    readTile: async (level, n, width) => {
      const tile = await levels.get(level, n, width);
      if (tile === undefined) throw new AuditError("TILE_UNKNOWN");
      return tile;
    },
  });
  const regression = await compareRemembered(await remembered?.load(origin), vkey, tree.size, (size) => tileTree.rootHash(size));
  const findings: LedgerFindings = { torn: recovered.torn, regression };

  let state: "open" | "read-only" | "failed" | "closing" | "closed" = isReadOnly || regression !== undefined ? "read-only" : "open";
  let durable = { size: tree.size, root: tree.root() };
  let published = { size: recovered.checkpoint.treeSize, root: recovered.checkpoint.rootHash, note: recovered.note };
  const systemEntries = new Map<number, number[]>([...recovered.systemEntries].map(([first, list]) => [first, [...list]]));

  const sizeWaiters = new Set<Waiter>();
  const checkpointWaiters = new Set<Waiter>();
  const queue: Item[] = [];
  const exclusive: { run(): Promise<void>; reject(error: unknown): void }[] = [];
  let queueStart = 0;
  let pendingChars = 0;
  let isWriting = false;
  let closing: Promise<void> | undefined;
  let writing: Promise<void> = Promise.resolve();
  let checkpointing: Promise<void> = Promise.resolve();
  let checkpointTimer: NodeJS.Timeout | undefined;
  let maintenance: Promise<void> = Promise.resolve();
  let free = { bytes: Number.POSITIVE_INFINITY, checkedAt: Number.NEGATIVE_INFINITY };

  let ids: IdIndex | undefined;
  try {
    if (state === "open") {
      await removeTemporaries();
      await repairTail();
      ids = await openIds();
      await checkFreeSpace();
      if (durable.size > published.size) await signCheckpoint();
    }
    await readErasures();
  } catch (error) {
    await ids?.close();
    await segments.close();
    throw error;
  }
  if (state === "open") {
    for (const first of segments.firsts()) if (isFull(first) && first >= recovered.sealedEnd) scheduleSealing(first);
    for (const record of erasures.records) if (!record.isDone) scheduleErasure(record);
  }

  function isFull(first: number): boolean {
    return durable.size >= first + SEGMENT_ENTRIES;
  }

  async function createIfEmpty(): Promise<void> {
    const hasEntries = (await listOrNone(`${directory}/${SEGMENTS_FOLDER}`)).some((name) => !name.endsWith(TEMPORARY_SUFFIX));
    const hasTiles = (await listOrNone(`${directory}/${TILES_FOLDER}`)).length > 0;
    const isNew = !hasEntries && !hasTiles && (await isAbsent(`${directory}/${CHECKPOINT_FILE}`));
    if (!isNew) return;
    const storedVkey = await readOrMissing(fileSystem, `${directory}/${VKEY_FILE}`);
    if (storedVkey !== undefined && storedVkey.toString("utf8").trim() !== vkey) throw new AuditError("SIGNING_KEY_FOREIGN");
    await fileSystem.makeDirectory(`${directory}/${SEGMENTS_FOLDER}`);
    await fileSystem.makeDirectory(`${directory}/${TILES_FOLDER}`);
    // A folder is an entry of the one above it: without this, a loss of power could take the whole ledger with it.
    for (let folder = directory, depth = 0; depth < FOLDERS_ABOVE; folder = dirname(folder), depth++)
      await fileSystem.syncDirectory(folder);
    await replaceFile(fileSystem, `${directory}/${VKEY_FILE}`, Buffer.from(`${vkey}\n`));
    const text = formatCheckpoint({ origin, treeSize: 0, rootHash: sha256(new Uint8Array(0)) });
    await replaceFile(fileSystem, `${directory}/${CHECKPOINT_FILE}`, Buffer.from(signNote(text, signer, sha256)));
  }

  async function isAbsent(path: string): Promise<boolean> {
    return (await readOrMissing(fileSystem, path)) === undefined;
  }

  async function listOrNone(path: string): Promise<readonly string[]> {
    try {
      return await fileSystem.list(path);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** Left-overs of a crash may hold what was erased since. Only after recovery: a damaged ledger is left as it was found. */
  async function removeTemporaries(): Promise<void> {
    const folder = `${directory}/${SEGMENTS_FOLDER}`;
    for (const name of await listOrNone(folder)) if (name.endsWith(TEMPORARY_SUFFIX)) await fileSystem.remove(`${folder}/${name}`);
  }

  /**
   * After an unclean stop the old file is never appended to: the page cache may hold what the disk has not, and a torn group lies behind the
   * good ones. The accepted tail goes to a new file, durably, before anything is signed or acked.
   */
  async function repairTail(): Promise<void> {
    const active = activeSegment();
    if (active === undefined) return;
    const isClean = recovered.torn === undefined && durable.size === published.size && active.bytes > 0;
    if (isClean) return;
    const path = segmentPath(directory, active.first);
    if (recovered.torn !== undefined) {
      const { start, end } = recovered.torn;
      const bytes = Buffer.alloc(end - start);
      await active.file.read(bytes, start);
      await fileSystem.makeDirectory(options.recoveredDirectory, 0o700);
      await replaceFile(fileSystem, `${options.recoveredDirectory}/${recovered.torn.index}-${Date.now()}.torn`, bytes, 0o600);
    }
    if (active.count === 0) {
      // Nothing was accepted into it; the next append makes it again.
      await segments.drop(active.first);
      await fileSystem.syncDirectory(`${directory}/${SEGMENTS_FOLDER}`);
      return;
    }
    const temporary = path + TEMPORARY_SUFFIX;
    await fileSystem.remove(temporary);
    const copy = await fileSystem.openFile(temporary, "create");
    try {
      const chunk = Buffer.alloc(Math.min(GROUP_BYTES_MAX, active.bytes));
      for (let position = 0; position < active.bytes; position += chunk.length) {
        const count = await active.file.read(chunk.subarray(0, Math.min(chunk.length, active.bytes - position)), position);
        await copy.write(chunk.subarray(0, count), position);
      }
      await copy.sync();
    } finally {
      await copy.close();
    }
    await fileSystem.rename(temporary, path);
    await fileSystem.syncDirectory(`${directory}/${SEGMENTS_FOLDER}`);
    const file = await fileSystem.openFile(path, "write");
    await active.file.close();
    segments.addText({ ...active, file });
  }

  async function openIds(): Promise<IdIndex> {
    const index = await openIdIndex(
      { directory: options.idsDirectory, fileSystem, readKeys, generationMax: options.limits?.idGenerationMax ?? ID_GENERATION_MAX },
      minimumAtStart,
      recovered.sealedEnd,
    );
    recovered.keys.forEach((key, i) => {
      index.add(key, recovered.sealedEnd + i);
    });
    return index;
  }

  async function* readKeys(from: number, to: number): AsyncGenerator<{ index: number; key: EntryKey }[]> {
    for await (const batch of readStored(from, to)) {
      yield batch.map(({ index, leaf }) => {
        const { tenant, id } = parseLeafFrame(leaf);
        return { index, key: { tenant, id: id.toLowerCase() } };
      });
    }
  }

  /** Looks for erasure entries in sealed segments that were sealed since the log was last written. */
  async function readErasures(): Promise<void> {
    for (const first of segments.firsts()) {
      if (first + SEGMENT_ENTRIES <= erasures.next) continue;
      for (const index of await segments.systemEntries(first)) {
        for (const entry of await segments.readBatch(index, index + 1)) erasures.add(index, entry.leaf);
      }
    }
    // Only what is sealed need not be looked at again: text segments are scanned at every start anyway.
    if (state === "open") await erasures.save(recovered.sealedEnd);
  }

  async function* readStored(from: number, to: number, signal?: AbortSignal): AsyncGenerator<readonly StoredEntry[]> {
    for (let next = from; next < to; ) {
      signal?.throwIfAborted();
      const batch = await segments.readBatch(next, to);
      if (batch.length === 0) return;
      yield batch;
      next += batch.length;
    }
  }

  function activeSegment(): TextSegment | undefined {
    return segments.text(Math.floor(durable.size / SEGMENT_ENTRIES) * SEGMENT_ENTRIES) ?? lastText();
  }

  function lastText(): TextSegment | undefined {
    const last = segments.firsts().at(-1);
    return last === undefined ? undefined : segments.text(last);
  }

  function fail(error: unknown): void {
    if (state === "failed" || state === "closed") return;
    state = "failed";
    const refusal = new AuditError("OUTCOME_UNKNOWN", { cause: error });
    const requests = new Set(queue.slice(queueStart).map((item) => item.request));
    queue.length = 0;
    queueStart = 0;
    pendingChars = 0;
    for (const request of requests) request.reject(refusal);
    for (const task of exclusive.splice(0)) task.reject(refusal);
    for (const waiter of [...checkpointWaiters]) waiter.reject(refusal);
    checkpointWaiters.clear();
    clearTimeout(checkpointTimer);
    onNotice({ kind: "failed", error });
  }

  function refusal(): AuditError | undefined {
    switch (state) {
      case "open":
        if (free.bytes >= DISK_FREE_BYTES_MIN) return undefined;
        // Whoever asks here first and does not append must still see the space come back.
        void checkFreeSpace();
        return new AuditError("DISK_FULL");
      case "read-only":
        return regression === undefined
          ? new AuditError("LEDGER_READ_ONLY", { message: "The ledger was opened for reading only." })
          : new AuditError("LEDGER_REGRESSED", { detail: { treeSize: durable.size, rememberedSize: regression.rememberedSize } });
      case "failed":
        return new AuditError("LEDGER_READ_ONLY", {
          message: "The disk failed, so nothing is accepted until the server is restarted. Check the disk and its free space first.",
        });
      default:
        return new AuditError("SHUTTING_DOWN");
    }
  }

  function startWriter(): void {
    if (isWriting) return;
    isWriting = true;
    writing = writeGroups();
  }

  function isAccepting(): boolean {
    return state === "open" || state === "closing";
  }

  async function writeGroups(): Promise<void> {
    try {
      while (isAccepting() && (queueStart < queue.length || exclusive.length > 0)) {
        const task = exclusive.shift();
        if (task !== undefined) await task.run();
        else await writeNextGroup();
      }
    } finally {
      // In the same turn as the last look at the queue: what is appended later starts the writer again.
      isWriting = false;
    }
  }

  async function writeNextGroup(): Promise<void> {
    let group: readonly Item[] = [];
    try {
      const active = await writableSegment();
      group = takeGroup(SEGMENT_ENTRIES - active.count);
      await writeGroup(active, group);
    } catch (error) {
      const refused = new AuditError("OUTCOME_UNKNOWN", { cause: error });
      for (const { request } of group) request.reject(refused);
      fail(error);
    }
  }

  /** The segment that the next entry goes to; begins a new one where the last is full. */
  async function writableSegment(): Promise<TextSegment> {
    const first = Math.floor(durable.size / SEGMENT_ENTRIES) * SEGMENT_ENTRIES;
    const existing = segments.text(first);
    if (existing !== undefined) return existing;
    // A start reads text segments only, so everything below the new one must be under a checkpoint and in tiles.
    if (durable.size > published.size) await requestCheckpoint();
    const path = segmentPath(directory, first);
    const header = Buffer.from(formatHeader(origin, first));
    await replaceFile(fileSystem, path, header);
    const file = await fileSystem.openFile(path, "write");
    const segment: TextSegment = {
      kind: "text",
      first,
      file,
      offsets: { starts: new Float64Array(SEGMENT_ENTRIES), lengths: new Uint32Array(SEGMENT_ENTRIES) },
      count: 0,
      bytes: header.length,
    };
    segments.addText(segment);
    systemEntries.set(first, []);
    return segment;
  }

  function takeGroup(room: number): readonly Item[] {
    const countMax = Math.min(room, GROUP_ENTRIES_MAX);
    let chars = 0;
    let end = queueStart;
    while (end < queue.length && end - queueStart < countMax) {
      const size = charsOf(queue[end]!.entry);
      if (end > queueStart && chars + size > GROUP_BYTES_MAX) break;
      chars += size;
      end += 1;
    }
    const group = queue.slice(queueStart, end);
    pendingChars -= chars;
    queueStart = end;
    if (queueStart === queue.length) {
      queue.length = 0;
      queueStart = 0;
    } else if (queueStart > PENDING_ENTRIES_MAX) {
      queue.splice(0, queueStart);
      queueStart = 0;
    }
    return group;
  }

  async function writeGroup(active: TextSegment, group: readonly Item[]): Promise<void> {
    const fresh: Item[] = [];
    const known = await findDuplicates(group, fresh);
    if (fresh.length > 0) {
      const first = durable.size;
      await writeEntries(active, fresh, first);
      fresh.forEach((item, i) => {
        settle(item, {
          receipt: { origin, id: item.entry.id, index: first + i, leafHash: encodeBase64(item.entry.leafHash) },
          isDuplicate: false,
        });
      });
      for (const waiter of [...sizeWaiters]) if (waiter.size <= durable.size) waiter.resolve();
      scheduleCheckpoint();
    }
    // After the sync: a duplicate of an entry in this very group is durable only now.
    for (const [item, result] of known) settle(item, result);
  }

  async function writeEntries(active: TextSegment, fresh: readonly Item[], first: number): Promise<void> {
    let capacity = 128;
    for (const { entry } of fresh) capacity += charsOf(entry) * 3 + 3;
    const buffer = groupBuffer(capacity);
    const { starts, lengths } = active.offsets;
    let at = 0;
    fresh.forEach(({ entry }, i) => {
      const length = buffer.write(formatLine(entry.leaf, entry.disclosures), at);
      const position = active.count + i;
      starts[position] = active.bytes + at;
      lengths[position] = length - 1;
      at += length;
      levels.push(entry.leafHash, tree.append(entry.leafHash));
      if (entry.isSystem) systemEntries.get(active.first)?.push(first + i);
    });
    const root = tree.root();
    at += buffer.write(formatMarker(tree.size, root), at);
    await active.file.write(buffer.subarray(0, at), active.bytes);
    await active.file.sync();
    active.bytes += at;
    active.count += fresh.length;
    durable = { size: tree.size, root };
    for (const { entry, index } of fresh.map((item, i) => ({ entry: item.entry, index: first + i }))) {
      if (entry.isSystem) erasures.add(index, entry.leaf);
    }
    if (active.count === SEGMENT_ENTRIES) scheduleSealing(active.first);
  }

  let reusable = Buffer.alloc(64 * 1024);
  function groupBuffer(bytes: number): Buffer {
    if (bytes > 4 * GROUP_BYTES_MAX) return Buffer.allocUnsafe(bytes);
    if (reusable.length < bytes) reusable = Buffer.allocUnsafe(Math.max(bytes, reusable.length * 2));
    return reusable;
  }

  /** Puts the entries that are new into `fresh`, and into the id index under the index that they will have. */
  async function findDuplicates(group: readonly Item[], fresh: Item[]): Promise<readonly [Item, AppendResult][]> {
    const known: [Item, AppendResult][] = [];
    const first = durable.size;
    if (ids === undefined) throw new AuditError("LEDGER_READ_ONLY");
    const pick = async (entry: SealedEntry, candidates: readonly number[]): Promise<AppendResult | undefined> => {
      for (const index of candidates) {
        const result = index >= first ? compare(entry, index, fresh[index - first]?.entry) : await compareStored(entry, index);
        if (result !== undefined) return result;
      }
      return undefined;
    };
    for (const item of group) {
      const { entry } = item;
      const found = ids.find(entry);
      const candidates = found instanceof Promise ? await found : found;
      let result: AppendResult | undefined;
      if (candidates.length > 0) {
        // A tenant of the same hash may stand in front of the entry that is meant: then all candidates are looked at.
        result = (await pick(entry, candidates)) ?? (await pick(entry, await ids.findAll(entry)));
      }
      if (result !== undefined) known.push([item, result]);
      else {
        ids.add(entry, first + fresh.length);
        fresh.push(item);
      }
    }
    return known;
  }

  function compare(entry: SealedEntry, index: number, there: SealedEntry | undefined): AppendResult | undefined {
    if (there === undefined || there.id !== entry.id || there.tenant !== entry.tenant) return undefined;
    const isSame = there.occurredAt === entry.occurredAt && there.action === entry.action && there.status === entry.status;
    if (!isSame) return { conflictIndex: index };
    return { receipt: { origin, id: entry.id, index, leafHash: encodeBase64(there.leafHash) }, isDuplicate: true };
  }

  async function compareStored(entry: SealedEntry, index: number): Promise<AppendResult | undefined> {
    if (index < minimumIndex) return undefined;
    const [stored] = await segments.readBatch(index, index + 1);
    if (stored === undefined) return undefined;
    const frame = parseLeafFrame(stored.leaf);
    return compare(entry, index, {
      ...frame,
      id: frame.id.toLowerCase(),
      leaf: stored.leaf,
      leafHash: hashLeafText(stored.leaf),
      disclosures: stored.disclosures,
      isSystem: false,
    });
  }

  function settle({ request, position }: Item, result: AppendResult): void {
    request.results[position] = result;
    request.remaining -= 1;
    if (request.remaining === 0) request.resolve(request.results as AppendResult[]);
  }

  function scheduleCheckpoint(): void {
    if (checkpointTimer !== undefined || state !== "open") return;
    checkpointTimer = setTimeout(() => {
      requestCheckpoint().catch(() => {
        // `fail` has already told.
      });
    }, options.checkpointIntervalMs ?? 1_000);
  }

  /** Signs a checkpoint over what is durable now; one at a time. */
  function requestCheckpoint(): Promise<void> {
    clearTimeout(checkpointTimer);
    checkpointTimer = undefined;
    checkpointing = checkpointing
      .catch(() => {})
      .then(async () => {
        if (!isAccepting()) throw refusal();
        try {
          if (durable.size > published.size) await signCheckpoint();
        } catch (error) {
          fail(error);
          throw error;
        }
      });
    return checkpointing;
  }

  /** One at a time with the ledger's own checkpoints: otherwise an older note could take the place of a newer one. */
  function publishCosigned(note: string): Promise<void> {
    const publishing = checkpointing
      .catch(() => {})
      .then(async () => {
        if (!isAccepting()) throw refusal();
        const cosigned = openCheckpoint(note, { vkey, sha256, verify: verifyEd25519 });
        if (cosigned.origin !== origin || cosigned.treeSize !== published.size || !hashesEqual(cosigned.rootHash, published.root)) {
          throw new AuditError("RANGE_INVALID", {
            message: "The note is not over the published checkpoint: it is older, newer or inconsistent.",
            detail: { treeSize: cosigned.treeSize, published: published.size },
          });
        }
        await replaceFile(fileSystem, `${directory}/${CHECKPOINT_FILE}`, Buffer.from(note));
        published = { ...published, note };
        await saveRemembered(note);
      });
    checkpointing = publishing.catch(() => {});
    return publishing;
  }

  async function signCheckpoint(): Promise<void> {
    const { size, root } = durable;
    await levels.save();
    const note = signNote(formatCheckpoint({ origin, treeSize: size, rootHash: root }), signer, sha256);
    // Last on purpose: a checkpoint on disk promises that every tile below it is durable.
    await replaceFile(fileSystem, `${directory}/${CHECKPOINT_FILE}`, Buffer.from(note));
    published = { size, root, note };
    await saveRemembered(note);
    for (const waiter of [...checkpointWaiters]) if (waiter.size <= size) waiter.resolve();
    onNotice({ kind: "checkpoint", treeSize: size });
  }

  async function saveRemembered(note: string): Promise<void> {
    try {
      await remembered?.save(origin, note);
    } catch (error) {
      // The trail is whole without it; only the notice of an older copy put back is lost, and the operator is told.
      onNotice({ kind: "remember-failed", error });
    }
  }

  function runMaintenance(job: () => Promise<void>): Promise<void> {
    const result = maintenance.then(job);
    maintenance = result.catch((error: unknown) => {
      if (state !== "closed" && state !== "closing") onNotice({ kind: "maintenance-failed", error });
    });
    return result;
  }

  /** Runs at a commit boundary, while nothing is written. */
  function atCommitBoundary<T>(job: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!isAccepting()) {
        reject(refusal());
        return;
      }
      exclusive.push({ run: () => job().then(resolve, reject), reject });
      startWriter();
    });
  }

  /** Seals a full segment, after those before it that could not be sealed when their turn was: a start expects text behind sealed. */
  function scheduleSealing(last: number): void {
    runMaintenance(async () => {
      for (const first of segments.firsts()) {
        if (first > last) break;
        if (segments.text(first) === undefined) continue;
        // A sealed segment has no markers, so a start could not see where a checkpoint ended inside it.
        while (published.size < first + SEGMENT_ENTRIES) await requestCheckpoint();
        await segments.seal(first, systemEntries.get(first) ?? []);
        systemEntries.delete(first);
        onNotice({ kind: "segment-sealed", first });
      }
      await ids?.seal(last + SEGMENT_ENTRIES);
    }).catch(() => {});
  }

  function scheduleErasure(record: ErasureRecord): Promise<void> {
    const result = runMaintenance(() => eraseNow(record));
    result.catch(() => {});
    return result;
  }

  async function eraseNow(record: ErasureRecord): Promise<void> {
    // Signed first: until then nobody who verifies could tell an erased section from one that was taken away.
    while (published.size <= record.index) await requestCheckpoint();
    const covers = (index: number, section: SectionName): boolean =>
      index < record.index && (record.ranges[section]?.some(([from, to]) => index >= from && index < to) ?? false);
    const ranges = [...(record.ranges.personal ?? []), ...(record.ranges.content ?? [])];
    for (const first of segments.firsts()) {
      if (!ranges.some(([from, to]) => from < first + SEGMENT_ENTRIES && to > first)) continue;
      if (segments.text(first) === undefined) await segments.eraseSealed(first, covers);
      else if (isFull(first)) await segments.eraseText(first, covers);
      else await atCommitBoundary(() => eraseActive(first, covers));
    }
    // A torn group may hold the same content: its sender was told to send it again.
    await emptyFolder(options.recoveredDirectory);
    await erasures.done(record.index);
    onNotice({ kind: "erasure-done", index: record.index });
  }

  async function eraseActive(first: number, covers: (index: number, section: SectionName) => boolean): Promise<void> {
    try {
      await segments.eraseText(first, covers);
    } catch (error) {
      // The open file may no longer be the one under the segment's name: what is appended to it would be lost.
      if (error instanceof UncertainSwitchError) fail(error);
      throw error;
    }
  }

  async function emptyFolder(path: string): Promise<void> {
    const names = await listOrNone(path);
    for (const name of names) await fileSystem.remove(`${path}/${name}`);
    if (names.length > 0) await fileSystem.syncDirectory(path);
  }

  function waitOn(waiters: Set<Waiter>, size: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (end: () => void): void => {
        waiters.delete(waiter);
        signal.removeEventListener("abort", onAbort);
        end();
      };
      const waiter: Waiter = {
        size,
        resolve: () => finish(resolve),
        reject: (error) => finish(() => reject(error)),
      };
      const onAbort = (): void => waiter.reject(signal.reason);
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", onAbort);
      waiters.add(waiter);
    });
  }

  async function checkFreeSpace(): Promise<void> {
    const now = performance.now();
    if (now - free.checkedAt < DISK_FREE_CACHE_MS) return;
    free = { bytes: free.bytes, checkedAt: now };
    try {
      free = { bytes: await fileSystem.freeBytes(directory), checkedAt: now };
    } catch {
      // Not knowing is no reason to refuse: a write that does not fit fails by itself.
    }
  }

  const ledger: FileLedger = {
    origin,
    vkey,
    findings,
    refusal,
    erasedBy: (index, section) => erasures.erasedBy(index, section),
    erasures: () => erasures.records,
    pending: () => ({ entries: queue.length - queueStart, chars: pendingChars }),
    async append(entries) {
      // Not awaited: entries must reach the queue in the order in which they were sealed, or `received.at` would go back.
      if (state === "open") void checkFreeSpace();
      const error = refusal();
      if (error !== undefined) throw error;
      let chars = 0;
      for (const entry of entries) {
        chars += charsOf(entry);
        // Before it is durable: an erasure that cannot be read would keep the ledger from ever opening again.
        if (entry.isSystem) parseErasures(entry.leaf);
      }
      const waiting = queue.length - queueStart;
      if (waiting > 0 && (waiting + entries.length > pendingEntriesMax || pendingChars + chars > PENDING_CHARS_MAX)) {
        throw new AuditError("PUSHBACK", { detail: { entries: waiting } });
      }
      if (entries.length === 0) return [];
      return new Promise((resolve, reject) => {
        const request: Request = { entries, results: new Array(entries.length), chars, remaining: entries.length, resolve, reject };
        entries.forEach((entry, position) => {
          queue.push({ request, position, entry });
        });
        pendingChars += chars;
        startWriter();
      });
    },
    read(from, to, signal) {
      const end = Math.min(to, durable.size);
      if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || from > to || from > durable.size) {
        throw new AuditError("RANGE_INVALID", { detail: { from, to, treeSize: durable.size } });
      }
      if (from < minimumIndex && from < end) throw new AuditError("ENTRY_PRUNED", { detail: { minimumIndex } });
      return readStored(from, end, signal);
    },
    async find(keys) {
      const found: (number | undefined)[] = [];
      if (ids === undefined) return findByScan(keys);
      for (const key of keys) {
        let index: number | undefined;
        for (const candidate of await ids.findAll(key)) {
          if (candidate >= durable.size || candidate < minimumIndex) continue;
          const [entry] = await segments.readBatch(candidate, candidate + 1);
          if (entry === undefined) continue;
          const frame = parseLeafFrame(entry.leaf);
          if (frame.tenant === key.tenant && frame.id.toLowerCase() === key.id) index = candidate;
        }
        found.push(index);
      }
      return found;
    },
    async findById(id) {
      const found: number[] = [];
      if (ids === undefined) {
        for await (const batch of readKeys(minimumIndex, durable.size))
          for (const { index, key } of batch) if (key.id === id) found.push(index);
        return found;
      }
      for (const candidate of await ids.findAnyTenant(id)) {
        if (candidate >= durable.size || candidate < minimumIndex) continue;
        const [entry] = await segments.readBatch(candidate, candidate + 1);
        if (entry !== undefined && parseLeafFrame(entry.leaf).id.toLowerCase() === id) found.push(candidate);
      }
      return found;
    },
    async head() {
      return { treeSize: durable.size, rootHash: durable.root, minimumIndex } satisfies Head;
    },
    async waitFor(treeSize, signal) {
      if (durable.size >= treeSize) return;
      if (state === "closed") throw new AuditError("SHUTTING_DOWN");
      await waitOn(sizeWaiters, treeSize, signal);
    },
    async waitForCheckpoint(treeSize, signal) {
      if (published.size >= treeSize) return;
      if (!isAccepting()) throw refusal();
      const waiting = waitOn(checkpointWaiters, treeSize, signal);
      if (durable.size >= treeSize) requestCheckpoint().catch(() => {});
      await waiting;
    },
    async checkpoint() {
      return published.note;
    },
    publish: publishCosigned,
    async tile(level, n, width) {
      const end = (n * 256 + width) * 256 ** level;
      if (width < 1 || width > 256 || end > published.size) throw new AuditError("TILE_UNKNOWN");
      const tile = await levels.get(level, n, width);
      if (tile === undefined) throw new AuditError("TILE_UNKNOWN");
      return tile;
    },
    async erase(ranges, erasureIndex) {
      const record = erasures.records.find(({ index }) => index === erasureIndex);
      if (record === undefined || JSON.stringify(record.ranges) !== JSON.stringify(ranges)) {
        throw new AuditError("RANGE_INVALID", { message: `Entry ${erasureIndex} does not erase these ranges.`, detail: { erasureIndex } });
      }
      if (!isAccepting()) throw refusal();
      if (!record.isDone) await scheduleErasure(record);
    },
    async prune(minimum) {
      if (!isAccepting()) throw refusal();
      if (minimum > published.size) throw new AuditError("RANGE_INVALID", { detail: { minimum, treeSize: published.size } });
      await runMaintenance(async () => {
        for (const first of segments.firsts()) {
          if (first + SEGMENT_ENTRIES > minimum || segments.text(first) !== undefined) break;
          minimumIndex = first + SEGMENT_ENTRIES;
          await segments.drop(first);
          // One by one: a loss of power may keep any of several removals, and a hole in the middle is damage.
          await fileSystem.syncDirectory(`${directory}/${SEGMENTS_FOLDER}`);
        }
      });
    },
    async idle() {
      let last: Promise<void> | undefined;
      while (last !== maintenance) {
        last = maintenance;
        await last;
      }
    },
    close() {
      closing ??= finish();
      return closing;
    },
    [Symbol.asyncDispose]: () => ledger.close(),
  };

  async function finish(): Promise<void> {
    try {
      if (state === "open") {
        state = "closing";
        await writing;
        await ledger.idle();
        // A failure meanwhile has been told; then there is nothing to sign.
        if (isAccepting()) await requestCheckpoint();
      }
    } finally {
      clearTimeout(checkpointTimer);
      state = "closed";
      await checkpointing.catch(() => {});
      await writing;
      await ledger.idle();
      const closed = new AuditError("SHUTTING_DOWN");
      for (const waiter of [...sizeWaiters, ...checkpointWaiters]) waiter.reject(closed);
      await ids?.close();
      await segments.close();
    }
  }

  /** Without an id index (offline reading) the leaves are looked through. */
  async function findByScan(keys: readonly EntryKey[]): Promise<(number | undefined)[]> {
    const wanted = new Map(keys.map((key, i) => [`${key.tenant} ${key.id}`, i]));
    const found: (number | undefined)[] = keys.map(() => undefined);
    for await (const batch of readKeys(minimumIndex, durable.size)) {
      for (const { index, key } of batch) {
        const position = wanted.get(`${key.tenant} ${key.id}`);
        if (position !== undefined) found[position] ??= index;
      }
    }
    return found;
  }

  return ledger;
}

function charsOf(entry: SealedEntry): number {
  return entry.leaf.length + (entry.disclosures.personal?.length ?? 0) + (entry.disclosures.content?.length ?? 0);
}
