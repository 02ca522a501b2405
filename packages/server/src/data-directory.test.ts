import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dataPaths, openDataDirectory, readDataDirectory } from "./data-directory.ts";
import { sealSystemEntry } from "./intake/seal.ts";
import { type FileSystem, nodeFileSystem } from "./ledger/file-system.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-data-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const AT = "2026-01-01T00:00:00.000Z";

async function makeData(name: string): Promise<string> {
  const directory = join(root, name);
  const { ledger, lock } = await openDataDirectory({ directory });
  await ledger.append([sealSystemEntry({ action: "ledger.created", ledger: "main", system: {} }, AT)]);
  await ledger.close();
  lock.release();
  return directory;
}

async function reopen(directory: string, fileSystem: FileSystem = nodeFileSystem): Promise<void> {
  const { ledger, lock } = await openDataDirectory({ directory, fileSystem });
  await ledger.close();
  lock.release();
}

test("DATA-1: secrets are made for their owner only, and the key is never part of the evidence", async () => {
  const directory = await makeData("a");
  const paths = dataPaths(directory);
  expect((await stat(paths.root)).mode & 0o077).toBe(0);
  expect((await stat(paths.secrets)).mode & 0o077).toBe(0);
  expect((await stat(paths.signingKey)).mode & 0o777).toBe(0o600);
  const key = await readFile(paths.signingKey, "utf8");
  expect(key).toMatch(/^PRIVATE\+KEY\+vouchtrail\.local\/[0-9a-f]{16}\/main\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}\n$/);
  for (const entry of await readdir(paths.ledger, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) expect((await readFile(join(entry.parentPath, entry.name))).includes(key.slice(-40, -2))).toBe(false);
  }
});

test("DATA-2: a folder of a newer version is refused, and the answer says to upgrade", async () => {
  const directory = await makeData("a");
  await writeFile(join(directory, "format"), "vouchtrail-data/2\n");
  await expect(reopen(directory)).rejects.toMatchObject({ code: "DATA_NEWER", message: expect.stringContaining("Upgrade") });
  await expect(readDataDirectory(directory)).rejects.toMatchObject({ code: "DATA_NEWER" });
  for (const text of ["", "vouchtrail-data/1", "vouchtrail-data/0\n", "vouchtrail-data/01\n", "something\n"]) {
    await writeFile(join(directory, "format"), text);
    await expect(reopen(directory), text).rejects.toMatchObject({ code: "DATA_UNREADABLE" });
  }
});

test("DATA-2: a folder that holds something else is refused and left as it is", async () => {
  const directory = join(root, "photos");
  await mkdir(directory);
  await writeFile(join(directory, "cat.jpg"), "meow");
  await expect(reopen(directory)).rejects.toMatchObject({ code: "DATA_UNREADABLE", message: expect.stringContaining("--data") });
  expect(await readdir(directory)).toEqual(["cat.jpg"]);
  await expect(readDataDirectory(join(root, "nothing"))).rejects.toMatchObject({ code: "DATA_UNREADABLE" });
});

test("DATA-3, LEDGER-9: a missing, foreign or broken signing key is refused, and the answer says what to do", async () => {
  const [ours, theirs] = [await makeData("ours"), await makeData("theirs")];
  const { signingKey } = dataPaths(ours);
  const key = await readFile(signingKey, "utf8");
  await rm(signingKey);
  await expect(reopen(ours)).rejects.toMatchObject({ code: "SIGNING_KEY_MISSING", message: expect.stringContaining("ledger fork") });
  await cp(dataPaths(theirs).signingKey, signingKey);
  await expect(reopen(ours)).rejects.toMatchObject({ code: "SIGNING_KEY_FOREIGN" });
  for (const broken of ["", key.slice(0, -3), key.replace("PRIVATE", "PUBLIC"), key.replace(/\+[0-9a-f]{8}\+/, "+00000000+"), "x"]) {
    await writeFile(signingKey, broken);
    await expect(reopen(ours)).rejects.toMatchObject({ code: "SIGNING_KEY_MISSING", message: expect.stringContaining("secrets/") });
  }
  // Reading never needs it.
  const ledger = await readDataDirectory(ours);
  expect((await ledger.head()).treeSize).toBe(1);
  await ledger.close();
  await writeFile(signingKey, key);
  await reopen(ours);
});

test("DATA-3: another origin than the stored one is refused", async () => {
  const directory = await makeData("a");
  await expect(openDataDirectory({ directory, origin: "example.org/other" })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    path: "origin",
  });
});

test("DATA-4: a folder that is open already is refused with the process that has it", async () => {
  const directory = await makeData("a");
  const script = `
    import { lockDataDirectory } from "@vouchtrail/server";
    globalThis.held = await lockDataDirectory(${JSON.stringify(directory)});
    process.send("held");
    process.on("message", () => {});`;
  // Beside this file, so that the package finds itself.
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await once(child, "message");
  await expect(reopen(directory)).rejects.toMatchObject({
    code: "LEDGER_LOCKED",
    message: expect.stringMatching(new RegExp(`Process ${child.pid} has .* open`)),
  });
  child.kill("SIGKILL");
  await once(child, "exit");
  // The lock died with the process.
  await reopen(directory);
});

const failing = (code: string, on: (path: string) => boolean): FileSystem => {
  const fail = (path: string): Promise<never> => Promise.reject(Object.assign(new Error(code), { code, path }));
  return {
    ...nodeFileSystem,
    readFile: (path) => (on(path) ? fail(path) : nodeFileSystem.readFile(path)),
    openFile: (path, how, mode) => (on(path) ? fail(path) : nodeFileSystem.openFile(path, how, mode)),
    makeDirectory: (path, mode) => (on(path) ? fail(path) : nodeFileSystem.makeDirectory(path, mode)),
  };
};

test("DATA-5: a full disk and missing permission are told with the file and what to do", async () => {
  const fresh = join(root, "fresh");
  await expect(
    reopen(
      fresh,
      failing("ENOSPC", (path) => path.includes("vkey")),
    ),
  ).rejects.toMatchObject({
    code: "DISK_FULL",
    message: expect.stringMatching(/vkey.*Free some/),
  });
  await expect(
    reopen(
      join(root, "other"),
      failing("EDQUOT", (path) => path.includes("secrets")),
    ),
  ).rejects.toMatchObject({ code: "DISK_FULL" });
  const directory = await makeData("a");
  await expect(
    reopen(
      directory,
      failing("EACCES", (path) => path.endsWith("main.key")),
    ),
  ).rejects.toMatchObject({
    code: "DATA_UNREADABLE",
    message: expect.stringMatching(/main\.key.*EACCES.*permissions/),
  });
  await expect(
    reopen(
      join(root, "b"),
      failing("EROFS", () => true),
    ),
  ).rejects.toMatchObject({ code: "DATA_UNREADABLE" });
  // A start that was refused can be repeated.
  await reopen(fresh);
  await reopen(directory);
});

test("DATA-6: reading writes nothing, also beside a server that runs", async () => {
  const directory = join(root, "a");
  const { ledger, lock } = await openDataDirectory({ directory });
  await ledger.append([sealSystemEntry({ action: "ledger.created", ledger: "main", system: {} }, AT)]);
  const list = async (): Promise<string[]> => {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith("checkpoint"));
    return Promise.all(files.map(async (entry) => `${entry.name} ${(await stat(join(entry.parentPath, entry.name))).mtimeMs}`));
  };
  const before = await list();
  const reading = await readDataDirectory(directory);
  expect((await reading.head()).treeSize).toBe(1);
  await reading.close();
  expect(await list()).toEqual(before);
  await ledger.close();
  lock.release();
});
