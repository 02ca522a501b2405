import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { CLAUDE_CODE_EVENTS } from "../../packages/cli/src/init/hooked-agent.ts";
import { openWorkplace } from "./cli-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const plugin = join(root, "plugins/claude-code");
const json = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;

/** All events that Claude Code has hooks for. Source: the product's `HOOK_EVENTS`. */
const HOOK_EVENTS =
  `PreToolUse PostToolUse PostToolUseFailure PostToolBatch Notification UserPromptSubmit UserPromptExpansion SessionStart SessionEnd Stop StopFailure SubagentStart SubagentStop PreCompact PostCompact
  PreModelSwitch PostModelSwitch PermissionRequest PermissionDenied Setup TeammateIdle TaskCreated TaskCompleted Elicitation ElicitationResult ConfigChange WorktreeCreate WorktreeRemove InstructionsLoaded
  CwdChanged FileChanged DirectoryAdded MessageDisplay`.split(/\s+/);

interface PluginHandler {
  readonly type: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly async?: boolean;
  readonly timeout: number;
}

test("INIT-11: the marketplace names the plugin, and the plugin itself, as Claude Code reads them", () => {
  const marketplace = json(join(root, ".claude-plugin/marketplace.json"));
  expect(marketplace).toMatchObject({ name: "vouchtrail", owner: { name: expect.any(String) } });
  const [entry, ...others] = marketplace.plugins as { name: string; source: string }[];
  expect(others).toEqual([]);
  const manifest = json(join(plugin, ".claude-plugin/plugin.json"));
  expect(entry?.name).toBe(manifest.name);
  expect(manifest.name).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
  expect(join(root, entry?.source ?? "")).toBe(plugin);
  expect(manifest.version).toBe(json(join(root, "package.json")).version);
  for (const option of Object.values(manifest.userConfig as Record<string, { type: string }>)) {
    expect(option).toMatchObject({ title: expect.any(String), description: expect.any(String) });
    expect(["string", "number", "boolean", "directory", "file"]).toContain(option.type);
  }
  expect(manifest.userConfig).toMatchObject({ url: { default: "http://127.0.0.1:7431" }, token: { sensitive: true }, agent_id: {} });
  // Only the manifest lives there.
  expect(readdirSync(join(plugin, ".claude-plugin"))).toEqual(["plugin.json"]);
});

test("INIT-11: the hooks are events that exist, the same that init writes, and run what is in the plugin", () => {
  const { hooks } = json(join(plugin, "hooks/hooks.json")) as { hooks: Record<string, { hooks: PluginHandler[] }[]> };
  expect(Object.keys(hooks).filter((event) => !HOOK_EVENTS.includes(event))).toEqual([]);
  expect(CLAUDE_CODE_EVENTS.filter((event) => !HOOK_EVENTS.includes(event))).toEqual([]);
  expect(Object.keys(hooks)).toEqual([...CLAUDE_CODE_EVENTS]);
  for (const [event, groups] of Object.entries(hooks)) {
    const [handler] = groups.flatMap((group) => group.hooks);
    expect(handler).toMatchObject({ type: "command", command: "node", timeout: expect.any(Number) });
    // In the background, but for the last word of a session.
    expect(handler?.async ?? false).toBe(event !== "SessionEnd");
    const [script = "", agent] = handler?.args ?? [];
    expect(agent).toBe("claude-code");
    expect(script.startsWith(`$${"{CLAUDE_PLUGIN_ROOT}"}/`)).toBe(true);
    expect(existsSync(join(plugin, script.slice(script.indexOf("/"))))).toBe(true);
  }
});

test("INIT-11: no file of the plugin leads out of its folder, and every file that a script imports is there", () => {
  const files = readdirSync(plugin, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(plugin, name)).isFile());
  expect(files).toContain("skills/audit-trail/SKILL.md");
  const copy = "scripts/agent-audit-log.mjs";
  const away = files
    .filter((name) => name !== copy)
    .flatMap((name) =>
      [...readFileSync(join(plugin, name), "utf8").matchAll(/["'(](\.{1,2}\/[^"')\s]*)["')]/g)].map(([, path = ""]) => ({ name, path })),
    )
    .filter(({ name, path }) => {
      const target = normalize(join(plugin, name, "..", path));
      return relative(plugin, target).startsWith("..") || !existsSync(target);
    });
  expect(away).toEqual([]);
  const imports = [...readFileSync(join(plugin, copy), "utf8").matchAll(/^import\b[^"']*["']([^"']+)["']/gm)].map(([, name = ""]) => name);
  expect(imports.length).toBeGreaterThan(0);
  expect(imports.filter((name) => !name.startsWith("node:"))).toEqual([]);
});

test("INIT-11: the plugin's hook command is the one that was built", () => {
  const { stderr, status } = spawnSync(process.execPath, [join(root, "scripts/plugin.mjs"), "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test("INIT-11: the plugin's hook takes the URL and the name of the agent from the plugin's options, and its event arrives", async () => {
  const place = await openWorkplace();
  try {
    const server = await place.serve();
    const hook = {
      session_id: "s-plugin",
      hook_event_name: "PreToolUse",
      tool_name: "Read",
      tool_input: { file_path: "/a" },
      tool_use_id: "t-1",
    };
    const environment = {
      PATH: process.env.PATH ?? "",
      HOME: place.folder,
      CLAUDE_PLUGIN_OPTION_URL: server.url,
      CLAUDE_PLUGIN_OPTION_AGENT_ID: "ops/plugin",
    };
    const ran = spawnSync("node", [join(plugin, "scripts/hook.mjs"), "claude-code"], {
      input: JSON.stringify(hook),
      env: environment,
      encoding: "utf8",
    });
    expect(ran).toMatchObject({ status: 0, stdout: "" });
    const found = await fetch(`${server.url}/api/v1/events?session=s-plugin&wait=searchable`);
    expect(await found.json()).toMatchObject({ events: [{ event: { actor: { id: "ops/plugin" } } }] });
  } finally {
    await place.close();
  }
});

test("INIT-11: the skill says what it is for, and names only files and commands without a path of this repository", () => {
  const text = readFileSync(join(plugin, "skills/audit-trail/SKILL.md"), "utf8");
  const [, front = ""] = /^---\n([\s\S]*?)\n---\n/.exec(text) ?? [];
  expect(front).toMatch(/^name: audit-trail$/m);
  expect(/^description: (.+)$/m.exec(front)?.[1]?.length).toBeGreaterThan(50);
  expect(text).not.toContain("packages/");
});
