import { appendFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AuditError } from "@vouchtrail/events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSnapshotTarget } from "../../../../test/conformance/file-targets.ts";
import { type FollowerPlace, makeFollowerPlace, NOW, never, numbersBelow, readEntries } from "../../../../test/conformance/follower.ts";
import { createRecordingStore, followRecording } from "../../../../test/conformance/recording-store.ts";
import { sealSystemEntry } from "../intake/seal.ts";
import { nodeFileSystem } from "../ledger/file-system.ts";
import type { StoredEntry } from "../ledger/ledger.ts";
import { EntryRejected } from "./apply.ts";
import { createFileCursorStore } from "./cursor-file.ts";

let place: FollowerPlace;
beforeEach(async () => {
  place = await makeFollowerPlace();
});
afterEach(() => place.close());

const deadPath = (): string => join(place.directory, "recording.dead.ndjson");
const refuseIndexes =
  (...indexes: readonly number[]) =>
  (batch: readonly StoredEntry[]): unknown => {
    const bad = batch.find(({ index }) => indexes.includes(index));
    return bad === undefined ? undefined : new EntryRejected(bad.index, new AuditError("SHAPE_INVALID"));
  };

test("FOLLOW-7: an unreachable store is tried again after 2 s, then twice as long each time, up to a minute, for ever", async () => {
  const down = Object.assign(new Error("connect to 10.0.0.1"), { code: "ECONNREFUSED" });
  const clock = { wallMs: () => 1_000_000, monotonicMs: () => 0 };
  const { follower, store, timers, notices, observed } = followRecording(place, { clock });
  store.failNext(...Array.from({ length: 9 }, () => down), undefined, down);
  await place.append(4);
  const delays: number[] = [];
  for (let attempts = 1; attempts <= 9; attempts++) {
    const timer = await timers.next();
    expect(follower.state()).toMatchObject({
      state: "retrying",
      attempts,
      next: 0,
      lagEntries: 4,
      retryAtMs: 1_000_000 + timer.delayMs,
      lastError: { code: "ECONNREFUSED" },
    });
    delays.push(timer.delayMs);
    timer.fire();
  }
  expect(delays).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
  // An error that is nothing at all is an error too.
  (await timers.next()).fire();
  (await timers.next()).fire();
  await follower.waitFor(4, never());
  expect(follower.state()).toEqual({
    name: "recording",
    state: "waiting",
    next: 4,
    treeSize: 4,
    lagEntries: 0,
    attempts: 0,
    deadLetters: 0,
  });
  expect(store.calls).toEqual(Array.from({ length: 12 }, () => [0, 1, 2, 3]));
  expect(notices.map(({ kind }) => kind)).toEqual([...Array.from({ length: 11 }, () => "failing"), "recovered"]);
  expect(observed).toMatchObject({ applied: 4, deadLettered: 0 });
  expect(observed.failed).toHaveLength(11);

  store.failNext(down);
  await place.append(1);
  expect((await timers.next()).delayMs).toBe(2_000);
  await follower.close();
});

test("FOLLOW-7: a cursor that cannot be saved is a failure like any other; what comes again is the same batch", async () => {
  const files = createFileCursorStore(nodeFileSystem, join(place.directory, "recording.json"));
  let isFull = true;
  const cursor = {
    load: files.load,
    save: (to: Parameters<typeof files.save>[0]) =>
      isFull ? Promise.reject(Object.assign(new Error("no space"), { code: "ENOSPC" })) : files.save(to),
  };
  await place.append(2);
  const { follower, store, timers } = followRecording(place, { cursor });
  const timer = await timers.next();
  expect(follower.state()).toMatchObject({ state: "retrying", next: 0, lastError: { code: "ENOSPC" } });
  isFull = false;
  timer.fire();
  await follower.waitFor(2, never());
  expect(store.calls).toEqual([
    [0, 1],
    [0, 1],
  ]);
  await follower.close();
});

test("FOLLOW-8: what is erased while a store is unreachable is not in what it gets afterwards", async () => {
  await place.append(3);
  const { follower, store, timers } = followRecording(place);
  store.failNext(new Error("away"));
  const timer = await timers.next();
  const ranges = { content: [[1, 2]] as [number, number][] };
  await place.ledger.append([sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases: ranges } }, NOW)]);
  await place.ledger.erase(ranges, 3);
  timer.fire();
  await follower.waitFor(4, never());
  expect(store.entries.slice(0, 3).map(({ disclosures }) => disclosures.content !== undefined)).toEqual([true, false, true]);
  await follower.close();
});

test("FOLLOW-8: a store that keeps the cursor is asked where it stands after a failure: it may have lost its tail, or hold more", async () => {
  await place.append(10);
  let target = await openSnapshotTarget(6);
  const plans: string[] = ["apply", "lose", "apply", "hold more"];
  const first: number[] = [];
  const { follower, timers } = followRecording(place, {
    limits: { batchEntriesMax: 4 },
    cursor: { load: () => target.cursor.load() },
    store: {
      ...createRecordingStore(),
      async apply(batch, cursor, signal) {
        first.push(batch[0]!.index);
        const plan = plans.shift();
        if (plan === "lose") {
          target = await target.reopen();
          throw new Error("the process of the store was killed");
        }
        await target.apply(batch, cursor, signal);
        if (plan === "hold more") throw new Error("the answer was lost");
      },
    },
  });
  timers.runFreely();
  await follower.waitFor(10, never());
  expect(first).toEqual([0, 4, 0, 4, 8]);
  expect(await target.indexes()).toEqual(numbersBelow(10));
  await follower.close();
  await target.close();
});

test("FOLLOW-9: an entry that is itself the problem is attempted three times, alone, and holds nobody back for good", async () => {
  await place.append(6);
  const store = createRecordingStore();
  store.refuse(refuseIndexes(2));
  const { follower, timers, notices, observed } = followRecording(place, { store });
  const first = await timers.next();
  expect(store.calls).toEqual([numbersBelow(6), [0, 1]]);
  expect(follower.state()).toMatchObject({ state: "retrying", next: 2, attempts: 1, lastError: { code: "SHAPE_INVALID" }, deadLetters: 0 });
  first.fire();
  const second = await timers.next();
  expect([first.delayMs, second.delayMs]).toEqual([2_000, 4_000]);
  expect(store.calls.slice(2)).toEqual([[2]]);
  second.fire();
  await follower.waitFor(6, never());
  expect(store.calls.slice(3)).toEqual([[2], [3, 4, 5]]);
  expect(store.entries.map(({ index }) => index)).toEqual([0, 1, 3, 4, 5]);
  expect(follower.state()).toMatchObject({ state: "waiting", next: 6, attempts: 0, deadLetters: 1 });
  expect(observed).toEqual({ applied: 5, failed: ["SHAPE_INVALID", "SHAPE_INVALID", "SHAPE_INVALID"], deadLettered: 1 });
  expect(notices.filter(({ kind }) => kind === "dead-letter")).toMatchObject([{ index: 2, failure: { code: "SHAPE_INVALID" } }]);
  await follower.close();
});

test("FOLLOW-9: an entry that is taken at the second attempt is no dead letter", async () => {
  await place.append(3);
  const store = createRecordingStore();
  store.failNext(new EntryRejected(1));
  const { follower, timers } = followRecording(place, { store });
  timers.runFreely();
  await follower.waitFor(3, never());
  expect(store.calls).toEqual([[0, 1, 2], [0], [1], [2]]);
  expect(follower.deadLetters()).toEqual([]);
  await follower.close();
});

test("FOLLOW-9: first, last, neighbouring and all entries can be the problem", async () => {
  await place.append(8);
  for (const bad of [[0], [7], [3, 4], [0, 7], numbersBelow(8)]) {
    const store = createRecordingStore();
    store.refuse(refuseIndexes(...bad));
    const { follower, timers } = followRecording(place, { store });
    timers.runFreely();
    await follower.waitFor(8, never());
    expect(store.entries.map(({ index }) => index)).toEqual(numbersBelow(8).filter((index) => !bad.includes(index)));
    expect(follower.deadLetters().map(({ index }) => index)).toEqual(bad);
    await follower.close();
    await rm(deadPath());
    await rm(join(place.directory, "recording.json"));
  }
});

test("FOLLOW-9: an error that names an entry outside of the batch blames the store, and sets nothing aside", async () => {
  await place.append(2);
  const store = createRecordingStore();
  for (const index of [2, -1, 0.5, Number.NaN]) store.failNext(new EntryRejected(index));
  const { follower, timers } = followRecording(place, { store });
  // Each of them is waited for: nothing is tried without a pause.
  for (const delayMs of [2_000, 4_000, 8_000, 16_000]) {
    const timer = await timers.next();
    expect(timer.delayMs).toBe(delayMs);
    timer.fire();
  }
  await follower.waitFor(2, never());
  expect(store.calls).toEqual(Array.from({ length: 5 }, () => [0, 1]));
  expect(follower.deadLetters()).toEqual([]);
  await follower.close();
});

test("FOLLOW-10: a dead letter tells which entry and why, and is on disk before the cursor passes it", async () => {
  await place.append(2);
  const files = createFileCursorStore(nodeFileSystem, join(place.directory, "recording.json"));
  const seen: string[] = [];
  const store = createRecordingStore();
  store.refuse(refuseIndexes(0));
  const { follower, timers } = followRecording(place, {
    store,
    cursor: {
      load: files.load,
      async save(cursor) {
        if (cursor.next === 1) seen.push(await readFile(deadPath(), "utf8"));
        await files.save(cursor);
      },
    },
  });
  timers.runFreely();
  await follower.waitFor(2, never());
  const [entry] = await readEntries(place.ledger, 0, 1);
  const letter = {
    origin: place.ledger.origin,
    index: 0,
    id: JSON.parse(entry!.leaf).id,
    tenant: "default",
    code: "SHAPE_INVALID",
    message: new AuditError("SHAPE_INVALID").message,
    attempts: 3,
    at: NOW,
  };
  expect(seen).toEqual([`${JSON.stringify(letter)}\n`]);
  expect(follower.deadLetters()).toEqual([letter]);
  expect((await stat(deadPath())).mode & 0o777).toBe(0o600);
  await follower.close();
});

test("FOLLOW-10: a crash between the dead letter and the cursor sets the entry aside once, also when the line was cut off", async () => {
  await place.append(3);
  const store = createRecordingStore();
  store.refuse(refuseIndexes(1));
  const first = followRecording(place, { store });
  first.timers.runFreely();
  await first.follower.waitFor(3, never());
  await first.follower.close();
  const line = await readFile(deadPath(), "utf8");
  for (const rest of [line, line.slice(0, -1), line.slice(0, 20), `${"\0".repeat(30)}\n`, ""]) {
    await writeFile(deadPath(), rest);
    await rm(join(place.directory, "recording.json"));
    const again = followRecording(place, { store });
    again.timers.runFreely();
    await again.follower.waitFor(3, never());
    expect(again.follower.deadLetters().map(({ index }) => index)).toEqual([1]);
    await again.follower.close();
    expect((await readFile(deadPath(), "utf8")).split("\n")).toHaveLength(2);
  }
});

test("FOLLOW-10: a dead letter that cannot be written keeps the cursor where it is, until it can", async () => {
  await place.append(2);
  const store = createRecordingStore();
  store.refuse(refuseIndexes(0));
  let isFull = true;
  const fileSystem: typeof nodeFileSystem = {
    ...nodeFileSystem,
    openFile: (path, how, mode) =>
      isFull && path.includes(".dead.")
        ? Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" }))
        : nodeFileSystem.openFile(path, how, mode),
  };
  const { follower, timers } = followRecording(place, { store, fileSystem });
  (await timers.next()).fire();
  (await timers.next()).fire();
  const third = await timers.next();
  expect(follower.state()).toMatchObject({ state: "retrying", next: 0, deadLetters: 0, lastError: { code: "ENOSPC" } });
  isFull = false;
  third.fire();
  await follower.waitFor(2, never());
  expect(store.calls).toEqual([[0, 1], [0], [0], [1]]);
  expect(follower.deadLetters()).toMatchObject([{ index: 0, attempts: 3 }]);
  await follower.close();
});

test("FOLLOW-11: with as many dead letters as it may have, a follower pauses before the next instead of dropping it", async () => {
  await place.append(6);
  const store = createRecordingStore();
  store.refuse(refuseIndexes(1, 2, 4));
  const { follower, timers, notices } = followRecording(place, { store, limits: { deadLettersMax: 2 } });
  timers.runFreely();
  await follower.waitFor(4, never());
  while (follower.state().state !== "paused") await new Promise((resolve) => setImmediate(resolve));
  expect(follower.state()).toMatchObject({ next: 4, lagEntries: 2, deadLetters: 2, lastError: { code: "DEAD_LETTERS_FULL" } });
  expect(notices.at(-1)).toMatchObject({ kind: "dead-letters-full", failure: { code: "DEAD_LETTERS_FULL" } });
  // Resumed with nothing repaired, it comes to the same place.
  follower.resume();
  while (notices.filter(({ kind }) => kind === "dead-letters-full").length < 2) await new Promise((resolve) => setImmediate(resolve));
  await rm(deadPath());
  follower.resume();
  await follower.waitFor(6, never());
  expect(follower.deadLetters().map(({ index }) => index)).toEqual([4]);
  expect(store.entries.map(({ index }) => index)).toEqual([0, 3, 5]);
  await follower.close();
});

test("FOLLOW-12: met again, a dead letter gets one attempt, and is none any more when the store takes it", async () => {
  await place.append(4);
  const store = createRecordingStore();
  store.refuse(refuseIndexes(1, 2));
  const { follower, timers } = followRecording(place, { store });
  timers.runFreely();
  await follower.waitFor(4, never());
  const begin = (): Promise<void> => rm(join(place.directory, "recording.json"));
  store.refuse(refuseIndexes(2));
  const callsBefore = store.calls.length;
  await follower.rewind(begin);
  await follower.waitFor(4, never());
  expect(store.calls.slice(callsBefore)).toEqual([[0, 1, 2, 3], [0, 1], [3]]);
  expect(follower.deadLetters().map(({ index }) => index)).toEqual([2]);
  expect(await readFile(deadPath(), "utf8")).toMatch(/^[^\n]*"index":2[^\n]*\n$/);
  store.refuse(() => undefined);
  await follower.rewind(begin);
  await follower.waitFor(4, never());
  expect(follower.state().deadLetters).toBe(0);
  expect(await readFile(deadPath(), "utf8")).toBe("");
  await follower.close();
});

test("FOLLOW-14: what a store quotes in its errors stands nowhere", async () => {
  await place.append(2);
  const secret = "confidential-marmalade";
  class ConversionError extends Error {
    override readonly name = "ConversionError";
    readonly code = `could not convert ${secret}`;
  }
  const store = createRecordingStore();
  store.failNext(
    new ConversionError(secret),
    secret,
    { code: secret, message: secret, name: secret },
    Object.assign(new Error(secret), { name: secret }),
  );
  store.refuse((batch) => (batch.some(({ index }) => index === 1) ? new EntryRejected(1, new ConversionError(secret)) : undefined));
  const { follower, timers, notices, observed } = followRecording(place, { store });
  const states: unknown[] = [];
  for (let i = 0; i < 6; i++) {
    const timer = await timers.next();
    states.push(follower.state());
    timer.fire();
  }
  await follower.waitFor(2, never());
  expect(follower.deadLetters()).toMatchObject([{ index: 1, code: "INTERNAL" }]);
  const told = JSON.stringify([states, notices, observed, follower.deadLetters()]) + (await readFile(deadPath(), "utf8"));
  expect(told).not.toContain(secret);
  expect(told).toContain("ConversionError");
  await follower.close();
});

test("FOLLOW-10: damage in the middle of the dead letters is told and not overwritten", async () => {
  await place.append(1);
  const text = `not a letter\n${JSON.stringify({ origin: "o", index: 1, code: "INTERNAL", message: "m", attempts: 3, at: NOW })}\n`;
  await appendFile(deadPath(), text);
  const { follower, timers } = followRecording(place);
  const timer = await timers.next();
  expect(follower.state()).toMatchObject({ state: "retrying", lastError: { code: "DATA_UNREADABLE" } });
  expect(await readFile(deadPath(), "utf8")).toBe(text);
  await rm(deadPath());
  timer.fire();
  await follower.waitFor(1, never());
  await follower.close();
});
