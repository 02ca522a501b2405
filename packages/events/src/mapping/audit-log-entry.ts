import type { AuditEvent, AuditEventInput } from "../event.ts";
import { fromResourceEntry, type ResourceForm, resourceNeeds, toResourceEntry } from "./resource-entry.ts";

/** One entry of an application's audit log, with what changed. Keys that are not named here are allowed and kept. */
export interface AuditLogEntry {
  /** Any text; one that is a UUID becomes the event's id. */
  readonly id?: unknown;
  /** RFC 3339. */
  readonly timestamp?: unknown;
  /** Text, or a number. Without one the actor is the system, `unknown`. */
  readonly userId?: unknown;
  readonly username?: unknown;
  readonly action: string;
  readonly resource: string;
  readonly resourceId: string;
  /** `{ before?, after?, fields? }`. */
  readonly changes?: unknown;
  readonly ipAddress?: unknown;
  readonly userAgent?: unknown;
  /** `success`, `failure`, `partial`, `pending` or `denied`; `error` and `failed` are failures. */
  readonly status: string;
  readonly errorMessage?: unknown;
  readonly metadata?: unknown;
  readonly [key: string]: unknown;
}

const FORM: ResourceForm = {
  shape: "audit-log-entry",
  restKey: "auditLogEntry",
  marksKey: "auditLogEntryMarks",
  typeKey: "resource",
  detailsKey: "metadata",
  outcome: "status",
  members: new Set([
    "id",
    "timestamp",
    "userId",
    "username",
    "action",
    "resource",
    "resourceId",
    "changes",
    "ipAddress",
    "userAgent",
    "status",
    "errorMessage",
    "metadata",
  ]),
  needs: resourceNeeds("resource", "status"),
};

/**
 * Turns one entry of an audit log into an event. Law: `toAuditLogEntry(fromAuditLogEntry(x).event)` equals `x` for every valid `x` (MAPPING-23).
 *
 * @param input Parsed JSON.
 * @returns The event, and one sentence for each value that had to be replaced, also for a missing `userId`. A missing id or time is filled by the
 *   server and appears on the way back.
 * @throws {AuditError} `SHAPE_INVALID`, naming every required member that is missing or wrong, with the path of the first.
 */
export function fromAuditLogEntry(input: unknown): { event: AuditEventInput; notes: string[] } {
  return fromResourceEntry(input, FORM);
}

/**
 * Turns an event into an entry of an audit log. Exact for events made by {@link fromAuditLogEntry}. Of other events, members without a place are
 * left out, and the actor of any type is `userId`.
 */
export function toAuditLogEntry(event: AuditEvent): AuditLogEntry {
  return toResourceEntry(event, FORM) as unknown as AuditLogEntry;
}
