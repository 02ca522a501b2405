import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFileSpool } from "../../packages/sdk/src/node/spool/file-spool.ts";

/* What the operating system refuses to a process with a spool. */

const PROCESS = fileURLToPath(new URL("./spool-process.mjs", import.meta.url));
const APPENDS = 120;

let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-spool-faults-"));
  await chmod(root, 0o755);
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** What became of each append, and of a take: `done`, or the codes of the error. */
async function tryAppends(setup: string, directory: string, user: "nobody" | "anybody"): Promise<Map<string, string>> {
  const child = spawn("sh", ["-c", `${setup} exec "$0" "$@"`, process.execPath, PROCESS, "trier", directory, user], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect(code).toBe(0);
  const lines = output.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
}

test("SDK-16: writes that the system cuts off midway lose no event that was acknowledged, and the next append works", async () => {
  const directory = join(root, "cut-off");
  // Blocks of 512 bytes: no file may grow beyond some 25 kB.
  const results = await tryAppends("ulimit -f 50;", directory, "anybody");
  const codes = [...results.values()];
  expect(codes).toHaveLength(APPENDS + 1);
  expect(new Set(codes)).toEqual(new Set(["done", "SPOOL_FAILED EFBIG"]));
  expect(codes.filter((code) => code !== "done").length).toBeLessThan(APPENDS / 10);

  const problems: unknown[] = [];
  const spool = openFileSpool({ directory, onProblem: (error) => problems.push(error) });
  const given: string[] = [];
  for (;;) {
    const batch = await spool.take({ eventsMax: 100, bytesMax: 1_048_576 });
    if (batch === undefined) break;
    given.push(...batch.events.map(({ id }) => id));
    await batch.done();
  }
  await spool.close();
  const acked = [...results].filter(([id, code]) => code === "done" && id !== "take").map(([id]) => id);
  expect(given).toEqual(acked);
  expect(problems).toEqual([]);
  expect(await readdir(directory)).toEqual([]);
});

test("SDK-16: a folder in which nothing may be written fails each append with the cause, and stays as it is", async () => {
  const directory = join(root, "read-only");
  await mkdir(directory);
  await chmod(directory, 0o555);
  const results = await tryAppends("", directory, "nobody");
  expect(results.get("take")).toBe("done");
  results.delete("take");
  expect(new Set(results.values())).toEqual(new Set(["SPOOL_FAILED EACCES"]));
  expect(results.size).toBe(APPENDS);
  expect(await readdir(directory)).toEqual([]);
  expect((await stat(directory)).mode & 0o777).toBe(0o555);
});
