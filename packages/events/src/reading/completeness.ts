import type { ReadState } from "./reader.ts";

/**
 * Who told of a session, by `received.via`: hooks of the agent, its transcript (`import`), its telemetry, a proxy before a tool server, or the
 * program itself (`sdk`: everything that was sent as an event).
 */
export const VANTAGE_POINTS = ["hook", "import", "otlp", "proxy", "sdk"] as const;
export type VantagePoint = (typeof VANTAGE_POINTS)[number];

/** What can be missing from the record of a session, and the rule of docs/spec/completeness.md that says when. */
export const HOLE_RULES = {
  "outcome-missing": "COMPLETE-6",
  "intent-missing": "COMPLETE-7",
  "ending-missed": "COMPLETE-8",
  "call-missed": "COMPLETE-9",
  "transcript-cut": "COMPLETE-10",
  "subagent-missing": "COMPLETE-11",
  "ending-disagrees": "COMPLETE-12",
  "tool-disagrees": "COMPLETE-13",
  "result-without-call": "COMPLETE-14",
  "transcript-broken": "COMPLETE-15",
  "sequence-gap": "COMPLETE-16",
  "hook-error": "COMPLETE-17",
  "events-dropped": "COMPLETE-18",
  "start-missing": "COMPLETE-19",
  "end-missing": "COMPLETE-20",
} as const;
export type HoleKind = keyof typeof HOLE_RULES;

/** What looks like a hole and is none, because another vantage point says why. */
export const EXPLAINED_RULES = { denied: "COMPLETE-21", cancelled: "COMPLETE-22", "rejected-before-start": "COMPLETE-23" } as const;
export type ExplainedKind = keyof typeof EXPLAINED_RULES;

/** What would have to be known for a verdict. */
export const UNKNOWN_RULES = {
  "one-vantage-point": "COMPLETE-3",
  "calls-told-once": "COMPLETE-3",
  "still-running": "COMPLETE-4",
  "too-many-entries": "COMPLETE-5",
} as const;
export type UnknownKind = keyof typeof UNKNOWN_RULES;

/** One hole in the record of a session. */
export interface Hole {
  readonly kind: HoleKind;
  /** `COMPLETE-9` */
  readonly rule: string;
  /** What is missing and who missed it, as a sentence. Names ids and tools, no content. */
  readonly message: string;
  /** The vantage point that should have told of it and did not. */
  readonly missedBy?: VantagePoint;
  readonly callId?: string;
  readonly tool?: string;
  /** The conversation of a subagent, `<session>/<its id>`. */
  readonly conversationId?: string;
  /** Missing sequence numbers of a source, both ends missing. */
  readonly gap?: { readonly source: string; readonly instance: string; readonly from: number; readonly to: number };
  /** How many calls or events it stands for; absent for one. */
  readonly count?: number;
  /** Entries that show it, at most 5. */
  readonly evidence: readonly { readonly index: number; readonly id: string }[];
}

export interface Explained {
  readonly kind: ExplainedKind;
  readonly rule: string;
  /** How many calls. */
  readonly count: number;
  /** At most 20 of them. */
  readonly callIds: readonly string[];
}

/** What a vantage point told of a session. */
export interface VantageView {
  readonly via: VantagePoint;
  readonly entries: number;
  /** Different calls that it told of. */
  readonly calls: number;
}

/** Whether the record of a session is complete, and why. Rules: COMPLETE-1 to COMPLETE-23. */
export interface Completeness {
  readonly tenant: string;
  readonly sessionId: string;
  /** `complete`: at least two vantage points agree on every call, and there is no hole. `incomplete`: there are holes. `unknown`: no hole, and not enough to know. */
  readonly verdict: "complete" | "incomplete" | "unknown";
  /** The rule of the verdict: `COMPLETE-1`, `COMPLETE-2`, or that of the first of `missing`. */
  readonly rule: string;
  readonly vantagePoints: readonly VantageView[];
  /** Different calls of the session. */
  readonly calls: number;
  /** Calls of which at least two vantage points told. */
  readonly agreed: number;
  /** At most 200, in the order of the rules; `holeCount` counts all. */
  readonly holes: readonly Hole[];
  readonly holeCount: number;
  /** What would have to be known; empty unless the verdict is `unknown`. */
  readonly missing: readonly { readonly kind: UnknownKind; readonly rule: string; readonly message: string }[];
  readonly explained: readonly Explained[];
}

export type CompletenessAnswer = Completeness & ReadState;
