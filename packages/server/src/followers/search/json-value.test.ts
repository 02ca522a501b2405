import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toJsonConverter } from "./json-value.ts";

let instance: DuckDBInstance;
beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
});
afterAll(() => instance.closeSync());

/** The JSON text of the values of one statement, as an answer carries it. */
async function jsonOf(sql: string): Promise<string> {
  const connection = await instance.connect();
  try {
    await connection.run("SET timezone = 'UTC'");
    const reader = await connection.runAndReadAll(sql);
    const converters = reader.columnTypes().map(toJsonConverter);
    return JSON.stringify(reader.getRows().map((row) => row.map((value, i) => converters[i]?.(value))));
  } finally {
    connection.closeSync();
  }
}

const valueOfSql = async (expression: string): Promise<unknown> =>
  (JSON.parse(await jsonOf(`SELECT ${expression}`)) as unknown[][])[0]?.[0];

test.each([
  ["NULL", null],
  ["true", true],
  ["(-128)::TINYINT", -128],
  ["9007199254740991", 9007199254740991],
  ["9007199254740992", "9007199254740992"],
  ["-9007199254740993", "-9007199254740993"],
  ["18446744073709551615::UBIGINT", "18446744073709551615"],
  ["sum(x) FROM (VALUES (1), (2)) t(x)", 3],
  ["170141183460469231731687303715884105727::HUGEINT", "170141183460469231731687303715884105727"],
  ["1.5::DOUBLE", 1.5],
  ["0.25::FLOAT", 0.25],
  ["-0.0::DOUBLE", 0],
  ["1e300", 1e300],
  ["'nan'::DOUBLE", "NaN"],
  ["'infinity'::DOUBLE", "Infinity"],
  ["'-infinity'::FLOAT", "-Infinity"],
  ["1.10::DECIMAL(10,2)", 1.1],
  ["-0.05::DECIMAL(4,2)", -0.05],
  ["12345678901234.5::DECIMAL(18,1)", 12345678901234.5],
  ["1234567890123.4567::DECIMAL(18,4)", "1234567890123.4567"],
  ["99999999999999999999.99::DECIMAL(38,2)", "99999999999999999999.99"],
  ["9007199254740991::DECIMAL(18,0)", 9007199254740991],
])("SQL-7: the number %s is exact, or text", async (expression, expected) => {
  expect(await valueOfSql(expression)).toBe(expected);
});

test.each([
  ["TIMESTAMP '2026-01-31 12:00:00'", "2026-01-31T12:00:00.000Z"],
  ["TIMESTAMP '2026-01-31 12:00:00.123456'", "2026-01-31T12:00:00.123456Z"],
  ["TIMESTAMPTZ '2026-01-31 12:00:00.120+02:00'", "2026-01-31T10:00:00.120Z"],
  ["TIMESTAMP '1969-12-31 23:59:59.999999'", "1969-12-31T23:59:59.999999Z"],
  ["TIMESTAMP_NS '2026-01-31 12:00:00.123456789'", "2026-01-31T12:00:00.123456789Z"],
  ["TIMESTAMP_MS '2026-01-31 12:00:00.123'", "2026-01-31T12:00:00.123Z"],
  ["TIMESTAMP_S '2026-01-31 12:00:00'", "2026-01-31T12:00:00.000Z"],
  ["TIMESTAMP '0001-01-01 00:00:00'", "0001-01-01T00:00:00.000Z"],
  ["TIMESTAMP '12026-01-31 12:00:00'", "12026-01-31 12:00:00"],
  ["TIMESTAMP '0044-03-15 (BC) 12:00:00'", "0044-03-15 (BC) 12:00:00"],
  ["TIMESTAMP 'infinity'", "infinity"],
  ["TIMESTAMPTZ '-infinity'", "-infinity"],
  ["DATE '2026-01-31'", "2026-01-31"],
  ["DATE 'infinity'", "infinity"],
  ["DATE '-infinity'", "-infinity"],
  ["TIME '12:34:56.5'", "12:34:56.5"],
  ["INTERVAL '1 month 2 days 3 hours'", "1 month 2 days 03:00:00"],
])("SQL-7: the time %s is RFC 3339 in UTC where there is such a time", async (expression, expected) => {
  expect(await valueOfSql(expression)).toBe(expected);
});

test.each([
  ["'\\x00\\xFFab'::BLOB", "AP9hYg=="],
  ["'0197a0f0-0000-7000-8000-000000000001'::UUID", "0197a0f0-0000-7000-8000-000000000001"],
  ["'0101'::BIT", "0101"],
  ["'b'::ENUM('a', 'b')", "b"],
  ["[1, NULL, 9007199254740993]", [1, null, "9007199254740993"]],
  ["[DATE '2026-01-31']", ["2026-01-31"]],
  ["[1.5, 2.5]::DOUBLE[2]", [1.5, 2.5]],
  ["{a: 1, b: {c: 'x', d: NULL}}", { a: 1, b: { c: "x", d: null } }],
  ["MAP {'a': 1.5, 'b': NULL}", { a: 1.5, b: null }],
  ["MAP {1: 'x'}", [[1, "x"]]],
  ["union_value(num := 2)", { num: 2 }],
  ["[]", []],
])("SQL-7: %s keeps its shape", async (expression, expected) => {
  expect(await valueOfSql(expression)).toEqual(expected);
});

test.each([
  [`'{"a":[1,{"b":null}]}'::JSON`, { a: [1, { b: null }] }],
  [`['{"a":1}'::JSON, NULL]`, [{ a: 1 }, null]],
  [`{j: '"x"'::JSON}`, { j: "x" }],
  [`'{"a":1}'`, '{"a":1}'],
  [`'{"n":12345678901234567890}'::JSON`, '{"n":12345678901234567890}'],
  [`'{"n":1234567890.12345678}'::JSON`, '{"n":1234567890.12345678}'],
  [`'[1e400]'::JSON`, "[1e400]"],
  [`'[0.30000000000000004, 1e21]'::JSON`, [0.30000000000000004, 1e21]],
  [`'{"digits":"12345678901234567890","quote":"a\\"1e999"}'::JSON`, { digits: "12345678901234567890", quote: 'a"1e999' }],
  [`'{"__proto__":{"a":1}}'::JSON`, JSON.parse('{"__proto__":{"a":1}}')],
])("SQL-7: JSON %s is given as what it says, unless a double would change it", async (expression, expected) => {
  expect(await valueOfSql(expression)).toEqual(expected);
});

test("SQL-7: JSON that is nested deeper than readers take stays text", async () => {
  const nested = (depth: number): string => `repeat('[', ${depth}) || repeat(']', ${depth})`;
  expect(typeof (await valueOfSql(`(${nested(500)})::JSON`))).toBe("object");
  expect(typeof (await valueOfSql(`(${nested(501)})::JSON`))).toBe("string");
  expect(typeof (await valueOfSql(`(${nested(400_000)})::JSON`))).toBe("string");
  // Brackets in texts are none, and close nothing.
  expect(typeof (await valueOfSql(`('{"a":"' || repeat('[', 5000) || '"}')::JSON`))).toBe("object");
  expect(typeof (await valueOfSql(`('["' || repeat(']', 600) || '\\"",' || ${nested(600)} || ']')::JSON`))).toBe("string");
});

test("SQL-7: rows without names, which the driver cannot tell apart, are refused", async () => {
  for (const expression of ["(1, 2)", "[(1, 2)]", "{a: (1, 2)}", "{'__proto__': 1}"]) {
    await expect(jsonOf(`SELECT ${expression}`), expression).rejects.toMatchObject({ code: "SQL_INVALID" });
  }
});

test("SQL-7: whole numbers survive the round trip through an answer", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 50 }),
      async (numbers) => {
        const sql = `SELECT x FROM (VALUES ${numbers.map((number) => `(${number}::BIGINT)`).join(", ")}) t(x)`;
        const told = (JSON.parse(await jsonOf(sql)) as (number | string)[][]).map(([value = 0]) => BigInt(value));
        expect(told).toEqual(numbers);
      },
    ),
    { numRuns: 50 },
  );
});

test("SQL-7: decimals survive the round trip through an answer", async () => {
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), fc.constantFrom(0, 1, 6, 18));
  await fc.assert(
    fc.asyncProperty(fc.array(decimal, { minLength: 1, maxLength: 20 }), async (decimals) => {
      const texts = decimals.map(([value, scale]) => decimalText(value, scale));
      const sql = `SELECT [${texts.map((text, i) => `'${text}'::DECIMAL(38,${decimals[i]?.[1]})::VARCHAR`).join(", ")}], ${texts
        .map((text, i) => `'${text}'::DECIMAL(38,${decimals[i]?.[1]})`)
        .join(", ")}`;
      const [[written = [], ...told] = []] = JSON.parse(await jsonOf(sql)) as [string[], ...(number | string)[]][];
      told.forEach((value, i) => {
        if (typeof value === "string") expect(value).toBe(written[i]);
        // Below 10^21 and above 10^-7 JavaScript writes a number out, without zeros at its end.
        else expect(Number(written[i])).toBe(value);
        if (typeof value === "number" && Math.abs(value) >= 1e-6) expect(String(value)).toBe(withoutZeros(written[i] ?? ""));
      });
    }),
    { numRuns: 50 },
  );
});

test("SQL-7: JSON of events survives the round trip through an answer", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ stringUnit: "grapheme" }), async (value) => {
      const text = JSON.stringify(value);
      const told = await valueOfSql(`'${text.replaceAll("'", "''")}'::JSON`);
      expect(JSON.stringify(told)).toBe(JSON.stringify(JSON.parse(text)));
    }),
    { numRuns: 200 },
  );
});

function decimalText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return `${value < 0n ? "-" : ""}${whole}${scale === 0 ? "" : `.${digits.slice(-scale)}`}`;
}

function withoutZeros(text: string): string {
  const short = text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
  return short === "-0" ? "0" : short;
}
