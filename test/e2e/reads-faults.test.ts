import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readDataDirectory } from "@vouchtrail/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventOf, sendRequest, startTestServer } from "../hostile/running-server.ts";
import { fill } from "../page/trail.ts";
import { openReadingApp } from "../reading/reading-app.ts";
import { linesOf, type NotedReads, notedReads } from "./noted-reads.ts";

test("READ-11: a tail that is left while it is noted does not keep its place", async () => {
  let release = (): void => {};
  let noting = 0;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reading = await openReadingApp({
    reads: {
      note() {
        noting += 1;
        return gate;
      },
    },
  });
  const { port } = new URL(await reading.app.listen({ host: "127.0.0.1", port: 0 }));
  const connections = (): Promise<number> => new Promise((resolve) => reading.app.server.getConnections((_, count) => resolve(count)));
  const tails = Array.from({ length: 64 }, () =>
    request({ host: "127.0.0.1", port, path: "/api/v1/tail", agent: false })
      .on("error", () => {})
      .end(),
  );
  await expect.poll(() => noting).toBe(64);
  for (const tail of tails) tail.destroy();
  await expect.poll(connections).toBe(0);
  release();
  const again = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/tail`, { signal: again.signal });
  expect(response.status).toBe(200);
  again.abort();
  await reading.close();
});

test("READ-5: a ledger that is read-only is read all the same", async () => {
  const server = await startTestServer();
  const kept = await mkdtemp(join(tmpdir(), "vouchtrail-older-"));
  const event = eventOf();
  await fill(server, [event]);
  await server.stop();
  await cp(server.directory, kept, { recursive: true });
  await server.restart();
  await fill(server, [eventOf(), eventOf()]);
  await server.stop();
  // An older copy put back: the server starts read-only.
  await rm(server.directory, { recursive: true });
  await cp(kept, server.directory, { recursive: true });
  await server.restart();
  const { treeSize } = await server.running.ledger.head();
  expect(server.running.ledger.refusal()).toMatchObject({ code: "LEDGER_REGRESSED" });
  for (let i = 0; i < 30; i++) {
    expect((await server.send(`/api/v1/events/${event.id}`)).status).toBe(200);
    expect((await server.send(`/api/v1/events?limit=${i + 1}`)).status).toBe(200);
  }
  expect((await server.running.ledger.head()).treeSize).toBe(treeSize);
  await server.remove();
  await rm(kept, { recursive: true });
});

describe("a server that is killed", () => {
  const PROCESS = fileURLToPath(new URL("../crash/server-process.mjs", import.meta.url));
  let root = "";
  const children = new Set<ChildProcess>();
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "vouchtrail-killed-"));
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await rm(root, { recursive: true, force: true });
  });

  async function start(): Promise<{ child: ChildProcess; port: number; exited: Promise<unknown> }> {
    const child = fork(PROCESS, [join(root, "data"), join(root, "state")], { stdio: ["ignore", "ignore", "ignore", "ipc"], execArgv: [] });
    children.add(child);
    const exited = once(child, "exit").finally(() => children.delete(child));
    const [{ port }] = (await once(child, "message")) as [{ port: number }];
    return { child, port, exited };
  }

  async function readsOnDisk(): Promise<NotedReads[]> {
    const ledger = await readDataDirectory(join(root, "data"));
    const noted = await notedReads(ledger);
    await ledger.close();
    return noted;
  }

  test("READ-10: the first questions of the minute are there after a SIGKILL, what was to be summed up is not", async () => {
    const questions = 25;
    for (let round = 0; round < 3; round++) {
      const before = round === 0 ? 0 : (await readsOnDisk()).length;
      const { child, port, exited } = await start();
      const answered: string[] = [];
      for (let i = 0; i < questions; i++) {
        const id = randomUUID();
        // Nobody has it, which is an answer as well.
        for (let times = 0; times < 2; times++) expect((await sendRequest(port, `/api/v1/events/${id}`)).status).toBe(404);
        answered.push(`1 GET /api/v1/events/:id {"id":"${id}"}`);
      }
      child.kill("SIGKILL");
      await exited;
      expect(linesOf((await readsOnDisk()).slice(before))).toEqual(answered.slice(0, 20));
    }
  });

  test("READ-10: a question that is in flight is either in the trail or was not answered", async () => {
    for (let round = 0; round < 5; round++) {
      const { child, port, exited } = await start();
      const answered = new Set<string>();
      const asking = Array.from({ length: 15 }, async () => {
        const id = randomUUID();
        await sendRequest(port, `/api/v1/events/${id}`);
        answered.add(`1 GET /api/v1/events/:id {"id":"${id}"}`);
        if (answered.size === round) child.kill("SIGKILL");
      });
      if (round === 0) child.kill("SIGKILL");
      await Promise.allSettled(asking);
      child.kill("SIGKILL");
      await exited;
      expect(linesOf(await readsOnDisk())).toEqual(expect.arrayContaining([...answered]));
    }
  });

  test("READ-10: a server that is stopped writes what it has to sum up", async () => {
    const { child, port, exited } = await start();
    const before = (await readsOnDisk()).length;
    const id = randomUUID();
    for (let i = 0; i < 7; i++) await sendRequest(port, `/api/v1/events/${id}`);
    child.send({ kind: "close" });
    await exited;
    const line = `GET /api/v1/events/:id {"id":"${id}"}`;
    expect(linesOf((await readsOnDisk()).slice(before))).toEqual([`1 ${line}`, `6 ${line}`]);
  });
});
