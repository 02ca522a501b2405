import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64, decodeBase64url, encodeBase64, encodeBase64url, encodeBase64urlAscii } from "./base64.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

const invalid = expect.objectContaining({ code: "BASE64_INVALID" });

test("BASE64-1: both alphabets agree with Node's encoder and survive a round trip", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(encodeBase64url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
      expect(decodeUtf8(encodeBase64urlAscii(bytes))).toBe(encodeBase64url(bytes));
      expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
      expect(decodeBase64url(encodeBase64url(bytes))).toEqual(bytes);
    }),
  );
});

test("BASE64-1: whatever decodes has no second spelling", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."AQgw+/-_=B \n"), maxLength: 9 }), (text) => {
      const decoded = [
        [decodeBase64, encodeBase64],
        [decodeBase64url, encodeBase64url],
      ] as const;
      for (const [decode, encode] of decoded) {
        let bytes: Uint8Array;
        try {
          bytes = decode(text);
        } catch (error) {
          expect(error).toEqual(invalid);
          continue;
        }
        expect(encode(bytes)).toBe(text);
      }
    }),
    { numRuns: 2_000 },
  );
});

test.each(["A", "AA", "AAA", "AB==", "AAB=", "A===", "====", "AA=A", " AAA", "AAA\n", "AA-_", "AAé=", "AAAA=AAA"])(
  "BASE64-1: %j is refused",
  (text) => {
    expect(() => decodeBase64(text)).toThrow(invalid);
  },
);

test.each(["A", "AB", "AAB", "AA==", "AA+/", "AAAA\n"])("BASE64-1: %j is refused as base64url", (text) => {
  expect(() => decodeBase64url(text)).toThrow(invalid);
});

test("BASE64-1: lone surrogates and malformed UTF-8 are refused instead of replaced", () => {
  expect(() => encodeUtf8("a\ud800")).toThrow(expect.objectContaining({ code: "UTF8_INVALID" }));
  expect(() => decodeUtf8(Uint8Array.of(0xc3, 0x28))).toThrow(expect.objectContaining({ code: "UTF8_INVALID" }));
  expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf))).toBe("\ufeff");
});
