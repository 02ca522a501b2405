import type { AuditError } from "@vouchtrail/events";
import type { Receipt } from "./transport.ts";

/**
 * When `emit` resolves.
 *
 * - `durable`: when the trail has stored the event or, after a deadline, when the spool has.
 * - `best-effort`: at once.
 * - `strict`: when the trail has stored the event; anything else throws.
 */
export type DeliveryMode = "durable" | "best-effort" | "strict";

/**
 * What is known of an event when `emit` resolves.
 *
 * - `stored`: it is in the trail, on stable storage.
 * - `spooled`: it is on the disk of this machine and goes to the trail when that can be reached, by this process or the next one.
 * - `buffered`: it is in the memory of this process only, and is still being sent.
 * - `dropped`: it is lost, and the trail is told how many were.
 * - `refused`: it is no event that the trail takes; `error` says why.
 */
export type DeliveryState = "stored" | "spooled" | "buffered" | "dropped" | "refused";

export interface Delivered {
  readonly state: DeliveryState;
  readonly receipt?: Receipt;
  readonly error?: AuditError;
}
