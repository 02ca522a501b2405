import fc from "fast-check";
import { expect, test } from "vitest";
import { AI_SDK_RUNS_MAX, AI_SDK_TOLD_MAX } from "../../agents/limits.ts";
import { type AiSdkRun, runsOf } from "./ai-sdk-runs.ts";

function runOf(id: string): AiSdkRun {
  return {
    id,
    scope: {},
    caller: undefined,
    userId: undefined,
    operation: undefined,
    started: undefined,
    provider: undefined,
    model: undefined,
    step: -1,
    request: "idle",
    requested: undefined,
    calls: 0,
    attempts: 0,
    seen: new Map(),
  };
}

test("FRAMEWORK-19: of runs and facts the newest are remembered, so that runs which never end cost nothing", async () => {
  const runs = runsOf({});
  for (let index = 0; index <= AI_SDK_RUNS_MAX; index++) runs.keep(runOf(`run-${index}`));
  expect(runs.find("run-0")).toBeUndefined();
  expect(runs.find("run-1")?.id).toBe("run-1");
  expect(runs.find(`run-${AI_SDK_RUNS_MAX}`)?.id).toBe(`run-${AI_SDK_RUNS_MAX}`);
  for (let index = 0; index <= AI_SDK_TOLD_MAX; index++) await runs.once(`fact-${index}`, async () => undefined);
  expect(runs.isTold("fact-0")).toBe(false);
  expect(runs.isTold("fact-1")).toBe(true);
});

test("FRAMEWORK-10: each fact is told once to an emitter, however often and in whatever order it is heard", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom("a", "b", "c", "d")), async (heard) => {
      const emitter = {};
      const told: string[] = [];
      const tell = (fact: string) => runsOf(emitter).once(fact, async () => void told.push(fact));
      await Promise.all(heard.map(tell));
      expect([...told].sort()).toEqual([...new Set(heard)].sort());
      // Another emitter is another trail.
      expect(heard.some((fact) => runsOf({}).isTold(fact))).toBe(false);
    }),
  );
});

test("FRAMEWORK-10: whoever tells a fact a second time waits for the first", async () => {
  const runs = runsOf({});
  const order: string[] = [];
  let resolve = (): void => undefined;
  const recorded = new Promise<void>((done) => {
    resolve = done;
  });
  const first = runs.once("fact", () => recorded.then(() => order.push("recorded")));
  const second = runs.once("fact", async () => order.push("twice")).then(() => order.push("second"));
  resolve();
  await Promise.all([first, second]);
  expect(order).toEqual(["recorded", "second"]);
  await expect(runs.once("failing", () => Promise.reject(new Error("away")))).resolves.toBeUndefined();
});
