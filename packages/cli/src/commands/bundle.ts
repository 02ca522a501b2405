import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, withReader } from "../connection.ts";
import { EXIT } from "../exit-code.ts";

interface BundleOptions extends ConnectionOptions {
  readonly tenant?: string;
  readonly data?: string;
  readonly output?: string;
  readonly json?: boolean;
}

export function addBundle(program: Command, context: CommandContext): void {
  const command = program
    .command("bundle")
    .description("give out the evidence of one event: leaf, sections, inclusion proof and key in one JSON, to be checked anywhere")
    .argument("<id>", "id of the event")
    .option("-o, --output <file>", "write it to a file that only you can read (default: standard output)")
    .option("--tenant <name>", "whose event, where several tenants have one with this id")
    .option("--data <dir>", "data directory to read when no server answers")
    .option("--json", "a bundle is JSON in any case; errors become JSON too");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      "\nExamples:\n  vouchtrail bundle 0192a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b -o evidence.json\n  vouchtrail verify evidence.json",
    )
    .action(runs(context, (id: string, options: BundleOptions) => bundle(id, options, context)));
}

async function bundle(id: string, options: BundleOptions, context: CommandContext): Promise<number> {
  const text = `${JSON.stringify(await withReader(options, context, (reader) => reader.bundle(id, options.tenant)), undefined, 2)}\n`;
  if (options.output === undefined) {
    await context.terminal.write(text);
    return EXIT.ok;
  }
  try {
    await writeFile(options.output, text, { mode: 0o600 });
  } catch (cause) {
    throw new CommandError(`${options.output} cannot be written.`, { cause });
  }
  context.terminal.err(`Written to ${options.output}. Check it with: vouchtrail verify ${options.output}`);
  return EXIT.ok;
}
