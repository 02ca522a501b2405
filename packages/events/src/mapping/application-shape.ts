import type { AuditEventInput } from "../event.ts";
import { fromAgentLogEntry } from "./agent-log-entry.ts";
import { fromAuditLogEntry } from "./audit-log-entry.ts";
import { fromEmitterEvent } from "./emitter-event.ts";
import { fromQueueEvent } from "./queue-event.ts";
import { fromResourceEvent } from "./resource-event.ts";

/** The shapes of which one value is one event, beside the event itself. */
export const APPLICATION_SHAPES = ["emitter-event", "resource-event", "queue-event", "audit-log-entry", "agent-log-entry"] as const;
export type ApplicationShape = (typeof APPLICATION_SHAPES)[number];

const MAPPINGS: Readonly<Record<ApplicationShape, (value: unknown) => { event: AuditEventInput; notes: string[] }>> = {
  "emitter-event": fromEmitterEvent,
  "resource-event": fromResourceEvent,
  "queue-event": fromQueueEvent,
  "audit-log-entry": fromAuditLogEntry,
  "agent-log-entry": (value) => fromAgentLogEntry(value, { lenient: true }),
};

/**
 * Turns one value of a named shape into an event. Agent log entries are read leniently, as `POST /log` does.
 *
 * @param value Parsed JSON.
 * @returns The event, and one sentence for each value that had to be replaced or repaired.
 * @throws {AuditError} `SHAPE_INVALID`.
 */
export function fromApplicationShape(shape: ApplicationShape, value: unknown): { event: AuditEventInput; notes: string[] } {
  return MAPPINGS[shape](value);
}
