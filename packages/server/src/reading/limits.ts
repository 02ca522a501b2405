/** Every bound of reading, with its unit and its reason. */

/** Entries of a page when the question does not say. */
export const SEARCH_ENTRIES_DEFAULT = 50;
/** Entries of one page: what a client can show or hold at once. */
export const SEARCH_ENTRIES_MAX = 1_000;
/** Entries of one stream when the question does not say. */
export const READ_STREAM_ENTRIES_DEFAULT = 10_000;
/** Entries of one stream: more than a spreadsheet holds, and a request that ends some day. */
export const READ_STREAM_ENTRIES_MAX = 1_000_000;
/** Entries that a stream asks the search index for at a time: about a megabyte on the way between the processes. */
export const STREAM_STEP_ENTRIES = 10_000;
/** Bundles of a page: each is made of several tiles. */
export const BUNDLES_MAX = 200;
export const BUNDLES_DEFAULT = 50;
/**
 * Characters of the entries of one page. A page that reaches it ends early and says where to go on; a single entry may exceed it alone. An entry
 * may hold megabytes, and a page stands in memory as a whole.
 */
export const PAGE_CHARS_MAX = 16 * 1_048_576;
/** Groups of entries that are read from the ledger at the same time; each is at most one block. */
export const READS_IN_FLIGHT_MAX = 4;
/** Characters of a group beyond which the next one is read only when this one was taken. */
export const READ_AHEAD_CHARS_MAX = 4 * 1_048_576;
/** Entries between two wanted ones that are rather read and thrown away than skipped by a read of their own. */
export const READ_GAP_ENTRIES_MAX = 8;
/** Names that deeds are grouped by at a time. */
export const STATS_NAMES_MAX = 3;
export const STATS_GROUPS_DEFAULT = 100;
/** Groups of one answer. */
export const STATS_GROUPS_MAX = 1_000;
/** Sources of one answer, and what is given unless the question says. */
export const SOURCES_MAX = 1_000;
/** Sessions of one answer, and what is given unless the question says: each is compared entry by entry. */
export const SESSIONS_DEFAULT = 50;
export const SESSIONS_MAX = 200;
/** Bytes of the key that authenticates cursors. */
export const CURSOR_KEY_BYTES = 32;
