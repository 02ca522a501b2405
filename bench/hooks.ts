// What a hook costs: over HTTP, by the hook command, and the server that takes it. `npm run bench -- --hooks`.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromClaudeCodeHook } from "@vouchtrail/events";
import { Pool } from "undici";
import type { Measured } from "./child.ts";
import { median, quantile } from "./figures.ts";
import { formatNumber, formatTable } from "./report.ts";
import { startVouchtrail, type Workspace } from "./scenario.ts";

const SESSIONS = 50;
const WARM_UP_HOOKS = 500;
/** One after the other over one connection, in turns with events. */
const ALONE_HOOKS = 250;
const ALONE_ROUNDS = 10;
/** In one round under load, and connections that each have one request under way. */
const LOAD_HOOKS = 6_000;
const CONNECTIONS = 16;
const LOAD_ROUNDS = 3;
/** Runs of one program without another between them: the system counts the CPU time of children in ticks of 10 ms, so that one run alone cannot be told. */
const RUNS_A_BLOCK = 10;
const BLOCKS = 12;
/** CPU milliseconds that the hook command may take more than an empty process. */
const COMMAND_CPU_MS_MAX = 25;
const TICK_MS = 10;

/** A `PreToolUse` of about 1 KB, as Claude Code posts it. */
function hookPayload(call: number): Record<string, unknown> {
  return {
    session_id: `7c1f0a52-0000-4000-8000-${String(call % SESSIONS).padStart(12, "0")}`,
    transcript_path: "/home/dev/.claude/projects/-home-dev-shop/7c1f0a52-0000-4000-8000-000000000000.jsonl",
    cwd: "/home/dev/shop",
    permission_mode: "acceptEdits",
    hook_event_name: "PreToolUse",
    tool_name: "Edit",
    tool_input: {
      file_path: `/home/dev/shop/src/orders/order-${call % 400}.ts`,
      old_string:
        "  const total = order.lines.reduce((sum, line) => sum + line.price * line.count, 0);\n  return { ...order, total };\n".repeat(2),
      new_string:
        "  const net = order.lines.reduce((sum, line) => sum + line.price * line.count, 0);\n  const tax = net * order.taxRate;\n  return { ...order, net, tax, total: net + tax };\n".repeat(
          2,
        ),
      replace_all: false,
    },
    tool_use_id: `toolu_01${String(call).padStart(22, "0")}`,
  };
}

interface Posted {
  readonly path: string;
  readonly body: string;
}

const asHook = (call: number): Posted => ({ path: "/hooks/claude-code", body: JSON.stringify(hookPayload(call)) });
const asEvent = (call: number): Posted => ({ path: "/api/v1/events", body: JSON.stringify(fromClaudeCodeHook(hookPayload(call))) });

/** Sends all over kept-alive connections. @returns the milliseconds of each request. @throws when one is refused. */
async function post(url: string, posted: readonly Posted[], connections: number): Promise<number[]> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const latenciesMs: number[] = [];
  let next = 0;
  async function send(): Promise<void> {
    for (let one = posted[next++]; one !== undefined; one = posted[next++]) {
      const startedMs = performance.now();
      const answer = await pool.request({
        path: one.path,
        method: "POST",
        headers: { "content-type": "application/json" },
        body: one.body,
      });
      const text = await answer.body.text();
      if (answer.statusCode >= 300) throw new Error(`${answer.statusCode}: ${text.slice(0, 500)}`);
      latenciesMs.push(performance.now() - startedMs);
    }
  }
  await Promise.all(Array.from({ length: connections }, send));
  await pool.close();
  return latenciesMs;
}

/** Runs everything: the trail grows meanwhile, each call is a new one. */
export async function measureHooks(workspace: Workspace, out: (text: string) => void): Promise<void> {
  const server = await startVouchtrail(await workspace.folder("hooks-server"));
  let calls = 0;
  const make = (count: number, as: (call: number) => Posted): Posted[] => Array.from({ length: count }, () => as(calls++));
  await post(server.url, make(WARM_UP_HOOKS, asHook), CONNECTIONS);
  await post(server.url, make(WARM_UP_HOOKS, asEvent), CONNECTIONS);
  await server.searchable();

  const alone: number[] = [];
  const aloneEvents: number[] = [];
  for (let round = 0; round < ALONE_ROUNDS; round++) {
    alone.push(...(await post(server.url, make(ALONE_HOOKS, asHook), 1)));
    aloneEvents.push(...(await post(server.url, make(ALONE_HOOKS, asEvent), 1)));
    await server.searchable();
  }
  const trips = [
    ["POST /hooks/claude-code", alone],
    ["POST /api/v1/events, the same event", aloneEvents],
  ] as const;
  const bytes = formatNumber(Buffer.byteLength(asHook(0).body));
  out(`A hook of ${bytes} bytes, one after the other over one kept-alive connection:\n`);
  out(
    formatTable(
      ["what", "p50 ms", "p99 ms"],
      trips.map(([name, ms]) => {
        const sorted = [...ms].sort((left, right) => left - right);
        return [name, formatNumber(quantile(sorted, 0.5)), formatNumber(quantile(sorted, 0.99))];
      }),
    ),
  );

  const rounds: Record<"hooks" | "events", LoadRound[]> = { hooks: [], events: [] };
  for (let round = 0; round < LOAD_ROUNDS; round++) {
    rounds.hooks.push(await loadRound(server, make(LOAD_HOOKS, asHook)));
    rounds.events.push(await loadRound(server, make(LOAD_HOOKS, asEvent)));
  }
  out(`\n${CONNECTIONS} connections, medians of ${LOAD_ROUNDS} rounds of ${LOAD_HOOKS}, CPU until all can be searched:\n`);
  const loadCells = (name: string, of: readonly LoadRound[]): string[] => [
    name,
    formatNumber(median(of.map((one) => one.perSecond))),
    formatNumber(median(of.map((one) => one.serverUs))),
    formatNumber(median(of.map((one) => one.searchUs))),
  ];
  out(
    formatTable(
      ["what", "per second", "CPU µs of the server", "of the search index"],
      [loadCells("POST /hooks/claude-code", rounds.hooks), loadCells("POST /api/v1/events, one event a request", rounds.events)],
    ),
  );

  await measureCommand(server, await workspace.folder("hooks-command"), out);
  await server.close();
}

interface LoadRound {
  readonly perSecond: number;
  /** Of one event, microseconds. */
  readonly serverUs: number;
  readonly searchUs: number;
}

async function loadRound(server: Measured, posted: readonly Posted[]): Promise<LoadRound> {
  const before = await server.usage();
  const startedMs = performance.now();
  await post(server.url, posted, CONNECTIONS);
  const seconds = (performance.now() - startedMs) / 1_000;
  await server.searchable();
  const after = await server.usage();
  return {
    perSecond: posted.length / seconds,
    serverUs: (after.own.cpuUs - before.own.cpuUs) / posted.length,
    searchUs: (after.children.cpuUs - before.children.cpuUs) / posted.length,
  };
}

interface Program {
  readonly name: string;
  readonly args: readonly string[];
  readonly url: string;
  readonly wallMs: number[];
  /** Of one run, one figure for each block. */
  readonly cpuMs: number[];
}

/** The hook command beside programs that do nothing, in turns, so that whatever else is at work on the machine meets all of them. */
async function measureCommand(server: Measured, folder: string, out: (text: string) => void): Promise<void> {
  const empty = join(folder, "empty.mjs");
  writeFileSync(empty, "");
  const of = (path: string): string => fileURLToPath(new URL(path, new URL("../../", import.meta.url)));
  const program = (name: string, args: readonly string[], url = server.url): Program => ({ name, args, url, wallMs: [], cpuMs: [] });
  const programs = [
    program("node, an empty module", [empty]),
    program("node -e 0", ["-e", "0"]),
    program("agent-audit-log", [of("packages/hook/bin/agent-audit-log.mjs")]),
    program("the copy in the plugin", [of("plugins/claude-code/scripts/agent-audit-log.mjs")]),
    // The discard port: nothing listens there.
    program("agent-audit-log, no server", [of("packages/hook/bin/agent-audit-log.mjs")], "http://127.0.0.1:9"),
  ] as const;
  let call = 0;
  for (let block = -1; block < BLOCKS; block++) {
    for (const one of programs) {
      const before = childrenCpuMs();
      for (let run = 0; run < RUNS_A_BLOCK; run++) {
        const input = JSON.stringify(hookPayload(10_000_000 + call++));
        const startedMs = performance.now();
        const { status, stdout } = spawnSync(process.execPath, one.args, {
          input,
          cwd: folder,
          env: { PATH: process.env.PATH, HOME: folder, AUDIT_LOG_URL: one.url, AUDIT_SPOOL_DIR: join(folder, "spool") },
        });
        // The first block only warms up the caches of the system.
        if (block >= 0) one.wallMs.push(performance.now() - startedMs);
        if (status !== 0 || stdout.length > 0) throw new Error(`${one.name} ended with ${status}.`);
      }
      if (block >= 0) one.cpuMs.push((childrenCpuMs() - before) / RUNS_A_BLOCK);
    }
  }
  const [nothing] = programs;
  const cells = programs.map(({ name, wallMs, cpuMs }) => {
    const sorted = [...wallMs].sort((left, right) => left - right);
    const extra = median(cpuMs.map((ms, block) => ms - (nothing.cpuMs[block] ?? Number.NaN)));
    return [name, ...[quantile(sorted, 0.5), quantile(sorted, 0.99), median(cpuMs), extra].map(formatNumber)];
  });
  out(
    `\nThe command, ${BLOCKS} blocks of ${RUNS_A_BLOCK} runs each, in turns; at most ${COMMAND_CPU_MS_MAX} ms CPU more than an empty module:\n`,
  );
  out(formatTable(["what", "wall p50 ms", "wall p99 ms", "CPU ms", "more than an empty module"], cells));
}

/** CPU milliseconds of the children of this process that have ended. Source: proc(5), `stat`, fields 16 and 17. */
function childrenCpuMs(): number {
  const text = readFileSync("/proc/self/stat", "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}
