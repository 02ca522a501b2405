import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_PRIVACY_POLICY } from "@vouchtrail/events";
import { openDataDirectory, readDataDirectory, sealEvent } from "@vouchtrail/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type IntakeAnswer, sendRequest, type View } from "../hostile/running-server.ts";
import { HARMLESS } from "./harmless.ts";
import { eventWith, namedSecrets, SECRET_ENCODINGS, SECRET_PLACES, shapedSecrets } from "./planted-secrets.ts";

/** Most of a segment, so that a part of what is planted is sealed and compressed. */
const PREPARED_ENTRIES = 62_000;
const SECRETS = [...shapedSecrets(), ...namedSecrets()];
const JSON_TYPE = { "content-type": "application/json" };
const AT = "2026-01-01T00:00:00.000Z";

let root = "";
let data = "";
let child: ChildProcess;
let port = 0;
let logs = "";
let count = 0;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
const nextId = (): string => `0197a3c2-0000-7000-8000-${(count++).toString(16).padStart(12, "0")}`;
/** What must be found nowhere, and why. */
const forbidden = new Map<string, string>();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "vouchtrail-secrets-"));
  data = join(root, "data");
  const opened = await openDataDirectory({ directory: data });
  for (let from = 0; from < PREPARED_ENTRIES; from += 6_200) {
    await opened.ledger.append(
      Array.from({ length: 6_200 }, () =>
        sealEvent(
          {
            id: nextId(),
            occurredAt: AT,
            tenant: "default",
            action: "a.b",
            actor: { type: "agent", id: "a" },
            target: { type: "t", id: "1" },
            outcome: { status: "success" },
          },
          { at: AT, via: "import" },
          DEFAULT_PRIVACY_POLICY,
        ),
      ),
    );
  }
  await opened.ledger.close();
  opened.lock.release();
  const script = fileURLToPath(new URL("../crash/server-process.mjs", import.meta.url));
  child = fork(script, [data, join(root, "state"), "debug"], { stdio: ["ignore", "pipe", "pipe", "ipc"], execArgv: [] });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (text: Buffer) => {
      logs += text.toString();
    });
  }
  const [message] = (await once(child, "message")) as [{ port: number }];
  port = message.port;
}, 120_000);
afterAll(async () => {
  agent.destroy();
  child.kill("SIGKILL");
  await rm(root, { recursive: true, force: true });
});

async function post(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = JSON_TYPE,
): Promise<{ status: number; text: string }> {
  return sendRequest(port, path, { method: "POST", headers, body }, agent);
}

function forbid(label: string, secret: string, encoding: string, encoded: string, encode: (text: string) => string): void {
  forbidden.set(secret, label);
  forbidden.set(JSON.stringify(secret).slice(1, -1), label);
  if (encoding.startsWith("base64")) forbidden.set(encoded, label);
  if (encoding.startsWith("percent")) forbidden.set(encode(secret), label);
}

test("REDACT-1: more than 80 planted secrets, in every place and encoding, are accepted through both doors and in faulty requests", async () => {
  expect(new Set(SECRETS.map(({ secret }) => secret)).size).toBeGreaterThanOrEqual(80);
  let batch: Record<string, unknown>[] = [];
  const flush = async (): Promise<void> => {
    const { status, text } = await post("/api/v1/events", JSON.stringify(batch));
    expect(status, text.slice(0, 300)).toBe(201);
    batch = [];
  };
  for (const { rule, secret, text } of SECRETS) {
    for (const [encoding, encode] of Object.entries(SECRET_ENCODINGS)) {
      const encoded = encode(text);
      for (const [place, plant] of Object.entries(SECRET_PLACES)) {
        forbid(`${rule} as ${encoding} in ${place}`, secret, encoding, encoded, encode);
        batch.push({ ...eventWith(plant(encoded)), id: nextId() });
      }
      // Parts of an event that are no free-form content but take any text.
      batch.push({
        ...eventWith({
          actor: { type: "user", id: "u", name: encoded.slice(0, 1_000) },
          context: { userAgent: encoded.slice(0, 8_000) },
          changes: { after: { note: encoded } },
        }),
        id: nextId(),
      });
      if (batch.length >= 500) await flush();
      const entry = {
        id: nextId(),
        timestamp: AT,
        agent: { id: "agent-7", session_id: "s-1" },
        action: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: encoded, headers: [encoded] } } },
        outcome: { status: "failure", result: { output: encoded }, error: { type: "E", message: encoded } },
      };
      const { status, text: answer } = await post("/log", JSON.stringify(entry));
      expect(status, answer).toBe(201);
    }
  }
  await flush();

  for (const { rule, secret, text } of SECRETS) {
    forbidden.set(secret, `${rule} in a faulty request`);
    const event = eventWith({ id: nextId() });
    const faulty: readonly (readonly [path: string, body: string, headers?: Record<string, string>])[] = [
      ["/api/v1/events", JSON.stringify({ ...event, [text]: 1 })],
      ["/api/v1/events", JSON.stringify({ ...event, action: text, actor: text, outcome: { status: text } })],
      ["/api/v1/events", JSON.stringify({ ...event, actor: { type: "agent", id: `${text}\n` }, tenant: text })],
      ["/api/v1/events", `{"action":"${text}`],
      ["/api/v1/events", `${JSON.stringify({ details: { text } })} ${text}`],
      ["/api/v1/events", JSON.stringify(event).replace(/^\{/, `{"details":{${JSON.stringify(text)}:1,${JSON.stringify(text)}:2},`)],
      ["/api/v1/events", `${text}\n{"x":1}`, { "content-type": "application/x-ndjson" }],
      ["/log", JSON.stringify({ agent: text, action: { type: text } })],
      ["/log", `{"agent":"${text}`],
      [`/api/v1/events?wait=${encodeURIComponent(text)}`, "{}"],
      ["/api/v1/events", "{}", { ...JSON_TYPE, authorization: `Bearer ${encodeURIComponent(text)}` }],
      ["/api/v1/events", "{}", { "content-type": encodeURIComponent(text) }],
      ["/api/v1/events", "{}", { ...JSON_TYPE, origin: encodeURIComponent(text) }],
      ["/api/v1/events", "{}", { ...JSON_TYPE, host: encodeURIComponent(text) }],
    ];
    for (const [path, body, headers] of faulty) expect((await post(path, body, headers)).status, path).toBeGreaterThanOrEqual(400);
    for (const path of [
      `/api/v1/events/${encodeURIComponent(text)}`,
      `/api/v1/tail?after=x${encodeURIComponent(text)}`,
      `/${encodeURIComponent(text)}`,
      `/tlog/main/tile/${encodeURIComponent(text)}`,
    ]) {
      expect((await sendRequest(port, path, {}, agent)).status).toBeGreaterThanOrEqual(400);
    }
  }
}, 120_000);

test("REDACT-2: more than 200 harmless strings come back unchanged", async () => {
  expect(HARMLESS.length).toBeGreaterThanOrEqual(200);
  const events: Record<string, unknown>[] = HARMLESS.map((text) => ({
    ...eventWith({
      details: { text },
      activity: { type: "message", name: "prompt", message: { role: "user", text } },
      outcome: { status: "success", message: text },
    }),
    id: nextId(),
  }));
  const { status, text } = await post("/api/v1/events", JSON.stringify(events));
  expect(status, text.slice(0, 300)).toBe(201);
  const changed: string[] = [];
  for (const [i, event] of events.entries()) {
    const view = JSON.parse((await sendRequest(port, `/api/v1/events/${String(event.id)}`, {}, agent)).text) as View;
    if (JSON.stringify(sortKeys(view.event)) !== JSON.stringify(sortKeys(event)) || view.redactions !== undefined)
      changed.push(HARMLESS[i] ?? "");
  }
  expect(changed).toEqual([]);
  expect((JSON.parse(text) as IntakeAnswer).receipts).toHaveLength(HARMLESS.length);
});

test("REDACT-1: no planted secret is in the ledger, decompressed, nor in any other file, nor in the logs", async () => {
  child.send({ kind: "close" });
  await once(child, "exit");
  const ledger = await readDataDirectory(data);
  const { treeSize } = await ledger.head();
  const lines: string[] = [];
  let redactedCount = 0;
  for await (const batch of ledger.read(PREPARED_ENTRIES, treeSize)) {
    for (const { leaf, disclosures } of batch) {
      lines.push(leaf, disclosures.personal ?? "", disclosures.content ?? "");
      if (leaf.includes('"redactions":')) redactedCount += 1;
    }
  }
  await ledger.close();
  expect(treeSize).toBeGreaterThan(65_536 + 1_000);
  expect(redactedCount).toBeGreaterThan(4_000);

  const haystacks = new Map<string, string>([
    ["the ledger", lines.join("\n")],
    ["the logs", logs],
  ]);
  for (const folder of [data, join(root, "state")]) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const bytes = await readFile(path);
      // Sealed blocks were read above through the ledger.
      if (bytes.subarray(0, 17).toString() !== "vouchtrail-sealed") haystacks.set(path, bytes.toString("latin1"));
    }
  }
  expect(haystacks.size).toBeGreaterThan(10);
  const [sealed = ""] = (await readdir(join(data, "ledger/main/segments"))).sort();
  expect([...haystacks.keys()].filter((path) => path.endsWith(sealed))).toEqual([]);
  expect(logs.split("\n").length).toBeGreaterThan(2_000);
  const found: string[] = [];
  for (const [where, text] of haystacks)
    for (const [secret, label] of forbidden) if (text.includes(secret)) found.push(`${label} in ${where.replace(root, "")}`);
  expect(found).toEqual([]);
  expect(forbidden.size).toBeGreaterThan(500);
  // The search itself finds what is there.
  expect([...haystacks.values()].some((text) => text.includes("[REDACTED]"))).toBe(true);
}, 120_000);

function sortKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => [key, sortKeys(member)]),
  );
}
