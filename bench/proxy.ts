// What the audit proxy adds to a call of a tool, beside the same server without it: `npm run bench -- --proxy`.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { quantile } from "./figures.ts";
import { formatNumber, formatTable } from "./report.ts";
import { startVouchtrail, type Workspace } from "./scenario.ts";

// Seen from where the benchmark is built to.
const MAIN = fileURLToPath(new URL("../../packages/cli/bundle/main.js", import.meta.url));
const WARM_UP_CALLS = 500;
const BLOCKS = 5;
const CALLS_A_BLOCK = 1_000;

/** Answers every call at once: what is left is the way there and back. */
const SERVER = `
  let rest = "";
  process.stdin.on("data", (chunk) => {
    const lines = (rest + chunk).split("\\n");
    rest = lines.pop();
    for (const line of lines) {
      const { id } = JSON.parse(line);
      process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result: { content: [{ type: "text", text: "x".repeat(1000) }] } }) + "\\n");
    }
  });`;

interface Peer {
  readonly child: ChildProcess & { readonly stdin: Writable; readonly stdout: Readable };
  readonly timesMs: number[];
  id: number;
}

function start(command: readonly string[], environment: Readonly<Record<string, string | undefined>>): Peer {
  const child = spawn(process.execPath, command, { env: { ...process.env, ...environment }, stdio: ["pipe", "pipe", "inherit"] });
  return { child, timesMs: [], id: 0 };
}

/** Makes calls one after the other, as an agent does that waits for each answer. */
async function call(peer: Peer, count: number, isMeasured: boolean): Promise<void> {
  for (let i = 0; i < count; i++) {
    peer.id += 1;
    const line = JSON.stringify({
      jsonrpc: "2.0",
      id: peer.id,
      method: "tools/call",
      params: { name: "read_text_file", arguments: { path: `/srv/project/source-${peer.id}.ts`, head: 100 } },
    });
    const started = process.hrtime.bigint();
    peer.child.stdin.write(`${line}\n`);
    for (let isWhole = false; !isWhole; ) {
      const [chunk] = (await once(peer.child.stdout, "data")) as [Buffer];
      isWhole = chunk.at(-1) === 10;
    }
    if (isMeasured) peer.timesMs.push(Number(process.hrtime.bigint() - started) / 1e6);
  }
}

/** Measures calls without a proxy, with one, and with a strict one, in turns, so that all of them meet the same machine. */
export async function measureProxy(workspace: Workspace, out: (text: string) => void): Promise<void> {
  const server = await startVouchtrail(await workspace.folder("proxy-server"));
  const environment = { VOUCHTRAIL_STATE: await workspace.folder("proxy-state"), VOUCHTRAIL_URL: server.url };
  const proxied = (...options: readonly string[]): Peer =>
    start([MAIN, "mcp-proxy", "--name", "bench", ...options, "--", process.execPath, "-e", SERVER], environment);
  const peers: readonly (readonly [string, Peer])[] = [
    ["without a proxy", start(["-e", SERVER], {})],
    ["with the proxy", proxied()],
    ["with the proxy, strict", proxied("--strict")],
  ];
  for (const [, peer] of peers) await call(peer, WARM_UP_CALLS, false);
  for (let block = 0; block < BLOCKS; block++) for (const [, peer] of peers) await call(peer, CALLS_A_BLOCK, true);
  for (const [, { child }] of peers) {
    child.stdin.end();
    await once(child, "close");
  }
  await server.close();

  const figures = peers.map(([name, { timesMs }]) => {
    const sorted = timesMs.toSorted((left, right) => left - right);
    return { name, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
  });
  const [plain] = figures;
  const cells = figures.map(({ name, p50, p99 }) => [
    name,
    formatNumber(p50),
    formatNumber(p99),
    formatNumber(p50 - (plain?.p50 ?? 0)),
    formatNumber(p99 - (plain?.p99 ?? 0)),
  ]);
  out(formatTable(["a call of a tool", "p50 ms", "p99 ms", "added p50 ms (budget 1)", "added p99 ms"], cells));
}
