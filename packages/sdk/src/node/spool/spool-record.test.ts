import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRecord, encodeRecord } from "./spool-record.ts";

const keep = (json: string): string => json;
const line = (id: string, json: string): Buffer => encodeRecord({ id, json }, keep).subarray(0, -1);

test("SDK-11: an event of any content comes back from its line byte for byte", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(fc.oneof(text, fc.constantFrom('a","event":{}', '\\","event":', "")), fc.jsonValue(), (id, value) => {
      const json = JSON.stringify(value);
      const record = encodeRecord({ id, json }, keep);
      const read = decodeRecord(record.subarray(0, -1));
      return record.indexOf("\n") === record.length - 1 && read?.id === id && read.json === json;
    }),
  );
});

test("SDK-15: a line in which any one bit is flipped is damaged", () => {
  const record = line("0197a3c2-0000-7000-9000-000000000001", '{"action":"user.created"}');
  const unnoticed: number[] = [];
  for (let bit = 0; bit < record.length * 8; bit += 1) {
    const flipped = Buffer.from(record);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    if (decodeRecord(flipped) !== undefined) unnoticed.push(bit);
  }
  expect(unnoticed).toEqual([]);
});

test("SDK-15: a line that is cut off, or that is no record, is damaged", () => {
  const record = line("id", '{"a":1}');
  for (let length = 0; length < record.length; length += 1) expect(decodeRecord(record.subarray(0, length))).toBeUndefined();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodeRecord(Buffer.from(bytes)) === undefined));
});

test("SDK-11: JSON with line breaks between its values still is one line", () => {
  expect(decodeRecord(line("id", '{\n"a":\n1}'))).toEqual({ id: "id", json: '{ "a": 1}' });
});

test("SDK-18: what is written went through the redaction", () => {
  const record = encodeRecord({ id: "id", json: '{"a":"secret"}' }, (json) => json.replace("secret", "[gone]"));
  expect(record.toString()).toContain('{"a":"[gone]"}');
  expect(record.toString()).not.toContain("secret");
});
