import { type EventFilter, microsOf, type ReadState, type SearchHit } from "@vouchtrail/events";
import { timeText } from "../clock.ts";
import { REPORT_DEEDS_MAX } from "../limits.ts";
import { takePages } from "../search-pages.ts";
import type { SheetRow } from "../sheet.ts";
import { textAt } from "../text-at.ts";
import type { DeedSeries, ReportQuestion, ReportReader } from "./report.ts";
import { bucketFor, SPANS, seriesOf, startOf } from "./time-series.ts";

/** The newest deeds by the time at which they happened, and what there is besides. */
export interface NewestDeeds extends ReadState {
  /** Newest first. */
  readonly rows: readonly SheetRow[];
  /** All that match. */
  readonly total: number;
  readonly series: DeedSeries | undefined;
  /** False when so many fell into one minute that not all of them could be looked at. */
  readonly isExact: boolean;
}

/** What is kept of a deed: not its content, of which there may be megabytes. */
interface TimedRow {
  readonly micros: bigint;
  readonly index: number;
  readonly row: SheetRow;
}

/**
 * The newest `limit` deeds by `occurredAt`. A search goes by the order of recording, and late events are recorded late: so statistics tell first
 * from which moment on there are enough of them, and all of those are fetched and sorted.
 */
export async function newestDeeds(
  reader: ReportReader,
  question: ReportQuestion,
  rowOf: (hit: SearchHit) => SheetRow,
): Promise<NewestDeeds> {
  const { limit, spanMs, wait } = question;
  const bucket = bucketFor(spanMs);
  const first = await reader.stats({ filter: question.filter, bucket, limit: 1, ...(wait ? { wait } : {}) });
  let filter = question.filter;
  let buckets = first.buckets;
  for (const [name] of SPANS.slice(SPANS.findIndex(([one]) => one === bucket))) {
    if (name !== bucket) ({ buckets } = await reader.stats({ filter, bucket: name, limit: 1 }));
    const cut = cutOff(buckets, limit);
    if (cut === undefined) break;
    filter = narrowed(filter, cut.startMs);
    if (cut.count <= REPORT_DEEDS_MAX) break;
  }
  const deeds: TimedRow[] = [];
  const end = await takePages<SearchHit>(
    async (request) => {
      const page = await reader.search({ filter, deeds: true, ...request });
      return { ...page, items: page.events };
    },
    { limit: REPORT_DEEDS_MAX },
    async (page) => void deeds.push(...page.map((hit) => ({ micros: microsAt(hit), index: hit.index, row: rowOf(hit) }))),
  );
  return {
    rows: deeds
      .sort((left, right) => Number(right.micros - left.micros) || right.index - left.index)
      .slice(0, limit)
      .map(({ row }) => row),
    total: first.total,
    series: seriesOf(first.buckets, bucket),
    isExact: end.nextCursor === undefined,
    treeSize: end.treeSize,
    searchedTo: end.searchedTo,
  };
}

/** Where the newest spans begin that hold `limit` deeds together. Undefined when all of them do not. */
function cutOff(
  buckets: Awaited<ReturnType<ReportReader["stats"]>>["buckets"],
  limit: number,
): { startMs: number; count: number } | undefined {
  let count = 0;
  for (const bucket of buckets.toReversed()) {
    count += bucket.total;
    if (count >= limit) return { startMs: startOf(bucket), count };
  }
  return undefined;
}

/** The first span may begin before the time that is looked at. */
function narrowed(filter: EventFilter, startMs: number): EventFilter {
  const isLater = filter.from === undefined || microsOf(filter.from) < BigInt(startMs) * 1_000n;
  return isLater ? { ...filter, from: timeText(startMs) } : filter;
}

function microsAt({ event }: SearchHit): bigint {
  return microsOf(textAt(event, "occurredAt") ?? "1970-01-01T00:00:00.000Z");
}
