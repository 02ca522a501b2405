import type { ContextSource } from "../../ambient.ts";
import { type Clock, systemClock } from "../../clock.ts";
import type { EmittableEvent } from "../../event-input.ts";
import { currentAuditContext } from "../context.ts";
import { readEnvironment } from "../environment.ts";
import { loadSpoolRedaction } from "../spool-redaction.ts";
import { runWithin, type TransactionClient } from "./outbox-client.ts";
import { prepareOutboxEvent } from "./outbox-event.ts";
import { type OutboxPlace, outboxNames } from "./outbox-names.ts";

export interface AuditTxOptions extends OutboxPlace {
  /** Whose event it is, where neither the event nor the context says; default `VOUCHTRAIL_TENANT`. */
  readonly tenant?: string;
  /** Fills what the event does not say itself; default: the context of `withAuditContext` and the adapters. */
  readonly context?: ContextSource;
  /** Takes secrets out of the JSON of an event before the row is written; default: all that are known to Vouchtrail. */
  readonly redact?: (json: string) => string;
  readonly clock?: Clock;
}

/** What is fixed of an event before its transaction ends. */
export interface AuditTxResult {
  /** UUID of the event: its id in the trail, if the transaction is committed. */
  readonly id: string;
  readonly createdAt: Date;
}

/**
 * Records an event within a transaction of the application's own database: it is in the trail exactly when what it tells of was committed.
 *
 * The event is written into the outbox (see {@link outboxSql}); {@link createOutboxRelay} takes it from there to the trail. Its id and time are fixed
 * now, and nothing else about it changes later. Wait for the result before the commit. Unlike `emit` this throws: inside a transaction the caller decides whether the work goes on without a record.
 *
 * @param client Of the transaction: a `Client` or `PoolClient` of pg after `BEGIN`, `tx` of Drizzle, or `tx` of an interactive transaction of Prisma. What runs outside
 *   a transaction is recorded at once, whatever happens next.
 * @throws {AuditError} `EVENT_INVALID` (names each missing member), `EVENT_TOO_LARGE`: nothing was written, the transaction goes on. `CONFIG_INVALID`: the client is a pool
 *   or unknown, or a name is wrong.
 * @throws Errors of the database as they are, so that a transaction is retried by their codes. The transaction is aborted then.
 *
 * Rules: SDK-50 to SDK-53.
 */
export async function auditTx(client: TransactionClient, event: EmittableEvent, options: AuditTxOptions = {}): Promise<AuditTxResult> {
  const { table } = outboxNames(options);
  const context = options.context ?? currentAuditContext;
  const ambient = context();
  // All that the caller may change later is read before the first wait.
  const { id, createdAt, json } = prepareOutboxEvent(event, {
    ambient,
    tenant: options.tenant ?? readEnvironment().tenant,
    clock: options.clock ?? systemClock,
  });
  const redact = options.redact ?? (await loadSpoolRedaction());
  // Sent as text and cast by the database: drivers disagree about how they send other types.
  await runWithin(client, `INSERT INTO ${table} (id, event) VALUES ($1::text::uuid, $2::text::json)`, [id, redact(json)]);
  ambient?.recorded?.();
  return { id, createdAt };
}
