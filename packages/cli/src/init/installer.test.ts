import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AGENTS, wantedHooks } from "./hooked-agent.ts";
import { openInstallMemory } from "./install-memory.ts";
import { planHooks, planUndo } from "./installer.ts";
import { SETTINGS_BYTES_MAX } from "./limits.ts";

const agent = AGENTS["claude-code"];
const hooksTo = (url: string) =>
  wantedHooks("claude-code", { url, command: ["agent-audit-log"], isCommandOnly: false, isTokenSent: false });
const wanted = hooksTo("http://127.0.0.1:7431");
const ORIGINAL = '{ "env": { "API_KEY": "not-for-others" } }\n';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-init-"));
  path = join(folder, "settings.json");
  await writeFile(path, ORIGINAL);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const memoryHere = () => openInstallMemory(join(folder, "state"));

test("INIT-8: a file that changed since it was read is not written, nor deleted", async () => {
  const plan = await planHooks(path, wanted, agent, memoryHere());
  await writeFile(path, '{"mine": 1}');
  await expect(plan.apply()).rejects.toThrow("was changed meanwhile by something else. Nothing was written; run this again.");
  expect(await readFile(path, "utf8")).toBe('{"mine": 1}');

  const made = join(folder, "new", "settings.json");
  await (await planHooks(made, wanted, agent, memoryHere())).apply();
  const undo = await planUndo(made, agent, memoryHere());
  expect(undo.text).toBeUndefined();
  await writeFile(made, '{"mine": 1}');
  await expect(undo.apply()).rejects.toThrow("was changed meanwhile");
  expect(await readFile(made, "utf8")).toBe('{"mine": 1}');
});

test("INIT-8: no temporary file stays, also not where writing fails", async () => {
  await (await planHooks(path, wanted, agent, memoryHere())).apply();
  expect((await readdir(folder)).sort()).toEqual(["settings.json", "state"]);
  // A file stands where a folder would have to be made.
  const blocked = join(folder, "settings.json", "settings.json");
  await expect(planHooks(blocked, wanted, agent, memoryHere()).then((plan) => plan.apply())).rejects.toThrow("cannot be");
  expect((await readdir(folder)).sort()).toEqual(["settings.json", "state"]);
});

test("INIT-3: what is remembered is for the user alone and holds nothing of the settings", async () => {
  expect(await (await planHooks(path, wanted, agent, memoryHere())).apply()).toBe(true);
  const [name = ""] = await readdir(join(folder, "state", "init"));
  const kept = join(folder, "state", "init", name);
  expect(await readFile(kept, "utf8")).not.toMatch(/API_KEY|not-for-others/);
  expect((await stat(kept)).mode & 0o777).toBe(0o600);
  await (await planUndo(path, agent, memoryHere())).apply();
  expect(await readFile(path, "utf8")).toBe(ORIGINAL);
  expect(await readdir(join(folder, "state", "init"))).toEqual([]);
});

test("INIT-5: without a memory, or with one that cannot be read, undoing takes out the handlers", async () => {
  await writeFile(join(folder, "no-folder"), "");
  const nowhere = openInstallMemory(join(folder, "no-folder"));
  expect(await (await planHooks(path, wanted, agent, nowhere)).apply()).toBe(false);
  const undo = await planUndo(path, agent, nowhere);
  expect(undo.kind).toBe("handlers");
  expect(JSON.parse(undo.text ?? "")).toEqual(JSON.parse(ORIGINAL));

  await writeFile(path, ORIGINAL);
  await (await planHooks(path, wanted, agent, memoryHere())).apply();
  const [name = ""] = await readdir(join(folder, "state", "init"));
  for (const text of ["", "{}", '{"version":1,"inserted":{"ranges":[{"start":9,"end":1}]},"folders":[]}', "[1]"]) {
    await writeFile(join(folder, "state", "init", name), text);
    expect((await planUndo(path, agent, memoryHere())).kind).toBe("handlers");
  }
});

test("INIT-5: a memory that says something false changes nothing but our handlers", async () => {
  await (await planHooks(path, wanted, agent, memoryHere())).apply();
  const [name = ""] = await readdir(join(folder, "state", "init"));
  const kept = join(folder, "state", "init", name);
  const memory = JSON.parse(await readFile(kept, "utf8")) as { inserted: { ranges: object[] } };
  memory.inserted.ranges = [{ start: 0, end: 40 }];
  await writeFile(kept, JSON.stringify(memory));
  const undo = await planUndo(path, agent, memoryHere());
  expect(undo).toMatchObject({ kind: "handlers", text: ORIGINAL });
});

test("INIT-6: hooks that a colleague committed are replaced, and undone without a trace", async () => {
  await (await planHooks(path, hooksTo("https://audit.example.org"), agent, openInstallMemory(join(folder, "elsewhere")))).apply();
  const plan = await planHooks(path, wanted, agent, memoryHere());
  expect(plan.kind).toBe("update");
  await plan.apply();
  expect(await readFile(path, "utf8")).not.toContain("example.org");
  expect((await planHooks(path, wanted, agent, memoryHere())).kind).toBe("unchanged");
  await (await planUndo(path, agent, memoryHere())).apply();
  expect(JSON.parse(await readFile(path, "utf8"))).toEqual(JSON.parse(ORIGINAL));
});

test("INIT-4: what is no settings file is not written", async () => {
  await mkdir(join(folder, "a-folder"));
  await symlink(join(folder, "nothing"), join(folder, "dangling"));
  await writeFile(join(folder, "long"), `{}${" ".repeat(SETTINGS_BYTES_MAX)}`);
  for (const [name, message] of [
    ["a-folder", "is not a file"],
    ["dangling", "is a link that leads nowhere"],
    ["long", "is longer than"],
  ] as const) {
    await expect(planHooks(join(folder, name), wanted, agent, memoryHere())).rejects.toThrow(message);
    await expect(planUndo(join(folder, name), agent, memoryHere())).rejects.toThrow(message);
  }
});
