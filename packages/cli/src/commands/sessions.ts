import type { SessionSummary } from "@vouchtrail/events";
import type { Command } from "commander";
import { tellBehind } from "../behind-notice.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { addFilterOptions, FILTER_HELP, type FilterOptions, filterOf } from "../filter-options.ts";
import { SEARCH_ENTRIES_DEFAULT, SESSIONS_PAGE_MAX } from "../limits.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { addFormatOptions, type FormatOptions } from "../output-format.ts";
import { takePages } from "../search-pages.ts";
import { sessionSheet } from "../session-sheet.ts";
import { printSheet } from "../sheet.ts";
import { countText } from "../terminal.ts";

interface SessionsOptions extends ConnectionOptions, FilterOptions, FormatOptions {
  readonly limit?: number;
  readonly all?: boolean;
  readonly cursor?: string;
  readonly wait?: boolean;
}

export function addSessions(program: Command, context: CommandContext): void {
  const command = program
    .command("sessions")
    .description("list sessions of agents: who, when, how many calls, what they cost, and whether the record of each is complete");
  addFilterOptions(command);
  command
    .option("--limit <number>", `how many to print, the newest first (default: ${SEARCH_ENTRIES_DEFAULT})`, wholeNumberFrom(1))
    .option("--all", "print all that match")
    .option("--cursor <cursor>", "go on where an earlier list ended")
    .option("--wait", "first wait until everything that was recorded can be found");
  addFormatOptions(command, ["table", "json", "ndjson", "csv"]);
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `${FILTER_HELP}\n\nExamples:\n  vouchtrail sessions --since 7d\n  vouchtrail sessions --outcome failure --label platform=claude-code`,
    )
    .action(runs(context, (options: SessionsOptions) => listSessions(options, context)));
}

async function listSessions(options: SessionsOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { limit, all, cursor, wait, format = "table" } = options;
  if (all === true && limit !== undefined) throw new CommandError("--all and --limit exclude each other: give one of them.");
  const filter = filterOf(options);
  const client = await openClient(options, context.environment);
  const sessions: SessionSummary[] = [];
  let isFirst = true;
  const end = await takePages<SessionSummary>(
    async (request) => {
      const question = { ...request, limit: Math.min(request.limit, SESSIONS_PAGE_MAX) };
      const page = await client.sessions({ filter, ...question, ...(wait === true && isFirst ? { wait } : {}) });
      isFirst = false;
      return { ...page, items: page.sessions };
    },
    { limit: all === true ? Number.POSITIVE_INFINITY : (limit ?? SEARCH_ENTRIES_DEFAULT), cursor },
    async (page) => void sessions.push(...page),
  );
  const { nextCursor, treeSize, searchedTo } = end;
  const answer = { sessions, ...(nextCursor === undefined ? {} : { nextCursor }), treeSize, searchedTo };
  await printSheet(sessionSheet(sessions, terminal), format, terminal, answer);
  if (format !== "table") return EXIT.ok;
  const { dim } = terminal.errColor;
  terminal.err(
    dim(
      `${countText(sessions.length)} session${sessions.length === 1 ? "" : "s"}${nextCursor === undefined ? "" : `; more with --cursor ${nextCursor}`}.`,
    ),
  );
  tellBehind({ searchedTo, treeSize }, sessions.length === 0, terminal);
  return EXIT.ok;
}
