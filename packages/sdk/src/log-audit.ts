import { AuditError } from "@vouchtrail/events/errors";
import { fromResourceEvent } from "@vouchtrail/events/shapes";
import type { AnyResourceType } from "./catalog/resource-type.ts";
import { unmadeEvent } from "./catalog/unmade-event.ts";
import { getAuditEmitter } from "./default-emitter.ts";
import type { AuditEventResult, NativeEventInput } from "./event-input.ts";

/** A user did something with a resource. */
export interface AuditLogRequest {
  /** What was done: 1 to 128 characters, such as `agent.run.created`. */
  readonly action: string;
  readonly resourceType: AnyResourceType;
  readonly resourceId: string;
  /** Who did it. Without one the actor is the system, `unknown`. */
  readonly userId?: string | null | undefined;
  /** Free form. */
  readonly details?: Record<string, unknown> | undefined;
  readonly ipAddress?: string | null | undefined;
  readonly userAgent?: string | null | undefined;
  /** Default: true, unless there is an error message. */
  readonly success?: boolean;
  readonly errorMessage?: string;
}

/**
 * Records that a user did something with a resource, with the default emitter. It never throws, unless that emitter's delivery is `strict`: an entry
 * that is none has the state `refused`, and its error names every fault.
 *
 * Rule: SDK-35.
 */
export function logAudit(entry: AuditLogRequest): Promise<AuditEventResult> {
  return getAuditEmitter().emit(eventOf(entry));
}

function eventOf(entry: AuditLogRequest): NativeEventInput {
  try {
    // What is null says nothing: members without a value are left out.
    const said = Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null && value !== undefined));
    if (said.userId === "") delete said.userId;
    return fromResourceEvent(said).event;
  } catch (cause) {
    return unmadeEvent(
      cause instanceof AuditError ? cause : new AuditError("EVENT_INVALID", { cause, message: "The event cannot be read." }),
    );
  }
}
