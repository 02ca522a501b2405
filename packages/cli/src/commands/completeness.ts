import type { CompletenessAnswer, SessionSummary } from "@vouchtrail/events";
import type { Command } from "commander";
import { tellBehind } from "../behind-notice.ts";
import type { Client } from "../client.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { addFilterOptions, FILTER_HELP, type FilterOptions, filterOf } from "../filter-options.ts";
import { SEARCH_ENTRIES_DEFAULT, SESSIONS_PAGE_MAX } from "../limits.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { paintVerdict, sessionSheet } from "../session-sheet.ts";
import { sheetTable } from "../sheet.ts";
import { countText, printable, type Terminal } from "../terminal.ts";

interface CompletenessOptions extends ConnectionOptions, FilterOptions {
  readonly limit?: number;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addCompleteness(program: Command, context: CommandContext): void {
  const command = program
    .command("completeness")
    .description("tell whether the record of an agent's session is complete, and what is missing; without a session, of the newest ones")
    .argument("[session]", "id of the session");
  addFilterOptions(command);
  command
    .option(
      "--limit <number>",
      `without a session: how many to look at, at most ${SESSIONS_PAGE_MAX} (default: ${SEARCH_ENTRIES_DEFAULT})`,
      wholeNumberFrom(1),
    )
    .option("--wait", "first wait until everything that was recorded can be found")
    .option("--json", "print the verdict as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `${FILTER_HELP}

Ends with 0 when complete, 4 when something is missing, 3 when it is not known, 1 when it could not be asked.
What the rules say: docs/spec/completeness.md

Examples:
  vouchtrail completeness 4f0c61d2-7c8e-4f2a-9a55-0d4a3a1c9b7e
  vouchtrail completeness --since 1d`,
    )
    .action(runs(context, (session: string | undefined, options: CompletenessOptions) => completeness(session, options, context)));
}

async function completeness(session: string | undefined, options: CompletenessOptions, context: CommandContext): Promise<number> {
  const client = await openClient(options, context.environment);
  return session === undefined ? ofNewest(client, options, context.terminal) : ofOne(session, client, options, context.terminal);
}

const CODES = { complete: EXIT.ok, incomplete: EXIT.incomplete, unknown: EXIT.unknownVerdict } as const;

async function ofOne(id: string, client: Client, options: CompletenessOptions, terminal: Terminal): Promise<number> {
  const [tenant, ...others] = filterOf(options)
    .conditions.filter(({ name }) => name === "tenant")
    .flatMap(({ wanted }) => wanted);
  if (others.length > 0) throw new CommandError("A session is of one tenant: give --tenant once.");
  const verdict = await client.completeness({
    id,
    ...(tenant === undefined ? {} : { tenant }),
    ...(options.wait === undefined ? {} : { wait: options.wait }),
  });
  if (options.json === true) terminal.out(JSON.stringify(verdict));
  else {
    for (const line of verdictLines(verdict, terminal)) terminal.out(line);
    tellBehind(verdict, false, terminal);
  }
  return CODES[verdict.verdict];
}

/** A verdict as people read it. */
export function verdictLines(verdict: CompletenessAnswer, { color }: Pick<Terminal, "color">): readonly string[] {
  const { vantagePoints, calls, agreed, holes, holeCount, missing, explained } = verdict;
  const told = vantagePoints.map(({ via, entries, calls: seen }) => `${via} (${countText(entries)} entries, ${countText(seen)} calls)`);
  return [
    `${color.bold(printable(verdict.sessionId))}: ${paintVerdict(verdict.verdict, verdict.verdict, color)} ${color.dim(`(${verdict.rule})`)}`,
    `Told by ${told.length === 0 ? "nobody" : told.join(", ")}; ${countText(agreed)} of ${countText(calls)} calls by two or more.`,
    ...holes.map(({ rule, message, evidence }) => {
      const entries = evidence.length === 0 ? "" : color.dim(` [${evidence.map(({ index }) => index).join(", ")}]`);
      return `  ${color.red(rule.padEnd(11))} ${printable(message)}${entries}`;
    }),
    ...(holeCount > holes.length ? [`  … and ${countText(holeCount - holes.length)} more.`] : []),
    ...missing.map(({ rule, message }) => `  ${color.yellow(rule.padEnd(11))} ${printable(message)}`),
    ...explained.map(({ rule, kind, count }) =>
      color.dim(`  ${rule.padEnd(11)} ${countText(count)} ${count === 1 ? "call" : "calls"} ${kind.replaceAll("-", " ")}: no hole.`),
    ),
  ];
}

async function ofNewest(client: Client, options: CompletenessOptions, terminal: Terminal): Promise<number> {
  const limit = options.limit ?? SEARCH_ENTRIES_DEFAULT;
  if (limit > SESSIONS_PAGE_MAX) throw new CommandError(`--limit is at most ${SESSIONS_PAGE_MAX}.`);
  const page = await client.sessions({ filter: filterOf(options), limit, ...(options.wait === undefined ? {} : { wait: options.wait }) });
  const count = (verdict: SessionSummary["verdict"]): number => page.sessions.filter((session) => session.verdict === verdict).length;
  if (options.json === true) terminal.out(JSON.stringify(page));
  else {
    const open = page.sessions.filter(({ verdict }) => verdict !== "complete");
    if (open.length > 0) for (const line of sheetTable(sessionSheet(open, terminal), terminal)) terminal.out(line);
    terminal.err(
      `Of the ${countText(page.sessions.length)} newest sessions ${countText(count("complete"))} are complete, ${countText(count("incomplete"))} incomplete and ${countText(count("unknown"))} unknown.`,
    );
    tellBehind(page, page.sessions.length === 0, terminal);
  }
  return count("incomplete") > 0 ? EXIT.incomplete : count("unknown") > 0 ? EXIT.unknownVerdict : EXIT.ok;
}
