interface ErrorRule {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly isRetryable: boolean;
  /** What happened and what to do next, in one or two sentences. */
  readonly title: string;
}

/**
 * Every error a caller can meet. Callers branch on the code, never on the message.
 * `docs/errors.md` is this table as a page; a test keeps the two equal.
 */
export const ERRORS = {
  BODY_INVALID: {
    status: 400,
    isRetryable: false,
    title: "The body is not valid JSON or NDJSON. Send one event, an array, or one event a line.",
  },
  BODY_NOT_UTF8: { status: 400, isRetryable: false, title: "The body is not valid UTF-8. Encode it as UTF-8 without a byte order mark." },
  BODY_TOO_LARGE: { status: 413, isRetryable: false, title: "The body exceeds the size limit. Send fewer events a request." },
  CONTENT_TYPE_UNSUPPORTED: {
    status: 415,
    isRetryable: false,
    title: "The content type is not accepted here. Send application/json or application/x-ndjson.",
  },
  EVENT_INVALID: { status: 400, isRetryable: false, title: "The event does not match the schema." },
  EVENT_TOO_DEEP: { status: 400, isRetryable: false, title: "The event is nested too deeply." },
  EVENT_TOO_LARGE: {
    status: 413,
    isRetryable: false,
    title: "The event exceeds the size limit. Move large content out of it and name it by its hash.",
  },
  EVENTS_TOO_MANY: { status: 413, isRetryable: false, title: "The request holds too many events. Split it." },
  KEY_UNKNOWN: {
    status: 400,
    isRetryable: false,
    title: "The event has a key that the schema does not know. Put free-form data under details.",
  },
  KEY_DUPLICATE: { status: 400, isRetryable: false, title: "An object names the same key twice." },
  NUMBER_INEXACT: { status: 400, isRetryable: false, title: "A number does not survive a JSON round trip. Send it as a string." },
  TEXT_INVALID: { status: 400, isRetryable: false, title: "A string holds half of a surrogate pair." },
  ID_CONFLICT: {
    status: 409,
    isRetryable: false,
    title: "An event with this id but other content is already in the trail. Use a fresh id.",
  },
  TENANT_FORBIDDEN: { status: 403, isRetryable: false, title: "The key is bound to another tenant." },
  ACTOR_FORBIDDEN: { status: 403, isRetryable: false, title: "The key may not write for an actor of this type." },
  SOURCE_FORBIDDEN: { status: 403, isRetryable: false, title: "The key is bound to another source." },
  KEY_REQUIRED: {
    status: 401,
    isRetryable: false,
    title: "An API key is needed. Send it as Authorization: Bearer <key>; vouchtrail keys create makes one.",
  },
  KEY_INVALID: { status: 401, isRetryable: false, title: "The API key is not known here or was revoked." },
  SCOPE_MISSING: { status: 403, isRetryable: false, title: "The API key lacks the scope for this." },
  HOST_FORBIDDEN: { status: 421, isRetryable: false, title: "The Host header names another server. Add the name to http.hosts." },
  ORIGIN_FORBIDDEN: { status: 403, isRetryable: false, title: "Requests from this web origin are refused. Add it to http.origins." },
  NOT_FOUND: { status: 404, isRetryable: false, title: "There is nothing here under this name." },
  METHOD_NOT_ALLOWED: { status: 405, isRetryable: false, title: "This route does not take this method." },
  FILTER_INVALID: { status: 400, isRetryable: false, title: "A filter or parameter has a wrong name or value." },
  ENTRY_PRUNED: {
    status: 410,
    isRetryable: false,
    title: "The entry was removed by retention; its hash remains and old receipts still verify.",
  },
  TILE_UNKNOWN: { status: 404, isRetryable: false, title: "No checkpoint covers this tile, or the path is not a tile path." },
  PUSHBACK: { status: 503, isRetryable: true, title: "The server is behind. Retry later with the same ids." },
  OUTCOME_UNKNOWN: {
    status: 503,
    isRetryable: true,
    title: "The disk failed while this was being written. Retry with the same ids; nothing will be stored twice.",
  },
  LEDGER_READ_ONLY: { status: 503, isRetryable: true, title: "The ledger does not accept entries now. /readyz says why." },
  DISK_FULL: { status: 503, isRetryable: true, title: "The disk is nearly full. Free some space; intake resumes by itself." },
  SHUTTING_DOWN: { status: 503, isRetryable: true, title: "The server is stopping. Retry with the same ids." },
  CHECKPOINT_TIMEOUT: {
    status: 503,
    isRetryable: true,
    title: "The events are stored, but no checkpoint covered them in time. Ask for the inclusion proof later.",
  },
  RANGE_INVALID: { status: 400, isRetryable: false, title: "The range does not lie within the ledger." },
  LEDGER_DAMAGED: {
    status: 500,
    isRetryable: false,
    title: "The ledger is damaged. Nothing was changed; run vouchtrail verify and restore from a copy.",
  },
  LEDGER_LOCKED: {
    status: 500,
    isRetryable: false,
    title: "Another process has this data directory open. Stop it, or use another --data.",
  },
  LEDGER_REGRESSED: {
    status: 500,
    isRetryable: false,
    title: "The ledger is older than or differs from what was signed before. Restore the newer copy, or run vouchtrail ledger fork.",
  },
  DATA_NEWER: { status: 500, isRetryable: false, title: "The data directory was written by a newer version. Upgrade Vouchtrail." },
  DATA_UNREADABLE: { status: 500, isRetryable: false, title: "The data directory cannot be read or written. Check owner and permissions." },
  SIGNING_KEY_MISSING: {
    status: 500,
    isRetryable: false,
    title: "The signing key of this ledger is missing. Restore secrets/, or run vouchtrail ledger fork.",
  },
  SIGNING_KEY_FOREIGN: { status: 500, isRetryable: false, title: "The signing key belongs to another ledger. Restore the right secrets/." },
  CONFIG_INVALID: { status: 500, isRetryable: false, title: "The configuration is not valid." },
  SHAPE_INVALID: { status: 400, isRetryable: false, title: "The entry does not have the shape that was named or detected." },
  CURSOR_INVALID: {
    status: 400,
    isRetryable: false,
    title: "The cursor was not issued by this server for this question. Start again without it.",
  },
  SEARCH_UNAVAILABLE: {
    status: 503,
    isRetryable: true,
    title: "The search index is not ready. Entries are still accepted and can be read by id; /readyz says what it waits for.",
  },
  SEARCH_BEHIND: {
    status: 503,
    isRetryable: true,
    title: "The search index has not caught up with the ledger in time. Retry, or ask without waiting.",
  },
  QUERY_TIMEOUT: {
    status: 503,
    isRetryable: false,
    title: "The query took too long and was stopped. Narrow it by time or by a filter.",
  },
  QUERY_TOO_LARGE: {
    status: 400,
    isRetryable: false,
    title: "The query needs more memory than it may take. Narrow it, or group by fewer values.",
  },
  QUERY_BUSY: {
    status: 503,
    isRetryable: true,
    title: "Too many queries wait already. Retry later.",
  },
  SQL_INVALID: { status: 400, isRetryable: false, title: "The SQL cannot be run." },
  SQL_FORBIDDEN: {
    status: 400,
    isRetryable: false,
    title: "Only one SELECT over entries, deeds and agent_audit_log is allowed: nothing that writes, attaches or reads files.",
  },
  FOLLOWER_DIVERGED: {
    status: 500,
    isRetryable: false,
    title: "A follower has read another ledger than this one. Restore the ledger that it read, or rebuild the follower.",
  },
  DEAD_LETTERS_FULL: {
    status: 500,
    isRetryable: false,
    title:
      "A follower has set aside as many entries as it may, and has paused. See why in its dead letters, repair the cause, and resume it.",
  },
  TRAIL_UNREACHABLE: {
    status: 503,
    isRetryable: true,
    title: "The trail could not be reached, or did not answer in time. The events are kept where the emitter can keep them.",
  },
  SPOOL_FULL: {
    status: 507,
    isRetryable: true,
    title: "The spool holds as many bytes as it may. Bring the trail back, or give the spool more room.",
  },
  SPOOL_FAILED: {
    status: 500,
    isRetryable: true,
    title: "The spool cannot be written or read. Check the folder, its owner and the free space.",
  },
  MEMORY_FULL: {
    status: 503,
    isRetryable: true,
    title: "As many events wait in memory as may. Bring the trail back, or give the emitter a spool.",
  },
  EMITTER_CLOSED: { status: 500, isRetryable: false, title: "The emitter is closed. Emit before close(), or open another one." },
  INTERNAL: { status: 500, isRetryable: true, title: "The server failed. Its log names the request id." },
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERRORS;

/** Ids, sizes and names only; never the content of an event. */
export type ErrorDetail = Readonly<Record<string, string | number | undefined>>;

/** The one error class. `path` leads to the fault (`actor.type`, `details.items.3`). */
export class AuditError extends Error {
  override readonly name = "AuditError";
  readonly code: ErrorCode;
  readonly path: string | undefined;
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, options: { path?: string; message?: string; detail?: ErrorDetail; cause?: unknown } = {}) {
    super(options.message ?? ERRORS[code].title, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.detail = options.detail ?? {};
  }
}

/** One fault in one event of a request: what `errors` of the answer holds beside the position. */
export interface Fault {
  readonly code: ErrorCode;
  readonly path: string;
  readonly message: string;
}
