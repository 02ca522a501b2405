import { barText } from "../chart.ts";
import { BAR_WIDTH, STATS_GROUPS_MAX } from "../limits.ts";
import { countText, type Terminal } from "../terminal.ts";
import type { Report, ReportQuestion, ReportReader } from "./report.ts";

/** Fewer actions say little about a rate: the seeds' query asks for more than 10. */
export const OUTCOMES_ACTIONS_MIN = 11;

/**
 * How often each action of each agent succeeds, the worst first. The seeds' query "Learning: Action Outcomes".
 *
 * @param actionsMin Actions that a row stands for at least.
 */
export async function outcomesReport(
  reader: ReportReader,
  question: ReportQuestion,
  { color }: Terminal,
  actionsMin: number,
): Promise<Report> {
  const { filter, limit, wait } = question;
  const stats = await reader.stats({ filter, groups: ["actor", "tool"], limit: STATS_GROUPS_MAX, ...(wait ? { wait } : {}) });
  const rows = stats.groups
    .filter(({ total }) => total >= actionsMin)
    .map(({ key, total, success }) => ({
      agentId: key.actor ?? null,
      actionName: key.tool ?? null,
      total,
      success,
      rate: ratePercent(success, total),
    }))
    .sort(
      (left, right) => left.rate - right.rate || right.total - left.total || (String(left.actionName) < String(right.actionName) ? -1 : 1),
    );
  // The groups with most deeds come first: if the last one that was given is too small, all that are not are here.
  const isComplete = stats.groups.length === stats.groupCount || (stats.groups.at(-1)?.total ?? 0) < actionsMin;
  const rateColor = (text: string, value: unknown): string =>
    Number(value) < 50 ? color.red(text) : Number(value) < 90 ? color.yellow(text) : color.green(text);
  return {
    columns: [
      { name: "agentId", title: "AGENT", text: (value) => (value === null ? "(erased)" : String(value)) },
      { name: "actionName", title: "ACTION" },
      { name: "total", title: "ACTIONS", align: "right", isWhole: true, text: (value) => countText(Number(value)) },
      { name: "successes", title: "SUCCEEDED", align: "right", isWhole: true, text: (value) => countText(Number(value)) },
      {
        name: "successRate",
        title: "RATE",
        align: "right",
        isWhole: true,
        text: (value) => `${Number(value).toFixed(1)} %`,
        paint: rateColor,
      },
      {
        name: "bar",
        title: "",
        isPicture: true,
        isWhole: true,
        text: (value) => barText(Number(value) / 100, BAR_WIDTH),
        paint: rateColor,
      },
    ],
    rows: rows.slice(0, limit).map(({ agentId, actionName, total, success, rate }) => [agentId, actionName, total, success, rate, rate]),
    total: rows.length,
    noun: "row",
    treeSize: stats.treeSize,
    searchedTo: stats.searchedTo,
    ...(isComplete
      ? {}
      : {
          notice: `Only the ${countText(STATS_GROUPS_MAX)} most frequent of ${countText(stats.groupCount)} actions were looked at. Narrow it with --agent or --since.`,
        }),
  };
}

/** Percent to one decimal, half away from zero: as `ROUND(100.0 * successes / total, 1)`. */
export function ratePercent(successes: number, total: number): number {
  return Math.round(((100 * successes) / total) * 10) / 10;
}
