import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type DataLock, lockDataDirectory } from "../../packages/server/src/ledger/lock.ts";

/** Takes the directory as where the file system may be written by another machine, to which sockets say nothing. */
function lockShared(directory: string): Promise<DataLock> {
  return lockDataDirectory(directory, { isLocal: async () => false, lockWithSocket: async () => undefined });
}

/** A process of its own that holds DuckDB's lock as {@link lockShared} does, until it is killed. */
function holdElsewhere(directory: string): Promise<ChildProcess> {
  const program =
    'const { DuckDBInstance } = await import("@duckdb/node-api");' +
    'const held = await DuckDBInstance.create(process.argv[1], { threads: "1" });' +
    'process.stdout.write("held"); setInterval(() => held, 1_000);';
  const cwd = new URL("../../packages/server", import.meta.url);
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, join(directory, "lock.duckdb")], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.stdout.once("data", () => resolve(child));
    child.once("exit", () => reject(new Error("The other process ended too early.")));
  });
}

test("LEDGER-2: a second writer is turned away with the first one's process id, and let in when that was killed", async () => {
  const directory = await mkdtemp(join(tmpdir(), "vouchtrail-lock-"));
  const child = await holdElsewhere(directory);
  await expect(lockShared(directory)).rejects.toMatchObject({
    code: "LEDGER_LOCKED",
    message: expect.stringContaining(`Process ${child.pid} `),
  });
  const ended = new Promise((resolve) => {
    child.once("close", resolve);
  });
  child.kill("SIGKILL");
  await ended;
  const lock = await lockShared(directory);
  lock.release();
  await rm(directory, { recursive: true, force: true });
});
