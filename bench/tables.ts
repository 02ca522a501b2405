import type { AcksBesideQueries } from "./ack-latency.ts";
import { medianRound, type Round } from "./figures.ts";
import type { QueryFigure, QueryResult } from "./query-figures.ts";
import { formatMegabytes, formatNumber, formatTable } from "./report.ts";
import type { SearchFigures } from "./search-scenario.ts";
import type { Remains, Sustained } from "./sustained.ts";

const count = (value: number): string => value.toLocaleString("en-US");
const NOTHING = "–";

/** Loads: each the median of its rounds. */
export function loadTable(rounds: ReadonlyMap<string, readonly Round[]>): string {
  const rows = [...rounds].map(([name, list]) => {
    const { cpuUsPerEvent, eventsPerSecond, searchablePerSecond, p50Ms, p99Ms } = medianRound(list);
    const spread = list.map((round) => round.cpuUsPerEvent);
    return [
      name,
      formatNumber(cpuUsPerEvent),
      `${formatNumber(Math.min(...spread))} to ${formatNumber(Math.max(...spread))}`,
      count(Math.round(eventsPerSecond)),
      searchablePerSecond === undefined ? NOTHING : count(Math.round(searchablePerSecond)),
      formatNumber(p50Ms),
      formatNumber(p99Ms),
    ];
  });
  return formatTable(
    ["load", "CPU µs per event", "of the rounds", "acked events/s", "searchable events/s", "ack p50 ms", "ack p99 ms"],
    rows,
  );
}

/** The sustained load, in ten steps. */
export function growthTable({ growth }: Sustained): string {
  const rows = growth.points.map((point) => [
    count(point.acked),
    count(Math.max(0, point.acked - point.searchedTo)),
    formatNumber(point.serverCpuUsPerEvent),
    formatNumber(point.searchCpuUsPerEvent),
    formatNumber(point.serverBytes / 1e6),
    formatNumber(point.searchBytes / 1e6),
    formatNumber((point.serverBytes + point.searchBytes) / 1e6),
    formatNumber(point.ledgerFileBytes / point.acked),
    formatNumber(point.searchFileBytes / point.acked),
  ]);
  const header = [
    "events acked",
    "not searchable yet",
    "server CPU µs",
    "search CPU µs",
    "server MB",
    "search MB",
    "both MB",
    "ledger bytes/event",
    "index bytes/event",
  ];
  return formatTable(header, rows);
}

export function sustainedTable(sustained: Sustained, remains: Remains, search: SearchFigures, facts: TableFacts): string {
  const rows = [...pathRows(sustained), ...diskRows(remains, facts), ...verifyRows(remains)];
  if (search.baselineBytesPerEvent !== undefined) {
    rows.push([
      `PostgreSQL ${facts.postgresVersion}: bytes per event, table with indexes`,
      formatNumber(search.baselineBytesPerEvent),
      ofJson(search.baselineBytesPerEvent, facts),
    ]);
  }
  return formatTable(["what", "value", "note"], rows);
}

export interface TableFacts {
  readonly eventBytes: number;
  readonly postgresVersion: string;
  readonly emptyStartMs: number;
}

const ofJson = (bytes: number, { eventBytes }: TableFacts): string => `${formatNumber(bytes / eventBytes)} of the JSON`;

function pathRows(sustained: Sustained): string[][] {
  return [
    [
      `sustained, ${count(sustained.events)} events in batches until searchable, with sealing: CPU µs per event`,
      formatNumber(sustained.cpuUsPerEvent),
      `server ${formatNumber(sustained.serverCpuUsPerEvent)}, search process ${formatNumber(sustained.searchCpuUsPerEvent)}`,
    ],
    [
      "events per second until searchable",
      count(Math.round(sustained.searchablePerSecond)),
      `acked alone ${count(Math.round(sustained.ackedPerSecond))}/s; ack p50 ${formatNumber(sustained.ackP50Ms)} ms, p99 ${formatNumber(sustained.ackP99Ms)} ms`,
    ],
    [
      "entries durable and not searchable yet, at worst",
      count(sustained.growth.lagPeakEntries),
      `all of them ${formatNumber(sustained.behindMs)} ms after the last ack`,
    ],
    [
      "resident memory of both processes, peak of the sustained load",
      formatMegabytes(sustained.growth.residentPeakBytes),
      `server ${formatMegabytes(sustained.serverPeakBytes)}, search process ${formatMegabytes(sustained.searchPeakBytes)} at their own worst moments`,
    ],
  ];
}

function diskRows({ disk, restartMs, searchableMs }: Remains, facts: TableFacts): string[][] {
  const entries = disk.activeEntries + disk.sealedEntries;
  const active = disk.activeBytes / disk.activeEntries;
  const sealed = disk.sealedBytes / disk.sealedEntries;
  const tiles = disk.tileBytes / entries;
  const others = disk.otherBytes / entries;
  const search = disk.searchBytes / entries;
  const all = sealed + tiles + others + search;
  return [
    ["bytes per event, active segment (text)", formatNumber(active), ofJson(active, facts)],
    ["bytes per event, sealed segments", formatNumber(sealed), ofJson(sealed, facts)],
    ["bytes per event, tiles", formatNumber(tiles), ""],
    ["bytes per event, ids and other derived files", formatNumber(others), ""],
    ["bytes per event, search index", formatNumber(search), ofJson(search, facts)],
    ["bytes per event, sealed + tiles + ids + search index", formatNumber(all), ofJson(all, facts)],
    ["start with no data, ms", formatNumber(facts.emptyStartMs), "process start to listening"],
    [
      `start with ${count(entries)} entries, ms`,
      formatNumber(restartMs),
      `process start to listening; everything searchable after ${formatNumber(searchableMs)} ms`,
    ],
  ];
}

function verifyRows({ verified }: Remains): string[][] {
  if (typeof verified === "string") return [["full verification", "not measured", verified]];
  return [
    [
      `full verification of ${count(verified.entries)} entries, events/s`,
      count(Math.round(verified.entries / verified.seconds)),
      `${formatNumber(verified.cpuUs / verified.entries)} CPU µs per event, ${formatMegabytes(verified.residentPeakBytes)}, verdict ${verified.verdict}`,
    ],
  ];
}

/** Latencies of what is asked, both sides beside each other. */
export function queryTable(results: readonly QueryResult[]): string {
  const cells = (figure: QueryFigure | string | undefined): string[] => {
    if (figure === undefined) return [NOTHING, NOTHING];
    if (typeof figure === "string") return [`not measured: ${figure}`, NOTHING];
    return [formatNumber(figure.p50Ms), formatNumber(figure.p99Ms)];
  };
  const rowsOf = (figure: QueryFigure | string | undefined): string => (typeof figure === "object" ? count(figure.rows) : NOTHING);
  const runsOf = (figure: QueryFigure | string | undefined): string => (typeof figure === "object" ? String(figure.runs) : NOTHING);
  const rows = results.map(({ query, ours, baseline }) => [
    `${query.kind}: ${query.name}`,
    rowsOf(ours),
    ...cells(ours),
    rowsOf(baseline),
    ...cells(baseline),
    `${runsOf(ours)} / ${runsOf(baseline)}`,
  ]);
  return formatTable(["question", "rows", "p50 ms", "p99 ms", "PostgreSQL rows", "PostgreSQL p50 ms", "PostgreSQL p99 ms", "runs"], rows);
}

export function ackTable(acks: AcksBesideQueries | string): string {
  if (typeof acks === "string") return `acks beside heavy queries: not measured: ${acks}`;
  const { paced, saturated, queries } = acks;
  const row = (name: string, figure: AcksBesideQueries["paced"]["alone"]): string[] => [
    name,
    count(Math.round(figure.perSecond)),
    formatNumber(figure.p50Ms),
    formatNumber(figure.p99Ms),
    formatNumber(figure.maxMs),
  ];
  const table = formatTable(
    ["single events", "acked events/s", "ack p50 ms", "ack p99 ms", "ack max ms"],
    [
      row("paced, no queries", paced.alone),
      row("paced, five heavy queries all the time", paced.beside),
      row("64 connections saturated, no queries", saturated.alone),
      row("64 connections saturated, five heavy queries all the time", saturated.beside),
    ],
  );
  return `${table}\n\n${count(queries.count)} queries were answered meanwhile: p50 ${formatNumber(queries.p50Ms)} ms, slowest ${formatNumber(queries.maxMs)} ms.`;
}
