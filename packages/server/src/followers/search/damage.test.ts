import { DuckDBInstance } from "@duckdb/node-api";
import { AuditError } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faultKind, StoreUnsound, toEngineError } from "./damage.ts";

let instance: DuckDBInstance;
beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:", { memory_limit: "20MB" });
});
afterAll(() => instance.closeSync());

async function errorOf(sql: string): Promise<unknown> {
  const connection = await instance.connect();
  try {
    return await connection.runAndReadAll(sql).then(
      () => undefined,
      (error: unknown) => error,
    );
  } finally {
    connection.closeSync();
  }
}

test("INDEX-6: no statement that an asker writes can look like damage, or like the end of the engine", async () => {
  const words = "IO Error: checksum corrupt FATAL INTERNAL has been invalidated could not allocate No space left Could not set lock";
  for (const sql of [
    `SELECT error('${words}')`,
    `SELECT error('FATAL Error: ${words}')`,
    `SELECT CAST('${words}' AS INTEGER)`,
    `SELECT 'FATAL Error: ${words}' FROM missing_table`,
    `SELECT "IO Error: ${words}"`,
    `SELECT '${words}' SELECT`,
    `SELECT 300::TINYINT AS "${words}"`,
    `SELECT json_extract('{', '$.${words}')`,
    `SELECT regexp_matches('a', '(${words}')`,
    `SELECT strptime('${words}', '%Y')`,
    `SELECT date_part('${words}', DATE '2026-01-01')`,
    `SELECT printf('%d ${words}', 'a')`,
    `SELECT range(1, 9223372036854775807) AS "${words}" LIMIT 0`,
    `SELECT list_value(1)[${"1"}]::STRUCT("${words}" INTEGER)`,
  ]) {
    const error = await errorOf(sql);
    if (error !== undefined) expect([faultKind(error), sql], String(error)).toEqual(["other", sql]);
  }
});

test("INDEX-6: what DuckDB says of memory, locks, full disks and damage is told apart", async () => {
  expect(faultKind(await errorOf("SELECT list(range::VARCHAR || repeat('x', 100)) FROM range(10_000_000)"))).toBe("memory");
  const said: readonly (readonly [string, string])[] = [
    ["IO Error: Corrupt database file: computed checksum 1 does not match stored checksum 2 in block", "damaged"],
    ['IO Error: The file "x" exists, but it is not a valid DuckDB database file!', "damaged"],
    ["Serialization Error: Failed to deserialize: field id mismatch", "damaged"],
    ["IO Error: Could not read from file", "damaged"],
    ['IO Error: Could not set lock on file "x": Conflicting lock is held', "locked"],
    ['IO Error: Cannot open file "x": Too many open files', "other"],
    ['IO Error: Cannot open file "x": Permission denied', "other"],
    ["TransactionContext Error: Failed to commit: Could not write file: No space left on device", "disk-full"],
    ["INTERRUPT Error: Interrupted!", "interrupted"],
    ["FATAL Error: database has been invalidated because of a previous fatal error", "fatal"],
    ["INTERNAL Error: Attempted to access index 1 within vector of size 0", "fatal"],
    [
      "IO Error: Transaction COMMIT succeeded and is durable, but … The database has been invalidated. Original error: could not allocate block",
      "fatal",
    ],
  ];
  for (const [message, kind] of said) expect([message, faultKind(new Error(message))]).toEqual([message, kind]);
  expect(faultKind(new StoreUnsound("…"))).toBe("fatal");
  expect(faultKind(new AuditError("QUERY_TIMEOUT"))).toBe("other");
});

test("INDEX-6: short memory is the question's fault when one was asked, and a reason to try again when rows were written", () => {
  const error = new Error("Out of Memory Error: could not allocate block");
  expect(toEngineError(error, "asking")).toMatchObject({ code: "QUERY_TOO_LARGE", cause: error });
  expect(toEngineError(error, "indexing")).toMatchObject({ code: "SEARCH_UNAVAILABLE", cause: error });
  for (const message of ["IO Error: Corrupt database file: secret", "FATAL Error: secret", "Conversion Error: secret"])
    expect(toEngineError(new Error(message), "asking").message).not.toContain("secret");
});
