/** The value below which `share` of the sorted values lie; NaN for none. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** One measured round of one program. */
export interface Round {
  readonly cpuUsPerEvent: number;
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Events until the last of them can be found; only of a round that waits for that. */
  readonly searchablePerSecond?: number;
}

/** The median of each figure by itself. */
export function medianRound(rounds: readonly Round[]): Round {
  const searchable = rounds.map((round) => round.searchablePerSecond).filter((value) => value !== undefined);
  return {
    ...(searchable.length === 0 ? {} : { searchablePerSecond: median(searchable) }),
    cpuUsPerEvent: median(rounds.map((round) => round.cpuUsPerEvent)),
    eventsPerSecond: median(rounds.map((round) => round.eventsPerSecond)),
    p50Ms: median(rounds.map((round) => round.p50Ms)),
    p99Ms: median(rounds.map((round) => round.p99Ms)),
  };
}
