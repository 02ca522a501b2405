import { appendFile, mkdtemp, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WATCH_FORGET_MS, WATCH_QUIET_MS } from "./limits.ts";
import type { OutgoingEvent } from "./shape-reader.ts";
import { createWatchedTranscript, type Deliver, type WatchedTranscript } from "./watched-transcript.ts";

const OPTIONS = { importedAt: "2026-01-01T00:00:00Z" };
/** When the test writes its files, by the times that it gives to them. */
const WRITTEN_MS = Date.parse("2026-02-01T10:00:00Z");

let root = "";
let file = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-watched-"));
  file = join(root, "s.jsonl");
});
afterEach(() => rm(root, { recursive: true, force: true }));

function line(at: number, content: unknown, type = "user"): string {
  const uuid = `u-${at}`;
  const timestamp = `2026-02-01T10:00:${String(at).padStart(2, "0")}Z`;
  const parentUuid = at === 0 ? null : `u-${at - 1}`;
  return `${JSON.stringify({ type, uuid, parentUuid, sessionId: "s", timestamp, message: { role: type, content } })}\n`;
}
const call = (at: number): string => line(at, [{ type: "tool_use", id: `t-${at}`, name: "Bash", input: {} }], "assistant");
const result = (at: number, of: number): string => line(at, [{ type: "tool_result", tool_use_id: `t-${of}`, content: "ok – größer" }]);

/** Takes what it is given and remembers it. */
function taker(): { deliver: Deliver; take(): string[] } {
  let taken: OutgoingEvent[] = [];
  return {
    async deliver(events) {
      for await (const event of events) taken.push(event);
    },
    take() {
      const given = taken.map(({ json }) => {
        const event = JSON.parse(json) as { action: string; phase?: string; details?: { uuid?: string }; context?: { callId?: string } };
        return [event.action, event.phase, event.context?.callId ?? event.details?.uuid].filter((part) => part !== undefined).join(" ");
      });
      taken = [];
      return given;
    },
  };
}

async function lookAfter(watched: WatchedTranscript, deliver: Deliver, ageMs = 0, isLast = false): Promise<boolean> {
  return watched.look(WRITTEN_MS + ageMs, deliver, isLast);
}
let writes = 0;
/** Each write has a time of its own, a millisecond after the one before. */
async function written(writing: Promise<void>): Promise<void> {
  await writing;
  writes += 1;
  await utimes(file, (WRITTEN_MS + writes) / 1_000, (WRITTEN_MS + writes) / 1_000);
}

test("MAPPING-44: however a file grows, its events are those of one reading, and each is given once", async () => {
  const text = Buffer.from([line(0, "go"), call(1), call(2), result(3, 2), line(4, "größer"), call(5), result(6, 1)].join(""));
  await writeFile(file, text);
  const whole = taker();
  await lookAfter(createWatchedTranscript(file, OPTIONS), whole.deliver, 0, true);
  const expected = whole.take().sort();
  expect(expected).toContain("ai.tool_call intent t-5");
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 0, max: text.length }), { maxLength: 6 }), async (cuts) => {
      const watched = createWatchedTranscript(file, OPTIONS);
      const { deliver, take } = taker();
      await written(writeFile(file, ""));
      const ends = [...cuts.sort((left, right) => left - right), text.length];
      for (const [at, end] of ends.entries()) {
        await written(appendFile(file, text.subarray(ends[at - 1] ?? 0, end)));
        expect(await lookAfter(watched, deliver)).toBe(true);
      }
      await lookAfter(watched, deliver, 0, true);
      expect(take().sort()).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});

test("MAPPING-45: open calls and missing parents are told when a file is quiet, and what comes after that is read", async () => {
  const watched = createWatchedTranscript(file, OPTIONS);
  const { deliver, take } = taker();
  await written(writeFile(file, line(3, "go") + call(4)));
  await lookAfter(watched, deliver);
  expect(take()).toEqual(["ai.chat_message u-3"]);
  await lookAfter(watched, deliver, WATCH_QUIET_MS - 1_000);
  expect(take()).toEqual([]);
  await lookAfter(watched, deliver, WATCH_QUIET_MS + 1_000);
  expect(take()).toEqual(["ai.tool_call intent t-4", "agent.transcript.broken u-3"]);
  await lookAfter(watched, deliver, WATCH_QUIET_MS + 2_000);
  await lookAfter(watched, deliver, 0, true);
  expect(take()).toEqual([]);
  await written(appendFile(file, result(5, 4)));
  await lookAfter(watched, deliver);
  expect(take()).toEqual(["ai.tool_call t-4"]);
});

test("MAPPING-46: a file that was replaced or cut is read anew, and only what is new is given", async () => {
  const watched = createWatchedTranscript(file, OPTIONS);
  const { deliver, take } = taker();
  const texts = [
    line(0, "go") + line(1, "on"),
    // Smaller.
    line(0, "go"),
    // Longer, with other bytes in front of where reading stopped.
    line(7, "other") + line(8, "still other") + line(9, "more"),
    // As long, at another time.
    line(7, "OTHER") + line(8, "still OTHER") + line(6, "MORE"),
  ];
  const given: string[][] = [];
  for (const text of texts) {
    await written(writeFile(file, text));
    await lookAfter(watched, deliver);
    given.push(take());
  }
  expect(given).toEqual([
    ["ai.chat_message u-0", "ai.chat_message u-1"],
    [],
    ["ai.chat_message u-7", "ai.chat_message u-8", "ai.chat_message u-9"],
    ["ai.chat_message u-6"],
  ]);
  await written(truncate(file, 0));
  await lookAfter(watched, deliver);
  await written(appendFile(file, line(0, "go") + line(2, "again")));
  await lookAfter(watched, deliver);
  expect(take()).toEqual(["ai.chat_message u-2"]);
});

test("MAPPING-46: what was sent is forgotten a day after a file grew last", async () => {
  const watched = createWatchedTranscript(file, OPTIONS);
  const { deliver, take } = taker();
  await written(writeFile(file, line(0, "go")));
  await lookAfter(watched, deliver, WATCH_QUIET_MS + 1_000);
  await lookAfter(watched, deliver, WATCH_FORGET_MS + 1_000);
  await written(appendFile(file, line(1, "on")));
  take();
  await lookAfter(watched, deliver);
  expect(take()).toEqual(["ai.chat_message u-0", "ai.chat_message u-1"]);
});

test("MAPPING-47: what was not taken is given again, and a file that is gone is no fault", async () => {
  const watched = createWatchedTranscript(file, OPTIONS);
  const { deliver, take } = taker();
  expect(await lookAfter(watched, deliver)).toBe(false);
  await written(writeFile(file, line(0, "go")));
  await lookAfter(watched, deliver);
  await written(appendFile(file, line(1, "on") + line(2, "and on")));
  const away: Deliver = async (events) => {
    for await (const _ of events) throw new Error("away");
  };
  await expect(lookAfter(watched, away)).rejects.toThrow("away");
  take();
  await lookAfter(watched, deliver);
  expect(take()).toEqual(["ai.chat_message u-1", "ai.chat_message u-2"]);
});
