import type { AuditEvent, AuditEventInput } from "../event.ts";
import { fromResourceEntry, type ResourceForm, resourceNeeds, toResourceEntry } from "./resource-entry.ts";

/** The payload of a `log_event` job. Keys that are not named here are allowed and kept. */
export interface QueueEvent {
  /** Any text; one that is a UUID becomes the event's id. */
  readonly id?: unknown;
  /** RFC 3339. */
  readonly timestamp?: unknown;
  /** Text, or a number. Without one the actor is the system, `unknown`. */
  readonly userId?: unknown;
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly details?: unknown;
  readonly ipAddress?: unknown;
  readonly userAgent?: unknown;
  readonly sessionId?: unknown;
  readonly requestId?: unknown;
  /** What is recorded without it has succeeded, unless there is an error message. */
  readonly success?: boolean | null;
  readonly errorMessage?: unknown;
  readonly [key: string]: unknown;
}

const FORM: ResourceForm = {
  shape: "queue-event",
  restKey: "queueEvent",
  marksKey: "queueEventMarks",
  typeKey: "resourceType",
  detailsKey: "details",
  outcome: "success",
  members: new Set([
    "id",
    "timestamp",
    "userId",
    "action",
    "resourceType",
    "resourceId",
    "details",
    "ipAddress",
    "userAgent",
    "sessionId",
    "requestId",
    "success",
    "errorMessage",
  ]),
  needs: resourceNeeds("resourceType", "success"),
};

/**
 * Turns the payload of a queue's job into an event. Law: `toQueueEvent(fromQueueEvent(x).event)` equals `x` for every valid `x` (MAPPING-22).
 *
 * @param input Parsed JSON.
 * @returns The event, and one sentence for each value that had to be replaced, also for a missing `userId`. A missing id or time is filled by the
 *   server and appears on the way back.
 * @throws {AuditError} `SHAPE_INVALID`, naming every required member that is missing or wrong, with the path of the first.
 */
export function fromQueueEvent(input: unknown): { event: AuditEventInput; notes: string[] } {
  return fromResourceEntry(input, FORM);
}

/**
 * Turns an event into the payload of a queue's job. Exact for events made by {@link fromQueueEvent}. Of other events, members without a place are
 * left out, the actor of any type is `userId`, and every status but `success` is `success: false`.
 */
export function toQueueEvent(event: AuditEvent): QueueEvent {
  return toResourceEntry(event, FORM) as unknown as QueueEvent;
}
