import { AuditError } from "@vouchtrail/events/errors";
import type { AuditContext } from "../../ambient.ts";
import type { Clock } from "../../clock.ts";
import { completeEvent, toNativeEvent } from "../../event-completion.ts";
import { newEventId } from "../../event-id.ts";
import type { EmittableEvent } from "../../event-input.ts";
import { EVENT_CHARS_MAX } from "../../limits.ts";
import { toJson } from "../../plain-value.ts";

export interface OutboxEventParts {
  readonly ambient: AuditContext | undefined;
  /** Whose event it is, where neither the event nor the context says. */
  readonly tenant: string | undefined;
  readonly clock: Clock;
}

/** An event as its row holds it, but for the secrets. */
export interface OutboxEvent {
  /** UUID in lower case. */
  readonly id: string;
  readonly createdAt: Date;
  readonly json: string;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Completes an event from the context of the caller, its span and the clock. Secrets are still in it.
 *
 * It has no `source`: numbers of transactions that were rolled back would be gaps. Rules: SDK-51, SDK-53.
 *
 * @throws {AuditError} `EVENT_INVALID` names every required member that is missing; `EVENT_TOO_LARGE`.
 */
export function prepareOutboxEvent(input: EmittableEvent, parts: OutboxEventParts): OutboxEvent {
  const createdAt = new Date(parts.clock.wallMs());
  try {
    // What the caller says of its source does not hold here.
    const { source: _source, ...native } = toNativeEvent(input);
    const id = (native.id ?? newEventId(createdAt.getTime())).toLowerCase();
    if (!UUID.test(id)) throw new AuditError("EVENT_INVALID", { path: "id", message: "id: expected a UUID." });
    const surroundings = { ambient: parts.ambient, tenant: parts.tenant, isTraced: true };
    const json = toJson(completeEvent(native, { id, occurredAt: createdAt.toISOString() }, surroundings));
    if (json.length > EVENT_CHARS_MAX) throw new AuditError("EVENT_TOO_LARGE");
    return { id, createdAt, json };
  } catch (error) {
    throw error instanceof AuditError
      ? error
      : new AuditError("EVENT_INVALID", { cause: error, message: "The event cannot be read. Pass a plain object." });
  }
}
