import fc from "fast-check";
import { expect, test } from "vitest";
import { toJson } from "./plain-value.ts";

const told = (value: unknown): unknown => JSON.parse(toJson(value));

test("SDK-41: what JSON says already is sent as it is", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = JSON.stringify(value);
      // The one name that the server does not take.
      fc.pre(!text.includes('"__proto__"'));
      expect(toJson(value)).toBe(text);
    }),
  );
});

test("SDK-41: whatever is handed over, it becomes JSON without half characters and nothing is thrown", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withNullPrototype: true,
  });
  fc.assert(
    fc.property(anything, (value) => {
      const text = toJson({ value });
      expect(text).not.toMatch(/\p{Surrogate}/u);
      expect(() => JSON.parse(text)).not.toThrow();
    }),
    { numRuns: 500 },
  );
});

test.each<[unknown, unknown]>([
  [10n ** 30n, "1000000000000000000000000000000"],
  [new Date("2026-01-31T12:00:00Z"), "2026-01-31T12:00:00.000Z"],
  [new Date(Number.NaN), "[Invalid date]"],
  [
    Object.assign(new TypeError("no", { cause: new Error("why") }), { code: "E1" }),
    { name: "TypeError", message: "no", code: "E1", cause: { name: "Error", message: "why" } },
  ],
  [new Map([["a", 1n]]), { a: "1" }],
  [new Map([[1, new Set([2])]]), [[1, [2]]]],
  [Buffer.from("abc"), "YWJj"],
  [new Uint8Array(100_000), "[100000 bytes]"],
  [
    [undefined, () => 1, Symbol("s")],
    [null, "[Function]", "[Symbol(s)]"],
  ],
  [function named() {}, "[Function: named]"],
  [
    [Number.NaN, Number.POSITIVE_INFINITY, -0],
    ["NaN", "Infinity", 0],
  ],
  [new URL("http://x.example/a"), "http://x.example/a"],
  [/a+/g, "/a+/g"],
  ["x".repeat(5_000_000), "[Text of 5000000 characters]"],
  ["\ud800", "\ufffd"],
  [Promise.resolve(1), "[Promise]"],
])("SDK-41: what JSON has no form for is told as text or as what it holds (%#)", (value, expected) => {
  expect(told({ value })).toEqual({ value: expected });
});

test("SDK-41: cycles, depth, getters that throw and hostile proxies are named, and what is beside them stays", () => {
  const cycle: Record<string, unknown> = { a: 1 };
  cycle.self = cycle;
  expect(told(cycle)).toEqual({ a: 1, self: "[Circular]" });
  const getter = {
    a: 1,
    get b(): never {
      throw new Error("no");
    },
    c: 3n,
  };
  expect(told(getter)).toEqual({ a: 1, b: "[Getter threw]", c: "3" });
  const proxy = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error("no");
      },
    },
  );
  expect(told({ proxy, a: 1 })).toEqual({ proxy: "[Cannot be read]", a: 1 });
  let deep: unknown = "end";
  for (let i = 0; i < 100; i++) deep = [deep];
  expect(toJson(deep)).toContain("[Nested too deeply]");
  expect(told({ ["__proto__"]: 1, a: { toJSON: () => ({ b: 2n }) } })).toEqual({ "[__proto__]": 1, a: { b: "2" } });
  class Money {
    toJSON(): unknown {
      return { amount: 2n };
    }
  }
  expect(told({ price: new Money() })).toEqual({ price: { amount: "2" } });
});

test("SDK-41: an object that occurs twice is no cycle", () => {
  const shared = { a: 1 };
  expect(told({ x: shared, y: [shared] })).toEqual({ x: { a: 1 }, y: [{ a: 1 }] });
});
