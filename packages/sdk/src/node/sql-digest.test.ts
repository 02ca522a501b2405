import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { queryHash, queryPreview, tablesAccessed } from "./sql-digest.ts";

describe("previews", () => {
  test.each([
    ["SELECT * FROM users WHERE email = 'ann@example.com' AND age > 42", "SELECT * FROM users WHERE email = ? AND age > ?"],
    ["select 'it''s', N'x', E'a\\'b', B'01', X'ff', 1.5e-3, .5, 0xFF, 1_000", "select ?, ?, ?, ?, ?, ?, ?, ?, ?"],
    ["SELECT $$secret 'x'$$, $tag$ a $$ b $tag$ FROM t1", "SELECT ?, ? FROM t1"],
    ["SELECT a -- secret\nFROM t /* secret\n 'x */ WHERE b=$1 AND c = ?", "SELECT a FROM t WHERE b=$1 AND c = ?"],
    ['select "id" from "users" where "users"."email" = "secret"', 'select ? from "users" where "users"."email" = ?'],
    ["SELECT `a` FROM `my table` WHERE [b c] = 3", 'SELECT "a" FROM "my table" WHERE "b c" = ?'],
    ["SELECT q'[it's secret]', nq'!a'b!' FROM dual", "SELECT ?, ? FROM dual"],
    ["SELECT ARRAY['secret'], a['k'], a[1] FROM t", "SELECT ARRAY[?], a[?], a[?] FROM t"],
    ['SELECT trim(both "x" from "secret") FROM t', "SELECT trim(both ? from ?) FROM t"],
    ["SELECT 123abc, t1.c2, a::int, :name, @p1 FROM #temp", "SELECT ?, t1.c2, a::int, :name, @p1 FROM #temp"],
    ["SELECT _utf8'secret', date '2020-01-01'", "SELECT _utf8?, date ?"],
    // Where dialects do not agree nothing more is shown.
    ["SELECT 'C:\\', 'secret'", "SELECT ? …"],
    ["SELECT 'it\\'s secret'", "SELECT ? …"],
    ['SELECT "a\\", "secret"', "SELECT ? …"],
    ["SELECT '''it's secret''' FROM t", "SELECT ? …"],
    ["SELECT 1 # it's secret", "SELECT ? …"],
    ["SELECT 5--'a\nsecret' FROM t", "SELECT ? …"],
    ["SELECT /* a /* b */ secret */ 1", "SELECT …"],
    ["SELECT a FROM [it's] WHERE b = 'secret'", "SELECT a FROM …"],
    ["SELECT 'secret", "SELECT ? …"],
    ["SELECT $a$ secret", "SELECT ? …"],
    ["SELECT q'[secret'", "SELECT ? …"],
  ])("SDK-27: %s", (sql, preview) => {
    expect(queryPreview(sql)).toBe(preview);
    expect(preview).not.toContain("secret");
  });

  test("SDK-27: no literal of any dialect is in a preview, whatever stands around it", () => {
    const SECRET = "s3cr3t";
    const content = fc
      .array(fc.constantFrom(SECRET, "'", '"', "\\", "$", "$$", "[", "]", "--", "/*", "*/", "#", "\n", " ", ";", "`"), { maxLength: 6 })
      .map((parts) => `${parts.join("")}${SECRET}`);
    // Each quotes the content as its own dialect does.
    const quotings: readonly ((text: string) => string)[] = [
      (text) => `'${text.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`,
      (text) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`,
      (text) => `'${text.replaceAll("'", "''")}'`,
      (text) => `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`,
      (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`,
      (text) => `$q$${text.replaceAll("$", "")}$q$`,
    ];
    const gaps = fc.constantFrom(" ", "\n", " /* it's */ ", " -- it\\'s\n", "\t");
    const literal = fc
      .tuple(content, fc.nat(quotings.length - 1))
      .map(([text, which]) => (quotings[which] as (text: string) => string)(text));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(gaps, literal), { minLength: 1, maxLength: 4 }),
        fc.constantFrom("SELECT a FROM t WHERE a IN (", "INSERT INTO t (a) VALUES (", "UPDATE t SET x = (", "CALL f("),
        (values, start) => {
          const sql = `${start}${values.map(([gap, text]) => `${gap}${text}`).join(",")})`;
          expect(queryPreview(sql, 10_000)).not.toContain(SECRET);
          expect(tablesAccessed(sql).join()).not.toContain(SECRET);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("a preview is one line of at most so many characters", () => {
    expect(queryPreview(`SELECT\n\t${"column_name, ".repeat(100)}x FROM t`)).toHaveLength(200);
    expect(queryPreview("SELECT a FROM t", 8)).toBe("SELECT …");
    expect(queryPreview("SELECT a", 0)).toBe("");
    expect(queryPreview("SELECT a", Number.NaN)).toBe("SELECT a");
  });

  test("texts that are no SQL neither throw nor take long", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[a-z'"`$[\]()#/*\\.,?:@ -]{0,60}$/)), (sql) => {
        expect(queryPreview(sql).length).toBeLessThanOrEqual(200);
        expect(queryHash(sql)).toMatch(/^[0-9a-f]{64}$/);
        expect(Array.isArray(tablesAccessed(sql))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
    for (const piece of [
      "[",
      "(",
      "'",
      '"',
      "$a$",
      "/*",
      "a.",
      "from (",
      "?,",
      "in ( ?, ",
      "( ? ) , ",
      "1e",
      "'' ",
      "with a as (",
      "as (",
      "--",
      "@",
      "from a,",
    ]) {
      const sql = `select ${piece.repeat(200_000)}`;
      expect(queryPreview(sql).length + tablesAccessed(sql).length + queryHash(sql).length).toBeGreaterThan(0);
    }
    for (const odd of [undefined, null, 5, {}]) {
      expect([queryPreview(odd as never), tablesAccessed(odd as never)]).toEqual(["", []]);
      expect(queryHash(odd as never)).toHaveLength(64);
    }
  });
});

describe("hashes", () => {
  const base = "SELECT a FROM t WHERE b = 'x' AND c IN (1, 2, 3) AND d > -5";
  test.each([
    "select a  from t\nwhere b='other' and c in (9) and d>7;",
    "SELECT a /* why */ FROM t WHERE b = $1 AND c IN (?, ?) AND d > ? -- because",
    "SELECT a FROM t WHERE b = E'\\'' AND c IN ($1,$2,$3,$4) AND d > 1e9",
  ])("SDK-28: a query with other values has the same hash: %s", (sql) => expect(queryHash(sql)).toBe(queryHash(base)));

  test.each([
    "SELECT a FROM u WHERE b = 'x' AND c IN (1, 2, 3) AND d > -5",
    "SELECT a FROM t WHERE b = 'x' AND c IN (1, 2, 3) AND d < -5",
    "SELECT a FROM t",
  ])("another query has another hash: %s", (sql) => expect(queryHash(sql)).not.toBe(queryHash(base)));

  test("the number of rows that are inserted does not count, and that of their values does", () => {
    expect(queryHash("INSERT INTO t (a, b) VALUES (1, 2), (3, 4), (5, 6)")).toBe(queryHash("insert into t (a,b) values ($1,$2)"));
    expect(queryHash("INSERT INTO t VALUES (1, 2)")).not.toBe(queryHash("INSERT INTO t VALUES (1)"));
  });
});

test.each([
  ["SELECT * FROM users", ["users"]],
  [
    "SELECT * FROM public.users u JOIN orders AS o ON o.user_id = u.id, items i LEFT JOIN LATERAL (SELECT 1 FROM x) y ON true",
    ["public.users", "orders", "items", "x"],
  ],
  ["INSERT INTO audit_log (a, b) SELECT a, b FROM staging WHERE c IN (SELECT id FROM ids)", ["audit_log", "staging", "ids"]],
  ["UPDATE accounts SET a = 1 FROM owners o WHERE o.id = accounts.id", ["accounts", "owners"]],
  ["DELETE FROM sessions USING users WHERE a = b", ["sessions", "users"]],
  [
    "WITH recent AS (SELECT * FROM events), r2 (a) AS NOT MATERIALIZED (SELECT 1 FROM recent) SELECT * FROM recent JOIN r2 ON true JOIN users USING (id)",
    ["events", "users"],
  ],
  ["WITH moved AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM moved", ["a", "b"]],
  ['SELECT * FROM "Order Details", `x y`.[z], [dbo].[t]', ["Order Details", "x y.z", "dbo.t"]],
  [
    "MERGE INTO target t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT (a) VALUES (1)",
    ["target", "source"],
  ],
  ["SELECT extract(year FROM at), a IS DISTINCT FROM b, substring(c from 2) FROM t FOR UPDATE", ["t"]],
  ["INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", ["t"]],
  ["SELECT * FROM generate_series(1, 10) g, unnest(a) u, t", ["t"]],
  ["SELECT * FROM (a JOIN b ON true), (SELECT * FROM c) d, e GROUP BY x, y", ["a", "b", "c", "e"]],
  ["SELECT a FROM t; DELETE FROM u WHERE a = 'FROM v'", ["t", "u"]],
  ["SELECT EXISTS (SELECT 1 FROM t WHERE a = 1) -- FROM w", ["t"]],
  ["SELECT * FROM a, b WHERE c IN (1, 2) ORDER BY d, e", ["a", "b"]],
  // Not sure, or no statement of these kinds.
  ["SELECT * FROM $1", []],
  ["SELECT * FROM 'file.csv'", []],
  ["DROP TABLE users", []],
  ["CREATE TABLE a AS SELECT * FROM b", []],
  ["INSERT t VALUES (1)", []],
  ["SELECT * FROM a WHERE b = 'C:\\' AND c = 'd'", []],
  ["SELECT * FROM (a", []],
  ["SELECT * FROM", []],
  ["SELECT INTO OUTFILE 'x' FROM t", []],
  ["", []],
])("tables of %s", (sql, tables) => {
  expect(tablesAccessed(sql)).toEqual(tables);
});
