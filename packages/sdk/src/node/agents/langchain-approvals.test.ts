import fc from "fast-check";
import { expect, test } from "vitest";
import { decisionOf } from "./langchain-approvals.ts";

test.each([
  [true, true],
  [false, false],
  [" Yes ", true],
  ["reject", false],
  ["Paris", undefined],
  [42, undefined],
  [null, undefined],
  [undefined, undefined],
  [{ type: "edit", args: { a: 1 } }, true],
  [{ type: "response", args: "Ask me later." }, undefined],
  [{ approved: false, type: "approve" }, false],
  [{ decision: "deny" }, false],
  [{ decisions: [{ type: "approve" }] }, true],
  [{ decisions: [] }, undefined],
  [[{ type: "accept", args: null }], true],
  [[{ type: "ignore" }], false],
  [{ name: "no" }, undefined],
] as const)("FRAMEWORK-35: %j decides %j", (answer, decision) => {
  expect(decisionOf(answer)).toBe(decision);
});

test("FRAMEWORK-35: several decisions approve only together, in any order, and one refusal refuses", () => {
  const one = fc.constantFrom({ type: "approve" }, { type: "reject" }, { type: "respond" });
  fc.assert(
    fc.property(fc.array(one, { minLength: 1 }), (decisions) => {
      const types = decisions.map(({ type }) => type);
      const expected = types.includes("reject") ? false : types.includes("respond") ? undefined : true;
      for (const order of [decisions, decisions.toReversed()]) {
        expect(decisionOf(order)).toBe(expected);
        expect(decisionOf({ decisions: order })).toBe(expected);
      }
    }),
  );
});

test("FRAMEWORK-35: no answer makes it throw", () => {
  fc.assert(
    fc.property(fc.anything(), (answer) => {
      expect([true, false, undefined]).toContain(decisionOf(answer));
    }),
  );
});
