import type { OutcomeStatus } from "../event.ts";
import type { ReadState } from "./reader.ts";
import type { SessionQuery, SessionSummary } from "./sessions.ts";

export interface SessionStoryQuery extends SessionQuery {
  /** Entries that are read for one answer, 1 to 5,000; default 5,000. */
  readonly limit?: number;
  /** From `nextCursor` of the part before, with the same session and tenant. */
  readonly cursor?: string;
}

/** What a step of a session is. `event` is anything that the other words do not name. */
export const STEP_KINDS = [
  "session",
  "prompt",
  "response",
  "message",
  "call",
  "decision",
  "approval",
  "error",
  "compaction",
  "model",
  /** A request to the model: what it took stands on it. */
  "request",
  "subagent",
  "event",
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** How something is known: entries say so by ids that they share (`joined`), or order, text or what came after speak for it (`inferred`). */
export type JoinBasis = "joined" | "inferred";

/** One entry that tells of a step. */
export interface StepEntry {
  readonly index: number;
  readonly id: string;
  /** `received.via` */
  readonly via: string;
  /** Absent for an entry that tells the whole deed. */
  readonly phase?: string;
}

export const APPROVAL_STATES = ["requested", "approved", "rejected", "expired"] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** Who answers a request for approval: a person, a rule of the settings, a hook, the permission mode; `unknown` where nothing says it. */
export const APPROVER_KINDS = ["user", "rule", "hook", "mode", "unknown"] as const;
export type ApproverKind = (typeof APPROVER_KINDS)[number];

/** Whether a call was allowed, and who said so. Rules: SESSION-10 to SESSION-13. */
export interface StoryApproval {
  readonly state: ApprovalState;
  readonly by: { readonly kind: ApproverKind; readonly id?: string };
  /** RFC 3339, as the request says it; absent where no entry tells of a request. */
  readonly requestedAt?: string;
  /** RFC 3339; absent where no entry tells of the answer. */
  readonly answeredAt?: string;
  /** From the request to the answer, or to the start of the call that shows the answer; absent where one of them is not known. */
  readonly latencyMs?: number;
  /** What was put before the one who decides: SHA-256 (hexadecimal) of its canonical JSON, and its beginning, at most 500 characters. */
  readonly shown?: { readonly sha256: string; readonly preview: string };
  /** `observed`: an entry tells of the answer. `inferred`: what became of the call speaks for it. */
  readonly basis: "observed" | "inferred";
  /** Requests and answers; empty where both are inferred. */
  readonly entries: readonly StepEntry[];
}

/** One deed of a session, with everything that tells of it folded into it. */
export interface SessionStep {
  readonly kind: StepKind;
  /** RFC 3339; the earliest `occurredAt` of its entries, of its first step where it has none itself. */
  readonly at: string;
  /** RFC 3339; `occurredAt` of its outcome, where an entry of its own tells that. */
  readonly endedAt?: string;
  readonly durationMs?: number;
  /** One line, at most 200 characters: `Bash: npm test`. From the envelope alone where the content was erased. May hold hostile text. */
  readonly title: string;
  /** What was said, at most 500 characters. May hold hostile text. */
  readonly text?: string;
  readonly outcome: { readonly status: OutcomeStatus; readonly code?: string; readonly message?: string };
  readonly callId?: string;
  readonly tool?: string;
  readonly conversationId?: string;
  /** Id of the subagent that did it. */
  readonly subagent?: string;
  /** `id` is absent where it was erased. */
  readonly actor: { readonly type: string; readonly id?: string };
  /** `received.via` of its entries, each once. */
  readonly via: readonly string[];
  readonly entries: readonly StepEntry[];
  /** `inferred`: that its entries tell of the same deed follows from equal text and place, not from ids. */
  readonly basis: JoinBasis;
  /** How it is known that it belongs under the step above it; absent at the top and where the order alone says so. */
  readonly parentBasis?: JoinBasis;
  /** A section of one of its entries was erased. */
  readonly isErased?: true;
  readonly approval?: StoryApproval;
  readonly children?: readonly SessionStep[];
}

/**
 * A session as a story: prompts, below them what was done, below the call that started it each subagent. Counts are those of the entries that were
 * read for this answer. Rules: SESSION-1 to SESSION-13.
 */
export interface SessionStory extends Omit<SessionSummary, "verdict" | "holeCount">, ReadState {
  readonly steps: readonly SessionStep[];
  /** True when the session has entries that this answer does not tell of. */
  readonly isTruncated: boolean;
  /** Where the next part begins, by ledger index; absent on the last one. */
  readonly nextCursor?: string;
}
