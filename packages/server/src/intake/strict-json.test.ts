import fc from "fast-check";
import { expect, test } from "vitest";
import { splitBody } from "./body.ts";
import { scanValue } from "./json-scan.ts";
import { isExact, parseStrictly } from "./strict-json.ts";

function parse(text: string): unknown {
  const bytes = Buffer.from(text);
  return parseStrictly(bytes, scanValue(bytes, 0, bytes.length));
}

// Well-formed text, numbers that print as they are, and no key twice: what JSON.stringify writes, unless it is -0.
const json = fc.jsonValue({ maxDepth: 6, noUnicodeString: false }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

test("INTAKE-7: whatever JSON.stringify writes is parsed to the same value", () => {
  fc.assert(
    fc.property(json, fc.constantFrom(undefined, 2, "\t"), (value, space) => {
      const text = JSON.stringify(value, undefined, space);
      expect(parse(text)).toEqual(JSON.parse(text));
    }),
  );
});

test("INTAKE-1: values are found in an array and in lines exactly where they stand", () => {
  fc.assert(
    fc.property(fc.array(json, { minLength: 1, maxLength: 8 }), fc.constantFrom(undefined, 1), (values, space) => {
      const array = Buffer.from(JSON.stringify(values, undefined, space));
      expect(splitBody(array, false).values.map((value) => parseStrictly(array, value))).toEqual(values);
      const lines = Buffer.from(values.map((value) => JSON.stringify(value)).join("\r\n\n"));
      expect(splitBody(lines, true).values.map((value) => parseStrictly(lines, value))).toEqual(values);
    }),
  );
});

test("INTAKE-1: any bytes end in a value or in an error of the table, never in another one", () => {
  const piece = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    "1",
    "-",
    "e",
    "\\",
    "\\u",
    "null",
    " ",
    "\n",
    "a",
    "1e400",
    '"a":',
    "\u0000",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.boolean(), (pieces, isNdjson) => {
      const bytes = Buffer.from(pieces.join(""));
      try {
        for (const value of splitBody(bytes, isNdjson).values) parseStrictly(bytes, value);
      } catch (error) {
        expect(error).toMatchObject({ name: "AuditError" });
      }
    }),
    { numRuns: 2_000 },
  );
});

test("INTAKE-7: a number is exact if and only if its decimal digits survive", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      expect(isExact(String(number))).toBe(true);
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (number) => {
      expect(isExact(String(number))).toBe(
        BigInt(Number(number)) === number || trimmed(String(Number(number))) === trimmed(String(number)),
      );
    }),
  );
});

/** Digits of an integer as JavaScript prints it, in full, without zeros at the end. */
function trimmed(text: string): string {
  const [, whole = "", fraction = "", exponent = "0"] = /^(\d+)(?:\.(\d+))?(?:e\+(\d+))?$/.exec(text) ?? [];
  return `${(whole + fraction).padEnd(whole.length + Number(exponent), "0")}`.replace(/0+$/, "");
}
