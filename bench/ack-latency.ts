import { Pool } from "undici";
import type { Measured } from "./child.ts";
import type { EventSource } from "./events.ts";
import { quantile } from "./figures.ts";
import type { Question } from "./queries.ts";
import { startQueryLoop } from "./query-loop.ts";
import { makeBodies, measureRound, SINGLES } from "./scenario.ts";

/** How long acks took while something else went on. */
export interface AckFigure {
  readonly acked: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** The same load twice: alone, and beside heavy queries. */
export interface AcksBesideQueries {
  readonly paced: { readonly alone: AckFigure; readonly beside: AckFigure };
  readonly saturated: { readonly alone: AckFigure; readonly beside: AckFigure };
  /** Queries that were answered meanwhile. */
  readonly queries: { readonly count: number; readonly p50Ms: number; readonly maxMs: number };
}

export interface AckEffort {
  /** Single events, spread evenly. */
  readonly pacedPerSecond: number;
  readonly pacedSeconds: number;
  /** Single events, as fast as 64 connections take them. */
  readonly saturatedEvents: number;
}

/** @param heavy Each is asked again as soon as it is answered, all of them at once. */
export async function measureAcks(
  server: Measured,
  heavy: readonly Question[],
  source: EventSource,
  effort: AckEffort,
): Promise<AcksBesideQueries> {
  const { pacedPerSecond, pacedSeconds, saturatedEvents } = effort;
  const paced = (): Promise<AckFigure> => drivePaced(server.url, source, pacedPerSecond, pacedSeconds);
  const saturated = async (): Promise<AckFigure> => {
    const round = await measureRound(server, makeBodies(source, SINGLES, saturatedEvents), SINGLES);
    return figureOf(round.latenciesMs, round.seconds);
  };
  const alone = { paced: await paced(), saturated: await saturated() };
  const loop = startQueryLoop({ url: server.url, questions: heavy });
  const beside = { paced: await paced(), saturated: await saturated() };
  const latenciesMs = await loop.stop();
  return {
    paced: { alone: alone.paced, beside: beside.paced },
    saturated: { alone: alone.saturated, beside: beside.saturated },
    queries: { count: latenciesMs.length, p50Ms: quantile(latenciesMs, 0.5), maxMs: latenciesMs.at(-1) ?? Number.NaN },
  };
}

/**
 * Sends single events at fixed moments, whether or not earlier ones were answered. A latency counts from the moment at which its event was due:
 * counted from when it could be sent, a stall would show once and not for all who wait behind it.
 */
export async function drivePaced(url: string, source: EventSource, perSecond: number, seconds: number): Promise<AckFigure> {
  const pool = new Pool(url, { connections: SINGLES.connections, pipelining: 1 });
  const latenciesMs: number[] = [];
  const count = perSecond * seconds;
  const bodies = makeBodies(source, { eventsPerBody: 1, connections: 1 }, count);
  const pending: Promise<void>[] = [];
  const startedMs = performance.now();

  async function send(bytes: Buffer, dueMs: number): Promise<void> {
    const answer = await pool.request({
      path: "/api/v1/events",
      method: "POST",
      headers: { "content-type": "application/json" },
      body: bytes,
    });
    if (answer.statusCode !== 201) throw new Error(`${answer.statusCode}: ${(await answer.body.text()).slice(0, 500)}`);
    await answer.body.dump();
    latenciesMs.push(performance.now() - dueMs);
  }

  for (const [i, body] of bodies.entries()) {
    const dueMs = startedMs + (i * 1_000) / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    pending.push(send(body.bytes, dueMs));
  }
  await Promise.all(pending);
  const figure = figureOf(
    latenciesMs.sort((left, right) => left - right),
    (performance.now() - startedMs) / 1_000,
  );
  await pool.close();
  return figure;
}

function figureOf(sortedMs: readonly number[], seconds: number): AckFigure {
  return {
    acked: sortedMs.length,
    perSecond: sortedMs.length / seconds,
    p50Ms: quantile(sortedMs, 0.5),
    p99Ms: quantile(sortedMs, 0.99),
    maxMs: sortedMs.at(-1) ?? Number.NaN,
  };
}
