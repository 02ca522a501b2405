import { quantile } from "./figures.ts";
import type { BaselineQuestion, Query, Question } from "./queries.ts";

/** Who is asked; resolves with the number of rows. */
export interface Sides {
  readonly ours: (question: Question) => Promise<number>;
  readonly baseline: ((question: BaselineQuestion) => Promise<number>) | undefined;
}

/** How long one question took, again and again. */
export interface QueryFigure {
  readonly runs: number;
  readonly rows: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface QueryResult {
  readonly query: Query;
  /** Text: why it was not measured. */
  readonly ours: QueryFigure | string;
  readonly baseline: QueryFigure | string | undefined;
}

export interface Effort {
  readonly runs: number;
  readonly warmUpRuns: number;
  /** A question that takes longer than this in all is asked fewer times, but at least {@link RUNS_MIN}. */
  readonly secondsMax: number;
}

export const RUNS_MIN = 5;

/** Asks each question on both sides, one side right after the other. */
export async function measureQueries(
  queries: readonly Query[],
  sides: Sides,
  efforts: { readonly ours: Effort; readonly baseline: Effort },
  onQuery: (query: Query) => void,
): Promise<readonly QueryResult[]> {
  const results: QueryResult[] = [];
  for (const query of queries) {
    onQuery(query);
    const { baseline } = query;
    const ask = sides.baseline;
    results.push({
      query,
      ours: await measureQuery(() => sides.ours(query.ours), efforts.ours),
      baseline: baseline === undefined || ask === undefined ? undefined : await measureQuery(() => ask(baseline), efforts.baseline),
    });
  }
  return results;
}

/** @returns Why it failed, for a question that cannot be answered. */
export async function measureQuery(ask: () => Promise<number>, { runs, warmUpRuns, secondsMax }: Effort): Promise<QueryFigure | string> {
  const latenciesMs: number[] = [];
  let rows = 0;
  const startedMs = performance.now();
  try {
    for (let run = -warmUpRuns; run < runs; run++) {
      const seconds = (performance.now() - startedMs) / 1_000;
      if (seconds > secondsMax && latenciesMs.length >= RUNS_MIN) break;
      // What is so slow is warm after once.
      if (seconds > secondsMax && run < 0) run = 0;
      const askedMs = performance.now();
      rows = await ask();
      if (run >= 0) latenciesMs.push(performance.now() - askedMs);
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  latenciesMs.sort((left, right) => left - right);
  return { runs: latenciesMs.length, rows, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) };
}
