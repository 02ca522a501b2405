import type { SourceList, SourceView } from "@vouchtrail/events";
import type { Command } from "commander";
import { tellBehind } from "../behind-notice.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { addFilterOptions, FILTER_HELP, type FilterOptions, filterOf } from "../filter-options.ts";
import { secondsText } from "../hit-table.ts";
import { GAPS_SHOWN_MAX } from "../limits.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { addFormatOptions, type FormatOptions } from "../output-format.ts";
import { printSheet, type Sheet } from "../sheet.ts";
import { countText, type Terminal } from "../terminal.ts";

interface SourcesOptions extends ConnectionOptions, FilterOptions, FormatOptions {
  readonly limit?: number;
  readonly wait?: boolean;
}

export function addSources(program: Command, context: CommandContext): void {
  const command = program.command("sources").description("list the programs that send, and which of their events never arrived");
  addFilterOptions(command);
  command
    .option("--limit <number>", "how many to print, those seen last first (default: 1000)", wholeNumberFrom(1))
    .option("--wait", "first wait until everything that was recorded can be found");
  addFormatOptions(command, ["table", "json", "ndjson", "csv"]);
  addConnectionOptions(command)
    .addHelpText("after", `${FILTER_HELP}\n\nExamples:\n  vouchtrail sources\n  vouchtrail sources --source billing --json`)
    .action(runs(context, (options: SourcesOptions) => sources(options, context)));
}

async function sources(options: SourcesOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { limit, wait, format = "table" } = options;
  const filter = filterOf(options);
  const client = await openClient(options, context.environment);
  const list = await client.sources({ filter, ...(limit === undefined ? {} : { limit }), ...(wait === undefined ? {} : { wait }) });
  await printSheet(sheetOf(list.sources, terminal), format, terminal, list);
  if (format === "table") tellGaps(list, terminal);
  return EXIT.ok;
}

function sheetOf(list: readonly SourceView[], { color }: Terminal): Sheet {
  const number = (value: unknown): string => countText(Number(value));
  return {
    columns: [
      { name: "name", title: "SOURCE" },
      { name: "instance", title: "INSTANCE" },
      { name: "tenant", title: "TENANT" },
      { name: "entries", title: "ENTRIES", align: "right", isWhole: true, text: number },
      { name: "firstSequence", title: "FIRST", align: "right", isWhole: true },
      { name: "lastSequence", title: "LAST", align: "right", isWhole: true },
      {
        name: "missing",
        title: "MISSING",
        align: "right",
        isWhole: true,
        text: number,
        paint: (text, value) => (value === 0 ? text : color.red(text)),
      },
      { name: "gaps", title: "WHICH", text: (value) => gapsText(value as SourceView["gaps"]), paint: color.red },
      { name: "lastSeen", title: "LAST SEEN (UTC)", isWhole: true, text: (value) => secondsText(String(value)), paint: color.dim },
    ],
    rows: list.map(({ name, instance, tenant, entries, firstSequence, lastSequence, missing, gaps, lastSeen }) => [
      name,
      instance,
      tenant,
      entries,
      firstSequence,
      lastSequence,
      missing,
      gaps,
      lastSeen,
    ]),
  };
}

/** `17–18, 40`: the newest gaps, in the order of their numbers. */
export function gapsText(gaps: SourceView["gaps"]): string {
  const shown = [...gaps].sort(([left], [right]) => right - left).slice(0, GAPS_SHOWN_MAX);
  const texts = shown.reverse().map(([from, to]) => (from === to ? String(from) : `${from}–${to}`));
  return gaps.length > shown.length ? `…, ${texts.join(", ")}` : texts.join(", ");
}

function tellGaps({ sources: list, sourceCount, searchedTo, treeSize }: SourceList, terminal: Terminal): void {
  const { dim, red } = terminal.errColor;
  const missing = list.reduce((sum, source) => sum + source.missing, 0);
  const shown =
    list.length < sourceCount
      ? `The ${countText(list.length)} seen last of ${countText(sourceCount)} sources`
      : `${countText(sourceCount)} source${sourceCount === 1 ? "" : "s"}`;
  if (missing === 0) terminal.err(dim(`${shown}, no gap.`));
  else terminal.err(red(`${shown}; ${countText(missing)} event${missing === 1 ? "" : "s"} that they sent never arrived.`));
  tellBehind({ searchedTo, treeSize }, list.length === 0, terminal);
}
