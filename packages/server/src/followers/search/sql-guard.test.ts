import { DuckDBInstance } from "@duckdb/node-api";
import { AuditError } from "@vouchtrail/events";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type IndexRows, openIndexRows } from "../../../../../test/search/index-rows.ts";
import { SQL_CHARS_MAX, SQL_COLUMNS_MAX, SQL_COMMENTS_MAX, SQL_TABLES_MAX } from "./limits.ts";
import { CHECKED_FUNCTIONS } from "./sql-arguments.ts";
import { ALLOWED_FUNCTIONS, refusalOf } from "./sql-functions.ts";
import { checkSql } from "./sql-guard.ts";

let rows: IndexRows;
beforeAll(async () => {
  rows = await openIndexRows();
});
afterAll(async () => {
  await rows[Symbol.asyncDispose]();
});

/** `allowed`, or how the statement was refused. */
async function verdictOf(sql: string): Promise<string> {
  try {
    await checkSql(rows.connection, sql);
    return "allowed";
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    expect(error.path).toBe("sql");
    return `${error.code}: ${error.message}`;
  }
}

const repeated = (count: number, make: (i: number) => string, between = ", "): string =>
  Array.from({ length: count }, (_, i) => make(i)).join(between);

describe("statements", () => {
  test.each([
    "SELECT 1",
    "select count(*) from entries;",
    "SELECT 1;;",
    "/* first */ SELECT 1 -- last",
    "-- a line\nSELECT ';' AS semicolon",
    "SELECT $$; DROP TABLE entries$$",
    "FROM deeds",
    "TABLE entries",
    "VALUES (1, 'a'), (2, 'b')",
    "(SELECT action FROM entries) UNION ALL (SELECT action FROM deeds) ORDER BY 1 DESC NULLS LAST LIMIT 10% OFFSET 1",
    "SELECT action FROM entries EXCEPT SELECT action FROM deeds INTERSECT SELECT 'x'",
    "WITH slow AS MATERIALIZED (SELECT * FROM deeds WHERE duration_ms > 1000), agents AS (SELECT actor_id FROM slow) SELECT * FROM agents",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t",
    "SELECT actor_id, count(*) FILTER (WHERE outcome_status = 'failure') FROM deeds GROUP BY ROLLUP (actor_id, action) HAVING count(*) > 1",
    "SELECT DISTINCT ON (session_id) session_id, sum(tokens_input) OVER w FROM deeds WINDOW w AS (PARTITION BY session_id ORDER BY occurred_at ROWS 3 PRECEDING)",
    "SELECT * FROM deeds QUALIFY row_number() OVER (PARTITION BY actor_id ORDER BY occurred_at DESC) = 1",
    "SELECT * EXCLUDE (content) REPLACE (upper(action) AS action), COLUMNS('tokens_.*') FROM deeds",
    "SELECT content->'outcome'->>'message', content->>'$.details.x', id::VARCHAR, TRY_CAST(session_id AS UUID), '[1]'::JSON[] FROM entries",
    "SELECT list_transform([1, 2], x -> x + 1), [x * 2 FOR x IN [1, 2] IF x > 1], {a: 1}.a, MAP {'k': 1}['k'], (1, 2) = (1, 2)",
    "SELECT e.action FROM entries e ASOF JOIN deeds d ON e.session_id = d.session_id AND e.occurred_at >= d.occurred_at",
    "SELECT * FROM entries e, LATERAL (SELECT e.action AS a) l, json_each(e.labels) j, unnest([1, 2]) u(n), generate_series(1, 3) g(i)",
    "SELECT * FROM range(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02', INTERVAL 1 HOUR) r(t)",
    "SELECT EXISTS (SELECT 1 FROM deeds), action IN (SELECT action FROM entries), (SELECT max(cost_usd) FROM deeds) FROM entries",
    "SELECT date_trunc('day', occurred_at), occurred_at AT TIME ZONE 'Europe/Zurich', now() - INTERVAL '24 hours', extract(hour FROM occurred_at) FROM deeds",
    "SELECT CASE WHEN action LIKE 'a%b_' ESCAPE '$' THEN 1 END, action ILIKE '%x%', action SIMILAR TO 'a|b', action ~ '^a' FROM entries",
    "SELECT * FROM deeds USING SAMPLE 10 ROWS",
    "PIVOT deeds ON outcome_status IN ('success', 'failure') USING count(*) GROUP BY actor_id",
    "UNPIVOT (SELECT tokens_input, tokens_output FROM deeds) ON tokens_input, tokens_output INTO NAME kind VALUE tokens",
    "SELECT current_date, current_timestamp, TRY(1 / 0), coalesce(NULL, 1), nullif(1, 1), if(true, 1, 2)",
    'SELECT "index", "ACTION" COLLATE NOCASE FROM "Entries"',
    "DESCRIBE entries",
    "DESC deeds",
    "SHOW agent_audit_log",
    "SUMMARIZE SELECT cost_usd FROM deeds",
    "SELECT column_name FROM (DESCRIBE entries)",
  ])("SQL-1: lets through and runs %s", async (sql) => {
    expect(await verdictOf(sql)).toBe("allowed");
    await rows.connection.run(sql);
  });

  test.each([
    ["EXPLAIN ANALYZE SELECT 1", "SQL_FORBIDDEN: Only SELECT can be run here; DESCRIBE entries names the columns."],
    ["PIVOT deeds ON outcome_status USING count(*)", "SQL_FORBIDDEN: PIVOT needs its values here"],
    ["SELECT 1; SELECT 2", "SQL_FORBIDDEN: Only one statement can be run at a time."],
    ["SELECT 1; DROP TABLE entries", "SQL_FORBIDDEN: "],
    ["", "SQL_INVALID: There is no statement in it."],
    [" ;; -- nothing", "SQL_INVALID: There is no statement in it."],
    ["SHOW TABLES", "SQL_FORBIDDEN: Only DESCRIBE and SUMMARIZE of entries, deeds and agent_audit_log"],
    ["FROM (SHOW ALL TABLES)", "SQL_FORBIDDEN: Only DESCRIBE and SUMMARIZE of entries, deeds and agent_audit_log"],
    ["SELECT * FROM entries WHERE action = ?", "SQL_FORBIDDEN: Parameters such as ? and $1 have no values here"],
    ["SELECT $name", "SQL_FORBIDDEN: Parameters such as ? and $1 have no values here"],
    ["SELECT * FROM entries AT (VERSION => 1)", "SQL_FORBIDDEN: AT is not allowed"],
    ["SELECT \u0000 1", "SQL_INVALID: The statement holds a NUL character."],
    ["SELECT '\ud800'", "SQL_INVALID: The statement holds half of a surrogate pair."],
  ])("SQL-1: refuses %j and says why", async (sql, verdict) => {
    expect(await verdictOf(sql)).toContain(verdict);
  });

  test("SQL-1: refuses what is too long for the parser", async () => {
    const long = `SELECT '${"x".repeat(SQL_CHARS_MAX - 9)}'`;
    expect(await verdictOf(long)).toBe("allowed");
    expect(await verdictOf(`${long} `)).toBe("SQL_INVALID: The statement is longer than 100000 characters.");
    const commented = `${"/*".repeat(SQL_COMMENTS_MAX)}${" */".repeat(SQL_COMMENTS_MAX)} SELECT 1`;
    expect(await verdictOf(commented)).toBe("allowed");
    expect(await verdictOf(`/**/${commented}`)).toBe("SQL_INVALID: The statement begins more than 1000 comments.");
  });

  test("SQL-8: what is no SQL is told in the parser's words, with the line and a mark below the place", async () => {
    expect(await verdictOf("SELECT action\nFORM entries\nWHERE 1")).toBe(
      'SQL_INVALID: Parser Error: syntax error at or near "entries"\n\nLINE 2: FORM entries\n             ^',
    );
    expect(await verdictOf("SELECT 'abc")).toContain("unterminated quoted string");
    expect(await verdictOf("SELECT ?, $name")).toMatch(/^SQL_INVALID: .*Mixing/);
  });
});

describe("tables", () => {
  test.each([
    "hot_0",
    "memory.main.hot_0",
    "memory.main.entries",
    "main.entries",
    "f0.entries",
    "f0.main.entries",
    "information_schema.tables",
    "pg_catalog.pg_tables",
    "duckdb_settings",
    "duckdb_tables",
    "sqlite_master",
    "sqlite_schema",
    "pragma_database_list",
    "temp.entries",
    "system.main.duckdb_settings",
    '"entries.csv"',
    "'data.csv'",
    "'s3://bucket/x.parquet'",
    "'/etc/passwd'",
    '"e\u{212A}ntries"',
    '"\uFF45ntries"',
    "recurring.entries",
  ])("SQL-2: refuses the table %s wherever it stands", async (table) => {
    for (const sql of [
      `SELECT * FROM ${table}`,
      `FROM ${table}`,
      `SELECT (SELECT count(*) FROM ${table})`,
      `SELECT * FROM entries WHERE EXISTS (FROM ${table})`,
      `SELECT * FROM entries JOIN ${table} t USING (id)`,
      `SELECT * FROM entries, LATERAL (SELECT * FROM ${table}) t`,
      `WITH x AS (SELECT * FROM ${table}) SELECT * FROM x`,
      `WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT * FROM ${table}) SELECT * FROM x`,
      `SELECT 1 UNION ALL SELECT 1 FROM ${table}`,
      `FROM (PIVOT ${table} ON a IN (1) USING count(*))`,
      `UNPIVOT ${table} ON a`,
      `SELECT * FROM (SELECT * FROM (SELECT * FROM ${table}))`,
      `SELECT 1 ORDER BY (SELECT 1 FROM ${table})`,
      `SELECT 1 LIMIT (SELECT 1 FROM ${table})`,
      `SELECT sum(1) FILTER (WHERE (SELECT true FROM ${table}))`,
      `SELECT sum(1) OVER (ORDER BY (SELECT 1 FROM ${table}))`,
      `SELECT list_transform([1], x -> (SELECT 1 FROM ${table}))`,
      `SELECT ARRAY(SELECT 1 FROM ${table})`,
      `VALUES ((SELECT 1 FROM ${table}))`,
      `SELECT * FROM range((SELECT 1 FROM ${table}))`,
      `SELECT COLUMNS(c -> c IN (SELECT 'a' FROM ${table})) FROM entries`,
      `SELECT * REPLACE ((SELECT 1 FROM ${table}) AS id) FROM entries`,
      `SELECT 1 GROUP BY (SELECT 1 FROM ${table})`,
      `SELECT CASE WHEN (SELECT true FROM ${table}) THEN 1 END`,
      `DESCRIBE ${table}`,
      `SUMMARIZE ${table}`,
      `SUMMARIZE SELECT * FROM ${table}`,
    ]) {
      expect(await verdictOf(sql), sql).toMatch(/^SQL_FORBIDDEN: There is no table /);
    }
  });

  test("SQL-2: a WITH name stands for its query only where the engine takes it for it", async () => {
    expect(await verdictOf("WITH hot_0 AS (SELECT 1 x) SELECT * FROM HOT_0")).toBe("allowed");
    expect(await verdictOf("WITH hot_0 AS (SELECT 1 x) SELECT (SELECT max(x) FROM hot_0)")).toBe("allowed");
    for (const sql of [
      "WITH hot_0 AS (SELECT * FROM hot_0) SELECT * FROM hot_0",
      "WITH a AS (SELECT * FROM hot_0), hot_0 AS (SELECT 1 x) SELECT * FROM a",
      "WITH RECURSIVE hot_0 AS (SELECT * FROM hot_0) SELECT * FROM hot_0",
      "WITH RECURSIVE hot_0 AS (SELECT x FROM hot_0 UNION ALL SELECT x FROM hot_0) SELECT * FROM hot_0",
      "SELECT * FROM (WITH hot_0 AS (SELECT 1 x) SELECT * FROM hot_0), hot_0",
      "(WITH hot_0 AS (SELECT 1 x) SELECT * FROM hot_0) UNION ALL SELECT * FROM hot_0",
      'WITH "hot_\u212A" AS (SELECT 1 x) SELECT * FROM "hot_k"',
    ]) {
      expect(await verdictOf(sql), sql).toContain("There is no table");
    }
  });

  test("SQL-2: whatever WITH names and subqueries make of it, no table but the views is read", async () => {
    const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
    const connection = await instance.connect();
    for (const table of ["a", "b", "hot_0"]) await connection.run(`CREATE TABLE ${table} AS SELECT 666 AS x`);
    await connection.run("CREATE VIEW entries AS SELECT 1 AS x; CREATE VIEW deeds AS SELECT 2 AS x");
    let allowed = 0;
    await fc.assert(
      fc.asyncProperty(arbitraryQuery(), async (sql) => {
        const isAllowed = await checkSql(connection, sql).then(
          () => true,
          () => false,
        );
        if (!isAllowed) return;
        // Some recurse for ever.
        const stopping = setInterval(() => connection.interrupt(), 200);
        const told = await connection.runAndReadAll(`SELECT * FROM (${sql}) LIMIT 100`).catch(() => undefined);
        clearInterval(stopping);
        if (told === undefined) return;
        allowed += 1;
        expect(told.getRowsJS().flat()).not.toContain(666);
      }),
      { numRuns: 1_500 },
    );
    expect(allowed).toBeGreaterThan(100);
    connection.closeSync();
    instance.closeSync();
  });
});

/** Queries of one column `x`, with names that mean a view, a table or a WITH query, depending on where they stand. */
function arbitraryQuery(): fc.Arbitrary<string> {
  const name = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom("entries", "deeds") },
    { weight: 1, arbitrary: fc.constantFrom("a", "b", "hot_0", "A", "Hot_0") },
  );
  const tableName = fc.constantFrom("a", "b", "hot_0", "B", "entries");
  const { query } = fc.letrec<{ query: string; body: string; from: string }>((tie) => ({
    from: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      name,
      tie("query").map((inner) => `(${inner})`),
    ),
    body: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      tie("from").map((from) => `SELECT t.x FROM ${from} AS t`),
      fc.tuple(tie("from"), tie("from")).map(([left, right]) => `SELECT l.x FROM ${left} AS l, ${right} AS r`),
      fc.tuple(tie("body"), tie("body")).map(([left, right]) => `${left} UNION ALL ${right}`),
      tie("query").map((inner) => `SELECT (SELECT max(s.x) FROM (${inner}) s) AS x`),
    ),
    query: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      tie("body"),
      fc
        .tuple(fc.boolean(), fc.array(fc.tuple(tableName, tie("query")), { minLength: 1, maxLength: 3 }), tie("body"))
        .map(([isRecursive, named, body]) => {
          const list = named.map(([as, inner]) => `${as} AS (${inner})`).join(", ");
          return `WITH ${isRecursive ? "RECURSIVE " : ""}${list} ${body}`;
        }),
    ),
  }));
  return query;
}

describe("functions", () => {
  test("SQL-3: every function that the engine has was looked at: it is allowed, checked or refused", async () => {
    const reader = await rows.connection.runAndReadAll(
      "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro')",
    );
    const names = reader.getRowsJS().map(([name]) => String(name));
    const kinds = (name: string): number =>
      [ALLOWED_FUNCTIONS.has(name), CHECKED_FUNCTIONS.has(name), refusalOf(name) !== undefined].filter(Boolean).length;
    expect(names.filter((name) => kinds(name) !== 1)).toEqual([]);
    // The parser makes unnest of it itself.
    expect([...ALLOWED_FUNCTIONS, ...CHECKED_FUNCTIONS].filter((name) => !names.includes(name))).toEqual(["unnest"]);
  });

  test.each([
    ["current_setting('home_directory')", "it looks at the engine"],
    ["getvariable('x')", "it looks at the engine"],
    ["current_query()", "it looks at the engine"],
    ["pg_get_viewdef('entries')", "it looks at the engine"],
    ["nextval('s')", "it changes the engine"],
    ["setseed(0.5)", "it changes the engine"],
    ["write_log('x')", "it changes the engine"],
    ["sleep_ms(1000000)", "it changes the engine, or only waits"],
    ["error(action)", "its message would hold what entries hold"],
    ["json_serialize_sql('SELECT 1')", "it takes SQL apart or runs it"],
    ["repeat('x', 1000000000)", "one call can fill the memory"],
    ["range(1000000000)", "Use generate_series or range after FROM"],
    ["list_reduce(['x'], (x, y) -> x || x)", "one call can fill the memory"],
    ["levenshtein(action, tenant)", "cannot be stopped"],
    ["json_structure(content)", "deeply nested text ends the process"],
    ["st_astext(content)", "deeply nested text ends the process"],
    ["__internal_compress_string_hugeint('x')", "a part of the engine that was not made to be called"],
    ["icu_collate_de('x')", "a part of the engine that was not made to be called"],
    ["getenv('HOME')", 'There is no function "getenv" here.'],
    ["uper(action)", 'Did you mean "upper"?'],
  ])("SQL-3: refuses %s with its reason, wherever it stands", async (call, reason) => {
    for (const sql of [
      `SELECT ${call} FROM entries`,
      `SELECT 1 FROM entries WHERE ${call} IS NULL`,
      `SELECT 1 FROM entries ORDER BY ${call}`,
      `WITH t AS (SELECT ${call} FROM entries) SELECT 1`,
      `SELECT list_filter([1], z -> ${call} IS NULL) FROM entries`,
      `SELECT * FROM generate_series(1, ${call})`,
      `SELECT sum(1) FILTER (WHERE ${call} IS NULL) FROM entries`,
      `SELECT sum(1) OVER (PARTITION BY ${call}) FROM entries`,
      `SELECT ${call}::VARCHAR FROM entries`,
      `VALUES (${call})`,
      `SELECT 1 LIMIT ${call}`,
      `SELECT CASE WHEN true THEN ${call} END FROM entries`,
      `SELECT [${call}], {a: ${call}} FROM entries`,
      `SELECT * REPLACE (${call} AS id) FROM entries`,
      `FROM (PIVOT entries ON id IN (1) USING first(${call}))`,
    ]) {
      expect(await verdictOf(sql), sql).toContain(reason);
    }
  });

  test("SQL-3: no catalog, schema, capitals or quotes lead around the list", async () => {
    for (const call of ["system.main.repeat('x', 9)", "pg_catalog.abs(1)", "temp.main.abs(1)", "f0.main.x(1)"]) {
      expect(await verdictOf(`SELECT ${call}`), call).toContain("SQL_FORBIDDEN: ");
    }
    for (const call of [
      "main.repeat('x', 9)",
      "REPEAT('x', 9)",
      "\"Repeat\"('x', 9)",
      "'x'.repeat(9)",
      "/**/repeat/**/('x', 9)",
      "sum(repeat('x', 9)) OVER ()",
    ]) {
      expect(await verdictOf(`SELECT ${call}`), call).toMatch(/SQL_FORBIDDEN: The function "repeat" is not allowed|SQL_INVALID/);
    }
    expect(await verdictOf("SELECT main.abs(-1)")).toBe("allowed");
    expect(await verdictOf("SELECT nextval('s') OVER () FROM entries")).toContain("it changes the engine");
    expect(await verdictOf("SELECT sum(cost_usd) EXPORT_STATE FROM deeds")).toContain("EXPORT_STATE is not allowed");
  });

  test.each([
    "read_csv('x.csv')",
    "read_text('/etc/passwd')",
    "read_blob('*')",
    "read_parquet('x.parquet')",
    "read_json_auto('x')",
    "read_duckdb('x')",
    "parquet_metadata('x')",
    "glob('*')",
    "sniff_csv('x')",
    "query('SELECT 1')",
    "query_table('hot_0')",
    "duckdb_settings()",
    "duckdb_secrets()",
    "duckdb_memory()",
    "pragma_table_info('entries')",
    "pragma_database_list()",
    "pg_timezone_names()",
    "checkpoint()",
    "force_checkpoint()",
    "json_execute_serialized_sql('{}')",
    "enable_logging()",
    "seq_scan('hot_0')",
    "summary(TABLE entries)",
    "repeat_row(1, num_rows := 1000000000)",
    "test_all_types()",
    "histogram_values(entries, id)",
    "sql_auto_complete('SEL')",
    "f0.main.range(3)",
  ])("SQL-3: refuses the table function %s", async (call) => {
    for (const sql of [
      `FROM ${call}`,
      `SELECT * FROM entries, ${call}`,
      `SELECT (SELECT 1 FROM ${call})`,
      `WITH t AS (FROM ${call}) FROM t`,
      `DESCRIBE FROM ${call}`,
    ]) {
      expect(await verdictOf(sql), sql).toMatch(/^SQL_(FORBIDDEN: The table function|INVALID: Parser Error)/);
    }
  });
});

describe("arguments and types", () => {
  test.each([
    ["action LIKE '%a%b%c%d%e%f%'", true],
    ["action NOT LIKE '%a%b%c%d%e%f%'", true],
    ["lower(action) LIKE lower('%A%') || '%B%'", true],
    ["action LIKE '%tool_call%'", true],
    ["action LIKE '%a_%b_%c_%d'", false],
    ["action ILIKE '%a%b%'", true],
    ["action ILIKE '%a%b%c%'", false],
    ["action NOT ILIKE '%a%b%c%d'", false],
    ["action LIKE '%a%b%c%d' ESCAPE '$'", false],
    ["action NOT LIKE '%a%b%c%d' ESCAPE '$'", false],
    ["action ILIKE '%a%b%c%d' ESCAPE '$'", false],
    ["action NOT ILIKE '%a%b%c%d' ESCAPE '$'", false],
    ["action GLOB 'a*'", true],
    ["action GLOB '*a*b*c*'", false],
    ["action LIKE tenant", false],
    ["action LIKE '%' || tenant", false],
    ["like_escape(action, '%a%b%c%d', '$')", false],
    ["regexp_matches(action, '^ai\\.')", true],
    ["action ~ 'x'", true],
    ["action ~ tenant", false],
    ["action SIMILAR TO tenant", false],
    ["regexp_extract_all(action, content)", false],
    ["regexp_split_to_table(action, content)", false],
    ["string_split_regex(action, upper(content))", false],
    [`from_json(content, '{"a":"VARCHAR"}')`, true],
    ["lpad(action, 1000, ' ')", true],
    ["rpad(action, 1001, ' ')", false],
    ["lpad(action, tokens_input, ' ')", false],
    ["format('{:>10} {}', action, 1)", true],
    ["format('{:>1000000000}', action)", false],
    ["format('{:{}}', action, 1000000000)", false],
    ["format(action, 1)", false],
    ["printf('%-20s %08.3f', action, 1.5)", true],
    ["printf('%1000000000d', 1)", false],
    ["printf('%*d', 1000000000, 1)", false],
  ])("SQL-4: that %s may be asked is %s", async (expression, isAllowed) => {
    const verdict = await verdictOf(`SELECT ${expression} FROM entries`);
    expect(verdict).toMatch(isAllowed ? /^allowed$/ : /^SQL_FORBIDDEN: /);
  });

  test("SQL-4: patterns and structures are short", async () => {
    const verdictOfLong = (count: number): Promise<string> =>
      verdictOf(`SELECT regexp_replace(action, '${"a".repeat(count)}', 'x', 'g') FROM entries`);
    expect(await verdictOfLong(1_000)).toBe("allowed");
    expect(await verdictOfLong(1_001)).toMatch(/^SQL_FORBIDDEN: The second argument of regexp_replace must be/);
    // Five thousand levels end the process.
    for (const call of ["from_json", "from_json_strict", "json_transform", "json_transform_strict"]) {
      const sql = `SELECT ${call}(content, '${"[".repeat(5_000)}"INT"${"]".repeat(5_000)}') FROM entries`;
      expect(await verdictOf(sql)).toContain(`The second argument of ${call} must be`);
    }
  });

  test("SQL-4: casts are to plain types, lists, structs, maps and JSON", async () => {
    const plain =
      "BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT DOUBLE VARCHAR TEXT BLOB BIT UUID";
    const times = "DATE TIME TIMETZ TIMESTAMP TIMESTAMPTZ TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS INTERVAL DATETIME";
    const names = `${plain} ${times}`.split(" ");
    for (const type of [
      ...names,
      "DECIMAL(18,3)",
      "VARCHAR(10)",
      "JSON",
      "INT[]",
      "INT[][]",
      "STRUCT(a INT, b JSON[])",
      "MAP(VARCHAR, INT[])",
    ]) {
      expect(await verdictOf(`SELECT NULL::${type}, TRY_CAST(NULL AS ${type})`), type).toBe("allowed");
    }
    const refused = ["INT[3]", "INT[100000][100000]", "VARIANT", "GEOMETRY", "BIGNUM", "ENUM('a')", "UNION(a INT)", "hot_0", "f0.main.t"];
    for (const type of [...refused, "VARIANT[]", "STRUCT(a INT[9])", "MAP(VARCHAR, GEOMETRY)"]) {
      expect(await verdictOf(`SELECT NULL::${type}`), type).toMatch(/^SQL_FORBIDDEN: The type "/);
      expect(await verdictOf(`SELECT TRY_CAST(NULL AS ${type})`), type).toMatch(/^SQL_FORBIDDEN: The type "/);
    }
  });
});

describe("planning", () => {
  const SLOW: readonly (readonly [string, (count: number) => string, number, number])[] = [
    ["lists in lists", (n) => `SELECT ${"[".repeat(n)}1${"]".repeat(n)}`, 50, 900],
    ["calls in calls", (n) => `SELECT ${"abs(".repeat(n)}1${")".repeat(n)}`, 50, 900],
    ["a chain of joined texts", (n) => `SELECT 'a'${" || 'a'".repeat(n)}`, 100, 900],
    ["scalar subqueries in each other", (n) => `SELECT ${"(SELECT ".repeat(n)}1${")".repeat(n)}`, 10, 24],
    ["lambdas in each other", (n) => `SELECT ${"list_transform([1], x -> ".repeat(n)}1${")".repeat(n)}`, 5, 24],
    ["arrows", (n) => `SELECT '{}'::JSON${"->'a'".repeat(n)}`, 10, 24],
    ["intervals", (n) => `SELECT ${"INTERVAL (".repeat(n)}1${") DAY".repeat(n)}`, 5, 200],
    ["alternatives", (n) => `SELECT 1 FROM deeds WHERE ${repeated(n, (i) => `("index" = ${i} AND cost_usd = ${i})`, " OR ")}`, 200, 2_000],
    ["UNION ALL", (n) => `SELECT 1${" UNION ALL SELECT 1".repeat(n)}`, 100, 5_000],
    ["joins", (n) => `SELECT 1 FROM entries${", entries".repeat(n)}`, SQL_TABLES_MAX - 1, SQL_TABLES_MAX],
    ["columns", (n) => `SELECT *${", *".repeat(n)} FROM entries`, 100, 1_000],
    [
      "WITH queries that double",
      (n) => `WITH t0 AS (SELECT * FROM deeds), ${repeated(n, (i) => `t${i + 1} AS (FROM t${i} x, t${i} y)`)} FROM t${n}`,
      4,
      5,
    ],
    [
      "columns that double",
      (n) => `WITH t0 AS (SELECT * FROM deeds), ${repeated(n, (i) => `t${i + 1} AS (SELECT *, * FROM t${i})`)} FROM t${n}`,
      7,
      8,
    ],
    ["pivoted columns", (n) => `FROM (PIVOT deeds ON "index" IN (${repeated(n, String)}) USING count(*))`, 1_000, SQL_COLUMNS_MAX],
  ];

  test.each(SLOW)("SQL-5: %s are refused before they are planned, where planning would take seconds", async (_, make, few, many) => {
    expect(await verdictOf(make(few))).toBe("allowed");
    expect(await verdictOf(make(many))).toMatch(/^SQL_FORBIDDEN: (The statement|A part of the statement)/);
  });

  test("SQL-5: nesting that would exhaust a stack is refused, and ends nothing", async () => {
    for (const [open, close] of [
      ["(", ")"],
      ["[", "]"],
      ["{a:", "}"],
      ["abs(", ")"],
      ["(SELECT ", ")"],
      ["NOT ", ""],
      ["- ", ""],
      ["CASE WHEN ", " THEN 1 END"],
      ["CAST(", " AS INT)"],
      ["EXISTS (SELECT ", ")"],
      ["", "::INT"],
      ["", "[1]"],
      ["", " + 1"],
      ["", " IS NULL"],
      ["", " COLLATE NOCASE"],
    ] as const) {
      const count = Math.floor((SQL_CHARS_MAX - 20) / (open.length + close.length));
      const sql = `SELECT ${open.repeat(count)}1${close.repeat(count)}`;
      expect(await verdictOf(sql), `${open}1${close}`).toMatch(/^SQL_(INVALID|FORBIDDEN): /);
    }
    expect(await verdictOf(`SELECT NULL::INT${"[]".repeat(900)}`)).toMatch(/^SQL_FORBIDDEN: /);
    expect(await verdictOf(`SELECT NULL::${"STRUCT(a ".repeat(900)}INT${")".repeat(900)}`)).toMatch(/^SQL_FORBIDDEN: /);
    expect(await verdictOf("SELECT 1")).toBe("allowed");
  });

  test("SQL-5: tables of WITH queries that nobody uses count too", async () => {
    const sql = (count: number): string => `WITH ${repeated(count, (i) => `t${i} AS (FROM deeds)`)} SELECT 1`;
    expect(await verdictOf(sql(50))).toBe("allowed");
    expect(await verdictOf(sql(100))).toContain("SQL_FORBIDDEN: The statement takes too long to plan");
  });

  test("SQL-5: long statements without depth are let through", async () => {
    expect(await verdictOf(`SELECT * FROM deeds WHERE id IN (${repeated(2_000, () => "'0197a0f0-0000-7000-8000-000000000001'")})`)).toBe(
      "allowed",
    );
    expect(await verdictOf(`SELECT count(*) FROM deeds WHERE ${repeated(1_000, (i) => `action <> 'a${i}'`, " AND ")}`)).toBe("allowed");
    expect(await verdictOf(`SELECT ${repeated(5_000, (i) => `${i} AS c${i}`)}`)).toBe("allowed");
  });
});
