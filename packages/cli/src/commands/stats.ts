import { BUCKET_NAMES, type BucketName, type DeedSums, type GroupName, type Stats } from "@vouchtrail/events";
import { type Command, InvalidArgumentError, Option } from "commander";
import { tellBehind } from "../behind-notice.ts";
import { barText } from "../chart.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { addFilterOptions, FILTER_HELP, type FilterOptions, filterOf } from "../filter-options.ts";
import { BAR_WIDTH } from "../limits.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { addFormatOptions, type FormatOptions } from "../output-format.ts";
import { type Sheet, type SheetColumn, sheetTable } from "../sheet.ts";
import { countText, type Terminal } from "../terminal.ts";

interface StatsOptions extends ConnectionOptions, FilterOptions, FormatOptions {
  readonly group?: readonly string[];
  readonly bucket?: BucketName;
  readonly limit?: number;
  readonly wait?: boolean;
}

export function addStats(program: Command, context: CommandContext): void {
  const command = program
    .command("stats")
    .description("count deeds: how many there are, how they ended, what they cost; each counts once, whoever told of it")
    .argument("[words...]", "each must occur in the event; quote a phrase");
  addFilterOptions(command);
  command
    .option("--group <names>", "by what to group, at most three: actor, tool, outcome, label.env, day …", addNames)
    .addOption(new Option("--bucket <span>", "one row a span of time (UTC)").choices(BUCKET_NAMES))
    .option("--limit <number>", "how many groups, those with most deeds first (default: 100)", wholeNumberFrom(1))
    .option("--wait", "first wait until everything that was recorded can be found");
  addFormatOptions(command, ["table", "json"]);
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `${FILTER_HELP}\n\nExamples:\n  vouchtrail stats --since 7d\n  vouchtrail stats --group actor,tool --bucket day --activity '*'\n  vouchtrail stats --outcome failure --group code --json`,
    )
    .action(runs(context, (words: readonly string[], options: StatsOptions) => stats(words, options, context)));
}

/** `actor,tool`, added to the names given before. Which names there are is for the server to say. */
function addNames(text: string, names: readonly string[] = []): readonly string[] {
  const given = text.split(",").map((name) => name.trim());
  if (given.includes("")) throw new InvalidArgumentError("Write names with commas between them, such as actor,tool.");
  return [...names, ...given];
}

async function stats(words: readonly string[], options: StatsOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { group, bucket, limit, wait } = options;
  const filter = filterOf(options, words);
  const client = await openClient(options, context.environment);
  const answer = await client.stats({
    filter,
    ...(group === undefined ? {} : { groups: group as readonly GroupName[] }),
    ...(bucket === undefined ? {} : { bucket }),
    ...(limit === undefined ? {} : { limit }),
    ...(wait === undefined ? {} : { wait }),
  });
  if (options.format === "json") terminal.out(JSON.stringify(answer));
  else print(answer, (group ?? []) as readonly GroupName[], terminal);
  return EXIT.ok;
}

function print(answer: Stats, groups: readonly GroupName[], terminal: Terminal): void {
  for (const line of sumLines(answer, terminal)) terminal.out(line);
  if (groups.length > 0) {
    terminal.out("");
    const keys: SheetColumn[] = groups.map((name) => ({
      name,
      title: name.toUpperCase(),
      text: (value) => (value === null ? "(none)" : String(value)),
    }));
    const rows = answer.groups.map((sums) => ({ key: groups.map((name) => sums.key[name] ?? null), sums }));
    for (const line of sheetTable(sumsSheet(keys, rows, terminal), terminal)) terminal.out(line);
    if (answer.groups.length < answer.groupCount) {
      terminal.err(
        terminal.errColor.dim(
          `The ${countText(answer.groups.length)} groups with most deeds of ${countText(answer.groupCount)}; --limit gives more.`,
        ),
      );
    }
  }
  if (answer.buckets.length > 0) {
    terminal.out("");
    const keys: SheetColumn[] = [{ name: "from", title: "FROM (UTC)", isWhole: true, text: (value) => spanText(String(value)) }];
    const rows = answer.buckets.map((sums) => ({ key: [sums.from], sums }));
    for (const line of sheetTable(sumsSheet(keys, rows, terminal), terminal)) terminal.out(line);
  }
  tellBehind(answer, answer.total === 0, terminal);
}

function sumLines(
  { total, success, failure, partial, pending, denied, successRate, tokensInput, tokensOutput, costUsd }: Stats,
  { color }: Terminal,
): string[] {
  const ends = [
    color.green(`${countText(success)} success`),
    failure > 0 ? color.red(`${countText(failure)} failure`) : "0 failure",
    denied > 0 ? color.red(`${countText(denied)} denied`) : "0 denied",
    `${countText(partial)} partial`,
    `${countText(pending)} pending`,
  ];
  const rate = successRate === null ? "" : `; ${percentText(successRate)} succeeded`;
  return [
    `${color.bold(countText(total))} deed${total === 1 ? "" : "s"}: ${ends.join(", ")}${rate}`,
    `Tokens ${countText(tokensInput)} in, ${countText(tokensOutput)} out; cost ${costText(costUsd)} USD`,
  ];
}

/** Rows of sums, with a bar that shows each beside the largest. */
function sumsSheet(
  keys: readonly SheetColumn[],
  rows: readonly { readonly key: readonly unknown[]; readonly sums: DeedSums }[],
  { color }: Terminal,
): Sheet {
  const most = rows.reduce((greatest, { sums }) => Math.max(greatest, sums.total), 1);
  const number = (value: unknown): string => countText(Number(value));
  const column = (name: string, title: string, text: (value: unknown) => string = number): SheetColumn => ({
    name,
    title,
    text,
    align: "right",
    isWhole: true,
  });
  return {
    columns: [
      ...keys,
      column("total", "DEEDS"),
      {
        name: "bar",
        title: "",
        isPicture: true,
        isWhole: true,
        text: (value) => barText(Number(value) / most, BAR_WIDTH),
        paint: color.cyan,
      },
      column("successRate", "SUCCESS", (value) => (value === null ? "" : percentText(Number(value)))),
      { ...column("failure", "FAILED"), paint: (text, value) => (value === 0 ? text : color.red(text)) },
      column("tokens", "TOKENS"),
      column("costUsd", "USD", (value) => costText(Number(value))),
    ],
    rows: rows.map(({ key, sums }) => [
      ...key,
      sums.total,
      sums.total,
      sums.successRate,
      sums.failure,
      sums.tokensInput + sums.tokensOutput,
      sums.costUsd,
    ]),
  };
}

/** `95.6 %` */
export function percentText(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Dollars to the cent, or to four digits that mean something where it is less. */
export function costText(usd: number): string {
  if (usd === 0) return "0";
  return usd >= 1 ? usd.toFixed(2) : String(Number(usd.toPrecision(4)));
}

function spanText(from: string): string {
  return from.slice(0, 16).replace("T", " ").replace(" 00:00", "");
}
