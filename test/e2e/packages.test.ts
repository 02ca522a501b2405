import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

test("packed packages install into an empty folder, load, and serve, store, verify", async () => {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-packed-"));
  try {
    await run("npm", ["pack", "--workspaces", "--pack-destination", folder, "--loglevel=error"], { cwd: root });
    const packed = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
    expect(packed).toHaveLength(4);
    const app = join(folder, "app");
    await mkdir(app);
    await writeFile(join(app, "package.json"), JSON.stringify({ private: true, type: "module" }));
    await run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...packed.map((name) => join(folder, name))], { cwd: app });

    const { stdout: version } = await run(join(app, "node_modules", ".bin", "vouchtrail"), ["--version"], { cwd: app });
    expect(version.trim()).toBe("0.1.0");
    await writeFile(
      join(app, "use.mjs"),
      `import { createTree } from "@vouchtrail/protocol";
       import { createRedactor } from "@vouchtrail/events";
       import { loadConfig, startServer, sha256 } from "@vouchtrail/server";
       const loaded = await loadConfig({ environment: {}, flags: { data: "./data", state: "./state", "http.port": 0, "log.level": "error" } });
       const server = await startServer({ loaded, environment: {} });
       const event = { action: "a.b", actor: { type: "agent", id: "x" }, target: { type: "t", id: "1" }, outcome: { status: "success" } };
       const answer = await fetch(server.url + "/api/v1/events", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(event) });
       await server.close();
       console.log(JSON.stringify({ status: answer.status, size: createTree(sha256).size, redacts: typeof createRedactor().redactText }));`,
    );
    const { stdout } = await run(process.execPath, ["use.mjs"], { cwd: app });
    expect(JSON.parse(stdout)).toEqual({ status: 201, size: 0, redacts: "function" });
    const state = join(app, "verify-state");
    const verified = await run(join(app, "node_modules", ".bin", "vouchtrail"), ["verify", "./data", "--state", state], { cwd: app }).catch(
      (error: { code: number; stdout: string }) => error,
    );
    expect(verified).toMatchObject({ code: 3 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 240_000);
