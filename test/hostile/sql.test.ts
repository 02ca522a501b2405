import { existsSync, readFileSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AuditError } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SqlRows } from "../../packages/server/src/followers/search/search-engine.ts";
import { type IndexPlace, openIndexPlace } from "../search/index-place.ts";

/* Statements that somebody with the key of an administrator should not get away with, against an engine with files and rows in memory. */

/** A file that is full, and some rows in memory. */
const ENTRIES = 300;
/** Short, because the statements that go on for ever take all of it. */
const QUERY_TIMEOUT_MS = 1_000;
const MEMORY_BYTES = 128 * 1_048_576;
const SECRET = "correct horse battery staple";

let place: IndexPlace;
/** Rows and files as they were before the first statement. */
let before: { readonly rows: unknown; readonly files: unknown };

beforeAll(async () => {
  place = await openIndexPlace({ queryTimeoutMs: QUERY_TIMEOUT_MS, memoryBytes: MEMORY_BYTES });
  const minuteMs = 60_000;
  for (let i = 0; i < ENTRIES; i++) {
    place.add({
      occurredAt: new Date(Date.now() - (i % 50) * minuteMs).toISOString(),
      actor: { type: "agent", id: i % 3 === 0 ? "ops/release-manager" : `agent-${i % 3}` },
      activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: `ls ${i}` } } },
      outcome: i % 5 === 0 ? { status: "failure", code: "E1", message: "no such file" } : { status: "success" },
      usage: { costUsd: 0.25, tokensInput: 10, tokensOutput: 1 },
      security: { sensitiveDataAccessed: i % 10 === 0 },
      details: { note: SECRET },
    });
  }
  await place.feed();
  before = await picture();
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

const ask = (sql: string, limit = 1_000): Promise<SqlRows> => place.engine.sql({ sql, limit });

/** What came of a statement: the code of its error, or how many rows it gave. Anything but an error with a code fails. */
async function outcomeOf(sql: string): Promise<string> {
  try {
    return `${(await ask(sql, 5)).rows.length} rows`;
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return error.code;
  }
}

/** The statements among these that came to something else. */
async function others(statements: readonly string[], expected: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const sql of statements) {
    const outcome = await outcomeOf(sql);
    if (!expected.includes(outcome)) found.push(`${outcome}: ${sql.slice(0, 200)}`);
  }
  return found;
}

async function picture(): Promise<typeof before> {
  const { rows } = await ask(`SELECT count(*), min("index"), max("index"), bit_xor(hash(e)::VARCHAR::HUGEINT) FROM entries e`);
  const names = (await readdir(place.directory)).filter((name) => name.endsWith(".duckdb")).sort();
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(place.directory, name);
      return { name, bytes: (await stat(path)).size, contents: (await readFile(path)).toString("base64") };
    }),
  );
  return { rows, files };
}

/** Nothing that was asked changed anything, and nothing was taken for a fault of the store. */
async function expectUntouched(): Promise<void> {
  expect(await picture()).toEqual(before);
  expect(place.fatal).toEqual([]);
  expect(place.repairs).toEqual([]);
}

/** Refused by the guard, so that it never got as far as being planned. */
const FORBIDDEN = ["SQL_FORBIDDEN"];
/** The same, or no SQL at all. */
const REFUSED = [...FORBIDDEN, "SQL_INVALID"];

test("SQL-1: nothing that writes, or changes the engine, is run", async () => {
  const statements = [
    "INSERT INTO entries SELECT * FROM entries",
    "INSERT INTO hot_0 SELECT * FROM entries",
    "UPDATE entries SET action = 'x'",
    "DELETE FROM entries",
    "TRUNCATE hot_0",
    "MERGE INTO hot_0 USING entries ON false WHEN NOT MATCHED THEN INSERT",
    "WITH gone AS (DELETE FROM hot_0 RETURNING *) SELECT * FROM gone",
    "WITH added AS (INSERT INTO hot_0 SELECT * FROM entries RETURNING *) SELECT * FROM added",
    "SELECT * FROM (DELETE FROM hot_0 RETURNING *)",
    "SELECT * INTO copied FROM entries",
    "CREATE TABLE copied AS SELECT * FROM entries",
    "CREATE TEMP TABLE copied AS SELECT * FROM entries",
    "CREATE OR REPLACE VIEW entries AS SELECT 1",
    "CREATE TEMP VIEW entries AS SELECT 1",
    "CREATE MACRO count(x) AS 0",
    "CREATE TYPE text AS ENUM ('x')",
    "CREATE SEQUENCE numbers",
    "CREATE SECRET (TYPE s3)",
    "CREATE INDEX i ON hot_0 (id)",
    "ALTER TABLE hot_0 ADD COLUMN x INT",
    "ALTER VIEW entries RENAME TO gone",
    "DROP VIEW entries",
    "COMMENT ON VIEW entries IS 'x'",
    "COPY entries TO 'x.csv'",
    "COPY (SELECT 1) TO '/tmp/x.csv'",
    "COPY hot_0 FROM '/etc/passwd'",
    "EXPORT DATABASE 'x'",
    "IMPORT DATABASE 'x'",
    "ATTACH 'x.duckdb' AS x",
    "ATTACH ':memory:' AS x",
    "DETACH f0",
    "USE memory",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs FROM community",
    "LOAD httpfs",
    "PRAGMA database_list",
    "PRAGMA table_info('entries')",
    "PRAGMA enable_profiling",
    "SET memory_limit = '100GB'",
    "SET lock_configuration = false",
    "SET enable_external_access = true",
    "SET VARIABLE x = 1",
    "RESET ALL",
    "CALL pragma_version()",
    "CALL force_checkpoint('f0')",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "ABORT",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DEALLOCATE p",
    "EXPLAIN SELECT 1",
    "EXPLAIN ANALYZE DELETE FROM hot_0",
  ];
  expect(await others(statements, REFUSED)).toEqual([]);
  await expectUntouched();
});

test("SQL-1: no comment, quote or sign hides a second statement", async () => {
  const statements = [
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP VIEW entries",
    "SELECT 1; COMMIT; DROP VIEW entries",
    "SELECT 1 /* ; */; /* */ DELETE FROM hot_0",
    "SELECT 1 -- ;\n; DELETE FROM hot_0",
    "SELECT 1 -- ;\r; DELETE FROM hot_0\n; DELETE FROM hot_0",
    "SELECT 1;;DELETE FROM hot_0;",
    "/* /* nested */ SELECT 1; */ DELETE FROM hot_0",
    "SELECT $$ ; $$; DELETE FROM hot_0",
    "SELECT $a$ ; $b$ ; $a$; DELETE FROM hot_0",
    "SELECT E'\\''; DELETE FROM hot_0 --'",
    "SELECT '\\'; DELETE FROM hot_0; --'",
    'SELECT "index""; --" FROM entries; DELETE FROM hot_0',
    "SELECT 1\u0000; DELETE FROM hot_0",
    "SELECT '\u0000'; DELETE FROM hot_0",
    "SELECT 1\u037e DELETE FROM hot_0",
    "SELECT 1\uff1b DELETE FROM hot_0",
    "SELECT 'a' COLLATE \"x\"; DROP VIEW entries",
    "\ufeffDELETE FROM hot_0",
    "\u00a0DELETE FROM hot_0",
    "\u200bDELETE FROM hot_0",
    "\uff24\uff25\uff2c\uff25\uff34\uff25 FROM hot_0",
    "DELETE\u2028FROM hot_0",
    "(DELETE FROM hot_0)",
    "SELECT '\ud800'",
    "SELECT '\udc00\ud800'",
  ];
  expect(await others(statements, REFUSED)).toEqual([]);
  await expectUntouched();
});

test("SQL-2: no file, no table of the engine and no other name for a table is read", async () => {
  const tables = [
    "hot_0",
    '"hot_0"',
    "HOT_0",
    "main.entries",
    "memory.entries",
    "memory.main.entries",
    '"memory"."main"."hot_0"',
    "f0.entries",
    "f0.main.entries",
    '"f000000000000000".entries',
    "temp.main.entries",
    "system.main.duckdb_tables",
    "information_schema.tables",
    "pg_catalog.pg_class",
    "pg_class",
    "sqlite_master",
    "duckdb_databases",
    "duckdb_views",
    "pragma_database_list",
    "'x.csv'",
    "'/etc/passwd'",
    "'/etc/passwd.csv'",
    '"../secrets/keys.json"',
    "'000000000000000.duckdb'",
    '"s3://bucket/x.parquet"',
    "'https://example.org/x.json'",
    "'glob/*.parquet'",
    "\uff48ot_0",
    "hot_0\u200b",
    "hot_\u2070",
    "ENTR\u0130ES",
    "entrie\u017f",
  ];
  const forms = [
    (table: string) => `SELECT * FROM ${table}`,
    (table: string) => `SELECT (SELECT count(*) FROM ${table})`,
    (table: string) => `WITH unused AS (SELECT * FROM ${table}) SELECT 1`,
    (table: string) => `SELECT 1 FROM entries e, LATERAL (SELECT * FROM ${table}) l`,
    (table: string) => `SELECT action FROM entries UNION ALL SELECT 'x' FROM ${table}`,
    (table: string) => `DESCRIBE ${table}`,
    (table: string) => `SUMMARIZE ${table}`,
  ];
  expect(
    await others(
      tables.flatMap((table) => forms.map((form) => form(table))),
      FORBIDDEN,
    ),
  ).toEqual([]);
  await expectUntouched();
});

test("SQL-2: a name given by WITH leads to no table of the engine", async () => {
  const statements = [
    "SELECT count(*) FROM hot_0, (WITH hot_0 AS (SELECT 1) SELECT * FROM hot_0)",
    "SELECT * FROM duckdb_databases, (WITH duckdb_databases AS (SELECT 1) SELECT 1)",
    "WITH duckdb_databases AS (SELECT * FROM duckdb_databases) SELECT * FROM duckdb_databases",
    "WITH RECURSIVE duckdb_databases AS (SELECT path FROM duckdb_databases) SELECT * FROM duckdb_databases",
    "WITH RECURSIVE duckdb_databases AS (SELECT path FROM duckdb_databases UNION ALL SELECT 'x' FROM duckdb_databases) SELECT * FROM duckdb_databases",
    "WITH a AS (SELECT * FROM duckdb_views), duckdb_views AS (SELECT 1) SELECT * FROM a",
    "(WITH duckdb_views AS (SELECT 1 AS sql) SELECT sql FROM duckdb_views) UNION ALL SELECT sql FROM duckdb_views",
    "SELECT (WITH hot_0 AS (SELECT 1) SELECT 1), (SELECT count(*) FROM hot_0)",
    "WITH hot_0 AS (SELECT 1) SELECT * FROM memory.hot_0",
    'WITH "main.hot_0" AS (SELECT 1) SELECT * FROM main.hot_0',
    "WITH tables AS (SELECT 1) SELECT * FROM (SHOW TABLES)",
    'WITH """tables""" AS (SELECT 1) SELECT * FROM (SHOW TABLES)',
    "WITH __show_tables_expanded AS (SELECT 1) SELECT * FROM (SHOW ALL TABLES)",
    "SHOW TABLES",
    "SHOW TABLES FROM memory",
    "SHOW DATABASES",
    "SHOW memory_limit",
    "DESCRIBE",
    "PIVOT hot_0 ON action IN ('a') USING count(*)",
    "UNPIVOT duckdb_databases ON COLUMNS(*)",
  ];
  expect(await others(statements, FORBIDDEN)).toEqual([]);
});

test("SQL-3: no table function reads files, runs SQL or looks at the engine", async () => {
  const calls = [
    ...["read_csv('/etc/passwd')", "read_csv_auto('x')", "read_text('/etc/*')", "read_blob('/etc/passwd')", "read_parquet(['x'])"],
    ...[
      "read_json_auto('x')",
      "read_ndjson_objects('x')",
      "read_duckdb('x')",
      "glob('/*')",
      "sniff_csv('/etc/passwd')",
      "parquet_scan('x')",
    ],
    ...["parquet_metadata('x')", "query('SELECT 1')", "query_table('hot_0')", "query_table(['hot_0'])", "histogram(hot_0, action)"],
    ...["json_execute_serialized_sql(json_serialize_sql('SELECT 1'))", "duckdb_settings()", "duckdb_tables()", "duckdb_secrets()"],
    ...["duckdb_logs()", "duckdb_memory()", "pragma_database_size()", "pragma_storage_info('hot_0')", "pragma_table_info('hot_0')"],
    ...[
      "checkpoint()",
      "force_checkpoint()",
      "enable_logging()",
      "enable_profiling()",
      "truncate_duckdb_logs()",
      "which_secret('x', 's3')",
    ],
    ...[
      "sql_auto_complete('SEL')",
      "seq_scan('hot_0')",
      "arrow_scan(1::BIGINT, 2::BIGINT, 3::BIGINT)",
      "test_all_types()",
      "repeat('x', 10)",
    ],
    ...["nothing_of_this_name(1)", "check_peg_parser('SELECT 1')"],
  ];
  const forms = [
    (call: string) => `SELECT * FROM ${call}`,
    (call: string) => `SELECT (SELECT count(*) FROM ${call})`,
    (call: string) => `SELECT 1 FROM entries, LATERAL (SELECT * FROM ${call})`,
    (call: string) => `SUMMARIZE SELECT * FROM ${call}`,
  ];
  expect(
    await others(
      calls.flatMap((call) => forms.map((form) => form(call))),
      FORBIDDEN,
    ),
  ).toEqual([]);
  await expectUntouched();
});

test("SQL-3: no function that changes, reveals or delays anything is called, wherever it stands", async () => {
  const calls = [
    ...[
      "current_setting('allowed_directories')",
      "getenv('HOME')",
      "getvariable('x')",
      "nextval('x')",
      "write_log('x')",
      "sleep_ms(60000)",
    ],
    ...["pg_sleep(60)", "setseed(0.5)", "stats(1)", "vector_type(1)", "current_query()", "current_connection_id()", "txid_current()"],
    ...["json_serialize_sql('SELECT 1')", "json_serialize_plan('SELECT * FROM hot_0')", "json_deserialize_sql('{}')", "pg_get_viewdef(1)"],
    ...["get_block_size('memory')", "error('x')", "create_sort_key(1, 'ASC NULLS LAST')", "__internal_decompress_string(1::UTINYINT)"],
    ...["main.current_setting('threads')", "system.main.\"current_setting\"('threads')", "\"CURRENT_SETTING\"('threads')"],
  ];
  const forms = [
    (call: string) => `SELECT ${call}`,
    (call: string) => `SELECT ${call} OVER () FROM entries`,
    (call: string) => `SELECT 1 FROM entries WHERE action = (${call})::VARCHAR`,
    (call: string) => `SELECT 1 FROM entries ORDER BY ${call}`,
    (call: string) => `SELECT count(*) FROM entries GROUP BY ${call}`,
    (call: string) => `SELECT count(*) FROM entries HAVING (${call}) IS NULL`,
    (call: string) => `SELECT count(*) FILTER (WHERE (${call}) IS NULL) FROM entries`,
    (call: string) => `SELECT row_number() OVER (PARTITION BY ${call}) FROM entries`,
    (call: string) => `SELECT 1 FROM entries QUALIFY row_number() OVER (ORDER BY ${call}) = 1`,
    (call: string) => `SELECT string_agg(action, ',' ORDER BY ${call}) FROM entries`,
    (call: string) => `SELECT 1 FROM entries LIMIT (SELECT ${call})`,
    (call: string) => `SELECT DISTINCT ON (${call}) 1 FROM entries`,
    (call: string) => `SELECT * REPLACE (${call} AS action) FROM entries`,
    (call: string) => `SELECT COLUMNS(c -> (${call}) IS NULL) FROM entries`,
    (call: string) => `SELECT 1 FROM entries a JOIN entries b ON (${call}) IS NULL`,
    (call: string) => `SELECT * FROM (VALUES (${call}))`,
    (call: string) => `SELECT * FROM unnest([${call}])`,
    (call: string) => `SELECT list_transform([1], lambda x: ${call}), {a: ${call}}, CASE ${call} WHEN 1 THEN 1 END`,
  ];
  expect(
    await others(
      calls.flatMap((call) => forms.map((form) => form(call))),
      FORBIDDEN,
    ),
  ).toEqual([]);
  await expectUntouched();
});

test("SQL-4: what one call would blow up is refused before it runs", async () => {
  const statements = [
    "SELECT repeat('x', 1000000000)",
    "SELECT length(repeat(action, 1000000000)) FROM entries",
    "SELECT list_aggregate(range(1000000000), 'sum')",
    "SELECT generate_series(1, 1000000000)",
    "SELECT lpad('x', 1000000000, 'y')",
    "SELECT rpad('x', 1000 * 1000000, 'y')",
    "SELECT printf('%1000000000d', 1)",
    "SELECT printf('%*d', 1000000000, 1)",
    "SELECT format('{:1000000000d}', 1)",
    "SELECT format('{:{}}', 'x', 1000000000)",
    "SELECT bitstring('1', 1000000000)",
    "SELECT list_resize([1], 1000000000)",
    "SELECT NULL::INT[100000]",
    "SELECT levenshtein(content, content) FROM entries",
    "SELECT damerau_levenshtein(content, content) FROM entries",
    "SELECT content ILIKE '%a%b%c%d%e%f%' FROM entries",
    "SELECT content LIKE content FROM entries",
    "SELECT regexp_matches(content, content) FROM entries",
    "SELECT json_structure(content), json_merge_patch(content, content) FROM entries",
    "SELECT content::JSON::VARIANT FROM entries",
    "SELECT '\\x01'::BLOB::GEOMETRY",
    "SELECT sum(cost_usd) EXPORT_STATE FROM entries",
  ];
  expect(await others(statements, FORBIDDEN)).toEqual([]);
});

test("SQL-5: what would keep parser or planner busy is refused at once", async () => {
  const nested = (open: string, inner: string, close: string, times: number): string =>
    `${open.repeat(times)}${inner}${close.repeat(times)}`;
  const doubled = Array.from({ length: 30 }, (_, i) => `, t${i + 1} AS NOT MATERIALIZED (SELECT a.i FROM t${i} a, t${i} b)`).join("");
  const statements = [
    `SELECT ${nested("(", "1", ")", 49_000)}`,
    `SELECT ${nested("[", "1", "]", 49_000)}`,
    `SELECT ${nested("{a:", "1", "}", 20_000)}`,
    `SELECT ${nested("abs(", "1", ")", 15_000)}`,
    `SELECT ${nested("(SELECT ", "1", ")", 30)}`,
    `SELECT ${nested("list_transform([1], lambda x: ", "1", ")", 30)}`,
    `SELECT 1 ${nested("WHERE EXISTS (SELECT 1 ", "", ")", 40)}`,
    `SELECT content${"->'a'".repeat(40)} FROM entries`,
    `SELECT ${"NOT ".repeat(20_000)}true`,
    `SELECT 1${"+1".repeat(900)}`,
    `SELECT ${Array.from({ length: 400 }, () => `1${"+1".repeat(100)}`).join(", ")}`,
    `SELECT ${"CASE WHEN true THEN ".repeat(900)}1${" END".repeat(900)}`,
    `SELECT NULL::INT${"[]".repeat(900)}`,
    `${"/*".repeat(20_000)} ${"*/".repeat(20_000)} SELECT 1`,
    `WITH t0 AS NOT MATERIALIZED (SELECT 1 AS i)${doubled} SELECT count(*) FROM t30`,
    `SELECT count(*) FROM ${Array.from({ length: 500 }, (_, i) => `entries e${i}`).join(" NATURAL JOIN ")}`,
    `SELECT ${"*, ".repeat(20_000)}1 FROM entries`,
    `SELECT '${"x".repeat(100_000)}'`,
  ];
  expect(await others(statements, REFUSED)).toEqual([]);
  // One that got to the planner could not be stopped, and would be told as fatal.
  await expectUntouched();
});

test("SQL-6: what goes on for ever or wants all memory is stopped, and the next question is answered", async () => {
  const statements = [
    "SELECT count(*) FROM range(1000000000000)",
    "SELECT count(*) FROM entries a, entries b, entries c, entries d, entries e",
    "SELECT * FROM range(10000000000) ORDER BY random()",
    "WITH RECURSIVE t AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM t) SELECT count(*) FROM t",
    "WITH RECURSIVE t AS (SELECT 1 AS i UNION ALL SELECT i FROM t, range(1000)) SELECT count(*) FROM t",
    "WITH RECURSIVE t AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM t) SELECT count(*) FROM t",
    "WITH RECURSIVE t AS (SELECT [1] AS s UNION ALL SELECT s || s FROM t) SELECT count(*) FROM t",
    "SELECT count(DISTINCT i) FROM range(100000000000) t(i)",
    "SELECT list(i) FROM range(100000000000) t(i)",
    "SELECT string_agg(i::VARCHAR, ',') FROM range(100000000000) t(i)",
    "SELECT json_group_array(i) FROM range(100000000000) t(i)",
    "SELECT histogram(i) FROM range(100000000000) t(i)",
    "SELECT sum(i) OVER (ORDER BY i ROWS 1000000 PRECEDING) FROM range(100000000000) t(i)",
    "SELECT count(*) FROM range(1000000000) a(i) JOIN range(1000000000) b(j) ON i = j",
    "SELECT i % 1000000007 AS k, count(*) FROM range(100000000000) t(i) GROUP BY k",
    "SELECT flatten(list(a)) FROM range(100000), (SELECT list(j) AS a FROM range(10000) u(j))",
  ];
  expect(await others(statements, ["QUERY_TIMEOUT", "QUERY_TOO_LARGE"])).toEqual([]);
  await expectUntouched();
});

test("SQL-6: a query that its asker gives up is stopped, and its place is free again", async () => {
  for (let i = 0; i < 10; i++) {
    const stop = new AbortController();
    const reason = new Error("no longer wanted");
    const answer = place.engine.sql({ sql: "SELECT count(*) FROM range(1000000000000)", limit: 1 }, stop.signal);
    setImmediate(() => stop.abort(reason));
    await expect(answer).rejects.toBe(reason);
    // The interrupt meant the one before, also where both use the same connection.
    expect((await ask("SELECT count(*) FROM entries")).rows).toEqual([[ENTRIES]]);
  }
});

test("SQL-6: an answer without end is cut at its limit", async () => {
  const { rows, isTruncated } = await ask("SELECT * FROM range(1000000000000)", 3);
  expect({ rows, isTruncated }).toEqual({ rows: [[0], [1], [2]], isTruncated: true });
  const whole = await ask("SELECT * FROM range(3)", 3);
  expect(whole).toMatchObject({ rows: [[0], [1], [2]], isTruncated: false });
});

test("SQL-6: a row of more values than can be told is refused before any of them is made", async () => {
  const statements = [
    "SELECT list(true) FROM range(2000000)",
    "SELECT list({a: i, b: [i]}) FROM range(300000) t(i)",
    "SELECT histogram(i) FROM range(400000) t(i)",
  ];
  expect(await others(statements, ["QUERY_TOO_LARGE"])).toEqual([]);
  expect((await ask("SELECT len(list(i)) FROM range(2000000) t(i)")).rows).toEqual([[2_000_000]]);
});

test("SQL-6: JSON nested without measure ends neither the engine nor its answer", async () => {
  const text = "(SELECT string_agg('[', '') || string_agg(']', '') AS s FROM range(200000))";
  const statements = [
    `SELECT s::JSON FROM ${text}`,
    `SELECT json_extract(s, '$[0]'), json_type(s), json_valid(s), json_array_length(s) FROM ${text}`,
    `SELECT json_quote(s), json_value(s, '$.a'), json_exists(s, '$.a'), json_keys('{"a":' || s || '}') FROM ${text}`,
    `SELECT from_json(s, '["VARCHAR"]'), TRY_CAST(s AS INT[][]) FROM ${text}`,
    `SELECT json_extract(s, '$..a') FROM ${text}`,
  ];
  expect(await others(statements, ["1 rows"])).toEqual([]);
});

test("SQL-8: errors hold no content of entries and no path of the machine", async () => {
  const statements = [
    "SELECT content::INT FROM entries",
    "SELECT content::JSON->'details'->>'note' || 1 / 0, (content::JSON->'details'->>'note')::DATE FROM entries",
    "SELECT strptime(content->'details'->>'note', '%Y') FROM entries",
    "SELECT (content->'details'->>'note')::UUID FROM entries",
    "SELECT (content->'details'->>'note')::BOOLEAN FROM entries",
    "SELECT (content || 'x')::JSON FROM entries",
    "SELECT json_extract('{' || content, '$.a') FROM entries",
    "SELECT (content->'details'->>'note')::TIMESTAMPTZ FROM entries",
    "SELECT (content->'details'->>'note')::BLOB::BIT FROM entries",
    "SELECT from_hex(content->'details'->>'note') FROM entries",
    "SELECT content::INT[] FROM entries",
    "SELECT nothing FROM entries",
    "SELECT * FROM '/etc/passwd.csv'",
  ];
  const told: string[] = [];
  for (const sql of statements) {
    const error = await ask(sql).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof AuditError)) continue;
    told.push(sql);
    expect(REFUSED).toContain(error.code);
    expect(error.path).toBe("sql");
    const message = sql.includes("/etc/passwd") ? error.message.replaceAll("/etc/passwd", "") : error.message;
    for (const private_ of [SECRET, "correct", "staple", "/tmp", place.directory, process.cwd()]) expect(message).not.toContain(private_);
  }
  // The others have an answer: of these something was told.
  expect(told.length).toBeGreaterThan(8);
});

test("SQL-9: the five queries of the agent log format run as they are written", async () => {
  const seed = new URL("../../../shared/seeds/agent-audit-logging.md", import.meta.url);
  if (!existsSync(seed)) {
    console.warn("The shared documents are not here: their queries were not run.");
    return;
  }
  const page = readFileSync(seed, "utf8");
  const queries = [...page.slice(page.indexOf("## Querying Audit Logs")).matchAll(/```sql\n([\s\S]*?)\n```/g)].map(([, sql]) => sql ?? "");
  expect(queries).toHaveLength(5);
  const counts: number[] = [];
  for (const sql of queries) counts.push((await ask(sql)).rows.length);
  // All but the third and the fifth, which group by agent, give a row for each deed.
  expect(counts[0]).toBe(ENTRIES / 3);
  expect(counts[1]).toBe(ENTRIES / 5);
  expect([3, 6]).toContain(counts[2]);
  expect(counts[3]).toBe(ENTRIES / 10);
  expect(counts[4]).toBe(3);
});
