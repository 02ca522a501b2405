import type { Command } from "commander";
import { type CommandContext, runs } from "../command-context.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { loadServer } from "../load-server.ts";
import { checkExplanation } from "../session/explanation-check.ts";
import { explanationLines } from "../session/explanation-lines.ts";
import { countText } from "../terminal.ts";
import { vkeyOf } from "../vkey-option.ts";

interface ExplainOptions extends ConnectionOptions {
  readonly tenant?: string;
  readonly vkey?: string;
  readonly json?: boolean;
}

export function addExplain(program: Command, context: CommandContext): void {
  const command = program
    .command("explain")
    .description("tell why an event happened: prompt, decision, approval, action, outcome, each with a proof that is checked here")
    .argument("<id>", "id of the event")
    .option("--tenant <name>", "whose event, where several tenants have one with this id")
    .option("--vkey <key|file>", "verifier key to check with, from a place that you trust (default: the one that the server gives out)")
    .option("--json", "print it as JSON, with what checking found");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      "\nEnds with 4 when a proof does not hold.\n\nExample:\n  vouchtrail explain 0192a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b --vkey ledger.vkey",
    )
    .action(runs(context, (id: string, options: ExplainOptions) => explain(id, options, context)));
}

async function explain(id: string, options: ExplainOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const pinned = options.vkey === undefined ? undefined : await vkeyOf(options.vkey);
  const client = await openClient(options, context.environment);
  const explanation = await client.explain(id, options.tenant);
  const { sha256, verifyEd25519 } = await loadServer();
  const checks = checkExplanation(explanation, { vkey: pinned ?? (await client.vkey()), sha256, verify: verifyEd25519 });
  const failed = checks.filter(({ isGood }) => !isGood).length;
  if (options.json === true) {
    await terminal.write(`${JSON.stringify({ ...explanation, checks, isKeyPinned: pinned !== undefined })}\n`);
  } else {
    for (const line of explanationLines(explanation, checks, terminal)) await terminal.write(`${line}\n`);
    const { color } = terminal;
    const entries = `${countText(checks.length)} ${checks.length === 1 ? "entry is" : "entries are"}`;
    terminal.out("");
    terminal.out(
      failed === 0
        ? color.green(`Proofs    ${entries} proved under one checkpoint; checked here.`)
        : color.red(`Proofs    ${countText(failed)} of ${countText(checks.length)} do NOT hold. Run vouchtrail verify.`),
    );
    if (pinned === undefined) terminal.err("The key is the one that this server gives out. Name one from elsewhere with --vkey.");
  }
  return failed === 0 ? EXIT.ok : EXIT.damaged;
}
