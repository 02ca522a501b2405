import type { AuditEventInput } from "@vouchtrail/events";

/** What the trail gives for an event that is on stable storage. */
export interface LogReceipt {
  readonly origin: string;
  readonly id: string;
  readonly index: number;
  /** SHA-256 of the leaf, in standard base64. */
  readonly leafHash: string;
  readonly duplicate?: true;
}

/**
 * What became of an event.
 *
 * - `stored`: it is in the trail; the receipt says where.
 * - `spooled`: it is on the disk of this machine and goes to the trail when that can be reached.
 * - `queued`: it is in the outbox of the application's own database, and is taken from there to the trail.
 */
export type Recorded =
  | { readonly state: "stored"; readonly id: string; readonly receipt: LogReceipt }
  | { readonly state: "spooled" | "queued"; readonly id: string };

/** Where the tools write to. */
export interface AuditLog {
  /**
   * Resolves when nothing can take the event away any more.
   *
   * @throws {AuditError} Why it was refused, or that it could not be kept anywhere.
   */
  record(event: AuditEventInput): Promise<Recorded>;
}
