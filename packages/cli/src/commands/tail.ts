import { setTimeout as delay } from "node:timers/promises";
import { AuditError, type EntryView, ERRORS, matchesFilter, parseFilter, sectionTexts } from "@vouchtrail/events";
import type { Command } from "commander";
import type { Client } from "../client.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError, UnreachableError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { entryLine } from "../entry-text.ts";
import { EXIT } from "../exit-code.ts";
import { RETRY_DELAY_MS, RETRY_DELAY_MS_MAX } from "../limits.ts";
import { loadServer } from "../load-server.ts";
import { addValue, wholeNumberFrom } from "../option-value.ts";

/** Every filter of the server as an option: name there, flag here, what it compares. */
const FILTERS = [
  ["tenant", "--tenant <name>", "tenant"],
  ["actor", "--actor <id>", "id of the actor"],
  ["onBehalfOf", "--on-behalf-of <id>", "id of somebody the actor acted for"],
  ["action", "--action <name>", "action; ai.* stands for all that begin with ai."],
  ["target", "--target <id>", "id of the target, or type/id"],
  ["outcome", "--outcome <status>", "success, failure, partial, pending or denied"],
  ["tool", "--tool <name>", "name of the activity"],
  ["session", "--session <id>", "session"],
  ["conversation", "--conversation <id>", "conversation"],
  ["call", "--call <id>", "call"],
  ["request", "--request <id>", "request"],
  ["trace", "--trace <id>", "trace"],
  ["ip", "--ip <address>", "address of the caller"],
  ["sensitive", "--sensitive <bool>", "true or false: whether sensitive data was accessed"],
  ["source", "--source <name>", "program that sent it"],
  ["via", "--via <door>", "door it came in by: http, hook, import …"],
] as const;

type FilterName = (typeof FILTERS)[number][0];

interface TailOptions extends ConnectionOptions, Partial<Record<FilterName, readonly string[]>> {
  readonly label?: readonly string[];
  readonly after?: number;
  readonly count?: number;
  readonly data?: string;
  readonly json?: boolean;
}

export function addTail(program: Command, context: CommandContext): void {
  const command = program.command("tail").description("show entries as they come, until it is stopped");
  for (const [, flags, description] of FILTERS) command.option(flags, description, addValue);
  command
    .option("--label <name=value>", "label", addValue)
    .option(
      "--after <index>",
      "begin behind the entry with this index; -1 begins with the first (default: what comes from now on)",
      wholeNumberFrom(-1),
    )
    .option("--count <number>", "end after this many entries", wholeNumberFrom(1))
    .option("--data <dir>", "data directory to print when no server answers")
    .option("--json", "print one JSON object a line");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `
A filter may be given several times: any of the values will do. With ! in front a value is shut out.

Examples:
  vouchtrail tail
  vouchtrail tail --action 'ai.*' --outcome failure --outcome denied
  vouchtrail tail --after -1 --actor '!ci' --json | jq .event.action`,
    )
    .action(runs(context, (options: TailOptions) => tail(options, context)));
}

async function tail(options: TailOptions, context: CommandContext): Promise<number> {
  const client = await openClient(options, context.environment);
  const query = queryOf(options);
  const print = createPrinter(options, context);
  try {
    await follow(client, query, options.after, print, context);
  } catch (error) {
    if (!(error instanceof UnreachableError) || options.data === undefined) throw error;
    context.terminal.err(`No server answers at ${client.url}; printing what is in ${options.data} instead.`);
    await printStored(options.data, query, options.after ?? -1, print);
  }
  return EXIT.ok;
}

/** Prints one entry. False when enough were printed. */
type Print = (view: EntryView) => Promise<boolean>;

function createPrinter({ json, count = Number.POSITIVE_INFINITY }: TailOptions, { terminal }: CommandContext): Print {
  let printed = 0;
  return async (view) => {
    await terminal.write(`${json === true ? JSON.stringify(view) : entryLine(view, terminal.color)}\n`);
    printed += 1;
    return printed < count;
  };
}

/** Follows over broken connections: each new one goes on behind the last entry seen. @throws {UnreachableError} if there never was one. */
async function follow(
  client: Client,
  query: URLSearchParams,
  after: number | undefined,
  print: Print,
  { terminal }: CommandContext,
): Promise<void> {
  let last = after;
  let hasConnected = false;
  for (let failures = 0; ; failures++) {
    try {
      const connection = new URLSearchParams(query);
      if (last !== undefined) connection.set("after", String(last));
      for await (const { id, data } of client.tail(connection)) {
        hasConnected = true;
        failures = 0;
        if (data !== "" && !(await print(JSON.parse(data) as EntryView))) return;
        if (id !== undefined) last = Number(id);
      }
    } catch (error) {
      if (error instanceof AuditError && !ERRORS[error.code].isRetryable) throw error;
      if (!hasConnected && error instanceof UnreachableError) throw error;
    }
    const delayMs = Math.min(RETRY_DELAY_MS * 2 ** failures, RETRY_DELAY_MS_MAX);
    terminal.err(`The connection ended. Connecting again in ${delayMs / 1_000} s.`);
    await delay(delayMs);
  }
}

async function printStored(directory: string, query: URLSearchParams, after: number, print: Print): Promise<void> {
  const { readDataDirectory, viewEntry } = await loadServer();
  const names = new Set(query.keys());
  const matches = matchesFilter(parseFilter(Object.fromEntries([...names].map((name) => [name, query.getAll(name)]))));
  await using ledger = await readDataDirectory(directory);
  const { treeSize, minimumIndex } = await ledger.head();
  for await (const batch of ledger.read(Math.min(Math.max(after + 1, minimumIndex), treeSize), treeSize)) {
    for (const stored of batch) {
      const view = viewEntry(ledger, stored);
      if (matches(view, sectionTexts(stored.disclosures)) && !(await print(view))) return;
    }
  }
}

function queryOf(options: TailOptions): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name] of FILTERS) for (const value of options[name] ?? []) query.append(name, value);
  for (const label of options.label ?? []) {
    const equals = label.indexOf("=");
    if (equals < 1) throw new CommandError(`--label ${label}: write it as name=value.`);
    query.append(`label.${label.slice(0, equals)}`, label.slice(equals + 1));
  }
  return query;
}
