import type { SegmentStore } from "./segment-store.ts";

/** A system entry that says that all entries below `minimumIndex` were pruned. */
export interface PruneEntry {
  readonly index: number;
  readonly minimumIndex: number;
}

/**
 * Reads `system.prunes` of a leaf: `{"prunes":N}`, N > 0. Only the member `system` at the top level counts: no caller can write it.
 *
 * @param leaf A leaf as stored, whose leaf hash is under a root.
 * @returns N; undefined when the leaf prunes nothing, or in a form that this version does not read: that excuses nothing.
 */
export function parsePrune(leaf: string): number | undefined {
  if (!leaf.includes('"prunes":')) return undefined;
  let system: unknown;
  try {
    system = (JSON.parse(leaf) as { readonly system?: unknown }).system;
  } catch {
    return undefined;
  }
  if (typeof system !== "object" || system === null || !("prunes" in system)) return undefined;
  const { prunes } = system;
  return typeof prunes === "number" && Number.isSafeInteger(prunes) && prunes > 0 ? prunes : undefined;
}

/**
 * Looks for an entry below `end` that prunes at least to `minimumIndex`, newest first: entries are pruned shortly after one says so, hence
 * a look-up reads the footers of segments that came since, not of all.
 *
 * @param end Entries from here on excuse nothing: for those who demand a signed one, the size of the checkpoint.
 * @returns The first such entry that was met, else the one that prunes furthest, else undefined.
 */
export async function findPrune(
  segments: Pick<SegmentStore, "firsts" | "systemEntries" | "readBatch">,
  minimumIndex: number,
  end: number,
): Promise<PruneEntry | undefined> {
  let furthest: PruneEntry | undefined;
  for (const first of segments.firsts().toReversed()) {
    for (const index of (await segments.systemEntries(first)).toReversed()) {
      if (index >= end) continue;
      const [entry] = await segments.readBatch(index, index + 1);
      const minimum = entry === undefined ? undefined : parsePrune(entry.leaf);
      if (minimum === undefined || minimum <= (furthest?.minimumIndex ?? 0)) continue;
      furthest = { index, minimumIndex: minimum };
      if (minimum >= minimumIndex) return furthest;
    }
  }
  return furthest;
}
