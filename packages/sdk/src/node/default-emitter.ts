import { setAuditEmitter } from "../default-emitter.ts";
import { AuditEmitter, type AuditEmitterConfig } from "./emitter.ts";

/** Creates an emitter of its own. Close it before the process ends. */
export function createAuditEmitter(config: AuditEmitterConfig = {}): AuditEmitter {
  return new AuditEmitter(config);
}

// The default emitter of a Node.js process is one with its environment.
setAuditEmitter(() => new AuditEmitter());

export { audit, emitAuditEvent, getAuditEmitter, setAuditEmitter } from "../default-emitter.ts";
