import type { SearchHit } from "@vouchtrail/events";
import { type ApprovalGroup, joinApprovals } from "./approval-join.ts";
import { type Fold, foldDeeds, inOrder, newFold } from "./deed-fold.ts";
import { placeHooks } from "./hook-places.ts";
import { STORY_DEPTH_MAX } from "./limits.ts";
import { foldSpeech } from "./speech-fold.ts";
import { findParents, type SubagentParent } from "./subagent-parents.ts";
import { toldEntry } from "./told-entry.ts";

/** One place of the tree: a deed, or a subagent that no entry of its own tells of. */
export interface StoryNode {
  /** Undefined for a subagent that is known from what it did alone. */
  readonly fold: Fold | undefined;
  readonly subagent: string | undefined;
  /** Requests for its approval and the answers. */
  readonly approvals: ApprovalGroup;
  readonly children: StoryNode[];
  parent: StoryNode | undefined;
  parentBasis: SubagentParent["basis"] | undefined;
}

/** The entries of a session, put together. */
export interface AssembledStory {
  readonly roots: readonly StoryNode[];
  /** Every node, in the order of the story: above before below, earlier before later. */
  readonly nodes: readonly StoryNode[];
}

/**
 * Puts the entries of one session of one tenant together: folds them into deeds, orders these, and builds the tree.
 *
 * @param hits In any order. Each stands in exactly one node, under `fold` or under `approvals`. Rules: SESSION-2 to SESSION-11.
 */
export function assembleStory(hits: readonly SearchHit[]): AssembledStory {
  const told = hits.map(toldEntry).sort((left, right) => left.index - right.index);
  const deeds = foldDeeds(told.filter(({ kind }) => kind !== "approval"));
  const approvals = joinApprovals(
    told.filter(({ kind }) => kind === "approval"),
    deeds.filter(({ kind, entries }) => kind === "call" || entries.some(({ phase }) => phase !== undefined)),
  );
  const groups = new Map<Fold, ApprovalGroup>([...approvals.byCall].map(([fold, { entries }]) => [fold, entries]));
  const lone = approvals.alone.map((group) => newFold([...group]));
  const places = placeHooks([...deeds, ...lone]);
  const folds = [...foldSpeech(deeds, places), ...lone];
  placeHooks(folds);
  return buildTree(folds.sort(inOrder), groups);
}

function buildTree(folds: readonly Fold[], approvals: ReadonlyMap<Fold, ApprovalGroup>): AssembledStory {
  const nodes = new Map(folds.map((fold) => [fold, newNode(fold, approvals.get(fold) ?? [])]));
  const byAgent = new Map<string, Fold[]>();
  for (const fold of folds) {
    if (fold.subagent === undefined) continue;
    const own = byAgent.get(fold.subagent);
    if (own === undefined) byAgent.set(fold.subagent, [fold]);
    else own.push(fold);
  }
  const parents = findParents(byAgent, folds);
  const agents = new Map<string, StoryNode>();
  const roots: StoryNode[] = [];
  // The prompt of a person under which the main conversation stands now.
  let turn: StoryNode | undefined;

  for (const fold of folds) {
    const node = nodes.get(fold);
    if (node === undefined) continue;
    if (fold.subagent !== undefined) {
      const agent = agents.get(fold.subagent) ?? openAgent(fold.subagent, fold, node);
      if (agent !== node) put(node, agent);
    } else if (fold.kind === "prompt") {
      turn = node;
      roots.push(node);
    } else if (fold.kind === "session" || turn === undefined) roots.push(node);
    else put(node, turn);
  }
  return { roots, nodes: walk(roots) };

  /** The node of a subagent: its start, where an entry tells of it, else one without an entry. */
  function openAgent(id: string, first: Fold, node: StoryNode): StoryNode {
    const start = byAgent.get(id)?.find(({ kind }) => kind === "subagent");
    const agent = start === undefined ? newNode(undefined, [], id) : (nodes.get(start) ?? node);
    agents.set(id, agent);
    const parent = parents.get(id);
    const above = parent === undefined ? undefined : nodes.get(parent.call);
    if (above !== undefined) {
      put(agent, above);
      agent.parentBasis = parent?.basis;
    } else if (turn === undefined || first.kind === "session") roots.push(agent);
    else put(agent, turn);
    return agent;
  }
}

function newNode(fold: Fold | undefined, approvals: ApprovalGroup, subagent = fold?.subagent): StoryNode {
  return { fold, subagent, approvals, children: [], parent: undefined, parentBasis: undefined };
}

function put(node: StoryNode, parent: StoryNode): void {
  node.parent = parent;
  parent.children.push(node);
}

/**
 * The nodes in the order of the story, without recursion: how deep subagents start others is for those who write the entries to say.
 *
 * @param roots Gets what lies too deep.
 */
function walk(roots: StoryNode[]): StoryNode[] {
  const nodes: StoryNode[] = [];
  // It grows while it is walked.
  for (const root of roots) {
    const waiting = [{ node: root, depth: 1 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { node, depth } = next;
      nodes.push(node);
      const { children } = node;
      if (depth < STORY_DEPTH_MAX) waiting.push(...children.map((child) => ({ node: child, depth: depth + 1 })).reverse());
      else
        for (const child of children.splice(0)) {
          child.parent = undefined;
          child.parentBasis = undefined;
          roots.push(child);
        }
    }
  }
  return nodes;
}
