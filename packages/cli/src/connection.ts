import { readFile } from "node:fs/promises";
import type { AuditReader } from "@vouchtrail/events";
import type { Command } from "commander";
import { type Client, createClient } from "./client.ts";
import { CommandError, UnreachableError } from "./command-error.ts";
import { loadServer } from "./load-server.ts";
import { openOfflineReader } from "./offline-reader.ts";
import type { Terminal } from "./terminal.ts";

export const DEFAULT_URL = "http://127.0.0.1:7431";
export const DEFAULT_DATA = "./vouchtrail-data";
/** Holds the API key. A flag would show it to everybody who lists processes. */
export const KEY_VARIABLE = "VOUCHTRAIL_KEY";

type Environment = Readonly<Record<string, string | undefined>>;

export interface ConnectionOptions {
  readonly url?: string;
  readonly keyFile?: string;
}

/** Adds the options that name a server. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option("--url <url>", `server to talk to (default: $VOUCHTRAIL_URL, $AUDIT_LOG_URL or ${DEFAULT_URL})`)
    .option("--key-file <file>", `file that holds the API key (default: $${KEY_VARIABLE})`);
}

/** The URL that is meant: the option, else the environment, else the default. @throws {CommandError} when it is none. */
export function urlOf({ url }: ConnectionOptions, environment: Environment): string {
  const written =
    [url, environment.VOUCHTRAIL_URL, environment.AUDIT_LOG_URL].find((value) => value !== undefined && value !== "") ?? DEFAULT_URL;
  let parsed: URL;
  try {
    parsed = new URL(written);
  } catch (cause) {
    throw new CommandError(`"${written}" is not a URL. Write it as ${DEFAULT_URL}.`, { cause });
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:")
    throw new CommandError(`"${written}" is not a URL of a server. Write it as ${DEFAULT_URL}.`);
  if (parsed.username !== "" || parsed.password !== "")
    throw new CommandError(`A URL holds no key. Put it into $${KEY_VARIABLE} or a file for --key-file.`);
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, "")}`;
}

export async function keyOf({ keyFile }: ConnectionOptions, environment: Environment): Promise<string | undefined> {
  if (keyFile === undefined) return environment[KEY_VARIABLE] || undefined;
  let key: string;
  try {
    key = (await readFile(keyFile, "utf8")).trim();
  } catch (cause) {
    throw new CommandError(`The key file ${keyFile} cannot be read.`, { cause });
  }
  if (!/^[\x21-\x7e]+$/.test(key)) throw new CommandError(`The key file ${keyFile} must hold one API key and nothing else.`);
  return key;
}

export async function openClient(options: ConnectionOptions, environment: Environment): Promise<Client> {
  const key = await keyOf(options, environment);
  return createClient({ url: urlOf(options, environment), ...(key === undefined ? {} : { key }) });
}

/** Runs `use` against the server; where none answers and `--data` is given, against the data directory, read-only. */
export async function withReader<T>(
  options: ConnectionOptions & { readonly data?: string },
  { environment, terminal }: { readonly environment: Environment; readonly terminal: Terminal },
  use: (reader: AuditReader) => Promise<T>,
): Promise<T> {
  const client = await openClient(options, environment);
  try {
    return await use(client);
  } catch (error) {
    if (!(error instanceof UnreachableError) || options.data === undefined) throw error;
  }
  terminal.err(`No server answers at ${client.url}; reading ${options.data} instead.`);
  const { openLedgerReader, readDataDirectory } = await loadServer();
  await using ledger = await readDataDirectory(options.data);
  return await use(openOfflineReader(openLedgerReader(ledger, { tenant: undefined })));
}
