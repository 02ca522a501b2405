import { type ChildProcess, fork } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourceView } from "@vouchtrail/events";
import { createAuditEmitter } from "@vouchtrail/sdk";
import { readDataDirectory } from "@vouchtrail/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";

/*
 * An application is killed again and again while it records events, and now and then the server as well. Everything that an `emit` said to be stored
 * or spooled must be in the trail in the end, once, and no number may be missing that the trail was not told of.
 */

const APP_KILLS = 50;
const SERVER_KILLS = 6;
const APP = fileURLToPath(new URL("./app-process.mjs", import.meta.url));

let place: Workplace;
const apps = new Set<ChildProcess>();

beforeAll(async () => {
  place = await openWorkplace();
});
afterAll(async () => {
  for (const app of apps) app.kill("SIGKILL");
  await place.close();
});

interface Told {
  readonly id?: string;
  readonly state?: string;
}

test("SDK-3, SDK-40: an application killed fifty times, and its server with it, loses nothing that was said to be kept, stores nothing twice and hides no gap", async () => {
  let server: Served = await place.serve();
  const { port, url } = server;
  const spool = place.path("spool");
  const kept = new Map<string, string>();

  for (let kill = 0; kill < APP_KILLS; kill++) {
    const app = fork(APP, [url, spool], { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] });
    apps.add(app);
    const keepsOne = new Promise<void>((resolve) => {
      app.on("message", ({ id, state }: Told) => {
        if (id === undefined || state === undefined) return;
        kept.set(id, state);
        resolve();
      });
    });
    await once(app, "message");
    // Every third is killed whenever it may be, the others once something of theirs was kept.
    if (kill % 3 !== 0) await keepsOne;
    const isServerKilled = kill % Math.ceil(APP_KILLS / SERVER_KILLS) === 3;
    await new Promise((resolve) => setTimeout(resolve, randomInt(20, 250)));
    if (isServerKilled) {
      server.child.kill("SIGKILL");
      await server.ended;
      await new Promise((resolve) => setTimeout(resolve, randomInt(50, 200)));
    }
    app.kill("SIGKILL");
    await once(app, "close");
    apps.delete(app);
    if (isServerKilled) server = await place.serve(["--data", "data", "--port", port]);
  }

  // Another process brings what the killed ones left.
  const last = createAuditEmitter({ url, spool: { directory: spool }, logger: false, source: { name: "last" } });
  const { state } = await last.emit({
    action: "a.last",
    actor: { type: "system", id: "s" },
    target: { type: "t", id: "1" },
    outcome: { status: "success" },
  });
  expect(["stored", "spooled"]).toContain(state);
  await last.flush();
  await untilSpoolIsEmpty(spool);
  await last.close();
  const response = await fetch(`${url}/api/v1/sources?source=app&wait=searchable`);
  const { sources } = (await response.json()) as { sources: SourceView[] };
  await server.stop();

  const seen = new Map<string, number>();
  const reported = new Map<string, Set<number>>();
  const ledger = await readDataDirectory(join(place.folder, "data"));
  const { treeSize } = await ledger.head();
  for await (const batch of ledger.read(0, treeSize)) {
    for (const { leaf, disclosures } of batch) {
      const { id, action } = JSON.parse(leaf) as { id: string; action: string };
      seen.set(id, (seen.get(id) ?? 0) + 1);
      if (action === "audit.events.dropped") addReported(reported, disclosures.content ?? "");
    }
  }
  await ledger.close();
  expect([...kept.keys()].filter((id) => seen.get(id) !== 1)).toEqual([]);
  expect([...seen.values()].filter((count) => count !== 1)).toEqual([]);
  const hidden = sources.flatMap(({ instance, gaps }) =>
    gaps.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, i) => from + i)
        .filter((number) => reported.get(instance)?.has(number) !== true)
        .map((number) => `${instance} ${number}`),
    ),
  );
  expect(hidden).toEqual([]);
  // The first number is that of the start entry.
  expect(sources.filter(({ firstSequence }) => firstSequence !== 0)).toEqual([]);
  expect(sources.length).toBeGreaterThan(APP_KILLS / 3);
  const spooled = [...kept.values()].filter((one) => one === "spooled").length;
  console.info(
    `${APP_KILLS} kills of the application, ${SERVER_KILLS} of the server: ${kept.size} events told of, ${spooled} of them spooled, ${treeSize} entries`,
  );
  expect(spooled).toBeGreaterThan(0);
}, 240_000);

function addReported(reported: Map<string, Set<number>>, disclosure: string): void {
  const [, , content] = JSON.parse(disclosure) as [
    string,
    string,
    { details: { missing: { instance: string; sequences: [number, number][] }[] } },
  ];
  for (const { instance, sequences } of content.details.missing) {
    const numbers = reported.get(instance) ?? new Set();
    for (const [from, to] of sequences) for (let number = from; number <= to; number++) numbers.add(number);
    reported.set(instance, numbers);
  }
}

/** Files go when all that is in them was sent. */
async function untilSpoolIsEmpty(directory: string): Promise<void> {
  while ((await readdir(directory)).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
}
