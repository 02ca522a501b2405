import { stat } from "node:fs/promises";
import { APPLICATION_SHAPES, type Shape } from "@vouchtrail/events";
import { type Command, Option } from "commander";
import { nowText } from "../clock.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { type FileSummary, importFile } from "../importer.ts";
import { openProgress } from "../progress.ts";
import { countText, printable, type Terminal } from "../terminal.ts";

const FORMATS = ["event", ...APPLICATION_SHAPES, "claude-code-transcript"] as const satisfies readonly Shape[];

interface ImportCommandOptions extends ConnectionOptions {
  readonly format?: Shape;
  readonly tenant?: string;
  readonly agentId?: string;
  readonly userId?: string;
  readonly json?: boolean;
}

export function addImport(program: Command, context: CommandContext): void {
  const command = program
    .command("import")
    .description(
      "send the events of files: events, audit logs of applications, agent log entries or Claude Code transcripts; doing it again adds nothing",
    )
    .argument("<files...>", "files to read; - is standard input")
    .addOption(new Option("--format <format>", "what the files hold (default: detected for each file)").choices(FORMATS))
    .option("--tenant <name>", "tenant of events that name none")
    .option("--agent-id <id>", "agent of transcripts (default: claude-code)")
    .option("--user-id <id>", "who prompted the agent of transcripts; the files do not say (default: unknown)")
    .option("--json", "print the summary as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `
Ends with 0 when nothing was refused, 2 when something was, 1 when it could not go on.

Examples:
  vouchtrail import ~/.claude/projects/*/*.jsonl
  vouchtrail import --format event events.ndjson
  zcat old.ndjson.gz | vouchtrail import -`,
    )
    .action(runs(context, (files: readonly string[], options: ImportCommandOptions) => importFiles(files, options, context)));
}

async function importFiles(files: readonly string[], options: ImportCommandOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const sizes = await Promise.all(files.map(sizeOf));
  if (files.filter((file) => file === "-").length > 1) throw new CommandError("Standard input can be read once only.");
  const client = await openClient(options, context.environment);
  // Asked before anything is read: a server that is not there at all is not worth a minute of attempts.
  await client.readiness();

  const total = sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + (size ?? 0), 0) : undefined;
  const progress = openProgress(terminal, "Importing", "bytes", options.json !== true && total !== undefined);
  const importOptions = {
    format: options.format,
    tenant: options.tenant,
    agentId: options.agentId,
    userId: options.userId,
    importedAt: nowText(),
  };
  const summaries: FileSummary[] = [];
  let doneBytes = 0;
  try {
    for (const [position, file] of files.entries()) {
      const observer = {
        read: (bytes: number) => progress.update(doneBytes + bytes, total),
        retrying: (error: Error, delayMs: number) => terminal.err(`${printable(error.message)} Trying again in ${delayMs / 1_000} s.`),
      };
      summaries.push(await importFile(file, client, importOptions, observer, context.stdin as unknown as AsyncIterable<Buffer>));
      doneBytes += sizes[position] ?? 0;
    }
  } finally {
    progress.close();
  }
  const sum = (name: "events" | "stored" | "duplicates" | "refused"): number => summaries.reduce((all, summary) => all + summary[name], 0);
  const totals = { events: sum("events"), stored: sum("stored"), duplicates: sum("duplicates"), refused: sum("refused") };
  if (options.json === true) terminal.out(JSON.stringify({ ...totals, files: summaries }));
  else {
    for (const summary of summaries) printSummary(summary, terminal);
    if (summaries.length > 1) {
      terminal.out(
        `Total: ${countText(totals.stored)} stored, ${countText(totals.duplicates)} there already, ${countText(totals.refused)} refused.`,
      );
    }
  }
  return totals.refused > 0 || summaries.some(({ problem }) => problem !== undefined) ? EXIT.someRefused : EXIT.ok;
}

async function sizeOf(file: string): Promise<number | undefined> {
  if (file === "-") return undefined;
  try {
    const found = await stat(file);
    if (found.isDirectory())
      throw new CommandError(`${file} is a folder. Name the files in it, such as ${file.replace(/\/+$/, "")}/*.jsonl.`);
    return found.isFile() ? found.size : undefined;
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(`${file} cannot be read. Nothing was imported.`, { cause });
  }
}

function printSummary(summary: FileSummary, terminal: Terminal): void {
  const { color } = terminal;
  const { file, format, problem, stored, duplicates, refused, notUnderstood, repaired } = summary;
  const name = color.bold(printable(file === "-" ? "standard input" : file));
  if (problem !== undefined) {
    terminal.out(`${name}: ${color.red(problem)}`);
    return;
  }
  if (format === undefined) {
    terminal.out(`${name}: empty.`);
    return;
  }
  const refusedText = `${countText(refused)} refused`;
  terminal.out(
    `${name} (${format}): ${countText(stored)} stored, ${countText(duplicates)} there already, ${refused > 0 ? color.red(refusedText) : refusedText}` +
      `${notUnderstood > 0 ? `, ${color.yellow(`${countText(notUnderstood)} lines not understood`)}` : ""}` +
      `${repaired > 0 ? `, ${countText(repaired)} values repaired` : ""}.`,
  );
  for (const { line, code, path, message } of summary.refusals) {
    terminal.out(`  line ${line}: ${code}${path === "" ? "" : ` at ${printable(path)}`}: ${printable(message)}`);
  }
  if (refused > summary.refusals.length) terminal.out(`  … and ${countText(refused - summary.refusals.length)} more.`);
}
