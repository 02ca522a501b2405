import { AuditError } from "@vouchtrail/events/errors";
import { EntryRejected } from "./apply.ts";
import { FAILURE_MESSAGE_CHARS_MAX } from "./limits.ts";

/** What is told of an error: never the content of an event. */
export interface Failure {
  /** Of `ERRORS`, of the system (`ECONNREFUSED`) or of the store (`23505`); `INTERNAL` for what has none. */
  readonly code: string;
  readonly message: string;
}

/** Codes of the system and of SQL: nothing that could be a value out of an event. */
const FOREIGN_CODE = /^(?:E[A-Z0-9_]{2,30}|[0-9A-Z]{5})$/;
/** Names of error classes. */
const CLASS_NAME = /^[A-Z][A-Za-z]{0,60}$/;

/**
 * Tells an error without what it may quote: databases put the value that they could not convert into their message. So only the messages of
 * `AuditError`, which are our own, are kept; of any other error its code and class. Rule: FOLLOW-14.
 */
export function describeFailure(error: unknown): Failure {
  const told = error instanceof EntryRejected && error.cause !== undefined ? error.cause : error;
  if (told instanceof AuditError) return { code: told.code, message: told.message.slice(0, FAILURE_MESSAGE_CHARS_MAX) };
  if (told instanceof EntryRejected) return { code: "INTERNAL", message: told.message };
  const code =
    told instanceof Error && "code" in told && typeof told.code === "string" && FOREIGN_CODE.test(told.code) ? told.code : "INTERNAL";
  const name = told instanceof Error && CLASS_NAME.test(told.name) ? told.name : "unknown";
  return { code, message: `The store failed with an error of class ${name}${code === "INTERNAL" ? "" : ` and code ${code}`}.` };
}
