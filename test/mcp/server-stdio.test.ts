import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeOutbox } from "../outbox/outbox-place.ts";
import { startPostgres } from "../outbox/postgres.ts";
import { openTrailServer } from "../sdk/trail-server.ts";
import { ACTION, call, refusal, type Written } from "./server-place.ts";

const PROGRAM = fileURLToPath(new URL("../../packages/mcp/dist/main.js", import.meta.url));
const { PATH = "" } = process.env;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-mcp-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const environmentOf = (more: Readonly<Record<string, string>>) => ({
  PATH,
  HOME: folder,
  XDG_STATE_HOME: join(folder, "state"),
  AGENT_ID: "bot-7",
  ...more,
});

async function open(more: Readonly<Record<string, string>>): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [PROGRAM], env: environmentOf(more), stderr: "pipe" }));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the program on a whole input. */
async function run(input: string, more: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM], { env: environmentOf(more), stdio: ["pipe", "pipe", "pipe"] });
  const written = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    written.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    written.err += text;
  });
  child.stdin.on("error", () => {}); // It may end without reading.
  child.stdin.end(input);
  const [code] = await once(child, "close");
  return { code: code as number | null, ...written };
}

const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
const logging = (id: number): string =>
  `${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name: "log_action", arguments: { ...ACTION, details: { number: id } }, _meta } })}\n`;

test("MCP-15: a backend that is none ends the program with advice on standard error and nothing on standard output", async () => {
  const { code, out, err } = await run("", { AUDIT_BACKEND: "redis", AUDIT_DATABASE_URL: "redis://:secret@h" });
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(/AUDIT_BACKEND is server or postgres.*AUDIT_LOG_URL/);
  expect(err).not.toContain("secret");
});

test("MCP-17: what was asked for before the input ended is recorded, whoever is there to read the answers", async () => {
  await using trail = await openTrailServer();
  const { code, out } = await run(Array.from({ length: 30 }, (_, i) => logging(i)).join(""), { AUDIT_LOG_URL: trail.url });
  expect(code).toBe(0);
  expect(trail.events().map(({ details }) => (details as { number: number }).number)).toEqual(Array.from({ length: 30 }, (_, i) => i));
  for (const line of out.split("\n").filter((text) => text !== "")) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
});

test("MCP-16: while the trail is away events go to the disk and say so; the next process delivers them once", async () => {
  await using trail = await openTrailServer();
  await trail.stop();
  const environment = { AUDIT_LOG_URL: trail.url };
  const ids: string[] = [];
  {
    await using client = await open(environment);
    const written = await call<Written>(client, "log_action", ACTION);
    expect(written).toEqual({ state: "spooled", id: written.id });
    const opened = await call<Written>(client, "open_effect", { action: "a.b", target: { type: "x", id: "y" } });
    const closed = await call<Written>(client, "close_effect", { effectId: opened.effectId, outcome: { status: "success" } });
    ids.push(written.id, opened.id, closed.id);
    expect(await refusal(client, "search_events")).toMatch(/^TRAIL_UNREACHABLE/);
  }
  expect(await readdir(join(folder, "state", "vouchtrail", "mcp"))).toHaveLength(1);
  await trail.start();
  await using client = await open(environment);
  const later = await call<Written>(client, "log_action", ACTION);
  await trail.untilStored(4);
  expect([...trail.stored.keys()].toSorted()).toEqual([...ids, later.id].toSorted());
});

test("MCP-2: MCP-10: events come through MCP, under the agent's name, numbered by its source, with the key", async () => {
  await using trail = await openTrailServer();
  await using client = await open({ AUDIT_LOG_URL: trail.url, AUDIT_TOKEN: "vt_test" });
  await call<Written>(client, "log_action", ACTION);
  await call<Written>(client, "log_action", ACTION);
  const events = trail.events();
  expect(events.map(({ actor }) => actor)).toEqual([
    { type: "agent", id: "bot-7" },
    { type: "agent", id: "bot-7" },
  ]);
  expect(events.map(({ source }) => [source?.name, source?.sequence])).toEqual([
    ["bot-7", 0],
    ["bot-7", 1],
  ]);
  expect(trail.requests.every(({ headers }) => headers.authorization === "Bearer vt_test")).toBe(true);
});

test("MCP-18: a peer that sends rubbish, floods or breaks off loses nothing that was accepted and ends the program only by leaving", async () => {
  await using trail = await openTrailServer();
  const rubbish = `\n{\n"x"\nnull\n[]\n{"jsonrpc":"2.0"}\n${"{".repeat(10_000)}\n\u0000\u0007\n`;
  const flood = Array.from({ length: 300 }, (_, i) =>
    JSON.stringify({ jsonrpc: "2.0", id: `l${i}`, method: "tools/list", params: { _meta } }),
  ).join("\n");
  const broken = logging(99).slice(0, 60);
  const { code, out, err } = await run(`${rubbish}${logging(1)}${flood}\n${logging(2)}${broken}`, { AUDIT_LOG_URL: trail.url });
  expect(code, err).toBe(0);
  expect(trail.events().map(({ details }) => (details as { number: number }).number)).toEqual([1, 2]);
  for (const line of out.split("\n").filter((text) => text !== "")) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
});

test("MCP-18: told to stop, it finishes what it began", async () => {
  await using trail = await openTrailServer();
  const held: (() => void)[] = [];
  trail.behaviour = (_request, serve) => void held.push(serve);
  const child = spawn(process.execPath, [PROGRAM], {
    env: environmentOf({ AUDIT_LOG_URL: trail.url }),
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.write(logging(1));
  await trail.untilRequested(1);
  child.kill("SIGTERM");
  trail.behaviour = undefined;
  for (const serve of held) serve();
  const [code] = await once(child, "close");
  expect([code, trail.events().length]).toEqual([0, 1]);
});

test("MCP-15: MCP-14: with PostgreSQL events go to its outbox, once for each call, and reading says what it needs", async () => {
  await using database = await startPostgres();
  const pool = database.pool();
  const environment = { AUDIT_BACKEND: "postgres", AUDIT_DATABASE_URL: database.url };
  await using client = await open(environment);
  expect(await refusal(client, "log_action", ACTION)).toMatch(/^CONFIG_INVALID: The database has no outbox/);
  await makeOutbox(pool, { table: "vouchtrail_outbox" });
  const written = await call<Written>(client, "log_action", ACTION);
  const opened = await call<Written>(client, "open_effect", { action: "a.b", target: { type: "x", id: "y" } });
  const closed = await call<Written>(client, "close_effect", { effectId: opened.effectId, outcome: { status: "success" } });
  expect(written).toEqual({ state: "queued", id: written.id });
  const { rows } = await pool.query("SELECT id::text, event->'actor'->>'id' AS actor FROM vouchtrail_outbox ORDER BY id");
  expect(rows).toEqual([written, opened, closed].map(({ id }) => ({ id, actor: "bot-7" })));
  expect(await refusal(client, "search_events")).toMatch(/^CONFIG_INVALID: .*AUDIT_LOG_URL/);
  // A connection that is lost is made again.
  await pool.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mcp-audit-logger'");
  await expect.poll(async () => call<Written>(client, "log_action", ACTION).catch(() => undefined)).toMatchObject({ state: "queued" });
});
