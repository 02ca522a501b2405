import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditEvent, DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import { encodeBundle, encodeUtf8, levelSize, parseTilePath, type Signer, tilePath, tileWidth } from "@vouchtrail/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sealEvent, sealSystemEntry } from "../intake/seal.ts";
import { generateSeed, signerFromSeed } from "../ledger/ed25519.ts";
import { type FileLedger, openFileLedger } from "../ledger/file-ledger.ts";
import type { SealedEntry } from "../ledger/ledger.ts";
import { verifyServer } from "./verify-server.ts";

// More than one segment, so that level 2 has a tile too.
const ENTRIES = 66_100;
const signer = signerFromSeed("example.org/served", generateSeed());
let root = "";
let ledger: FileLedger;
let note = "";
let remembered = "";

function sealNumber(i: number): SealedEntry {
  const event: AuditEvent = {
    id: `00000000-0000-7000-8000-${String(i).padStart(12, "0")}`,
    occurredAt: "2026-01-31T12:00:00.000Z",
    tenant: "default",
    action: "document.read",
    actor: { type: "service", id: "reader" },
    target: { type: "document", id: `document-${i}` },
    outcome: { status: "success" },
  };
  return sealEvent(event, { at: "2026-01-31T12:00:01.000Z", via: "http" }, DEFAULT_PRIVACY_POLICY);
}

function open(directory: string, key: Signer): Promise<FileLedger> {
  return openFileLedger({
    directory: join(directory, "ledger/main"),
    signer: key,
    idsDirectory: join(directory, "ids"),
    recoveredDirectory: join(directory, "recovered"),
    erasuresFile: join(directory, "erasures.json"),
    checkpointIntervalMs: 60_000,
  });
}

async function fill(target: FileLedger, count: number, from = 0): Promise<void> {
  for (let i = from; i < from + count; i += 4_000) {
    await target.append(Array.from({ length: Math.min(4_000, from + count - i) }, (_, k) => sealNumber(i + k)));
  }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-served-"));
  ledger = await open(root, signer);
  await fill(ledger, 40_000);
  await ledger.waitForCheckpoint(40_000, AbortSignal.timeout(30_000));
  remembered = await ledger.checkpoint();
  await fill(ledger, ENTRIES - 40_001, 40_000);
  await ledger.append([
    sealSystemEntry({ action: "ledger.created", ledger: "main", system: { created: true } }, "2026-01-31T12:00:02.000Z"),
  ]);
  await ledger.waitForCheckpoint(ENTRIES, AbortSignal.timeout(30_000));
  note = await ledger.checkpoint();
});
afterAll(async () => {
  await ledger.close();
  await rm(root, { recursive: true, force: true });
});

type Change = (path: string, bytes: Uint8Array) => Uint8Array | number;

/** The monitoring interface of the real ledger, with a hand on the wire: a number answers with that status. */
function wire(change: Change = (_path, bytes) => bytes): typeof fetch {
  return async (input) => {
    const path = new URL(String(input)).pathname.replace("/tlog/main/", "");
    const answer = change(path, await serve(path));
    return typeof answer === "number" ? new Response(null, { status: answer }) : new Response(new Uint8Array(answer));
  };
}

async function serve(path: string): Promise<Uint8Array> {
  if (path === "checkpoint") return encodeUtf8(note);
  if (path === "vkey") return encodeUtf8(`${ledger.vkey}\n`);
  const { level, n, width } = parseTilePath(path);
  if (level !== "entries") return ledger.tile(level, n, width);
  const leaves: Uint8Array[] = [];
  for await (const batch of ledger.read(n * 256, n * 256 + width)) for (const { leaf } of batch) leaves.push(encodeUtf8(leaf));
  return encodeBundle(leaves);
}

const url = "http://127.0.0.1:7431/";
const flipIn =
  (target: string, at: number): Change =>
  (path, bytes) => {
    if (path !== target) return bytes;
    const changed = new Uint8Array(bytes);
    changed[at] = changed[at]! ^ 1;
    return changed;
  };

test("VERDICT-10: a served log holds: every tile is authenticated, every leaf hashed, the remembered checkpoint inside it", async () => {
  const report = await verifyServer({ url, fetch: wire(), rememberedNote: remembered, vkey: ledger.vkey });
  expect(report).toMatchObject({ verdict: "holds", treeSize: ENTRIES, entries: ENTRIES, remembered: { size: 40_000 }, newestNote: note });
  expect(report.findings.map(({ code }) => code)).toEqual(["SECTIONS_NOT_CHECKED"]);
  expect((await verifyServer({ url, fetch: wire() })).verdict).toBe("holds-unremembered");
});

test("VERDICT-10: one bit flipped in a tile of any level, in a bundle, in vkey or checkpoint is found", async () => {
  const last = Math.floor(ENTRIES / 256);
  const partials = [0, 1, 2].map((level) => {
    const n = Math.floor(levelSize(level, ENTRIES) / 256);
    return tilePath(level, n, tileWidth(level, n, ENTRIES));
  });
  for (const path of [
    tilePath(0, 0),
    tilePath(0, 200),
    tilePath(1, 0),
    ...partials,
    "tile/entries/000",
    `tile/entries/${last}.p/${ENTRIES % 256}`,
    "vkey",
    "checkpoint",
  ]) {
    const report = await verifyServer({ url, fetch: wire(flipIn(path, 21)), rememberedNote: remembered });
    expect(report.verdict, path).toBe("damaged");
  }
});

test("VERDICT-10: a server that keeps its entries to itself is checked by its hashes, and the report says so", async () => {
  const refusing: Change = (path, bytes) => (path.startsWith("tile/entries/") ? 403 : bytes);
  const report = await verifyServer({ url, fetch: wire(refusing), rememberedNote: remembered });
  expect(report).toMatchObject({ verdict: "holds", entries: 0, treeSize: ENTRIES });
  expect(report.findings.map(({ code }) => code)).toEqual(["LEAVES_NOT_CHECKED", "SECTIONS_NOT_CHECKED"]);
  const lossy: Change = (path, bytes) => (path === "tile/entries/007" ? 404 : bytes);
  expect((await verifyServer({ url, fetch: wire(lossy) })).findings[0]).toMatchObject({ code: "ENTRIES_MISSING", index: 1_792 });
});

test("VERDICT-10, rows 3 and 15: a server that shows a shorter or another history than was remembered is found", async () => {
  const current = note;
  note = remembered;
  const shorter = await verifyServer({ url, fetch: wire(), rememberedNote: current });
  note = current;
  expect(shorter.findings[0]).toMatchObject({ code: "SHORTER_THAN_REMEMBERED", index: 40_000 });

  const elsewhere = await mkdtemp(join(tmpdir(), "vouchtrail-fork-"));
  const fork = await open(elsewhere, signer);
  await fill(fork, 100, 7);
  await fork.close();
  const forked = await readFile(join(elsewhere, "ledger/main/checkpoint"), "utf8");
  await rm(elsewhere, { recursive: true });
  expect((await verifyServer({ url, fetch: wire(), rememberedNote: forked })).findings[0]).toMatchObject({
    code: "DIFFERS_FROM_REMEMBERED",
  });
});

test("VERDICT-10: a server that cannot be reached or fails is an error, not damage", async () => {
  const failing: typeof fetch = async () => {
    throw new TypeError("fetch failed");
  };
  await expect(verifyServer({ url, fetch: failing })).rejects.toMatchObject({ code: "INTERNAL" });
  await expect(verifyServer({ url, fetch: wire(() => 503) })).rejects.toMatchObject({ code: "INTERNAL" });
  await expect(verifyServer({ url, fetch: wire(() => 404) })).rejects.toMatchObject({ code: "NOT_FOUND" });
});
