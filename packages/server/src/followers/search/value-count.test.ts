import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { countValues } from "./value-count.ts";

let instance: DuckDBInstance;
let connection: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  connection = await instance.connect();
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

/** Counts of the items of the first column. */
async function countsOf(sql: string, countMax = 1_000): Promise<number[]> {
  const chunk = await (await connection.stream(sql)).fetchChunk();
  if (chunk === null) throw new Error("The query gave nothing.");
  const vector = chunk.getColumnVector(0);
  return Array.from({ length: chunk.rowCount }, (_, i) => countValues(vector, i, countMax));
}

test.each([
  ["SELECT 1", 1],
  ["SELECT NULL::INT[]", 1],
  ["SELECT []::INT[]", 1],
  ["SELECT [1, 2, 3]", 4],
  ["SELECT ['a', NULL]", 3],
  ["SELECT [[1, 2], [3], NULL, []]", 8],
  ["SELECT {a: 1, b: [1, 2]}", 5],
  ["SELECT [{a: 1}, {a: 2}]", 5],
  ["SELECT MAP {'a': 1, 'b': 2}", 7],
  ["SELECT MAP {'a': [1, 2]}", 6],
  ["SELECT [MAP {'a': 1}, MAP {'a': 1}]", 9],
  ["SELECT union_value(a := [1, 2])", 5],
])("SQL-6: the values of %s are counted with all parts", async (sql, count) => {
  expect(await countsOf(sql)).toEqual([count]);
});

test("SQL-6: each row is counted by itself", async () => {
  expect(await countsOf("SELECT CASE WHEN i = 2 THEN NULL ELSE list_value(i, i + 1)[: i] END FROM range(5) t(i) ORDER BY i")).toEqual([
    1, 2, 1, 3, 3,
  ]);
  expect(await countsOf("SELECT a FROM (VALUES ([[1]]), (NULL), ([[1, 2], [3]]), ([])) t(a)")).toEqual([3, 1, 6, 1]);
});

test("SQL-6: counting stops once there are too many", async () => {
  const [flat = 0] = await countsOf("SELECT range(100000)", 100);
  expect(flat).toBeGreaterThan(100);
  const [nested = 0] = await countsOf("SELECT list([i, i, i]) FROM range(10000) t(i)", 20_000);
  expect(nested).toBeGreaterThan(20_000);
  expect(nested).toBeLessThan(20_020);
});
