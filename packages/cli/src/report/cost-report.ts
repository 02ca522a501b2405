import { microsOf, type Stats, type StatsGroup } from "@vouchtrail/events";
import { barText } from "../chart.ts";
import { timeText } from "../clock.ts";
import { costText } from "../commands/stats.ts";
import { BAR_WIDTH, STATS_GROUPS_MAX } from "../limits.ts";
import type { SheetRow } from "../sheet.ts";
import { countText, type Terminal } from "../terminal.ts";
import type { Report, ReportQuestion, ReportReader } from "./report.ts";
import { SPANS, seriesOf, startOf } from "./time-series.ts";

interface CostRow {
  readonly agentId: string | null;
  /** Midnight UTC, milliseconds since 1970. */
  readonly dayMs: number;
  readonly totalCost: number;
  readonly totalTokens: number;
  readonly actionCount: number;
}

const DAY_MS = SPANS[0][1];

/**
 * What each agent cost each day. The seeds' query "Cost Analysis", with one difference: an event that tells only of the tokens in or only of those
 * out is counted with what it tells, where the sum in that SQL leaves it out; and where nothing tells of a cost, it is 0.
 */
export async function costReport(reader: ReportReader, question: ReportQuestion, { color }: Terminal): Promise<Report> {
  const { stats, rows, isComplete } = await costRows(reader, question);
  const series = seriesOf(stats.buckets, "day");
  rows.sort(byDayAndCost);
  const shown = rows.slice(0, question.limit);
  const most = shown.reduce((greatest, { totalCost }) => Math.max(greatest, totalCost), 0);
  return {
    columns: [
      { name: "day", title: "DAY", isWhole: true },
      { name: "agentId", title: "AGENT", text: (value) => (value === null ? "(erased)" : String(value)) },
      { name: "totalCost", title: "USD", align: "right", isWhole: true, text: (value) => costText(Number(value)) },
      {
        name: "bar",
        title: "",
        isPicture: true,
        isWhole: true,
        text: (value) => barText(Number(value) / (most || 1), BAR_WIDTH),
        paint: color.cyan,
      },
      { name: "totalTokens", title: "TOKENS", align: "right", isWhole: true, text: (value) => countText(Number(value)) },
      { name: "actionCount", title: "ACTIONS", align: "right", isWhole: true, text: (value) => countText(Number(value)) },
    ],
    rows: shown.map(
      ({ agentId, dayMs, totalCost, totalTokens, actionCount }): SheetRow => [
        dayText(dayMs),
        agentId,
        totalCost,
        totalCost,
        totalTokens,
        actionCount,
      ],
    ),
    total: rows.length,
    noun: "row",
    ...(series === undefined ? {} : { series }),
    treeSize: stats.treeSize,
    searchedTo: stats.searchedTo,
    ...(isComplete
      ? {}
      : {
          notice: `On some days more than ${countText(STATS_GROUPS_MAX)} agents were at work: only those with most actions are here. Narrow it with --agent.`,
        }),
  };
}

async function costRows(
  reader: ReportReader,
  { filter, wait }: ReportQuestion,
): Promise<{ stats: Stats; rows: CostRow[]; isComplete: boolean }> {
  const limit = STATS_GROUPS_MAX;
  const stats = await reader.stats({ filter, groups: ["actor", "day"], bucket: "day", limit, ...(wait ? { wait } : {}) });
  if (stats.groups.length === stats.groupCount) {
    return { stats, rows: stats.groups.map((group) => costRow(group, Date.parse(String(group.key.day)))), isComplete: true };
  }
  // More than one answer holds: a day at a time.
  const rows: CostRow[] = [];
  let isComplete = true;
  for (const bucket of stats.buckets) {
    const dayMs = startOf(bucket);
    // The first and the last day may be looked at in part.
    const isCutBefore = filter.from !== undefined && microsOf(filter.from) > BigInt(dayMs) * 1_000n;
    const isCutAfter = filter.to !== undefined && microsOf(filter.to) < BigInt(dayMs + DAY_MS) * 1_000n;
    const day = { ...filter, ...(isCutBefore ? {} : { from: timeText(dayMs) }), ...(isCutAfter ? {} : { to: timeText(dayMs + DAY_MS) }) };
    const { groups, groupCount } = await reader.stats({ filter: day, groups: ["actor"], limit });
    isComplete &&= groups.length === groupCount;
    rows.push(...groups.map((group) => costRow(group, dayMs)));
  }
  return { stats, rows, isComplete };
}

function costRow({ key, costUsd, tokensInput, tokensOutput, total }: StatsGroup, dayMs: number): CostRow {
  return { agentId: key.actor ?? null, dayMs, totalCost: costUsd, totalTokens: tokensInput + tokensOutput, actionCount: total };
}

function byDayAndCost(left: CostRow, right: CostRow): number {
  return right.dayMs - left.dayMs || right.totalCost - left.totalCost || ((left.agentId ?? "") < (right.agentId ?? "") ? -1 : 1);
}

function dayText(dayMs: number): string {
  return timeText(dayMs).slice(0, "2026-01-31".length);
}
