import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createKeyFilter } from "./key-filter.ts";

const randomKey = (): bigint => randomBytes(8).readBigInt64BE();

test("DEED-2: a filter never denies a key that was added, whatever keys there are", () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 200 }), (keys) => {
      const filter = createKeyFilter(10);
      for (const key of keys) filter.add(key);
      return keys.every((key) => filter.mayHave(key));
    }),
  );
});

test("DEED-2: a filter that holds as many keys as it is made for denies nearly all others", () => {
  const count = 100_000;
  const filter = createKeyFilter(count);
  const added = Array.from({ length: count }, randomKey);
  for (const key of added) filter.add(key);
  expect(added.every((key) => filter.mayHave(key))).toBe(true);
  const wrong = Array.from({ length: count }, randomKey).filter((key) => filter.mayHave(key)).length;
  // One in 1,700 by calculation; 59 of 100,000.
  expect(wrong).toBeLessThan(200);
});

test("DEED-2: an empty filter denies every key", () => {
  const filter = createKeyFilter(1_000);
  for (const key of [0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n)]) expect(filter.mayHave(key)).toBe(false);
});
