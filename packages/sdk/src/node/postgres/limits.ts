// Every bound of the outbox, its unit and the reason for the number.

/** Rows that a relay takes at once, unless configured otherwise: one request, answered within milliseconds, and few rows to send again after a kill. */
export const OUTBOX_BATCH_SIZE_DEFAULT = 500;
/** Milliseconds between looks into an empty outbox, unless configured otherwise: one query by primary key, which costs nothing worth a notification. */
export const OUTBOX_INTERVAL_MS_DEFAULT = 1_000;
/**
 * Milliseconds after which PostgreSQL ends the session of a relay that says nothing in its transaction, so that the rows of a machine that vanished are free again.
 * Twice the time of a request, which is the longest that a relay is silent.
 */
export const OUTBOX_SILENCE_MS_MAX = 60_000;
/** Bytes of an identifier. PostgreSQL cuts longer ones silently, and two could become one (NAMEDATALEN - 1). */
export const NAME_BYTES_MAX = 63;
