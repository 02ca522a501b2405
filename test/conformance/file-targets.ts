import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cursor } from "../../packages/server/src/followers/cursor.ts";
import { createFileCursorStore } from "../../packages/server/src/followers/cursor-file.ts";
import { nodeFileSystem, readOrMissing, replaceFile } from "../../packages/server/src/ledger/file-system.ts";
import type { FollowerTarget } from "./follower.ts";

const makeRoot = (): Promise<string> => mkdtemp(join(tmpdir(), "vouchtrail-target-"));
const removeRoot = (root: string): Promise<void> => rm(root, { recursive: true, force: true });

/** A store without transactions: one line an index, appended and synced; the cursor stands beside it. */
export async function openLineTarget(root?: string): Promise<FollowerTarget> {
  const directory = root ?? (await makeRoot());
  const path = join(directory, "lines");
  const indexes = async (): Promise<readonly number[]> =>
    (await readFile(path, "utf8").catch(() => "")).split("\n").slice(0, -1).map(Number);
  const known = new Set(await indexes());
  return {
    async apply(batch, _cursor, signal) {
      signal.throwIfAborted();
      const fresh = batch.filter(({ index }) => !known.has(index));
      const file = await open(path, "a");
      await file.write(fresh.map(({ index }) => `${index}\n`).join(""));
      await file.datasync();
      await file.close();
      for (const { index } of fresh) known.add(index);
    },
    cursor: createFileCursorStore(nodeFileSystem, join(directory, "cursor.json")),
    indexes,
    reopen: () => openLineTarget(directory),
    close: () => removeRoot(directory),
  };
}

interface Snapshot {
  readonly cursor: Cursor | undefined;
  readonly indexes: readonly number[];
}

/**
 * A store that keeps the cursor with its data, in one atomic write, and only after every so many entries: until then new ones are in memory, and
 * lost with the process. With 1 it is a store with plain transactions.
 */
export async function openSnapshotTarget(entriesPerWrite: number, root?: string): Promise<FollowerTarget> {
  const directory = root ?? (await makeRoot());
  const path = join(directory, "snapshot.json");
  const bytes = await readOrMissing(nodeFileSystem, path);
  let current: Snapshot = bytes === undefined ? { cursor: undefined, indexes: [] } : JSON.parse(bytes.toString("utf8"));
  let writtenCount = current.indexes.length;
  return {
    async apply(batch, cursor, signal) {
      signal.throwIfAborted();
      const known = new Set(current.indexes);
      const indexes = [...current.indexes, ...batch.map(({ index }) => index).filter((index) => !known.has(index))];
      current = { cursor: cursor.next > (current.cursor?.next ?? 0) ? cursor : current.cursor, indexes };
      if (indexes.length - writtenCount < entriesPerWrite) return;
      await replaceFile(nodeFileSystem, path, Buffer.from(JSON.stringify(current)));
      writtenCount = indexes.length;
    },
    cursor: { load: async () => current.cursor },
    indexes: async () => current.indexes,
    reopen: () => openSnapshotTarget(entriesPerWrite, directory),
    close: () => removeRoot(directory),
  };
}
