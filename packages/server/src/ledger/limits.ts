/** Every bound of the file ledger, with its unit and its reason. */

/** Entries of one segment: 256 bundles of 256, so that a segment is exactly one full tile of level 1. */
export const SEGMENT_ENTRIES = 65_536;
/** Entries of one compressed block: one entry bundle, one tile of level 0. */
export const BLOCK_ENTRIES = 256;
/** Entries written between two fdatasyncs: bounds how much one torn group can hold. */
export const GROUP_ENTRIES_MAX = 16_384;
/** Bytes written between two fdatasyncs. One entry may exceed it alone. */
export const GROUP_BYTES_MAX = 8 * 1_048_576;
/** Characters of entries that wait for the writer: beyond it the caller is told to retry. About two seconds of work. */
export const PENDING_CHARS_MAX = 64 * 1_048_576;
/** Entries that wait for the writer. */
export const PENDING_ENTRIES_MAX = 100_000;
/** Free bytes below which intake pauses before the disk is really full: room for one group, one sealed segment and the index to close. */
export const DISK_FREE_BYTES_MIN = 64 * 1_048_576;
/** How long an answer about free space is believed. */
export const DISK_FREE_CACHE_MS = 1_000;
/** Entries of one batch of `read`. */
export const READ_BATCH_ENTRIES = 256;
/** Decompressed blocks kept for readers that come back to the same place. */
export const BLOCK_CACHE_MAX = 64;
/** Characters of a decompressed block that is still worth keeping. */
export const BLOCK_CACHE_CHARS_MAX = 4 * 1_048_576;
/** Sealed segments whose footers are kept in memory (about 12 KB each). */
export const SEGMENT_CACHE_MAX = 256;
/** Ids of one generation kept in memory; two generations are the newest million. */
export const ID_GENERATION_MAX = 524_288;
/** Id files of one size before they are merged into the next size. */
export const ID_FILES_PER_TIER = 4;
/** Bytes read at a time when a text segment is scanned. */
export const SCAN_CHUNK_BYTES = 4 * 1_048_576;
/** Bytes of one line of a text segment: a leaf and two disclosures of the largest configurable size. */
export const LINE_BYTES_MAX = 64 * 1_048_576;
/** Tiles written at the same time. */
export const TILE_WRITES_MAX = 4;

/** Milliseconds that the holder of a data directory has to tell its process id. It is not waited for longer: that it listens is enough. */
export const LOCK_ANSWER_WAIT_MS = 3_000;
/** How often the lock is looked at anew because somebody else changed it meanwhile. Each time, one of those who try comes further. */
export const LOCK_ATTEMPTS_MAX = 100;
/** Bytes of the folder in a socket's address. macOS takes 104 with the name and a zero byte; the name has at most 30. */
export const SOCKET_FOLDER_BYTES_MAX = 72;
