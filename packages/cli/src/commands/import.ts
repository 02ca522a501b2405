import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { APPLICATION_SHAPES, type Shape } from "@vouchtrail/events";
import { type Command, Option } from "commander";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { isFileFault } from "../file-fault.ts";
import { type ImportCommandOptions, intervalOf, printUnpriced, readerOptions, TRANSCRIPT } from "../import-options.ts";
import { type FileSummary, importFile, NOTHING } from "../importer.ts";
import { FOLDER_FILES_MAX, WATCH_INTERVAL_MS } from "../limits.ts";
import { openProgress } from "../progress.ts";
import { countText, printable, type Terminal } from "../terminal.ts";
import { findTranscripts, holdsTranscript, readTranscriptName, type TranscriptName } from "../transcript-folder.ts";
import { watchPlaces } from "./import-watch.ts";

const FORMATS = ["event", ...APPLICATION_SHAPES, TRANSCRIPT] as const satisfies readonly Shape[];

export function addImport(program: Command, context: CommandContext): void {
  const command = program
    .command("import")
    .description(
      "send the events of files: events, audit logs of applications, agent log entries or Claude Code transcripts; doing it again adds nothing",
    )
    .argument("[files...]", "files to read, or folders of Claude Code transcripts; - is standard input")
    .addOption(new Option("--format <format>", "what the files hold (default: detected for each file)").choices(FORMATS))
    .option(
      "--watch",
      "send what is in transcripts and go on as they grow, until it is stopped (default: those of Claude Code on this machine)",
    )
    .option("--interval <seconds>", `with --watch: seconds between two looks (default: ${WATCH_INTERVAL_MS / 1_000})`, intervalOf)
    .option("--tenant <name>", "tenant of events that name none")
    .option("--agent-id <id>", "agent of transcripts (default: claude-code)")
    .option("--user-id <id>", "who prompted the agent of transcripts; the files do not say (default: unknown)")
    .option("--config <file>", "configuration file, for prices of models (default: $VOUCHTRAIL_CONFIG or ./vouchtrail.yaml)")
    .option("--json", "print the summary as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `
Ends with 0 when nothing was refused, 2 when something was, 1 when it could not go on.

Examples:
  vouchtrail import ~/.claude/projects
  vouchtrail import --watch
  vouchtrail import --format event events.ndjson
  zcat old.ndjson.gz | vouchtrail import -`,
    )
    .action(
      runs(context, (places: readonly string[], options: ImportCommandOptions) => {
        if (options.watch === true) return watchPlaces(places, options, context);
        if (places.length === 0) command.error("error: name the files to import, or a folder of transcripts such as ~/.claude/projects");
        return importPlaces(places, options, context);
      }),
    );
}

/** A file to import, and what is known of it before it is read. */
interface ImportFile {
  readonly file: string;
  readonly size: number | undefined;
  /** Set for files of a folder. */
  readonly name?: TranscriptName;
}

interface FolderSummary {
  readonly folder: string;
  readonly sessions: number;
  readonly subagents: number;
  /** Transcripts under a name that Claude Code does not give. */
  readonly others: number;
  /** Files that are no transcript, or could not be looked at. */
  readonly passedOver: readonly string[];
}

async function importPlaces(places: readonly string[], options: ImportCommandOptions, context: CommandContext): Promise<number> {
  const { terminal, environment } = context;
  if (places.filter((file) => file === "-").length > 1) throw new CommandError("Standard input can be read once only.");
  const folders: FolderSummary[] = [];
  const files: ImportFile[] = [];
  for (const place of places) files.push(...(await filesOf(place, options, folders)));
  const client = await openClient(options, environment);
  // Asked before anything is read: a server that is not there at all is not worth a minute of attempts.
  await client.readiness();

  const total = files.every(({ size }) => size !== undefined) ? files.reduce((sum, { size }) => sum + (size ?? 0), 0) : undefined;
  const importOptions = {
    format: options.format,
    ...(await readerOptions(options, context)),
  };
  const progress = openProgress(terminal, "Importing", "bytes", options.json !== true && total !== undefined);
  const summaries: FileSummary[] = [];
  let doneBytes = 0;
  try {
    for (const { file, size, name } of files) {
      const observer = {
        read: (bytes: number) => progress.update(doneBytes + bytes, total),
        retrying: (error: Error, delayMs: number) => terminal.err(`${printable(error.message)} Trying again in ${delayMs / 1_000} s.`),
      };
      const { sessionId, subagentId } = name ?? readTranscriptName(file);
      const fileOptions = { ...importOptions, sessionId, subagentId, ...(name === undefined ? {} : { format: TRANSCRIPT }) };
      const source = context.stdin as unknown as AsyncIterable<Buffer>;
      try {
        summaries.push(await importFile(file, client, fileOptions, observer, source));
      } catch (error) {
        // One file of a folder that cannot be read must not keep the others from being recorded.
        if (name === undefined || !isFileFault(error)) throw error;
        summaries.push({ file, format: undefined, ...NOTHING, problem: `It cannot be read (${error.code}).` });
      }
      doneBytes += size ?? 0;
    }
  } finally {
    progress.close();
  }
  const sum = (name: "events" | "stored" | "duplicates" | "refused"): number => summaries.reduce((all, summary) => all + summary[name], 0);
  const totals = { events: sum("events"), stored: sum("stored"), duplicates: sum("duplicates"), refused: sum("refused") };
  const unpriced = new Map<string, number>();
  for (const { unpricedRequests } of summaries) {
    for (const [model, count] of Object.entries(unpricedRequests)) unpriced.set(model, (unpriced.get(model) ?? 0) + count);
  }
  if (options.json === true) {
    terminal.out(JSON.stringify({ ...totals, unpricedRequests: Object.fromEntries(unpriced), folders, files: summaries }));
  } else {
    for (const folder of folders) printFolder(folder, terminal);
    // A folder may hold thousands of files: those that tell nothing new are in its line.
    const isOfFolder = new Map(files.map(({ file, name }) => [file, name !== undefined]));
    for (const summary of summaries) {
      const { stored, refused, problem, brokenChains } = summary;
      const isNews = stored > 0 || refused > 0 || brokenChains > 0 || problem !== undefined;
      if (isNews || isOfFolder.get(summary.file) !== true) printSummary(summary, terminal);
    }
    printUnpriced(unpriced, terminal);
    if (summaries.length > 1 || folders.length > 0) {
      terminal.out(
        `Total: ${countText(totals.stored)} stored, ${countText(totals.duplicates)} there already, ${countText(totals.refused)} refused.`,
      );
    }
  }
  return totals.refused > 0 || summaries.some(({ problem }) => problem !== undefined) ? EXIT.someRefused : EXIT.ok;
}

/** The file itself, or the transcripts of a folder. @throws {CommandError} when it cannot be read. */
async function filesOf(place: string, { format }: ImportCommandOptions, folders: FolderSummary[]): Promise<ImportFile[]> {
  if (place === "-") return [{ file: place, size: undefined }];
  let found: Stats;
  try {
    found = await stat(place);
  } catch (cause) {
    throw new CommandError(`${place} cannot be read. Nothing was imported.`, { cause });
  }
  if (!found.isDirectory()) return [{ file: place, size: found.isFile() ? found.size : undefined }];
  if (format !== undefined && format !== TRANSCRIPT) {
    throw new CommandError(`${place} is a folder, and only transcripts are read from folders. Name the files in it.`);
  }
  const { files, unreadableFolders, isCut } = await findTranscripts(place);
  if (isCut) throw new CommandError(`${place} holds more than ${countText(FOLDER_FILES_MAX)} transcripts. Name a folder in it.`);
  if (files.length === 0 && unreadableFolders.length === 0) {
    throw new CommandError(`${place} is a folder. No transcript is in it or below it: name the files to import.`);
  }
  const passedOver = [...unreadableFolders];
  const wanted: ImportFile[] = [];
  for (const file of files) {
    const name = readTranscriptName(file);
    try {
      const { size } = await stat(file);
      if (name.kind !== "other" || (await holdsTranscript(file))) wanted.push({ file, size, name });
      else passedOver.push(file);
    } catch (error) {
      if (!isFileFault(error)) throw error;
      passedOver.push(file);
    }
  }
  const count = (kind: TranscriptName["kind"]): number => wanted.filter(({ name }) => name?.kind === kind).length;
  folders.push({ folder: place, sessions: count("session"), subagents: count("subagent"), others: count("other"), passedOver });
  return wanted;
}

function printFolder({ folder, sessions, subagents, others, passedOver }: FolderSummary, terminal: Terminal): void {
  const parts = [
    `${countText(sessions)} ${sessions === 1 ? "session" : "sessions"}`,
    `${countText(subagents)} ${subagents === 1 ? "file" : "files"} of subagents`,
    ...(others === 0 ? [] : [`${countText(others)} ${others === 1 ? "transcript" : "transcripts"} under other names`]),
    ...(passedOver.length === 0 ? [] : [`${countText(passedOver.length)} passed over: no transcript, or not readable`]),
  ];
  terminal.out(`${terminal.color.bold(printable(folder))}: ${parts.join(", ")}.`);
}

function printSummary(summary: FileSummary, terminal: Terminal): void {
  const { color } = terminal;
  const { file, format, problem, stored, duplicates, refused, notUnderstood, repaired, brokenChains } = summary;
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
      `${brokenChains > 0 ? `, ${color.yellow(`lines missing in ${countText(brokenChains)} ${brokenChains === 1 ? "place" : "places"}`)}` : ""}` +
      `${repaired > 0 ? `, ${countText(repaired)} values repaired` : ""}.`,
  );
  for (const { line, code, path, message } of summary.refusals) {
    terminal.out(`  line ${line}: ${code}${path === "" ? "" : ` at ${printable(path)}`}: ${printable(message)}`);
  }
  if (refused > summary.refusals.length) terminal.out(`  … and ${countText(refused - summary.refusals.length)} more.`);
}
