import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, expect, test } from "vitest";
import { QUERIES_RUNNING_MAX, QUERIES_WAITING_MAX } from "./limits.ts";
import { createQueryRunner, type QueryRunner } from "./query-runner.ts";
import { createSnapshotGate, type SnapshotGate } from "./snapshot-gate.ts";

/** Runs for hours. */
const FOREVER = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3";
const LONG_STREAM = "SELECT a.range FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3";

let instance: DuckDBInstance;
let gate: SnapshotGate;
let runner: QueryRunner;
let faults: unknown[];
let stuckCount: number;

beforeEach(async () => {
  instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  await connection.run('CREATE TABLE entries AS SELECT range AS "index" FROM range(10)');
  connection.closeSync();
  gate = createSnapshotGate();
  faults = [];
  stuckCount = 0;
  runner = makeRunner(60_000);
});
afterEach(async () => {
  await runner.close();
  instance.closeSync();
});

function makeRunner(timeoutMs: number): QueryRunner {
  return createQueryRunner({
    instance,
    gate,
    timeoutMs,
    searchedTo: () => 10,
    onFault: (error) => faults.push(error),
    onStuck: () => {
      stuckCount += 1;
    },
  });
}

const count = async (connection: DuckDBConnection): Promise<number> =>
  Number((await connection.runAndReadAll("SELECT count(*) FROM entries")).getRowsJS()[0]?.[0]);
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "answered",
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

async function streamed(connection: DuckDBConnection, sql: string, onChunk: () => void = () => {}): Promise<number> {
  const result = await connection.stream(sql);
  for (let rows = 0; ; ) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return rows;
    rows += chunk.rowCount;
    onChunk();
  }
}

test("INDEX-4: a question reads within one transaction, and everything below what it is told is there", async () => {
  expect(await runner.run(async (connection, searchedTo) => [await count(connection), searchedTo])).toEqual([10, 10]);
  await expect(runner.run((connection) => connection.run("INSERT INTO entries VALUES (1)"))).rejects.toMatchObject({
    code: "SEARCH_UNAVAILABLE",
  });
  expect(faults).toEqual([]);
});

test("INDEX-11: a query that takes too long is stopped, and its connection is not used again", async () => {
  const short = makeRunner(100);
  expect(await codeOf(short.run((connection) => connection.run(FOREVER)))).toBe("QUERY_TIMEOUT");
  expect(await short.run(count)).toBe(10);
  await short.close();
  expect([faults, stuckCount]).toEqual([[], 0]);
});

test("INDEX-11: a query that is stopped between two statements does not begin the next", async () => {
  const short = makeRunner(100);
  let isOver = false;
  const asked = short.run(async (connection) => {
    // The time ends while no statement runs: an interrupt finds nothing to stop.
    const endMs = performance.now() + 300;
    while (performance.now() < endMs) await new Promise((resolve) => setImmediate(resolve));
    isOver = true;
    await connection.run(FOREVER);
  });
  expect(await codeOf(asked)).toBe("QUERY_TIMEOUT");
  expect(isOver).toBe(true);
  await short.close();
  expect(stuckCount).toBe(0);
});

test("INDEX-11: a query that waits for a change of the index ends when its time is over, and nothing is taken for stuck", async () => {
  const short = makeRunner(50);
  let finish = (): void => {};
  const changing = gate.change(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  expect(await codeOf(short.run(count))).toBe("QUERY_TIMEOUT");
  const controller = new AbortController();
  const waiting = codeOf(runner.run(count, controller.signal));
  controller.abort(new Error("enough"));
  expect(await waiting).toBe("enough");
  finish();
  await changing;
  expect(await short.run(count)).toBe(10);
  await short.close();
  expect(stuckCount).toBe(0);
});

test("INDEX-11: rows that were cut off by the end of the time, by an abort or by an error are no answer", async () => {
  const short = makeRunner(300);
  expect(await codeOf(short.run((connection) => streamed(connection, LONG_STREAM)))).toBe("QUERY_TIMEOUT");
  await short.close();

  const controller = new AbortController();
  const aborted = runner.run(
    (connection) => streamed(connection, LONG_STREAM, () => controller.abort(new Error("enough"))),
    controller.signal,
  );
  expect(await codeOf(aborted)).toBe("enough");

  const broken = "SELECT CASE WHEN range = 999000 THEN error('late') ELSE range::VARCHAR END FROM range(1000000)";
  expect(await codeOf(runner.run((connection) => streamed(connection, broken)))).toBe("SEARCH_UNAVAILABLE");
  expect(await runner.run((connection) => streamed(connection, "SELECT range FROM range(100000)"))).toBe(100_000);
});

test("INDEX-11: a few queries run at a time, some wait, and more are refused; who goes away gives up the place", async () => {
  const controller = new AbortController();
  const running = Array.from({ length: QUERIES_RUNNING_MAX }, () =>
    codeOf(runner.run((connection) => connection.run(FOREVER), controller.signal)),
  );
  const leaver = new AbortController();
  const leaving = codeOf(runner.run(count, leaver.signal));
  const waiting = Array.from({ length: QUERIES_WAITING_MAX - 1 }, () => runner.run(count));
  expect(await codeOf(runner.run(count))).toBe("QUERY_BUSY");
  leaver.abort(new Error("gone"));
  expect(await leaving).toBe("gone");
  const late = runner.run(count);
  controller.abort(new Error("enough"));
  expect(await Promise.all(running)).toEqual(running.map(() => "enough"));
  expect(await Promise.all([...waiting, late])).toEqual(Array.from({ length: QUERIES_WAITING_MAX }, () => 10));
  expect(await codeOf(runner.run(count, controller.signal))).toBe("enough");
});

test("INDEX-11: closing stops what runs and refuses what waits", async () => {
  const other = makeRunner(60_000);
  const asked = Array.from({ length: QUERIES_RUNNING_MAX + 3 }, () => codeOf(other.run((connection) => connection.run(FOREVER))));
  await new Promise((resolve) => setImmediate(resolve));
  await other.close();
  expect(await Promise.all(asked)).toEqual(asked.map(() => "SEARCH_UNAVAILABLE"));
  expect(await codeOf(other.run(count))).toBe("SEARCH_UNAVAILABLE");
});

test("INDEX-6: errors of the store are told, those of a question are not, and none lets a connection leak", async () => {
  for (let i = 0; i < 50; i++) {
    expect(await codeOf(runner.run((connection) => connection.run("SELECT error('checksum FATAL')")))).toBe("SEARCH_UNAVAILABLE");
    expect(await codeOf(runner.run(() => Promise.reject(new Error("IO Error: checksum"))))).toBe("SEARCH_UNAVAILABLE");
  }
  expect(faults).toHaveLength(50);
  const sql = "SELECT * FROM duckdb_connection_count()";
  const connections = await runner.run(async (connection) => (await connection.runAndReadAll(sql)).getRowsJS());
  expect(Number(connections[0]?.[0])).toBeLessThan(5);
});
