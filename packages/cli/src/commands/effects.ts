import type { EffectView } from "@vouchtrail/events";
import { type Command, Option } from "commander";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { addFilterOptions, FILTER_HELP, type FilterOptions, filterOf } from "../filter-options.ts";
import { createHitTable, effectColumn } from "../hit-table.ts";
import { SEARCH_ENTRIES_DEFAULT } from "../limits.ts";
import { wholeNumberFrom } from "../option-value.ts";
import { addFormatOptions, type FormatOptions } from "../output-format.ts";
import { takePages } from "../search-pages.ts";
import { tellEnd } from "./search.ts";

interface EffectsOptions extends ConnectionOptions, FilterOptions, FormatOptions {
  readonly state: "open" | "closed" | "all";
  readonly limit?: number;
  readonly all?: boolean;
  readonly order: "newest" | "oldest";
  readonly cursor?: string;
  readonly wait?: boolean;
}

export function addEffects(program: Command, context: CommandContext): void {
  const command = program
    .command("effects")
    .description("list what was announced before it was done, and whether an outcome followed")
    .argument("[words...]", "each must occur in the announcing event; quote a phrase");
  addFilterOptions(command);
  command
    .addOption(new Option("--state <state>", "open: no outcome is known").choices(["open", "closed", "all"]).default("open"))
    .option("--limit <number>", `how many to print (default: ${SEARCH_ENTRIES_DEFAULT})`, wholeNumberFrom(1))
    .option("--all", "print all that match")
    .addOption(new Option("--order <order>", "by the order of recording").choices(["newest", "oldest"]).default("newest"))
    .option("--cursor <cursor>", "go on where an earlier list ended")
    .option("--wait", "first wait until everything that was recorded can be found");
  addFormatOptions(command, ["table", "json", "ndjson"]);
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `${FILTER_HELP}\n\nExamples:\n  vouchtrail effects\n  vouchtrail effects --state all --actor ops/release-manager --since 7d`,
    )
    .action(runs(context, (words: readonly string[], options: EffectsOptions) => effects(words, options, context)));
}

async function effects(words: readonly string[], options: EffectsOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const { order, state, wait, format = "table" } = options;
  if (options.all === true && options.limit !== undefined)
    throw new CommandError("--all and --limit exclude each other: give one of them.");
  const filter = filterOf(options, words);
  const client = await openClient(options, context.environment);
  const table = createHitTable<EffectView>(terminal, state === "open" ? [] : [effectColumn(terminal)]);
  const gathered: EffectView[] = [];
  let isFirst = true;
  const end = await takePages<EffectView>(
    async (request) => {
      const page = await client.effects({ filter, order, state, ...request, ...(wait === true && isFirst ? { wait } : {}) });
      isFirst = false;
      return { ...page, items: page.effects };
    },
    { limit: options.all === true ? Number.POSITIVE_INFINITY : (options.limit ?? SEARCH_ENTRIES_DEFAULT), cursor: options.cursor },
    async (page) => {
      if (format === "json") gathered.push(...page);
      else
        await terminal.write(
          (format === "ndjson" ? page.map((effect) => JSON.stringify(effect)) : table.lines(page)).map((line) => `${line}\n`).join(""),
        );
    },
  );
  if (format === "json") {
    const { nextCursor, treeSize, searchedTo } = end;
    await terminal.write(
      `${JSON.stringify({ effects: gathered, ...(nextCursor === undefined ? {} : { nextCursor }), treeSize, searchedTo })}\n`,
    );
  } else tellEnd(end, { order, noun: state === "all" ? "effect" : `${state} effect`, isBracketed: false }, terminal);
  return EXIT.ok;
}
