import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Measured, startMeasured } from "./child.ts";
import { type Driven, drive } from "./client.ts";
import type { Body, EventSource } from "./events.ts";
import { quantile, type Round } from "./figures.ts";

/** How a load arrives: events in a request, and requests under way at a time. */
export interface Load {
  readonly eventsPerBody: number;
  readonly connections: number;
}

export const BATCHES: Load = { eventsPerBody: 500, connections: 4 };
export const SINGLES: Load = { eventsPerBody: 1, connections: 64 };
export const ALONE: Load = { eventsPerBody: 1, connections: 1 };

export function makeBodies(source: EventSource, load: Load, events: number): Body[] {
  return Array.from({ length: Math.ceil(events / load.eventsPerBody) }, () => source.body(load.eventsPerBody));
}

/** Drives one server with ready-made bodies and takes its CPU time from before the first request to after the last answer. */
export async function measureRound(server: Measured, bodies: readonly Body[], load: Load): Promise<Round & Driven> {
  const before = await server.usage();
  const driven = await drive(server.url, bodies, load.connections);
  const after = await server.usage();
  return { ...driven, ...roundOf(driven, after.cpuUs - before.cpuUs) };
}

export function roundOf(driven: Driven, cpuUs: number): Round {
  return {
    cpuUsPerEvent: cpuUs / driven.events,
    eventsPerSecond: driven.events / driven.seconds,
    p50Ms: quantile(driven.latenciesMs, 0.5),
    p99Ms: quantile(driven.latenciesMs, 0.99),
  };
}

/** A folder that goes away with everything in it. */
export interface Workspace extends AsyncDisposable {
  /** A new folder inside it; others may pass through, because PostgreSQL runs as another user. */
  folder(name: string): Promise<string>;
}

export async function openWorkspace(): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-bench-"));
  await chmod(root, 0o711);
  return {
    async folder(name) {
      const path = join(root, name);
      await mkdir(path);
      return path;
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

export interface StartOptions {
  readonly nodeArgs?: readonly string[];
  /** Where the process of the search index leaves its CPU profile. */
  readonly searchProfiles?: string;
}

/** Starts the real server on the data in `folder`, which is empty or was left by an earlier start. */
export function startVouchtrail(folder: string, { nodeArgs = [], searchProfiles }: StartOptions = {}): Promise<Measured> {
  const args = [dataOf(folder), join(folder, "state"), ...(searchProfiles === undefined ? [] : [searchProfiles])];
  return startMeasured("server", { folder, args, nodeArgs });
}

export function dataOf(folder: string): string {
  return join(folder, "data");
}
