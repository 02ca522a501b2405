import { AuditError, type AuditEventInput } from "@vouchtrail/events";
import { auditTx, type PgClient } from "@vouchtrail/sdk/postgres";
import type { AuditLog } from "./audit-log.ts";

/** The slice of a `Client` of pg that is needed. */
export interface OutboxConnection extends PgClient {
  end(): Promise<void>;
}

export interface OutboxLog extends AuditLog {
  close(): Promise<void>;
}

/** PostgreSQL says so when a table is not there. */
const UNDEFINED_TABLE = "42P01";

/**
 * Writes into the outbox of an application's own PostgreSQL, from where a relay takes the events to the trail (SDK-50 to SDK-59). Rule: MCP-15.
 *
 * @param connect Opens a connection; called again after one was lost.
 */
export function createOutboxLog(connect: (onLost: () => void) => Promise<OutboxConnection>, tenant: string | undefined): OutboxLog {
  let connection: Promise<OutboxConnection> | undefined;

  function connected(): Promise<OutboxConnection> {
    if (connection !== undefined) return connection;
    const opening = connect(forget);
    function forget(): void {
      if (connection === opening) connection = undefined;
    }
    connection = opening;
    opening.catch(forget);
    return opening;
  }

  return {
    async record(event: AuditEventInput) {
      try {
        const client = await connected();
        const { id } = await auditTx(client, event, tenant === undefined ? {} : { tenant });
        return { state: "queued", id };
      } catch (error) {
        throw error instanceof AuditError ? error : toAuditError(error);
      }
    },
    async close() {
      const open = connection;
      connection = undefined;
      await (await open?.catch(() => undefined))?.end();
    },
  };
}

/** What the database says may hold content and passwords: only its code is passed on. */
function toAuditError(error: unknown): AuditError {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
  if (code === UNDEFINED_TABLE)
    return new AuditError("CONFIG_INVALID", {
      cause: error,
      message: "The database has no outbox. Tell the operator to run the SQL that outboxSql() of @vouchtrail/sdk/postgres gives, once.",
    });
  return new AuditError("TRAIL_UNREACHABLE", {
    cause: error,
    message: `The database did not take the event (${code}). Nothing was recorded.`,
  });
}
