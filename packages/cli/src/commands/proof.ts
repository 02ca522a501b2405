import type { Command } from "commander";
import { type CommandContext, runs } from "../command-context.ts";
import { addConnectionOptions, type ConnectionOptions, withReader } from "../connection.ts";
import { EXIT } from "../exit-code.ts";

interface ProofOptions extends ConnectionOptions {
  readonly tenant?: string;
  readonly data?: string;
  readonly json?: boolean;
}

export function addProof(program: Command, context: CommandContext): void {
  const command = program
    .command("proof")
    .description("print the inclusion proof of one event as c2sp.org/tlog-proof text")
    .argument("<id>", "id of the event")
    .option("--tenant <name>", "whose event, where several tenants have one with this id")
    .option("--data <dir>", "data directory to read when no server answers")
    .option("--json", "print it as a member of a JSON object");
  addConnectionOptions(command)
    .addHelpText("after", "\nExample:\n  vouchtrail proof 0192a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b > event.tlog-proof")
    .action(
      runs(context, async (id: string, options: ProofOptions) => {
        const inclusionProof = await withReader(options, context, (reader) => reader.inclusionProof(id, options.tenant));
        await context.terminal.write(options.json === true ? `${JSON.stringify({ id, inclusionProof })}\n` : inclusionProof);
        return EXIT.ok;
      }),
    );
}
