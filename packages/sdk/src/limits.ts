// Every bound of the SDK, its unit and the reason for the number.

/** Events in a buffer before it is flushed, unless configured otherwise. */
export const BUFFER_EVENTS_DEFAULT = 100;
/** Milliseconds that a buffered event waits at most, unless configured otherwise. */
export const FLUSH_INTERVAL_MS_DEFAULT = 5_000;
/** Milliseconds that a durable event waits for the server before it goes to the disk, unless configured otherwise. */
export const DEADLINE_MS_DEFAULT = 250;
/** Milliseconds that a strict event waits for the server before it throws, unless configured otherwise. */
export const STRICT_TIMEOUT_MS_DEFAULT = 10_000;
/** Milliseconds after which a request is given up and sent again. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Events in one request: small enough for an answer within milliseconds, large enough for full speed. */
export const REQUEST_EVENTS_MAX = 1_000;
/** Characters of events in one request. The server takes 32 MB. */
export const REQUEST_CHARS_MAX = 4 * 1_048_576;
/** Events that wait in memory; more go to the spool, or are dropped and counted. */
export const MEMORY_EVENTS_MAX = 10_000;
/** Characters of events that wait in memory. */
export const MEMORY_CHARS_MAX = 32 * 1_048_576;
/** First and longest pause before a server that was away is asked again, in milliseconds. */
export const RETRY_DELAY_MS = 500;
export const RETRY_DELAY_MS_MAX = 30_000;
/** Milliseconds between heartbeats of a source that recorded something, unless configured otherwise. */
export const HEARTBEAT_INTERVAL_MS_DEFAULT = 300_000;
/** Milliseconds that closing waits for the server before the rest goes to the disk. */
export const CLOSE_TIMEOUT_MS_DEFAULT = 5_000;
/** Milliseconds between looks into the spool for events of other processes. */
export const SPOOL_LOOK_INTERVAL_MS = 60_000;
/** Ranges of sequence numbers that a report of dropped events lists; all are counted. */
export const DROPPED_RANGES_MAX = 100;
/** Ids remembered of events that were acked after they had gone to the spool: those are not sent again. */
export const ACKED_IDS_MAX = 10_000;
/** Characters of JSON of one event: what is longer is refused before it is sent. The server's own limit. */
export const EVENT_CHARS_MAX = 16 * 1_048_576;
/** Levels of nesting that are walked; the server refuses more than 64. */
export const VALUE_DEPTH_MAX = 64;
/** Values in one event that are walked: about a second of work. */
export const VALUES_MAX = 1_000_000;
/** Characters of an outcome's code that are sent. The event's own limit. */
export const CODE_CHARS_MAX = 64;
/** Tenants whose events one emitter numbers, about 100 bytes each. Events of further ones carry no source. */
export const NUMBERED_TENANTS_MAX = 100_000;
/** Milliseconds that a question to the server may take, with its answer: searches wait for the index, proofs for a checkpoint. */
export const READ_REQUEST_MS_MAX = 120_000;
