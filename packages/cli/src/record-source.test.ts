import fc from "fast-check";
import { expect, test } from "vitest";
import { RECORD_BYTES_MAX } from "./limits.ts";
import { detectFraming, type Framing, readRecords, type SourceRecord } from "./record-source.ts";

async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const size of sizes) {
    yield bytes.subarray(from, from + size);
    from += size;
  }
  yield bytes.subarray(from);
}

async function recordsOf(bytes: Buffer | string, framing: Framing, sizes: readonly number[] = []): Promise<readonly SourceRecord[]> {
  const records: SourceRecord[] = [];
  for await (const record of readRecords(pieces(Buffer.from(bytes), sizes), framing)) records.push(record);
  return records;
}

const valuesOf = (records: readonly SourceRecord[]): unknown[] => records.map(({ text }) => JSON.parse(text ?? "null") as unknown);
const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1, maxLength: 8 });
const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 60 });

test("an array, objects one after the other and lines give the same objects, wherever the bytes are cut", async () => {
  await fc.assert(
    fc.asyncProperty(objects, cuts, fc.constantFrom(undefined, 2), async (list, sizes, indent) => {
      const expected = JSON.parse(JSON.stringify(list)) as unknown;
      expect(valuesOf(await recordsOf(JSON.stringify(list, undefined, indent), "values", sizes))).toEqual(expected);
      const written = list.map((value) => JSON.stringify(value, undefined, indent)).join("\n");
      expect(valuesOf(await recordsOf(written, "values", sizes))).toEqual(expected);
      const lines = list.map((value) => JSON.stringify(value)).join("\r\n");
      expect(valuesOf(await recordsOf(lines, "lines", sizes))).toEqual(expected);
    }),
  );
});

test("a record knows the line on which it begins, empty lines counted and skipped", async () => {
  const lines = await recordsOf('\n{"a":1}\n\n  \n{"a":2}', "lines");
  expect(lines.map(({ line }) => line)).toEqual([2, 5]);
  const values = await recordsOf('[\n  {\n    "a": 1\n  },\n  {"a": "}"}\n]\n', "values");
  expect(values.map(({ line, text }) => [line, JSON.parse(text ?? "") as unknown])).toEqual([
    [2, { a: 1 }],
    [5, { a: "}" }],
  ]);
});

test("what is no object inside an array, and an object that never ends, are given as they stand", async () => {
  expect((await recordsOf('[1, {"a":1}, "x,y"]', "values")).map(({ text }) => text?.trim())).toEqual(["1", '{"a":1}', '"x,y"']);
  expect((await recordsOf('{"a":1}{"b":', "values")).map(({ text }) => text)).toEqual(['{"a":1}', '{"b":']);
  expect(await recordsOf("[]", "values")).toEqual([]);
  expect(await recordsOf("", "lines")).toEqual([]);
});

test("a record that is not UTF-8 or too long is named by its line, and the ones around it are read", async () => {
  const broken = await recordsOf(Buffer.from([0x7b, 0x7d, 0x0a, 0xff, 0xfe, 0x0a, 0x7b, 0x7d]), "lines");
  expect(broken.map(({ line, fault }) => [line, fault])).toEqual([
    [1, undefined],
    [2, "not-utf8"],
    [3, undefined],
  ]);
  const long = Buffer.concat([Buffer.from("{}\n"), Buffer.alloc(RECORD_BYTES_MAX + 1, "x"), Buffer.from("\n{}")]);
  expect((await recordsOf(long, "lines", [5, 1_000_000])).map(({ line, fault }) => [line, fault])).toEqual([
    [1, undefined],
    [2, "too-long"],
    [3, undefined],
  ]);
});

test("a byte order mark is no part of the first record", async () => {
  expect((await recordsOf("\ufeff{}\n", "lines")).map(({ text }) => text)).toEqual(["{}"]);
});

test("lines are told from values by whether a line is a value of its own", () => {
  expect(detectFraming('{"a":1}\n{"a":2}\n')).toBe("lines");
  expect(detectFraming('{"a":\n{"a":2}\n')).toBe("lines");
  expect(detectFraming('{\n  "a": 1\n}\n')).toBe("values");
  expect(detectFraming('  [{"a":1}]')).toBe("values");
  expect(detectFraming("prose")).toBe("lines");
});
