import type { Measured } from "./child.ts";
import type { EventSource } from "./events.ts";
import type { Round } from "./figures.ts";
import { type PostgresBaseline, type Row, toRow } from "./postgres.ts";
import { ALONE, BATCHES, type Load, makeBodies, measureRound, roundOf, SINGLES } from "./scenario.ts";

/** Events of one round. */
export interface AcceptSizes {
  readonly rounds: number;
  readonly batch: number;
  readonly single: number;
  readonly alone: number;
  readonly postgres: number;
}

export type Keep = (name: string, round: Round) => void;

/** What takes its turn beside the server, so that what else the machine does meets all of them. */
export interface Baselines {
  readonly floor: Measured;
  readonly postgres: PostgresBaseline | Error;
}

export async function batchBlock(
  server: Measured,
  { floor, postgres }: Baselines,
  source: EventSource,
  sizes: AcceptSizes,
  keep: Keep,
): Promise<void> {
  for (let round = -1; round < sizes.rounds; round++) {
    const bodies = makeBodies(source, BATCHES, sizes.batch);
    const ours = await measureAccepting(server, bodies, BATCHES);
    const alone = await measureRound(floor, bodies, BATCHES);
    const inserted =
      postgres instanceof Error ? undefined : await insertRound(postgres, source, round < 0 ? sizes.postgres / 4 : sizes.postgres);
    // The first round only warms up.
    if (round < 0) continue;
    keep("accept path, batches of 500, 4 connections", ours);
    keep("HTTP alone (Fastify, nothing stored), batches of 500", alone);
    if (inserted !== undefined) keep("PostgreSQL, one INSERT per event, 8 connections", inserted);
  }
}

export async function singleBlock(server: Measured, floor: Measured, source: EventSource, sizes: AcceptSizes, keep: Keep): Promise<void> {
  for (let round = -1; round < sizes.rounds; round++) {
    const bodies = makeBodies(source, SINGLES, sizes.single);
    const accepted = await measureAccepting(server, bodies, SINGLES);
    const alone = await measureRound(floor, bodies, SINGLES);
    const searchable = await measureWholePath(server, makeBodies(source, SINGLES, sizes.single), SINGLES);
    const quiet = await measureWholePath(server, makeBodies(source, ALONE, sizes.alone), ALONE);
    if (round < 0) continue;
    keep("accept path, single events, 64 connections", accepted);
    keep("HTTP alone, single events, 64 connections", alone);
    keep("whole path until searchable, single events, 64 connections", searchable);
    keep("whole path until searchable, single events, 1 connection", quiet);
  }
}

/** A round while the process of the search index stands still; what it missed is made up for before this resolves. */
async function measureAccepting(server: Measured, bodies: ReturnType<typeof makeBodies>, load: Load): Promise<Round> {
  await server.searchable();
  await server.hold();
  const round = await measureRound(server, bodies, load);
  await server.release();
  await server.searchable();
  return round;
}

/** A round that ends when its last event can be found. The time of the index is in it, latencies are those of acks. */
async function measureWholePath(server: Measured, bodies: ReturnType<typeof makeBodies>, load: Load): Promise<Round> {
  const before = await server.usage();
  const startedMs = performance.now();
  const round = await measureRound(server, bodies, load);
  await server.searchable();
  const seconds = (performance.now() - startedMs) / 1_000;
  const after = await server.usage();
  return { ...roundOf(round, after.cpuUs - before.cpuUs), searchablePerSecond: round.events / seconds };
}

async function insertRound(postgres: PostgresBaseline, source: EventSource, count: number): Promise<Round> {
  const rows: Row[] = Array.from({ length: count }, () => toRow(source.next()));
  const before = await postgres.cpuUs();
  const driven = await postgres.insert(rows);
  return roundOf(driven, (await postgres.cpuUs()) - before);
}
