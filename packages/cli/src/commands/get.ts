import type { Command } from "commander";
import { type CommandContext, runs } from "../command-context.ts";
import { addConnectionOptions, type ConnectionOptions, withReader } from "../connection.ts";
import { entryPage } from "../entry-text.ts";
import { EXIT } from "../exit-code.ts";

interface GetOptions extends ConnectionOptions {
  readonly tenant?: string;
  readonly data?: string;
  readonly json?: boolean;
}

export function addGet(program: Command, context: CommandContext): void {
  const command = program
    .command("get")
    .description("show one event and what the trail knows about it")
    .argument("<id>", "id of the event")
    .option("--tenant <name>", "whose event, where several tenants have one with this id")
    .option("--data <dir>", "data directory to read when no server answers")
    .option("--json", "print it as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      "\nExamples:\n  vouchtrail get 0192a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b\n  vouchtrail get 0192a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b --data ./vouchtrail-data --json",
    )
    .action(
      runs(context, async (id: string, options: GetOptions) => {
        const view = await withReader(options, context, (reader) => reader.get(id, options.tenant));
        context.terminal.out(options.json === true ? JSON.stringify(view) : entryPage(view, context.terminal.color));
        return EXIT.ok;
      }),
    );
}
