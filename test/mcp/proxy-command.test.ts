import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import type { SearchPage } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Workplace } from "../e2e/cli-process.ts";
import { type Arrived, openTrailServer, type TrailServer } from "../sdk/trail-server.ts";
import { listenMcp } from "./http-place.ts";

const MAIN = fileURLToPath(new URL("../../packages/cli/bundle/main.js", import.meta.url));
const FILES_SERVER = fileURLToPath(new URL("../../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", import.meta.url));

let place: Workplace;
let trail: TrailServer;
beforeAll(async () => {
  place = await openWorkplace();
  trail = await openTrailServer();
});
afterAll(async () => {
  await place.close();
  await trail[Symbol.asyncDispose]();
});

const environment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? "",
  HOME: place.folder,
  XDG_STATE_HOME: place.path("state"),
  VOUCHTRAIL_URL: trail.url,
  VOUCHTRAIL_KEY: "vt_key",
});
const eventsOf = (session: string): Arrived[] =>
  trail.events().filter(({ context }) => (context as { sessionId?: string } | undefined)?.sessionId === session);

/** Resolves when the trail has such an event. On a slow machine it may wait on the disk: the next run brings it. */
async function untilTold(session: string, action: string): Promise<void> {
  while (!eventsOf(session).some((event) => event.action === action)) await once(start("next", ""), "close");
}

/** Runs the command with a program of Node.js behind it. */
function start(
  session: string,
  program: string,
  options: readonly string[] = [],
  variables: Record<string, string> = {},
): ReturnType<typeof spawn> & { out: string; err: string } {
  const child = spawn(process.execPath, [MAIN, "mcp-proxy", "--session", session, ...options, "--", process.execPath, "-e", program], {
    cwd: place.folder,
    env: { ...environment(), ...variables },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const running = Object.assign(child, { out: "", err: "" });
  child.stdout.on("data", (chunk: Buffer) => {
    running.out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    running.err += chunk.toString();
  });
  return running;
}

test("PROXY-2, PROXY-5: a real client works with a real server behind the command", async () => {
  const folder = join(await realpath(place.folder), "files");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "a.txt"), "hello");
  const client = new Client({ name: "stdio-client", version: "1.0.0" });
  const args = [MAIN, "mcp-proxy", "--name", "files", "--session", "real", "--", process.execPath, FILES_SERVER, folder];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env: environment(), stderr: "ignore" }));
  expect((await client.listTools()).tools.length).toBeGreaterThan(5);
  expect(await client.callTool({ name: "read_text_file", arguments: { path: join(folder, "a.txt") } })).toMatchObject({
    content: [{ type: "text", text: "hello" }],
  });
  await trail.untilStored(1);
  await client.close();
  await untilTold("real", "mcp.server.ended");
  const calls = eventsOf("real").filter(({ action }) => action === "ai.tool_call");
  expect(calls.map(({ phase, target }) => [phase, (target as { id: string }).id])).toEqual([
    ["intent", "mcp__files__read_text_file"],
    ["outcome", "mcp__files__read_text_file"],
  ]);
  expect(trail.requests.every(({ headers }) => headers.authorization === "Bearer vt_key")).toBe(true);
});

test("PROXY-2: what the server writes on standard error and its exit code pass, and it does not get the key of the trail", async () => {
  const child = start(
    "code",
    'process.stderr.write("from the server: " + process.env.VOUCHTRAIL_KEY + process.env.HOME + "\\n"); process.stdout.write("bye"); process.exitCode = 7',
  );
  expect(await once(child, "close")).toEqual([7, null]);
  expect([child.out, child.err]).toEqual(["bye", `from the server: undefined${place.folder}\n`]);
});

test("PROXY-2: a signal reaches the server, and the command ends as the server does", async () => {
  const caught = start(
    "caught",
    'process.on("SIGTERM", () => { process.stdout.write("caught", () => process.exit(5)); }); process.stdin.resume(); process.stdout.write("ready")',
  );
  while (!caught.out.includes("ready")) await once(caught.stdout as NodeJS.ReadableStream, "data");
  caught.kill("SIGTERM");
  expect(await once(caught, "close")).toEqual([5, null]);
  expect(caught.out).toBe("readycaught");

  const ended = start("ended", 'process.stdin.resume(); process.stdout.write("ready")');
  while (!ended.out.includes("ready")) await once(ended.stdout as NodeJS.ReadableStream, "data");
  ended.kill("SIGINT");
  expect(await once(ended, "close")).toEqual([null, "SIGINT"]);
  await untilTold("ended", "mcp.server.ended");
  expect(eventsOf("ended").find(({ action }) => action === "mcp.server.ended")).toMatchObject({
    outcome: { status: "success" },
    details: { signal: "SIGINT" },
  });
});

test("PROXY-2: the end of the input reaches the server, and a client that is gone ends nothing before the trail knows", async () => {
  const child = start(
    "gone",
    'process.stdin.on("end", () => process.exit(0)).resume(); setInterval(() => process.stdout.write("x".repeat(1000)), 1); process.stdout.on("error", () => process.exit(4))',
  );
  while (child.out === "") await once(child.stdout as NodeJS.ReadableStream, "data");
  child.stdout?.destroy();
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(4);
  await untilTold("gone", "mcp.server.ended");
  expect(eventsOf("gone").find(({ action }) => action === "mcp.server.ended")?.outcome).toMatchObject({ code: "EXIT_4" });
});

test("PROXY-4, PROXY-5: a real trail takes everything in as told by a proxy, and refuses nothing", async () => {
  const server = await place.serve();
  const program = 'process.stdin.on("data", () => process.stdout.write(\'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}\\n\'))';
  const child = start("vantage", program, ["--trail", server.url, "--name", "echo"], { VOUCHTRAIL_KEY: "" });
  child.stdin?.write('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":1}}}\n');
  while (!child.out.includes("\n")) await once(child.stdout as NodeJS.ReadableStream, "data");
  child.stdin?.end();
  await once(child, "close");
  let events: SearchPage["events"] = [];
  while (events.length < 4) {
    const response = await fetch(`${server.url}/api/v1/events?session=vantage&limit=100&wait=searchable`);
    ({ events } = (await response.json()) as SearchPage);
    // On a slow machine some wait on the disk: the next run brings them.
    if (events.length < 4) await once(start("next", "", ["--trail", server.url], { VOUCHTRAIL_KEY: "" }), "close");
  }
  const told = events.map(({ event, received }) => [(event as { action: string }).action, (received as { via: string }).via]);
  expect(told.sort()).toEqual([
    ["ai.tool_call", "proxy"],
    ["ai.tool_call", "proxy"],
    ["mcp.server.ended", "proxy"],
    ["mcp.server.started", "proxy"],
  ]);
  await server.stop();
});

test("PROXY-4: a server that cannot be started is told in one line and in the trail", async () => {
  const child = spawn(process.execPath, [MAIN, "mcp-proxy", "--session", "missing", "--", "/no/such/program", "--api-key", "s3cret"], {
    env: environment(),
    stdio: ["pipe", "pipe", "pipe"],
  });
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  expect(await once(child, "close")).toEqual([127, null]);
  expect(err).toBe("vouchtrail: The server could not be started: /no/such/program (ENOENT). Check the command after --.\n");
  await untilTold("missing", "mcp.server.ended");
  const events = eventsOf("missing");
  expect(events.map(({ action, details }) => [action, (details as { command?: unknown }).command])).toEqual([
    ["mcp.server.started", ["/no/such/program", "--api-key", "[hidden]"]],
    ["mcp.server.ended", undefined],
  ]);
  expect(events[1]?.outcome).toMatchObject({ status: "failure", code: "ENOENT" });
});

test("PROXY-15: the command stands before a server over HTTP, and tells where", async () => {
  await using server = await listenMcp("auto");
  const running = place.start(["mcp-proxy", "--name", "adder", "--session", "http", "--url", server.url.href, "--trail", trail.url]);
  const [, url = ""] = await running.errMatches(/Recording adder at (\S+)\n/);
  const client = new Client({ name: "c", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  expect(await client.callTool({ name: "add", arguments: { a: 1, b: 1 } })).toMatchObject({ content: [{ text: "2" }] });
  await client.close();
  running.child.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
  await untilTold("http", "mcp.server.ended");
  expect(eventsOf("http").filter(({ action }) => action === "ai.tool_call")).toHaveLength(2);
});

test("PROXY-2: neither a command nor a URL, and both, are refused with what to do", async () => {
  for (const args of [["mcp-proxy"], ["mcp-proxy", "--url", "http://127.0.0.1:9/mcp", "--", "node"]]) {
    const { code, err } = await place.run(args);
    expect([code, err]).toEqual([1, "vouchtrail: Give either the command of a server after --, or --url with the URL of one.\n"]);
  }
});
