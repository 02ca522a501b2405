import { expect, test } from "vitest";
import { CLAUDE_CALLS_REMEMBERED_MAX } from "../../agents/limits.ts";
import { seenCall, seenCallCount } from "./claude-agent-calls.ts";

test("FRAMEWORK-49: the calls that are remembered stay bounded, and the newest are known", () => {
  const last = `call-${CLAUDE_CALLS_REMEMBERED_MAX * 2 - 1}`;
  for (let number = 0; number < CLAUDE_CALLS_REMEMBERED_MAX * 2; number++) seenCall(`call-${number}`).isEnded = true;
  expect(seenCallCount()).toBe(CLAUDE_CALLS_REMEMBERED_MAX);
  expect(seenCall(last).isEnded).toBe(true);
  expect(seenCall("call-0").isEnded).toBe(false);
  const long = "x".repeat(1_000_000);
  seenCall(long).isAsked = true;
  expect([seenCall(long).isAsked, seenCall(`${long}y`).isAsked]).toEqual([true, false]);
  expect(seenCallCount()).toBe(CLAUDE_CALLS_REMEMBERED_MAX);
});

test("FRAMEWORK-49: of calls without an id nothing is remembered, so that one is not taken for another", () => {
  const before = seenCallCount();
  seenCall("").isAsked = true;
  expect([seenCall("").isAsked, seenCallCount()]).toEqual([false, before]);
});
