import { type AcksBesideQueries, measureAcks } from "./ack-latency.ts";
import type { Measured } from "./child.ts";
import { createEventSource, type EventTimes } from "./events.ts";
import type { PostgresBaseline } from "./postgres.ts";
import { openPostgresTrail, type PostgresTrail } from "./postgres-trail.ts";
import { agentLogQueries, createPageQueries, createQueries } from "./queries.ts";
import { type Effort, measureQueries, type QueryResult } from "./query-figures.ts";
import { openReader, type Reader } from "./reader.ts";

/** The events that are searched. The same seed and times make them again, for the baseline. */
export interface Searched {
  readonly seed: number;
  readonly times: EventTimes;
  readonly events: number;
}

export interface SearchSizes {
  readonly ours: Effort;
  readonly baseline: Effort;
  readonly acks: Parameters<typeof measureAcks>[3];
}

export interface SearchFigures {
  readonly queries: readonly QueryResult[];
  /** Text: why they were not measured. */
  readonly acks: AcksBesideQueries | string;
  readonly baselineBytesPerEvent: number | undefined;
}

/** Entries of a page while the benchmark pages to a far place. */
const STEP_ENTRIES = 1_000;
const ACK_SEED = 20_260_106;
const SPAN_DAYS = 30;
const DAY_MS = 86_400_000;

/** As many events as wanted, spread over the last thirty days: what the queries of the agent log ask for is in them. */
export function lastThirtyDays(events: number, nowMs: number): EventTimes {
  return { firstMs: nowMs - SPAN_DAYS * DAY_MS, stepMs: (SPAN_DAYS * DAY_MS) / events };
}

/**
 * Asks a server that holds the events, at rest, and the baseline with the same ones; then measures acks beside heavy queries.
 *
 * @param progress Told what is being done.
 */
export async function measureSearch(
  server: Measured,
  postgres: PostgresBaseline | Error,
  searched: Searched,
  sizes: SearchSizes,
  progress: (text: string) => void,
): Promise<SearchFigures> {
  const source = createEventSource(searched.seed, searched.times);
  let sample = source.next();
  while (sample.context?.callId === undefined) sample = source.next();
  const trail = postgres instanceof Error ? undefined : await fillTrail(postgres, searched, progress);
  const reader = openReader(server.url, 1);
  const deep = await pageTo(reader, Math.max(STEP_ENTRIES, Math.floor(searched.events / 4 / STEP_ENTRIES) * STEP_ENTRIES), progress);
  const nowMs = searched.times.firstMs + searched.events * searched.times.stepMs;
  const queries = await measureQueries(
    [...createQueries(sample, nowMs), ...createPageQueries(deep)],
    {
      ours: async (question) => (await reader.ask(question)).rows,
      baseline: trail === undefined ? undefined : (question) => trail.ask(question),
    },
    sizes,
    ({ kind, name }) => progress(`query: ${kind}, ${name} …`),
  );
  await reader.close();
  progress("acks beside heavy queries …");
  const heavy = agentLogQueries.map(({ ours }) => ours);
  const acks = await measureAcks(server, heavy, createEventSource(ACK_SEED), sizes.acks).catch((error: unknown) => String(error));
  return { queries, acks, baselineBytesPerEvent: trail === undefined ? undefined : (await trail.bytes()) / searched.events };
}

async function fillTrail(
  postgres: PostgresBaseline,
  { seed, times, events }: Searched,
  progress: (text: string) => void,
): Promise<PostgresTrail> {
  progress(`PostgreSQL takes the same ${events.toLocaleString("en-US")} events …`);
  return openPostgresTrail(postgres, createEventSource(seed, times), events);
}

/** Pages from the newest entry to a far one. */
async function pageTo(
  reader: Reader,
  position: number,
  progress: (text: string) => void,
): Promise<Parameters<typeof createPageQueries>[0]> {
  progress(`paging to entry ${position.toLocaleString("en-US")} …`);
  let cursor = "";
  let occurredAt = "";
  let seen = 0;
  while (seen < position) {
    const from: Readonly<Record<string, string>> = cursor === "" ? {} : { cursor };
    const { rows, body } = await reader.ask({ path: `/api/v1/events?${new URLSearchParams({ limit: String(STEP_ENTRIES), ...from })}` });
    seen += rows;
    occurredAt = body.events?.at(-1)?.event.occurredAt ?? occurredAt;
    if (body.nextCursor === undefined) break;
    cursor = body.nextCursor;
  }
  return { cursor, occurredAt, position: seen };
}
