import { AuditError } from "@vouchtrail/events/errors";

/** What an error of DuckDB is about, as far as it matters for what to do next. */
export type FaultKind = "damaged" | "fatal" | "locked" | "disk-full" | "memory" | "interrupted" | "other";

/**
 * What is in memory no longer agrees with the files, or may not: only opening them again helps. Nothing is lost by that, because what is in
 * memory alone is read again from the ledger.
 */
export class StoreUnsound extends Error {
  override readonly name = "StoreUnsound";
}

/** Classes of errors whose text an asker chooses: `error('checksum')` must not look like damage. */
const ASKED_FOR =
  /^(?:Invalid Input|Conversion|Parser|Syntax|Binder|Catalog|Out of Range|Permission|Mismatch Type|Not implemented|Constraint) Error: /;
/** Where DuckDB begins to quote the statement. */
const QUOTE = "\n\nLINE ";

const KINDS: readonly (readonly [FaultKind, RegExp])[] = [
  ["interrupted", /^INTERRUPT Error/],
  // After it the instance or one of its files answers nothing any more. The reason that stands behind it may be any of those below.
  ["fatal", /^(?:FATAL|INTERNAL) Error|has been invalidated|was not able to be re-opened/],
  ["locked", /Could not set lock|Conflicting lock|Unique file handle conflict/],
  ["disk-full", /No space left|disk full|ENOSPC|Disk quota exceeded|File too large/i],
  ["memory", /^Out of Memory Error|could not allocate|failed to allocate/i],
  // Says something about the process or its rights, nothing about the file.
  ["other", /Too many open files|Permission denied/],
  // A block that does not match its checksum, or bytes that are no file of DuckDB at all.
  ["damaged", /^(?:IO|Serialization) Error|checksum|corrupt|deserializ/i],
];

export function faultKind(error: unknown): FaultKind {
  if (error instanceof StoreUnsound) return "fatal";
  if (error instanceof AuditError) return "other";
  const [message = ""] = (error instanceof Error ? error.message : String(error)).split(QUOTE, 1);
  if (ASKED_FOR.test(message)) return "other";
  return KINDS.find(([, pattern]) => pattern.test(message))?.[0] ?? "other";
}

/**
 * An error of DuckDB as one of ours. Messages of DuckDB name paths and may quote content: they go no further than `cause`.
 *
 * @param doing What was being done: short memory is the question's fault only when one was asked.
 */
export function toEngineError(error: unknown, doing: "asking" | "indexing"): AuditError {
  if (error instanceof AuditError) return error;
  switch (faultKind(error)) {
    case "disk-full":
      return new AuditError("DISK_FULL", { cause: error });
    case "memory":
      if (doing === "asking") return new AuditError("QUERY_TOO_LARGE", { cause: error });
      return new AuditError("SEARCH_UNAVAILABLE", {
        message: "The search index is short of memory and tries again. If that goes on, raise search.memoryMegabytes.",
        cause: error,
      });
    case "interrupted":
      return new AuditError("QUERY_TIMEOUT", { cause: error });
    case "damaged":
      return new AuditError("SEARCH_UNAVAILABLE", {
        message: "A file of the search index is damaged. It is being made anew from the ledger; retry in a moment.",
        cause: error,
      });
    default:
      return new AuditError("SEARCH_UNAVAILABLE", { cause: error });
  }
}
