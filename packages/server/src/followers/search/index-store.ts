import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { type Erasures, encodeBase64, parseErasures } from "@vouchtrail/protocol";
import { hashLeafText } from "../../ledger/hashing.ts";
import { COLUMNS } from "./columns.ts";
import { decideCounted } from "./counting.ts";
import { faultKind } from "./damage.ts";
import { createHotTable, fillHotTable, type HotTable, isFull, rowBytes } from "./hot-table.ts";
import { FileRefused, type IndexFile, openIndexFile, parseIndexFileName, removeFiles, rowsIn } from "./index-file.ts";
import { type IndexLayout, rowGroupEnd } from "./index-layout.ts";
import { HOT_TABLES_WAITING_MAX } from "./limits.ts";
import { type Moving, moveHotTable } from "./moving.ts";
import { durableReachOf, filesInOrder, nextOccupied, type Regions, reachOf, redefineViews } from "./regions.ts";
import { dropFile, dropHotTables, eraseSections, pruneBelow, type Removing } from "./removing.ts";
import { isRewriting } from "./rewriting.ts";
import { type IndexEntry, toRow } from "./row.ts";
import type { EngineCursor, IndexBatch, Repair } from "./search-engine.ts";
import type { SnapshotGate } from "./snapshot-gate.ts";

/**
 * The rows of the search index: files on disk, hot tables in memory, one view over all. The writing side; its methods are called one at a time.
 *
 *     apply ──▶ hot table ──full──▶ waits ──move──▶ row group in the file of its entries
 *
 * Invariants: those of {@link Regions}; the files alone are a valid index of everything below the cursor that a new process would report; an
 * erasure entry is in the index only when what it erases is gone from it.
 */
export interface IndexStore {
  files(): readonly IndexFile[];
  hot(): readonly HotTable[];
  /** The smallest index that is missing. */
  next(): number;
  /** Entries below it were pruned. */
  minimum(): number;
  /** Where to go on, also after a process that lives on lost its place. */
  cursor(): EngineCursor;
  /** Everything below it is on disk. */
  durable(): EngineCursor;
  /** As `SearchEngine.apply`. When it rejects, part of the batch may be in the index. */
  apply(batch: IndexBatch): Promise<void>;
  /**
   * Looks at every row of every file and removes the files that cannot be read, with what is in memory behind them.
   * @returns Whether there were any.
   */
  removeDamaged(): Promise<boolean>;
  clear(): Promise<void>;
  /** Waits for moves that are under way. Rejects when one failed: it is tried again with the next batch. */
  flush(): Promise<void>;
}

export interface IndexStoreOptions {
  /** Used for filling, erasing and looking up alone. */
  readonly connection: DuckDBConnection;
  /** Used for moves alone: they run beside filling. */
  readonly mover: DuckDBConnection;
  readonly directory: string;
  readonly origin: string;
  readonly layout: IndexLayout;
  /** Entries below it were pruned. */
  readonly minimumIndex: number;
  /** Memory that the rows of one hot table may take, about. */
  readonly hotBytesMax: number;
  readonly gate: SnapshotGate;
  /** Told before a file is opened and, with undefined, after: opening a damaged file can end the process. */
  readonly onOpening: (file: string | undefined) => Promise<void>;
  /** Told about each file that was taken away. */
  readonly onRepair: (repair: Repair) => void;
  /** Files that ended the process when they were opened. */
  readonly suspects: ReadonlySet<string>;
}

/** Opens the files of a folder; those that cannot be used are removed. */
export async function openIndexStore(options: IndexStoreOptions): Promise<IndexStore> {
  const { connection, mover, directory, origin, layout, gate } = options;
  const regions: Regions = { origin, layout, minimum: options.minimumIndex, files: new Map(), hot: [] };
  const moving: Moving = { mover, directory, gate, regions, rowGroupBytesMax: options.hotBytesMax };
  let hotNumber = 0;
  const takeNumber = (): number => hotNumber++;
  const removing: Removing = { connection, gate, regions, takeNumber };
  /** Ends when nothing is being moved; never rejects. */
  let moves: Promise<void> = Promise.resolve();
  let moveFault: { readonly error: unknown } | undefined;

  await openFiles();
  await redefineViews(regions, connection);

  async function openFiles(): Promise<void> {
    for (const name of (await readdir(directory)).sort()) {
      if (isRewriting(name)) await removeFiles(join(directory, name));
      const first = parseIndexFileName(name);
      if (first === undefined) continue;
      if (options.suspects.has(name)) await refuse(name, "Opening it ended the process.");
      else if (first % layout.fileEntries !== 0) await refuse(name, "No file begins there.");
      else if (first + layout.fileEntries <= regions.minimum) await removeFiles(join(directory, name));
      else await openFile(name, first);
    }
    await options.onOpening(undefined);
  }

  async function openFile(name: string, first: number): Promise<void> {
    await options.onOpening(name);
    try {
      regions.files.set(first, await openIndexFile(connection, { directory, first, origin, layout }, regions.minimum));
    } catch (error) {
      const kind = faultKind(error);
      // Says nothing about the file. Short memory may: it stays a suspect until it was opened.
      if (kind === "disk-full" || kind === "locked") await options.onOpening(undefined);
      if (kind === "disk-full" || kind === "locked" || kind === "memory") throw error;
      await refuse(name, error instanceof FileRefused ? error.message : "It cannot be read.");
      // Nothing more can be opened by this instance: what the next file said would be no fault of its own.
      if (kind === "fatal") throw error;
    }
    await options.onOpening(undefined);
  }

  async function refuse(name: string, reason: string): Promise<void> {
    await removeFiles(join(directory, name));
    options.onRepair({ file: name, reason });
  }

  const next = (): number => reachOf(regions).next;

  async function apply({ entries, minimumIndex }: IndexBatch): Promise<void> {
    await retryMoves();
    if (minimumIndex > regions.minimum) {
      await flush();
      await pruneBelow(removing, minimumIndex);
    }
    let rest = entries;
    for (;;) {
      // What comes before it is there already. Where it is not in the batch, the follower is somewhere else: it asks for the cursor.
      const position = next();
      const at = rest.findIndex(({ index }) => index === position);
      if (at < 0) return;
      rest = rest.slice(at);
      rest = rest.slice(await take(rest));
    }
  }

  /**
   * Takes as many entries as go into one hot table at once.
   * @param entries The first is the one that is missing.
   * @returns How many were taken, at least one.
   */
  async function take(entries: readonly IndexEntry[]): Promise<number> {
    const [head] = entries;
    if (head === undefined) return 0;
    const erasures = parseErasures(head.leaf);
    // Before the entry is there: a crash in between does it once more.
    if (erasures !== undefined) await erase(erasures, head.index);
    const table = await tableFor(head.index);
    const part = takeable(entries, table);
    const { rows, counted } = await decideCounted(
      part.map(({ row }) => row),
      { connection, hot: regions.hot, files: regions.files.values() },
    );
    await fillHotTable(connection, table, rows);
    for (const key of counted) table.counted.add(key);
    for (const { row } of part) table.bytes += rowBytes(row);
    table.leafHash = encodeBase64(hashLeafText(entries[part.length - 1]?.leaf ?? ""));
    if (table.bytes >= options.hotBytesMax) table.end = table.next;
    if (isFull(table)) {
      queueMove(table);
      if (regions.hot.filter(isFull).length > HOT_TABLES_WAITING_MAX) await flush();
    }
    return part.length;
  }

  /** The first entries that follow each other, have room in the table and erase nothing, apart from the very first. */
  function takeable(entries: readonly IndexEntry[], table: HotTable): { readonly row: ReturnType<typeof toRow> }[] {
    const part: { readonly row: ReturnType<typeof toRow> }[] = [];
    let { bytes } = table;
    for (const entry of entries) {
      const isDone = part.length > 0 && (bytes >= options.hotBytesMax || parseErasures(entry.leaf) !== undefined);
      if (isDone || entry.index !== table.next + part.length || entry.index === table.end) break;
      const row = toRow(entry);
      bytes += rowBytes(row);
      part.push({ row });
    }
    return part;
  }

  async function tableFor(index: number): Promise<HotTable> {
    const last = regions.hot.at(-1);
    if (last !== undefined && !isFull(last)) return last;
    const end = Math.min(rowGroupEnd(layout, index), nextOccupied(regions, index));
    const table = await createHotTable(connection, takeNumber(), index, end);
    await gate.change(async () => {
      regions.hot = [...regions.hot, table];
      await redefineViews(regions, connection);
    });
    return table;
  }

  function queueMove(table: HotTable): void {
    moves = moves.then(async () => {
      if (moveFault !== undefined || !regions.hot.includes(table)) return;
      try {
        await moveHotTable(moving, table);
      } catch (error) {
        moveFault = { error };
      }
    });
  }

  /** What could not be moved waits in memory and is tried again with the next batch. */
  async function retryMoves(): Promise<void> {
    if (moveFault === undefined) return;
    await moves;
    moveFault = undefined;
    for (const table of regions.hot.filter(isFull)) queueMove(table);
    await flush();
  }

  async function flush(): Promise<void> {
    await moves;
    if (moveFault !== undefined) throw moveFault.error;
  }

  async function erase(erasures: Erasures, end: number): Promise<void> {
    await flush();
    await eraseSections(removing, erasures, end);
  }

  /** Waits for moves, and forgets their faults: what waits in memory is about to go. */
  async function settleMoves(): Promise<void> {
    await moves;
    moveFault = undefined;
  }

  return {
    files: () => filesInOrder(regions),
    hot: () => regions.hot,
    next,
    minimum: () => regions.minimum,
    cursor: () => reachOf(regions),
    durable: () => durableReachOf(regions),
    apply,
    flush,
    async removeDamaged() {
      await settleMoves();
      let isAnyRemoved = false;
      for (const file of filesInOrder(regions)) {
        try {
          await readAll(connection, file);
        } catch (error) {
          if (faultKind(error) !== "damaged") throw error;
          await dropHotTables(removing, regions.hot);
          await dropFile(removing, file);
          options.onRepair({ file: file.path.slice(directory.length + 1), reason: "Some of its rows cannot be read." });
          isAnyRemoved = true;
        }
      }
      return isAnyRemoved;
    },
    async clear() {
      await settleMoves();
      await dropHotTables(removing, regions.hot);
      for (const file of filesInOrder(regions)) await dropFile(removing, file);
    },
  };
}

/** Reads every value of a file: the largest of a column would be told from statistics, without looking. */
async function readAll(connection: DuckDBConnection, file: IndexFile): Promise<void> {
  await connection.run(`SELECT bit_xor(hash(${COLUMNS.map(({ name }) => `"${name}"`).join(", ")})) FROM ${rowsIn(file)}`);
  await connection.run(`SELECT bit_xor(hash(a)) FROM ${file.alias}.about a`);
  await connection.run(`SELECT bit_xor(hash(m)) FROM ${file.alias}.moves m`);
}
