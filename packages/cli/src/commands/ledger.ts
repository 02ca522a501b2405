import type { Command } from "commander";
import { nowText } from "../clock.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { EXIT } from "../exit-code.ts";
import { loadServer } from "../load-server.ts";

interface ForkOptions {
  readonly data?: string;
  readonly reason: string;
  readonly origin?: string;
  readonly config?: string;
  readonly json?: boolean;
}

export function addLedger(program: Command, context: CommandContext): void {
  const ledger = program.command("ledger").description("what is done to a ledger as a whole, while no server runs");
  ledger
    .command("fork")
    .description("go on under a new origin after an older copy was put back or the signing key was lost; the old ledger is kept aside")
    .option("--data <dir>", "data directory (default: ./vouchtrail-data)")
    .requiredOption("--reason <text>", "why; it stands in the first entry of the new ledger, for good, so name no person")
    .option("--origin <name>", "origin of the new ledger (default: a random name)")
    .option("--config <file>", "configuration file (default: $VOUCHTRAIL_CONFIG or ./vouchtrail.yaml)")
    .option("--json", "print what was done as JSON")
    .addHelpText("after", "\nExample:\n  vouchtrail ledger fork --data /srv/audit --reason 'restored from the backup of Monday'")
    .action(runs(context, (options: ForkOptions) => fork(options, context)));
}

async function fork(options: ForkOptions, { terminal, environment }: CommandContext): Promise<number> {
  if (options.reason.trim() === "" || options.reason.length > 1_000) throw new CommandError("The reason has 1 to 1000 characters.");
  if (options.origin !== undefined && !/^[^\s+]{1,255}$/.test(options.origin))
    throw new CommandError("An origin has 1 to 255 characters, no white space and no +.");
  const { dataPaths, defaultStateFolder, forkLedger, loadConfig, openRememberedCheckpoints } = await loadServer();
  const { config } = await loadConfig({
    environment,
    flags: { data: options.data },
    ...(options.config === undefined ? {} : { file: options.config }),
  });
  const remembered = openRememberedCheckpoints(config.state ?? defaultStateFolder(environment));
  const done = await forkLedger({
    directory: config.data,
    remembered,
    at: nowText(),
    reason: options.reason,
    ...(options.origin === undefined ? {} : { origin: options.origin }),
  });
  // The change is meant: verifying this place must not raise the alarm about another ledger.
  await remembered.rememberPlace(dataPaths(config.data).root, done.origin);
  if (options.json === true) terminal.out(JSON.stringify(done));
  else {
    terminal.out(`The trail goes on as ${done.origin}.`);
    terminal.out(`  Key    ${done.vkey}`);
    terminal.out(`  Kept   ${done.oldOrigin} with ${done.oldTreeSize} entries, in ${done.keptAs}`);
    terminal.out("Its first entry names the old checkpoint. Give the new key to everybody who verifies.");
  }
  return EXIT.ok;
}
