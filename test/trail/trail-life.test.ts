import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLogger, loadConfig, openTrail, startServer, type Trail, verifyLedgerFolder } from "@vouchtrail/server";
import { afterEach, beforeEach, expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("./trail-process.mjs", import.meta.url));

let folder: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-trail-"));
});
afterEach(async () => {
  await Promise.all([...children].map(kill));
  await rm(folder, { recursive: true, force: true });
});

interface Told {
  readonly opened?: boolean;
  readonly refused?: string;
  readonly message?: string;
  readonly acked?: readonly { readonly id: string; readonly index: number }[];
}

function start(work: "emit" | "wait"): ChildProcess {
  const child = fork(PROGRAM, [join(folder, "data"), join(folder, "state"), work], { execArgv: [] });
  children.add(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  // Not "exit": what the process told before it was killed must have arrived.
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

function open(): Promise<Trail> {
  return openTrail({ dir: join(folder, "data"), config: { state: join(folder, "state") }, logger: createLogger("silent") });
}

test("SDK-62: a process that is killed again and again while it records loses nothing that was acked", async () => {
  const acked = new Map<string, number>();
  for (let run = 0; run < 4; run++) {
    const child = start("emit");
    const before = acked.size;
    await new Promise<void>((resolve, reject) => {
      child.on("message", (told: Told) => {
        if (told.refused !== undefined) reject(new Error(told.refused));
        for (const { id, index } of told.acked ?? []) acked.set(id, index);
        if (acked.size >= before + 20 * (run + 1)) resolve();
      });
      child.once("exit", () => reject(new Error("The process ended by itself.")));
    });
    await kill(child);
  }
  await using trail = await open();
  for (const [id, index] of acked) expect(await trail.ledger.findById(id)).toEqual([index]);
  const [id = ""] = [...acked.keys()].slice(-1);
  expect(await trail.reader.get(id)).toMatchObject({ event: { id, action: "thing.made" } });
  await trail.close();
  expect(await verifyLedgerFolder({ folder: join(folder, "data", "ledger", "main") })).toMatchObject({ findings: [] });
});

test("SDK-61: while a process has the trail open, a second one and a server are turned away", async () => {
  const holder = start("wait");
  expect((await once(holder, "message"))[0]).toEqual({ opened: true });
  const message = expect.stringContaining(`Process ${holder.pid} `);
  const second = start("wait");
  expect((await once(second, "message"))[0]).toEqual({ refused: "LEDGER_LOCKED", message });
  const loaded = await loadConfig({
    environment: { VOUCHTRAIL_CONFIG: "" },
    flags: { data: join(folder, "data"), state: join(folder, "state"), "http.port": 0 },
  });
  const starting = { loaded, environment: {}, logger: createLogger("silent") };
  await expect(startServer(starting)).rejects.toMatchObject({ code: "LEDGER_LOCKED", message });
  const exited = once(holder, "exit");
  holder.send("close");
  await exited;

  const server = await startServer(starting);
  await expect(open()).rejects.toMatchObject({ code: "LEDGER_LOCKED" });
  const event = {
    id: "0190a8d0-0000-7000-8000-000000000001",
    occurredAt: "2026-01-02T03:04:05.000Z",
    action: "a.b",
    actor: { type: "user", id: "u" },
    target: { type: "t", id: "1" },
    outcome: { status: "success" },
  };
  const response = await fetch(`${server.url}/api/v1/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(event),
  });
  const { receipts } = (await response.json()) as { receipts: object[] };
  await server.close();
  // What the server took is known to the trail.
  await using trail = await open();
  expect(await trail.send([{ id: event.id, json: JSON.stringify(event) }])).toEqual([{ receipt: { ...receipts[0], duplicate: true } }]);
});
