import type { AuditReader } from "@vouchtrail/events";
import type { AuditLog } from "./audit-log.ts";

/** Who calls tools, what it may do, and on what. Never taken from what the client says of itself. */
export interface McpCaller {
  /** 1 to 200 characters: the actor of everything that is written. */
  readonly agentId: string;
  /** `read` for the tools that read, `ingest` for those that write. */
  readonly scopes: ReadonlySet<string>;
  readonly log: AuditLog;
  /** Absent where events can only be written. */
  readonly reader?: AuditReader | undefined;
}
