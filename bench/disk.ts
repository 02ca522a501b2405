import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes that the entries of a ledger take up on disk, by the form they are in. */
export interface LedgerBytes {
  readonly activeBytes: number;
  readonly activeEntries: number;
  readonly sealedBytes: number;
  readonly sealedEntries: number;
  readonly tileBytes: number;
  /** Ids, cursors and whatever else is derived, without the search index. */
  readonly otherBytes: number;
  readonly searchBytes: number;
}

const SEGMENT_ENTRIES = 65_536;
/** A file of the search index and its log. */
const SEARCH_FILE = /\.duckdb(\.wal)?$/;

/** @param data A data folder whose maintenance is idle, so that every segment but the last is sealed. */
export async function measureLedger(data: string, treeSize: number): Promise<LedgerBytes> {
  const segments = join(data, "ledger", "main", "segments");
  const names = (await readdir(segments)).filter((name) => name.endsWith(".seg")).sort();
  const sizes = await Promise.all(names.map((name) => fileBytes(join(segments, name))));
  const sealedBytes = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
  const sealedEntries = (names.length - 1) * SEGMENT_ENTRIES;
  const { ledgerBytes, searchBytes } = await measureData(data);
  return {
    activeBytes: sizes.at(-1) ?? 0,
    activeEntries: treeSize - sealedEntries,
    sealedBytes,
    sealedEntries,
    tileBytes: await folderBytes(join(data, "ledger", "main", "tile")),
    otherBytes: (await folderBytes(data)) - ledgerBytes - searchBytes,
    searchBytes,
  };
}

/** Bytes of the ledger's folder and of the search index as they are now; files may come and go meanwhile. */
export async function measureData(data: string): Promise<{ readonly ledgerBytes: number; readonly searchBytes: number }> {
  const index = join(data, "index");
  const names = (await readdir(index)).filter((name) => SEARCH_FILE.test(name));
  const sizes = await Promise.all(names.map((name) => fileBytes(join(index, name))));
  return { ledgerBytes: await folderBytes(join(data, "ledger")), searchBytes: sizes.reduce((sum, size) => sum + size, 0) };
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += await fileBytes(join(entry.parentPath, entry.name));
  }
  return bytes;
}

/** None for a file that is gone by now. */
async function fileBytes(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
