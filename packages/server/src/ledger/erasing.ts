import { AuditError } from "@vouchtrail/events";
import { SECTION_NAMES, type SectionName } from "@vouchtrail/protocol";
import type { Checkpointer } from "./checkpointer.ts";
import type { ErasureLog, ErasureRecord } from "./erasure-log.ts";
import { type FileSystem, listOrNone } from "./file-system.ts";
import type { GroupWriter } from "./group-writer.ts";
import type { Erasure } from "./ledger.ts";
import type { WriteGate } from "./ledger-state.ts";
import { SEGMENT_ENTRIES } from "./limits.ts";
import type { Maintenance } from "./maintenance.ts";
import { type SegmentStore, UncertainSwitchError } from "./segment-store.ts";

/**
 * Removes erased sections from all files of the ledger.
 *
 * An erasure: its entry is durable -> signed -> each segment in its ranges is rewritten -> torn groups are removed -> done. It may be interrupted
 * anywhere, and begins again at the next start. Rules: ERASE-1, ERASE-2.
 */
export interface Eraser {
  /** Resolves when no file holds the sections. @throws {AuditError} `RANGE_INVALID` unless that entry erases these ranges. */
  erase(ranges: Erasure, erasureIndex: number): Promise<void>;
  /** Begins all erasures that are not done. */
  resume(): void;
}

export interface EraserOptions {
  readonly recoveredDirectory: string;
  readonly fileSystem: Pick<FileSystem, "list" | "remove" | "syncDirectory">;
  readonly maintenance: Pick<Maintenance, "run">;
  readonly erasures: Pick<ErasureLog, "records" | "done">;
  readonly segments: Pick<SegmentStore, "firsts" | "text" | "eraseSealed" | "eraseText">;
  readonly checkpointer: Pick<Checkpointer, "published" | "request">;
  readonly writer: Pick<GroupWriter, "head" | "atCommitBoundary">;
  readonly gate: WriteGate;
  readonly onDone: (index: number) => void;
}

export function createEraser(options: EraserOptions): Eraser {
  const { recoveredDirectory, fileSystem, maintenance, erasures, segments, checkpointer, writer, gate } = options;

  async function eraseNow(record: ErasureRecord): Promise<void> {
    // Signed first: until then nobody who verifies could tell an erased section from one that was taken away.
    while (checkpointer.published().size <= record.index) await checkpointer.request();
    const covers = (index: number, section: SectionName): boolean =>
      index < record.index && (record.ranges[section]?.some(([from, to]) => index >= from && index < to) ?? false);
    const ranges = SECTION_NAMES.flatMap((section) => record.ranges[section] ?? []);
    for (const first of segments.firsts()) {
      const end = first + SEGMENT_ENTRIES;
      if (!ranges.some(([from, to]) => from < end && to > first)) continue;
      if (segments.text(first) === undefined) await segments.eraseSealed(first, covers);
      else if (writer.head().size >= end) await segments.eraseText(first, covers);
      else await writer.atCommitBoundary(() => eraseActive(first, covers));
    }
    // A torn group may hold the same content: its sender was told to send it again.
    await emptyRecovered();
    await erasures.done(record.index);
    options.onDone(record.index);
  }

  async function eraseActive(first: number, covers: (index: number, section: SectionName) => boolean): Promise<void> {
    try {
      await segments.eraseText(first, covers);
    } catch (error) {
      // The open file may no longer be the one under the segment's name: what is appended to it would be lost.
      if (error instanceof UncertainSwitchError) gate.fail(error);
      throw error;
    }
  }

  async function emptyRecovered(): Promise<void> {
    const names = await listOrNone(fileSystem, recoveredDirectory);
    for (const name of names) await fileSystem.remove(`${recoveredDirectory}/${name}`);
    if (names.length > 0) await fileSystem.syncDirectory(recoveredDirectory);
  }

  return {
    async erase(ranges, erasureIndex) {
      const record = erasures.records.find(({ index }) => index === erasureIndex);
      if (record === undefined || JSON.stringify(record.ranges) !== JSON.stringify(ranges)) {
        throw new AuditError("RANGE_INVALID", { message: `Entry ${erasureIndex} does not erase these ranges.`, detail: { erasureIndex } });
      }
      gate.assertAccepting();
      if (!record.isDone) await maintenance.run(() => eraseNow(record));
    },
    resume() {
      for (const record of erasures.records) {
        if (record.isDone) continue;
        maintenance
          .run(() => eraseNow(record))
          .catch(() => {
            // Maintenance has told, and the next start tries again.
          });
      }
    },
  };
}
