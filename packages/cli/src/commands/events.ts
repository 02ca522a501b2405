import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addEvent } from "../events/add-event.ts";
import { findCatalogFiles, readSource, writeSource } from "../events/catalog-files.ts";
import { findCatalogs } from "../events/event-catalog.ts";
import { lineAt, loadParse, type Parse } from "../events/syntax-tree.ts";
import { EXIT } from "../exit-code.ts";
import { addFormatOptions, type FormatOptions } from "../output-format.ts";
import { createTable } from "../table.ts";
import { printable } from "../terminal.ts";

interface AddOptions {
  readonly file?: string;
  readonly resource?: string;
  readonly dryRun?: boolean;
}

/** An event type as `events list` shows it. */
interface ListedEvent {
  readonly action: string;
  readonly function: string;
  readonly resourceType?: string;
  readonly severity?: string;
  readonly description?: string;
  readonly file: string;
  readonly line: number;
}

export function addEvents(program: Command, context: CommandContext): void {
  const events = program.command("events").description("list the event types that an application's source code records, and add new ones");

  addFormatOptions(
    events
      .command("list")
      .description("list the event types of the catalogs in a file or below a folder")
      .argument("[path]", "a source file, or a folder", "."),
    ["table", "json", "ndjson"],
  )
    .addHelpText("after", "\nExamples:\n  vouchtrail events list\n  vouchtrail events list src/lib/audit.ts --json")
    .action(runs(context, (path: string, options: FormatOptions) => list(path, options, context)));

  events
    .command("add")
    .description("add an event type to a catalog: a call of defineAuditEvents, or an object of functions that call logAudit")
    .argument("<action>", "resource.action or resource.subresource.action, in lower case")
    .option("--file <file>", "the catalog's source file (default: src/lib/audit.ts, else the only one below this folder)")
    .option("--resource <type>", "type of the resource (default: the first part of the action)")
    .option("--dry-run", "print what would be added, and change nothing")
    .addHelpText(
      "after",
      "\nExamples:\n  vouchtrail events add agent.run.created\n  vouchtrail events add invoice.paid --file src/audit.ts --resource invoice --dry-run",
    )
    .action(runs(context, (action: string, options: AddOptions) => add(action, options, context)));
}

async function list(path: string, { format = "table" }: FormatOptions, { terminal }: CommandContext): Promise<number> {
  const parse = await loadParse();
  const listed: ListedEvent[] = [];
  if (await isFolder(path)) {
    for (const file of await findCatalogFiles(path)) {
      try {
        listed.push(...(await eventsOf(parse, file)));
      } catch (error) {
        // One file that cannot be read must not hide the others.
        if (!(error instanceof CommandError)) throw error;
        terminal.err(printable(error.message));
      }
    }
  } else listed.push(...(await eventsOf(parse, path)));
  if (format === "json") terminal.out(JSON.stringify(listed));
  else if (format === "ndjson") for (const event of listed) terminal.out(JSON.stringify(event));
  else {
    const table = createTable<ListedEvent>(
      [
        { title: "action", text: ({ action }) => action },
        { title: "function", text: (event) => event.function },
        { title: "resource", text: ({ resourceType = "" }) => resourceType },
        { title: "severity", text: ({ severity = "" }) => severity },
        { title: "where", text: ({ file, line }) => `${file}:${line}` },
        { title: "description", text: ({ description = "" }) => description },
      ],
      { width: terminal.width, title: terminal.color.bold },
    );
    if (listed.length === 0) terminal.err(`No event types are defined in ${printable(path)}.`);
    else for (const line of table.lines(listed)) terminal.out(line);
  }
  return EXIT.ok;
}

async function eventsOf(parse: Parse, file: string): Promise<ListedEvent[]> {
  const tree = parse(file, (await readSource(file)).replace(/^\uFEFF/, ""));
  return findCatalogs(tree).flatMap(({ entries }) =>
    entries.flatMap(({ name, action, resourceType, severity, description, start }): ListedEvent[] => {
      if (action === undefined) return [];
      const told = {
        ...(resourceType === undefined ? {} : { resourceType }),
        ...(severity === undefined ? {} : { severity }),
        ...(description === undefined ? {} : { description }),
      };
      return [{ action, function: name, ...told, file, line: lineAt(tree.text, start) }];
    }),
  );
}

async function add(action: string, { file: named, resource, dryRun = false }: AddOptions, { terminal }: CommandContext): Promise<number> {
  const file = named ?? (await catalogFile());
  const text = await readSource(file);
  const added = addEvent(await loadParse(), file, text, { action, resourceType: resource });
  if (added.insertions.length > 0 && !dryRun) await writeSource(file, added.text);
  for (const told of added.told) terminal.out(`${printable(file)}: ${printable(dryRun ? told.replace(/^added/, "would add") : told)}`);
  if (dryRun) {
    for (const { text: inserted } of added.insertions)
      for (const line of inserted.split(/\r?\n/).filter((part) => part.trim() !== ""))
        terminal.out(terminal.color.green(`+ ${printable(line)}`));
  } else terminal.err(`Record it with: await ${added.call}(resourceId, userId, { … }, request);`);
  return EXIT.ok;
}

const USUAL_FILE = "src/lib/audit.ts";

async function catalogFile(): Promise<string> {
  if (await stat(USUAL_FILE).catch(() => undefined)) return USUAL_FILE;
  const parse = await loadParse();
  const files: string[] = [];
  // Files that only use a catalog name its functions too.
  for (const file of await findCatalogFiles(".")) if (await hasCatalog(parse, file)) files.push(file);
  const [only] = files;
  if (only !== undefined && files.length === 1) return only;
  throw new CommandError(
    only === undefined
      ? `There is no ${USUAL_FILE}, and no file below this folder has a catalog. Begin one: export const audit = defineAuditEvents({});`
      : `Several files have a catalog: ${files.join(", ")}. Name one with --file.`,
  );
}

/** Objects that happen to call `logAudit` are not taken for a catalog unless they are named so. */
async function hasCatalog(parse: Parse, file: string): Promise<boolean> {
  try {
    return findCatalogs(parse(file, await readSource(file))).some(({ form, variable }) => form === "definitions" || variable === "audit");
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new CommandError(`${path} does not exist or cannot be read.`, { cause });
  }
}
