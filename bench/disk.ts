import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** Bytes that the entries of a ledger take up on disk, by the form they are in. */
export interface LedgerBytes {
  readonly activeBytes: number;
  readonly activeEntries: number;
  readonly sealedBytes: number;
  readonly sealedEntries: number;
  readonly tileBytes: number;
  readonly idBytes: number;
}

const SEGMENT_ENTRIES = 65_536;

/** @param data A data folder whose maintenance is idle, so that every segment but the last is sealed. */
export async function measureLedger(data: string, treeSize: number): Promise<LedgerBytes> {
  const segments = join(data, "ledger", "main", "segments");
  const names = (await readdir(segments)).filter((name) => name.endsWith(".seg")).sort();
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(segments, name))).size));
  const sealedBytes = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0);
  const sealedEntries = (names.length - 1) * SEGMENT_ENTRIES;
  return {
    activeBytes: sizes.at(-1) ?? 0,
    activeEntries: treeSize - sealedEntries,
    sealedBytes,
    sealedEntries,
    tileBytes: await folderBytes(join(data, "ledger", "main", "tile")),
    idBytes: (await folderBytes(data)) - (await folderBytes(join(data, "ledger"))),
  };
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
