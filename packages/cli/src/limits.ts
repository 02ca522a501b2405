/** Every bound of the command line, with its unit and its reason. */

/** Events of one request of an import. */
export const BATCH_EVENTS_MAX = 500;
/** Bytes of one request of an import; one event may exceed it alone. */
export const BATCH_BYTES_MAX = 4 * 1_048_576;
/** Requests in flight: the next batch is read while one is being stored. */
export const REQUESTS_IN_FLIGHT_MAX = 2;
/** Bytes of one record of a file: what the server takes as a whole body. */
export const RECORD_BYTES_MAX = 32 * 1_048_576;
/** Bytes of a file looked at to tell its shape. */
export const SAMPLE_BYTES_MAX = 1_048_576;
/** Refusals of one file that are listed; the rest is counted. */
export const REFUSALS_LISTED_MAX = 10;
/** Times a request is sent before a fault that may pass is given up on: about 45 seconds in all. */
export const ATTEMPTS_MAX = 8;
/** Delay before the second attempt, in milliseconds; it doubles each time. */
export const RETRY_DELAY_MS = 500;
/** Longest delay between two attempts, in milliseconds. */
export const RETRY_DELAY_MS_MAX = 15_000;
/** Longest a request may take, in milliseconds. A checkpoint is waited for up to 10 seconds. */
export const REQUEST_MS_MAX = 60_000;
/** Longest wait for a sign of life, in milliseconds: `doctor` and the start of an import ask first. */
export const PROBE_MS_MAX = 3_000;
/** How long a stop may take before the rest is left to the recovery of the next start, in milliseconds. */
export const STOP_MS_MAX = 30_000;
/** Characters of one server-sent event: an entry with two sections of the largest configurable size. */
export const STREAM_EVENT_CHARS_MAX = 64 * 1_048_576;
/** Bytes of a bundle file. */
export const BUNDLE_FILE_BYTES_MAX = 256 * 1_048_576;
/** Bytes of standard input for one event. */
export const STDIN_BYTES_MAX = 32 * 1_048_576;
/** Free bytes below which `doctor` warns: at 64 MiB intake pauses. */
export const DISK_FREE_BYTES_LOW = 1_073_741_824;
/** Seconds that two clocks may differ before `doctor` warns. */
export const CLOCK_DIFFERENCE_SECONDS_MAX = 5;
