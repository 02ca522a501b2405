import type { AuditError } from "@vouchtrail/events/errors";
import type { NativeEventInput } from "../event-input.ts";

/**
 * Stands for an event that could not be made. Whoever reads it meets the fault: so the emitter refuses it as any other event that is none, counts and logs it, and throws
 * when the delivery is `strict`.
 */
export function unmadeEvent(fault: AuditError): NativeEventInput {
  return {
    get action(): string {
      throw fault;
    },
  } as NativeEventInput;
}
