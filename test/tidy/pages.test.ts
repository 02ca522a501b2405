import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ERRORS } from "@vouchtrail/events";
import { configOptions } from "@vouchtrail/server";
import { expect, test } from "vitest";
import { createApp } from "../../packages/server/src/http/app.ts";
import { createMetrics } from "../../packages/server/src/metrics.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = (name: string): string => readFileSync(join(root, "docs", name), "utf8");
const namesIn = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = ""]) => name).sort();

test("TIDY-6: the pages of options, errors and metrics are what npm run docs writes", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/docs.mjs"), "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});

test("TIDY-6: errors, options and metrics of the code are those of the pages", () => {
  expect(namesIn(page("errors.md"), /^## ([A-Z0-9_]+)$/gm)).toEqual(Object.keys(ERRORS).sort());
  expect(namesIn(page("config.md"), /^\| `([\w.]+)` \|/gm)).toEqual(
    configOptions()
      .map(({ path }) => path)
      .sort(),
  );
  const metrics = createMetrics();
  metrics.watch({} as never);
  metrics.watchEffects(async () => undefined);
  expect(namesIn(page("metrics.md"), /^\| `(\w+)` \|/gm)).toEqual(
    metrics.registry
      .getMetricsAsArray()
      .map(({ name }) => name)
      .sort(),
  );
});

test("TIDY-7: the OpenAPI document covers exactly the routes that there are", async () => {
  const routes = new Set<string>();
  const isStopping = (): boolean => false;
  const deps = { name: "main", version: "0", warnings: [], stopping: new AbortController().signal, isStopping, metrics: createMetrics() };
  const app = createApp({ bodyBytesMax: 1, connectionsMax: 1, logger: { debug() {}, error() {} } as never }, {
    ...deps,
    guard: { checkOrigin() {} },
    intake: {},
    ledger: {},
    recorder: {},
  } as never);
  await app.ready();
  const stack: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split("\n")) {
    const [, indent = "", part = "", methods = ""] = /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
    stack.length = indent.length / 4;
    stack.push(part);
    // The listing leaves out what stands before a wildcard; there is one.
    const path = stack.join("").replace(/^\/?\*$/, "/tlog/main/tile/*");
    if (methods === "") continue;
    // The page for browsers is no part of the contract: programs have nothing to do with its files.
    if (path === "/" || path.startsWith("/page/")) continue;
    for (const method of methods.split(", ").filter((name) => name !== "HEAD")) {
      const url = path.replace(":id", "x").replace("*", "x");
      const answer = await app.inject({ method: method as "GET", url, headers: { "content-type": "application/json" } });
      if (answer.statusCode !== 405) routes.add(`${method} ${path.replace(/:(\w+)/g, "{$1}").replace("*", "{path}")}`);
    }
  }
  expect(app.hasRoute({ method: "GET", url: "/tlog/main/tile/*" })).toBe(true);
  const { body } = await app.inject({ url: "/openapi.json" });
  const { paths } = JSON.parse(body) as { paths: Record<string, Record<string, unknown>> };
  const told = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  expect(told.sort()).toEqual([...routes].sort());
  await app.close();
});

test("TIDY-8: every rule has a test that cites it, and every cited rule stands on a page", () => {
  const rules = new Map<string, string>();
  const twice: string[] = [];
  for (const name of readdirSync(join(root, "docs/spec"))) {
    for (const [, rule = ""] of page(`spec/${name}`).matchAll(/^(?:- )?\*\*([A-Z]+-\d+)\*\*/gm)) {
      if (rules.has(rule)) twice.push(rule);
      rules.set(rule, name);
    }
  }
  expect(twice).toEqual([]);
  const families = new Set([...rules.keys()].map((rule) => rule.replace(/-\d+$/, "")));
  const cited = new Set<string>();
  const unknown: string[] = [];
  for (const file of testFiles()) {
    const text = readFileSync(file, "utf8");
    // Titles of tests, and those that stand in a table and begin with their rule.
    for (const [title] of text.matchAll(/\b(?:test|describe)(?:\.each\([\s\S]*?\))?\(\s*["`][^"`]*["`]|["`][A-Z]{2,}-\d+: [^"`]*["`]/g)) {
      for (const [rule, family = ""] of title.matchAll(/\b([A-Z]{2,})-\d+\b/g)) {
        cited.add(rule);
        if (families.has(family) && !rules.has(rule)) unknown.push(`${rule} in ${file.slice(root.length)}`);
      }
    }
  }
  expect(unknown).toEqual([]);
  expect([...rules.keys()].filter((rule) => !cited.has(rule)).map((rule) => `${rule} of ${rules.get(rule)}`)).toEqual([]);
});

function testFiles(): string[] {
  return ["packages", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter(
        (name) =>
          !name.includes("node_modules") && !name.includes("/dist/") && (name.endsWith(".test.ts") || name.startsWith("conformance/")),
      )
      .map((name) => join(root, folder, name)),
  );
}
