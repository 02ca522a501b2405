import { type FileSystem, listOrNone, replaceFile, TEMPORARY_SUFFIX } from "./file-system.ts";
import { SEGMENTS_FOLDER, segmentPath } from "./layout.ts";
import { GROUP_BYTES_MAX } from "./limits.ts";
import type { RecoveredLedger } from "./recovery.ts";
import type { SegmentStore, TextSegment } from "./segment-store.ts";

export interface TailRepair {
  readonly directory: string;
  /** Where a torn group is moved to. */
  readonly recoveredDirectory: string;
  readonly fileSystem: FileSystem;
  readonly segments: Pick<SegmentStore, "firsts" | "text" | "addText" | "drop">;
  readonly recovered: Pick<RecoveredLedger, "torn" | "tree" | "checkpoint">;
}

/** Left-overs of a crash may hold what was erased since. Only after recovery: a damaged ledger is left as it was found. Rule: LEDGER-1. */
export async function removeTemporaries({ directory, fileSystem }: Pick<TailRepair, "directory" | "fileSystem">): Promise<void> {
  const folder = `${directory}/${SEGMENTS_FOLDER}`;
  for (const name of await listOrNone(fileSystem, folder))
    if (name.endsWith(TEMPORARY_SUFFIX)) await fileSystem.remove(`${folder}/${name}`);
}

/**
 * After an unclean stop the old file is never appended to: the page cache may hold what the disk has not, and a torn group lies behind the
 * good ones. The accepted tail goes to a new file, durably, before anything is signed or acked. Rules: DURABLE-4, LEDGER-6.
 */
export async function repairTail(repair: TailRepair): Promise<void> {
  const { directory, fileSystem, segments, recovered } = repair;
  const last = segments.firsts().at(-1);
  const active = last === undefined ? undefined : segments.text(last);
  if (active === undefined) return;
  const isClean = recovered.torn === undefined && recovered.tree.size === recovered.checkpoint.treeSize && active.bytes > 0;
  if (isClean) return;
  await keepTornGroup(repair, active);
  if (active.count === 0) {
    // Nothing was accepted into it; the next append makes it again.
    await segments.drop(active.first);
    await fileSystem.syncDirectory(`${directory}/${SEGMENTS_FOLDER}`);
    return;
  }
  const path = segmentPath(directory, active.first);
  await copyGood(fileSystem, active, path + TEMPORARY_SUFFIX);
  await fileSystem.rename(path + TEMPORARY_SUFFIX, path);
  await fileSystem.syncDirectory(`${directory}/${SEGMENTS_FOLDER}`);
  const file = await fileSystem.openFile(path, "write");
  await active.file.close();
  segments.addText({ ...active, file });
}

async function keepTornGroup({ recoveredDirectory, fileSystem, recovered }: TailRepair, active: TextSegment): Promise<void> {
  if (recovered.torn === undefined) return;
  const { index, start, end } = recovered.torn;
  const bytes = Buffer.alloc(end - start);
  await active.file.read(bytes, start);
  await fileSystem.makeDirectory(recoveredDirectory, 0o700);
  await replaceFile(fileSystem, `${recoveredDirectory}/${index}-${Date.now()}.torn`, bytes, 0o600);
}

async function copyGood(fileSystem: FileSystem, active: TextSegment, path: string): Promise<void> {
  await fileSystem.remove(path);
  const copy = await fileSystem.openFile(path, "create");
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
}
