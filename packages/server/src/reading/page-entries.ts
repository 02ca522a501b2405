import { AuditError } from "@vouchtrail/events";
import { parseLeafFrame } from "@vouchtrail/protocol";
import type { FileLedger } from "../ledger/file-ledger.ts";
import type { StoredEntry } from "../ledger/ledger.ts";
import { BLOCK_ENTRIES } from "../ledger/limits.ts";
import { READ_AHEAD_CHARS_MAX, READ_GAP_ENTRIES_MAX, READS_IN_FLIGHT_MAX } from "./limits.ts";

/** Something that names an entry. */
interface Indexed {
  readonly index: number;
}

/** What was found, and the entry that the ledger holds of it: undefined when retention has removed it meanwhile. */
export interface PageEntry<Found extends Indexed> {
  readonly found: Found;
  readonly stored: StoredEntry | undefined;
}

/**
 * Reads the entries that a search has found, in the order of `found`, a group at a time: what stands in one block of the ledger is read together,
 * a few groups ahead of whoever takes them.
 *
 * @param found Ascending or descending by index.
 * @param tenant Only entries of this tenant are read out. The search index is a derived thing that may be damaged: it must never open the door to
 * another tenant's entry.
 * @throws {AuditError} `LEDGER_DAMAGED` for a leaf that cannot be read.
 */
export async function* readPage<Found extends Indexed>(
  ledger: Pick<FileLedger, "read" | "head">,
  found: readonly Found[],
  { tenant, signal }: { readonly tenant?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<readonly PageEntry<Found>[]> {
  const groups = groupByBlock(found);
  const reading: Promise<readonly PageEntry<Found>[]>[] = [];
  let ahead = READS_IN_FLIGHT_MAX;
  for (let next = 0; next < groups.length || reading.length > 0; ) {
    signal?.throwIfAborted();
    while (next < groups.length && reading.length < ahead) {
      const read = readGroup(groups[next++]!);
      // It is awaited when its turn comes, unless whoever reads has gone by then.
      read.catch(() => {});
      reading.push(read);
    }
    const entries = await reading.shift()!;
    ahead = charsOf(entries) > READ_AHEAD_CHARS_MAX ? 1 : READS_IN_FLIGHT_MAX;
    yield entries;
  }

  async function readGroup(group: readonly Found[]): Promise<readonly PageEntry<Found>[]> {
    const stored = new Map<number, StoredEntry>();
    const { treeSize } = await ledger.head();
    const indexes = group
      .map(({ index }) => index)
      .filter((index) => index < treeSize)
      .sort((left, right) => left - right);
    try {
      for (const [from, to] of spansOf(indexes)) {
        for await (const batch of ledger.read(from, to, signal)) for (const entry of batch) stored.set(entry.index, entry);
      }
    } catch (error) {
      // Retention removes whole segments: then all of the group is gone, whichever step noticed it.
      const { minimumIndex } = await ledger.head();
      if (indexes.some((index) => index >= minimumIndex)) throw error;
      stored.clear();
    }
    return group.map((one) => {
      const entry = stored.get(one.index);
      return { found: one, stored: entry !== undefined && isVisible(entry) ? entry : undefined };
    });
  }

  function isVisible(entry: StoredEntry): boolean {
    return tenant === undefined || tenantOf(entry) === tenant;
  }
}

/** Characters that an entry holds in memory; close to its bytes. */
export function charsOfEntry({ leaf, disclosures }: StoredEntry): number {
  return leaf.length + (disclosures.personal?.length ?? 0) + (disclosures.content?.length ?? 0);
}

function charsOf(entries: readonly PageEntry<Indexed>[]): number {
  return entries.reduce((sum, { stored }) => sum + (stored === undefined ? 0 : charsOfEntry(stored)), 0);
}

function tenantOf(entry: StoredEntry): string {
  try {
    return parseLeafFrame(entry.leaf).tenant;
  } catch (cause) {
    throw damagedEntry(entry.index, cause);
  }
}

/** The error for an entry that does not match itself. */
export function damagedEntry(index: number, cause: unknown): AuditError {
  return new AuditError("LEDGER_DAMAGED", {
    message: `Entry ${index} does not match its own hashes. Nothing was changed; run vouchtrail verify and restore from a copy.`,
    detail: { index },
    cause,
  });
}

/** Neighbours of one block of the ledger, in the order given. */
function groupByBlock<Found extends Indexed>(found: readonly Found[]): Found[][] {
  const groups: Found[][] = [];
  let block = -1;
  for (const one of found) {
    const own = Math.floor(one.index / BLOCK_ENTRIES);
    if (own !== block) groups.push([]);
    block = own;
    groups.at(-1)!.push(one);
  }
  return groups;
}

/** Ranges `[from, to)` that cover the indexes without reading over long stretches that nobody wants. */
function spansOf(indexes: readonly number[]): readonly (readonly [from: number, to: number])[] {
  const spans: [number, number][] = [];
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last !== undefined && index - last[1] <= READ_GAP_ENTRIES_MAX) last[1] = index + 1;
    else spans.push([index, index + 1]);
  }
  return spans;
}
