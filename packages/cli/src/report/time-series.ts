import { type BucketName, microsOf, type StatsBucket } from "@vouchtrail/events";
import { condense } from "../chart.ts";
import { CHART_WIDTH } from "../limits.ts";
import type { DeedSeries } from "./report.ts";

/** Spans that are counted one by one before they are condensed. */
const SERIES_SPANS_MAX = 10_000;

/** Spans of equal length, from long to short, and their milliseconds. */
export const SPANS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const satisfies readonly (readonly [BucketName, number])[];

/** The longest span of which at least ten fit into the time that is looked at. */
export function bucketFor(spanMs: number): (typeof SPANS)[number][0] {
  return SPANS.find(([, ms]) => spanMs >= 10 * ms)?.[0] ?? "minute";
}

/** Milliseconds since 1970 at which a bucket begins. */
export function startOf({ from }: StatsBucket): number {
  return Number(microsOf(from) / 1_000n);
}

/**
 * One count a span, the empty ones too, condensed to the width of a chart.
 *
 * @param buckets Oldest first, as statistics give them: spans without a deed are left out.
 * @returns Undefined where there is no deed.
 */
export function seriesOf(buckets: readonly StatsBucket[], bucket: (typeof SPANS)[number][0]): DeedSeries | undefined {
  const [first] = buckets;
  const last = buckets.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const spanMs = SPANS.find(([name]) => name === bucket)![1];
  const spans = (startOf(last) - startOf(first)) / spanMs + 1;
  // One deed with a time of long ago must not make a list of all minutes since.
  const each = Math.max(1, Math.ceil(spans / SERIES_SPANS_MAX));
  const counts = new Array<number>(Math.ceil(spans / each)).fill(0);
  for (const one of buckets) {
    const at = Math.floor((startOf(one) - startOf(first)) / spanMs / each);
    counts[at] = (counts[at] ?? 0) + one.total;
  }
  return { counts: condense(counts, CHART_WIDTH), from: first.from, to: last.from };
}
