import fc from "fast-check";
import { expect, test } from "vitest";
import { type ClockJump, createReceiptClock } from "./clock.ts";

function fakeClock(startMs: number) {
  let wall = startMs;
  let monotonic = 0;
  return {
    clock: { wallMs: () => wall, monotonicMs: () => monotonic },
    pass: (ms: number) => {
      wall += ms;
      monotonic += ms;
    },
    jump: (ms: number) => {
      wall += ms;
    },
  };
}

test("CLOCK-1: the time of receipt never goes back, whatever the wall clock does", () => {
  const step = fc.record({ pass: fc.integer({ min: 0, max: 5_000 }), jump: fc.integer({ min: -10_000_000, max: 10_000_000 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const fake = fakeClock(Date.UTC(2026, 0, 1));
      const now = createReceiptClock(fake.clock, undefined, () => {});
      let last = "";
      for (const { pass, jump } of steps) {
        fake.pass(pass);
        fake.jump(jump);
        const at = now();
        expect(at >= last).toBe(true);
        last = at;
      }
    }),
  );
});

test("CLOCK-1: a restart goes on after the newest entry, also when the clock was set back meanwhile", () => {
  const fake = fakeClock(Date.UTC(2026, 0, 1));
  const now = createReceiptClock(fake.clock, "2026-06-01T00:00:00.000Z", () => {});
  expect(now()).toBe("2026-06-01T00:00:00.000Z");
  fake.pass(Date.UTC(2026, 5, 2) - Date.UTC(2026, 0, 1));
  expect(now()).toBe("2026-06-02T00:00:00.000Z");
});

test("CLOCK-2: a jump over a second is told once, drift below it is not", () => {
  const jumps: ClockJump[] = [];
  const fake = fakeClock(Date.UTC(2026, 0, 1));
  const now = createReceiptClock(fake.clock, undefined, (jump) => jumps.push(jump));
  fake.jump(1_000);
  now();
  expect(jumps).toEqual([]);
  fake.jump(-3_600_000);
  now();
  now();
  fake.pass(10_000);
  now();
  expect(jumps).toHaveLength(1);
  expect(jumps[0]!.toMs - jumps[0]!.fromMs).toBe(-3_600_000 + 1_000);
});
