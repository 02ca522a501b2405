import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hindrancesOf, readManagedSettings } from "./managed-settings.ts";

const handlers = [
  { type: "http", url: "http://127.0.0.1:7431/hooks/claude-code", allowedEnvVars: ["AUDIT_TOKEN"] },
  { type: "command", command: "agent-audit-log", args: ["claude-code"] },
];
const told = (settings: object | string, isManaged = true): string[] =>
  hindrancesOf([{ path: "m.json", isManaged, text: typeof settings === "string" ? settings : JSON.stringify(settings) }], handlers);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-managed-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("INIT-7: managed settings that keep hooks from running are told, those that do not are not", () => {
  expect(told({ disableAllHooks: true })).toEqual(["m.json sets disableAllHooks: no hook runs until that is taken out."]);
  expect(told({ disableAllHooks: false, allowManagedHooksOnly: false })).toEqual([]);
  expect(told({ allowManagedHooksOnly: true })).toHaveLength(1);
  expect(told({ allowManagedHooksOnly: "yes" })[0]).toContain("only hooks in managed settings run");
  // Only administrators can set that.
  expect(told({ allowManagedHooksOnly: true }, false)).toEqual([]);
  expect(told("not JSON at all")[0]).toContain("was not checked");
});

test("INIT-7: a URL that no pattern allows and a variable that may not be read are told", () => {
  for (const allowedHttpHookUrls of [["http://127.0.0.1:7431/*"], ["https://x", "*"], ["http://127.0.0.1:7431/hooks/claude-code"]])
    expect(told({ allowedHttpHookUrls })).toEqual([]);
  for (const allowedHttpHookUrls of [[], ["https://*"], ["http://127.0.0.1:743?/*"], [7], ["127.0.0.1"]])
    expect(told({ allowedHttpHookUrls })).toEqual([
      "m.json does not allow http://127.0.0.1:7431/hooks/claude-code (allowedHttpHookUrls): add it there, or use --command.",
    ]);
  expect(told({ httpHookAllowedEnvVars: ["AUDIT_TOKEN"] })).toEqual([]);
  expect(told({ httpHookAllowedEnvVars: [] })[0]).toContain("does not let http hooks read AUDIT_TOKEN");
});

test("INIT-7: the file and its drop-ins are read, and a machine without them has none", async () => {
  expect(await readManagedSettings(join(folder, "none"))).toEqual([]);
  await mkdir(join(folder, "managed-settings.d"));
  await writeFile(join(folder, "managed-settings.json"), "{}");
  await writeFile(join(folder, "managed-settings.d", "10-hooks.json"), '{"disableAllHooks": true}');
  await writeFile(join(folder, "managed-settings.d", "notes.txt"), "");
  const layers = await readManagedSettings(folder);
  expect(layers.map(({ path }) => path.slice(folder.length + 1))).toEqual(["managed-settings.d/10-hooks.json", "managed-settings.json"]);
  expect(hindrancesOf(layers, handlers)).toHaveLength(1);
});
