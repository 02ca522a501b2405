import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditError } from "@vouchtrail/events";
import { AuditEmitter, type Clock, type NativeEventInput, type OutgoingEvent, type Spool, type Transport } from "@vouchtrail/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTrailServer, type TrailServer } from "./trail-server.ts";

/** A clock that stands still until it is moved. */
interface HandClock extends Clock {
  readonly pending: () => number;
  /** Calls what is due until then, in order; between the calls, what they began can go on. */
  advance(ms: number): Promise<void>;
  wall: number;
}

function createHandClock(): HandClock {
  let now = 0;
  const timers = new Set<{ readonly dueMs: number; readonly call: () => void }>();
  const clock: HandClock = {
    wall: Date.UTC(2026, 5, 1),
    wallMs: () => clock.wall,
    nowMs: () => now,
    pending: () => timers.size,
    after(delayMs, call) {
      const timer = { dueMs: now + delayMs, call };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ dueMs }) => dueMs <= end).sort((a, b) => a.dueMs - b.dueMs);
        if (next === undefined) break;
        now = Math.max(now, next.dueMs);
        timers.delete(next);
        next.call();
        // What it began takes some turns.
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      now = end;
      clock.wall += ms;
    },
  };
  return clock;
}

let folder: string;
let trail: TrailServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-time-"));
  trail = await openTrailServer();
});
afterEach(async () => {
  await trail[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const event = (id: string): NativeEventInput => ({
  action: "document.read",
  actor: { type: "user", id: "u" },
  target: { type: "document", id },
  outcome: { status: "success" },
});

/** A spool in memory: what takes no time can be waited for with a clock that stands still. */
function memorySpool(): Spool {
  const held: OutgoingEvent[] = [];
  return {
    append: async (events) => void held.push(...events),
    async take({ eventsMax }) {
      const events = held.slice(0, eventsMax);
      return events.length === 0 ? undefined : { events, done: async () => void held.splice(0, events.length) };
    },
    mayHoldEvents: () => held.length > 0,
    close: async () => undefined,
  };
}

test("SDK-3: a trail that is away for an hour is asked ever less often, and has everything soon after it is back", async () => {
  const clock = createHandClock();
  const asked: number[] = [];
  const stored: string[] = [];
  const transport: Transport = {
    async send(events) {
      asked.push(clock.nowMs());
      if (clock.nowMs() < 3_600_000) throw new AuditError("PUSHBACK");
      for (const { id } of events) stored.push(id);
      return events.map(({ id }, index) => ({ receipt: { origin: "o", id, index, leafHash: "" } }));
    },
  };
  const emitter = new AuditEmitter({ transport, spool: memorySpool(), logger: false, lifecycle: false, clock });
  const results = await Promise.all(Array.from({ length: 20 }, (_, i) => emitter.emit(event(String(i)))));
  expect(results.every(({ state }) => state === "spooled")).toBe(true);
  await clock.advance(3_600_000);
  const pauses = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(250);
  expect(pauses.slice(8).every((pause) => pause >= 15_000 && pause <= 30_000)).toBe(true);
  expect(stored).toEqual([]);
  await clock.advance(30_000);
  expect(stored).toEqual(results.map(({ id }) => id));
  const closing = emitter.close(10);
  await clock.advance(10);
  await closing;
});

test("SDK-5: a strict event asks a trail that was away at once, not only when its turn comes", async () => {
  const clock = createHandClock();
  let isUp = false;
  const transport: Transport = {
    async send(events) {
      if (!isUp) throw new AuditError("PUSHBACK");
      return events.map(({ id }, index) => ({ receipt: { origin: "o", id, index, leafHash: "" } }));
    },
  };
  const emitter = new AuditEmitter({ transport, spool: memorySpool(), logger: false, lifecycle: false, clock });
  await emitter.emit(event("1"));
  // By now it is asked every 15 to 30 seconds.
  await clock.advance(300_000);
  isUp = true;
  await clock.advance(600);
  const { state } = await emitter.emit(event("2"), { delivery: "strict" });
  expect(state).toBe("stored");
  const closing = emitter.close(10);
  await clock.advance(10);
  await closing;
});

test("SDK-40: a clock that goes back changes times, never numbers", async () => {
  const clock = createHandClock();
  const emitter = new AuditEmitter({ url: trail.url, logger: false, spool: false, clock, lifecycle: false });
  const first = await emitter.emit(event("1"));
  clock.wall -= 86_400_000;
  const second = await emitter.emit(event("2"));
  expect(second.createdAt.getTime()).toBe(first.createdAt.getTime() - 86_400_000);
  expect(trail.events().map(({ source }) => source?.sequence)).toEqual([0, 1]);
  expect(second).toMatchObject({ state: "stored" });
});
