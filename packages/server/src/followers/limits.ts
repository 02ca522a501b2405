/** Every bound of the follower engine, with its unit and its reason. */

/** Entries of one batch: eight steps of the ledger's `read`, far more than one group commit of a busy server holds. */
export const BATCH_ENTRIES_MAX = 2_048;
/** Characters (UTF-16 units) of one batch. One entry may exceed it alone. Two batches are in memory at most: one applied, one read ahead. */
export const BATCH_CHARS_MAX = 8 * 1_048_576;
/** Longest that a batch may wait to fill, in milliseconds: what is acked should be searchable before a person looks. */
export const GATHER_MS_MAX = 50;
/** Wait before the second attempt, in milliseconds; it doubles with each further one. */
export const RETRY_MS_MIN = 2_000;
/** Longest wait between two attempts, in milliseconds: a store that comes back is noticed within a minute. */
export const RETRY_MS_MAX = 60_000;
/** Attempts for an entry that is itself the problem, before it becomes a dead letter. */
export const REJECTIONS_MAX = 3;
/** Dead letters of one follower. More of them are no longer single entries: something is wrong with the store or with the program. */
export const DEAD_LETTERS_MAX = 10_000;
/** Characters of an error's message that are kept. Keeps the file of dead letters below 10 MB. */
export const FAILURE_MESSAGE_CHARS_MAX = 300;
/** How long closing waits for a batch that does not heed its signal, in milliseconds: a server that stops must not wait for a dead store. */
export const CLOSE_GRACE_MS = 10_000;
