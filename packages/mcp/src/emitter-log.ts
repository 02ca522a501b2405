import { AuditError } from "@vouchtrail/events";
import type { AuditEmitter } from "@vouchtrail/sdk";
import type { AuditLog } from "./audit-log.ts";

/** Writes through an emitter: to the trail or, while that is away, to the disk. Rule: MCP-16. */
export function createEmitterLog(emitter: Pick<AuditEmitter, "emit">): AuditLog {
  return {
    async record(event) {
      const { id, state, receipt, error } = await emitter.emit(event);
      if (state === "stored" && receipt !== undefined) {
        const { origin, id: stored, index, leafHash, duplicate } = receipt;
        return { state, id, receipt: { origin, id: stored, index, leafHash, ...(duplicate === true ? { duplicate } : {}) } };
      }
      if (state === "spooled") return { state, id };
      // Buffered is no promise: neither the trail nor the disk could take it, and it goes on being sent as long as this process lives.
      throw (
        error ?? new AuditError("TRAIL_UNREACHABLE", { message: "Neither the trail nor the disk of this machine could keep the event." })
      );
    },
  };
}
