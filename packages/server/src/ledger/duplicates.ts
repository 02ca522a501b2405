import { encodeBase64, parseLeafFrame } from "@vouchtrail/protocol";
import type { QueuedEntry } from "./append-queue.ts";
import { hashLeafText } from "./hashing.ts";
import type { IdIndex } from "./id-index.ts";
import type { AppendResult, SealedEntry } from "./ledger.ts";
import type { SegmentStore } from "./segment-store.ts";

/** What decides whether two entries of one id are the same. */
type Comparable = Pick<SealedEntry, "tenant" | "id" | "occurredAt" | "action" | "status" | "leafHash">;

/** A group, taken apart. */
export interface SortedGroup {
  /** Entries to write, in order; the n-th gets index `first + n`. */
  readonly fresh: readonly QueuedEntry[];
  /** Entries that are there already, or in `fresh`, with their answers: to be given when `fresh` is durable. */
  readonly known: readonly (readonly [QueuedEntry, AppendResult])[];
}

/** Tells new entries from those that the ledger has. Rules: ID-1, ID-2. */
export interface DuplicateFinder {
  /** Adds the new entries to the id index, under the index that they will have. @param first Index of the next entry. */
  sort(group: readonly QueuedEntry[], first: number): Promise<SortedGroup>;
}

export interface DuplicateFinderOptions {
  readonly origin: string;
  readonly ids: Pick<IdIndex, "add" | "find" | "findAll">;
  readonly segments: Pick<SegmentStore, "readBatch">;
  readonly minimumIndex: () => number;
}

export function createDuplicateFinder({ origin, ids, segments, minimumIndex }: DuplicateFinderOptions): DuplicateFinder {
  function compare(entry: SealedEntry, index: number, there: Comparable | undefined): AppendResult | undefined {
    if (there === undefined || there.id !== entry.id || there.tenant !== entry.tenant) return undefined;
    const isSame = there.occurredAt === entry.occurredAt && there.action === entry.action && there.status === entry.status;
    if (!isSame) return { conflictIndex: index };
    return { receipt: { origin, id: entry.id, index, leafHash: encodeBase64(there.leafHash) }, isDuplicate: true };
  }

  async function compareStored(entry: SealedEntry, index: number): Promise<AppendResult | undefined> {
    if (index < minimumIndex()) return undefined;
    const [stored] = await segments.readBatch(index, index + 1);
    if (stored === undefined) return undefined;
    const frame = parseLeafFrame(stored.leaf);
    return compare(entry, index, { ...frame, id: frame.id.toLowerCase(), leafHash: hashLeafText(stored.leaf) });
  }

  return {
    async sort(group, first) {
      const fresh: QueuedEntry[] = [];
      const known: (readonly [QueuedEntry, AppendResult])[] = [];
      const pick = async (entry: SealedEntry, candidates: readonly number[]): Promise<AppendResult | undefined> => {
        for (const index of candidates) {
          const result = index >= first ? compare(entry, index, fresh[index - first]?.entry) : await compareStored(entry, index);
          if (result !== undefined) return result;
        }
        return undefined;
      };
      for (const item of group) {
        const { entry } = item;
        const found = ids.find(entry);
        const candidates = found instanceof Promise ? await found : found;
        let result: AppendResult | undefined;
        if (candidates.length > 0) {
          // A tenant of the same hash may stand in front of the entry that is meant: then all candidates are looked at.
          result = (await pick(entry, candidates)) ?? (await pick(entry, await ids.findAll(entry)));
        }
        if (result !== undefined) known.push([item, result]);
        else {
          ids.add(entry, first + fresh.length);
          fresh.push(item);
        }
      }
      return { fresh, known };
    },
  };
}
