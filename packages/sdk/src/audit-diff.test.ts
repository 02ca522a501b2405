import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AuditDiff, auditDiff } from "./audit-diff.ts";

type Container = Record<string, unknown> | unknown[];

/** Applies a diff as its documentation says. */
function apply(before: object, { before: old, after, fields }: AuditDiff): unknown {
  const root = JSON.parse(JSON.stringify(before)) as Container;
  for (const field of fields.toReversed()) {
    // A dot that no odd number of backslashes stands before.
    const names = field.split(/(?<=(?:^|[^\\])(?:\\\\)*)\./).map((name) => name.replace(/\\(.)/gs, "$1"));
    const last = names.pop() as string;
    let at = root as Record<string, unknown>;
    for (const name of names) at = at[name] as Record<string, unknown>;
    expect(Object.hasOwn(old, field) || Object.hasOwn(after, field)).toBe(true);
    if (Object.hasOwn(after, field))
      Object.defineProperty(at, last, { value: after[field], enumerable: true, configurable: true, writable: true });
    else if (Array.isArray(at)) at.length = Math.min(at.length, Number(last));
    else delete at[last];
  }
  return root;
}

const names = fc.oneof(fc.constantFrom("a", "b", "list", "x.y", "", "constructor", "toString", "\\"), fc.string({ maxLength: 3 }));
const states = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, 0, 1, "", "text"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(names, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;
const objects = fc.dictionary(names, states, { maxKeys: 5, noNullPrototype: true });

describe("what differs", () => {
  test("SDK-25: only what differs is told, by path", () => {
    const before = { name: "Ann", address: { city: "Bern", zip: "3000" }, tags: ["a", "b", "c"], gone: 1, same: { deep: [1] } };
    const after = { name: "Ann", address: { city: "Basel", zip: "3000" }, tags: ["a", "x"], added: { k: null }, same: { deep: [1] } };
    expect(auditDiff(before, after)).toEqual({
      before: { "address.city": "Bern", "tags.1": "b", "tags.2": "c", gone: 1 },
      after: { "address.city": "Basel", "tags.1": "x", added: { k: null } },
      fields: ["address.city", "tags.1", "tags.2", "gone", "added"],
    });
    expect(auditDiff(before, before)).toEqual({ before: {}, after: {}, fields: [] });
    expect(auditDiff(undefined, { a: 1 })).toEqual({ before: {}, after: { a: 1 }, fields: ["a"] });
    expect(auditDiff({ a: { b: 1 } }, null)).toEqual({ before: { a: { b: 1 } }, after: {}, fields: ["a"] });
    expect(auditDiff({ a: [1] }, { a: { 0: 1 } }).fields).toEqual(["a"]);
    expect(auditDiff({ "a.b": 1, c: undefined }, { a: { b: 1 } }).fields).toEqual(["a\\.b", "a"]);
  });

  test("SDK-25: what changed, put into the state before, gives the state after", () => {
    fc.assert(
      fc.property(objects, objects, fc.integer({ min: 6, max: 50 }), (before, other, fieldsMax) => {
        const after = { ...before, ...other };
        for (const [one, two] of [
          [before, other],
          [before, after],
          [after, before],
        ] as const) {
          expect(apply(one, auditDiff(one, two, { fieldsMax: fieldsMax + 10 }))).toEqual(two);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("values that JSON has no form for are compared as the trail would have them", () => {
    const cycle = (n: number): object => {
      const value: Record<string, unknown> = { n };
      value.self = value;
      return value;
    };
    expect(auditDiff(cycle(1), cycle(2)).fields).toEqual(["n"]);
    expect(auditDiff({ at: new Date(0) }, { at: new Date(1) })).toEqual({
      before: { at: "1970-01-01T00:00:00.000Z" },
      after: { at: "1970-01-01T00:00:00.001Z" },
      fields: ["at"],
    });
    expect(auditDiff({ at: new Date(5) }, { at: new Date(5) }).fields).toEqual([]);
    expect(auditDiff({ map: new Map([["k", 1]]) }, { map: new Map([["k", 2]]) })).toMatchObject({
      before: { "map.k": 1 },
      after: { "map.k": 2 },
    });
    expect(auditDiff({ n: 1n }, { n: 2n }).after).toEqual({ n: "2" });
    const throwing = Object.defineProperty({ a: 1 }, "b", {
      enumerable: true,
      get() {
        throw new Error("no");
      },
    });
    expect(auditDiff(throwing, { a: 2 }).fields).toEqual(["a", "b"]);
    for (const odd of [5, "text", () => 1, Symbol("s")]) expect(auditDiff(odd as never, {}).fields).toEqual([]);
  });

  test("names of prototypes are names like others", () => {
    const before = JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{"b":1}}}');
    const diff = auditDiff(before, { toString: 1 });
    expect(Object.keys(diff.before)).toEqual(diff.fields.slice(0, 2));
    expect(Object.getPrototypeOf(diff.before)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).a ?? ({} as Record<string, unknown>).b).toBeUndefined();
    expect(diff.after).toEqual({ toString: 1 });
  });

  test("depth beyond what the trail takes does not overflow the stack", () => {
    let [before, after]: [object, object] = [{ leaf: 1 }, { leaf: 2 }];
    for (let depth = 0; depth < 20_000; depth += 1) [before, after] = [{ in: before }, { in: after }];
    expect(auditDiff(before, after).fields.length).toBeLessThanOrEqual(1);
  });
});

describe("what is not told", () => {
  test("SDK-26: a redacted value is named and hidden, on both sides and within values that are told whole", () => {
    const before = {
      password: "old-secret",
      user: { token: "t-secret", name: "Ann" },
      cards: [{ number: "4111-secret", name: "a" }],
      removed: { token: "r-secret" },
    };
    const after = {
      password: "new-secret",
      user: { token: "u-secret", name: "Bea" },
      cards: [
        { number: "4222-secret", name: "a" },
        { number: "4333-secret", name: "b" },
      ],
    };
    const diff = auditDiff(before, after, { redact: ["password", "**.token", "cards.*.number"] });
    expect(diff).toEqual({
      before: {
        password: "[REDACTED]",
        "user.token": "[REDACTED]",
        "user.name": "Ann",
        "cards.0.number": "[REDACTED]",
        removed: { token: "[REDACTED]" },
      },
      after: {
        password: "[REDACTED]",
        "user.token": "[REDACTED]",
        "user.name": "Bea",
        "cards.0.number": "[REDACTED]",
        "cards.1": { number: "[REDACTED]", name: "b" },
      },
      fields: ["password", "user.token", "user.name", "cards.0.number", "cards.1", "removed"],
    });
    expect(auditDiff({}, after, { redact: ["password"] }).before).toEqual({});
    expect(auditDiff({ a: { b: 1 } }, { a: { b: 2 } }, { redact: ["a"] })).toEqual({
      before: { a: "[REDACTED]" },
      after: { a: "[REDACTED]" },
      fields: ["a"],
    });
    expect(auditDiff({ "a.b": 1 }, { "a.b": 2 }, { redact: ["a\\.b"] }).after).toEqual({ "a\\.b": "[REDACTED]" });
  });

  test("SDK-26: nothing of a redacted value is told, whatever the states and the bound", () => {
    const secret = "S3CRET";
    const withSecret = fc
      .tuple(objects, fc.constantFrom("token", "other"))
      .map(([state, name]) => ({ ...state, deep: { [name]: { token: secret, list: [{ token: [secret] }] } } }));
    fc.assert(
      fc.property(
        fc.oneof(objects, withSecret),
        fc.oneof(objects, withSecret),
        fc.integer({ min: 1, max: 9 }),
        (before, after, fieldsMax) => {
          expect(JSON.stringify(auditDiff(before, after, { redact: ["**.token"], fieldsMax }))).not.toContain(secret);
        },
      ),
    );
  });

  test("more fields than the bound are told together, and none in silence", () => {
    const wide = (value: number): object => ({
      one: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, value])),
      two: value,
    });
    expect(auditDiff(wide(1), wide(2)).fields).toHaveLength(51);
    const coarse = auditDiff(wide(1), wide(2), { fieldsMax: 10 });
    expect(coarse.fields).toEqual(["one", "two"]);
    expect(apply(wide(1), coarse)).toEqual(wide(2));
    const flat = (value: number): object => Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, value]));
    expect(auditDiff(flat(1), flat(2), { fieldsMax: 3 }).fields).toEqual(["k0", "k1", "[48 more fields]"]);
  });

  test.each([{ fieldsMax: 0 }, { fieldsMax: 1.5 }, { redact: [""] }, { redact: [7] }])(
    "options that are none are refused: %j",
    (options) => {
      expect(() => auditDiff({}, {}, options as never)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    },
  );
});
