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
  readonly acks: AcksBesideQueries | string;
  /** JSON of one event, on average. */
  readonly eventBytes: number;
}

/** A bound, and the value that was found. */
interface Budget {
  readonly what: string;
  readonly first: number;
  readonly goal: number;
  readonly found: number;
  readonly unit: string;
  /** A larger value is better. */
  readonly isRate?: boolean;
  readonly note?: string;
}

const TITLE = ["what", "first budget", "goal", "measured", "state"] as const;
/** Groups above which a query has the budget of large ones. */
const MANY_GROUPS = 100_000;

/** The budgets of the design that this run says something about. */
export function budgetTable(findings: Findings): { readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  return { header: TITLE, rows: budgetsOf(findings).map(toRow) };
}

function budgetsOf({ accept, sustained, remains, queries, acks, eventBytes }: Findings): readonly Budget[] {
  const { disk, verified } = remains;
  const entries = disk.activeEntries + disk.sealedEntries;
  // As it is once everything is sealed: the active segment is as large for ten thousand entries as for ten million.
  const bytesPerEvent = disk.sealedBytes / disk.sealedEntries + (disk.tileBytes + disk.otherBytes + disk.searchBytes) / entries;
  const five = queries.filter(({ query }) => query.kind === "agent log").map(({ ours }) => (typeof ours === "string" ? undefined : ours));
  const slowest = Math.max(...five.slice(0, 5).map((figure) => figure?.p50Ms ?? Number.NaN));
  const groups = five[5];
  const beside = typeof acks === "string" ? undefined : acks;
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
      what: `the five queries at ${sustained.events.toLocaleString("en-US")} events, p50 of the slowest`,
      first: 50,
      goal: 25,
      found: slowest,
      unit: "ms",
    },
    ...(groups === undefined
      ? []
      : [
          {
            what: `cost of all actors by day (more than ${MANY_GROUPS.toLocaleString("en-US")} groups at a million events), p50`,
            first: 600,
            goal: 300,
            found: groups.p50Ms,
            unit: "ms",
          },
        ]),
    {
      what: "p99 ack latency while five heavy queries run, paced load",
      first: 50,
      goal: 20,
      found: beside?.paced.beside.p99Ms ?? Number.NaN,
      unit: "ms",
      ...(beside === undefined ? {} : { note: `without queries ${formatNumber(beside.paced.alone.p99Ms)}` }),
    },
    {
      what: "the same, 64 connections saturated",
      first: 50,
      goal: 20,
      found: beside?.saturated.beside.p99Ms ?? Number.NaN,
      unit: "ms",
      ...(beside === undefined ? {} : { note: `without queries ${formatNumber(beside.saturated.alone.p99Ms)}` }),
    },
    {
      what: "disk, sealed ledger + tiles + ids + search index, per byte of event JSON",
      first: 0.5,
      goal: 0.35,
      found: bytesPerEvent / eventBytes,
      unit: "",
      note: `${formatNumber(bytesPerEvent)} bytes`,
    },
    {
      what: "full verification, events per second",
      first: 60_000,
      goal: 150_000,
      found: typeof verified === "string" ? Number.NaN : verified.entries / verified.seconds,
      unit: "/s",
      isRate: true,
    },
    {
      what: "resident memory under sustained load, both processes at a time",
      first: 550,
      goal: 400,
      found: sustained.growth.residentPeakBytes / 1e6,
      unit: "MB",
      note: `server ${formatMegabytes(sustained.serverPeakBytes)}, search process ${formatMegabytes(sustained.searchPeakBytes)} at their own worst moments`,
    },
  ];
}

function toRow({ what, first, goal, found, unit, isRate = false, note }: Budget): readonly string[] {
  const withUnit = (value: number): string =>
    `${Number.isInteger(value) ? value.toLocaleString("en-US") : formatNumber(value)}${unit.startsWith("/") || unit === "" ? unit : ` ${unit}`}`;
  const isWithin = (bound: number): boolean => (isRate ? found >= bound : found <= bound);
  const state = Number.isNaN(found) ? "not measured" : isWithin(goal) ? "met, goal too" : isWithin(first) ? "met; goal MISSED" : "MISSED";
  return [
    what,
    withUnit(first),
    withUnit(goal),
    `${formatNumber(found)}${unit === "" ? "" : ` ${unit}`}${note === undefined ? "" : ` (${note})`}`,
    state,
  ];
}
