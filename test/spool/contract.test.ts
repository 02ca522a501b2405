import * as promises from "node:fs/promises";
import { link, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OutgoingEvent } from "../../packages/sdk/src/node/spool/../../transport.ts";
import type { SpoolFileSystem } from "../../packages/sdk/src/node/spool/spool-folder.ts";
import { ALL, codeOf, drain, event, events, ids, openSpoolFolder, type SpoolFolder, watchedFileSystem } from "./spool-folder.ts";

let folder: SpoolFolder;

beforeEach(async () => {
  folder = await openSpoolFolder();
});
afterEach(() => folder.close());

test("SDK-11: nothing is touched before the first append or take", async () => {
  const spool = folder.open();
  expect(spool.mayHoldEvents()).toBe(true);
  await spool.close();
  expect(await readdir(folder.path(".."))).toEqual([]);
});

test("SDK-11: events come back as they were, in their order, and their file goes when they are done", async () => {
  const spool = folder.open();
  await spool.append([event(1), event("ü", 'ß\u2028"\\\n')]);
  await spool.append([event(2)]);
  const batch = await spool.take(ALL);
  expect(batch?.events).toEqual([event(1), event("ü", 'ß\u2028"\\\n'), event(2)]);
  expect(await folder.names()).toHaveLength(1);
  await batch?.done();
  expect(await folder.names()).toEqual([]);
  expect(await spool.take(ALL)).toBeUndefined();
  expect(spool.mayHoldEvents()).toBe(false);
  await spool.append([event(3)]);
  expect(spool.mayHoldEvents()).toBe(true);
  expect(await drain(spool)).toEqual([event(3)]);
});

test("SDK-11: a batch is given again until it is done, and keeps to the limits", async () => {
  const spool = folder.open();
  await spool.append(events(0, 10));
  const first = await spool.take({ eventsMax: 4, bytesMax: 1_000_000 });
  expect(ids(first?.events ?? [])).toEqual(["id-0", "id-1", "id-2", "id-3"]);
  expect(await spool.take(ALL)).toBe(first);
  await first?.done();
  const one = await spool.take({ eventsMax: 4, bytesMax: 1 });
  expect(ids(one?.events ?? [])).toEqual(["id-4"]);
  await one?.done();
  await one?.done();
  expect(ids(await drain(spool))).toEqual(ids(events(5, 10)));
});

test("SDK-12: the folder is open to its owner only, and so are its files", async () => {
  const spool = folder.open();
  await spool.append([event(1)]);
  const [name = ""] = await folder.names();
  expect((await stat(folder.path())).mode & 0o777).toBe(0o700);
  expect((await stat(folder.path(name))).mode & 0o777).toBe(0o600);
});

test("SDK-11: an append resolves after the sync of the file and, the first time, of the folder; appends that come meanwhile share the next", async () => {
  const log: string[] = [];
  let appendMore: (() => void) | undefined;
  const fileSystem = watchedFileSystem(async (call, path) => {
    if (call !== "sync") return;
    log.push(path === folder.path() ? "folder" : path.endsWith(".open") ? "file" : "above");
    appendMore?.();
  });
  const spool = folder.open({}, { fileSystem });
  const later: Promise<void>[] = [];
  appendMore = () => {
    appendMore = undefined;
    for (let i = 2; i < 50; i += 1) later.push(spool.append([event(i)]));
  };
  await spool.append([event(1)]).then(() => log.push("resolved"));
  await Promise.all(later);
  log.push("all resolved");
  expect(log.filter((one) => one !== "above")).toEqual(["file", "folder", "resolved", "file", "all resolved"]);
  expect(ids(await drain(spool))).toEqual(ids(events(1, 50)));
});

test("SDK-11: 10,000 events of several files are drained in their order while others are appended", async () => {
  const spool = folder.open();
  const long = "y".repeat(900);
  const all = Array.from({ length: 10_000 }, (_, i) => event(i, long));
  for (let from = 0; from < 8_000; from += 2_000) await spool.append(all.slice(from, from + 2_000));
  expect((await folder.names()).length).toBeGreaterThan(1);
  const first = await spool.take(ALL);
  const rest = spool.append(all.slice(8_000));
  await first?.done();
  const drained = [...(first?.events ?? []), ...(await drain(spool))];
  await rest;
  drained.push(...(await drain(spool)));
  expect(drained).toEqual(all);
  expect(await folder.names()).toEqual([]);
});

test.each([
  ["a file", link],
  ["a link to a file", symlink],
])("SDK-12: %s that stands where a new one would be made is never written to", async (_, plant) => {
  const victim = folder.path("../victim");
  await writeFile(victim, "mine");
  const fileSystem: SpoolFileSystem = {
    ...promises,
    open: (async (path: string, flags: number, mode: number) => {
      if (String(path).endsWith(".open")) await plant(victim, path);
      return promises.open(path, flags, mode);
    }) as typeof promises.open,
  };
  await mkdir(folder.path());
  const spool = folder.open({}, { fileSystem });
  expect(await codeOf(spool.append([event(1)]))).toBe("SPOOL_FAILED");
  expect(await readFile(victim, "utf8")).toBe("mine");
});

test("SDK-17: more than fits is refused as a whole and leaves nothing; room comes back with what is done", async () => {
  const spool = folder.open({ bytesMax: 10_000 });
  const big = (i: number): OutgoingEvent => event(i, "z".repeat(4_000));
  await spool.append([big(1)]);
  expect(await codeOf(spool.append([big(2), big(3)]))).toBe("SPOOL_FULL");
  await spool.append([big(4)]);
  const fits = spool.append([event(5)]);
  const tooMuch = codeOf(spool.append([big(6)]));
  const after = codeOf(spool.append([event(7)]));
  await fits;
  // What comes after one that is refused is refused with it: on the disk there is no hole.
  expect([await tooMuch, await after]).toEqual(["SPOOL_FULL", "SPOOL_FULL"]);
  expect(ids(await drain(spool))).toEqual(["id-1", "id-4", "id-5"]);
  await spool.append([big(8)]);
  expect(ids(await drain(spool))).toEqual(["id-8"]);
});

test("SDK-17: the bytes of other processes count, from the start and later", async () => {
  const clock = folder.clock();
  const mine = folder.open({ bytesMax: 10_000 }, { clock });
  const other = folder.open();
  await other.append([event(1, "z".repeat(6_000))]);
  await mine.append([event(2)]);
  expect(await codeOf(mine.append([event(3, "z".repeat(6_000))]))).toBe("SPOOL_FULL");
  await other.append([event(4, "z".repeat(6_000))]);
  clock.advance(6_000);
  expect(await codeOf(mine.append([event(5)]))).toBe("SPOOL_FULL");
  await drain(other);
  clock.advance(200);
  await mine.append([event(6)]);
  expect(ids(await drain(mine))).toEqual(["id-2", "id-6"]);
});

test("SDK-18: secrets do not reach the disk", async () => {
  const spool = folder.open({ redaction: async () => (json) => json.replaceAll("hunter2", "[redacted]") });
  await spool.append([event(1, "hunter2")]);
  const [name = ""] = await folder.names();
  const content = await readFile(folder.path(name), "utf8");
  expect(content).toContain("[redacted]");
  expect(content).not.toContain("hunter2");
});

test("SDK-18: an append whose redaction fails writes nothing, and alone", async () => {
  const spool = folder.open({
    redaction: async () => (json) => {
      if (json.includes("poison")) throw new Error("broken");
      return json;
    },
  });
  const codes = [[event(1)], [event(2), event(3, "poison")], [event(4)]].map((some) => codeOf(spool.append(some)));
  expect(await Promise.all(codes)).toEqual(["no error", "SPOOL_FAILED", "no error"]);
  expect(ids(await drain(spool))).toEqual(["id-1", "id-4"]);
});
