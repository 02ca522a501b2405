import type { AuditEvent, AuditEventInput } from "../event.ts";
import { fromResourceEntry, type ResourceForm, resourceNeeds, toResourceEntry } from "./resource-entry.ts";

/** What `logAudit` takes: a user did an action on a resource. Keys that are not named here are allowed and kept. */
export interface ResourceEvent {
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string;
  /** Text, or a number. Without one the actor is the system, `unknown`. */
  readonly userId?: unknown;
  readonly details?: unknown;
  readonly ipAddress?: unknown;
  readonly userAgent?: unknown;
  /** What is recorded without it has succeeded, unless there is an error message. */
  readonly success?: boolean | null;
  readonly errorMessage?: unknown;
  readonly [key: string]: unknown;
}

const FORM: ResourceForm = {
  shape: "resource-event",
  restKey: "resourceEvent",
  marksKey: "resourceEventMarks",
  typeKey: "resourceType",
  detailsKey: "details",
  outcome: "failure-only",
  members: new Set(["action", "resourceType", "resourceId", "userId", "details", "ipAddress", "userAgent", "success", "errorMessage"]),
  needs: resourceNeeds("resourceType", "failure-only"),
};

/**
 * Turns one resource event into an event. Law: `toResourceEvent(fromResourceEvent(x).event)` equals `x` for every valid `x` (MAPPING-21).
 *
 * @param input An object as an application gives it; it is not changed, and nothing in `details` is copied deeply.
 * @returns The event, without id, time and tenant, and one sentence for each value that had to be replaced, also for a missing `userId`.
 * @throws {AuditError} `SHAPE_INVALID`, naming every required member that is missing or wrong, with the path of the first.
 */
export function fromResourceEvent(input: unknown): { event: AuditEventInput; notes: string[] } {
  return fromResourceEntry(input, FORM);
}

/**
 * Turns an event into a resource event. Exact for events made by {@link fromResourceEvent}. Of other events, members without a place are left
 * out, the actor of any type is `userId`, and every status but `success` is `success: false`.
 */
export function toResourceEvent(event: AuditEvent): ResourceEvent {
  return toResourceEntry(event, FORM) as unknown as ResourceEvent;
}
