import { AuditError, type AuditEventInput, OUTCOME_STATUSES } from "@vouchtrail/events";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ClientReceipt } from "../client.ts";
import { nowText } from "../clock.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { completeEvent, type EventText, newEventId } from "../event-text.ts";
import { EXIT } from "../exit-code.ts";
import { STDIN_BYTES_MAX } from "../limits.ts";
import { addLabel, type TypedId, typedIdOf } from "../option-value.ts";
import type { Terminal } from "../terminal.ts";

interface EmitOptions extends ConnectionOptions {
  readonly action?: string;
  readonly actor?: TypedId;
  readonly target?: TypedId;
  readonly outcome: AuditEventInput["outcome"]["status"];
  readonly code?: string;
  readonly message?: string;
  readonly details?: Record<string, unknown>;
  readonly label?: Record<string, string>;
  readonly tenant?: string;
  readonly id?: string;
  readonly waitCheckpoint?: boolean;
  readonly json?: boolean;
}

export function addEmit(program: Command, context: CommandContext): void {
  const command = program
    .command("emit")
    .description("record one event, from options or as JSON from standard input, and print its receipt")
    .option("--action <name>", "what was done, such as invoice.deleted; without it the event is read from standard input")
    .option("--actor <type:id>", "who did it: user, agent, system, webhook or service", typedIdOf)
    .option("--target <type:id>", "what it was done to", typedIdOf)
    .addOption(new Option("--outcome <status>", "how it ended").choices(OUTCOME_STATUSES).default("success"))
    .option("--code <code>", "code of the outcome")
    .option("--message <text>", "message of the outcome")
    .option("--details <json>", "JSON object with whatever else is worth keeping", detailsOf)
    .option("--label <name=value>", "label; may be given several times", addLabel)
    .option("--tenant <name>", "whose event it is")
    .option("--id <uuid>", "id of the event; sending the same id again stores nothing")
    .option("--wait-checkpoint", "wait until a signed checkpoint covers the event, and print the inclusion proof")
    .option("--json", "print the receipt as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  vouchtrail emit --action invoice.deleted --actor user:u-17 --target invoice:4711
  vouchtrail emit --action deploy.finished --actor service:ci --target app:shop --outcome failure --code TIMEOUT --label environment=production
  echo '{"action":"door.opened","actor":{"type":"system","id":"gate"},"target":{"type":"door","id":"2"},"outcome":{"status":"success"}}' | vouchtrail emit`,
    )
    .action(runs(context, (options: EmitOptions) => emit(options, context)));
}

async function emit(options: EmitOptions, context: CommandContext): Promise<number> {
  const event = options.action === undefined ? await readEvent(options, context) : eventOf(options, options.action);
  const client = await openClient(options, context.environment);
  const { receipts, errors } = await client.send(event.json, { wait: options.waitCheckpoint === true });
  const [fault] = errors;
  if (fault !== undefined) {
    throw new AuditError(fault.code, { path: fault.path, message: fault.path === "" ? fault.message : `${fault.path}: ${fault.message}` });
  }
  const [receipt] = receipts;
  if (receipt === undefined) throw new CommandError("The server answered without a receipt.");
  if (options.json === true) context.terminal.out(JSON.stringify(receipt));
  else printReceipt(receipt, context.terminal);
  return EXIT.ok;
}

function eventOf(options: EmitOptions, action: string): EventText {
  const { actor, target, outcome, code, message, details, label, tenant } = options;
  if (actor === undefined || target === undefined)
    throw new CommandError("An event needs --actor type:id and --target type:id beside --action.");
  const id = options.id ?? newEventId();
  const event = {
    id,
    occurredAt: nowText(),
    action,
    actor,
    target,
    outcome: { status: outcome, ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }) },
    ...(details === undefined ? {} : { details }),
    ...(label === undefined ? {} : { labels: label }),
    ...(tenant === undefined ? {} : { tenant }),
  };
  return { json: JSON.stringify(event), id };
}

async function readEvent(options: EmitOptions, { stdin }: CommandContext): Promise<EventText> {
  if (stdin.isTTY === true)
    throw new CommandError("Name the event with --action, --actor and --target, or send it as JSON to standard input.");
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of stdin) {
    bytes += part.length;
    if (bytes > STDIN_BYTES_MAX) throw new CommandError(`An event has at most ${STDIN_BYTES_MAX} bytes.`);
    parts.push(Buffer.from(part));
  }
  const { text, value } = parse(Buffer.concat(parts));
  return completeEvent(text, value, { id: options.id ?? newEventId(), occurredAt: nowText(), tenant: options.tenant });
}

function parse(bytes: Buffer): { text: string; value: Record<string, unknown> } {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new CommandError("Standard input is not one JSON object in UTF-8. For files with many events there is vouchtrail import.", {
      cause,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new CommandError("Standard input must hold one JSON object. For many events there is vouchtrail import.");
  }
  return { text, value: value as Record<string, unknown> };
}

function printReceipt({ index, id, leafHash, origin, duplicate, inclusionProof }: ClientReceipt, terminal: Terminal): void {
  terminal.out(duplicate === true ? `Was there already, as entry ${index}.` : `Stored as entry ${index}.`);
  terminal.out(`  id         ${id}`);
  terminal.out(`  leaf hash  ${leafHash}`);
  terminal.out(`  ledger     ${origin}`);
  if (inclusionProof !== undefined) terminal.out(`\n${inclusionProof.trimEnd()}`);
}

function detailsOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError("It is not JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new InvalidArgumentError("It is not a JSON object.");
  return value as Record<string, unknown>;
}
