import { type Audit, createAudit } from "./audit.ts";
import { AuditEmitter, type AuditEmitterConfig } from "./emitter.ts";
import type { AuditEventInput, AuditEventResult } from "./event-input.ts";

let make: () => AuditEmitter = () => new AuditEmitter();
let emitter: AuditEmitter | undefined;

/** Creates an emitter of its own. Close it before the process ends. */
export function createAuditEmitter(config: AuditEmitterConfig = {}): AuditEmitter {
  return new AuditEmitter(config);
}

/** The emitter that everything uses which names none; made when it is first asked for. */
export function getAuditEmitter(): AuditEmitter {
  emitter ??= make();
  return emitter;
}

/** Sets what {@link getAuditEmitter} gives: an emitter, or how one is made when it is needed. The one before is not closed. */
export function setAuditEmitter(next: AuditEmitter | (() => AuditEmitter) | undefined): void {
  if (typeof next === "function") {
    make = next;
    emitter = undefined;
  } else emitter = next;
}

/** Records an event with the default emitter. */
export function emitAuditEvent(event: AuditEventInput): Promise<AuditEventResult> {
  return getAuditEmitter().emit(event);
}

/** Begins an event with the default emitter: `audit().forClient(…)`. */
export const audit: Audit = createAudit(getAuditEmitter);
