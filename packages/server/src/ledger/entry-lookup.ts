import { parseLeafFrame } from "@vouchtrail/protocol";
import type { TreeHead } from "./group-writer.ts";
import type { IdIndex } from "./id-index.ts";
import type { EntryKey, StoredEntry } from "./ledger.ts";
import type { SegmentStore } from "./segment-store.ts";

/** Finds durable entries that were not pruned. Rule: ID-1. */
export interface EntryLookup {
  /** Indexes by key, undefined where there is none. */
  find(keys: readonly EntryKey[]): Promise<readonly (number | undefined)[]>;
  /** Indexes of the entries with an id, of every tenant. */
  findById(id: string): Promise<readonly number[]>;
}

export interface EntryLookupOptions {
  readonly segments: Pick<SegmentStore, "readBatch">;
  readonly head: () => TreeHead;
  readonly minimumIndex: () => number;
}

/** Entries `[from, to)` in batches, as long as there are any. */
export async function* readStored(
  segments: Pick<SegmentStore, "readBatch">,
  from: number,
  to: number,
  signal?: AbortSignal,
): AsyncGenerator<readonly StoredEntry[]> {
  for (let next = from; next < to; ) {
    signal?.throwIfAborted();
    const batch = await segments.readBatch(next, to);
    if (batch.length === 0) return;
    yield batch;
    next += batch.length;
  }
}

/** Keys of the entries `[from, to)` in batches. */
export async function* readKeys(
  segments: Pick<SegmentStore, "readBatch">,
  from: number,
  to: number,
): AsyncGenerator<{ index: number; key: EntryKey }[]> {
  for await (const batch of readStored(segments, from, to)) yield batch.map(({ index, leaf }) => ({ index, key: keyOf(leaf) }));
}

/** Asks the id index, and reads each candidate to be sure. */
export function createIndexedLookup(
  { segments, head, minimumIndex }: EntryLookupOptions,
  ids: Pick<IdIndex, "findAll" | "findAnyTenant">,
): EntryLookup {
  async function keyAt(index: number): Promise<EntryKey | undefined> {
    if (index >= head().size || index < minimumIndex()) return undefined;
    const [entry] = await segments.readBatch(index, index + 1);
    return entry === undefined ? undefined : keyOf(entry.leaf);
  }
  return {
    async find(keys) {
      const found: (number | undefined)[] = [];
      for (const key of keys) {
        let index: number | undefined;
        for (const candidate of await ids.findAll(key)) {
          const there = await keyAt(candidate);
          if (there !== undefined && there.tenant === key.tenant && there.id === key.id) index = candidate;
        }
        found.push(index);
      }
      return found;
    },
    async findById(id) {
      const found: number[] = [];
      for (const candidate of await ids.findAnyTenant(id)) if ((await keyAt(candidate))?.id === id) found.push(candidate);
      return found;
    },
  };
}

/** Looks through all leaves: for a ledger that is read offline, where no id index may be written. */
export function createScanningLookup({ segments, head, minimumIndex }: EntryLookupOptions): EntryLookup {
  return {
    async find(keys) {
      const wanted = new Map(keys.map((key, i) => [`${key.tenant} ${key.id}`, i]));
      const found: (number | undefined)[] = keys.map(() => undefined);
      for await (const batch of readKeys(segments, minimumIndex(), head().size)) {
        for (const { index, key } of batch) {
          const position = wanted.get(`${key.tenant} ${key.id}`);
          if (position !== undefined) found[position] ??= index;
        }
      }
      return found;
    },
    async findById(id) {
      const found: number[] = [];
      for await (const batch of readKeys(segments, minimumIndex(), head().size))
        for (const { index, key } of batch) if (key.id === id) found.push(index);
      return found;
    },
  };
}

function keyOf(leaf: string): EntryKey {
  const { tenant, id } = parseLeafFrame(leaf);
  return { tenant, id: id.toLowerCase() };
}
