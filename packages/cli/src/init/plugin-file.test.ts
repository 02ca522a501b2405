import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEFAULT_URL } from "../connection.ts";
import { AGENTS } from "./hooked-agent.ts";
import { openInstallMemory } from "./install-memory.ts";
import { OPENCODE_PLUGIN_MARK, opencodePluginText } from "./opencode-plugin.ts";
import { type PluginFile, planPlugin, planPluginUndo } from "./plugin-file.ts";

let folder: string;
let file: PluginFile;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-plugin-"));
  file = { path: join(folder, ".opencode", "plugin", "vouchtrail.js"), agent: AGENTS.opencode, mark: OPENCODE_PLUGIN_MARK };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const memoryHere = () => openInstallMemory(join(folder, "state"));
const text = opencodePluginText(DEFAULT_URL);
const write = async (wanted = text) => (await planPlugin(wanted, file, memoryHere())).apply();
const undo = async () => planPluginUndo(text, file, memoryHere());

test("INIT-12: a plugin file and the folders made for it go again, and what else is in them stays", async () => {
  await write();
  expect(await readFile(file.path, "utf8")).toBe(text);
  expect((await planPlugin(text, file, memoryHere())).kind).toBe("unchanged");
  await (await undo()).apply();
  await expect(stat(join(folder, ".opencode"))).rejects.toThrow("ENOENT");
  expect(await readdir(join(folder, "state", "init"))).toEqual([]);

  await write();
  await writeFile(join(folder, ".opencode", "mine.json"), "{}");
  await (await undo()).apply();
  expect(await readdir(join(folder, ".opencode"))).toEqual(["mine.json"]);
});

test("INIT-12: another address replaces a plugin of init, and undo knows it however it was called", async () => {
  await write(opencodePluginText("https://audit.example.org"));
  expect(await readFile(file.path, "utf8")).toContain('const SERVER = "https://audit.example.org";');
  await write();
  expect(await readFile(file.path, "utf8")).toBe(text);
  await write(opencodePluginText("https://audit.example.org"));
  expect(await undo()).toMatchObject({ kind: "exact", text: undefined });
});

test("INIT-12: without a memory, a plugin that is what init would write goes too", async () => {
  await write();
  await rm(join(folder, "state"), { recursive: true });
  await (await undo()).apply();
  await expect(stat(file.path)).rejects.toThrow("ENOENT");
});

test("INIT-12: a plugin that somebody changed, or that is somebody else's, is neither written nor removed", async () => {
  await write();
  await writeFile(file.path, `${text}// mine\n`);
  await expect(undo()).rejects.toThrow("was changed since init wrote it");
  await expect(planPlugin(opencodePluginText("https://x.example"), file, memoryHere())).rejects.toThrow("was changed since init wrote it");
  await rm(file.path);
  await mkdir(join(folder, ".opencode", "plugin"), { recursive: true });
  await writeFile(file.path, "export const Mine = 1;\n");
  await expect(planPlugin(text, file, memoryHere())).rejects.toThrow("is not a file of init");
  expect(await undo()).toMatchObject({ kind: "unchanged" });
  expect(await readFile(file.path, "utf8")).toBe("export const Mine = 1;\n");
});
