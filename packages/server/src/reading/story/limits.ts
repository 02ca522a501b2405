/** Every bound of stories and explanations, with its unit and its reason. */

/** Entries that one story tells of: a long session of several days; more make a tree that nobody reads. */
export const STORY_ENTRIES_MAX = 5_000;
/** Characters of the title of a step: one line. */
export const TITLE_CHARS_MAX = 200;
/** Characters of what was said, of a message of an outcome, and of what was shown for approval: enough to recognise it. */
export const PREVIEW_CHARS_MAX = 500;
/** Levels of a story: what lies deeper stands at the top, so that a hostile session cannot nest an answer beyond what JSON readers take. */
export const STORY_DEPTH_MAX = 64;
/** Ids in each list of the summary of a session. */
export const SUMMARY_NAMES_MAX = 20;
/** Entries that are looked at on either side of an event to explain it. */
export const EXPLAIN_ENTRIES_MAX = 2_000;
/** Rounds in which what shares an id with what was found is added: an approval, its task, the prompt of the task. */
export const RELATED_ROUNDS_MAX = 4;
/** Entries of one explanation: each carries its proof. */
export const CHAIN_LINKS_MAX = 100;
/** Levels of values that are looked at for a digest: JSON that is nested deeper is compared by its text. */
export const CANONICAL_DEPTH_MAX = 64;
