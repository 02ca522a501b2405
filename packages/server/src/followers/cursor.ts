import { AuditError } from "@vouchtrail/events/errors";
import { encodeBase64 } from "@vouchtrail/protocol";
import { hashLeafText } from "../ledger/hashing.ts";
import type { Head, Ledger, StoredEntry } from "../ledger/ledger.ts";

/** Where a follower goes on, and how it knows the ledger again. */
export interface Cursor {
  readonly origin: string;
  /** Index of the next entry: all below it are applied, or are dead letters, or were pruned. */
  readonly next: number;
  /** Standard base64 of SHA-256(0x00 || leaf) of entry `next - 1`. Undefined while `next` is 0. */
  readonly leafHash?: string;
}

/**
 * Where a follower's cursor is kept.
 *
 * A store that has transactions keeps it with its data and offers no `save`: then `apply` stores the cursor that it is given, and `load` is
 * asked again after each failure, because only the store knows what it holds. Otherwise `save` is called after each batch.
 */
export interface CursorStore {
  /** Undefined when nothing was applied yet. Rejects when it cannot tell: it is asked again later. */
  load(): Promise<Cursor | undefined>;
  /** Durable when resolved. */
  save?(cursor: Cursor): Promise<void>;
}

/** The cursor of a follower that has applied everything up to this entry. */
export function cursorBehind(origin: string, entry: StoredEntry): Cursor {
  return { origin, next: entry.index + 1, leafHash: encodeBase64(hashLeafText(entry.leaf)) };
}

/**
 * Makes sure that a cursor belongs to this ledger: same origin, ledger not shorter, and the same entry before it. A pruned entry cannot be
 * compared; that the tree still holds its hash is for the ledger and for `verify` to tell. Rules: FOLLOW-3, FOLLOW-4.
 *
 * @param name The follower's, for the message.
 * @throws {AuditError} `FOLLOWER_DIVERGED`, and what reading throws.
 */
export async function checkCursor(name: string, ledger: Pick<Ledger, "origin" | "read">, head: Head, cursor: Cursor): Promise<void> {
  const { origin, next, leafHash } = cursor;
  const fail = (reason: string): never => {
    throw new AuditError("FOLLOWER_DIVERGED", {
      message: `The follower ${name} is not of this ledger: ${reason}. Restore the ledger that it read, or rebuild the follower.`,
      detail: { next: Number.isSafeInteger(next) ? next : undefined, treeSize: head.treeSize },
    });
  };
  if (origin !== ledger.origin) fail("it has read a ledger of another origin");
  if (!Number.isSafeInteger(next) || next < 0) fail("its cursor has no index");
  if (next > head.treeSize) fail(`it has read ${next} entries, and the ledger has ${head.treeSize}`);
  if (next === 0 || next <= head.minimumIndex) return;
  const previous = await readOne(ledger, next - 1);
  // Pruned since the head was asked: it cannot be compared any more.
  if (previous === undefined) return;
  if (cursorBehind(origin, previous).leafHash !== leafHash) fail(`entry ${next - 1} is not the one that it has read`);
}

async function readOne(ledger: Pick<Ledger, "read">, index: number): Promise<StoredEntry | undefined> {
  try {
    for await (const [entry] of ledger.read(index, index + 1)) return entry;
    return undefined;
  } catch (error) {
    if (error instanceof AuditError && error.code === "ENTRY_PRUNED") return undefined;
    throw error;
  }
}
