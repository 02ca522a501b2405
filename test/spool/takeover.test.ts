import { readFile, rename, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OutgoingEvent } from "../../packages/sdk/src/node/spool/../../transport.ts";
import { ALL, codeOf, drain, event, events, ids, openSpoolFolder, type SpoolFolder, watchedFileSystem } from "./spool-folder.ts";

let folder: SpoolFolder;

beforeEach(async () => {
  folder = await openSpoolFolder();
});
afterEach(() => folder.close());

test("SDK-14: a spool that was closed leaves its events to anybody, at once", async () => {
  const first = folder.open();
  await first.append(events(0, 5));
  const batch = await first.take({ eventsMax: 2, bytesMax: 1_000 });
  await first.append(events(5, 7));
  await first.close();
  await batch?.done();
  expect(await codeOf(first.append([event(9)]))).toBe("EMITTER_CLOSED");
  expect(await first.take(ALL)).toBeUndefined();
  expect(ids(await drain(folder.open()))).toEqual(ids(events(0, 7)));
});

test("SDK-14: files of a living process are left alone", async () => {
  await folder.open().append([event(1)]);
  const other = folder.open();
  expect(await other.take(ALL)).toBeUndefined();
  expect(other.mayHoldEvents()).toBe(false);
});

test("SDK-14: files of another host are taken over once they did not change for ten minutes", async () => {
  await folder.open({}, { hostName: "a" }).append([event(1)]);
  const clock = folder.clock();
  const other = folder.open({}, { hostName: "b", clock });
  clock.advance(590_000);
  expect(await other.take(ALL)).toBeUndefined();
  clock.advance(20_000);
  expect(await drain(other)).toEqual([event(1)]);
  expect(await folder.names()).toEqual([]);
});

test("SDK-14: files of a process that has ended, or whose id now is another process's, are taken over at once", async () => {
  const spool = folder.open();
  await spool.append([event(1)]);
  const [name = ""] = await folder.names();
  const own = name.split("-");
  const content = await readFile(folder.path(name));
  await spool.close();
  await drain(folder.open());
  // No process has so high an id; and this process did not start with the host.
  const dead = own.with(3, "9999999").join("-");
  const reused = own.with(4, "1").join("-");
  await writeFile(folder.path(dead), content);
  await writeFile(folder.path(reused), content);
  const isLinux = process.platform === "linux";
  expect(await drain(folder.open())).toHaveLength(isLinux ? 2 : 1);
});

test("SDK-13: a file that is taken over while its process writes loses nothing", async () => {
  const clock = folder.clock(660_000);
  const adopter = folder.open({}, { hostName: "adopter", clock });
  const delivered: OutgoingEvent[] = [];
  let isStealing = false;
  const fileSystem = watchedFileSystem(async (call, path) => {
    // Between the write and the sync, or between the sync and the look at the name.
    if (!isStealing || !path.endsWith(".open") || (call !== "sync" && call !== "lstat")) return;
    isStealing = false;
    delivered.push(...(await drain(adopter)));
  });
  const owner = folder.open({}, { hostName: "owner", fileSystem });
  for (let i = 0; i < 20; i += 1) {
    isStealing = i % 3 !== 0;
    await owner.append([event(i)]);
    if (i % 7 === 0) delivered.push(...(await drain(owner)));
  }
  delivered.push(...(await drain(owner)), ...(await drain(adopter)));
  expect(new Set(ids(delivered))).toEqual(new Set(ids(events(0, 20))));
  expect(await folder.names()).toEqual([]);
});

test("SDK-13: a paused process that writes into a file that was read meanwhile writes again into a new one", async () => {
  const owner = folder.open({}, { hostName: "owner" });
  await owner.append([event(1)]);
  const clock = folder.clock(660_000);
  const adopter = folder.open({}, { hostName: "adopter", clock });
  const batch = await adopter.take(ALL);
  expect(ids(batch?.events ?? [])).toEqual(["id-1"]);
  await owner.append([event(2)]);
  await batch?.done();
  expect(ids(await drain(owner))).toEqual(["id-2"]);
  expect(await folder.names()).toEqual([]);
});

test("SDK-14: of several that take over, each file goes to one, and one that stops leaves it to the others", async () => {
  const spool = folder.open();
  await spool.append(events(0, 3));
  const [name = ""] = await folder.names();
  // No process has so high an id.
  const dead = name.split("-").with(3, "9999999").join("-");
  await rename(folder.path(name), folder.path(dead));
  const takers = [folder.open(), folder.open(), folder.open()];
  const batches = await Promise.all(takers.map((taker) => taker.take(ALL)));
  expect(batches.filter((batch) => batch !== undefined)).toHaveLength(1);
  const clock = folder.clock(660_000);
  const next = folder.open({}, { clock });
  expect(ids(await drain(next))).toEqual(ids(events(0, 3)));
  for (const batch of batches) await batch?.done();
  for (const taker of takers) expect(await drain(taker)).toEqual([]);
});

test("SDK-13: a file in whose place another stands is not taken for its own", async () => {
  const spool = folder.open();
  await spool.append([event(1)]);
  const [name = ""] = await folder.names();
  await rename(folder.path(name), folder.path("moved"));
  await writeFile(folder.path(name), "");
  await spool.append([event(2)]);
  expect(ids(await drain(spool))).toEqual(["id-2"]);
});

test("SDK-13: nothing is lost even when every process takes all others for ended, all the time", async () => {
  const acked: string[] = [];
  const given = new Set<string>();
  // Each takes every file of the others, however new, for one that nobody touched for ten minutes.
  const spools = ["a", "b", "c", "d"].map((hostName) => folder.open({}, { hostName, clock: folder.clock(660_000) }));
  let writing = spools.length;
  const writers = spools.map(async (spool, which) => {
    for (let i = 0; i < 60; i += 1) {
      const id = `${which}-${i}`;
      const code = await codeOf(spool.append([event(id)]));
      if (code === "no error") acked.push(`id-${id}`);
    }
    writing -= 1;
  });
  const drainers = spools.map(async (spool) => {
    while (writing > 0) for (const id of ids(await drain(spool))) given.add(id);
  });
  await Promise.all([...writers, ...drainers]);
  for (const spool of spools) for (const id of ids(await drain(spool))) given.add(id);
  expect(acked.length).toBeGreaterThan(100);
  expect(acked.filter((id) => !given.has(id))).toEqual([]);
  expect(await folder.names()).toEqual([]);
});
