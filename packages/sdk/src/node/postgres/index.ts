// The outbox in the application's own PostgreSQL. A new line here is public API.
export { type AuditTxOptions, type AuditTxResult, auditTx } from "./audit-tx.ts";
export type { OutboxPoolClient } from "./outbox-batch.ts";
export type { DrizzleTransaction, PgClient, PrismaTransaction, TransactionClient } from "./outbox-client.ts";
export type { OutboxPlace } from "./outbox-names.ts";
export { createOutboxRelay, type OutboxPool, type OutboxRelay, type OutboxRelayOptions, type OutboxRun } from "./outbox-relay.ts";
export { type OutboxSqlOptions, outboxSql } from "./outbox-sql.ts";
