import type { Pool, PoolClient } from "pg";
import { auditTx, type OutboxPlace, type OutboxSqlOptions, outboxSql } from "../../packages/sdk/src/node/postgres/index.ts";

let tables = 0;

/** Makes an outbox of the test's own. */
export async function makeOutbox(pool: Pool, options: OutboxSqlOptions = {}): Promise<OutboxPlace & { readonly table: string }> {
  const table = `outbox_${++tables}`;
  await pool.query(outboxSql({ table, ...options }));
  return { table };
}

/** An event of the application, told apart by the id of its target. */
export function orderEvent(orderId: string) {
  return {
    action: "order.placed",
    actor: { type: "user" as const, id: "user-1" },
    target: { type: "order", id: orderId },
    outcome: { status: "success" as const },
  };
}

/** Runs work in a transaction: committed, unless it throws. */
export async function transact<Result>(pool: Pool, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

/** Commits an event for each order, and tells their ids. */
export async function commitOrders(pool: Pool, place: OutboxPlace, orderIds: readonly string[]): Promise<string[]> {
  return await transact(pool, async (client) => {
    const ids: string[] = [];
    for (const orderId of orderIds) ids.push((await auditTx(client, orderEvent(orderId), place)).id);
    return ids;
  });
}

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `order-${i}`);
}

/** Rows of a table of the outbox, the oldest first. */
export async function rowsOf(
  pool: Pool,
  table: string,
): Promise<{ id: string; event: Record<string, unknown>; [column: string]: unknown }[]> {
  return (await pool.query(`SELECT * FROM ${table} ORDER BY number`)).rows;
}
