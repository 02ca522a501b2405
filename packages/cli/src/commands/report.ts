import { type EventFilter, parseFilter } from "@vouchtrail/events";
import type { Command } from "commander";
import { tellBehind } from "../behind-notice.ts";
import { sparkline } from "../chart.ts";
import { nowMs, timeText } from "../clock.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { secondsText } from "../hit-table.ts";
import { REPORT_ROWS_DEFAULT, REPORT_ROWS_MAX } from "../limits.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { addFormatOptions, type FormatOptions } from "../output-format.ts";
import { momentOf } from "../relative-time.ts";
import { costReport } from "../report/cost-report.ts";
import { failuresReport, recentReport, sensitiveReport } from "../report/deed-list.ts";
import { OUTCOMES_ACTIONS_MIN, outcomesReport } from "../report/outcomes-report.ts";
import { type Report, type ReportQuestion, type ReportReader, withCondition } from "../report/report.ts";
import { printSheet, sheetObjects } from "../sheet.ts";
import { countText, type Terminal } from "../terminal.ts";

interface ReportOptions extends ConnectionOptions, FormatOptions {
  readonly agent?: readonly string[];
  readonly tenant?: string;
  readonly since: string;
  readonly until?: string;
  readonly limit: number;
  readonly min?: number;
  readonly wait?: boolean;
}

type MakeReport = (reader: ReportReader, question: ReportQuestion, terminal: Terminal, options: ReportOptions) => Promise<Report>;

/** The reports, how far each reaches back unless it is told otherwise, and what it says. */
const REPORTS: Readonly<Record<string, { readonly since: string; readonly description: string; readonly make: MakeReport }>> = {
  recent: { since: "1h", description: "what agents did last", make: recentReport },
  failures: { since: "24h", description: "what failed, and why", make: failuresReport },
  cost: { since: "30d", description: "what each agent cost each day", make: costReport },
  sensitive: { since: "7d", description: "who accessed sensitive data", make: sensitiveReport },
  outcomes: {
    since: "30d",
    description: "how often each action succeeds, the worst first",
    make: (reader, question, terminal, { min = OUTCOMES_ACTIONS_MIN }) => outcomesReport(reader, question, terminal, min),
  },
};

export function addReport(program: Command, context: CommandContext): void {
  const report = program
    .command("report")
    .description("answers to what is asked most about agents: deeds with an activity, each counted once");
  for (const [name, { since, description }] of Object.entries(REPORTS)) {
    const command = report
      .command(name)
      .description(description)
      .option("--agent <id>", "only this agent; may be given several times", addAgent)
      .option("--tenant <name>", "only this tenant")
      .option("--since <time>", "how far it reaches back: 2h, 7d, yesterday, 2026-11-01 …", since)
      .option("--until <time>", "where it ends (default: not at all)")
      .option("--limit <number>", `how many rows, at most ${REPORT_ROWS_MAX}`, wholeNumberFrom(1), REPORT_ROWS_DEFAULT);
    if (name === "outcomes")
      command.option("--min <number>", `actions that a row stands for at least (default: ${OUTCOMES_ACTIONS_MIN})`, wholeNumberFrom(1));
    command.option("--wait", "first wait until everything that was recorded can be found");
    addFormatOptions(command, ["table", "json", "ndjson", "csv"]);
    addConnectionOptions(command)
      .addHelpText("after", `\nExample:\n  vouchtrail report ${name} --agent ops/release-manager --since ${since === "1h" ? "2h" : "7d"}`)
      .action(runs(context, (options: ReportOptions) => runReport(name, options, context)));
  }
}

function addAgent(id: string, ids: readonly string[] = []): readonly string[] {
  return [...ids, id];
}

async function runReport(name: string, options: ReportOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { limit, wait = false, format = "table" } = options;
  if (limit > REPORT_ROWS_MAX)
    throw new CommandError(`A report has at most ${countText(REPORT_ROWS_MAX)} rows. Use vouchtrail sql for more.`);
  const question = { filter: filterOf(options), spanMs: spanOf(options), limit, wait };
  const client = await openClient(options, context.environment);
  const report = await REPORTS[name]!.make(client, question, terminal, options);
  const { total, treeSize, searchedTo, series } = report;
  const whole = {
    report: name,
    from: question.filter.from,
    ...(question.filter.to === undefined ? {} : { to: question.filter.to }),
    ...(options.agent === undefined ? {} : { agents: options.agent }),
    total,
    rows: sheetObjects(report),
    isTruncated: total > report.rows.length || report.notice !== undefined,
    treeSize,
    searchedTo,
  };
  if (format === "table" && terminal.width !== undefined && series !== undefined && series.counts.length > 1) {
    const { cyan, dim } = terminal.color;
    terminal.out(`${cyan(sparkline(series.counts))}  ${dim(`${secondsText(series.from)} to ${secondsText(series.to)}`)}`);
  }
  await printSheet(report, format, terminal, whole);
  if (format !== "json") tellEnd(report, terminal);
  return EXIT.ok;
}

function tellEnd({ rows, total, noun, notice, treeSize, searchedTo }: Report, terminal: Terminal): void {
  const { err, errColor } = terminal;
  const of = rows.length < total ? `${countText(rows.length)} of ${countText(total)}` : countText(total);
  err(errColor.dim(`${of} ${noun}${total === 1 ? "" : "s"}${rows.length < total ? "; --limit gives more" : ""}.`));
  if (notice !== undefined) err(errColor.yellow(notice));
  tellBehind({ searchedTo, treeSize }, total === 0, terminal);
}

/** Only what agents did, as the view `agent_audit_log` has it. Ids are taken as they are: no `!` and no `*` means anything in them. */
function filterOf({ agent, tenant, since, until }: ReportOptions): EventFilter {
  const now = nowMs();
  const filter = parseFilter({
    activity: "*",
    from: momentOf(since, now, timeText),
    ...(until === undefined ? {} : { to: momentOf(until, now, timeText) }),
    ...(tenant === undefined ? {} : { tenant }),
  });
  return agent === undefined ? filter : withCondition(filter, { name: "actor", wanted: agent, unwanted: [] });
}

function spanOf({ since, until }: ReportOptions): number {
  const now = nowMs();
  const end = until === undefined ? now : Date.parse(momentOf(until, now, timeText));
  return end - Date.parse(momentOf(since, now, timeText));
}
