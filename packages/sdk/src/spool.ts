import type { OutgoingEvent } from "./transport.ts";

/** Events that were taken from a spool to be sent. Until it is told what became of them they stay on the disk. */
export interface SpoolBatch {
  readonly events: readonly OutgoingEvent[];
  /** All of them are in the trail, or were refused by it for good: they may go. */
  done(): Promise<void>;
}

/**
 * Where events wait on the disk while the trail is away. Several processes may use one directory.
 *
 * Trusted for availability only: whoever can change the files can keep events from the trail or add some, not change what is in the trail.
 */
export interface Spool {
  /**
   * Resolves once the events are on stable storage. Appends that come while one is being synced share the next sync.
   *
   * @throws {AuditError} `SPOOL_FULL` or `SPOOL_FAILED`: none of these events may be counted on.
   */
  append(events: readonly OutgoingEvent[]): Promise<void>;
  /**
   * The oldest events that wait, those of processes that have ended included, in the order in which each process wrote them. Asked again before `done` it gives the same
   * batch. Undefined when nothing waits.
   */
  take(limits: { readonly eventsMax: number; readonly bytesMax: number }): Promise<SpoolBatch | undefined>;
  /** False only when nothing of this process waits. Cheap. */
  mayHoldEvents(): boolean;
  close(): Promise<void>;
}
