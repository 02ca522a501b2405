import { DuckDBInstance } from "@duckdb/node-api";
import { AuditError } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withinMemory } from "./sql-memory.ts";

let instance: DuckDBInstance;
beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:", { threads: "1", memory_limit: "1GB" });
});
afterAll(() => instance.closeSync());

/** Bytes as they are told one after the other; the last goes on for ever. */
const telling =
  (...bytes: readonly number[]): (() => number) =>
  () =>
    (bytes.length > 1 ? (bytes as number[]).shift() : bytes[0]) ?? 0;

test("SQL-6: work within its memory is not disturbed", async () => {
  const connection = await instance.connect();
  const options = { usedBytes: telling(1_000, 1_100, 500, 1_100), bytesMax: 100, interrupt: () => connection.interrupt() };
  const reader = await withinMemory(() => connection.runAndReadAll("SELECT count(*) FROM range(300000000)"), options);
  expect(reader.getRowsJS()).toEqual([[300_000_000n]]);
  connection.closeSync();
});

test("SQL-6: its own errors stay as they are", async () => {
  const error = new Error("its own");
  const work = withinMemory(() => Promise.reject(error), { usedBytes: () => 0, bytesMax: 100, interrupt: () => undefined });
  await expect(work).rejects.toBe(error);
});

test("SQL-6: a query that takes more memory is interrupted and told to be too large", async () => {
  const connection = await instance.connect();
  const stuck: AuditError[] = [];
  const work = withinMemory(() => connection.runAndReadAll("SELECT count(*) FROM range(1000000000000)"), {
    usedBytes: telling(1_000, 1_050, 1_101),
    bytesMax: 100,
    interrupt: () => connection.interrupt(),
    onStuck: (error) => stuck.push(error),
  });
  await expect(work).rejects.toMatchObject({
    code: "QUERY_TOO_LARGE",
    cause: expect.objectContaining({ message: expect.stringContaining("INTERRUPT") }),
  });
  expect(stuck).toEqual([]);
  connection.closeSync();
});

test("SQL-6: an answer that is ready before the interrupt reaches the query is kept", async () => {
  const answer = await withinMemory(() => new Promise((resolve) => setTimeout(() => resolve("answer"), 120)), {
    usedBytes: telling(0, 1_000),
    bytesMax: 100,
    interrupt: () => undefined,
  });
  expect(answer).toBe("answer");
});

/** One call that looks at no interrupt until it is done, some seconds later. */
const DEAF = "SELECT levenshtein(repeat('a', 40000) || x, repeat('b', 40000) || x) FROM range(1) t(x)";

test.each([
  ["goes on for a second", telling(0, 150)],
  ["doubles what it may take", telling(0, 201)],
])(
  "SQL-6: a query that cannot be interrupted and %s is given up, and its process reported after the asker was told",
  async (_, usedBytes) => {
    const connection = await instance.connect();
    const told: string[] = [];
    let isDone = false;
    let running: Promise<unknown> = Promise.resolve();
    const ended = new Promise<AuditError>((resolve) => {
      const options = { usedBytes, bytesMax: 100, interrupt: () => connection.interrupt(), onStuck: resolve };
      const work = (): Promise<unknown> => {
        running = connection.run(DEAF).finally(() => {
          isDone = true;
        });
        return running;
      };
      withinMemory(work, options).catch((error: unknown) => told.push(error instanceof AuditError ? error.code : String(error)));
    });
    const error = await ended;
    expect(told).toEqual(["QUERY_TOO_LARGE"]);
    expect(error.code).toBe("QUERY_TOO_LARGE");
    expect(isDone).toBe(false);
    await running.catch(() => undefined);
    connection.closeSync();
  },
);

test("SQL-6: without somebody who can end the process the query is waited for", async () => {
  const connection = await instance.connect();
  let interrupts = 0;
  const interrupt = (): void => {
    interrupts += 1;
    connection.interrupt();
  };
  const work = withinMemory(() => connection.run("SELECT count(*) FROM range(1000000000000)"), {
    usedBytes: telling(0, 1_000),
    bytesMax: 100,
    interrupt,
  });
  await expect(work).rejects.toMatchObject({ code: "QUERY_TOO_LARGE" });
  expect(interrupts).toBeGreaterThan(0);
  connection.closeSync();
});
