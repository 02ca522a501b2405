import { createHash, randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import {
  type AuthenticatedTiles,
  createAuthenticatedTiles,
  decodeBundle,
  openCheckpoint,
  tilePath,
  verifyConsistency,
  verifyInclusion,
} from "@vouchtrail/protocol";
import {
  createLogger,
  dataPaths,
  loadConfig,
  openDataDirectory,
  openKeyStore,
  type RunningServer,
  sealEvent,
  sha256,
  startServer,
  verifyEd25519,
} from "@vouchtrail/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, sendRequest } from "../hostile/running-server.ts";

/** More than one segment, and partial tiles on levels 0 and 1. */
const ENTRIES = 66_196;

let root = "";
let server: RunningServer;
let port = 0;
let treeSize = 0;
let rootHash: Uint8Array;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  sendRequest(port, `/tlog/main/${path}`, { headers }, agent);

async function bytesOf(path: string): Promise<Buffer> {
  const { status, bytes } = await get(path);
  if (status !== 200) throw new Error(`${path} answers ${status}`);
  return bytes;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-tlog-"));
  const directory = join(root, "data");
  const opened = await openDataDirectory({ directory });
  const at = "2026-01-01T00:00:00.000Z";
  for (let from = 0; from < ENTRIES; from += 5_092) {
    await opened.ledger.append(
      Array.from({ length: 5_092 }, (_, i) =>
        sealEvent(
          {
            id: `0197a3c2-0000-7000-8000-${(from + i).toString(16).padStart(12, "0")}`,
            occurredAt: at,
            tenant: "default",
            action: "document.read",
            actor: { type: "agent", id: "agent-7" },
            target: { type: "document", id: "d" },
            outcome: { status: "success" },
          },
          { at, via: "import" },
          DEFAULT_PRIVACY_POLICY,
        ),
      ),
    );
  }
  await opened.ledger.close();
  opened.lock.release();
  const keys = openKeyStore(dataPaths(directory).secrets);
  tenanted = (await keys.create({ name: "tenant", scopes: ["read"], tenant: "default" }, at)).secret;
  writer = (await keys.create({ name: "writer", scopes: ["ingest"] }, at)).secret;
  reader = (await keys.create({ name: "reader", scopes: ["read"] }, at)).secret;
  const loaded = await loadConfig({
    environment: {},
    flags: { data: directory, state: join(root, "state"), "http.port": 0, "ledger.checkpointIntervalMs": 50 },
  });
  server = await startServer({ loaded, environment: {}, logger: createLogger("silent") });
  port = Number(new URL(server.url).port);
  const head = await server.ledger.head();
  await server.ledger.waitForCheckpoint(head.treeSize, AbortSignal.timeout(10_000));
  const vkey = (await bytesOf("vkey")).toString().trim();
  ({ treeSize, rootHash } = openCheckpoint((await bytesOf("checkpoint")).toString(), { vkey, sha256, verify: verifyEd25519 }));
}, 120_000);
afterAll(async () => {
  agent.destroy();
  await server.close();
  await rm(root, { recursive: true, force: true });
});
let tenanted = "";
let writer = "";
let reader = "";

/** A client that trusts nothing but the checkpoint, on top of the protocol package. */
function openClient(reads: Set<string>): AuthenticatedTiles {
  return createAuthenticatedTiles({
    treeSize,
    rootHash,
    sha256,
    readTile: async (level, n, width) => {
      const path = tilePath(level, n, width);
      reads.add(path);
      return bytesOf(path);
    },
  });
}

/** Every tile of a tree of this size, as [level, n, width]. */
function* tilesOf(size: number): Generator<readonly [number, number, number]> {
  for (let level = 0; Math.floor(size / 256 ** level) > 0; level++) {
    const hashes = Math.floor(size / 256 ** level);
    for (let n = 0; n * 256 < hashes; n++) yield [level, n, Math.min(256, hashes - n * 256)];
  }
}

test("TLOG-1: a client that authenticates every tile gets the leaf hash of every index and reads every tile", async () => {
  expect(treeSize).toBeGreaterThan(66_000);
  const reads = new Set<string>();
  const client = openClient(reads);
  for (let index = 0; index < treeSize; index++) {
    const leafHash = await client.leafHash(index);
    // Making a path from tiles hashes half a tile on each level, so here it is a sample; the second client below does all.
    if (index % 61 === 0 || index > treeSize - 300) {
      verifyInclusion({ index, treeSize, leafHash, path: await client.inclusionPath(index), rootHash }, sha256);
    }
  }
  expect([...reads].sort()).toEqual([...tilesOf(treeSize)].map(([level, n, width]) => tilePath(level, n, width)).sort());
});

test("TLOG-1: consistency between random sizes holds, and a wrong root does not", async () => {
  const client = openClient(new Set());
  for (let i = 0; i < 40; i++) {
    const oldSize = i < 10 ? [1, 255, 256, 257, 65_535, 65_536, 65_537, treeSize - 1, treeSize, 512][i]! : randomInt(1, treeSize);
    const oldRoot = await client.rootHashAt(oldSize);
    const proof = { oldSize, newSize: treeSize, oldRoot, newRoot: rootHash, path: await client.consistencyPath(oldSize) };
    verifyConsistency(proof, sha256);
    expect(() => verifyConsistency({ ...proof, oldRoot: sha256(oldRoot) }, sha256)).toThrow();
  }
});

test("TLOG-2: a second client, written from RFC 6962 alone, gets the same root from bundles and from tiles, and accepts the inclusion of every index", async () => {
  const hash = (...parts: Uint8Array[]): Buffer => {
    const digest = createHash("sha256");
    for (const part of parts) digest.update(part);
    return digest.digest();
  };
  const node = (left: Buffer, right: Buffer): Buffer => hash(Buffer.from([1]), left, right);
  const rootOf = (hashes: readonly Buffer[], from = 0, to = hashes.length): Buffer => {
    if (to - from === 1) return hashes[from]!;
    let split = 1;
    while (split * 2 < to - from) split *= 2;
    return node(rootOf(hashes, from, from + split), rootOf(hashes, from + split, to));
  };
  const path = (n: number): string =>
    String(n)
      .padStart(n < 1_000 ? 3 : 6, "0")
      .replace(/^(\d{3})(\d{3})$/, "x$1/$2");
  const leafHashes: Buffer[] = [];
  for (let n = 0; n * 256 < treeSize; n++) {
    const width = Math.min(256, treeSize - n * 256);
    const suffix = width === 256 ? "" : `.p/${width}`;
    const [bundle, tile] = await Promise.all([bytesOf(`tile/entries/${path(n)}${suffix}`), bytesOf(`tile/0/${path(n)}${suffix}`)]);
    let at = 0;
    let inBundle = 0;
    while (at < bundle.length) {
      const length = bundle.readUInt16BE(at);
      const leafHash = hash(Buffer.from([0]), bundle.subarray(at + 2, at + 2 + length));
      if (!leafHash.equals(tile.subarray(inBundle * 32, inBundle * 32 + 32)))
        throw new Error(`The leaf ${leafHashes.length} is not the one of its tile.`);
      leafHashes.push(leafHash);
      at += 2 + length;
      inBundle += 1;
    }
    expect(inBundle).toBe(width);
  }
  expect(leafHashes).toHaveLength(treeSize);
  expect(rootOf(leafHashes).toString("base64")).toBe(Buffer.from(rootHash).toString("base64"));
  // Complete subtrees by height: what a path consists of, but for the right edge.
  const levels: Buffer[][] = [leafHashes];
  for (let below = leafHashes; below.length > 1; ) {
    const above: Buffer[] = [];
    for (let i = 0; i + 1 < below.length; i += 2) above.push(node(below[i]!, below[i + 1]!));
    levels.push(above);
    below = above;
  }
  const pathOf = (index: number, from: number, to: number): Buffer[] => {
    if (to - from === 1) return [];
    let split = 1;
    let height = 0;
    while (split * 2 < to - from) {
      split *= 2;
      height += 1;
    }
    const left = levels[height]![from / split]!;
    return index < from + split
      ? [...pathOf(index, from, from + split), edgeRoot(from + split, to)]
      : [...pathOf(index, from + split, to), left];
  };
  const edges = new Map<string, Buffer>();
  const edgeRoot = (from: number, to: number): Buffer => {
    const height = Math.log2(to - from);
    if (Number.isInteger(height)) return levels[height]![from / (to - from)]!;
    const key = `${from} ${to}`;
    const known = edges.get(key) ?? rootOf(leafHashes, from, to);
    edges.set(key, known);
    return known;
  };
  for (let index = 0; index < treeSize; index++) {
    verifyInclusion({ index, treeSize, leafHash: leafHashes[index]!, path: pathOf(index, 0, treeSize), rootHash }, sha256);
  }
  const levelOne = await bytesOf("tile/1/000");
  expect(levelOne.length).toBe(256 * 32);
  for (let i = 0; i < 256; i++)
    expect(levelOne.subarray(i * 32, i * 32 + 32).equals(rootOf(leafHashes, i * 256, (i + 1) * 256))).toBe(true);
  const partial = await bytesOf("tile/2/000.p/1");
  expect(partial.equals(rootOf(leafHashes, 0, 65_536))).toBe(true);
});

test("TLOG-3: a partial tile or bundle of any width that the checkpoint covers is a prefix of the full one", async () => {
  const full = await bytesOf("tile/0/007");
  const leaves = decodeBundle(await bytesOf("tile/entries/007"));
  for (const width of [1, 2, 100, 255]) {
    expect((await bytesOf(`tile/0/007.p/${width}`)).equals(full.subarray(0, width * 32))).toBe(true);
    expect(decodeBundle(await bytesOf(`tile/entries/007.p/${width}`))).toEqual(leaves.slice(0, width));
  }
});

test("TLOG-4: what lies beyond the checkpoint, and every other spelling of a path, is not found", async () => {
  const last = Math.floor(treeSize / 256);
  const width = treeSize % 256;
  expect((await get(`tile/0/${last}.p/${width}`)).status).toBe(200);
  const paths = [
    // Reading entries is recorded: the tree may have grown by a few since.
    `0/${last}.p/${width + 50}`,
    `0/${last}`,
    `0/${last + 1}.p/1`,
    "0/x001/000",
    "1/001.p/255",
    "2/000.p/2",
    "3/000.p/1",
    "63/000.p/1",
    "64/000",
    "0/0",
    "0/00",
    "0/0000",
    "0/x000/000",
    "0/x000/007",
    "00/000",
    "+0/000",
    "0/000.p/0",
    "0/000.p/256",
    "0/000.p/01",
    "0/000.p/",
    "0/000.p",
    "0/000/",
    "0//000",
    "0/-01",
    "0/1e2",
    "-1/000",
    "0/%30%30%30",
    "0%2f000",
    "0/000%00",
    "./0/000",
    "0/../0/000",
    "0/000%20",
    "entries/",
    "Entries/000",
    "entries/x999/999",
    `entries/${last}.p/${width + 50}`,
    "0/x999/x999/x999/x999/x999/999",
    "",
    "0",
    "0/000?x",
    "data/000",
  ].filter((path) => !path.includes("?"));
  for (const path of paths) {
    const { status, text } = await get(`tile/${path}`);
    expect(status, path).toBe(404);
    expect(text, path).toMatch(/TILE_UNKNOWN|NOT_FOUND/);
  }
  for (const path of [
    "",
    "checkpoint/",
    "Checkpoint",
    "segments/000000000000000.seg",
    "../../secrets/main.key",
    "%2e%2e/%2e%2e/secrets/main.key",
  ]) {
    expect((await get(path)).status, path).toBe(404);
  }
});

test("TLOG-5: tiles may be cached for ever, the checkpoint not at all, bundles only by the one who may read them", async () => {
  expect((await get("tile/0/000")).headers["cache-control"]).toBe("public, max-age=31536000, immutable");
  expect((await get(`tile/0/${Math.floor(treeSize / 256)}.p/1`)).headers["cache-control"]).toContain("immutable");
  expect((await get("checkpoint")).headers["cache-control"]).toBe("no-cache");
  expect((await get("tile/entries/000")).headers["cache-control"]).toMatch(/^private/);
  expect((await get("tile/9/999")).headers["cache-control"]).toBeUndefined();
  expect((await get("tile/0/000")).headers["content-type"]).toBe("application/octet-stream");
  expect((await get("checkpoint")).headers["content-type"]).toBe("text/plain; charset=utf-8");
});

test("TLOG-6: entry bundles need a read key without a tenant; hash tiles, checkpoint and vkey need none", async () => {
  const proxied = { "x-forwarded-for": "203.0.113.9" };
  for (const path of ["checkpoint", "vkey", "tile/0/000", "tile/1/000"]) expect((await get(path, proxied)).status).toBe(200);
  const bundle = "tile/entries/000";
  expect((await get(bundle, proxied)).status).toBe(401);
  expect((await get(bundle, { ...proxied, authorization: `Bearer ${tenanted}` })).status).toBe(403);
  expect((await get(bundle, { authorization: `Bearer ${tenanted}` })).status).toBe(403);
  expect((await get(bundle, { authorization: `Bearer ${writer}` })).status).toBe(403);
  expect((await get(bundle, { ...proxied, authorization: `Bearer ${reader}` })).status).toBe(200);
  expect((await get(bundle)).status).toBe(200);
});
