import { AuditError } from "@vouchtrail/events/errors";
import { fromEmitterEvent } from "@vouchtrail/events/shapes";
import type { AuditContext } from "./ambient.ts";
import type { AuditEventInput, EmittableEvent, NativeEventInput } from "./event-input.ts";
import { missingMembers } from "./event-members.ts";
import { activeTrace } from "./trace-context.ts";

/** What is known besides the event itself. */
export interface EventSurroundings {
  readonly ambient: AuditContext | undefined;
  /** Whose event it is, where neither the event nor the context says. */
  readonly tenant: string | undefined;
  /** Whether the span of the caller belongs to it. */
  readonly isTraced: boolean;
}

/** The event as the trail has it, from either of the forms that can be emitted. @throws {AuditError} `SHAPE_INVALID`, naming every fault. */
export function toNativeEvent(input: EmittableEvent): NativeEventInput {
  return "actionType" in input ? fromEmitterEvent(input as AuditEventInput).event : input;
}

/**
 * A copy of the event with what it does not say itself: from the context of the caller, its span, and whoever records it.
 *
 * @throws {AuditError} `EVENT_INVALID`, naming every required member that is missing.
 */
export function completeEvent(
  event: NativeEventInput,
  { id, occurredAt }: { readonly id: string; readonly occurredAt: string },
  { ambient, tenant: fallback, isTraced }: EventSurroundings,
): NativeEventInput {
  const tenant = event.tenant ?? ambient?.tenant ?? fallback;
  const context = contextOf(event, ambient, isTraced);
  const labels = ambient?.labels === undefined ? event.labels : { ...ambient.labels, ...event.labels };
  const complete: NativeEventInput = {
    ...event,
    ...(ambient?.actor !== undefined && isUnknown(event.actor) ? { actor: ambient.actor } : {}),
    id,
    occurredAt: event.occurredAt ?? occurredAt,
    ...(tenant === undefined ? {} : { tenant }),
    ...(labels === undefined ? {} : { labels }),
    ...(context === undefined ? {} : { context }),
  };
  const missing = missingMembers(complete);
  if (missing.length === 0) return complete;
  const message = missing.map((path) => `${path} is required`).join("; ");
  throw new AuditError("EVENT_INVALID", { path: missing[0] ?? "", message });
}

function contextOf(event: NativeEventInput, ambient: AuditContext | undefined, isTraced: boolean): NativeEventInput["context"] {
  const trace = isTraced && event.context?.traceId === undefined ? activeTrace() : undefined;
  if (ambient === undefined && trace === undefined) return event.context;
  const { actor: _actor, tenant: _tenant, labels: _labels, recorded: _recorded, traceFlags: _flags, ...known } = ambient ?? {};
  const context = { ...known, ...trace, ...event.context };
  // The trace is what connects events unless the caller has something better.
  if (trace !== undefined) context.correlationId ??= trace.traceId;
  return Object.keys(context).length === 0 ? undefined : context;
}

/** Nobody said who: no actor, or what the mappings put in the place of one that was not named. */
function isUnknown(actor: NativeEventInput["actor"] | undefined): boolean {
  return actor === undefined || (actor.type === "system" && actor.id === "unknown");
}
