import fc from "fast-check";
import { expect, test } from "vitest";
import { replaceAt, takeAt } from "./member-path.ts";

const SECRET = "the secret itself";
const name = fc.stringMatching(/^[a-z]{1,3}$/);
/** A document around a value, and the path that leads to the value: through objects, lists, and members that `*` stands for. */
const hidden = (value: unknown) =>
  fc
    .array(fc.record({ name, kind: fc.constantFrom("member", "list", "any"), beside: fc.dictionary(name, fc.jsonValue()) }), {
      minLength: 1,
      maxLength: 5,
    })
    .map((steps) => {
      let document: unknown = value;
      const path: string[] = [];
      for (const step of steps) {
        document = { ...step.beside, [step.name]: document };
        path.unshift(step.kind === "any" ? "*" : step.name);
        if (step.kind === "list") document = [step.beside, document, null];
      }
      return { document, path: path.join(".") };
    });

test("SDK-34: a marked value is found wherever its path leads, and what is beside it stays", () => {
  fc.assert(
    fc.property(hidden(SECRET), ({ document, path }) => {
      replaceAt(document, path, "[REDACTED]");
      expect(JSON.stringify(document)).not.toContain(SECRET);
      expect(JSON.stringify(document)).toContain("[REDACTED]");
    }),
  );
});

test("SDK-34: a path that leads nowhere changes nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(name, { minLength: 1, maxLength: 3 }), (document, segments) => {
      const path = ["ABSENT", ...segments].join(".");
      const before = JSON.stringify(document);
      replaceAt(document, path, "[REDACTED]");
      expect(takeAt(document, `${segments.join(".")}.ABSENT`)).toSatisfy((taken) => taken === undefined || Array.isArray(taken));
      expect(JSON.stringify(document)).toBe(before);
    }),
  );
});

test("SDK-34: a value is taken once, and names that every object inherits are none", () => {
  const document = { a: { b: "x", c: 1 } };
  expect(takeAt(document, "a.b")).toBe("x");
  expect(takeAt(document, "a.b")).toBeUndefined();
  expect(takeAt(document, "constructor.name")).toBeUndefined();
  expect(takeAt(document, "a.toString")).toBeUndefined();
  expect(document).toEqual({ a: { c: 1 } });
});
