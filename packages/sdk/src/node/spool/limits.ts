// Every bound of the disk spool, its unit and the reason for the number.

/** Bytes of all files in the folder, unless configured otherwise: about half a million ordinary events. */
export const SPOOL_BYTES_MAX_DEFAULT = 256 * 1_048_576;
/** Bytes after which a file is closed for a new one: about one request, so that room comes back while a long queue is sent. */
export const SPOOL_FILE_BYTES_MAX = 4 * 1_048_576;
/** Bytes of one line. The longest event has 16 Mi characters of up to three bytes; what is longer was not written by a spool. */
export const SPOOL_LINE_BYTES_MAX = 64 * 1_048_576;
/** Bytes of the first read of a file. A longer line doubles it. */
export const SPOOL_READ_BYTES = 262_144;
/** Characters of events that share one sync at most; a larger append has one of its own. */
export const SPOOL_GROUP_CHARS_MAX = 4 * 1_048_576;
/** Events that are encoded before other work of the process has its turn: about a millisecond. */
export const SPOOL_ENCODE_EVENTS = 64;
/** Milliseconds that a file of a process that cannot be asked for (on another host, in another thread) stays unchanged before it is taken over. */
export const SPOOL_IDLE_MS = 600_000;
/** Milliseconds for which the bytes that other processes write are taken as counted. */
export const SPOOL_COUNT_INTERVAL_MS = 5_000;
/** Milliseconds after which a full folder is counted again, in case that others made room. */
export const SPOOL_FULL_COUNT_INTERVAL_MS = 100;
/** Times that an append is written again because its file was taken over. More than one needs an adopter who takes a living process for ended. */
export const SPOOL_REWRITES_MAX = 8;
/** Milliseconds for which a file that cannot be read is left alone, so that it does not hold up the others. */
export const SPOOL_ASIDE_MS = 60_000;
/** Which part of the bytes of the folder may be damaged lines that are kept: one sixteenth. They stay until somebody removes them. */
export const SPOOL_DAMAGED_SHARE = 1 / 16;
