import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AuditError } from "@vouchtrail/events/errors";
import type { Answer, OutgoingEvent, Transport } from "@vouchtrail/sdk";
import type { Pool } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createOutboxRelay, type OutboxRelay, type OutboxRelayOptions } from "../../packages/sdk/src/node/postgres/index.ts";
import { openTrailServer, type TrailServer } from "../sdk/trail-server.ts";
import { commitOrders, makeOutbox, numbered, orderEvent, rowsOf } from "./outbox-place.ts";
import { startPostgres, type TestPostgres } from "./postgres.ts";

const PROCESS = fileURLToPath(new URL("./relay-process.mjs", import.meta.url));
const KILLS = 8;

let postgres: TestPostgres;
let pool: Pool;
let trail: TrailServer;
let place: { readonly table: string };
const relays: OutboxRelay[] = [];
const children = new Set<ChildProcess>();

beforeAll(async () => {
  postgres = await startPostgres();
  pool = postgres.pool();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
beforeEach(async () => {
  trail = await openTrailServer();
  place = await makeOutbox(pool);
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  await Promise.all(relays.splice(0).map((relay) => relay.close()));
  await trail[Symbol.asyncDispose]();
});

function open(options: Partial<OutboxRelayOptions> = {}): OutboxRelay {
  const relay = createOutboxRelay({
    pool,
    ...(options.transport === undefined ? { url: trail.url } : {}),
    logger: false,
    ...place,
    ...options,
  });
  relays.push(relay);
  return relay;
}

interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

function collectLines() {
  const lines: Line[] = [];
  const add = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  return { lines, logger: { info: add("info"), warn: add("warn"), error: add("error") } };
}

const receipt = ({ id }: OutgoingEvent): Answer => ({ receipt: { origin: "test/main", id, index: 0, leafHash: "AAAA" } });

/** Answers in the process, and tells what it was asked. */
function recordRequests(answer: (event: OutgoingEvent) => Answer = receipt) {
  const requests: string[][] = [];
  const transport: Transport = {
    async send(events) {
      requests.push(events.map(({ id }) => id));
      return events.map(answer);
    },
  };
  return { requests, transport };
}

test(`SDK-52: a relay killed ${KILLS} times, before the trail has its events and after, loses nothing and stores nothing twice`, async () => {
  const committed = await commitOrders(pool, place, numbered(150));
  let kills = 0;
  let child: ChildProcess | undefined;
  trail.behaviour = ({ number }, serve, response) => {
    if (kills >= KILLS || number % 2 === 0) {
      serve();
      return;
    }
    kills += 1;
    child?.kill("SIGKILL");
    // Every second time the trail has the events, and nobody is left to hear of it.
    if (kills % 2 === 0) serve();
    else response.destroy();
  };
  const isDone = trail.untilStored(committed.length);
  const isOver = { done: false };
  void isDone.then(() => {
    isOver.done = true;
  });
  while (!isOver.done) {
    child = fork(PROCESS, [postgres.url, trail.url, place.table], { execArgv: [] });
    children.add(child);
    await Promise.race([once(child, "exit"), isDone]);
  }
  expect(kills).toBe(KILLS);
  for (let rows = await rowsOf(pool, place.table); rows.length > 0; rows = await rowsOf(pool, place.table));
  expect([...trail.stored.keys()].sort()).toEqual([...committed].sort());
  const sent = trail.requests.reduce((count, { events }) => count + events, 0);
  expect(sent).toBeGreaterThan(committed.length);
});

test("SDK-52: two relays share the rows: while one waits for the trail the other sends the rest", async () => {
  const committed = await commitOrders(pool, place, numbered(8));
  const first = recordRequests();
  const second = recordRequests();
  const slow: Transport = {
    async send(events, signal) {
      expect(await open({ transport: second.transport }).runOnce()).toEqual({ sent: 5, refused: 0 });
      return await first.transport.send(events, signal);
    },
  };
  expect(await open({ transport: slow, batchSize: 3 }).runOnce()).toEqual({ sent: 3, refused: 0 });
  expect([first.requests, second.requests]).toEqual([[committed.slice(0, 3)], [committed.slice(3)]]);
  expect(await rowsOf(pool, place.table)).toEqual([]);
});

test("SDK-52: a database that ends the connection during a request leaves the rows, which are sent again with their ids", async () => {
  const [id] = await commitOrders(pool, place, ["order-1"]);
  const { requests, transport } = recordRequests();
  const admin = postgres.pool();
  const cut: Transport = {
    async send(events, signal) {
      const sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE state = 'idle in transaction'";
      await admin.query(sql);
      return await transport.send(events, signal);
    },
  };
  await expect(open({ transport: cut }).runOnce()).rejects.toThrow();
  expect(await rowsOf(pool, place.table)).toHaveLength(1);
  expect(await open({ transport }).runOnce()).toEqual({ sent: 1, refused: 0 });
  expect(requests).toEqual([[id], [id]]);
});

test("SDK-52: rows go in the order of their numbers, as many at once as fit into a request", async () => {
  const text = "x".repeat(1_500_000);
  const { requests, transport } = recordRequests();
  const ids = numbered(5).map((_, i) => `00000000-0000-7000-8000-00000000000${i}`);
  for (const id of ids) {
    const event = { ...orderEvent("large"), id, details: { text: id === ids[4] ? text.repeat(4) : text } };
    await pool.query(`INSERT INTO ${place.table} (id, event) VALUES ($1, $2)`, [id, JSON.stringify(event, null, 1)]);
  }
  const relay = open({ transport });
  for (const sent of [2, 2, 1, 0]) expect(await relay.runOnce()).toEqual({ sent, refused: 0 });
  expect(requests).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
});

test("SDK-55: while the trail is away events wait in the outbox, and the logger is told once that it is and once that it is back", async () => {
  const { lines, logger } = collectLines();
  await trail.stop();
  const ids = await commitOrders(pool, place, numbered(3));
  const delays: number[] = [];
  let fire: (() => void) | undefined;
  let onPause: (() => void) | undefined;
  const clock = {
    wallMs: () => 0,
    nowMs: () => 0,
    after(delayMs: number, call: () => void) {
      delays.push(delayMs);
      fire = call;
      onPause?.();
      return { cancel: () => {} };
    },
  };
  const paused = (): Promise<void> => new Promise((resolve) => (onPause = resolve));
  const relay = open({ logger, clock });
  let next = paused();
  relay.start();
  await next;
  for (let turn = 0; turn < 9; turn++) {
    next = paused();
    fire?.();
    await next;
  }
  expect(await rowsOf(pool, place.table)).toHaveLength(3);
  delays.forEach((delayMs, i) => {
    const longest = Math.min(30_000, 500 * 2 ** i);
    expect(delayMs).toBeGreaterThanOrEqual(longest / 2);
    expect(delayMs).toBeLessThanOrEqual(longest);
  });
  await trail.start();
  next = paused();
  fire?.();
  await next;
  expect([...trail.stored.keys()]).toEqual(ids);
  expect(delays.at(-1)).toBe(1_000);
  expect(lines).toMatchObject([
    { level: "warn", fields: { code: "TRAIL_UNREACHABLE" } },
    { level: "info", fields: { failures: 10 } },
  ]);
});

test("SDK-55: an answer about a part of the events settles that part", async () => {
  const ids = await commitOrders(pool, place, numbered(4));
  const transport: Transport = {
    async send(events) {
      if (events.length > 2) throw new AuditError("BODY_TOO_LARGE");
      if (events[0]?.id === ids[2]) throw new AuditError("PUSHBACK");
      return events.map(receipt);
    },
  };
  await expect(open({ transport }).runOnce()).rejects.toMatchObject({ code: "PUSHBACK" });
  expect((await rowsOf(pool, place.table)).map(({ id }) => id)).toEqual(ids.slice(2));
});

test("SDK-55: an event that the trail cannot take now stays, and those beside it go", async () => {
  const ids = await commitOrders(pool, place, numbered(2));
  const { transport } = recordRequests((event) =>
    event.id === ids[0] ? { fault: { code: "OUTCOME_UNKNOWN", path: "", message: "later" } } : receipt(event),
  );
  await expect(open({ transport }).runOnce()).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  expect((await rowsOf(pool, place.table)).map(({ id }) => id)).toEqual(ids.slice(0, 1));
});

test("SDK-56: an event that the trail refuses is set aside with the reason, told to the logger, and holds up no other", async () => {
  const { lines, logger } = collectLines();
  const ids = await commitOrders(pool, place, numbered(3));
  trail.behaviour = ({ events }, _serve, response) => {
    const receipts = events.map(({ id }, position) => ({ position, origin: "test/main", id, index: position, leafHash: "AAAA" }));
    const fault = { position: 1, code: "EVENT_INVALID", path: "details.\0", message: "details.\0: too long" };
    response.writeHead(207, { "content-type": "application/json" });
    response.end(JSON.stringify({ receipts: receipts.filter(({ position }) => position !== 1), errors: [fault] }));
  };
  expect(await open({ logger }).runOnce()).toEqual({ sent: 2, refused: 1 });
  expect(await rowsOf(pool, place.table)).toEqual([]);
  expect(await rowsOf(pool, `${place.table}_refused`)).toMatchObject([
    { id: ids[1], event: { target: { id: "order-1" } }, code: "EVENT_INVALID", path: "details.", message: "details.: too long" },
  ]);
  expect(lines).toMatchObject([{ level: "error", fields: { id: ids[1], code: "EVENT_INVALID" } }]);
  expect(JSON.stringify(lines)).not.toContain("order-1");
});

test("SDK-56: a refused event can be put back, and be refused again", async () => {
  const refuse = recordRequests(() => ({
    fault: { code: "TENANT_FORBIDDEN", path: "tenant", message: "The key is bound to another tenant." },
  }));
  const [id] = await commitOrders(pool, place, ["order-1"]);
  for (const times of [1, 2]) {
    expect(await open({ transport: refuse.transport }).runOnce()).toEqual({ sent: 0, refused: 1 });
    expect(await rowsOf(pool, `${place.table}_refused`)).toHaveLength(times);
    await pool.query(`INSERT INTO ${place.table} (id, event) SELECT id, event FROM ${place.table}_refused LIMIT 1`);
  }
  const { requests, transport } = recordRequests();
  expect(await open({ transport }).runOnce()).toEqual({ sent: 1, refused: 0 });
  expect(requests).toEqual([[id]]);
});

test("SDK-56: a row that holds no event of its id, or makes the whole request unreadable, holds up no other", async () => {
  const strange = ["[]", "null", '"text"', "{}", '{"id":"00000000-0000-7000-8000-000000000001"}'];
  for (const event of strange) await pool.query(`INSERT INTO ${place.table} (id, event) VALUES (gen_random_uuid(), $1)`, [event]);
  const [first, bad, last] = await commitOrders(pool, place, numbered(3));
  const transport: Transport = {
    async send(events) {
      if (events.some(({ id }) => id === bad)) throw new AuditError("BODY_INVALID");
      return events.map(receipt);
    },
  };
  expect(await open({ transport }).runOnce()).toEqual({ sent: 2, refused: strange.length + 1 });
  const refused = await rowsOf(pool, `${place.table}_refused`);
  expect(refused.map(({ code }) => code)).toEqual([...strange.map(() => "EVENT_INVALID"), "BODY_INVALID"]);
  expect(refused.at(-1)?.id).toBe(bad);
  expect([first, last]).not.toContain(bad);
  expect(await rowsOf(pool, place.table)).toEqual([]);
});

test("SDK-52: closing waits for the batch in flight, and nothing is sent afterwards", async () => {
  await commitOrders(pool, place, numbered(2));
  const { requests, transport } = recordRequests();
  const relay = open({
    batchSize: 1,
    transport: {
      async send(events, signal) {
        void relay.close();
        return await transport.send(events, signal);
      },
    },
  });
  relay.start();
  await relay.close();
  expect(requests).toHaveLength(1);
  expect(await rowsOf(pool, place.table)).toHaveLength(1);
  await expect(relay.runOnce()).rejects.toMatchObject({ code: "EMITTER_CLOSED" });
  relay.start();
  expect(requests).toHaveLength(1);
});

test("SDK-52: closing gives up a request that the trail does not answer, after 5 seconds, and its rows stay", async () => {
  await commitOrders(pool, place, ["order-1"]);
  const asked: number[] = [];
  const clock = {
    wallMs: () => 0,
    nowMs: () => 0,
    after(delayMs: number, call: () => void) {
      asked.push(delayMs);
      queueMicrotask(call);
      return { cancel: () => {} };
    },
  };
  let onAsked: (() => void) | undefined;
  const isAsked = new Promise<void>((resolve) => {
    onAsked = resolve;
  });
  const transport: Transport = {
    send: (_events, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new AuditError("TRAIL_UNREACHABLE")));
        onAsked?.();
      }),
  };
  const relay = open({ transport, clock });
  relay.start();
  await isAsked;
  await relay.close();
  expect(asked).toEqual([5_000]);
  expect(await rowsOf(pool, place.table)).toHaveLength(1);
});

test("SDK-55: a missing table is told with what to do, and a relay without a trail is not made", async () => {
  const { lines, logger } = collectLines();
  const told = new Promise<void>((resolve) => {
    const warn = (fields: object, message: string): void => {
      logger.warn(fields, message);
      resolve();
    };
    open({ table: "absent", logger: { ...logger, warn } }).start();
  });
  await told;
  expect(lines).toMatchObject([
    { level: "warn", fields: { code: "42P01" }, message: expect.stringContaining("run the SQL of outboxSql()") },
  ]);
  for (const options of [{ batchSize: 0 }, { batchSize: 1_001 }, { intervalMs: 0 }, { table: "" }, { url: "ftp://x" }])
    expect(() => open(options), JSON.stringify(options)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", path: Object.keys(options)[0] }),
    );
});
