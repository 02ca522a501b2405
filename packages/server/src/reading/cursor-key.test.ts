import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeFileSystem } from "../ledger/file-system.ts";
import { CURSOR_KEY_FILE, loadCursorKey } from "./cursor-key.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-cursor-key-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("READING-6: the key is made once, for its owner only, and is the same after a restart", async () => {
  const secrets = join(root, "secrets");
  const key = await loadCursorKey(secrets);
  expect(key).toHaveLength(32);
  expect((await stat(join(secrets, CURSOR_KEY_FILE))).mode & 0o777).toBe(0o600);
  expect(Buffer.from(await loadCursorKey(secrets))).toEqual(Buffer.from(key));
  expect(await readdir(secrets)).toEqual([CURSOR_KEY_FILE]);
});

test.each(["", "short\n", "A".repeat(44), "\u0000".repeat(43), "x".repeat(1_000_000)])(
  "READING-6: a broken key file is replaced (%#)",
  async (text) => {
    await writeFile(join(root, CURSOR_KEY_FILE), text);
    const key = await loadCursorKey(root);
    expect(key).toHaveLength(32);
    expect((await readFile(join(root, CURSOR_KEY_FILE), "latin1")).trim()).toBe(Buffer.from(key).toString("base64url"));
  },
);

test("READING-6: a key that cannot be written is used all the same, and somebody is told", async () => {
  const told: unknown[] = [];
  const openFile = async (): Promise<never> => {
    throw Object.assign(new Error("no space"), { code: "ENOSPC" });
  };
  const key = await loadCursorKey(root, { fileSystem: { ...nodeFileSystem, openFile }, onNotStored: (error) => told.push(error) });
  expect(key).toHaveLength(32);
  expect(told).toHaveLength(1);
});

test("READING-6: a key that cannot be read is not replaced", async () => {
  const told: unknown[] = [];
  const key = await loadCursorKey(root, {
    fileSystem: {
      ...nodeFileSystem,
      async readFile() {
        throw Object.assign(new Error("denied"), { code: "EACCES" });
      },
    },
    onNotStored: (error) => told.push(error),
  });
  expect(key).toHaveLength(32);
  expect(told).toHaveLength(1);
  expect(await readdir(root)).toEqual([]);
});
