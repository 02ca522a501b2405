import type { JoinBasis, StepKind } from "@vouchtrail/events";
import type { ToldEntry } from "./told-entry.ts";

/** All entries that tell of one deed. */
export interface Fold {
  /** By ledger index; at least one. */
  readonly entries: ToldEntry[];
  readonly kind: StepKind;
  readonly first: ToldEntry;
  readonly conversationId: string | undefined;
  readonly subagent: string | undefined;
  /** Its place in the order of the session, in microseconds since 1970. */
  place: bigint;
  basis: JoinBasis;
}

/**
 * Folds entries into deeds: those of one call id, or of one deed as the search index names it, are together, and the start and end of one subagent;
 * any other stands alone. What asks for or answers an approval is never folded into the call that it is about.
 *
 * @param entries By ledger index. Each stands in exactly one fold. Rules: SESSION-2, SESSION-3.
 */
export function foldDeeds(entries: readonly ToldEntry[]): Fold[] {
  const groups = new Map<string, ToldEntry[]>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return [...groups.values()].map((group) => newFold(group));
}

/** A fold of entries, by ledger index. */
export function newFold(group: ToldEntry[], basis: JoinBasis = "joined"): Fold {
  const [lone] = group;
  if (lone === undefined) throw new Error("A fold has an entry.");
  // The one that knows most of where it belongs: an outcome that came without its call does not even know the tool.
  const first = group.find(({ name, kind }) => kind === "call" && name !== "unknown") ?? lone;
  const told = group.find(({ subagent }) => subagent !== undefined) ?? first;
  return {
    entries: group,
    kind: first.kind,
    first,
    conversationId: told.conversationId,
    subagent: told.subagent,
    place: earliest(group).micros,
    basis,
  };
}

/** The entry that says that it happened first; of those at the same time the first in the ledger. */
export function earliest(entries: readonly ToldEntry[]): ToldEntry {
  return entries.reduce((left, right) => (right.micros < left.micros ? right : left));
}

/** The entry that tells how it ended, undefined where none does. A call that one vantage point leaves open may have ended for another. */
export function endingOf({ entries }: Fold): ToldEntry | undefined {
  return entries.find(({ status }) => status !== "pending");
}

/** By place, then by ledger index. */
export function inOrder(left: Fold, right: Fold): number {
  if (left.place !== right.place) return left.place < right.place ? -1 : 1;
  return firstIndex(left) - firstIndex(right);
}

function firstIndex({ entries }: Fold): number {
  return entries[0]?.index ?? 0;
}

function keyOf({ kind, callId, index, hit, sessionId, subagent }: ToldEntry): string {
  if (kind === "approval") return `entry:${index}`;
  if (kind === "subagent" && subagent !== undefined) return `subagent:${subagent}`;
  if (sessionId !== undefined && callId !== undefined) return `call:${sessionId}\u0000${callId}`;
  return hit.deed === undefined ? `entry:${index}` : `deed:${hit.deed}`;
}
