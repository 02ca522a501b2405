import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FollowerPlace, makeFollowerPlace, NOW, never, numbersBelow, readEntries } from "../../../../test/conformance/follower.ts";
import { createRecordingStore, followRecording } from "../../../../test/conformance/recording-store.ts";
import { sealSystemEntry } from "../intake/seal.ts";
import { nodeFileSystem } from "../ledger/file-system.ts";
import { EntryRejected } from "./apply.ts";
import { cursorBehind } from "./cursor.ts";
import { createFileCursorStore } from "./cursor-file.ts";

let place: FollowerPlace;
beforeEach(async () => {
  place = await makeFollowerPlace();
});
afterEach(() => place.close());

const cursorPath = (): string => join(place.directory, "recording.json");
const savedNext = async (): Promise<number> => (await createFileCursorStore(nodeFileSystem, cursorPath()).load())?.next ?? 0;
const stopped = { code: "SHUTTING_DOWN" };
/** Everything that could happen without anybody waiting has happened. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await readEntries(place.ledger, 0, 1);
}

test("FOLLOW-13: a paused follower finishes its batch and applies nothing further until it is resumed", async () => {
  await place.append(20);
  const store = createRecordingStore();
  const held = store.holdNext();
  const { follower } = followRecording(place, { store, limits: { batchEntriesMax: 10 } });
  await held.begun;
  follower.pause();
  expect(follower.state()).toMatchObject({ state: "paused", next: 0, lagEntries: 20 });
  held.succeed();
  await follower.waitFor(10, never());
  await place.append(1);
  await settle();
  expect(store.calls).toEqual([numbersBelow(10)]);
  expect(follower.state()).toMatchObject({ state: "paused", next: 10, treeSize: 21, lagEntries: 11 });
  follower.resume();
  await follower.waitFor(21, never());
  expect(store.calls.flat()).toEqual(numbersBelow(21));
  expect(follower.state().state).toBe("waiting");
  await follower.close();
});

test("FOLLOW-13: what is erased during a pause is not in what is applied after it, although it had been read", async () => {
  await place.append(30);
  const store = createRecordingStore();
  const held = store.holdNext();
  const { follower } = followRecording(place, { store, limits: { batchEntriesMax: 10 } });
  await held.begun;
  // The second batch is read by now, while the first one is applied.
  await settle();
  follower.pause();
  held.succeed();
  await follower.waitFor(10, never());
  const ranges = { content: [[10, 20]] as [number, number][] };
  await place.ledger.append([sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases: ranges } }, NOW)]);
  await place.ledger.erase(ranges, 30);
  follower.resume();
  await follower.waitFor(30, never());
  const withContent = store.entries.filter(({ disclosures }) => disclosures.content !== undefined).map(({ index }) => index);
  expect(withContent.filter((index) => index < 30)).toEqual([...numbersBelow(10), ...numbersBelow(30, 20)]);
  await follower.close();
});

test("FOLLOW-13: a follower that is paused while it waits for entries applies none of them, and pausing twice is pausing once", async () => {
  const { follower, store } = followRecording(place);
  await follower.waitFor(0, never());
  follower.pause();
  follower.pause();
  await place.append(3);
  await settle();
  expect(store.calls).toEqual([]);
  follower.resume();
  follower.resume();
  await follower.waitFor(3, never());
  expect(store.calls).toEqual([[0, 1, 2]]);
  await follower.close();
});

test("FOLLOW-13: paused while it waits to retry, a follower does not try; resumed, it tries at once", async () => {
  await place.append(2);
  const store = createRecordingStore();
  store.failNext(new Error("away"));
  const { follower, timers } = followRecording(place, { store });
  const timer = await timers.next();
  follower.pause();
  expect(follower.state()).toMatchObject({ state: "paused", attempts: 1 });
  expect(follower.state().retryAtMs).toBeUndefined();
  timer.fire();
  await settle();
  expect(store.calls).toHaveLength(1);
  follower.resume();
  await follower.waitFor(2, never());
  expect(store.calls).toHaveLength(2);

  store.failNext(new Error("away"));
  await place.append(1);
  await timers.next();
  follower.resume();
  await follower.waitFor(3, never());
  expect(timers.pendingCount()).toBe(0);
  await follower.close();
});

test("FOLLOW-13: a follower that is paused from its first moment applies nothing", async () => {
  await place.append(2);
  const { follower, store } = followRecording(place);
  follower.pause();
  await settle();
  expect(store.calls).toEqual([]);
  follower.resume();
  await follower.waitFor(2, never());
  await follower.close();
});

test("FOLLOW-13: paused, rewound or closed while a batch is being read, a follower does not apply it", async () => {
  await place.append(3);
  const { ledger } = place;
  for (const interrupt of ["pause", "rewind", "close"] as const) {
    let letRead = (): void => {};
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const gate = new Promise<void>((resolve) => {
      letRead = resolve;
    });
    const slow = {
      origin: ledger.origin,
      head: ledger.head,
      waitFor: ledger.waitFor,
      // Heeds no signal: what was asked of a disk comes.
      async *read(from: number, to: number) {
        begin();
        await gate;
        yield* ledger.read(from, to);
      },
    };
    const { follower, store } = followRecording({ directory: place.directory, ledger: slow });
    await begun;
    const callsAtRewind: number[] = [];
    const interrupted =
      interrupt === "rewind" ? follower.rewind(async () => void callsAtRewind.push(store.calls.length)) : follower[interrupt]();
    letRead();
    await interrupted;
    await settle();
    if (interrupt === "rewind") expect(callsAtRewind).toEqual([0]);
    else expect(store.calls).toEqual([]);
    await follower.close();
    await rm(cursorPath(), { force: true });
  }
});

test("FOLLOW-15: rewound while a batch is applied, a follower lets it end, and its answer moves nothing", async () => {
  await place.append(4);
  const store = createRecordingStore();
  const held = store.holdNext();
  const { follower, observed } = followRecording(place, { store });
  const { signal } = await held.begun;
  const steps: string[] = [];
  const rewinding = follower.rewind(async () => {
    steps.push(`emptied after ${store.calls.length} call, with the cursor at ${await savedNext()}`);
  });
  await settle();
  expect(signal.aborted).toBe(true);
  // Two batches at once would be worse than waiting for the store.
  expect(steps).toEqual([]);
  held.succeed();
  await rewinding;
  expect(steps).toEqual(["emptied after 1 call, with the cursor at 0"]);
  await follower.waitFor(4, never());
  expect(store.calls).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ]);
  expect(observed.applied).toBe(4);
  await follower.close();
});

test("FOLLOW-15: a store that is emptied while its follower is rewound is filled again from the first entry", async () => {
  await place.append(30);
  const first = followRecording(place, { limits: { batchEntriesMax: 10 } });
  await first.follower.waitFor(30, never());
  await first.follower.rewind(() => rm(cursorPath()));
  await first.follower.waitFor(30, never());
  expect(first.store.calls.flat()).toEqual([...numbersBelow(30), ...numbersBelow(30)]);
  await first.follower.close();
});

test("FOLLOW-15: rewinding rejects with what went wrong in between, and the follower goes on from where its store is", async () => {
  await place.append(3);
  const { follower, store } = followRecording(place);
  await follower.waitFor(3, never());
  await expect(
    follower.rewind(async () => {
      await rm(cursorPath());
      throw new Error("not emptied");
    }),
  ).rejects.toThrow("not emptied");
  await place.append(1);
  await follower.waitFor(4, never());
  expect(store.calls.flat()).toEqual([...numbersBelow(3), ...numbersBelow(4)]);
  await follower.close();
});

test("FOLLOW-15: many rewinds at once come one after the other, also while the store cannot be asked", async () => {
  await place.append(5);
  let isAway = false;
  const files = createFileCursorStore(nodeFileSystem, cursorPath());
  const { follower, store, timers } = followRecording(place, {
    cursor: { ...files, load: () => (isAway ? Promise.reject(new Error("away")) : files.load()) },
  });
  await follower.waitFor(5, never());
  isAway = true;
  const superseded = follower.rewind().catch((error: unknown) => error);
  await timers.next();
  expect(follower.state()).toMatchObject({ state: "retrying", next: 5 });
  isAway = false;
  const order: number[] = [];
  await Promise.all([1, 2, 3].map((n) => follower.rewind(async () => void order.push(n)).catch(() => {})));
  expect(order).toEqual([1, 2, 3]);
  expect(await superseded).toMatchObject(stopped);
  await place.append(1);
  await follower.waitFor(6, never());
  expect(store.calls).toEqual([numbersBelow(5), [5]]);
  await follower.close();
});

test("FOLLOW-15: a paused follower stays paused when it is rewound", async () => {
  await place.append(3);
  const { follower, store } = followRecording(place);
  await follower.waitFor(3, never());
  follower.pause();
  await follower.rewind(() => rm(cursorPath()));
  await settle();
  expect(follower.state()).toMatchObject({ state: "paused", next: 0, lagEntries: 3 });
  expect(store.calls).toHaveLength(1);
  follower.resume();
  await follower.waitFor(3, never());
  expect(store.calls).toHaveLength(2);
  await follower.close();
});

test("FOLLOW-18: closing aborts the batch that hangs, and does not wait for a store that does not heed it", async () => {
  await place.append(3);
  const store = createRecordingStore();
  const held = store.holdNext();
  const { follower, timers, notices, observed } = followRecording(place, { store, closeGraceMs: 700 });
  const { signal } = await held.begun;
  const waiting = follower.waitFor(3, never()).catch((error: unknown) => error);
  const closing = follower.close();
  expect(signal.aborted).toBe(true);
  expect(await waiting).toMatchObject(stopped);
  const grace = await timers.next();
  expect(grace.delayMs).toBe(700);
  grace.fire();
  await closing;
  expect(notices.at(-1)).toMatchObject({ kind: "abandoned" });
  // What it answers afterwards moves nothing.
  held.succeed();
  await settle();
  expect(observed.applied).toBe(0);
  expect(await savedNext()).toBe(0);
  expect(follower.state()).toMatchObject({ state: "stopped", next: 0 });
  expect(store.calls).toHaveLength(1);
});

test("FOLLOW-18: a batch that is confirmed while its follower closes is not sent again", async () => {
  await place.append(30);
  const store = createRecordingStore();
  const held = store.holdNext();
  const { follower, timers, notices } = followRecording(place, { store, limits: { batchEntriesMax: 10 } });
  await held.begun;
  const closing = follower.close();
  held.succeed();
  await closing;
  expect(await savedNext()).toBe(10);
  expect(store.calls).toHaveLength(1);
  expect(timers.pendingCount()).toBe(0);
  expect(notices).toEqual([]);
});

test("FOLLOW-18: closed in any state, once or more, a follower leaves no timer and takes no further call", async () => {
  await place.append(2);
  const down = (): ReturnType<typeof createRecordingStore> => {
    const store = createRecordingStore();
    store.refuse(() => new Error("away"));
    return store;
  };
  const atOnce = followRecording(place);
  await atOnce.follower.close();
  const paused = followRecording(place);
  paused.follower.pause();
  await paused.follower.close();
  const retrying = followRecording(place, { store: down() });
  await retrying.timers.next();
  await Promise.all([retrying.follower.close(), retrying.follower.close()]);
  const rewinding = followRecording(place, { store: down() });
  const rewound = rewinding.follower.rewind().catch((error: unknown) => error);
  await rewinding.follower.close();
  for (const { follower, timers } of [atOnce, paused, retrying, rewinding]) {
    expect(follower.state().state).toBe("stopped");
    expect(timers.pendingCount()).toBe(0);
    await expect(follower.waitFor(0, never())).rejects.toMatchObject(stopped);
    await expect(follower.rewind()).rejects.toMatchObject(stopped);
    follower.pause();
    follower.resume();
    expect(follower.state().state).toBe("stopped");
    await follower.close();
  }
  expect(await rewound).toMatchObject(stopped);
});

test("FOLLOW-19: a follower ends with its ledger, and turns away who waits", async () => {
  const { follower } = followRecording(place);
  await place.append(2);
  await follower.waitFor(2, never());
  const waiting = follower.waitFor(3, never()).catch((error: unknown) => error);
  await place.ledger.close();
  expect(await waiting).toMatchObject(stopped);
  expect(follower.state()).toMatchObject({ state: "stopped", next: 2, lagEntries: 0 });
  await follower.close();
});

test("FOLLOW-19: a ledger that fails to write is read to its end", async () => {
  await place.append(5);
  const isBroken = { now: false };
  const ledger = await place.reopenLedger({
    fileSystem: {
      ...nodeFileSystem,
      async openFile(path, how, mode) {
        const file = await nodeFileSystem.openFile(path, how, mode);
        return { ...file, sync: () => (isBroken.now ? Promise.reject(new Error("EIO")) : file.sync()) };
      },
    },
  });
  isBroken.now = true;
  await expect(place.append(1)).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
  expect(ledger.refusal()?.code).toBe("LEDGER_READ_ONLY");
  const { follower, store } = followRecording(place);
  await follower.waitFor(5, never());
  expect(store.calls).toEqual([numbersBelow(5)]);
  expect(follower.state().state).toBe("waiting");
  await follower.close();
});

test("FOLLOW-19: a ledger that cannot be asked for its size is asked again", async () => {
  await place.append(2);
  let failures = 3;
  const { ledger } = place;
  const flaky = {
    origin: ledger.origin,
    read: ledger.read,
    waitFor: ledger.waitFor,
    head: () => (failures-- > 0 ? Promise.reject(Object.assign(new Error("gone"), { code: "ECONNRESET" })) : ledger.head()),
  };
  const { follower, store, timers, observed } = followRecording({ directory: place.directory, ledger: flaky });
  timers.runFreely();
  await follower.waitFor(2, never());
  expect(store.calls).toEqual([[0, 1]]);
  expect(observed.failed).toEqual(["ECONNRESET", "ECONNRESET", "ECONNRESET"]);
  await follower.close();
});

test("FOLLOW-20: who waits is woken when everything below is applied or set aside, and gets the reason when giving up", async () => {
  const store = createRecordingStore();
  store.refuse((batch) => (batch.at(-1)?.index === 4 ? new EntryRejected(4) : undefined));
  const { follower, timers } = followRecording(place, { store });
  timers.runFreely();
  const woken: number[] = [];
  const waits = [5, 2, 0].map((next) => follower.waitFor(next, never()).then(() => woken.push(next)));
  const abort = new AbortController();
  const impatient = follower.waitFor(3, abort.signal).catch((error: unknown) => error);
  abort.abort(new Error("too late"));
  expect(await impatient).toMatchObject({ message: "too late" });
  await expect(follower.waitFor(0, AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
  await place.append(2);
  await waits[1];
  await place.append(3);
  await Promise.all(waits);
  expect(woken).toEqual([0, 2, 5]);
  for (const next of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await expect(follower.waitFor(next, never())).rejects.toMatchObject({ code: "RANGE_INVALID" });
  }
  await follower.close();
});

test("FOLLOW-20: lag grows while a batch hangs, and is the whole ledger before the follower knows where it stands", async () => {
  await place.append(4);
  const store = createRecordingStore();
  const held = store.holdNext();
  const { follower } = followRecording(place, { store });
  expect(follower.state()).toMatchObject({ state: "starting", next: 0 });
  await held.begun;
  expect(follower.state()).toMatchObject({ state: "following", lagEntries: 4 });
  await place.append(3);
  await settle();
  expect(follower.state()).toMatchObject({ state: "following", next: 0, treeSize: 7, lagEntries: 7 });
  held.succeed();
  await follower.waitFor(7, never());
  expect(follower.state().lagEntries).toBe(0);
  await follower.close();
});

test("FOLLOW-21: appends are acked while a batch hangs", async () => {
  const store = createRecordingStore();
  const held = store.holdNext();
  const { follower } = followRecording(place, { store });
  await place.append(1);
  await held.begun;
  for (let i = 0; i < 20; i++) await place.append(10);
  expect((await place.ledger.head()).treeSize).toBe(201);
  expect(store.calls).toEqual([[0]]);
  held.succeed();
  await follower.waitFor(201, never());
  await follower.close();
});

test("FOLLOW-21: between two batches the event loop has its turn, also when nothing else makes it", async () => {
  await place.append(60);
  const entries = await readEntries(place.ledger, 0, 60);
  const { ledger } = place;
  let turns = 0;
  let isCounting = true;
  const count = (): void => {
    turns += 1;
    if (isCounting) setImmediate(count);
  };
  const turnsAt: number[] = [];
  const store = createRecordingStore();
  const { follower } = followRecording(
    {
      directory: place.directory,
      ledger: {
        origin: ledger.origin,
        head: ledger.head,
        waitFor: ledger.waitFor,
        // Everything is in memory: not one step waits for the disk.
        async *read(from, to) {
          yield entries.slice(from, to);
        },
      },
    },
    {
      cursor: { load: async () => undefined },
      limits: { batchEntriesMax: 10 },
      store: {
        ...store,
        async apply() {
          turnsAt.push(turns);
        },
      },
    },
  );
  count();
  await follower.waitFor(60, never());
  isCounting = false;
  expect(turnsAt).toHaveLength(6);
  for (const [i, turn] of turnsAt.entries()) if (i > 0) expect(turn).toBeGreaterThan(turnsAt[i - 1]!);
  await follower.close();
});

test("FOLLOW-15: a cursor that is ahead of what was applied is believed when it belongs to the ledger", async () => {
  await place.append(9);
  const { follower, store } = followRecording(place);
  await follower.waitFor(9, never());
  const [entry] = await readEntries(place.ledger, 5, 6);
  await follower.rewind(() => createFileCursorStore(nodeFileSystem, cursorPath()).save(cursorBehind(place.ledger.origin, entry!)));
  await follower.waitFor(9, never());
  expect(store.calls).toEqual([numbersBelow(9), [6, 7, 8]]);
  await follower.close();
});
