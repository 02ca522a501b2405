import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFileSpool } from "../../packages/sdk/src/node/spool/file-spool.ts";

/*
 * Processes with one spool folder are killed in the midst of appending and of draining. Whatever they told to be appended must be given to somebody.
 */

const PROCESS = fileURLToPath(new URL("./spool-process.mjs", import.meta.url));
const WRITER_KILLS = 24;
const WRITERS_AT_ONCE = 3;
const DRAINER_KILLS = 6;

let directory = "";
const children = new Set<ChildProcess>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "vouchtrail-spool-kills-"));
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

/** Runs a process, kills it after some lines, and gives every whole line that it wrote. */
async function runAndKill(role: "writer" | "drainer", name: string, linesMax: number): Promise<string[]> {
  const child = spawn(process.execPath, [PROCESS, role, directory, name], { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  const closed = once(child, "close");
  let output = "";
  const killAfter = randomInt(1, linesMax);
  let lines = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    lines += text.split("\n").length - 1;
    if (lines >= killAfter) child.kill("SIGKILL");
  });
  const [, signal] = await closed;
  children.delete(child);
  expect(signal).toBe("SIGKILL");
  return output
    .slice(0, output.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "");
}

test("SDK-11, SDK-13: every event whose append resolved is given out, however often its process and those who drain are killed", async () => {
  const acked: string[] = [];
  const delivered: string[] = [];
  let started = 0;
  const writing = Array.from({ length: WRITERS_AT_ONCE }, async () => {
    while (started < WRITER_KILLS) {
      started += 1;
      acked.push(...(await runAndKill("writer", `w${started}`, 400)));
    }
  });
  const draining = (async () => {
    for (let i = 0; i < DRAINER_KILLS; i += 1) delivered.push(...(await runAndKill("drainer", `d${i}`, 500)));
  })();
  await Promise.all([...writing, draining]);

  const problems: unknown[] = [];
  const spool = openFileSpool({ directory, onProblem: (error) => problems.push(error) });
  const limits = { eventsMax: 1_000, bytesMax: 4 * 1_048_576 };
  /** Of another content, or out of the order of its process. */
  const wrong: string[] = [];
  const last = new Map<string, number>();
  for (let batch = await spool.take(limits); batch !== undefined; batch = await spool.take(limits)) {
    for (const { id, json } of batch.events) {
      delivered.push(id);
      const [writer = "", number] = id.split("-");
      if (JSON.parse(json).id !== id || Number(number) <= (last.get(writer) ?? -1)) wrong.push(id);
      last.set(writer, Number(number));
    }
    await batch.done();
  }
  await spool.close();

  const given = new Set(delivered);
  expect(acked.length).toBeGreaterThan(WRITER_KILLS);
  expect(acked.filter((id) => !given.has(id))).toEqual([]);
  expect(wrong).toEqual([]);
  expect(problems).toEqual([]);
  expect(await readdir(directory)).toEqual([]);
});
