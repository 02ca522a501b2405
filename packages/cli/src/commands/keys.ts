import { ACTOR_TYPES, type ActorType } from "@vouchtrail/events";
import type { KeyRecord, KeyStore, Scope } from "@vouchtrail/server";
import { type Command, InvalidArgumentError, Option } from "commander";
import { nowText } from "../clock.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { DEFAULT_DATA } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { loadServer } from "../load-server.ts";
import { printable, type Terminal } from "../terminal.ts";

// The server has the list too; a type keeps the two equal without loading it.
const SCOPES = Object.keys({ ingest: true, read: true, admin: true } satisfies Record<Scope, true>) as readonly Scope[];

interface KeysOptions {
  readonly data: string;
  readonly json?: boolean;
}

interface CreateOptions extends KeysOptions {
  readonly name: string;
  readonly scope?: readonly Scope[];
  readonly tenant?: string;
  readonly source?: string;
  readonly actorType?: readonly ActorType[];
}

export function addKeys(program: Command, context: CommandContext): void {
  const keys = program
    .command("keys")
    .description("make, list and revoke API keys in a data directory; a running server sees a change within a second");
  const dataOption = (): Option => new Option("--data <dir>", "data directory").default(DEFAULT_DATA);

  keys
    .command("create")
    .description("make a key and print it, once")
    .addOption(dataOption())
    .option("--name <text>", "what the key is for", "")
    .addOption(
      new Option("--scope <scope>", "what it may do; may be given several times (default: ingest)")
        .choices(SCOPES)
        .argParser(choiceList(SCOPES)),
    )
    .option("--tenant <name>", "it sees and writes only this tenant")
    .option("--source <name>", "it writes only as this source")
    .addOption(
      new Option("--actor-type <type>", "it writes only for actors of this type; may be given several times").argParser(
        choiceList(ACTOR_TYPES),
      ),
    )
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  vouchtrail keys create --name 'billing service' --scope ingest --tenant acme\n  vouchtrail keys create --scope read --scope ingest --data /srv/audit",
    )
    .action(runs(context, (options: CreateOptions) => create(options, context.terminal)));

  keys
    .command("list")
    .description("list the keys; their secrets are not kept and cannot be shown")
    .addOption(dataOption())
    .option("--json", "print them as JSON")
    .addHelpText("after", "\nExample:\n  vouchtrail keys list --data /srv/audit")
    .action(
      runs(context, async (options: KeysOptions) => {
        const records = await (await openKeys(options.data)).list();
        if (options.json === true) context.terminal.out(JSON.stringify(records.map(shown)));
        else for (const record of records) context.terminal.out(keyLine(record, context.terminal));
        if (options.json !== true && records.length === 0) context.terminal.err("There are no keys.");
        return EXIT.ok;
      }),
    );

  keys
    .command("revoke")
    .description("make a key worthless from now on")
    .argument("<id>", "id of the key, as keys list shows it")
    .addOption(dataOption())
    .option("--json", "print it as JSON")
    .addHelpText("after", "\nExample:\n  vouchtrail keys revoke 1f2e3d4c")
    .action(
      runs(context, async (id: string, options: KeysOptions) => {
        const record = await (await openKeys(options.data)).revoke(id, nowText());
        context.terminal.out(options.json === true ? JSON.stringify(shown(record)) : `Revoked: ${keyLine(record, context.terminal)}`);
        return EXIT.ok;
      }),
    );
}

async function create(options: CreateOptions, terminal: Terminal): Promise<number> {
  const { dataPaths, openKeyStore, prepareDataDirectory } = await loadServer();
  const { name, scope = ["ingest"], tenant, source, actorType } = options;
  // Keys may be made before the first start: listening beyond loopback needs them.
  await prepareDataDirectory(options.data);
  const key = {
    name,
    scopes: [...scope],
    ...(tenant === undefined ? {} : { tenant }),
    ...(source === undefined ? {} : { source }),
    ...(actorType === undefined ? {} : { actorTypes: [...actorType] }),
  };
  const { record, secret } = await invalidAsCommandError(() => openKeyStore(dataPaths(options.data).secrets).create(key, nowText()));
  if (options.json === true) terminal.out(JSON.stringify({ ...shown(record), secret }));
  else {
    terminal.out(secret);
    terminal.err(`Shown once: only its hash is kept. ${keyLine(record, terminal)}`);
  }
  return EXIT.ok;
}

async function openKeys(data: string): Promise<KeyStore> {
  const { dataPaths, openKeyStore, prepareDataDirectory } = await loadServer();
  await prepareDataDirectory(data, { mustExist: true });
  return openKeyStore(dataPaths(data).secrets);
}

/** The record of a key is checked by its own schema, which says what is wrong in a list. */
async function invalidAsCommandError<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== "ZodError" || !("issues" in cause) || !Array.isArray(cause.issues)) throw cause;
    const [issue] = cause.issues as { readonly path: readonly PropertyKey[]; readonly message: string }[];
    throw new CommandError(`The key is not valid: ${issue?.path.map(String).join(".")}: ${issue?.message}`, { cause });
  }
}

/** A key without its hash, which helps nobody who looks at a list. */
function shown({ hash: _, ...record }: KeyRecord): Omit<KeyRecord, "hash"> {
  return record;
}

function keyLine({ id, name, scopes, tenant, source, actorTypes, createdAt, revokedAt }: KeyRecord, { color }: Terminal): string {
  const bounds = [
    tenant === undefined ? undefined : `tenant ${tenant}`,
    source === undefined ? undefined : `source ${source}`,
    actorTypes === undefined ? undefined : `actors ${actorTypes.join("|")}`,
  ].filter((bound) => bound !== undefined);
  const parts = [color.bold(id), scopes.join("+"), printable(name) || "(no name)", ...bounds.map(printable), `since ${createdAt}`];
  if (revokedAt !== undefined) parts.push(color.red(`revoked ${revokedAt}`));
  return parts.join("  ");
}

function choiceList<Choice extends string>(choices: readonly Choice[]): (text: string, chosen?: readonly Choice[]) => readonly Choice[] {
  return (text, chosen = []) => {
    const choice = choices.find((one) => one === text);
    if (choice === undefined) throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
    return chosen.includes(choice) ? chosen : [...chosen, choice];
  };
}
