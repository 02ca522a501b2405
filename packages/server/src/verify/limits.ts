/** Every bound of verifying, with its unit and its reason. */

/** Findings of each severity that are listed. A reader needs the first ones; the rest is counted. */
export const FINDINGS_MAX = 100;
/** Bytes of one decompressed block. 256 entries of the largest configurable size are well below; a crafted block must not fill the memory. */
export const BLOCK_BYTES_MAX = 1_073_741_824;
/** Blocks that are read and decompressed ahead of the one being hashed, so that both cores work. */
export const BLOCKS_AHEAD = 4;
/** Entries between two calls of `onProgress` and looks at the signal. */
export const PROGRESS_ENTRIES = 4_096;
/** Bytes of a checkpoint or vkey file that are read: a note is at most 1 MiB. */
export const NOTE_FILE_BYTES_MAX = 1_048_577;
/** Entry bundles that are fetched at the same time. */
export const FETCHES_AHEAD = 8;
/** Milliseconds until a request to a server is given up. */
export const REQUEST_MS_MAX = 30_000;
/** Bytes of one answer of a server: a full entry bundle of the longest leaves. */
export const ANSWER_BYTES_MAX = 16_777_728;
