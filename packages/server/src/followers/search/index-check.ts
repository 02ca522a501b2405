import { AuditError } from "@vouchtrail/events/errors";
import type { Ledger, StoredEntry } from "../../ledger/ledger.ts";
import { CHECK_BATCH_CHARS, CHECK_BATCH_ENTRIES, CHECK_LOOKS_AGAIN_MAX, MISMATCHES_TOLD_MAX } from "./limits.ts";
import type { IndexEntry } from "./row.ts";
import type { Mismatch, SearchEngine } from "./search-engine.ts";

export interface CheckReport {
  /** Entries compared. */
  readonly entries: number;
  readonly mismatchCount: number;
  /** The first {@link MISMATCHES_TOLD_MAX}. */
  readonly mismatches: readonly Mismatch[];
  /** Deeds that are counted twice, or by the wrong entry, or not at all. */
  readonly miscounted: number;
  readonly isGood: boolean;
}

export interface CheckOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (checked: number, of: number) => void;
}

export interface CheckParts {
  readonly ledger: Pick<Ledger, "read" | "head">;
  readonly engine: Pick<SearchEngine, "compare" | "miscounted" | "state">;
  /** Resolves when everything below that index can be found. */
  readonly waitFor: (next: number, signal?: AbortSignal) => Promise<void>;
  readonly toIndexEntry: (entry: StoredEntry) => IndexEntry;
}

/**
 * Compares every entry that is in the index with the ledger, both as they go on.
 *
 * What differs is looked at again when the index has caught up: it may have been an erasure that had not come there yet, or a file that was just
 * being made anew.
 */
export async function checkIndex({ ledger, engine, waitFor, toIndexEntry }: CheckParts, options: CheckOptions): Promise<CheckReport> {
  const { signal, onProgress } = options;
  const { minimumIndex } = await ledger.head();
  const { searchedTo } = await engine.state();

  /** @returns Every difference within the range, and how many entries were compared. */
  async function compare(from: number, to: number, onCompared: (entries: number) => void): Promise<Mismatch[]> {
    const found: Mismatch[] = [];
    let pending: IndexEntry[] = [];
    let chars = 0;
    const flush = async (): Promise<void> => {
      if (pending.length === 0) return;
      for (const mismatch of await engine.compare(pending)) found.push(mismatch);
      onCompared(pending.length);
      pending = [];
      chars = 0;
    };
    for await (const batch of readUnpruned(ledger, from, to, signal)) {
      for (const entry of batch) {
        pending.push(toIndexEntry(entry));
        chars += entry.leaf.length + (entry.disclosures.personal?.length ?? 0) + (entry.disclosures.content?.length ?? 0);
        if (pending.length >= CHECK_BATCH_ENTRIES || chars >= CHECK_BATCH_CHARS) await flush();
      }
    }
    await flush();
    return found;
  }

  let entries = 0;
  let found = await compare(minimumIndex, searchedTo, (count) => {
    entries += count;
    onProgress?.(minimumIndex + entries, searchedTo);
  });
  if (found.length > 0 && found.length <= CHECK_LOOKS_AGAIN_MAX) {
    const { treeSize } = await ledger.head();
    await waitFor(treeSize, signal).catch((error: unknown) => {
      // Told as it was seen.
      if (!(error instanceof AuditError) || error.code !== "SEARCH_BEHIND") throw error;
    });
    const again: Mismatch[] = [];
    for (const { index } of found) again.push(...(await compare(index, index + 1, () => {})));
    found = again;
  }
  const miscounted = await engine.miscounted();
  return {
    entries,
    mismatchCount: found.length,
    mismatches: found.slice(0, MISMATCHES_TOLD_MAX),
    miscounted,
    isGood: found.length === 0 && miscounted === 0,
  };
}

/** Entries of the ledger, without those that are pruned while it is read. */
async function* readUnpruned(
  ledger: Pick<Ledger, "read" | "head">,
  from: number,
  to: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly StoredEntry[]> {
  let next = from;
  while (next < to) {
    try {
      for await (const batch of ledger.read(next, to, signal)) {
        yield batch;
        next = (batch.at(-1)?.index ?? next) + 1;
      }
      return;
    } catch (error) {
      if (!(error instanceof AuditError) || error.code !== "ENTRY_PRUNED") throw error;
      const { minimumIndex } = await ledger.head();
      if (minimumIndex <= next) throw error;
      next = minimumIndex;
    }
  }
}
