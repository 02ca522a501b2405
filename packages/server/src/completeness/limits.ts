/** Every bound of verdicts, with its unit and its reason. */

/** Entries that are compared for one question, of one session or of a page of them: about a second in the process of the search index. */
export const COMPARED_ENTRIES_MAX = 100_000;
/** How long after its last entry a session that was not ended may still be running, in milliseconds: agents wait for people, and shells run for ten minutes. */
export const RUNNING_MS_MAX = 900_000;
/** Holes that a verdict lists; the rest is counted. */
export const HOLES_LISTED_MAX = 200;
/** Entries that are named for a hole. */
export const EVIDENCE_MAX = 5;
/** Calls that are named for what is explained. */
export const EXPLAINED_CALLS_MAX = 20;
/** Gaps of sources that are looked at. */
export const SEQUENCE_GAPS_MAX = 1_000;
