import { canonicalDigest } from "./canonical-json.ts";
import { endingOf, type Fold } from "./deed-fold.ts";
import type { ToldEntry } from "./told-entry.ts";

/** The requests and answers of one approval, by ledger index. */
export type ApprovalGroup = readonly ToldEntry[];

/** Which approvals are about which calls. */
export interface JoinedApprovals {
  readonly byCall: ReadonlyMap<Fold, { readonly entries: ApprovalGroup }>;
  /** Approvals without a call. */
  readonly alone: readonly ApprovalGroup[];
}

/**
 * Finds the call that each request for approval is about. Entries with the same approval id are one approval. An approval is about the call with its call id or
 * approval id, or whose id it names as its parent. A request of a hook names none of them: then it is about the nearest call of the same tool in the same conversation
 * with an equal input, one that had begun and not ended first; where either input was erased, the tool and the order decide.
 *
 * Rules: SESSION-10, SESSION-11.
 */
export function joinApprovals(approvals: readonly ToldEntry[], calls: readonly Fold[]): JoinedApprovals {
  const byCall = new Map<Fold, { entries: ToldEntry[] }>();
  const alone: ApprovalGroup[] = [];
  const finder = createCallFinder(calls);
  for (const group of groupsOf(approvals)) {
    const call = finder.byIds(group) ?? finder.byInput(group, (fold) => byCall.has(fold));
    if (call === undefined) {
      alone.push(group);
      continue;
    }
    const there = byCall.get(call);
    if (there === undefined) byCall.set(call, { entries: [...group] });
    else there.entries.push(...group);
  }
  for (const { entries } of byCall.values()) entries.sort((left, right) => left.index - right.index);
  return { byCall, alone };
}

function groupsOf(approvals: readonly ToldEntry[]): ToldEntry[][] {
  const groups = new Map<string, ToldEntry[]>();
  for (const entry of approvals) {
    const { approvalId, callId, sessionId, index } = entry;
    const key =
      approvalId !== undefined
        ? `approval:${approvalId}`
        : callId === undefined
          ? `entry:${index}`
          : `call:${sessionId ?? ""}\u0000${callId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [entry]);
    else group.push(entry);
  }
  return [...groups.values()];
}

interface CallFinder {
  byIds(group: ApprovalGroup): Fold | undefined;
  byInput(group: ApprovalGroup, isTaken: (fold: Fold) => boolean): Fold | undefined;
}

function createCallFinder(calls: readonly Fold[]): CallFinder {
  const byCallId = new Map<string, Fold>();
  const byApprovalId = new Map<string, Fold>();
  const byEventId = new Map<string, Fold>();
  const byTool = new Map<string, Fold[]>();
  // Made when a request asks for the tool: most sessions have none, and digests of inputs cost.
  const candidates = new Map<string, readonly Candidate[]>();
  for (const fold of calls) {
    for (const { callId, approvalId, id } of fold.entries) {
      if (callId !== undefined) byCallId.set(callId, fold);
      if (approvalId !== undefined && !byApprovalId.has(approvalId)) byApprovalId.set(approvalId, fold);
      byEventId.set(id, fold);
    }
    const key = toolKey(fold.first.name, fold.conversationId);
    const same = byTool.get(key);
    if (same === undefined) byTool.set(key, [fold]);
    else same.push(fold);
  }
  const known = <Key>(map: ReadonlyMap<Key, Fold>, keys: readonly (Key | undefined)[]): Fold | undefined =>
    keys.map((key) => (key === undefined ? undefined : map.get(key))).find((fold) => fold !== undefined);
  return {
    byIds: (group) =>
      known(
        byCallId,
        group.map(({ callId }) => callId),
      ) ??
      known(
        byApprovalId,
        group.map(({ approvalId }) => approvalId),
      ) ??
      known(
        byEventId,
        group.map(({ parentEventId }) => parentEventId),
      ),
    byInput(group, isTaken) {
      const [request] = group;
      // Only hooks of agents leave the call out; elsewhere a missing id means that there is none.
      if (request === undefined || request.via !== "hook" || group.some(({ callId, approvalId }) => (callId ?? approvalId) !== undefined))
        return undefined;
      const digest = request.input === undefined ? undefined : canonicalDigest(request.input);
      const key = toolKey(request.name, request.conversationId);
      const calls = candidates.get(key) ?? (byTool.get(key) ?? []).map(candidateOf);
      candidates.set(key, calls);
      return nearest(request, calls, digest, isTaken);
    },
  };
}

function toolKey(tool: string | undefined, conversationId: string | undefined): string {
  return `${tool ?? ""}\u0000${conversationId ?? ""}`;
}

/** A call as requests are compared with it. */
interface Candidate {
  readonly fold: Fold;
  /** Of its input as each entry tells it; empty where it was erased. */
  readonly digests: ReadonlySet<string>;
  /** Ledger indexes of what hooks tell of its beginning and its end; the first entry where no hook tells of it. */
  readonly begun: number;
  readonly ended: number;
  readonly isHooked: boolean;
}

function candidateOf(fold: Fold): Candidate {
  const hooks = fold.entries.filter(({ via }) => via === "hook");
  return {
    fold,
    digests: new Set(fold.entries.flatMap(({ input }) => (input === undefined ? [] : canonicalDigest(input)))),
    begun: hooks[0]?.index ?? fold.entries[0]?.index ?? 0,
    ended: hooks.find(({ status }) => status !== "pending")?.index ?? Number.POSITIVE_INFINITY,
    isHooked: hooks.length > 0,
  };
}

/** The nearest call that nothing speaks against: an input that was erased agrees with any. */
function nearest(
  { index }: ToldEntry,
  calls: readonly Candidate[],
  digest: string | undefined,
  isTaken: (fold: Fold) => boolean,
): Fold | undefined {
  let best: { readonly fold: Fold; readonly rank: readonly number[] } | undefined;
  for (const { fold, digests, begun, ended, isHooked } of calls) {
    if (digest !== undefined && digests.size > 0 && !digests.has(digest)) continue;
    const isOpen = isHooked && begun < index && index < ended;
    const rank = [isOpen ? 0 : 1, isTaken(fold) ? 1 : 0, Math.abs(index - begun)];
    if (best === undefined || isLess(rank, best.rank)) best = { fold, rank };
  }
  return best?.fold;
}

function isLess(left: readonly number[], right: readonly number[]): boolean {
  for (const [position, value] of left.entries()) {
    const other = right[position] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}

/** Whether the call was carried out: something that was stopped before or while it ran says nothing. */
export function hasRun(fold: Fold): boolean {
  const ending = endingOf(fold);
  if (ending === undefined || ending.status === "denied") return false;
  return !["INTERRUPTED", "CANCELLED_SIBLING", "TOOL_USE_ERROR"].includes(ending.code ?? "");
}
