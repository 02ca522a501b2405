import { AuditError } from "@vouchtrail/events/errors";
import type { Ledger, StoredEntry } from "../ledger/ledger.ts";

/** Bounds of one batch. */
export interface BatchLimits {
  readonly entriesMax: number;
  /** UTF-16 units. One entry may exceed it alone. */
  readonly charsMax: number;
}

/** Cuts the ledger into batches. One `read` at a time. */
export interface BatchReader {
  /**
   * Entries from `from` on without a hole, within the limits; at least one where `from < to`.
   * @throws {AuditError} As `Ledger.read`, and `LEDGER_DAMAGED` when it does not give the entry that it was asked for.
   */
  read(from: number, to: number, signal: AbortSignal): Promise<readonly StoredEntry[]>;
}

/** Rule: FOLLOW-5. */
export function createBatchReader(ledger: Pick<Ledger, "read">, { entriesMax, charsMax }: BatchLimits): BatchReader {
  // What one step of the ledger gave and the batch had no room for: large entries would else be read many times over.
  let leftover: readonly StoredEntry[] = [];

  return {
    async read(from, to, signal) {
      const batch: StoredEntry[] = [];
      let chars = 0;
      /** False when the batch is full. */
      const take = (step: readonly StoredEntry[]): boolean => {
        for (const [i, entry] of step.entries()) {
          if (entry.index !== from + batch.length) throw gapAt(from + batch.length);
          chars += charsOf(entry);
          if (batch.length === entriesMax || (batch.length > 0 && chars > charsMax)) {
            leftover = step.slice(i);
            return false;
          }
          batch.push(entry);
        }
        return true;
      };
      const kept = leftover[0]?.index === from ? leftover : [];
      leftover = [];
      if (!take(kept)) return batch;
      const end = Math.min(to, from + entriesMax);
      if (from + batch.length >= end) return batch;
      for await (const step of ledger.read(from + batch.length, end, signal)) {
        if (!take(step)) return batch;
      }
      if (batch.length === 0) throw gapAt(from);
      return batch;
    },
  };
}

function charsOf({ leaf, disclosures }: StoredEntry): number {
  return leaf.length + (disclosures.personal?.length ?? 0) + (disclosures.content?.length ?? 0);
}

function gapAt(index: number): AuditError {
  return new AuditError("LEDGER_DAMAGED", {
    message: `Entry ${index} is missing where it should stand. Run vouchtrail verify.`,
    detail: { index },
  });
}
