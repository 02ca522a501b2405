import { spawnSync } from "node:child_process";
import { chmod, lstat, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Command } from "commander";
import { afterAll, beforeAll, expect, test } from "vitest";
import { addInit } from "../../packages/cli/src/commands/init.ts";
import { openTerminal } from "../../packages/cli/src/terminal.ts";
import { type Ended, openWorkplace, type Served, type Workplace } from "./cli-process.ts";

/** Nobody listens there. */
const NOBODY = "http://127.0.0.1:1";
const ORIGINAL = '{\r\n\t// the model of this team\r\n\t"model": "opus", // the good one\r\n\t"hooks": {"Stop": [ ]},\r\n}\r\n';

let place: Workplace;
let server: Served;
let folderCount = 0;
beforeAll(async () => {
  place = await openWorkplace();
  server = await place.serve();
});
afterAll(() => place.close());

interface Home {
  readonly file: string;
  readonly environment: Record<string, string>;
  /** Runs `init claude-code` for the user's settings, in this process: a new one for each would take most of the time. */
  init(args: readonly string[], answer?: string): Promise<Ended>;
}

/** A home folder of its own, with settings of the user if there are any. */
async function openHome(settings?: string): Promise<Home> {
  folderCount += 1;
  const home = place.path(`home-${folderCount}`);
  const file = join(home, ".claude", "settings.json");
  await mkdir(settings === undefined ? home : join(home, ".claude"), { recursive: true });
  if (settings !== undefined) await writeFile(file, settings);
  const environment = { HOME: home, XDG_STATE_HOME: join(home, "state") };
  const init = async (args: readonly string[], answer?: string): Promise<Ended> => {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const stdin = Object.assign(new PassThrough(), { isTTY: answer !== undefined });
    stdin.end(answer ?? "");
    let code: number | null = null;
    const program = new Command();
    addInit(program, {
      terminal: openTerminal(out, err, {}),
      environment,
      stdin,
      exit: (value) => {
        code = value;
      },
    });
    await program.parseAsync(["node", "vouchtrail", "init", "claude-code", "--scope", "user", "--url", NOBODY, ...args]);
    return { code, out: String(out.read() ?? ""), err: String(err.read() ?? "") };
  };
  return { file, environment, init };
}

test("INIT-3: init and its undo leave a real file byte for byte as it was, with its mode and behind its link", async () => {
  const { file, init } = await openHome(ORIGINAL);
  const real = `${file}.real`;
  await writeFile(real, ORIGINAL);
  await chmod(real, 0o640);
  const linked = await openHome();
  await mkdir(join(linked.file, ".."), { recursive: true });
  await symlink(real, linked.file);
  expect((await linked.init(["--yes"])).code).toBe(0);
  expect((await lstat(linked.file)).isSymbolicLink()).toBe(true);
  expect((await stat(real)).mode & 0o777).toBe(0o640);
  expect(await readFile(real, "utf8")).toContain("/hooks/claude-code");
  const undone = await linked.init(["--undo", "--yes"]);
  expect(undone.err).toContain("is byte for byte what it was before");
  expect(await readFile(real, "utf8")).toBe(ORIGINAL);
  expect((await stat(real)).mode & 0o777).toBe(0o640);

  const written = await init(["--yes"]);
  expect(written.err).toContain(`No server answers at ${NOBODY} yet. The settings stay; start the server with: vouchtrail serve`);
  expect(written.out).toContain('+\t\t"PreToolUse": [');
  // Somebody changes something else in between.
  await writeFile(file, (await readFile(file, "utf8")).replace("opus", "sonnet"));
  const taken = await init(["--undo", "--yes"]);
  expect(taken.err).toContain("taken out one by one");
  expect(await readFile(file, "utf8")).toBe(ORIGINAL.replace("opus", "sonnet"));
  expect((await init(["--undo", "--yes"])).err).toContain("Nothing to undo");
});

test("INIT-3: a file and folders that init made go again, unless something else is in them", async () => {
  const { file, init } = await openHome();
  expect((await init(["--yes"])).code).toBe(0);
  expect(JSON.parse(await readFile(file, "utf8"))).toHaveProperty("hooks.SessionStart");
  const { err } = await init(["--undo", "--yes"]);
  expect(err).toContain("Deleted:");
  await expect(stat(join(file, ".."))).rejects.toThrow("ENOENT");
  await init(["--yes"]);
  await writeFile(join(file, "..", "mine.md"), "x");
  await writeFile(file, (await readFile(file, "utf8")).replace("{", '{ "model": "opus",'));
  await init(["--undo", "--yes"]);
  expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ model: "opus" });
});

test("INIT-6: a second init has nothing to do, another address changes only the hooks, and undo after both is exact", async () => {
  const { file, init } = await openHome(ORIGINAL);
  await init(["--yes"]);
  const once = await readFile(file, "utf8");
  expect((await init(["--yes"])).err).toContain("Already there");
  expect(await readFile(file, "utf8")).toBe(once);
  const moved = await init(["--yes", "--url", "http://127.0.0.1:2", "--json"]);
  expect(JSON.parse(moved.out)).toMatchObject({ kind: "update", isWritten: true, server: { state: "unreachable" } });
  expect(await readFile(file, "utf8")).toBe(once.replaceAll(NOBODY, "http://127.0.0.1:2"));
  expect((await init(["--undo", "--yes"])).err).toContain("byte for byte");
  expect(await readFile(file, "utf8")).toBe(ORIGINAL);
});

test("INIT-8: without a terminal nothing is written unless --yes says so, and --dry-run only shows", async () => {
  const { file, init } = await openHome(ORIGINAL);
  const refused = await init([]);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("there is no terminal to ask on. Use --yes");
  const shown = await init(["--dry-run"]);
  expect(shown.code).toBe(0);
  expect(shown.out).toContain('+\t\t\t{ "hooks": [{ "type": "http", "url": "http://127.0.0.1:1/hooks/claude-code", "timeout": 5 }] }');
  expect(await readFile(file, "utf8")).toBe(ORIGINAL);
});

test("INIT-8: on a terminal it asks after it has shown the diff, and only yes writes", async () => {
  for (const [answer, isWritten] of [
    ["n\n", false],
    ["", false],
    ["\n", false],
    ["y\n", true],
  ] as const) {
    const { file, init } = await openHome(ORIGINAL);
    const { code, out, err } = await init([], answer);
    expect(out).toContain("+++ ");
    expect(err).toContain("Write this? [y/N] ");
    expect(code).toBe(isWritten ? 0 : 1);
    expect((await readFile(file, "utf8")) !== ORIGINAL).toBe(isWritten);
  }
});

test("INIT-4: settings that cannot be understood are told with line and column, and stay", async () => {
  for (const [text, message] of [
    ['{\n  "hooks": [],\n}', 'settings.json:2:12 has "hooks" with something else than an object'],
    ["{", "settings.json:1:2 cannot be read as JSON"],
    [Buffer.from([0xff, 0xfe, 0x7b, 0x00]), "is not UTF-8"],
  ] as const) {
    const { file, init } = await openHome("");
    await writeFile(file, text);
    for (const args of [["--yes"], ["--undo", "--yes"]]) {
      const ended = await init(args);
      if (args.length === 1 || text !== '{\n  "hooks": [],\n}') expect(ended.err).toContain(message);
    }
    expect(await readFile(file)).toEqual(Buffer.from(text));
  }
});

test("INIT-9: in a repository it is the project's settings, elsewhere the user's, and it says which", async () => {
  const { environment } = await openHome();
  const { HOME: home = "" } = environment;
  const run = (...args: string[]) => place.run(["init", "claude-code", "--url", NOBODY, "--dry-run", "--json", ...args], { environment });
  const user = await run();
  expect(JSON.parse(user.out)).toMatchObject({ scope: "user", file: join(home, ".claude", "settings.json") });
  expect(user.err).toContain("Scope user: this folder is in no repository.");
  await mkdir(place.path(".git"));
  const project = await run();
  expect(JSON.parse(project.out)).toMatchObject({ scope: "project", file: place.path(".claude/settings.json") });
  expect(JSON.parse((await run("--scope", "local")).out)).toMatchObject({ file: place.path(".claude/settings.local.json") });
  const codex = await place.run(["init", "codex", "--url", NOBODY, "--yes"], { environment });
  expect(codex.err).toContain("trusted");
  expect(JSON.parse(await readFile(place.path(".codex/hooks.json"), "utf8"))).toHaveProperty("hooks.PreToolUse");
  const copilot = await place.run(["init", "copilot", "--url", NOBODY, "--yes"], { environment });
  expect(copilot.code).toBe(0);
  expect(JSON.parse(await readFile(place.path(".github/hooks/vouchtrail.json"), "utf8"))).toMatchObject({
    version: 1,
    hooks: { PreToolUse: [{ type: "command", command: `agent-audit-log --url ${NOBODY} copilot` }] },
  });
  for (const agent of ["codex", "copilot"]) await place.run(["init", agent, "--undo", "--yes"], { environment });
  await expect(stat(place.path(".github"))).rejects.toThrow("ENOENT");
  await expect(stat(place.path(".codex"))).rejects.toThrow("ENOENT");
});

test("INIT-10: it waits for the first event that comes by a hook, and prints it with its receipt and the check of its proof", async () => {
  const { environment, file } = await openHome();
  const running = place.start(["init", "claude-code", "--scope", "user", "--url", server.url, "--yes"], { environment });
  await running.errMatches(/Waiting up to 60 s for the first event/);
  const settings = JSON.parse(await readFile(file, "utf8")) as { hooks: Record<string, { hooks: { url: string }[] }[]> };
  // What is posted goes to where the settings say.
  const url = settings.hooks.PreToolUse?.[0]?.hooks[0]?.url ?? "";
  const hook = {
    session_id: "s-1",
    hook_event_name: "PreToolUse",
    tool_name: "Bash",
    tool_input: { command: "ls" },
    tool_use_id: "toolu_1",
    cwd: "/repo",
  };
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(hook) });
  expect(answer.status).toBe(200);
  const { code, out } = await running.ended;
  expect(code).toBe(0);
  expect(out).toMatch(/Bash[\s\S]* {2}receipt {4}entry \d+ of \S+\n {2}id {9}[0-9a-f-]{36}\n {2}leaf hash {2}\S{40,}\n {2}proof {6}Holds/);
});

test("INIT-2: the command that is written starts as it stands there, and its event arrives", async () => {
  const { init, file } = await openHome();
  await init(["--yes", "--no-wait", "--url", server.url]);
  const settings = JSON.parse(await readFile(file, "utf8")) as {
    hooks: Record<string, { hooks: { command: string; args: string[] }[] }[]>;
  };
  const { command = "", args = [] } = settings.hooks.SessionStart?.[0]?.hooks[0] ?? {};
  const hook = { session_id: "s-command", hook_event_name: "SessionStart", source: "startup", cwd: "/repo" };
  const environment = { PATH: process.env.PATH ?? "", HOME: place.folder, AUDIT_LOG_URL: server.url };
  const ran = spawnSync(command, args, { input: JSON.stringify(hook), env: environment, encoding: "utf8" });
  expect(ran).toMatchObject({ status: 0, stdout: "" });
  const found = await fetch(`${server.url}/api/v1/events?session=s-command&via=hook&wait=searchable`);
  expect((await found.json()) as { hits?: unknown[]; events?: unknown[] }).toMatchObject({ events: [{}] });
});

test("INIT-10: Ctrl-C ends the waiting, and the settings stay in place", async () => {
  const { environment, file } = await openHome();
  const running = place.start(["init", "claude-code", "--scope", "user", "--url", server.url, "--yes", "--json"], { environment });
  await running.errMatches(/Waiting up to 60 s/);
  running.child.kill("SIGINT");
  const { code, err, out } = await running.ended;
  expect(code).toBe(0);
  expect(err).toContain("Not waiting any more. The settings stay in place.");
  expect(JSON.parse(out)).toMatchObject({ isWritten: true, server: { state: "ready" } });
  expect(await readFile(file, "utf8")).toContain(server.url);
});

test("INIT-7: what would keep the hooks from running is told", async () => {
  const { init } = await openHome(
    '{"disableAllHooks": true, "allowedHttpHookUrls": ["https://*"], "hooks": {"PostToolCall": {"command": "x"}}}',
  );
  const { err, code } = await init(["--dry-run"]);
  expect(code).toBe(0);
  expect(err).toContain("sets disableAllHooks");
  expect(err).toContain(`does not allow ${NOBODY}/hooks/claude-code`);
  expect(err).toContain("below PostToolCall there must be an array");
});
