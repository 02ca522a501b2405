import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type FollowerPlace, makeFollowerPlace, never, numbersBelow, readEntries } from "../../../../test/conformance/follower.ts";
import { createRecordingStore, followRecording } from "../../../../test/conformance/recording-store.ts";
import { sealSystemEntry } from "../intake/seal.ts";
import { nodeFileSystem } from "../ledger/file-system.ts";
import type { StoredEntry } from "../ledger/ledger.ts";
import { type Cursor, cursorBehind } from "./cursor.ts";
import { createFileCursorStore } from "./cursor-file.ts";
import { follow } from "./follower.ts";

let place: FollowerPlace;
beforeEach(async () => {
  place = await makeFollowerPlace();
});
afterEach(() => place.close());

const cursorFile = (): ReturnType<typeof createFileCursorStore> =>
  createFileCursorStore(nodeFileSystem, join(place.directory, "recording.json"));

test("FOLLOW-1: batches come one at a time, in order, of durable entries only, while the ledger grows", async () => {
  const store = createRecordingStore();
  let running = 0;
  const faults: string[] = [];
  const apply: typeof store.apply = async (batch, cursor, signal) => {
    running += 1;
    if (running > 1) faults.push(`batch at ${batch[0]?.index} came while another one ran`);
    if (cursor.next > (await place.ledger.head()).treeSize) faults.push(`entry ${cursor.next - 1} was not durable`);
    await store.apply(batch, cursor, signal);
    running -= 1;
  };
  const { follower } = followRecording(place, { store: { ...store, apply }, limits: { batchEntriesMax: 7 } });
  await Promise.all(Array.from({ length: 40 }, () => place.append(5)));
  await follower.waitFor(200, never());
  expect(faults).toEqual([]);
  expect(store.entries.map(({ index }) => index)).toEqual(numbersBelow(200));
  expect(store.calls.flat()).toEqual(numbersBelow(200));
  expect(store.calls.every((call) => call.length <= 7)).toBe(true);
  await follower.close();
});

test("FOLLOW-1: the entries that the server writes itself come like all others", async () => {
  const { follower, store } = followRecording(place);
  await place.append(2);
  await place.ledger.append([
    sealSystemEntry({ action: "server.started", ledger: "main", system: { version: "1" } }, "2026-02-01T00:00:00.000Z"),
  ]);
  await follower.waitFor(3, never());
  expect(store.entries[2]?.leaf).toContain('"system":{"version":"1"}');
  await follower.close();
});

test("FOLLOW-2: a follower goes on where the one before it stopped", async () => {
  await place.append(30);
  const first = followRecording(place);
  await first.follower.waitFor(30, never());
  await first.follower.close();
  await place.append(5);
  const second = followRecording(place);
  await second.follower.waitFor(35, never());
  expect(second.store.calls.flat()).toEqual(numbersBelow(35, 30));
  await second.follower.close();
});

test("FOLLOW-2: the cursor that a batch brings is the one that is saved behind it", async () => {
  const brought: Cursor[] = [];
  const follower = follow("own", place.ledger, async (_batch, cursor) => void brought.push(cursor), {
    directory: place.directory,
    now: () => "",
  });
  await place.append(3);
  await follower.waitFor(3, never());
  await follower.close();
  const entries = await readEntries(place.ledger, 0, 3);
  expect(brought.at(-1)).toEqual(cursorBehind(place.ledger.origin, entries[2]!));
  expect(await createFileCursorStore(nodeFileSystem, join(place.directory, "own.json")).load()).toEqual(brought.at(-1));
});

const FOREIGN: readonly [string, (entries: readonly StoredEntry[], origin: string) => Cursor][] = [
  ["of another origin", (entries) => cursorBehind("example.org/other", entries[4]!)],
  ["behind the end of the ledger", (entries, origin) => ({ ...cursorBehind(origin, entries[9]!), next: 11 })],
  ["behind an entry that is another one here", (entries, origin) => ({ ...cursorBehind(origin, entries[4]!), next: 6 })],
  ["without the hash of the entry before it", (_entries, origin) => ({ origin, next: 5 })],
  ["with an index that is none", (entries, origin) => ({ ...cursorBehind(origin, entries[4]!), next: 4.5 })],
  ["with a negative index", (_entries, origin) => ({ origin, next: -1 })],
  ["with no number at all", (_entries, origin) => ({ origin, next: Number.NaN })],
];

test.each(FOREIGN)("FOLLOW-3: a cursor %s is an alarm, and nothing is applied", async (_what, make) => {
  await place.append(10);
  const cursor = make(await readEntries(place.ledger, 0, 10), place.ledger.origin);
  const { follower, store, notices, observed } = followRecording(place, { cursor: { load: async () => cursor, save: async () => {} } });
  await expect(follower.waitFor(1, never())).rejects.toMatchObject({ code: "FOLLOWER_DIVERGED" });
  await expect(follower.waitFor(0, never())).rejects.toMatchObject({ code: "FOLLOWER_DIVERGED" });
  expect(follower.state()).toMatchObject({ state: "diverged", lastError: { code: "FOLLOWER_DIVERGED" } });
  expect(notices).toMatchObject([{ kind: "diverged", follower: "recording", error: { code: "FOLLOWER_DIVERGED" } }]);
  expect(observed.failed).toEqual(["FOLLOWER_DIVERGED"]);
  follower.resume();
  await place.append(1);
  await follower.close();
  expect(store.calls).toEqual([]);
});

test("FOLLOW-3: a follower that has diverged goes on when it is rewound to a cursor that belongs to the ledger", async () => {
  await place.append(10);
  const [entry] = await readEntries(place.ledger, 3, 4);
  await cursorFile().save(cursorBehind("example.org/other", entry!));
  const { follower, store } = followRecording(place);
  await expect(follower.waitFor(1, never())).rejects.toMatchObject({ code: "FOLLOWER_DIVERGED" });
  await expect(follower.rewind()).rejects.toMatchObject({ code: "FOLLOWER_DIVERGED" });
  await follower.rewind(() => cursorFile().save(cursorBehind(place.ledger.origin, entry!)));
  await follower.waitFor(10, never());
  expect(store.calls.flat()).toEqual(numbersBelow(10, 4));
  expect(follower.state()).toMatchObject({ state: "waiting", next: 10, lagEntries: 0 });
  await follower.close();
});

test("FOLLOW-5: no batch has more entries or characters than it may, and a larger entry goes alone", async () => {
  await place.append(50);
  const entries = await readEntries(place.ledger, 0, 50);
  const charsOf = ({ leaf, disclosures }: StoredEntry): number => leaf.length + disclosures.personal!.length + disclosures.content!.length;
  const charsMax = charsOf(entries[0]!) * 3;
  const wide = followRecording(place, { limits: { batchCharsMax: charsMax } });
  await wide.follower.waitFor(50, never());
  await wide.follower.close();
  expect(wide.store.calls.flat()).toEqual(numbersBelow(50));
  const lengths = wide.store.calls.map((call) => call.reduce((sum, index) => sum + charsOf(entries[index]!), 0));
  expect(Math.max(...lengths)).toBeLessThanOrEqual(charsMax);
  expect(wide.store.calls.every((call) => call.length <= 3)).toBe(true);

  await cursorFile().save({ origin: place.ledger.origin, next: 0 });
  const narrow = followRecording(place, { limits: { batchCharsMax: 1 } });
  await narrow.follower.waitFor(50, never());
  await narrow.follower.close();
  expect(narrow.store.calls).toEqual(numbersBelow(50).map((index) => [index]));
});

test("FOLLOW-5: a limit below one entry counts as one", async () => {
  await place.append(3);
  const { follower, store } = followRecording(place, { limits: { batchEntriesMax: 0 } });
  await follower.waitFor(3, never());
  expect(store.calls).toEqual([[0], [1], [2]]);
  await follower.close();
});

test("FOLLOW-6: a follower that has caught up applies what comes at once, without a timer", async () => {
  const { follower, store, timers } = followRecording(place);
  for (const count of [1, 1, 2]) {
    await place.append(count);
    await follower.waitFor((await place.ledger.head()).treeSize, never());
  }
  expect(store.calls).toEqual([[0], [1], [2, 3]]);
  expect(timers.pendingCount()).toBe(0);
  await follower.close();
});

test("FOLLOW-6: what comes while a batch is applied goes out together", async () => {
  const { follower, store } = followRecording(place);
  const held = store.holdNext();
  await place.append(1);
  await held.begun;
  for (let i = 0; i < 5; i++) await place.append(2);
  held.succeed();
  await follower.waitFor(11, never());
  expect(store.calls).toEqual([[0], numbersBelow(11, 1)]);
  await follower.close();
});

test("FOLLOW-6: a first entry waits for more no longer than it is told to, and at most 50 ms", async () => {
  const { follower, store, timers } = followRecording(place, { gatherMs: 5_000 });
  await follower.waitFor(0, never());
  await place.append(1);
  const timer = await timers.next();
  expect(timer.delayMs).toBe(50);
  await place.append(3);
  expect(store.calls).toEqual([]);
  timer.fire();
  await follower.waitFor(4, never());
  expect(store.calls).toEqual([[0, 1, 2, 3]]);
  await follower.close();
});

test("FOLLOW-6: while a whole batch is applied, the next whole one is read, and no further", async () => {
  await place.append(30);
  const reads: number[] = [];
  const { ledger } = place;
  const watched = {
    origin: ledger.origin,
    head: () => ledger.head(),
    waitFor: (treeSize: number, signal: AbortSignal) => ledger.waitFor(treeSize, signal),
    read(from: number, to: number, signal?: AbortSignal) {
      reads.push(from);
      return ledger.read(from, to, signal);
    },
  };
  const store = createRecordingStore();
  const held = store.holdNext();
  const { follower } = followRecording({ directory: place.directory, ledger: watched }, { store, limits: { batchEntriesMax: 10 } });
  await held.begun;
  await readEntries(place.ledger, 0, 30);
  expect(reads).toEqual([0, 10]);
  held.succeed();
  await follower.waitFor(30, never());
  expect(reads).toEqual([0, 10, 20]);
  expect(store.calls).toEqual([numbersBelow(10), numbersBelow(20, 10), numbersBelow(30, 20)]);
  await follower.close();
});

test("FOLLOW-16: a follower whose cursor file is damaged says so and waits; it does not begin anew", async () => {
  await place.append(5);
  const path = join(place.directory, "recording.json");
  await writeFile(path, "{}");
  const { follower, store, timers } = followRecording(place);
  await timers.next();
  expect(follower.state()).toMatchObject({ state: "retrying", attempts: 1, lagEntries: 5, lastError: { code: "DATA_UNREADABLE" } });
  expect(follower.state().lastError?.message).toContain(path);
  expect(store.calls).toEqual([]);
  const [entry] = await readEntries(place.ledger, 1, 2);
  await cursorFile().save(cursorBehind(place.ledger.origin, entry!));
  follower.resume();
  await follower.waitFor(5, never());
  expect(store.calls.flat()).toEqual([2, 3, 4]);
  await follower.close();
});

test("FOLLOW-1: a name that is no file name is refused", () => {
  for (const name of ["", "../x", "a/b", "A", "1a", "a b", "a.json", "ä", "a".repeat(64)]) {
    expect(() => followRecordingNamed(name), name).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  }
});

function followRecordingNamed(name: string): void {
  follow(name, place.ledger, createRecordingStore().apply, { directory: place.directory, now: () => "" });
}
