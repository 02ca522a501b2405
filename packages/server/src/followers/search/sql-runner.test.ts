import type { DuckDBConnection } from "@duckdb/node-api";
import { AuditError } from "@vouchtrail/events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entriesOf, type IndexRows, openIndexRows } from "../../../../../test/search/index-rows.ts";
import { SQL_MESSAGE_CHARS_MAX } from "./limits.ts";
import type { SqlQuestion, SqlRows } from "./search-engine.ts";
import { ALLOWED_FUNCTIONS } from "./sql-functions.ts";
import { answerSql, type SqlOptions } from "./sql-runner.ts";

/** Stands in every entry, and must stand in no message. */
const MARKER = "Marker77341";

let rows: IndexRows;
beforeAll(async () => {
  rows = await openIndexRows();
  await rows.fill(
    entriesOf(
      Array.from({ length: 5_000 }, (_, i) => ({
        occurredAt: new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString(),
        actor: { type: "agent", id: `${MARKER}-${i % 7}` },
        outcome: { status: i % 3 === 0 ? "failure" : "success", message: `${MARKER} it's "quoted"\n\nLINE 1: ${MARKER}` },
        labels: { lane: `lane-${i % 2}` },
      })),
    ),
    2_000,
  );
});
afterAll(async () => {
  await rows[Symbol.asyncDispose]();
});

/** Runs one statement as the engine does, in a transaction of its own. */
async function ask(
  question: Partial<SqlQuestion> & { sql: string },
  options: Partial<SqlOptions> = {},
): Promise<Omit<SqlRows, "searchedTo">> {
  const { connection } = rows;
  await connection.run("BEGIN TRANSACTION READ ONLY");
  try {
    return await answerSql(connection, { limit: 1_000, ...question }, { nowMs: () => performance.now(), ...options });
  } finally {
    await connection.run("ROLLBACK");
  }
}

async function faultOf(sql: string): Promise<AuditError> {
  const error: unknown = await ask({ sql }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AuditError) return error;
  throw new Error(`${sql}: ${error === undefined ? "was answered" : String(error)}`);
}

describe("rows", () => {
  test("SQL-6: an answer has the columns with their types, the rows, and how long it took", async () => {
    const clock = [100, 142.4];
    const sql = `SELECT outcome_status AS status, count(*) AS n, sum(1.25::DECIMAL(6,2)) AS s, max(occurred_at) AS "last", count(*) AS n
      FROM deeds GROUP BY ALL ORDER BY 1`;
    expect(await ask({ sql }, { nowMs: () => clock.shift() ?? 0 })).toEqual({
      columns: [
        { name: "status", type: "VARCHAR" },
        { name: "n", type: "BIGINT" },
        { name: "s", type: "DECIMAL(38,2)" },
        { name: "last", type: "TIMESTAMP WITH TIME ZONE" },
        { name: "n", type: "BIGINT" },
      ],
      rows: [
        ["failure", 1_667, 2_083.75, "2026-01-04T11:18:00.000Z", 1_667],
        ["success", 3_333, 4_166.25, "2026-01-04T11:19:00.000Z", 3_333],
      ],
      isTruncated: false,
      elapsedMs: 42,
    });
  });

  test("SQL-6: an answer without rows has its columns", async () => {
    const answer = await ask({ sql: "SELECT id, '{}'::JSON AS j FROM deeds WHERE false" });
    expect(answer).toMatchObject({
      columns: [
        { name: "id", type: "UUID" },
        { name: "j", type: "JSON" },
      ],
      rows: [],
      isTruncated: false,
    });
  });

  test("SQL-6: a limit cuts, and the answer says whether there is more", async () => {
    for (const limit of [1, 2, 2_047, 2_048, 2_049, 4_999]) {
      const { rows: told, isTruncated } = await ask({ sql: 'SELECT "index" FROM entries ORDER BY 1', limit });
      expect([told.length, told.at(-1), isTruncated]).toEqual([limit, [limit - 1], true]);
    }
    expect(await ask({ sql: 'SELECT "index" FROM entries', limit: 5_000 })).toMatchObject({ isTruncated: false });
    expect(await ask({ sql: 'SELECT "index" FROM entries LIMIT 3', limit: 3 })).toMatchObject({ isTruncated: false });
  });

  test("SQL-6: a limit ends the work: the first rows of a billion are there at once", async () => {
    const { rows: told, isTruncated } = await ask({ sql: "SELECT * FROM range(1000000000000)", limit: 3 });
    expect([told, isTruncated]).toEqual([[[0], [1], [2]], true]);
    expect(await ask({ sql: "SELECT 1" })).toMatchObject({ rows: [[1]] });
  });

  test("SQL-6: an answer ends before it is too long, and says so", async () => {
    const sql = "SELECT 'x' || i FROM range(1000) r(i)";
    const { rows: told, isTruncated } = await ask({ sql }, { charsMax: 1_000 });
    expect(isTruncated).toBe(true);
    const chars = told.map((row) => JSON.stringify(row).length).reduce((sum, length) => sum + length, 0);
    expect(chars).toBeLessThanOrEqual(1_000);
    expect(chars).toBeGreaterThan(980);
    await expect(ask({ sql: "SELECT content FROM deeds" }, { charsMax: 10 })).rejects.toMatchObject({
      code: "QUERY_TOO_LARGE",
      message: "The first row is too long for an answer. Select fewer columns.",
    });
  });

  test("SQL-7: statements see the entries as the trail keeps them", async () => {
    const sql = `SELECT labels->>'lane' AS lane, count(*) FILTER (WHERE outcome_status = 'failure') AS failures, content->'outcome' AS outcome
      FROM deeds WHERE actor_id = '${MARKER}-0' GROUP BY ALL ORDER BY 1`;
    const { rows: told, columns } = await ask({ sql });
    expect(columns.map(({ type }) => type)).toEqual(["VARCHAR", "BIGINT", "JSON"]);
    expect(told.map(([lane]) => lane)).toEqual(["lane-0", "lane-1"]);
    expect(told[0]?.[2]).toEqual({ message: `${MARKER} it's "quoted"\n\nLINE 1: ${MARKER}` });
  });
});

describe("errors", () => {
  test("SQL-8: what is wrong with a statement is told in the engine's words, with a mark below the place", async () => {
    expect((await faultOf("SELECT actr_id FROM deeds")).message).toMatch(
      /^Binder Error: Referenced column "actr_id" not found in FROM clause!\nCandidate bindings: .*"actor_id".*\n\nLINE 1: SELECT actr_id FROM deeds\n {15}\^$/,
    );
    expect((await faultOf("SELECT upper(1, 2)")).message).toContain("No function matches the given name and argument types");
    expect((await faultOf("SELECT sum(action) FROM deeds")).code).toBe("SQL_INVALID");
    expect((await faultOf("SELECT action FROM deeds GROUP BY tenant")).message).toContain("must appear in the GROUP BY clause");
  });

  test("SQL-8: values of entries stand in no message, the statement's own words do", async () => {
    expect((await faultOf("SELECT actor_id::INTEGER FROM deeds")).message).toBe(
      "Conversion Error: Could not convert string '…' to INT32 when casting from source column actor_id\n\nLINE 1: SELECT actor_id::INTEGER FROM deeds\n                       ^",
    );
    expect((await faultOf("SELECT strptime(actor_id, '%Y') FROM deeds")).message).toBe("Invalid Input Error: Could not parse string '…'");
    expect((await faultOf("SELECT epoch_us(occurred_at)::TINYINT FROM deeds")).message).toMatch(
      /^Conversion Error: Type INT64 with value … can't be cast/,
    );
    const subtraction = 'SELECT 100::UTINYINT - ("index" + 140)::UTINYINT FROM entries WHERE "index" = 7';
    expect((await faultOf(subtraction)).message).toContain("Overflow in subtraction of UINT8 (100 - …)!");
  });

  test("SQL-8: no function puts a value into a message", async () => {
    const told: string[] = [];
    const note = async (expression: string): Promise<void> => {
      const error: unknown = await ask({ sql: `SELECT ${expression} FROM (FROM deeds LIMIT 3)` }).catch((thrown: unknown) => thrown);
      if (!(error instanceof Error)) return;
      // An error that is not the statement's fault means that the engine itself failed.
      if (!(error instanceof AuditError) || error.message.includes(MARKER)) told.push(`${expression}: ${error.message}`);
    };
    const texts = ["actor_id", "content->>'/outcome/message'", "[actor_id]", "actor_id::BLOB"];
    for (const name of [...ALLOWED_FUNCTIONS].filter((allowed) => /^[a-z]/.test(allowed))) {
      for (const text of [...texts, "content", "{a: actor_id}", "MAP {actor_id: 1}"]) await note(`${name}(${text})`);
      for (const second of ["actor_id", "1"]) await note(`${name}(actor_id, ${second})`);
      await note(`${name}('x', actor_id, actor_id)`);
    }
    for (const type of [
      "INT",
      "DOUBLE",
      "DATE",
      "TIME",
      "TIMESTAMP",
      "TIMESTAMPTZ",
      "INTERVAL",
      "UUID",
      "BIT",
      "BLOB",
      "JSON",
      "INT[]",
      "STRUCT(a INT)",
    ]) {
      for (const text of texts) await note(`(${text})::${type}`);
    }
    expect(told).toEqual([]);
  }, 300_000);

  test("SQL-8: a value that imitates the end of a message takes nothing with it", async () => {
    const { message } = await faultOf("SELECT (content->>'/outcome/message')::INTEGER FROM deeds");
    expect(message).not.toContain(MARKER);
    expect(message).toContain("Conversion Error: Could not convert string '…'");
  });

  test("SQL-8: messages are short and name no path of the machine", async () => {
    const { message } = await faultOf(`SELECT '${"x".repeat(90_000)}'::"no such type"`);
    expect(message.length).toBeLessThanOrEqual(SQL_MESSAGE_CHARS_MAX);
    expect((await faultOf(`SELECT "${"x".repeat(90_000)}"`)).message.length).toBeLessThanOrEqual(SQL_MESSAGE_CHARS_MAX);
    expect((await faultOf("SELECT '/etc/passwd'::DATE")).message).toContain("LINE 1: SELECT '/etc/passwd'::DATE");
  });

  test("SQL-6: what is not about the statement is left to the engine to judge", async () => {
    const interrupted = async (connection: DuckDBConnection): Promise<unknown> => {
      const stopping = setInterval(() => connection.interrupt(), 20);
      const error: unknown = await ask({ sql: "SELECT count(*) FROM range(1000000000000)" }).catch((thrown: unknown) => thrown);
      clearInterval(stopping);
      return error;
    };
    const error = await interrupted(rows.connection);
    expect(error).not.toBeInstanceOf(AuditError);
    expect(String(error)).toContain("INTERRUPT Error");
    expect(await ask({ sql: "SELECT count(*) FROM entries" })).toMatchObject({ rows: [[5_000]] });
  });

  test("SQL-6: the memory of the process is watched while a statement runs", async () => {
    let calls = 0;
    const usedBytes = (): number => (calls++ === 0 ? 0 : 1_000);
    await expect(ask({ sql: "SELECT count(*) FROM range(1000000000000)" }, { usedBytes, memoryBytesMax: 100 })).rejects.toMatchObject({
      code: "QUERY_TOO_LARGE",
    });
  });
});
