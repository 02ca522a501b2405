import fc from "fast-check";
import { expect, test } from "vitest";
import { isExactNumber, parseExactJson } from "./exact-json.ts";

test("MAPPING-8: JSON without such numbers and surrogates is parsed as usual", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(parseExactJson(text)).toEqual({ value: JSON.parse(text), repairCount: 0 });
    }),
  );
});

test.each([
  ["1234567890123456789", "1234567890123456789"],
  ["-9007199254740993", "-9007199254740993"],
  ["1e400", "1e400"],
  ["0.12345678901234567890", "0.12345678901234567890"],
  ["1e-999", "1e-999"],
])("MAPPING-8: the number %s becomes a string with its digits", (written, read) => {
  expect(parseExactJson(`{"a":[${written}],"b":"${written}"}`)).toEqual({ value: { a: [read], b: written }, repairCount: 1 });
});

test.each(["0", "-0", "1.0", "100", "1e2", "1.50", "1E+20", "9007199254740992", "16.138065583000017", "5e-324", "1e300"])(
  "MAPPING-8: the number %s stays a number",
  (token) => {
    expect(isExactNumber(token)).toBe(true);
    expect(parseExactJson(token)).toEqual({ value: Number(token), repairCount: 0 });
  },
);

test("MAPPING-8: every number that JavaScript prints is exact", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(isExactNumber(JSON.stringify(value))).toBe(true);
    }),
  );
});

test("MAPPING-8: half a surrogate pair becomes U+FFFD, in keys too, and a whole pair stays", () => {
  expect(parseExactJson('{"a\\ud800":["\\udc00x","\\ud83d\\ude00","\\\\ud800"]}').value).toEqual({
    "a\ufffd": ["\ufffdx", "😀", "\\ud800"],
  });
});

test("MAPPING-8: text that is not JSON throws a SyntaxError, also when quoting its numbers would mend it", () => {
  expect(() => parseExactJson('{"a":')).toThrow(SyntaxError);
  expect(() => parseExactJson("{12345678901234567890:1}")).toThrow(SyntaxError);
});
