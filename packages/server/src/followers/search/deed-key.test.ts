import fc from "fast-check";
import { expect, test } from "vitest";
import { type DeedParts, deedKey, formatDeedKey, parseDeedKey } from "./deed-key.ts";

const ID = "0197a0f0-0000-7000-8000-00000000000a";
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((one) => !/[\u0000-\u001f\u007f]/.test(one));

test("DEED-1: entries that name the same call of the same session and tenant share a key, whatever else they say", () => {
  fc.assert(
    fc.property(text, text, text, fc.uuid(), fc.constantFrom(undefined, "intent", "outcome"), (tenant, sessionId, callId, id, phase) => {
      expect(deedKey({ tenant, id, phase, sessionId, callId, parentEventId: ID })).toBe(deedKey({ tenant, id: ID, sessionId, callId }));
    }),
  );
});

test("DEED-3: two deeds share a key only when tenant, session and call are the same, also where the parts only look alike", () => {
  fc.assert(
    fc.property(text, text, text, text, text, text, (t1, s1, c1, t2, s2, c2) => {
      const isSame = t1 === t2 && s1 === s2 && c1 === c2;
      const first = deedKey({ tenant: t1, id: ID, sessionId: s1, callId: c1 });
      expect(first === deedKey({ tenant: t2, id: ID, sessionId: s2, callId: c2 })).toBe(isSame);
    }),
  );
  const key = (tenant: string, sessionId: string, callId: string): bigint | undefined => deedKey({ tenant, id: ID, sessionId, callId });
  expect(new Set([key("a", "b", "cd"), key("a", "bc", "d"), key("ab", "c", "d"), key("a", "cd", "b")]).size).toBe(4);
});

test("DEED-1: without a call an intent goes with the outcome that names it, in any spelling of its id, and nothing else has a key", () => {
  const intent = deedKey({ tenant: "t", id: ID, phase: "intent" });
  expect(intent).toBeDefined();
  const outcome = (parts: Partial<DeedParts>): bigint | undefined =>
    deedKey({ tenant: "t", id: "0197a0f0-0000-7000-8000-00000000000b", phase: "outcome", parentEventId: ID, ...parts });
  expect(outcome({})).toBe(intent);
  expect(outcome({ parentEventId: ID.toUpperCase() })).toBe(intent);
  expect(outcome({ callId: "1" })).toBe(intent);
  expect(outcome({ sessionId: "s" })).toBe(intent);
  expect(outcome({ tenant: "other" })).not.toBe(intent);
  expect(outcome({ parentEventId: undefined })).toBeUndefined();
  expect(outcome({ phase: undefined })).toBeUndefined();
  expect(deedKey({ tenant: "t", id: ID })).toBeUndefined();
  expect(deedKey({ tenant: "t", id: ID, callId: "1" })).toBeUndefined();
});

test("DEED-3: no call can be made to look like an effect", () => {
  const effect = deedKey({ tenant: "t", id: ID, phase: "intent" });
  expect(deedKey({ tenant: "effect", id: ID, sessionId: "t", callId: ID })).not.toBe(effect);
  expect(deedKey({ tenant: "t", id: ID, sessionId: ID, callId: ID })).not.toBe(effect);
});

test("DEED-5: the name of a deed is its key in 16 hexadecimal digits, and nothing else is read as one", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (key) => {
      expect(formatDeedKey(key)).toMatch(/^[0-9a-f]{16}$/);
      expect(parseDeedKey(formatDeedKey(key))).toBe(key);
    }),
  );
  for (const name of ["", "0", "0".repeat(15), "0".repeat(17), "G".repeat(16), "ABCDEF0123456789", "0x00000000000000", " 000000000000000"])
    expect(parseDeedKey(name), name).toBeUndefined();
});
