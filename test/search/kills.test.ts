import { type ChildProcess, fork } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CheckReport } from "../../packages/server/src/followers/search/index-check.ts";
import { openIndexedLedger } from "./indexed-ledger.ts";

/*
 * The process of the index, and the whole server with it, are killed again and again while entries are indexed. Files of 1,024 entries and row
 * groups of 128 rows: moves, new files and writes to the log happen all the time.
 */

const INDEX_KILLS = 12;
const SERVER_KILLS = 6;
const PROCESS = fileURLToPath(new URL("./index-process.mjs", import.meta.url));

let root: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-kills-"));
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(root, { recursive: true, force: true });
});

function startProcess(...parameters: readonly string[]): ChildProcess {
  const child = fork(PROCESS, [join(root, "data"), ...parameters], { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

type Message = { readonly kind: string; readonly [name: string]: unknown };

/** The next message of that kind; rejects when the process ends before. */
function messageOf(child: ChildProcess, kind: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    child.on("message", (message: Message) => {
      if (message.kind === kind) resolve(message);
    });
    child.once("exit", (code, signal) => reject(new Error(`The process ended (${signal ?? code}) before it said ${kind}.`)));
  });
}

/** Whether a process of that id is there. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("INDEX-1: the process of the index is killed at random moments: every entry is acked meanwhile, and the index equals the ledger by itself", async () => {
  await using indexed = await openIndexedLedger({ layout: { fileEntries: 1_024, rowGroupRows: 128 } });
  let isOver = false;
  let acked = 0;
  const load = async (): Promise<void> => {
    while (!isOver) {
      const events = Array.from({ length: randomInt(1, 30) }, () => ({
        context: { sessionId: "s", callId: `call-${randomInt(3_000)}` },
        details: { text: "x".repeat(randomInt(300)) },
      }));
      await indexed.append(events);
      acked += events.length;
      await new Promise((resolve) => setTimeout(resolve, 20 + randomInt(60)));
    }
  };
  const loading = load();
  for (let kill = 0; kill < INDEX_KILLS; kill++) {
    await indexed.opened();
    // Every other time when it has caught up: one that never gets anything done is started again ever more slowly.
    if (kill % 2 === 1) await indexed.caughtUp(acked);
    await new Promise((resolve) => setTimeout(resolve, randomInt(300)));
    await indexed.kill();
  }
  isOver = true;
  await loading;
  await indexed.caughtUp();
  expect(await indexed.search.check()).toMatchObject({ entries: acked, isGood: true });
  // A file that was just being made, or opened twice, may have been made anew.
  const { files, searchedTo } = await indexed.search.state();
  expect(searchedTo).toBe(acked);
  const endCount = indexed.notices.filter(({ kind }) => kind === "ended").length;
  console.info(`${endCount} kills of the index process, ${acked} entries acked, ${files.length} index files`);
  expect(endCount).toBeGreaterThanOrEqual(INDEX_KILLS);
  expect(files.length).toBeGreaterThan(2);
}, 240_000);

test("INDEX-1: the whole server is killed at random moments: after each start the index goes on by itself, and in the end it equals the ledger", async () => {
  let highest = -1;
  for (let kill = 0; kill < SERVER_KILLS; kill++) {
    const child = startProcess("load");
    child.on("message", (message: Message) => {
      if (message.kind === "acked") highest = Math.max(highest, Number(message.index));
    });
    await messageOf(child, "started");
    await new Promise((resolve) => setTimeout(resolve, randomInt(1_200)));
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  const last = startProcess("load");
  const checked = messageOf(last, "checked");
  last.send({ kind: "check" });
  const { report, treeSize, rows } = (await checked) as Message & { report: CheckReport; treeSize: number; rows: unknown[][] };
  expect(report).toMatchObject({ isGood: true, entries: treeSize });
  expect(rows[0]?.map(Number)).toEqual([treeSize, treeSize]);
  expect(treeSize).toBeGreaterThan(highest);
  console.info(`${SERVER_KILLS} kills of the server, ${highest + 1} entries acked`);
  last.send({ kind: "close" });
  await once(last, "exit");
}, 240_000);

test("INDEX-12: the process of the index ends with a server that is killed, also in the midst of a query that would never end", async () => {
  const child = startProcess();
  const opened = new Promise<number>((resolve) => {
    child.on("message", (message: Message) => {
      const notice = message.notice as { kind: string; pid: number } | undefined;
      if (notice?.kind === "opened") resolve(notice.pid);
    });
  });
  const pid = await opened;
  const asking = messageOf(child, "asking");
  child.send({ kind: "sql", sql: "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3" });
  await asking;
  // Nothing tells when the engine has begun with it.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(isAlive(pid)).toBe(true);
  child.kill("SIGKILL");
  await untilGone(pid);
  expect(isAlive(pid)).toBe(false);
}, 60_000);
