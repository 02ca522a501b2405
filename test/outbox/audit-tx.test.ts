import { inspect } from "node:util";
import { withAuditContext } from "@vouchtrail/sdk";
import { drizzle } from "drizzle-orm/node-postgres";
import fc from "fast-check";
import type { Pool } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditTx, createOutboxRelay, outboxSql } from "../../packages/sdk/src/node/postgres/index.ts";
import { quoteName, quoteText } from "../../packages/sdk/src/node/postgres/outbox-names.ts";
import { openTrailServer, type TrailServer } from "../sdk/trail-server.ts";
import { commitOrders, makeOutbox, numbered, orderEvent, rowsOf, transact } from "./outbox-place.ts";
import { startPostgres, type TestPostgres } from "./postgres.ts";

let postgres: TestPostgres;
let pool: Pool;
let trail: TrailServer;

beforeAll(async () => {
  postgres = await startPostgres();
  pool = postgres.pool({ max: 20 });
  trail = await openTrailServer();
});
afterAll(async () => {
  await trail[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

class Undone extends Error {}

/** Events of these orders that the trail has. */
function storedOrders(prefix: string): string[] {
  const targets = trail.events().map(({ target }) => (target as { id: string }).id);
  return targets.filter((id) => id.startsWith(prefix));
}

test("SDK-50: a committed transaction leaves its event in the trail once, one that is rolled back leaves none", async () => {
  const place = await makeOutbox(pool);
  const relay = createOutboxRelay({ pool, url: trail.url, logger: false, ...place });
  const { id, createdAt } = await transact(pool, (client) => auditTx(client, orderEvent("once-1"), place));
  await expect(
    transact(pool, async (client) => {
      await auditTx(client, orderEvent("once-2"), place);
      throw new Undone();
    }),
  ).rejects.toThrow(Undone);
  expect(await relay.runOnce()).toEqual({ sent: 1, refused: 0 });
  expect(await relay.runOnce()).toEqual({ sent: 0, refused: 0 });
  expect(storedOrders("once")).toEqual(["once-1"]);
  expect(trail.stored.get(id)).toEqual({ ...orderEvent("once-1"), id, occurredAt: createdAt.toISOString() });
  expect(await rowsOf(pool, place.table)).toEqual([]);
});

test("SDK-50: of 200 transactions at the same time exactly those that commit are in the trail", async () => {
  const place = await makeOutbox(pool);
  const relay = createOutboxRelay({ pool, url: trail.url, logger: false, intervalMs: 5, batchSize: 7, ...place });
  relay.start();
  const [fates] = fc.sample(fc.array(fc.boolean(), { minLength: 200, maxLength: 200 }), 1);
  const orderIds = fates!.map((isCommitted, i) => ({ orderId: `many-${i}`, isCommitted }));
  await Promise.all(
    orderIds.map(({ orderId, isCommitted }) =>
      transact(pool, async (client) => {
        await auditTx(client, orderEvent(orderId), place);
        if (!isCommitted) throw new Undone();
      }).catch((error: unknown) => {
        if (!(error instanceof Undone)) throw error;
      }),
    ),
  );
  await relay.close();
  // What was committed after the last look waits.
  const rest = createOutboxRelay({ pool, url: trail.url, logger: false, ...place });
  await rest.runOnce();
  const committed = orderIds.filter(({ isCommitted }) => isCommitted).map(({ orderId }) => orderId);
  expect(storedOrders("many").sort()).toEqual(committed.sort());
  expect(await rowsOf(pool, place.table)).toEqual([]);
});

test("SDK-50: an event whose transaction commits late, after higher numbers were sent, is sent as well", async () => {
  const place = await makeOutbox(pool);
  const relay = createOutboxRelay({ pool, url: trail.url, logger: false, ...place });
  await transact(pool, async (client) => {
    await auditTx(client, orderEvent("late-1"), place);
    await commitOrders(pool, place, ["late-2"]);
    expect(await relay.runOnce()).toEqual({ sent: 1, refused: 0 });
  });
  expect(await relay.runOnce()).toEqual({ sent: 1, refused: 0 });
  expect(storedOrders("late")).toEqual(["late-2", "late-1"]);
});

test("SDK-51: an event that lacks members is thrown at the caller, who may go on with the transaction", async () => {
  const place = await makeOutbox(pool);
  await transact(pool, async (client) => {
    const incomplete = { action: "order.placed", target: { type: "order" } } as never;
    await expect(auditTx(client, incomplete, place)).rejects.toMatchObject({
      code: "EVENT_INVALID",
      message: "actor.type is required; actor.id is required; target.id is required; outcome.status is required",
    });
    await expect(auditTx(client, { ...orderEvent("bad"), id: "not-a-uuid" }, place)).rejects.toMatchObject({
      code: "EVENT_INVALID",
      path: "id",
    });
    const huge = { ...orderEvent("bad"), details: { parts: Array.from({ length: 5 }, () => "x".repeat(4_000_000)) } };
    await expect(auditTx(client, huge, place)).rejects.toMatchObject({ code: "EVENT_TOO_LARGE" });
    await auditTx(client, orderEvent("good"), place);
  });
  expect(await rowsOf(pool, place.table)).toMatchObject([{ event: { target: { id: "good" } } }]);
});

test("SDK-51: id, time and context of an event are fixed when it is recorded", async () => {
  const place = await makeOutbox(pool);
  let recorded = 0;
  const event = { ...orderEvent("fixed"), id: "0190A6E2-7C1B-7000-8000-0000000000AB" };
  const context = { tenant: "acme", requestId: "r-1", labels: { region: "eu" }, recorded: () => (recorded += 1) };
  const result = await transact(pool, (client) =>
    withAuditContext(context, async () => {
      const pending = auditTx(client, event, place);
      event.target.id = "changed";
      return await pending;
    }),
  );
  expect(result.id).toBe(event.id.toLowerCase());
  expect(recorded).toBe(1);
  const [row] = await rowsOf(pool, place.table);
  expect(row).toMatchObject({
    id: result.id,
    event: {
      id: result.id,
      occurredAt: result.createdAt.toISOString(),
      tenant: "acme",
      target: { id: "fixed" },
      context: { requestId: "r-1" },
      labels: { region: "eu" },
    },
  });
});

test("SDK-51: a client that cannot be in a transaction is refused before anything is written", async () => {
  const place = await makeOutbox(pool);
  const write = (text: string, ...values: unknown[]) => pool.query(text, values);
  const rootOfPrisma = { $connect: async () => {}, $executeRawUnsafe: write };
  for (const client of [pool, drizzle(pool), rootOfPrisma, {} as never])
    await expect(auditTx(client, orderEvent("x"), place)).rejects.toMatchObject({ code: "CONFIG_INVALID", path: "client" });
  expect(await rowsOf(pool, place.table)).toEqual([]);
});

test("SDK-51: a transaction of Drizzle commits and rolls back the event with its work, savepoints included", async () => {
  const place = await makeOutbox(pool);
  const db = drizzle(pool);
  await db.transaction(async (tx) => {
    await auditTx(tx, orderEvent("outer"), place);
    const inner = tx.transaction(async (nested) => {
      await auditTx(nested, orderEvent("inner"), place);
      throw new Undone();
    });
    await expect(inner).rejects.toThrow(Undone);
  });
  const undone = db.transaction(async (tx) => {
    await auditTx(tx, orderEvent("undone"), place);
    tx.rollback();
  });
  await expect(undone).rejects.toThrow("Rollback");
  expect(await rowsOf(pool, place.table)).toMatchObject([{ event: { target: { id: "outer" } } }]);
});

test("SDK-51: a client that runs raw SQL as Prisma does is used within its transaction, and the short form of events is taken", async () => {
  const place = await makeOutbox(pool);
  const { id } = await transact(pool, (client) => {
    const tx = { $executeRawUnsafe: (text: string, ...values: unknown[]) => client.query(text, values) };
    const event = {
      clientId: "acme",
      actionType: "order.placed",
      actorType: "user",
      actorId: "u-1",
      targetType: "order",
      targetId: "p-1",
      outcome: "success",
    } as const;
    return auditTx(tx, event, place);
  });
  expect(await rowsOf(pool, place.table)).toMatchObject([
    { id, event: { id, tenant: "acme", action: "order.placed", actor: { type: "user", id: "u-1" } } },
  ]);
});

test("SDK-51: an error of the database passes as it is, so that the caller can tell what to retry, and shows nothing of the event", async () => {
  const place = await makeOutbox(pool);
  const [id] = await commitOrders(pool, place, ["first"]);
  const again = { ...orderEvent("shown-by-nobody"), id: id! };
  const ways = [
    () => transact(pool, (client) => auditTx(client, again, place)),
    () => drizzle(pool).transaction((tx) => auditTx(tx, again, place)),
  ];
  for (const way of ways) {
    const error: unknown = await way().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "23505" });
    expect(inspect(error)).not.toContain("shown-by-nobody");
  }
});

test("SDK-53: secrets are out of an event before its row is written, and it has no number of a source", async () => {
  const place = await makeOutbox(pool);
  const secret = `ghp_${"a1B2c3D4e5F6g7H8i9J0".repeat(2).slice(0, 36)}`;
  const source = { name: "app", instance: "1", sequence: 7 };
  await transact(pool, (client) =>
    auditTx(client, { ...orderEvent("s-1"), source, details: { note: `token ${secret}`, plain: "kept" } }, place),
  );
  const [row] = await rowsOf(pool, place.table);
  expect(JSON.stringify(row)).not.toContain(secret);
  expect(row).toMatchObject({ event: { details: { plain: "kept" } } });
  expect(row!.event).not.toHaveProperty("source");
});

test("SDK-53: whatever text an event holds arrives as it was", async () => {
  const place = await makeOutbox(pool);
  const relay = createOutboxRelay({ pool, url: trail.url, logger: false, ...place });
  const texts = ["\0", "\\", "'; DROP TABLE x; --", "$1", "🙂 ü", '"', "a\nb"];
  const { id } = await transact(pool, (client) => auditTx(client, { ...orderEvent("text"), details: { texts } }, place));
  expect(await relay.runOnce()).toEqual({ sent: 1, refused: 0 });
  expect(trail.stored.get(id)).toMatchObject({ details: { texts } });
});

test("SDK-54: the writer can add rows and nothing else, the relay can delete them, nobody changes them", async () => {
  const names = { schema: `we"ird '$guard$ \\ schema`, table: `out"box '$guard$ \\`, writerRole: `wri"ter' \\`, relayRole: `re"lay' \\` };
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const table = `${quote(names.schema)}.${quote(names.table)}`;
  const refused = `${quote(names.schema)}.${quote(`${names.table}_refused`)}`;
  await pool.query(`CREATE ROLE migrator LOGIN PASSWORD 'outbox'; CREATE ROLE ${quote(names.writerRole)} LOGIN PASSWORD 'outbox';
    CREATE ROLE ${quote(names.relayRole)}; CREATE ROLE worker LOGIN PASSWORD 'outbox' IN ROLE ${quote(names.relayRole)};
    CREATE SCHEMA ${quote(names.schema)} AUTHORIZATION migrator`);
  const owner = postgres.pool({ user: "migrator", password: "outbox" });
  await owner.query(outboxSql(names));
  await owner.query(outboxSql(names));

  const writer = postgres.pool({ user: names.writerRole, password: "outbox" });
  await commitOrders(writer, names, numbered(2));
  const denied = { code: "42501" };
  for (const sql of [
    `SELECT * FROM ${table}`,
    `UPDATE ${table} SET event = '{}'`,
    `DELETE FROM ${table}`,
    `TRUNCATE ${table}`,
    `INSERT INTO ${table} (number, id, event) OVERRIDING SYSTEM VALUE VALUES (0, gen_random_uuid(), '{}')`,
    `INSERT INTO ${table} (id, event, created_at) VALUES (gen_random_uuid(), '{}', '2000-01-01')`,
    `SELECT * FROM ${refused}`,
    `DELETE FROM ${refused}`,
    `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
  ])
    await expect(writer.query(sql), sql).rejects.toMatchObject(denied);

  for (const guarded of [table, refused]) {
    for (const sql of [`UPDATE ${guarded} SET number = DEFAULT`, `DELETE FROM ${guarded}`, `TRUNCATE ${guarded}`])
      await expect(owner.query(sql), sql).rejects.toMatchObject({
        ...denied,
        message: expect.stringContaining("is refused: rows are added"),
      });
  }

  const worker = postgres.pool({ user: "worker", password: "outbox" });
  await expect(worker.query(`UPDATE ${table} SET number = DEFAULT`)).rejects.toMatchObject(denied);
  await expect(worker.query(`TRUNCATE ${table}`)).rejects.toMatchObject(denied);
  await expect(worker.query(`INSERT INTO ${table} (id, event) VALUES (gen_random_uuid(), '{}')`)).rejects.toMatchObject(denied);
  const relay = createOutboxRelay({ pool: worker, url: trail.url, logger: false, schema: names.schema, table: names.table });
  expect(await relay.runOnce()).toEqual({ sent: 2, refused: 0 });
  expect((await owner.query(`SELECT count(*)::int AS count FROM ${table}`)).rows).toEqual([{ count: 0 }]);
});

test("SDK-54: a name that PostgreSQL would cut or cannot have is refused", () => {
  for (const options of [{ table: "" }, { table: "x".repeat(56) }, { schema: "a\0b" }, { writerRole: "ü".repeat(32) }, { relayRole: "" }])
    expect(() => outboxSql(options), JSON.stringify(options)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", path: Object.keys(options)[0] }),
    );
  expect(outboxSql({ table: "x".repeat(55) })).toContain(`"${"x".repeat(55)}_refused"`);
});

test("SDK-54: whatever a name or a text holds, PostgreSQL reads it as it was", async () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 15 }).filter((value) => !value.includes("\0"));
  const client = await pool.connect();
  await fc.assert(
    fc.asyncProperty(text, fc.boolean(), async (value, isConforming) => {
      await client.query(`SET standard_conforming_strings = ${isConforming}`);
      const { rows, fields } = await client.query({ text: `SELECT ${quoteText(value)} AS ${quoteName(value, "table")}`, rowMode: "array" });
      expect([rows, fields[0]?.name]).toEqual([[[value]], value]);
    }),
  );
  client.release(true);
});
