import type { StoredEntry } from "../ledger/ledger.ts";
import type { Cursor } from "./cursor.ts";

/**
 * Puts a batch into a store.
 *
 * Idempotent by the entry's index: a batch may come again, whole or in part, and then changes nothing. All or nothing is not needed. It ends soon
 * after the signal aborts; nothing else of the follower happens until it has. Messages of errors that are no `AuditError` are not kept, because
 * they may quote an event. Rules: FOLLOW-2, FOLLOW-9, FOLLOW-14.
 *
 * @param batch At least one entry, in the order of the ledger and without a hole. Between two batches entries are missing where they were set
 * aside or pruned.
 * @param cursor Where the follower goes on after the batch, for a store that keeps it in the same transaction.
 * @throws {EntryRejected} For the first entry that is itself the problem. Any other error: the store is the problem, and is tried again for ever.
 */
export type Apply = (batch: readonly StoredEntry[], cursor: Cursor, signal: AbortSignal) => Promise<void>;

/**
 * Thrown by `apply` when one entry of the batch is itself the problem: the store is well, and would refuse this entry every time.
 *
 * Rule: FOLLOW-9.
 */
export class EntryRejected extends Error {
  override readonly name = "EntryRejected";
  /** The entry's index in the ledger. One outside of the batch makes this an ordinary error. */
  readonly index: number;

  /** @param cause Its code is kept; its message only if it is an `AuditError`. */
  constructor(index: number, cause?: unknown) {
    super(`The store refuses entry ${index}.`, cause === undefined ? undefined : { cause });
    this.index = index;
  }
}
