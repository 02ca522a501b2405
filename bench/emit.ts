// What recording an event costs the thread that does it, beside pino writing the same object to a file: `npm run bench -- --emit`.
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { createRedactor } from "@vouchtrail/events";
import { type AuditEmitter, type AuditEmitterConfig, createAuditEmitter } from "@vouchtrail/sdk";
import { type DestinationStream, pino } from "pino";
import { type BenchEvent, createEventSource } from "./events.ts";
import { median } from "./figures.ts";
import { formatNumber, formatTable } from "./report.ts";
import { startVouchtrail, type Workspace } from "./scenario.ts";

const SEED = 20_261_121;
const EVENTS = 2_000;
/** Calls in one turn: an application that does a lot in one go. */
const CALLS_A_TURN = 50;
const WARM_UP_TURNS = 100;
const TURNS = 400;

interface Measured {
  /** Nanoseconds of one call on the thread that makes it, medians over the turns. */
  readonly callNs: number;
  /** Microseconds of CPU of the whole process per event, with what is sent in the background. */
  readonly cpuUs: number;
  /** Milliseconds that the event loop was late. */
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
}

type Call = (event: BenchEvent) => unknown;

/** Calls in turns, and waits after each one for what it began, so that nothing piles up. */
async function measure(call: Call, settle: (begun: unknown[]) => Promise<unknown>): Promise<Measured> {
  const events = makeEvents();
  const perCall: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let cpu = process.cpuUsage();
  for (let turn = 0; turn < WARM_UP_TURNS + TURNS; turn++) {
    if (turn === WARM_UP_TURNS) {
      cpu = process.cpuUsage();
      delay.enable();
    }
    const begun: unknown[] = [];
    const started = process.hrtime.bigint();
    for (let i = 0; i < CALLS_A_TURN; i++) begun.push(call(events[(turn * CALLS_A_TURN + i) % events.length] as BenchEvent));
    const ns = Number(process.hrtime.bigint() - started) / CALLS_A_TURN;
    if (turn >= WARM_UP_TURNS) perCall.push(ns);
    await settle(begun);
  }
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  return {
    callNs: median(perCall),
    cpuUs: (user + system) / (TURNS * CALLS_A_TURN),
    delayP50Ms: delay.percentile(50) / 1e6,
    delayP99Ms: delay.percentile(99) / 1e6,
  };
}

/** Without ids: the emitter gives each call one of its own, as it does in an application. */
function makeEvents(): BenchEvent[] {
  const source = createEventSource(SEED);
  return Array.from({ length: EVENTS }, () => {
    const { id: _id, occurredAt: _occurredAt, source: _source, ...event } = source.next();
    return event as BenchEvent;
  });
}

/** Runs all ways of recording one after the other. */
export async function measureEmit(workspace: Workspace, out: (text: string) => void): Promise<void> {
  const folder = await workspace.folder("emit");
  const server = await startVouchtrail(await workspace.folder("emit-server"));
  const rows: [string, Measured][] = [];
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  const withPino = async (name: string, sync: boolean): Promise<void> => {
    const destination = pino.destination({ dest: join(folder, `${name.replace(/\W+/g, "-")}.log`), sync }) as DestinationStream & {
      flushSync(): void;
    };
    const logger = pino({ base: null }, destination);
    rows.push([name, await measure((event) => logger.info(event), turn)]);
    destination.flushSync();
  };
  const withEmitter = async (name: string, config: AuditEmitterConfig, isAwaited: boolean): Promise<void> => {
    const emitter: AuditEmitter = createAuditEmitter({
      url: server.url,
      logger: false,
      spool: { directory: join(folder, "spool") },
      deadlineMs: 10_000,
      ...config,
    });
    rows.push([
      name,
      await measure((event) => emitter.emit(event), isAwaited ? (begun) => Promise.all(begun as Promise<unknown>[]) : turn),
    ]);
    await emitter.close(60_000);
  };

  await withPino("pino, file, buffered", false);
  await withPino("pino, file, written at once", true);
  await withEmitter("emit, best-effort", { delivery: "best-effort" }, false);
  await withEmitter("emit, durable", {}, true);
  const redactor = createRedactor();
  const redact = (json: string): string =>
    redactor.mayContainSecrets(Buffer.from(json)) ? JSON.stringify(redactor.redactEvent(JSON.parse(json) as object).event) : json;
  await withEmitter("emit, durable, redacted in the process", { redact }, true);
  const lines = pino({ base: null }, pino.destination({ dest: join(folder, "lines.log"), sync: false }));
  await withEmitter("emit, durable, with its log line", { logger: lines }, true);
  await server.close();

  const cells = rows.map(([name, { callNs, cpuUs, delayP50Ms, delayP99Ms }]) => [
    name,
    formatNumber(callNs),
    formatNumber(cpuUs),
    formatNumber(delayP50Ms),
    formatNumber(delayP99Ms),
  ]);
  out(formatTable(["what", "ns a call, on its thread", "CPU µs per event, all threads", "event loop delay p50 ms", "p99 ms"], cells));
  out("");
  out(formatTable(["what", "value"], sizeCells()));
}

/** What an application takes on: bytes on the disk, and the time of the first import. */
function sizeCells(): string[][] {
  const packages = dirname(dirname(fileURLToPath(import.meta.resolve("@vouchtrail/sdk/package.json"))));
  const own = ["sdk", "events", "protocol"].map((name) => bytesIn(join(packages, name, "dist")));
  const others = ["uuid", "zod", "re2js"].map((name) => bytesIn(join(dirname(packages), "node_modules", name)));
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  return [
    ["installed: own packages, with types and source maps", `${formatNumber(sum(own) / 1_024)} KiB`],
    ["installed: uuid, zod and re2js", `${formatNumber(sum(others) / 1_024)} KiB`],
    ["import of @vouchtrail/sdk, over an empty process", `${formatNumber(importMs("@vouchtrail/sdk"))} ms`],
    ["import of @vouchtrail/sdk/core", `${formatNumber(importMs("@vouchtrail/sdk/core"))} ms`],
    ["import of pino, for comparison", `${formatNumber(importMs("pino"))} ms`],
  ];
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, status) => sum + (status.isFile() ? status.size : 0), 0);
}

const IMPORTS = 15;

function importMs(name: string): number {
  const url = import.meta.resolve(name);
  const program = `const started = performance.now(); await import(${JSON.stringify(url)}); process.stdout.write(String(performance.now() - started));`;
  const times = Array.from({ length: IMPORTS }, () =>
    Number(execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" })),
  );
  return median(times);
}
