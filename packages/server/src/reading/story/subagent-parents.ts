import type { JoinBasis } from "@vouchtrail/events";
import { type Fold, inOrder } from "./deed-fold.ts";
import { objectAt, textOf } from "./told-entry.ts";

/** The call that started a subagent, and how that is known. */
export interface SubagentParent {
  readonly call: Fold;
  readonly basis: JoinBasis;
}

/** Tools that start a subagent; the second one is the older name. */
const STARTING_TOOLS: ReadonlySet<string> = new Set(["Agent", "Task"]);

/**
 * Finds the call that started each subagent: the one that the subagent's entries name as their parent; else the one whose result names the subagent; else the first
 * call of a tool that starts subagents which began before the subagent, had not ended by then, and started no other one.
 *
 * @param byAgent The folds of each subagent. Rule: SESSION-8.
 */
export function findParents(byAgent: ReadonlyMap<string, readonly Fold[]>, folds: readonly Fold[]): Map<string, SubagentParent> {
  const parents = new Map<string, SubagentParent>();
  const byEventId = new Map<string, Fold>();
  const byResult = new Map<string, Fold>();
  const starters = folds.filter(({ kind, first }) => kind === "call" && STARTING_TOOLS.has(first.name ?? "")).sort(inOrder);
  for (const fold of folds) for (const { id } of fold.entries) byEventId.set(id, fold);
  for (const fold of starters)
    for (const { hit } of fold.entries) {
      const agent = textOf(objectAt(objectAt(hit.event, "outcome"), "result")?.agentId);
      if (agent !== undefined) byResult.set(agent, fold);
    }

  for (const [agent, own] of byAgent) {
    const named = own
      .flatMap(({ entries }) => entries)
      .find(({ parentEventId }) => parentEventId !== undefined && byEventId.has(parentEventId));
    const call = named?.parentEventId === undefined ? byResult.get(agent) : byEventId.get(named.parentEventId);
    if (call !== undefined && call.kind === "call" && !isWithin(call, agent)) parents.set(agent, { call, basis: "joined" });
  }

  const taken = new Set([...parents.values()].map(({ call }) => call));
  const orphans = [...byAgent].filter(([agent]) => !parents.has(agent)).map(([agent, own]) => [agent, [...own].sort(inOrder)[0]] as const);
  orphans.sort(([, left], [, right]) => (left === undefined || right === undefined ? 0 : inOrder(left, right)));
  for (const [agent, first] of orphans) {
    if (first === undefined) continue;
    const call = starters.find((fold) => !taken.has(fold) && fold.subagent !== agent && isOpenAt(fold, first) && !isWithin(fold, agent));
    if (call === undefined) continue;
    taken.add(call);
    parents.set(agent, { call, basis: "inferred" });
  }
  return parents;

  /** Whether the call was made by the subagent, or by one that it started: nobody starts himself. */
  function isWithin(call: Fold, agent: string): boolean {
    const seen = new Set<string>();
    for (let maker = call.subagent; maker !== undefined && !seen.has(maker); maker = parents.get(maker)?.call.subagent) {
      if (maker === agent) return true;
      seen.add(maker);
    }
    return false;
  }
}

function isOpenAt(call: Fold, moment: Fold): boolean {
  if (inOrder(call, moment) > 0) return false;
  const at = moment.first;
  // Of one vantage point, whose own order is certain: the entry of an ending stands behind all that happened before it.
  const same = call.entries.filter(({ via }) => via === at.via && via === "hook");
  const ended = same.find(({ phase }) => phase === "outcome");
  return same.length === 0 || (ended?.index ?? Number.POSITIVE_INFINITY) > at.index;
}
