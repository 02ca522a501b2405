import { type JsonObject, OUTCOME_STATUSES, type SessionStep } from "@vouchtrail/events";
import { approvalOf, stepEntry } from "./approval-view.ts";
import type { StoryNode } from "./assemble-story.ts";
import { earliest, endingOf, type Fold } from "./deed-fold.ts";
import { PREVIEW_CHARS_MAX } from "./limits.ts";
import { previewOf } from "./preview.ts";
import { saidIn, titleOf } from "./step-title.ts";
import { objectAt, type ToldEntry, textOf } from "./told-entry.ts";

/** The tree as the answer has it. A node comes after all nodes below it, so that no depth needs recursion. */
export function viewSteps(roots: readonly StoryNode[], nodes: readonly StoryNode[]): SessionStep[] {
  const views = new Map<StoryNode, SessionStep>();
  for (const node of [...nodes].reverse()) views.set(node, viewStep(node, viewsOf(node.children, views)));
  return viewsOf(roots, views);
}

function viewsOf(nodes: readonly StoryNode[], views: ReadonlyMap<StoryNode, SessionStep>): SessionStep[] {
  return nodes.flatMap((node) => views.get(node) ?? []);
}

function viewStep(node: StoryNode, children: readonly SessionStep[]): SessionStep {
  const { fold, parentBasis, subagent } = node;
  const below = { ...(parentBasis === undefined ? {} : { parentBasis }), ...(children.length === 0 ? {} : { children }) };
  if (fold === undefined) return viewUntold(subagent ?? "", children, below);
  const { entries, first, kind } = fold;
  const ending = entries.findLast(({ phase, action }) => phase === "outcome" || action === "agent.subagent.ended");
  const durationMs = durationOf(fold);
  const text = saidIn(fold);
  const approval =
    kind === "approval" || kind === "call" || node.approvals.length > 0
      ? approvalOf(approvalsOf(node), kind === "approval" ? undefined : fold)
      : undefined;
  return {
    kind,
    at: earliest(entries).occurredAt,
    ...(ending === undefined ? {} : { endedAt: ending.occurredAt }),
    ...(durationMs === undefined ? {} : { durationMs }),
    title: titleOf(fold),
    ...(text === undefined ? {} : { text }),
    outcome: outcomeOf(endingOf(fold) ?? first),
    ...(first.callId === undefined ? {} : { callId: first.callId }),
    ...(kind === "call" && first.name !== undefined ? { tool: first.name } : {}),
    ...(fold.conversationId === undefined ? {} : { conversationId: fold.conversationId }),
    ...(fold.subagent === undefined ? {} : { subagent: fold.subagent }),
    actor: actorOf(entries),
    via: [...new Set(entries.map(({ via }) => via))],
    entries: entries.map(stepEntry),
    basis: fold.basis,
    ...(entries.some(({ isErased }) => isErased) ? { isErased: true as const } : {}),
    ...(approval === undefined ? {} : { approval }),
    ...below,
  };
}

/** The requests and answers of a node: a lone approval is its own. */
export function approvalsOf({ fold, approvals }: StoryNode): readonly ToldEntry[] {
  return fold?.kind === "approval" ? fold.entries : approvals;
}

/** A subagent that is known only from what it did. */
function viewUntold(subagent: string, children: readonly SessionStep[], below: Partial<SessionStep>): SessionStep {
  const [first] = children;
  return {
    kind: "subagent",
    at: first?.at ?? "1970-01-01T00:00:00Z",
    title: `subagent ${previewOf(subagent, PREVIEW_CHARS_MAX)}`,
    outcome: { status: "pending" },
    subagent,
    ...(first?.conversationId === undefined ? {} : { conversationId: first.conversationId }),
    actor: { type: "agent" },
    via: [],
    entries: [],
    basis: "inferred",
    ...below,
  };
}

/** What the program that did it says of how long it took; else the time between two entries of one vantage point. */
export function durationOf({ entries }: Fold): number | undefined {
  for (const { hit } of entries) {
    const durationMs = objectAt(hit.event, "usage")?.durationMs;
    if (typeof durationMs === "number") return durationMs;
  }
  const ended = entries.find(({ phase }) => phase === "outcome");
  const begun = entries.find(({ phase, via }) => phase === "intent" && via === ended?.via);
  if (ended === undefined || begun === undefined || ended.micros < begun.micros) return undefined;
  return Number(ended.micros - begun.micros) / 1_000;
}

function outcomeOf({ hit, status, code }: ToldEntry): SessionStep["outcome"] {
  const message = textOf(objectAt(hit.event, "outcome")?.message);
  return {
    status: OUTCOME_STATUSES.find((name) => name === status) ?? "pending",
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message: previewOf(message, PREVIEW_CHARS_MAX) }),
  };
}

/** Who did it; a name that one vantage point knows is better than the `unknown` of another. */
function actorOf(entries: readonly ToldEntry[]): SessionStep["actor"] {
  const actors = entries.map(({ hit }) => objectAt(hit.event, "actor")).filter((actor): actor is JsonObject => actor !== undefined);
  const known = actors.find(({ id }) => textOf(id) !== undefined && id !== "unknown") ?? actors[0];
  const id = textOf(known?.id);
  return { type: textOf(known?.type) ?? "system", ...(id === undefined ? {} : { id }) };
}
