import { existsSync, readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Which package may import which. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  events: ["protocol"],
  sdk: ["events", "protocol"],
  server: ["events", "protocol"],
  cli: ["events", "protocol", "sdk", "server"],
  // Redaction alone, and only when it has to keep something on the disk.
  hook: ["events"],
  mcp: ["events", "protocol", "sdk"],
};

/** Inside the server: each folder and each file beside them, and what it may import. A folder within a folder is a part of its own. */
const SERVER: Readonly<Record<string, readonly string[]>> = {
  ledger: [],
  "clock.ts": [],
  "version.ts": [],
  // Runs in the browser: nothing of the server is there.
  page: [],
  verify: ["ledger"],
  "recorder.ts": ["intake", "ledger"],
  intake: ["ledger", "recorder.ts"],
  "keys.ts": ["intake", "ledger"],
  // The engine of followers knows none of them, and none knows what is above the ledger.
  followers: ["clock.ts", "ledger"],
  // Pure: what verdicts are made of, whoever asks.
  completeness: [],
  "followers/search": ["completeness", "followers", "ledger"],
  otlp: ["intake"],
  // The defaults of options are the limits of what they limit.
  config: ["followers/search", "otlp"],
  "metrics.ts": ["followers", "intake", "ledger"],
  "read-summary.ts": [],
  "read-recorder.ts": ["intake", "ledger", "read-summary.ts"],
  reading: ["followers/search", "intake", "ledger"],
  "data-directory.ts": ["followers", "followers/search", "intake", "ledger"],
  http: [
    "followers",
    "followers/search",
    "intake",
    "keys.ts",
    "ledger",
    "metrics.ts",
    "otlp",
    "read-recorder.ts",
    "reading",
    "recorder.ts",
  ],
  "logger.ts": [],
  "open-effects.ts": ["followers/search"],
  // Everything between the bytes of an event and its receipt, whoever serves it.
  "running-ledger.ts": ["clock.ts", "config", "data-directory.ts", "intake", "ledger", "recorder.ts", "version.ts"],
  "trail.ts": ["clock.ts", "config", "intake", "ledger", "logger.ts", "reading", "running-ledger.ts"],
  "ledger-only.ts": ["ledger", "reading", "running-ledger.ts", "trail.ts", "version.ts"],
  "server.ts": [
    "clock.ts",
    "config",
    "data-directory.ts",
    "followers",
    "followers/search",
    "http",
    "intake",
    "keys.ts",
    "ledger",
    "logger.ts",
    "metrics.ts",
    "open-effects.ts",
    "read-recorder.ts",
    "reading",
    "running-ledger.ts",
    "version.ts",
  ],
  "index.ts": [
    "config",
    "data-directory.ts",
    "intake",
    "keys.ts",
    "ledger",
    "logger.ts",
    "reading",
    "running-ledger.ts",
    "server.ts",
    "trail.ts",
    "verify",
    "version.ts",
  ],
};

/** Files that read a clock themselves, and why. */
const CLOCKS: Readonly<Record<string, string>> = {
  "packages/sdk/src/clock.ts": "the clock of the SDK",
  "packages/sdk/src/emitter.ts": "formats a time that its clock told",
  "packages/sdk/src/node/postgres/outbox-event.ts": "formats a time that its clock told",
  "packages/sdk/src/node/default-logger.ts": "the time of a log line",
  "packages/hook/src/agent-audit-log.ts": "the hook command: one file without imports of ours, because it starts for every call of a tool",
  "packages/server/src/clock.ts": "the clock of the server",
  "packages/cli/src/clock.ts": "the clock of the command line",
  "packages/cli/src/commands/doctor.ts": "formats a time that its clock told",
  "packages/server/src/open-effects.ts": "formats a time that its clock told",
  "packages/cli/src/event-text.ts": "formats a time that stands in an id",
  "packages/server/src/keys.ts": "the default of an argument: when the key file is looked at again",
  "packages/server/src/ledger/tail-repair.ts": "the name of a recovered file; no entry tells it",
  "packages/server/src/ledger/free-space.ts": "how long an answer about free space is believed",
  "packages/server/src/followers/search/engine.ts":
    "how long a statement of SQL took, and whether a session may still be running; the process of the search index has no other clock",
  "packages/server/src/followers/search/json-value.ts": "formats a time that stands in an answer",
};

/** Files outside the command line that end a process or read its environment, and why. */
const PROCESSES: Readonly<Record<string, string>> = {
  "packages/sdk/src/node/environment.ts": "the settings that a process gives to its emitter",
  "packages/sdk/src/node/emitter.ts": "the name of the program is the default name of the source",
  "packages/hook/src/agent-audit-log.ts": "the hook command: its settings come from the environment, and it must always end with 0",
  "packages/mcp/src/main.ts": "the program mcp-audit-logger: its settings come from the environment of the agent that starts it",
  "packages/server/src/trail.ts": "a program that opens a trail of its own need not hand its environment over",
  "packages/server/src/followers/search/search-process.ts":
    "the program of the search index: it ends itself, nothing else is in its process",
  "packages/server/src/followers/search/search-client.ts": "hands the environment on to the process that it starts",
};

interface Source {
  readonly path: string;
  readonly text: string;
  readonly isTest: boolean;
}

const sources: readonly Source[] = Object.keys(PACKAGES).flatMap((name) =>
  readdirSync(join(root, "packages", name, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => {
      const path = join("packages", name, "src", file);
      return { path, text: readFileSync(join(root, path), "utf8"), isTest: file.endsWith(".test.ts") };
    }),
);

/** Of statements and of calls. A statement holds no quotation mark before its `from`, which tells it from words in texts. */
function importsOf({ text }: Source): string[] {
  const imports = /^(?:import|export)\b[^"'`;]*?\bfrom\s*"([^"]+)"|^import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  return [...code(text).matchAll(imports)].map(([, from, bare, called]) => from ?? bare ?? called ?? "");
}

const packageOf = (path: string): string => path.split("/")[1] ?? "";

test("TIDY-1: packages import only along the arrows", () => {
  expect(sources.length).toBeGreaterThan(80);
  const strays = sources.flatMap((source) =>
    importsOf(source)
      .filter((name) => name.startsWith("@vouchtrail/"))
      .map((name) => name.split("/")[1] ?? "")
      .filter((name) => name !== packageOf(source.path) && !PACKAGES[packageOf(source.path)]?.includes(name))
      .map((name) => `${source.path} imports ${name}`),
  );
  expect(strays).toEqual([]);
  const escapes = sources.flatMap((source) =>
    importsOf(source)
      .filter((name) => name.startsWith(".") && !source.isTest)
      .filter((name) => packageOf(relative(root, join(root, dirname(source.path), name))) !== packageOf(source.path))
      .map((name) => `${source.path} reaches into ${name}`),
  );
  expect(escapes).toEqual([]);
});

test("TIDY-1: inside the server, http rests on intake and intake on the ledger, which rests on nothing", () => {
  const base = "packages/server/src/";
  const parts = Object.keys(SERVER).sort((left, right) => right.length - left.length);
  const partOf = (path: string): string => {
    const inside = path.slice(base.length);
    return parts.find((part) => inside === part || inside.startsWith(`${part}/`)) ?? inside;
  };
  const strays: string[] = [];
  for (const source of sources) {
    if (!source.path.startsWith(base) || source.isTest) continue;
    const part = partOf(source.path);
    for (const name of importsOf(source).filter((other) => other.startsWith("."))) {
      const other = partOf(join(dirname(source.path), name));
      if (other !== part && SERVER[part]?.includes(other) !== true) strays.push(`${source.path} imports ${other}`);
    }
  }
  expect(strays).toEqual([]);
});

test("TIDY-2: every import is declared by its package, and every declared dependency is imported", () => {
  const builtins = new Set(builtinModules);
  const faults: string[] = [];
  /** A package has one range everywhere, so that the bundle runs with what its parts were built for. */
  const ranges: Record<string, string> = {};
  for (const name of Object.keys(PACKAGES)) {
    const { dependencies = {} } = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
    };
    const used = new Set<string>();
    for (const source of sources) {
      if (packageOf(source.path) !== name || source.isTest) continue;
      for (const imported of importsOf(source)) {
        if (imported.startsWith(".") || imported.startsWith("node:")) continue;
        if (builtins.has(imported)) faults.push(`${source.path} imports ${imported} without node:`);
        const dependency = dependencyOf(imported);
        used.add(dependency);
        if (dependencies[dependency] === undefined) faults.push(`${source.path} imports ${dependency}, which ${name} does not declare`);
      }
    }
    // A bundle imports what the packages in it import, from the folder that it is in.
    for (const dependency of bundleImports(name)) used.add(dependency);
    for (const [dependency, range] of Object.entries(dependencies)) {
      if (!used.has(dependency)) faults.push(`${name} declares ${dependency} and does not import it`);
      const other = ranges[dependency] ?? range;
      ranges[dependency] = other;
      if (other !== range) faults.push(`${name} declares ${dependency} ${range}, and another package ${other}`);
    }
  }
  expect(faults).toEqual([]);
});

const dependencyOf = (imported: string): string =>
  imported
    .split("/")
    .slice(0, imported.startsWith("@") ? 2 : 1)
    .join("/");

function bundleImports(name: string): string[] {
  const folder = join(root, "packages", name, "bundle");
  if (!existsSync(folder)) return [];
  const texts = readdirSync(folder).flatMap((file) => (file.endsWith(".js") ? [readFileSync(join(folder, file), "utf8")] : []));
  return texts.flatMap((text) =>
    [...text.matchAll(/^import .* from "([^".][^"]*)";$|__require\("([^"]+)"\)|\bimport\("([^".][^"]*)"\)/gm)].map((found) =>
      dependencyOf(found[1] ?? found[2] ?? found[3] ?? ""),
    ),
  );
}

test("TIDY-3: only clocks read the clock", () => {
  const readers = sources
    .filter(({ text, isTest }) => !isTest && /\bDate\.now\b|\bperformance\.now\b|\bnew Date\(/.test(code(text)))
    .map(({ path }) => path);
  expect(readers.filter((path) => CLOCKS[path] === undefined)).toEqual([]);
  expect(Object.keys(CLOCKS).filter((path) => !readers.includes(path))).toEqual([]);
});

test("TIDY-4: no module writes to the console or reads the environment but the command line and the programs that are named", () => {
  const strays = sources
    .filter(
      ({ path, text, isTest }) => !isTest && packageOf(path) !== "cli" && /\bconsole\.|\bprocess\.(?:env|argv|exit)\b/.test(code(text)),
    )
    .map(({ path }) => path);
  expect(strays.filter((path) => PROCESSES[path] === undefined)).toEqual([]);
  expect(Object.keys(PROCESSES).filter((path) => !strays.includes(path))).toEqual([]);
});

test("TIDY-5: index files re-export by name only, and nothing is exported by default", () => {
  const strays = sources.filter(
    ({ path, text }) => /^export (?:\*|default)/m.test(text) || (path.endsWith("/index.ts") && /^(?:import|const|function)/m.test(text)),
  );
  expect(strays.map(({ path }) => path)).toEqual([]);
});

/** Without comments. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}
