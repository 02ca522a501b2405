import { isAbsolute, join } from "node:path";
import { expect, test } from "vitest";
import { addHooks, hasHooks, removeHooks } from "./hook-settings.ts";
import { AGENTS, type HookOptions, wantedHooks } from "./hooked-agent.ts";
import { doingOf, isOwnDoing } from "./own-handler.ts";
import { settingsPlaceOf } from "./settings-place.ts";

const OPTIONS: HookOptions = {
  url: "http://127.0.0.1:7431",
  command: ["node", "/opt/my tools/agent-audit-log.mjs"],
  isCommandOnly: false,
  isTokenSent: false,
};

test("INIT-2: Gemini CLI gets commands in groups, with a timeout in milliseconds", () => {
  const wanted = wantedHooks("gemini-cli", OPTIONS);
  const { text } = addHooks("{}\n", wanted, AGENTS["gemini-cli"], "settings.json");
  const handler = { type: "command", command: 'node "/opt/my tools/agent-audit-log.mjs" gemini-cli', timeout: 10_000 };
  expect(JSON.parse(text).hooks.BeforeTool).toEqual([{ hooks: [handler] }]);
});

test("INIT-2: Cursor gets commands directly below their events, in a file with a version, without a timeout, and each call once", () => {
  const wanted = wantedHooks("cursor", OPTIONS);
  const { text } = addHooks(AGENTS.cursor.fileBase, wanted, AGENTS.cursor, "hooks.json");
  const { version, hooks } = JSON.parse(text);
  expect(version).toBe(1);
  expect(hooks.preToolUse).toEqual([{ command: 'node "/opt/my tools/agent-audit-log.mjs" cursor' }]);
  expect(Object.keys(hooks).filter((event) => /Shell|MCP|File/.test(event))).toEqual([]);
});

test.each(["gemini-cli", "cursor"] as const)("INIT-3: the hooks of %s are known again and go without a trace", (name) => {
  const agent = AGENTS[name];
  const wanted = wantedHooks(name, OPTIONS);
  for (const { handler } of wanted) expect(isOwnDoing(doingOf(handler) ?? "", name)).toBe(true);
  for (const original of [agent.fileBase, '{\r\n\t// mine\r\n\t"version": 1, "hooks": {"stop": [ ], "BeforeTool": [],},\r\n}\r\n']) {
    const { text, inserted } = addHooks(original, wanted, agent, "f.json");
    expect(hasHooks(text, wanted, agent, "f.json", inserted)).toBe(true);
    expect(removeHooks(text, agent, "f.json", inserted)).toEqual({ text: original, way: "exact" });
    expect(removeHooks(text.replace('"version"', '"Version"'), agent, "f.json", inserted).text).toBe(
      original.replace('"version"', '"Version"'),
    );
  }
});

test("INIT-9: each agent has its own place, of the user and of a project", () => {
  const surroundings = { environment: { HOME: "/home/u" }, folder: "/nowhere/repo" };
  const placeOf = (agent: keyof typeof AGENTS, scope: "user" | "project"): string => settingsPlaceOf(agent, scope, surroundings).path;
  const home = (...parts: string[]): string => join("/home/u", ...parts);
  expect(placeOf("gemini-cli", "user")).toBe(home(".gemini", "settings.json"));
  expect(placeOf("cursor", "user")).toBe(home(".cursor", "hooks.json"));
  expect(placeOf("opencode", "user")).toBe(home(".config", "opencode", "plugin", "vouchtrail.js"));
  for (const [agent, parts] of [
    ["gemini-cli", [".gemini", "settings.json"]],
    ["cursor", [".cursor", "hooks.json"]],
    ["opencode", [".opencode", "plugin", "vouchtrail.js"]],
  ] as const) {
    const path = placeOf(agent, "project");
    expect(isAbsolute(path)).toBe(true);
    expect(path.endsWith(join(...parts))).toBe(true);
    expect(() => settingsPlaceOf(agent, "local", surroundings)).toThrow("Only Claude Code");
  }
});
