import type { EvidenceBundle } from "@vouchtrail/protocol";
import type { EntryView, ReadState } from "./reader.ts";
import type { JoinBasis, StoryApproval } from "./session-story.ts";

/** The links from a wish to what became of it, in their order. */
export const LINK_ROLES = ["prompt", "decision", "approval", "action", "outcome"] as const;
export type LinkRole = (typeof LINK_ROLES)[number];

/** One entry of the chain that explains an event, with its proof. */
export interface ExplanationLink {
  readonly role: LinkRole;
  readonly entry: EntryView;
  /** `c2sp.org/tlog-proof@v1` text under the checkpoint of the explanation; the same as in `bundle`. */
  readonly inclusionProof: string;
  /** Leaf, sections and proof for checking offline. */
  readonly bundle: EvidenceBundle;
  readonly basis: JoinBasis;
  /** What joins it to the event, in a few words: `same call id`. */
  readonly why: string;
}

/**
 * Why an event happened: prompt, decision, approval, action, outcome, each with a proof of its inclusion under one checkpoint.
 * Rules: EXPLAIN-1 to EXPLAIN-8.
 */
export interface Explanation extends ReadState {
  readonly event: EntryView;
  /** In the order of {@link LINK_ROLES}, within a role by time. At most 100 entries. */
  readonly chain: readonly ExplanationLink[];
  /** What the trail does not hold, each with a sentence that says so. */
  readonly missing: readonly { readonly role: LinkRole; readonly message: string }[];
  /** Whether the action was allowed, and who said so; absent where nothing speaks for either. */
  readonly approval?: StoryApproval;
  /** The signed note under which every link is proved. */
  readonly checkpoint: string;
}
