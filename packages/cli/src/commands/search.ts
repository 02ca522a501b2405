import { type EventFilter, formatCsvHeader, formatCsvRow, type SearchHit } from "@vouchtrail/events";
import { type Command, Option } from "commander";
import { tellBehind } from "../behind-notice.ts";
import type { Client, SearchEnd } from "../client.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { addFilterOptions, FILTER_HELP, type FilterOptions, filterOf } from "../filter-options.ts";
import { createHitTable } from "../hit-table.ts";
import { PRINT_ENTRIES, SEARCH_ENTRIES_DEFAULT } from "../limits.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { addFormatOptions, type FormatOptions } from "../output-format.ts";
import type { PagesEnd } from "../search-pages.ts";
import { countText, type Terminal } from "../terminal.ts";

interface SearchOptions extends ConnectionOptions, FilterOptions, FormatOptions {
  readonly limit?: number;
  readonly all?: boolean;
  readonly order: "newest" | "oldest";
  readonly deeds?: boolean;
  readonly deed?: string;
  readonly cursor?: string;
  readonly wait?: boolean;
}

export function addSearch(program: Command, context: CommandContext): void {
  const command = program
    .command("search")
    .description("find events by what they say and by filters")
    .argument("[words...]", "each must occur in the event; quote a phrase");
  addFilterOptions(command);
  command
    .option("--limit <number>", `how many to print (default: ${SEARCH_ENTRIES_DEFAULT})`, wholeNumberFrom(1))
    .option("--all", "print all that match")
    .addOption(new Option("--order <order>", "by the order of recording").choices(["newest", "oldest"]).default("newest"))
    .option("--deeds", "only the entry that counts for each deed")
    .option("--deed <id>", "only what tells of this deed, 16 hexadecimal digits")
    .option("--cursor <cursor>", "go on where an earlier search ended")
    .option("--wait", "first wait until everything that was recorded can be found");
  addFormatOptions(command, ["table", "json", "ndjson", "csv"]);
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `${FILTER_HELP}

A table stays a table in a pipe, only plain and uncut; programs read --format ndjson, json or csv.

Examples:
  vouchtrail search deploy failed --since 2h
  vouchtrail search --actor ops/release-manager --outcome '!success' --label env=prod
  vouchtrail search --session s-1 --all --format csv > session.csv`,
    )
    .action(runs(context, (words: readonly string[], options: SearchOptions) => search(words, options, context)));
}

async function search(words: readonly string[], options: SearchOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { order, deeds, deed, wait } = options;
  if (options.all === true && options.limit !== undefined)
    throw new CommandError("--all and --limit exclude each other: give one of them.");
  const filter = filterOf(options, words);
  const client = await openClient(options, context.environment);
  const printer = createPrinter(options, terminal);
  const hits = client.searchAll({
    filter,
    order,
    ...(deeds === undefined ? {} : { deeds }),
    ...(deed === undefined ? {} : { deed }),
    ...(options.cursor === undefined ? {} : { cursor: options.cursor }),
    ...(wait === undefined ? {} : { wait }),
    ...(options.all === true ? {} : { limit: options.limit ?? SEARCH_ENTRIES_DEFAULT }),
  });
  const end = await printAll(hits, printer);
  await printer.close(end);
  const total = deeds === true && end.nextCursor !== undefined ? await countDeeds(client, filter) : undefined;
  if (options.format !== "json")
    tellEnd(end, { order, total, noun: deeds === true ? "deed" : "event", isBracketed: printer.isBracketed() }, terminal);
  return EXIT.ok;
}

/** Prints what comes, some at a time: the first ones decide how wide the columns of a table are. */
async function printAll(hits: AsyncGenerator<SearchHit, SearchEnd>, printer: Printer): Promise<PagesEnd> {
  let batch: SearchHit[] = [];
  for (;;) {
    const step = await hits.next();
    if (step.done !== true) batch.push(step.value);
    if (batch.length > 0 && (step.done === true || batch.length >= PRINT_ENTRIES)) {
      await printer.print(batch);
      batch = [];
    }
    if (step.done === true) return { ...step.value, count: step.value.events };
  }
}

/** Statistics count deeds, so for them the number of all can be told. */
async function countDeeds(client: Client, filter: EventFilter): Promise<number> {
  return (await client.stats({ filter, limit: 1 })).total;
}

/** Prints entries as they come. */
interface Printer {
  print(hits: readonly SearchHit[]): Promise<void>;
  close(end: PagesEnd): Promise<void>;
  /** Whether some of what was printed stands in brackets. */
  isBracketed(): boolean;
}

function createPrinter({ format = "table" }: FormatOptions, terminal: Terminal): Printer {
  const write = (parts: readonly string[]): Promise<void> => terminal.write(parts.join(""));
  if (format === "table") {
    const table = createHitTable<SearchHit>(terminal);
    let isBracketed = false;
    return {
      print(hits) {
        isBracketed ||= hits.some(({ counted, deed }) => !counted && deed !== undefined);
        return write(table.lines(hits).map((line) => `${line}\n`));
      },
      close: async () => {},
      isBracketed: () => isBracketed,
    };
  }
  const isBracketed = (): boolean => false;
  let isEmpty = true;
  if (format === "csv") {
    return {
      async print(hits) {
        await write([...(isEmpty ? [formatCsvHeader()] : []), ...hits.map(formatCsvRow)]);
        isEmpty = false;
      },
      close: async () => {
        if (isEmpty) await write([formatCsvHeader()]);
      },
      isBracketed,
    };
  }
  if (format === "ndjson")
    return { print: (hits) => write(hits.map((hit) => `${JSON.stringify(hit)}\n`)), close: async () => {}, isBracketed };
  // One object like a page of the server, written as it comes, so that no answer is too large for it.
  return {
    async print(hits) {
      await write([isEmpty ? '{"events":[' : ",", hits.map((hit) => JSON.stringify(hit)).join(",")]);
      isEmpty = false;
    },
    async close({ nextCursor, treeSize, searchedTo }) {
      const rest = JSON.stringify({ ...(nextCursor === undefined ? {} : { nextCursor }), treeSize, searchedTo }).slice(1);
      await write([isEmpty ? '{"events":[' : "", `],${rest}\n`]);
    },
    isBracketed,
  };
}

export interface EndOfPages {
  readonly order: "newest" | "oldest";
  /** How many match in all, where that is known. */
  readonly total?: number | undefined;
  readonly noun: string;
  readonly isBracketed: boolean;
}

/** Says on standard error how many of how many there are, and how to get the next ones. */
export function tellEnd(end: PagesEnd, { order, total, noun, isBracketed }: EndOfPages, terminal: Terminal): void {
  const { dim } = terminal.errColor;
  const many = (count: number): string => `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
  const searched = `${countText(end.searchedTo)} searched`;
  if (isBracketed) terminal.err(dim("In brackets: tells again of a deed that is counted elsewhere; --deeds leaves it out."));
  if (end.nextCursor === undefined) terminal.err(dim(`${many(end.count)}, ${searched}.`));
  else {
    const of = total === undefined ? "; there are more" : ` of ${countText(total)}`;
    terminal.err(dim(`The ${order} ${many(end.count)}${of}. The next ones: the same command with --cursor ${end.nextCursor}`));
  }
  tellBehind(end, end.count === 0, terminal);
}
