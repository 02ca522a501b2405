import fc from "fast-check";
import { expect, test } from "vitest";
import { ANSWER_CHARS_MAX } from "../limits.ts";
import { fitAnswer } from "./answer.ts";

const large = fc.oneof(
  fc.record({ text: fc.integer({ min: 0, max: 200_000 }).map((length) => "ä".repeat(length)) }),
  fc.record({ list: fc.array(fc.string({ maxLength: 400 }), { maxLength: 2_000 }) }),
  fc.record({ deep: fc.jsonValue({ maxDepth: 8 }), pair: fc.constant("😀".repeat(40_000)) }),
);

test("MCP-8: an answer that fits comes as it is; any other one fits afterwards, is well-formed and says that it was cut", () => {
  fc.assert(
    fc.property(large, (answer) => {
      const fitting = fitAnswer<Record<string, unknown>>(answer);
      if (JSON.stringify(answer).length <= ANSWER_CHARS_MAX) return fitting === answer;
      const text = JSON.stringify(fitting);
      return text.length <= ANSWER_CHARS_MAX && !/\\ud[89a-f]/.test(text) && fitting?.note !== undefined;
    }),
    { numRuns: 60 },
  );
});

test("MCP-8: a page is never shortened by leaving out entries, and ids within it stay whole", () => {
  const events = Array.from({ length: 3_000 }, (_, i) => ({ id: `0197a3c2-7d4b-7c1e-9a55-${String(i).padStart(12, "0")}` }));
  expect(fitAnswer({ events }, false)).toBeUndefined();
  const cut = fitAnswer({ events: events.slice(0, 100), text: "x".repeat(ANSWER_CHARS_MAX) }, false);
  expect(cut?.events).toEqual(events.slice(0, 100));
});
