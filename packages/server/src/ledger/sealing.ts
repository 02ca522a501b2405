import type { Checkpointer } from "./checkpointer.ts";
import type { IdIndex } from "./id-index.ts";
import { SEGMENT_ENTRIES } from "./limits.ts";
import type { Maintenance } from "./maintenance.ts";
import type { SegmentStore } from "./segment-store.ts";

export interface SealingOptions {
  readonly maintenance: Pick<Maintenance, "run">;
  readonly segments: Pick<SegmentStore, "firsts" | "text" | "seal">;
  readonly checkpointer: Pick<Checkpointer, "published" | "request">;
  /** Undefined in a ledger that accepts nothing. */
  readonly ids: Pick<IdIndex, "seal"> | undefined;
  readonly onSealed: (first: number) => void;
}

/**
 * Seals full segments in their order: a start expects text behind sealed, so one whose turn failed comes before the next.
 * Rules: SEGMENT-3, SEGMENT-4.
 *
 * @returns Asks for the full segment that begins at `first`, and for those before it that are still text.
 */
export function createSealing({ maintenance, segments, checkpointer, ids, onSealed }: SealingOptions): (first: number) => void {
  return function schedule(last) {
    maintenance
      .run(async () => {
        for (const first of segments.firsts()) {
          if (first > last) break;
          if (segments.text(first) === undefined) continue;
          // A sealed segment has no markers, so a start could not see where a checkpoint ended inside it.
          while (checkpointer.published().size < first + SEGMENT_ENTRIES) await checkpointer.request();
          await segments.seal(first);
          onSealed(first);
        }
        await ids?.seal(last + SEGMENT_ENTRIES);
      })
      .catch(() => {
        // Maintenance has told, and a later segment or the next start tries again.
      });
  };
}
