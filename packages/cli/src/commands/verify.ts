import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { AuditError } from "@vouchtrail/events";
import { ProtocolError } from "@vouchtrail/protocol";
import type { VerifyFinding, VerifyReport } from "@vouchtrail/server";
import type { Command } from "commander";
import { type CommandContext, messageOf, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, DEFAULT_DATA, keyOf, urlOf } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { BUNDLE_FILE_BYTES_MAX } from "../limits.ts";
import { loadServer } from "../load-server.ts";
import { type Memory, openMemoryFile, openMemoryOf } from "../memory.ts";
import { isPackFolder } from "../pack/pack-folder.ts";
import { MANIFEST_FILE, parseManifest } from "../pack/pack-manifest.ts";
import { type PackReport, verifyPack } from "../pack/verify-pack.ts";
import { openProgress } from "../progress.ts";
import { countText, printable, type Terminal } from "../terminal.ts";
import { vkeyOf } from "../vkey-option.ts";

interface VerifyOptions extends ConnectionOptions {
  readonly data?: string;
  readonly vkey?: string;
  readonly state?: string;
  readonly json?: boolean;
}

export function addVerify(program: Command, context: CommandContext): void {
  const command = program
    .command("verify")
    .description("check that nothing in a trail was changed or removed, and remember how far it goes")
    .argument(
      "[what]",
      "data directory, ledger folder, evidence pack, bundle file or URL of a server (default: --data, else ./vouchtrail-data if it is there, else --url)",
    )
    .option("--data <dir>", "data directory")
    .option("--vkey <key>", "the verifier key you trust, or a file that holds it; without it the ledger's own is used")
    .option("--state <file>", "file with the one remembered checkpoint, best on another machine (default: the state folder of the user)")
    .option("--json", "print the report as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `
The last line is the verdict. Ends with
  0  all holds and fits the checkpoint remembered before
  3  all holds, but nothing was remembered: cutting the tail could not be checked (it can from now on)
  4  damage: the findings name the first bad entry and what is wrong with it
  2  it could not be checked: no such place, no connection, not readable

Examples:
  vouchtrail verify
  vouchtrail verify /mnt/copy/ledger/main --vkey auditor.vkey --state auditor.note
  vouchtrail verify http://127.0.0.1:7431
  vouchtrail verify evidence.json --vkey 'example.org/log+1234abcd+AQ...'
  vouchtrail verify session-s-1 --vkey auditor.vkey`,
    )
    .action(runs(context, (what: string | undefined, options: VerifyOptions) => verify(what, options, context)));
}

async function verify(what: string | undefined, options: VerifyOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const progress = openProgress(terminal, "Verifying", "entries", options.json !== true);
  let checked: Checked;
  try {
    const place = await placeOf(what, options, context);
    checked = await check(place, options, context, ({ doneEntries, totalEntries }) => progress.update(doneEntries, totalEntries));
  } catch (error) {
    // Whatever hinders the check is not damage, and must not look like it.
    if (error instanceof AuditError || error instanceof ProtocolError)
      throw new CommandError(messageOf(error), { exitCode: EXIT.notChecked, cause: error });
    if (error instanceof CommandError) throw new CommandError(error.message, { exitCode: EXIT.notChecked, cause: error });
    throw error;
  } finally {
    progress.close();
  }
  const { report, memory } = checked;
  const isRemembered = report.newestNote !== undefined && (await memory.remember(report.newestNote));
  const exitCode = { holds: EXIT.ok, "holds-unremembered": EXIT.holdsUnremembered, damaged: EXIT.damaged }[report.verdict];
  if (options.json === true) terminal.out(JSON.stringify({ ...report, isRemembered, exitCode }));
  else print(report, memory, isRemembered, terminal);
  return exitCode;
}

/** What is verified, in the ways that differ. */
type Place =
  | { readonly kind: "server"; readonly url: string }
  | { readonly kind: "bundle"; readonly file: string }
  | { readonly kind: "pack"; readonly path: string }
  | { readonly kind: "folder"; readonly path: string };

async function placeOf(what: string | undefined, options: VerifyOptions, { environment }: CommandContext): Promise<Place> {
  const written = what ?? options.data;
  if (written === undefined) {
    if (options.url === undefined && (await statOf(DEFAULT_DATA)) !== undefined) return { kind: "folder", path: DEFAULT_DATA };
    return { kind: "server", url: urlOf(options, environment) };
  }
  if (/^https?:\/\//i.test(written)) return { kind: "server", url: urlOf({ url: written }, environment) };
  const found = await statOf(written);
  if (found?.isDirectory() === true && (await isPackFolder(written))) return { kind: "pack", path: written };
  if (found?.isFile() === true && basename(written) === MANIFEST_FILE) return { kind: "pack", path: dirname(written) };
  return found?.isFile() === true ? { kind: "bundle", file: written } : { kind: "folder", path: written };
}

interface Checked {
  readonly report: VerifyReport | PackReport;
  readonly memory: Memory;
}

type OnProgress = (progress: { readonly doneEntries: number; readonly totalEntries: number | undefined }) => void;

async function check(place: Place, options: VerifyOptions, context: CommandContext, onProgress: OnProgress): Promise<Checked> {
  const { defaultStateFolder, openRememberedCheckpoints, verifyBundleFile, verifyLedgerFolder, verifyServer } = await loadServer();
  const vkey = options.vkey === undefined ? undefined : await vkeyOf(options.vkey);
  const memoryOf = async (name: string, origin: string | undefined): Promise<Memory> => {
    if (options.state !== undefined) return openMemoryFile(options.state);
    const folder = defaultStateFolder(context.environment);
    return openMemoryOf(openRememberedCheckpoints(folder), folder, name, origin);
  };
  const trust = (memory: Memory): { vkey?: string; rememberedNote?: string; rememberedOrigin?: string } => ({
    ...(vkey === undefined ? {} : { vkey }),
    ...(memory.note === undefined ? {} : { rememberedNote: memory.note }),
    ...(memory.origin === undefined ? {} : { rememberedOrigin: memory.origin }),
  });

  if (place.kind === "server") {
    const memory = await memoryOf(place.url, await originOfServer(place.url));
    const apiKey = await keyOf(options, context.environment);
    return {
      memory,
      report: await verifyServer({ url: place.url, onProgress, ...trust(memory), ...(apiKey === undefined ? {} : { apiKey }) }),
    };
  }
  if (place.kind === "bundle") {
    const text = await readBundle(place.file);
    const memory = await memoryOf(resolve(place.file), originOfBundle(text));
    const { rememberedNote } = trust(memory);
    return {
      memory,
      report: await verifyBundleFile(text, {
        ...(vkey === undefined ? {} : { vkey }),
        ...(rememberedNote === undefined ? {} : { rememberedNote }),
      }),
    };
  }
  if (place.kind === "pack") {
    const memory = await memoryOf(resolve(place.path), await originOfPack(place.path));
    const { rememberedNote } = trust(memory);
    const { sha256, verifyEd25519 } = await loadServer();
    return {
      memory,
      report: await verifyPack(place.path, {
        crypto: { sha256, verify: verifyEd25519 },
        onProgress,
        ...(vkey === undefined ? {} : { vkey }),
        ...(rememberedNote === undefined ? {} : { rememberedNote }),
      }),
    };
  }
  const { folder, name, isFound } = await folderOf(place.path);
  const memory = await memoryOf(name, await originOfFolder(folder));
  // Where a ledger is known to have stood, nothing at all is the worst damage; anywhere else it is a wrong path.
  if (!isFound && memory.origin === undefined && (memory.note === undefined || (await statOf(place.path)) === undefined)) {
    throw new CommandError(
      `There is no ledger in ${place.path}. Name a data directory, a ledger folder, an evidence pack, a bundle file or a URL.`,
    );
  }
  return { memory, report: await verifyLedgerFolder({ folder, onProgress, ...trust(memory) }) };
}

/** The ledger folder, and the name under which its place is remembered: that of the data directory where there is one. */
async function folderOf(path: string): Promise<{ folder: string; name: string; isFound: boolean }> {
  const { findLedgerFolder } = await loadServer();
  let folder: string;
  let isFound = true;
  try {
    folder = resolve(await findLedgerFolder(path));
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== "NOT_FOUND") throw error;
    isFound = false;
    const isLedger = basename(dirname(resolve(path))) === "ledger";
    folder = isLedger ? resolve(path) : join(resolve(path), "ledger", "main");
  }
  const above = dirname(folder);
  const isInData = basename(above) === "ledger" && basename(folder) === "main";
  return { folder, name: isInData ? dirname(above) : folder, isFound };
}

async function statOf(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return undefined;
    throw new CommandError(`${path} cannot be read. Check owner and permissions.`, { cause });
  }
}

async function readBundle(file: string): Promise<string> {
  const size = (await statOf(file))?.size ?? 0;
  if (size > BUNDLE_FILE_BYTES_MAX)
    throw new CommandError(`${file} is larger than ${BUNDLE_FILE_BYTES_MAX} bytes: that is no bundle file.`);
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new CommandError(`${file} cannot be read. Check owner and permissions.`, { cause });
  }
}

// The origin is only a name to look up what was remembered; whether it is right is for the verification to say.

async function originOfFolder(folder: string): Promise<string | undefined> {
  try {
    return originOfVkey(await readFile(join(folder, "vkey"), "utf8"));
  } catch {
    return undefined; // No key: the verification says so.
  }
}

async function originOfServer(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/tlog/main/vkey`);
    return response.ok ? originOfVkey(await response.text()) : undefined;
  } catch {
    return undefined; // Nobody there: the verification says so.
  }
}

async function originOfPack(path: string): Promise<string | undefined> {
  try {
    return parseManifest(await readFile(join(path, MANIFEST_FILE), "utf8"))?.origin;
  } catch {
    return undefined; // No manifest: the verification says so.
  }
}

function originOfBundle(text: string): string | undefined {
  return /"origin"\s*:\s*"([^"\\]+)"/.exec(text)?.[1];
}

function originOfVkey(vkey: string): string | undefined {
  const name = vkey.slice(0, vkey.indexOf("+"));
  return name === "" ? undefined : name;
}

function print(report: VerifyReport | PackReport, memory: Memory, isRemembered: boolean, terminal: Terminal): void {
  const { color } = terminal;
  terminal.out(`Ledger   ${printable(report.origin) || "unknown"}`);
  terminal.out(`Key      ${printable(report.vkey) || "none"}`);
  terminal.out(
    `Entries  ${countText(report.entries)} read, ${countText(report.signedSize)} under a signature, ${countText(report.erasedSections)} sections erased`,
  );
  if (report.rootHash !== "") terminal.out(`Root     ${report.rootHash} over ${countText(report.treeSize)}`);
  if (report.remembered !== undefined) terminal.out(`Before   ${countText(report.remembered.size)} entries, remembered in ${memory.where}`);
  if ("pack" in report && report.pack !== undefined) printPack(report.pack, terminal);
  for (const finding of report.findings) terminal.out(findingLine(finding, terminal));
  if (report.findings.some(({ code }) => code === "ORIGIN_CHANGED") && memory.origin !== undefined) {
    terminal.out("       If another ledger stands here on purpose, verify it with a --state file of its own.");
  }
  const verdict = { holds: color.green, "holds-unremembered": color.yellow, damaged: color.red }[report.verdict];
  const remembered = isRemembered && report.verdict === "holds-unremembered" ? ` From now on one is, in ${memory.where}.` : "";
  terminal.out(verdict(`${printable(report.summary)}${remembered}`));
}

/** What a pack says of itself. Nobody signed it, and that is said. */
function printPack({ sha256, made, question }: NonNullable<PackReport["pack"]>, terminal: Terminal): void {
  const filters = Object.entries(question.filters).flatMap(([name, values]) => values.map((value) => `${name}=${value}`));
  terminal.out(`Pack     SHA-256 ${sha256}`);
  terminal.out(`Asked    ${printable(filters.join(" ")) || "all entries"}, of the first ${countText(question.below)}`);
  terminal.out(`Made     by ${printable(made.by)} at ${printable(made.at)} with ${printable(made.with)}, as it says itself`);
}

function findingLine({ severity, code, message, index, file }: VerifyFinding, { color }: Terminal): string {
  const where = [index === undefined ? undefined : `entry ${index}`, file].filter((part) => part !== undefined).join(", ");
  const label = severity === "alarm" ? color.red("ALARM ") : color.dim("note  ");
  return `${label} ${code}${where === "" ? "" : ` (${printable(where)})`}: ${printable(message)}`;
}
