import * as promises from "node:fs/promises";
import { appendFile, link, mkdir, readFile, stat, symlink, truncate, writeFile } from "node:fs/promises";
import type { AuditError } from "@vouchtrail/events/errors";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SpoolFileSystem } from "../../packages/sdk/src/node/spool/spool-folder.ts";
import { drain, event, events, ids, openSpoolFolder, type SpoolFolder } from "./spool-folder.ts";

let folder: SpoolFolder;

beforeEach(async () => {
  folder = await openSpoolFolder();
});
afterEach(() => folder.close());

test("SDK-15: a last line that was cut off is passed over, wherever the cut is", async () => {
  const spool = folder.open();
  await spool.append([event(1)]);
  await spool.append([event(2)]);
  const [name = ""] = await folder.names();
  const content = await readFile(folder.path(name));
  await drain(spool);
  const second = content.indexOf("\n") + 1;
  const problems: AuditError[] = [];
  for (let end = second; end < content.length; end += 1) {
    await writeFile(folder.path(name.replace(".open", ".free")), content.subarray(0, end));
    expect(ids(await drain(folder.open({ onProblem: (error) => problems.push(error) })))).toEqual(["id-1"]);
    expect(await folder.names()).toEqual([]);
  }
  expect(problems).toEqual([]);
});

test("SDK-15: what follows a damaged line is read; the line is kept and told of", async () => {
  const spool = folder.open();
  await spool.append(events(0, 9));
  const [name = ""] = await folder.names();
  const path = folder.path(name);
  const content = await readFile(path);
  const lines = content.toString().split("\n");
  content[content.indexOf("id-4") + 3]! ^= 0x40;
  content[content.indexOf("id-5") + 9]! ^= 0x80;
  content[content.indexOf("id-8")]! ^= 1;
  await writeFile(path, content);
  await spool.close();
  const problems: AuditError[] = [];
  const next = folder.open({ onProblem: (error) => problems.push(error) });
  expect(ids(await drain(next))).toEqual([0, 1, 2, 3, 6, 7].map((i) => `id-${i}`));
  const [kept = "", ...others] = await folder.names();
  expect(others).toEqual([]);
  expect(kept).toMatch(/\.damaged$/);
  expect((await readFile(folder.path(kept))).length).toBe([4, 5, 8].reduce((sum, i) => sum + lines[i]!.length + 1, 0));
  expect((await stat(folder.path(kept))).mode & 0o777).toBe(0o600);
  expect(problems.map(({ code, detail }) => [code, detail])).toEqual([["SPOOL_FAILED", { places: 2 }]]);
});

test("SDK-15: of damaged lines no more is kept than a part of the folder may hold", async () => {
  const spool = folder.open();
  await spool.append([event(1)]);
  const [name = ""] = await folder.names();
  await spool.close();
  await drain(folder.open());
  await writeFile(folder.path(name.replace(".open", ".free")), "garbage\n".repeat(10_000));
  const next = folder.open({ bytesMax: 100_000 });
  expect(await drain(next)).toEqual([]);
  const [kept = ""] = await folder.names();
  expect((await stat(folder.path(kept))).size).toBeLessThanOrEqual(100_000 / 16);
  await next.append([event(2)]);
  expect(await drain(next)).toEqual([event(2)]);
});

test("SDK-15: garbage, links and folders among the files are neither read nor followed nor removed", async () => {
  const spool = folder.open();
  await spool.append([event(1)]);
  const [name = ""] = await folder.names();
  const secret = folder.path("../secret");
  const content = await readFile(folder.path(name));
  await writeFile(secret, content);
  const free = (number: string): string => name.replace(/-\d{8}\.open$/, `-${number}.free`);
  await symlink(secret, folder.path(free("00000090")));
  await symlink(secret, folder.path(name.replace(/-\d{8}\.open$/, "-00000091.ready")));
  await mkdir(folder.path(free("00000092")));
  await writeFile(folder.path("README"), "not ours");
  await writeFile(folder.path(`v2${name.slice(2)}`), content);
  await link(secret, folder.path("v1-x.free"));
  const before = (await folder.names()).filter((one) => one !== name);
  const problems: AuditError[] = [];
  const next = folder.open({ onProblem: (error) => problems.push(error) });
  await spool.close();
  expect(await drain(next)).toEqual([event(1)]);
  expect((await folder.names()).map((one) => one.replace("00000091.ready", "00000091.free")).toSorted()).toEqual(
    before.map((one) => one.replace("00000091.ready", "00000091.free")).toSorted(),
  );
  expect(await readFile(secret)).toEqual(content);
  await next.append([event(2)]);
  expect(await drain(next)).toEqual([event(2)]);
});

test("SDK-15: a file that cannot be read does not hold up the others", async () => {
  const first = folder.open();
  await first.append([event(1)]);
  await first.close();
  const [unreadable = ""] = await folder.names();
  const second = folder.open();
  await second.append([event(2)]);
  await second.close();
  let isUnreadable = true;
  const fileSystem: SpoolFileSystem = {
    ...promises,
    open: (async (path: string, flags: number, mode: number) => {
      if (isUnreadable && String(path).includes(unreadable.replace(".free", "")))
        throw Object.assign(new Error("i/o error"), { code: "EIO" });
      return promises.open(path, flags, mode);
    }) as typeof promises.open,
  };
  const clock = folder.clock();
  const spool = folder.open({}, { fileSystem, clock });
  expect(ids(await drain(spool))).toEqual(["id-2"]);
  isUnreadable = false;
  expect(await drain(spool)).toEqual([]);
  clock.advance(61_000);
  expect(ids(await drain(spool))).toEqual(["id-1"]);
});

test("SDK-15: a file that is shortened while it is read gives what is left of it", async () => {
  const spool = folder.open();
  await spool.append(events(0, 10));
  const first = await spool.take({ eventsMax: 1, bytesMax: 1 });
  const [name = ""] = await folder.names();
  await truncate(folder.path(name), 0);
  await first?.done();
  expect((await drain(spool)).every(({ id }) => ids(events(1, 10)).includes(id))).toBe(true);
  expect(await folder.names()).toEqual([]);
});

test("SDK-12: a link in the place of a file of this process is not followed", async () => {
  const problems: AuditError[] = [];
  const spool = folder.open({ onProblem: (error) => problems.push(error) });
  await spool.append([event(1)]);
  const [name = ""] = await folder.names();
  const elsewhere = folder.path("../elsewhere");
  await writeFile(elsewhere, (await readFile(folder.path(name), "utf8")).replaceAll("id-1", "id-2"));
  await symlink(elsewhere, folder.path(name.replace(/-\d{8}\.open$/, "-00000000.ready")));
  expect(await drain(spool)).toEqual([event(1)]);
  expect(problems.map(({ detail }) => detail)).toEqual([{ code: "ELOOP" }]);
});

test("SDK-15: a line longer than any event is damaged, and what follows it is read", async () => {
  const spool = folder.open();
  await spool.append([event(1)]);
  const [name = ""] = await folder.names();
  const content = await readFile(folder.path(name));
  await spool.close();
  // Zeros that take no room on the disk.
  const free = folder.path(name.replace(".open", ".free"));
  await truncate(free, 65 * 1_048_576);
  await appendFile(free, Buffer.concat([Buffer.from("\n"), Buffer.from(content)]));
  const problems: AuditError[] = [];
  const next = folder.open({ onProblem: (error) => problems.push(error) });
  expect(await drain(next)).toEqual([event(1), event(1)]);
  expect(problems.map(({ detail }) => detail)).toEqual([{ places: 1 }]);
});
