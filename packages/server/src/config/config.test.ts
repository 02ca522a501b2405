import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { configOptions, environmentName, loadConfig } from "./config.ts";

let root = "";
let file = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-config-"));
  file = join(root, "vouchtrail.yaml");
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

test("CONFIG-1: flags go over environment over file over defaults", async () => {
  await writeFile(file, "http:\n  port: 1\n  host: localhost\n  bodyBytesMax: 70000\n");
  const environment = { VOUCHTRAIL_HTTP_PORT: "2", VOUCHTRAIL_HTTP_HOST: "127.0.0.1", VOUCHTRAIL_CONFIG: file };
  const { config, file: read } = await loadConfig({ environment, flags: { "http.port": 3 } });
  expect([config.http.port, config.http.host, config.http.bodyBytesMax, config.http.connectionsMax]).toEqual([
    3,
    "127.0.0.1",
    70_000,
    8_192,
  ]);
  expect(read).toBe(file);
  expect(Object.isFrozen(config.http)).toBe(true);
});

test("CONFIG-1: unknown options, wrong values and broken files are errors that name the option", async () => {
  for (const [text, path] of [
    ["htpp: {}", ""],
    ["http:\n  prot: 1", "http"],
    ["http:\n  port: x", "http.port"],
    ["http:\n  port: 70000", "http.port"],
    ["origin: a b", "origin"],
    ["audit:\n  pii_retention: soon", "audit.pii_retention"],
    [`data: \${NOT_SET}`, "data"],
  ]) {
    await writeFile(file, text ?? "");
    await expect(loadConfig({ file, environment: {} }), text).rejects.toMatchObject({ code: "CONFIG_INVALID", path });
  }
  for (const text of ["- a", "a: [", "a: 1\na: 2"]) {
    await writeFile(file, text);
    await expect(loadConfig({ file, environment: {} }), text).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  }
  await expect(loadConfig({ file: join(root, "missing.yaml"), environment: {} })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  for (const environment of [
    { VOUCHTRAIL_HTTP_PORT: "1e3" },
    { VOUCHTRAIL_HTTP_LOOPBACK_WITHOUT_KEY: "yes" },
    { VOUCHTRAIL_LOG_LEVEL: "loud" },
  ]) {
    await expect(loadConfig({ environment })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  }
});

test("CONFIG-1: every option has an environment name of its own and a description", () => {
  const options = configOptions();
  expect(new Set(options.map(({ environment }) => environment)).size).toBe(options.length);
  expect(options.filter(({ description }) => description === "").map(({ path }) => path)).toEqual([]);
  expect(environmentName("http.bodyBytesMax")).toBe("VOUCHTRAIL_HTTP_BODY_BYTES_MAX");
});

test("CONFIG-2: blocks that do nothing yet are accepted with a warning, variables in them may be missing", async () => {
  await writeFile(
    file,
    `audit:\n  destination: victorialogs\n  url: \${LOGS_URL}\n  pii_retention: 30d\nalerts:\n  - { name: a, condition: b, window: 1h, action: log }\n`,
  );
  const { warnings } = await loadConfig({ file, environment: {} });
  expect(warnings.join("\n")).toMatch(/LOGS_URL/);
  expect(warnings.join("\n")).toMatch(/destinations are not available yet/);
  expect(warnings.join("\n")).toMatch(/NOT erased by age/);
  expect(warnings.join("\n")).toMatch(/alerts are not available yet/);
  expect((await loadConfig({ environment: {} })).warnings).toEqual([]);
});
