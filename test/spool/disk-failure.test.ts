import * as promises from "node:fs/promises";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import type { AuditError } from "@vouchtrail/events/errors";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SpoolFileSystem } from "../../packages/sdk/src/node/spool/spool-folder.ts";
import { ALL, codeOf, drain, event, fileSystemWriting, ids, openSpoolFolder, type SpoolFolder, watchedFileSystem } from "./spool-folder.ts";

let folder: SpoolFolder;

beforeEach(async () => {
  folder = await openSpoolFolder();
});
afterEach(() => folder.close());

test("SDK-16: after a failed sync nothing of that append is counted on, the file is given up, and the next append has a new one", async () => {
  let isFailing = false;
  const fileSystem = watchedFileSystem(async (call, path) => {
    if (isFailing && call === "sync" && path.endsWith(".open")) throw Object.assign(new Error("i/o error"), { code: "EIO" });
  });
  const spool = folder.open({}, { fileSystem });
  await spool.append([event(1)]);
  const [before] = await folder.names();
  isFailing = true;
  const error = await spool.append([event(2)]).catch((fault: AuditError) => fault);
  expect(error).toMatchObject({ code: "SPOOL_FAILED", detail: { code: "EIO" }, cause: { code: "EIO" } });
  expect(await codeOf(spool.append([event(3)]))).toBe("SPOOL_FAILED");
  isFailing = false;
  await spool.append([event(4)]);
  expect(await folder.names()).not.toContain(before);
  expect(await folder.names()).toHaveLength(2);
  // An event of which nothing is known may be there.
  expect(ids(await drain(spool)).filter((id) => id !== "id-2")).toEqual(["id-1", "id-4"]);
});

test("SDK-16: a write that stops midway makes nothing unreadable", async () => {
  let isFull = false;
  const fileSystem = fileSystemWriting(async (handle, bytes) => {
    if (!isFull) return await handle.write(bytes);
    if (bytes.length < 40) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
    return await handle.write(bytes.subarray(0, bytes.length >> 1));
  });
  const spool = folder.open({}, { fileSystem });
  await spool.append([event(1)]);
  for (let i = 2; i < 30; i += 1) {
    isFull = i % 2 === 0;
    expect(await codeOf(spool.append([event(i)]))).toBe(isFull ? "SPOOL_FAILED" : "no error");
  }
  const odd = Array.from({ length: 15 }, (_, i) => `id-${2 * i + 1}`);
  expect(ids(await drain(spool))).toEqual(odd);
  expect(await folder.names()).toEqual([]);
});

test("SDK-16: a folder that is removed or renamed while it is in use is made again", async () => {
  const spool = folder.open();
  await spool.append([event(1)]);
  await rm(folder.path(), { recursive: true });
  const removed = await codeOf(spool.append([event(2)]));
  expect(removed).toBe("no error");
  await rename(folder.path(), `${folder.path()}-moved`);
  await spool.append([event(3)]);
  expect(ids(await drain(spool))).toEqual(["id-3"]);
  // The third one is there too: it was written before its file was seen to have gone.
  const moved = folder.open({ directory: `${folder.path()}-moved` }, { hostName: "b", clock: folder.clock(660_000) });
  expect(ids(await drain(moved))).toEqual(["id-2", "id-3"]);
});

test("SDK-16: a folder that cannot be made, because a file stands there, fails with the cause and works once it can", async () => {
  await mkdir(folder.path(".."), { recursive: true });
  await writeFile(folder.path(), "in the way");
  const spool = folder.open();
  expect(await spool.append([event(1)]).catch((fault: AuditError) => fault)).toMatchObject({ code: "SPOOL_FAILED" });
  expect(await codeOf(spool.take(ALL))).toBe("SPOOL_FAILED");
  await rm(folder.path());
  await spool.append([event(2)]);
  expect(await drain(spool)).toEqual([event(2)]);
});

test("SDK-16: a file that cannot be removed is not sent again by the same process, and is removed later", async () => {
  let isStuck = true;
  const fileSystem: SpoolFileSystem = {
    ...promises,
    unlink: async (path) => {
      if (isStuck) throw Object.assign(new Error("read-only"), { code: "EROFS" });
      await promises.unlink(path);
    },
  };
  const clock = folder.clock();
  const problems: AuditError[] = [];
  const spool = folder.open({ onProblem: (error) => problems.push(error) }, { fileSystem, clock });
  await spool.append([event(1)]);
  expect(ids(await drain(spool))).toEqual(["id-1"]);
  clock.advance(61_000);
  expect(await drain(spool)).toEqual([]);
  expect(problems.map(({ code }) => code)).toEqual(["SPOOL_FAILED", "SPOOL_FAILED"]);
  isStuck = false;
  clock.advance(61_000);
  expect(await drain(spool)).toEqual([]);
  expect(await folder.names()).toEqual([]);
});
