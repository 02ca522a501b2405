import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cp, lstat, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type DataLock, lockDataDirectory, lockWithoutNative } from "../../packages/server/src/ledger/lock.ts";
import { lockWithSocket } from "../../packages/server/src/ledger/lock-socket.ts";

const PROGRAM = fileURLToPath(new URL("./lock-process.mjs", import.meta.url));

let directory: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vouchtrail-lock-"));
});
afterEach(async () => {
  await Promise.all([...children].map(kill));
  await rm(directory, { recursive: true, force: true });
});

interface Answer {
  readonly pid: number;
  readonly holds: boolean;
  readonly code?: string;
  readonly message?: string;
}

type Kind = "server" | "shared-server" | "trail";

async function start(kind: Kind, where = directory): Promise<ChildProcess> {
  const child = fork(PROGRAM, [where, kind], { execArgv: [] });
  children.add(child);
  await once(child, "message");
  return child;
}

async function tell(child: ChildProcess, order: "take" | "release"): Promise<Answer> {
  const answered = once(child, "message");
  child.send(order);
  const [answer] = (await answered) as [Answer];
  return answer;
}

async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

const LOCKED = { code: "LEDGER_LOCKED" };

test("SDK-61: a server and a trail turn each other away with the process id of the holder, and let each other in when it was killed", async () => {
  for (const [holding, asking] of [
    ["server", "trail"],
    ["trail", "server"],
    ["trail", "trail"],
    ["server", "server"],
    ["shared-server", "trail"],
    ["server", "shared-server"],
  ] as const) {
    const [holder, other] = await Promise.all([start(holding), start(asking)]);
    expect(await tell(holder, "take")).toMatchObject({ holds: true });
    const message = expect.stringContaining(`Process ${holder.pid} has ${directory} open`);
    expect(await tell(other, "take")).toMatchObject({ ...LOCKED, holds: false, message });
    await kill(holder);
    expect(await tell(other, "take")).toMatchObject({ holds: true });
    await kill(other);
  }
});

test("SDK-61: of many processes that try at once one wins, again and again, also when the winner is killed or gives back", async () => {
  const kinds: readonly Kind[] = ["trail", "server", "trail", "trail"];
  let rivals = await Promise.all(kinds.map((kind) => start(kind)));
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(rivals.map((rival) => tell(rival, "take")));
    const winners = rivals.filter((_, i) => answers[i]?.holds);
    expect(winners).toHaveLength(1);
    expect(answers.filter(({ holds }) => !holds).map(({ code }) => code)).toEqual(["LEDGER_LOCKED", "LEDGER_LOCKED", "LEDGER_LOCKED"]);
    const [winner] = winners;
    if (winner === undefined) continue;
    if (round % 3 === 0) {
      const kind = kinds[rivals.indexOf(winner)] ?? "trail";
      await kill(winner);
      const heir = await start(kind);
      rivals = rivals.map((rival) => (rival === winner ? heir : rival));
    } else await tell(winner, "release");
  }
  // What the rounds leave behind stays small.
  expect((await readdir(join(directory, "lock"))).length).toBeLessThanOrEqual(rivals.length + 2);
});

test("SDK-61: within one process, of many callers that take and give back at random moments never two hold the lock", async () => {
  let holders = 0;
  let holdersMax = 0;
  let taken = 0;
  const codes = new Set<string>();
  async function contend(): Promise<void> {
    for (let i = 0; i < 25; i++) {
      const lock = await lockWithoutNative(directory).catch((error: { code: string }) => void codes.add(error.code));
      if (lock === undefined) continue;
      holders += 1;
      taken += 1;
      holdersMax = Math.max(holdersMax, holders);
      await readdir(directory);
      holders -= 1;
      lock.release();
    }
  }
  await Promise.all(Array.from({ length: 12 }, contend));
  expect(holdersMax).toBe(1);
  expect(taken).toBeGreaterThan(12);
  expect([...codes]).toEqual(["LEDGER_LOCKED"]);
});

test("SDK-61: a holder that is stopped still holds the lock, and nobody waits for it", async () => {
  const holder = await start("trail");
  await tell(holder, "take");
  holder.kill("SIGSTOP");
  const refused = { ...LOCKED, message: expect.stringMatching(/^Another process has/) };
  await Promise.all([
    expect(lockWithoutNative(directory)).rejects.toMatchObject(refused),
    expect(lockDataDirectory(directory)).rejects.toMatchObject(refused),
  ]);
  await kill(holder);
  (await lockDataDirectory(directory)).release();
});

test("SDK-61: the same process is turned away too, before anything drops its own lock", async () => {
  const lock = await lockDataDirectory(directory);
  await expect(lockWithoutNative(directory)).rejects.toMatchObject(LOCKED);
  await expect(lockDataDirectory(directory)).rejects.toMatchObject({ ...LOCKED, message: expect.stringContaining("which is this one") });
  const other = await start("server");
  expect(await tell(other, "take")).toMatchObject(LOCKED);
  lock.release();
  expect(await tell(other, "take")).toMatchObject({ holds: true });
});

test("SDK-64: what a killed holder left is dead, wherever it is copied or moved to, and a folder that was given back can be copied", async () => {
  const holder = await start("trail");
  await tell(holder, "take");
  await kill(holder);
  expect((await lstat(join(directory, "lock", "1"))).isSocket()).toBe(true);
  const lock = await lockWithoutNative(directory);
  lock.release();
  // A program's own copy takes no sockets: the newest name is an ordinary file now, and the old one is all that is left of the killed process.
  await rm(join(directory, "lock", "1"));
  const copy = `${directory}-copy`;
  await cp(directory, copy, { recursive: true });
  const [here, there] = await Promise.all([lockWithoutNative(directory), lockWithoutNative(copy)]);
  here.release();
  there.release();
  await rm(copy, { recursive: true });
});

test("SDK-64: giving back does not take the lock from whoever holds a folder that was made anew under the same name", async () => {
  const lock = await lockWithoutNative(directory);
  await rename(directory, `${directory}-old`);
  await mkdir(directory);
  const newer = await lockWithoutNative(directory);
  lock.release();
  await expect(lockWithoutNative(directory)).rejects.toMatchObject(LOCKED);
  newer.release();
  await rm(`${directory}-old`, { recursive: true });
});

test("SDK-64: a path that is too long for the address of a socket can be locked, and is the same folder for everybody", async () => {
  const deep = join(directory, "d".repeat(120), "e".repeat(120));
  await mkdir(deep, { recursive: true });
  const holder = await start("trail", deep);
  expect(await tell(holder, "take")).toMatchObject({ holds: true });
  await expect(lockWithoutNative(deep)).rejects.toMatchObject({ message: expect.stringContaining(`Process ${holder.pid} `) });
  await kill(holder);
  (await lockWithoutNative(deep)).release();
});

test("SDK-64: where a socket says nothing about other machines, or there are none, the lock of DuckDB is taken as well", async () => {
  const server = await start("shared-server");
  await tell(server, "take");
  let released = 0;
  const elsewhere: DataLock = {
    release: () => {
      released += 1;
    },
  };
  const remote = { isLocal: async () => false, lockWithSocket: async () => elsewhere };
  const without = { isLocal: async () => true, lockWithSocket: async () => undefined };
  for (const surroundings of [remote, without])
    await expect(lockWithoutNative(directory, surroundings)).rejects.toMatchObject({
      ...LOCKED,
      message: expect.stringContaining(`Process ${server.pid} `),
    });
  // A lock that was taken in vain is given back.
  expect(released).toBe(1);
  await kill(server);
  for (const surroundings of [remote, without]) (await lockWithoutNative(directory, surroundings)).release();
});

test("SDK-64: a folder that cannot be written or entered is told with what to do", async () => {
  await expect(lockWithSocket(join(directory, "missing"))).rejects.toMatchObject({ code: "DATA_UNREADABLE" });
  await writeFile(join(directory, "file"), "");
  await expect(lockWithSocket(join(directory, "file"))).rejects.toMatchObject({
    code: "DATA_UNREADABLE",
    message: expect.stringContaining("Check owner"),
  });
});
