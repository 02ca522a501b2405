import type { AcksBesideQueries } from "./ack-latency.ts";
import type { Round } from "./figures.ts";
import type { QueryResult } from "./query-figures.ts";
import { formatMegabytes, formatNumber } from "./report.ts";
import type { Remains, Sustained } from "./sustained.ts";

/** What the benchmark found; what was left out is absent. */
export interface Findings {
  readonly accept: Round | undefined;
  readonly sustained: Sustained;
  readonly remains: Remains;
  readonly queries: readonly QueryResult[];
  /** Text: why they were not measured. */
  readonly acks: AcksBesideQueries | string;
  /** JSON of one event, on average. */
  readonly eventBytes: number;
}

/** A bound and a goal, and the value that was found: NaN where there is none. */
export interface Budget {
  readonly what: string;
  readonly first: number;
  readonly goal: number;
  readonly found: number;
  readonly unit: string;
  /** A larger value is better. */
  readonly isRate?: boolean;
  readonly note?: string;
}

/** Queries that are the document's own; the one behind them has far more groups, and a budget of its own. */
const DOCUMENT_QUERIES = 5;

/** The budgets of the design that this run says something about. */
export function budgetsOf(findings: Findings): readonly Budget[] {
  return [...pathBudgets(findings), ...queryBudgets(findings), ...ackBudgets(findings), ...storeBudgets(findings)];
}

/** Columns: what, first budget, goal, measured, state. */
export function budgetCells({ what, first, goal, found, unit, isRate = false, note }: Budget): readonly string[] {
  const withUnit = (value: string): string => `${value} ${unit}`.trim();
  const isWithin = (bound: number): boolean => (isRate ? found >= bound : found <= bound);
  const state = Number.isNaN(found) ? "not measured" : isWithin(goal) ? "met, goal too" : isWithin(first) ? "met; goal MISSED" : "MISSED";
  const measured = withUnit(formatNumber(found));
  const bounds = [first, goal].map((bound) => withUnit(bound.toLocaleString("en-US")));
  return [what, ...bounds, note === undefined ? measured : `${measured} (${note})`, state];
}

function pathBudgets({ accept, sustained }: Findings): readonly Budget[] {
  return [
    { what: "accept path, CPU per event, batches", first: 65, goal: 40, found: accept?.cpuUsPerEvent ?? Number.NaN, unit: "µs" },
    {
      what: "whole path with search index, CPU per event",
      first: 120,
      goal: 60,
      found: sustained.cpuUsPerEvent,
      unit: "µs",
      note: `server ${formatNumber(sustained.serverCpuUsPerEvent)}, search process ${formatNumber(sustained.searchCpuUsPerEvent)}`,
    },
    {
      what: "acked and searchable events per second, batches over HTTP",
      first: 12_000,
      goal: 40_000,
      found: sustained.searchablePerSecond,
      unit: "/s",
      isRate: true,
      note: `acked alone ${formatNumber(sustained.ackedPerSecond)}`,
    },
    {
      what: "resident memory under sustained load, both processes",
      first: 550,
      goal: 400,
      found: sustained.growth.residentPeakBytes / 1e6,
      unit: "MB",
      note: `server ${formatMegabytes(sustained.serverPeakBytes)}, search process ${formatMegabytes(sustained.searchPeakBytes)} at their own worst moments`,
    },
  ];
}

function queryBudgets({ sustained, queries }: Findings): readonly Budget[] {
  const ofLog = queries.filter(({ query }) => query.kind === "agent log");
  const p50 = ({ ours }: QueryResult): number => (typeof ours === "string" ? Number.NaN : ours.p50Ms);
  const document = ofLog.slice(0, DOCUMENT_QUERIES);
  const slowestMs = document.length === 0 ? Number.NaN : Math.max(...document.map(p50));
  const slowest = document.find((result) => p50(result) === slowestMs);
  const events = sustained.events.toLocaleString("en-US");
  return [
    {
      what: `the five queries at ${events} events, p50 of the slowest`,
      first: 50,
      goal: 25,
      found: slowestMs,
      unit: "ms",
      ...(slowest === undefined ? {} : { note: slowest.query.name }),
    },
    ...ofLog
      .slice(DOCUMENT_QUERIES)
      .map((result): Budget => ({ what: `${result.query.name}, p50`, first: 600, goal: 300, found: p50(result), unit: "ms" })),
  ];
}

function ackBudgets({ acks }: Findings): readonly Budget[] {
  const bounds = { first: 50, goal: 20, unit: "ms" };
  const budget = (what: string, pair: AcksBesideQueries["paced"] | undefined): Budget => ({
    ...bounds,
    what,
    found: pair?.beside.p99Ms ?? Number.NaN,
    ...(pair === undefined ? {} : { note: `without queries ${formatNumber(pair.alone.p99Ms)}` }),
  });
  const known = typeof acks === "string" ? undefined : acks;
  return [
    budget("p99 ack latency while five heavy queries run, paced load", known?.paced),
    budget("the same, 64 connections saturated", known?.saturated),
  ];
}

function storeBudgets({ remains, eventBytes }: Findings): readonly Budget[] {
  const { disk, verified } = remains;
  const entries = disk.activeEntries + disk.sealedEntries;
  // As it is once everything is sealed: the active segment is as large for ten thousand entries as for ten million.
  const bytesPerEvent = disk.sealedBytes / disk.sealedEntries + (disk.tileBytes + disk.otherBytes + disk.searchBytes) / entries;
  return [
    {
      what: "disk, sealed ledger + tiles + ids + search index, per byte of event JSON",
      first: 0.5,
      goal: 0.35,
      found: bytesPerEvent / eventBytes,
      unit: "",
      note: `${formatNumber(bytesPerEvent)} of ${formatNumber(eventBytes)} bytes`,
    },
    {
      what: "full verification, events per second",
      first: 60_000,
      goal: 150_000,
      found: typeof verified === "string" ? Number.NaN : verified.entries / verified.seconds,
      unit: "/s",
      isRate: true,
    },
  ];
}
