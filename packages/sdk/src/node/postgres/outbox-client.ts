import { AuditError } from "@vouchtrail/events/errors";

/** The slice of a `Client` or `PoolClient` of pg that is needed. */
export interface PgClient {
  query(text: string, values: unknown[]): PromiseLike<unknown>;
}

/** The slice of a Drizzle transaction (`tx` in `db.transaction`) that is needed; any of its drivers for PostgreSQL. */
export interface DrizzleTransaction {
  /** Takes SQL of Drizzle's own type, which is not named here so that its types need not be installed. */
  execute(query: never): PromiseLike<unknown>;
}

/** The slice of a Prisma transaction (`tx` in `prisma.$transaction(async (tx) => …)`) that is needed. */
export interface PrismaTransaction {
  $executeRawUnsafe(text: string, ...values: unknown[]): PromiseLike<unknown>;
}

/** Whatever runs SQL within the transaction of the caller. */
export type TransactionClient = PgClient | DrizzleTransaction | PrismaTransaction;

/**
 * Runs one statement within the transaction that the client stands for. Errors of the database pass as they are: callers retry by their codes.
 *
 * @throws {AuditError} `CONFIG_INVALID`: the client cannot be in a transaction, or is none that is known.
 */
export async function runWithin(client: TransactionClient, text: string, values: readonly string[]): Promise<void> {
  if (isPool(client))
    throw clientError("A pool gives each statement to any of its connections. Pass the client of the transaction to auditTx.");
  if (hasMethod(client, "$executeRawUnsafe")) await (client as PrismaTransaction).$executeRawUnsafe(text, ...values);
  else if (hasMethod(client, "execute")) await runDrizzle(client as DrizzleTransaction, text, values);
  else if (hasMethod(client, "query")) await (client as PgClient).query(text, [...values]);
  else throw clientError("This is no client of pg, Drizzle or Prisma. Pass the client of the transaction to auditTx.");
}

/** The pool of pg, Drizzle over one, and the root client of Prisma: none of them can be in a transaction. */
function isPool(client: unknown): boolean {
  if (typeof client !== "object" || client === null) return false;
  if ("totalCount" in client && "idleCount" in client) return true;
  if (hasMethod(client, "$executeRawUnsafe")) return hasMethod(client, "$connect");
  return "$client" in client && isPool(client.$client);
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && typeof (value as Readonly<Record<string, unknown>>)[name] === "function";
}

/** Drizzle wraps an error of the database in one whose message holds the values, and so the event: what it wraps is thrown instead. */
async function runDrizzle(transaction: DrizzleTransaction, text: string, values: readonly string[]): Promise<void> {
  try {
    await transaction.execute(toDrizzleQuery(text, values) as never);
  } catch (error) {
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
  }
}

/**
 * What Drizzle's `sql` template makes, without importing Drizzle: an application that has it not could not be bundled otherwise.
 *
 * `execute` asks a query for its SQL, and the dialect asks that for text and parameters. Source: drizzle-orm, pg-core/db.ts and pg-core/dialect.ts.
 */
function toDrizzleQuery(text: string, values: readonly string[]): { getSQL(): unknown } {
  return { getSQL: () => ({ toQuery: () => ({ sql: text, params: [...values] }) }) };
}

function clientError(message: string): AuditError {
  return new AuditError("CONFIG_INVALID", { path: "client", message });
}
