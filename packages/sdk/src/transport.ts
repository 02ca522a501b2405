import type { AuditError, Fault } from "@vouchtrail/events";

/** An event that is ready to leave: nothing in it changes any more, so that it can be sent twice and stays the same event. */
export interface OutgoingEvent {
  /** UUID of the event: what makes sending it again harmless. */
  readonly id: string;
  /** One event as JSON, without line breaks. */
  readonly json: string;
}

/** What the trail gives for an event that is on stable storage. */
export interface Receipt {
  readonly origin: string;
  readonly id: string;
  readonly index: number;
  /** SHA-256 of the leaf, in standard base64. */
  readonly leafHash: string;
  /** The event was in the trail already. */
  readonly duplicate?: true;
}

/** What became of one event that was sent. */
export type Answer = { readonly receipt: Receipt } | { readonly fault: Fault };

/** A way to a trail. */
export interface Transport {
  /**
   * Sends events. Resolves with one answer for each, in their order.
   *
   * @throws {AuditError} Nothing is known about any of the events. They may be sent again with the same ids: `isRetryable` of the code says whether
   *   that can help without a change of the settings. {@link retryAfterMs} tells how long the trail wants to be left alone.
   */
  send(events: readonly OutgoingEvent[], signal: AbortSignal): Promise<readonly Answer[]>;
  close?(): Promise<void>;
}

/** Milliseconds that a server asked to be left alone for. */
export function retryAfterMs(error: AuditError): number | undefined {
  const { retryAfterMs: asked } = error.detail;
  return typeof asked === "number" ? asked : undefined;
}
