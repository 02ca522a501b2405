import { AuditError } from "@vouchtrail/events";
import type { Checkpointer } from "./checkpointer.ts";
import type { FileSystem } from "./file-system.ts";
import { SEGMENTS_FOLDER } from "./layout.ts";
import type { WriteGate } from "./ledger-state.ts";
import { SEGMENT_ENTRIES } from "./limits.ts";
import type { Maintenance } from "./maintenance.ts";
import { findPrune } from "./prune-entry.ts";
import type { SegmentStore } from "./segment-store.ts";

/**
 * Removes whole sealed segments from the beginning. Their tiles stay, so every proof still holds.
 *
 * Invariant: a segment goes only after an entry that says so is signed; otherwise the ledger could not be told from a damaged one.
 * Rules: LEDGER-8, PRUNE-1.
 */
export interface Pruner {
  /** Entries below it are gone. */
  minimumIndex(): number;
  /** @throws {AuditError} `RANGE_INVALID` when the checkpoint does not reach it, or no entry prunes what would go. */
  prune(minimumIndex: number): Promise<void>;
}

export interface PrunerOptions {
  readonly directory: string;
  readonly fileSystem: Pick<FileSystem, "syncDirectory">;
  readonly maintenance: Pick<Maintenance, "run">;
  readonly segments: Pick<SegmentStore, "firsts" | "text" | "drop" | "systemEntries" | "readBatch">;
  readonly checkpointer: Pick<Checkpointer, "published" | "request">;
  readonly gate: WriteGate;
  /** Smallest index that is there. */
  readonly minimumIndex: number;
}

export function createPruner(options: PrunerOptions): Pruner {
  const { directory, fileSystem, maintenance, segments, checkpointer, gate } = options;
  let minimumIndex = options.minimumIndex;

  async function assertPruned(end: number): Promise<void> {
    const entry = await findPrune(segments, end, Number.POSITIVE_INFINITY);
    if (entry === undefined || entry.minimumIndex < end) {
      throw new AuditError("RANGE_INVALID", {
        message: `No entry prunes the ledger to entry ${end}.`,
        detail: { minimum: end, pruned: entry?.minimumIndex ?? 0 },
      });
    }
    while (checkpointer.published().size <= entry.index) await checkpointer.request();
  }

  return {
    minimumIndex: () => minimumIndex,
    async prune(minimum) {
      gate.assertAccepting();
      const { size } = checkpointer.published();
      if (minimum > size) throw new AuditError("RANGE_INVALID", { detail: { minimum, treeSize: size } });
      await maintenance.run(async () => {
        for (const first of segments.firsts()) {
          const end = first + SEGMENT_ENTRIES;
          if (end > minimum || segments.text(first) !== undefined) break;
          await assertPruned(end);
          minimumIndex = end;
          await segments.drop(first);
          // One by one: a loss of power may keep any of several removals, and a hole in the middle is damage.
          await fileSystem.syncDirectory(`${directory}/${SEGMENTS_FOLDER}`);
        }
      });
    },
  };
}
