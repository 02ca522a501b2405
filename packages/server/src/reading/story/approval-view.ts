import type { ApprovalState, ApproverKind, JsonObject, StepEntry, StoryApproval } from "@vouchtrail/events";
import { type ApprovalGroup, hasRun } from "./approval-join.ts";
import { canonicalDigest, canonicalJson } from "./canonical-json.ts";
import { endingOf, type Fold } from "./deed-fold.ts";
import { PREVIEW_CHARS_MAX } from "./limits.ts";
import { previewOf } from "./preview.ts";
import { objectAt, type ToldEntry, textOf } from "./told-entry.ts";

/** Permission modes in which calls run without a person being asked. */
const AUTOMATIC_MODES: ReadonlySet<string> = new Set(["acceptEdits", "bypassPermissions", "auto", "dontAsk"]);
const ANSWERS: ReadonlySet<string> = new Set(["approved", "rejected", "expired"]);

interface Answer extends Pick<StoryApproval, "state" | "by" | "basis"> {
  readonly entry?: ToldEntry;
}

/**
 * Whether a call was allowed and by whom, from what asks for it, what answers, and what became of the call.
 *
 * @param call Undefined for an approval that is about no call that is known.
 * @returns undefined where nothing speaks for a request or an answer. Rules: SESSION-12, SESSION-13.
 */
export function approvalOf(group: ApprovalGroup, call: Fold | undefined): StoryApproval | undefined {
  const request = group.find((entry) => stateOf(entry) === "created");
  const answer = answerIn(group) ?? (call === undefined ? undefined : answerOfCall(call, request !== undefined));
  if (request === undefined && answer === undefined && group.length === 0) return undefined;
  const shown = objectAt(objectAt((request ?? group[0])?.hit.event, "activity"), "approval")?.shown;
  const latencyMs = request === undefined ? undefined : latencyOf(request, answer, call);
  return {
    state: answer?.state ?? "requested",
    by: answer?.by ?? { kind: "unknown" },
    ...(request === undefined ? {} : { requestedAt: request.occurredAt }),
    ...(answer?.entry === undefined ? {} : { answeredAt: answer.entry.occurredAt }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(shown === undefined
      ? {}
      : { shown: { sha256: canonicalDigest(shown), preview: previewOf(canonicalJson(shown), PREVIEW_CHARS_MAX) } }),
    basis: answer?.basis ?? "observed",
    entries: group.map(stepEntry),
  };
}

/** An entry as a step names it. */
export function stepEntry({ index, id, via, phase }: ToldEntry): StepEntry {
  return { index, id, via, ...(phase === undefined ? {} : { phase }) };
}

function stateOf({ action, hit }: ToldEntry): string {
  const state = objectAt(objectAt(hit.event, "activity"), "approval")?.state;
  return textOf(state) ?? action.replace(/^ai\.approval_/, "");
}

/** The last entry that answers. */
function answerIn(group: ApprovalGroup): Answer | undefined {
  const entry = group.findLast((one) => ANSWERS.has(stateOf(one)));
  if (entry === undefined) return undefined;
  const approval = objectAt(objectAt(entry.hit.event, "activity"), "approval");
  const isObserved = approval?.observed !== false;
  return { state: stateOf(entry) as ApprovalState, by: approverOf(entry), basis: isObserved ? "observed" : "inferred", entry };
}

function approverOf({ hit }: ToldEntry): StoryApproval["by"] {
  const approver = objectAt(objectAt(objectAt(hit.event, "activity"), "approval"), "approver") ?? actorOf(hit.event);
  const id = textOf(approver?.id);
  const known: readonly ApproverKind[] = ["user", "rule", "hook", "mode"];
  return { kind: known.find((kind) => kind === approver?.type) ?? "unknown", ...(id === undefined ? {} : { id }) };
}

// Whoever acts as a user is the one who decided; a program only passes it on.
function actorOf(event: JsonObject): JsonObject | undefined {
  const actor = objectAt(event, "actor");
  return actor?.type === "user" ? actor : undefined;
}

function answerOfCall(call: Fold, isAsked: boolean): Answer | undefined {
  const ending = endingOf(call);
  // A vantage point that says who refused is worth more than one that only says that somebody did.
  const refusal = call.entries.find(({ status, code }) => status === "denied" && refuserOf(code).kind !== "unknown");
  if (refusal !== undefined) return { state: "rejected", by: refuserOf(refusal.code), basis: "inferred" };
  if (ending?.status === "denied") return { state: "rejected", by: { kind: "unknown" }, basis: "inferred" };
  if (!hasRun(call)) return undefined;
  if (isAsked) return { state: "approved", by: { kind: "unknown" }, basis: "inferred" };
  const mode = call.entries.map(({ hit }) => textOf(objectAt(hit.event, "labels")?.permissionMode)).find((name) => name !== undefined);
  if (mode === undefined || !AUTOMATIC_MODES.has(mode)) return undefined;
  return { state: "approved", by: { kind: "mode", id: mode }, basis: "inferred" };
}

function refuserOf(code: string | undefined): StoryApproval["by"] {
  if (code === "USER_REJECTED") return { kind: "user" };
  if (code === "HOOK_DENIED") return { kind: "hook" };
  return { kind: code?.startsWith("PERMISSION_") === true ? "rule" : "unknown" };
}

/** From the request to the answer. A call that ran after it was asked for shows its start, where its own hook says how long it took. */
function latencyOf(request: ToldEntry, answer: Answer | undefined, call: Fold | undefined): number | undefined {
  const until = answer?.entry?.micros ?? (answer?.state === "approved" && call !== undefined ? startOf(call, request.via) : undefined);
  if (until === undefined || until < request.micros) return undefined;
  return Number(until - request.micros) / 1_000;
}

function startOf({ entries }: Fold, via: string): bigint | undefined {
  const ending = entries.find((entry) => entry.via === via && entry.phase === "outcome");
  const durationMs = objectAt(ending?.hit.event, "usage")?.durationMs;
  return ending === undefined || typeof durationMs !== "number" ? undefined : ending.micros - BigInt(Math.round(durationMs * 1_000));
}
