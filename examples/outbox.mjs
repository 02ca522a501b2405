// Events in the same transaction as the data. Needs PostgreSQL: DATABASE_URL.
import assert from "node:assert/strict";
import { auditTx, createOutboxRelay, outboxSql } from "@vouchtrail/sdk/postgres";
import pg from "pg";

const url = process.env.VOUCHTRAIL_URL ?? "http://127.0.0.1:7431";
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
await pool.query("CREATE TABLE IF NOT EXISTS invoices (id text PRIMARY KEY, approved boolean NOT NULL)");
await pool.query(outboxSql());

/** Approves an invoice and records it: both, or neither. */
async function approve(id, isRefused) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("INSERT INTO invoices VALUES ($1, true)", [id]);
    const event = {
      action: "invoice.approved",
      actor: { type: "user", id: "maria" },
      target: { type: "invoice", id },
      outcome: { status: "success" },
    };
    const result = await auditTx(client, event);
    if (isRefused) throw new Error("The invoice was withdrawn.");
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

const run = Date.now();
const { id } = await approve(`kept-${run}`, false);
await assert.rejects(approve(`withdrawn-${run}`, true));

const relay = createOutboxRelay({ pool, url });
await relay.runOnce();
await relay.close();
await pool.end();

const kept = await fetch(`${url}/api/v1/events?target=kept-${run}&wait=searchable`).then((response) => response.json());
const withdrawn = await fetch(`${url}/api/v1/events?target=withdrawn-${run}&wait=searchable`).then((response) => response.json());
assert.deepEqual(
  kept.events.map(({ event }) => event.id),
  [id],
);
assert.deepEqual(withdrawn.events, []);
console.log("The committed transaction is in the trail, the one that was rolled back is not.");
