import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

test("packed packages install into an empty folder, load, serve, store, verify, and record events", async () => {
  const folder = await mkdtemp(join(tmpdir(), "vouchtrail-packed-"));
  try {
    await run("npm", ["pack", "--workspaces", "--pack-destination", folder, "--loglevel=error"], { cwd: root });
    const packed = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
    expect(packed).toHaveLength(7);
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
    await useSdk(app);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 240_000);

const EMIT = `emit({ action: "a.b", actor: { type: "agent", id: "x" }, target: { type: "t", id: "1" }, outcome: { status: "success" } })`;

/** As a module, from CommonJS, and as types under both resolutions that applications use. */
async function useSdk(app: string): Promise<void> {
  const options = `{ url: "http://127.0.0.1:1", logger: false, spool: { directory: "./spool" } }`;
  await writeFile(
    join(app, "sdk.mjs"),
    `import { createAuditEmitter } from "@vouchtrail/sdk";
     import { AuditEmitter } from "@vouchtrail/sdk/core";
     const emitter = createAuditEmitter(${options});
     const { state } = await emitter.${EMIT};
     await emitter.close(1);
     console.log(state, emitter instanceof AuditEmitter);`,
  );
  await writeFile(
    join(app, "sdk.cjs"),
    `const { createAuditEmitter } = require("@vouchtrail/sdk");
     const emitter = createAuditEmitter(${options});
     emitter.${EMIT}.then(({ state }) => emitter.close(1).then(() => console.log(state)));`,
  );
  expect((await run(process.execPath, ["sdk.mjs"], { cwd: app })).stdout).toBe("spooled true\n");
  expect((await run(process.execPath, ["sdk.cjs"], { cwd: app })).stdout).toBe("spooled\n");

  await writeFile(
    join(app, "core.mjs"),
    `import { createAuditEmitter, defineAuditEvents } from "@vouchtrail/sdk/core";
     const emitter = createAuditEmitter({ url: "http://127.0.0.1:1", deadlineMs: 5 });
     const { state } = await emitter.${EMIT};
     console.log(state, typeof defineAuditEvents);
     process.exit(0);`,
  );
  expect((await run(process.execPath, ["core.mjs"], { cwd: app })).stdout).toBe("buffered function\n");

  await writeFile(
    join(app, "types.ts"),
    `import { audit, type AuditEventResult, createAuditEmitter } from "@vouchtrail/sdk";
     export const result: Promise<AuditEventResult> = createAuditEmitter().forClient("c").action("a.b").actor("agent", "x").target("t", "1").succeeded().emit();
     // @ts-expect-error An outcome that there is not.
     export const wrong = audit().emit({ clientId: "c", actionType: "a.b", actorType: "agent", actorId: "x", targetType: "t", targetId: "1", outcome: "fine" });`,
  );
  for (const [module, moduleResolution] of [
    ["node16", "node16"],
    ["esnext", "bundler"],
  ] as const) {
    const compilerOptions = {
      target: "es2022",
      lib: ["es2023", "dom"],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      module,
      moduleResolution,
    };
    const file = `tsconfig.${moduleResolution}.json`;
    await writeFile(join(app, file), JSON.stringify({ compilerOptions, files: ["types.ts"] }));
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    await run(process.execPath, [compiler, "-p", file], { cwd: app }).catch((error: { stdout: string }) => {
      throw new Error(`${moduleResolution}: ${error.stdout}`);
    });
  }
}
