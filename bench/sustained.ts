import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Measured } from "./child.ts";
import { drive } from "./client.ts";
import { type LedgerBytes, measureLedger } from "./disk.ts";
import type { EventSource } from "./events.ts";
import { quantile } from "./figures.ts";
import { type Growth, watchGrowth } from "./growth.ts";
import { BATCHES, dataOf, makeBodies, startVouchtrail } from "./scenario.ts";

/** Events that are made and kept before they are sent: the server must not wait for its client. About 1.3 KB each. */
const STRETCH_EVENTS = 250_000;
/** Points of the table of growth. */
const POINTS = 10;

/** A load in batches that goes on until everything is searchable and sealed. */
export interface Sustained {
  readonly events: number;
  /** Both processes. */
  readonly cpuUsPerEvent: number;
  readonly serverCpuUsPerEvent: number;
  readonly searchCpuUsPerEvent: number;
  readonly ackedPerSecond: number;
  readonly searchablePerSecond: number;
  /** How long after the last ack of a stretch the last event was searchable, at worst. */
  readonly behindMs: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  readonly serverPeakBytes: number;
  readonly searchPeakBytes: number;
  readonly growth: Growth;
}

/** Sends `events` events in stretches; the next one begins when everything of the one before is searchable. */
export async function sustain(
  server: Measured,
  { folder, source, events }: { readonly folder: string; readonly source: EventSource; readonly events: number },
): Promise<Sustained> {
  const latenciesMs: number[] = [];
  let acked = 0;
  let ackSeconds = 0;
  let searchableSeconds = 0;
  let behindMs = 0;
  const before = await server.usage();
  const growth = watchGrowth(server, dataOf(folder), Math.max(1, Math.floor(events / POINTS)));
  while (acked < events) {
    const bodies = makeBodies(source, BATCHES, Math.min(STRETCH_EVENTS, events - acked));
    const sentBefore = acked;
    const startedMs = performance.now();
    const driven = await drive(server.url, bodies, BATCHES.connections, { onAcked: (count) => growth.acked(sentBefore + count) });
    const ackedMs = performance.now();
    await server.searchable();
    acked += driven.events;
    ackSeconds += driven.seconds;
    searchableSeconds += (performance.now() - startedMs) / 1_000;
    behindMs = Math.max(behindMs, performance.now() - ackedMs);
    for (const latencyMs of driven.latenciesMs) latenciesMs.push(latencyMs);
  }
  await server.idle();
  const seen = await growth.stop();
  const after = await server.usage();
  latenciesMs.sort((left, right) => left - right);
  const serverCpuUs = after.own.cpuUs - before.own.cpuUs;
  const searchCpuUs = after.children.cpuUs - before.children.cpuUs;
  return {
    events: acked,
    cpuUsPerEvent: (serverCpuUs + searchCpuUs) / acked,
    serverCpuUsPerEvent: serverCpuUs / acked,
    searchCpuUsPerEvent: searchCpuUs / acked,
    ackedPerSecond: acked / ackSeconds,
    searchablePerSecond: acked / searchableSeconds,
    behindMs,
    ackP50Ms: quantile(latenciesMs, 0.5),
    ackP99Ms: quantile(latenciesMs, 0.99),
    serverPeakBytes: after.own.residentPeakBytes,
    searchPeakBytes: after.children.residentPeakBytes,
    growth: seen,
  };
}

/** What a server left on disk, and how long it takes to verify it and to start from it. */
export interface Remains {
  readonly disk: LedgerBytes;
  readonly verified: Verified | string;
  readonly restartMs: number;
  /** From starting the process until everything is searchable again. */
  readonly searchableMs: number;
}

export interface Verified {
  readonly verdict: string;
  readonly entries: number;
  readonly seconds: number;
  readonly cpuUs: number;
  readonly residentPeakBytes: number;
}

/** Closes the server. */
export async function measureRemains(server: Measured, folder: string): Promise<Remains> {
  const { treeSize } = await server.progress();
  await server.idle();
  await server.close();
  const disk = await measureLedger(dataOf(folder), treeSize);
  const verified = await verify(join(dataOf(folder), "ledger", "main"));
  const startedMs = performance.now();
  const again = await startVouchtrail(folder);
  await again.searchable();
  const searchableMs = performance.now() - startedMs;
  await again.close();
  return { disk, verified, restartMs: again.startMs, searchableMs };
}

async function verify(folder: string): Promise<Verified | string> {
  try {
    const program = fileURLToPath(new URL("verify.js", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program, folder], { cwd: folder });
    return JSON.parse(stdout) as Verified;
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n").find((line) => line.includes("Error")) ?? error.message) : String(error);
  }
}
