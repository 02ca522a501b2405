import { type ChildProcess, fork } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import { createTree, encodeBase64, hashLeaf, openCheckpoint } from "@vouchtrail/protocol";
import {
  dataPaths,
  openDataDirectory,
  openRememberedCheckpoints,
  readDataDirectory,
  sealEvent,
  sha256,
  verifyEd25519,
} from "@vouchtrail/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type IntakeAnswer, sendRequest } from "../hostile/running-server.ts";

/*
 * A server is killed again and again while more than a hundred requests are in flight. This process keeps what was acked and every checkpoint
 * that it saw; after each restart nothing of that may be missing, changed or there twice.
 */

const ROUNDS = 52;
/** From this round on the segment is nearly full: a start has to read all of it again, so the rounds before it are on a small one. */
const BORDER_ROUND = 40;
const IN_FLIGHT = 120;
/** So close to a full segment that it is sealed, and the id files are merged, during the last rounds. */
const PREPARED_ENTRIES = 65_300;
const CHECK_EVERY = 10;
const PROCESS = fileURLToPath(new URL("./server-process.mjs", import.meta.url));
const JSON_TYPE = { "content-type": "application/json" };

interface Acked {
  readonly index: number;
  readonly leafHash: string;
}

let root = "";
let data = "";
const children = new Set<ChildProcess>();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-crash-"));
  data = join(root, "data");
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(root, { recursive: true, force: true });
});

/** Fills the segment while no server runs. */
async function fillSegment(): Promise<void> {
  const opened = await openDataDirectory({ directory: data, remembered: openRememberedCheckpoints(join(root, "state")) });
  const { treeSize } = await opened.ledger.head();
  for (let from = treeSize; from < PREPARED_ENTRIES; from += 5_000) {
    const count = Math.min(5_000, PREPARED_ENTRIES - from);
    await opened.ledger.append(
      Array.from({ length: count }, (_, i) => {
        const at = new Date().toISOString();
        const event = { id: preparedId(from + i), occurredAt: at, tenant: "default", action: "a.prepared" };
        const rest = {
          actor: { type: "agent" as const, id: "a" },
          target: { type: "t", id: "1" },
          outcome: { status: "success" as const },
        };
        return sealEvent({ ...event, ...rest }, { at, via: "import" }, DEFAULT_PRIVACY_POLICY);
      }),
    );
  }
  await opened.ledger.close();
  opened.lock.release();
}

const preparedId = (i: number): string => `0197a3c2-0000-7000-9000-${i.toString(16).padStart(12, "0")}`;

interface ServerProcess {
  readonly child: ChildProcess;
  /** Undefined when it was killed before it listened. */
  readonly port: Promise<number | undefined>;
  readonly exited: Promise<unknown>;
}

function startServerProcess(): ServerProcess {
  const child = fork(PROCESS, [data, join(root, "state"), "error"], { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: [] });
  children.add(child);
  let errors = "";
  child.stderr?.on("data", (text: Buffer) => {
    errors += text.toString();
  });
  const exited = once(child, "exit").finally(() => children.delete(child));
  const port = new Promise<number | undefined>((resolve, reject) => {
    child.on("message", (message: { kind: string; port?: number }) => {
      if (message.kind === "started") resolve(message.port);
    });
    child.on("exit", (code, signal) => {
      if (signal === "SIGKILL") resolve(undefined);
      else reject(new Error(`The server stopped by itself with ${code}: ${errors}`));
    });
  });
  return { child, port, exited };
}

/** Everything that must survive. */
const acked = new Map<string, Acked>();
const sent = new Map<string, Record<string, unknown>>();
const checkpoints = new Map<number, string>();
let acksCount = 0;
let duplicatesCount = 0;
let unknownCount = 0;

function freshEvent(): Record<string, unknown> {
  const id = `0197a3c2-0000-7000-8000-${sent.size.toString(16).padStart(12, "0")}`;
  const event = {
    id,
    occurredAt: "2026-03-01T10:11:12.345Z",
    action: "document.read",
    actor: { type: "user", id: `user-${sent.size % 5}` },
    target: { type: "document", id: `d-${sent.size}` },
    outcome: { status: "success" },
    details: { text: "x".repeat(randomInt(400)), n: sent.size },
  };
  sent.set(id, event);
  return event;
}

/** Ids that were sent and never acked: whether they are stored is not known, so they are sent again. */
const pending = new Set<string>();

function nextBatch(): Record<string, unknown>[] {
  const batch = Array.from({ length: randomInt(6) === 0 ? randomInt(2, 40) : 1 }, freshEvent);
  const again = [...pending].slice(0, randomInt(10));
  if (randomInt(3) === 0) for (const id of again) batch.push(sent.get(id) ?? {});
  // What is acked already, and what is in this very batch.
  if (randomInt(5) === 0) batch.push(sent.get([...acked.keys()][randomInt(Math.max(1, acked.size))] ?? "") ?? batch[0]!);
  if (randomInt(5) === 0) batch.push(batch[0]!);
  return batch;
}

function remember(answer: IntakeAnswer): void {
  for (const { id, index, leafHash, duplicate } of answer.receipts) {
    const before = acked.get(id);
    if (before !== undefined) expect({ index, leafHash }, `${id} is acked twice`).toEqual(before);
    acked.set(id, { index, leafHash });
    pending.delete(id);
    acksCount += 1;
    if (duplicate) duplicatesCount += 1;
  }
}

/** Keeps requests in flight until the server is gone. */
async function load(port: number, isOver: () => boolean): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT + 4 });
  const send = async (): Promise<void> => {
    while (!isOver()) {
      const batch = nextBatch();
      for (const { id } of batch) if (!acked.has(String(id))) pending.add(String(id));
      try {
        const { status, text } = await sendRequest(
          port,
          "/api/v1/events",
          { method: "POST", headers: JSON_TYPE, body: JSON.stringify(batch.length === 1 ? batch[0] : batch) },
          agent,
        );
        if (status === 201) remember(JSON.parse(text) as IntakeAnswer);
        else expect(status, text.slice(0, 300)).toBe(503);
      } catch (error) {
        if (!(error instanceof Error && "code" in error)) throw error; // The connection broke: the outcome is unknown.
        unknownCount += 1;
        return;
      }
    }
  };
  const watch = async (): Promise<void> => {
    while (!isOver()) {
      try {
        await see((await sendRequest(port, "/tlog/main/checkpoint", {}, agent)).text);
      } catch (error) {
        if (!(error instanceof Error && "code" in error)) throw error;
        return;
      }
    }
  };
  await Promise.all([...Array.from({ length: IN_FLIGHT }, send), watch()]);
  agent.destroy();
}

async function see(note: string): Promise<void> {
  const [, size = ""] = note.split("\n");
  const before = checkpoints.get(Number(size));
  if (before !== undefined) expect(rootOf(note), `two roots of size ${size}`).toBe(rootOf(before));
  checkpoints.set(Number(size), note);
}

const rootOf = (note: string): string | undefined => note.split("\n")[2];

/** Reads the whole folder of a stopped server: every ack, every checkpoint and every root. */
async function checkFolder(isFinal = false): Promise<{ treeSize: number; erasedCount: number }> {
  const ledger = await readDataDirectory(data);
  const { treeSize, rootHash } = await ledger.head();
  const seenIds = new Map<string, number>();
  const tree = createTree(sha256);
  const faults: string[] = [];
  const bare = new Set<number>();
  let lastAt = "";
  const erased = new Set<number>();
  for await (const batch of ledger.read(0, treeSize)) {
    for (const { index, leaf, disclosures } of batch) {
      const { id, tenant, received, system } = JSON.parse(leaf) as {
        id: string;
        tenant: string;
        received: { at: string };
        system?: { erases?: { content: [number, number][] } };
      };
      if (received.at < lastAt) faults.push(`received.at of ${index} goes back from ${lastAt} to ${received.at}`);
      lastAt = received.at;
      const key = `${tenant} ${id}`;
      if (seenIds.has(key)) faults.push(`${id} is stored at ${seenIds.get(key)} and ${index}`);
      seenIds.set(key, index);
      const leafHash = hashLeaf(Buffer.from(leaf), sha256);
      const ack = acked.get(id);
      if (ack !== undefined && (ack.index !== index || ack.leafHash !== encodeBase64(leafHash)))
        faults.push(`${id} differs from its receipt`);
      if (sent.has(id) && disclosures.content === undefined) bare.add(index);
      for (const [from, to] of system?.erases?.content ?? []) for (let i = from; i < Math.min(to, index); i++) erased.add(i);
      tree.append(leafHash);
      const note = checkpoints.get(index + 1);
      if (note !== undefined) {
        const { rootHash: signed } = openCheckpoint(note, { vkey: ledger.vkey, sha256, verify: verifyEd25519 });
        if (encodeBase64(signed) !== encodeBase64(tree.root())) faults.push(`the checkpoint of size ${index + 1} does not hold`);
      }
    }
  }
  for (const index of bare) if (!erased.has(index)) faults.push(`the content of ${index} is gone without an erasure`);
  // Until the server has finished it, an erased section may still be there.
  if (isFinal) for (const index of erased) if (!bare.has(index)) faults.push(`the content of ${index} was erased and is still there`);
  for (const id of acked.keys()) if (!seenIds.has(`default ${id}`)) faults.push(`${id} was acked and is missing`);
  for (const size of checkpoints.keys()) if (size > treeSize) faults.push(`the checkpoint of size ${size} is beyond the ledger`);
  expect(faults.slice(0, 10)).toEqual([]);
  expect(encodeBase64(tree.root())).toBe(encodeBase64(rootHash));
  expect(seenIds.size).toBe(treeSize);
  await ledger.close();
  return { treeSize, erasedCount: erased.size };
}

async function checkSample(port: number): Promise<void> {
  const ids = [...acked.keys()];
  for (let i = 0; i < Math.min(12, ids.length); i++) {
    const id = i < 6 ? ids[ids.length - 1 - i]! : ids[randomInt(ids.length)]!;
    const { status, text } = await sendRequest(port, `/api/v1/events/${id}`);
    expect(status, text).toBe(200);
    expect(JSON.parse(text), id).toMatchObject(acked.get(id)!);
  }
}

test("LEDGER-3: a server killed at random moments, more than fifty times, loses nothing that was acked and stores nothing twice", async () => {
  let isRecovering = false;
  for (let round = 0; round < ROUNDS; round++) {
    if (round === BORDER_ROUND) await fillSegment();
    const server = startServerProcess();
    // Every fourth start is killed while it recovers, at the latest when it listens.
    isRecovering = round % 4 === 3;
    if (isRecovering) {
      const killer = setTimeout(() => server.child.kill("SIGKILL"), randomInt(150, 700));
      const port = await server.port;
      clearTimeout(killer);
      if (port !== undefined) server.child.kill("SIGKILL");
      await server.exited;
      continue;
    }
    const port = await server.port;
    if (port === undefined) throw new Error("The server was killed by somebody else.");
    await checkSample(port);
    let isOver = false;
    const loading = load(port, () => isOver);
    // Where the first round was killed before its first ack there is nothing to erase yet.
    if (round % 5 === 1 && acked.size > 0) {
      // Entries of this test only: the server's own have no sections.
      const { index } = [...acked.values()][randomInt(acked.size)]!;
      server.child.send({ kind: "erase", ranges: { content: [[index, index + 1]] } });
    }
    const killer = setTimeout(() => server.child.kill("SIGKILL"), randomInt(40, 350));
    await server.exited;
    clearTimeout(killer);
    isOver = true;
    await loading;
    if (round % CHECK_EVERY === 0) await checkFolder();
  }

  // What was never acked is sent again; then everything is there once.
  const last = startServerProcess();
  const port = (await last.port) ?? 0;
  const open = [...pending].map((id) => sent.get(id) ?? {});
  for (let i = 0; i < open.length; i += 500) {
    const { status, text } = await sendRequest(port, "/api/v1/events", {
      method: "POST",
      headers: JSON_TYPE,
      body: JSON.stringify(open.slice(i, i + 500)),
    });
    expect(status, text.slice(0, 300)).toBe(201);
    remember(JSON.parse(text) as IntakeAnswer);
  }
  expect(pending.size).toBe(0);
  await see((await sendRequest(port, "/tlog/main/checkpoint")).text);
  const checked = once(last.child, "message");
  last.child.send({ kind: "check" });
  expect((await checked)[0].report).toMatchObject({ isGood: true });
  last.child.send({ kind: "close" });
  await last.exited;
  const { treeSize, erasedCount } = await checkFolder(true);

  const segments = await readdir(join(dataPaths(data).ledger, "segments"));
  expect(segments).toHaveLength(Math.ceil(treeSize / 65_536));
  expect(treeSize).toBeGreaterThan(65_536);
  const [first = ""] = segments.sort();
  expect((await readFile(join(dataPaths(data).ledger, "segments", first))).subarray(0, 19).toString()).toBe("vouchtrail-sealed/1");
  expect(erasedCount).toBeGreaterThan(3);
  expect(acked.size).toBe(sent.size);
  expect(unknownCount).toBeGreaterThan(500);
  expect(duplicatesCount).toBeGreaterThan(10);
  // How many are met depends on how busy the machine is.
  expect(checkpoints.size).toBeGreaterThan(5);
  console.info(
    `${ROUNDS} kills, ${acksCount} acks (${duplicatesCount} duplicates), ${unknownCount} requests cut off, ${checkpoints.size} checkpoints, ${treeSize} entries`,
  );
}, 420_000);
