import type { JoinBasis, LinkRole, SearchHit, StoryApproval } from "@vouchtrail/events";
import { approvalOf } from "./approval-view.ts";
import { type AssembledStory, assembleStory, type StoryNode } from "./assemble-story.ts";
import type { Fold } from "./deed-fold.ts";
import { CHAIN_LINKS_MAX } from "./limits.ts";
import { approvalsOf } from "./step-view.ts";
import type { ToldEntry } from "./told-entry.ts";

/** One entry of a chain, before it is proved. */
export interface ChainEntry {
  readonly role: LinkRole;
  readonly index: number;
  readonly basis: JoinBasis;
  readonly why: string;
}

/** What explains an event, and what of it is not there. */
export interface Chain {
  readonly links: readonly ChainEntry[];
  readonly missing: readonly { readonly role: LinkRole; readonly message: string }[];
  readonly approval?: StoryApproval;
}

const MISSING: Readonly<Record<LinkRole, string>> = {
  prompt: "No prompt before it is in the trail.",
  decision: "No decision before it is in the trail: agents record one only when they are told to.",
  approval: "No entry asks for approval of it or answers such a request.",
  action: "No entry tells of an action that followed.",
  outcome: "No entry tells how it ended.",
};

/**
 * Finds what led to an event and what became of it.
 *
 * @param index The event.
 * @param hits What it may have to do with, itself among them. Rules: EXPLAIN-3 to EXPLAIN-6.
 */
export function chainOf(index: number, hits: readonly SearchHit[]): Chain {
  const story = assembleStory(hits);
  const subject = story.nodes.find((node) => entriesOf(node).some((entry) => entry.index === index));
  if (subject === undefined) throw new Error("An event is among what it has to do with.");
  const links: ChainEntry[] = [];
  const told = new Set<number>();
  const add = (role: LinkRole, entries: readonly ToldEntry[], basis: JoinBasis, why: string): void => {
    for (const entry of entries) {
      if (told.has(entry.index) || links.length >= CHAIN_LINKS_MAX) continue;
      told.add(entry.index);
      links.push(
        entry.index === index ? { role, index, basis: "joined", why: "the event itself" } : { role, index: entry.index, basis, why },
      );
    }
  };

  const kind = subject.fold?.kind;
  const action = kind === "decision" ? actionAfter(story, subject) : kind === "approval" || kind === "prompt" ? undefined : subject;
  const decision = kind === "decision" ? subject : isDeed(subject) ? decisionBefore(story, subject) : undefined;

  for (const link of promptsOf(subject)) add("prompt", link.entries, link.basis, link.why);
  if (kind === "prompt") add("prompt", entriesOf(subject), subject.fold?.basis ?? "joined", "the same prompt");
  if (decision?.fold !== undefined) {
    const isShared = decision !== subject && sharesId(decision, subject);
    const why = isShared ? "it shares an id with the action" : "the last decision before it in the same conversation";
    add("decision", decision.fold.entries, isShared ? "joined" : "inferred", why);
  }
  const approvals = approvalsOf(action ?? subject);
  for (const entry of approvals) {
    const { basis, why } = approvalWhy(entry, approvals, action?.fold);
    add("approval", [entry], basis, why);
  }
  if (action?.fold !== undefined) addDeed(action.fold, action === subject, add);

  const approval = approvalOf(approvals, action?.fold);
  const present = new Set(links.map(({ role }) => role));
  if (action?.fold?.entries.some(({ status }) => status !== "pending") === true) present.add("outcome");
  const missing = (["prompt", "decision", "approval", "action", "outcome"] as const)
    .filter((role) => !present.has(role))
    .map((role) => ({ role, message: role === "approval" ? missingApproval(approval) : MISSING[role] }));
  return { links, missing, ...(approval === undefined ? {} : { approval }) };
}

function entriesOf({ fold, approvals }: StoryNode): readonly ToldEntry[] {
  return [...(fold?.entries ?? []), ...approvals];
}

type Add = (role: LinkRole, entries: readonly ToldEntry[], basis: JoinBasis, why: string) => void;

/** What announces it is the action, what tells its end the outcome; an entry that tells both is the action unless another one announces it. */
function addDeed(fold: Fold, isSubject: boolean, add: Add): void {
  const isAnnounced = fold.entries.some(({ phase }) => phase === "intent");
  const isAction = ({ phase, status }: ToldEntry): boolean =>
    isAnnounced ? phase === "intent" : phase !== "outcome" || (status === "pending" && phase !== "outcome");
  const basis = isSubject ? fold.basis : "inferred";
  const shared = fold.first.callId === undefined ? "the same deed" : "same call id";
  const why = isSubject ? (fold.basis === "inferred" ? "the same text at the same place" : shared) : "the first action after the decision";
  add("action", fold.entries.filter(isAction), basis, why);
  add(
    "outcome",
    fold.entries.filter((entry) => !isAction(entry)),
    basis,
    isSubject ? why : "the outcome of that action",
  );
}

/** Calls, and whatever is announced and then done. */
function isDeed({ fold }: StoryNode): boolean {
  return fold !== undefined && (fold.kind === "call" || fold.entries.some(({ phase }) => phase !== undefined));
}

interface PromptLink {
  readonly entries: readonly ToldEntry[];
  readonly basis: JoinBasis;
  readonly why: string;
}

/** From the person to the deed: the prompt, and for a subagent the call that started it and its own prompt. */
function promptsOf(subject: StoryNode): PromptLink[] {
  const links: PromptLink[] = [];
  const ids = new Set(entriesOf(subject).flatMap(({ requestId }) => requestId ?? []));
  let below = subject;
  for (let node = subject.parent; node !== undefined; node = node.parent) {
    const kind = node.fold?.kind;
    const entries = node.fold?.entries ?? [];
    if (kind === "prompt") {
      const isShared = entries.some(({ requestId }) => requestId !== undefined && ids.has(requestId));
      const why = isShared ? "same prompt id" : "the last prompt before it in the same conversation";
      links.push({ entries, basis: isShared ? "joined" : "inferred", why });
    } else if (kind === "call") {
      for (const { requestId } of entries) if (requestId !== undefined) ids.add(requestId);
      links.push({ entries, basis: below.parentBasis ?? "inferred", why: "the call that started the subagent" });
    } else if (node.subagent !== undefined) {
      const own = node.children.slice(0, node.children.indexOf(below)).findLast(({ fold }) => fold?.kind === "prompt");
      if (own?.fold !== undefined)
        links.push({ entries: own.fold.entries, basis: "inferred", why: "the last prompt of the subagent before it" });
    }
    below = node;
  }
  return links.reverse();
}

function decisionBefore({ nodes }: AssembledStory, subject: StoryNode): StoryNode | undefined {
  const before = nodes.slice(0, nodes.indexOf(subject)).filter(({ fold }) => fold?.kind === "decision");
  const all = nodes.filter(({ fold }) => fold?.kind === "decision");
  return (
    before.findLast((node) => sharesId(node, subject)) ??
    all.findLast((node) => namesParent(node, subject)) ??
    before.findLast((node) => isBeside(node, subject))
  );
}

function actionAfter({ nodes }: AssembledStory, decision: StoryNode): StoryNode | undefined {
  const after = nodes.slice(nodes.indexOf(decision) + 1).filter(isDeed);
  return after.find((node) => sharesId(decision, node)) ?? after.find((node) => isBeside(decision, node));
}

/** Whether both stand under the same prompt in the same conversation. */
function isBeside(left: StoryNode, right: StoryNode): boolean {
  return left.parent === right.parent && left.subagent === right.subagent;
}

function sharesId(left: StoryNode, right: StoryNode): boolean {
  const ids = new Set(entriesOf(left).flatMap(idsOf));
  return entriesOf(right).some((entry) => idsOf(entry).some((id) => ids.has(id))) || namesParent(left, right);
}

function namesParent(left: StoryNode, right: StoryNode): boolean {
  const leftIds = new Set(entriesOf(left).map(({ id }) => id));
  const rightIds = new Set(entriesOf(right).map(({ id }) => id));
  return (
    entriesOf(right).some(({ parentEventId }) => parentEventId !== undefined && leftIds.has(parentEventId)) ||
    entriesOf(left).some(({ parentEventId }) => parentEventId !== undefined && rightIds.has(parentEventId))
  );
}

function idsOf({ taskId, correlationId, approvalId }: ToldEntry): string[] {
  return [
    ...(taskId === undefined ? [] : [`task:${taskId}`]),
    ...(correlationId === undefined ? [] : [`correlation:${correlationId}`]),
    ...(approvalId === undefined ? [] : [`approval:${approvalId}`]),
  ];
}

function approvalWhy(entry: ToldEntry, group: readonly ToldEntry[], action: Fold | undefined): { basis: JoinBasis; why: string } {
  const others = [...(action?.entries ?? []), ...group.filter((other) => other !== entry)];
  if (entry.approvalId !== undefined && others.some(({ approvalId }) => approvalId === entry.approvalId))
    return { basis: "joined", why: "same approval id" };
  if (action === undefined) return { basis: "inferred", why: "the same approval" };
  if (entry.callId !== undefined && entry.callId === action.first.callId) return { basis: "joined", why: "same call id" };
  if (action.entries.some(({ id }) => id === entry.parentEventId)) return { basis: "joined", why: "it names the action as its parent" };
  const isErased = entry.input === undefined || action.entries.every(({ input }) => input === undefined);
  return {
    basis: "inferred",
    why: isErased ? "a request for the same tool at that moment" : "a request for the same tool with the same input",
  };
}

function missingApproval(approval: StoryApproval | undefined): string {
  if (approval === undefined) return MISSING.approval;
  const { state, by } = approval;
  if (by.kind === "mode") return `No entry asks for approval: the permission mode ${by.id ?? "unknown"} lets such actions run.`;
  if (state === "rejected") return "No entry asks for approval; how it ended says that it was refused.";
  return MISSING.approval;
}
