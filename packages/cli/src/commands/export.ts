import { readFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { type ReadTile, tilePath } from "@vouchtrail/protocol";
import type { Command } from "commander";
import { nowText } from "../clock.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError, UnreachableError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient, urlOf } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { addFilterOptions, FILTER_HELP, type FilterOptions, filterOf } from "../filter-options.ts";
import { PACK_MADE_BY_CHARS_MAX, PACK_TILES_KEPT_MAX, REQUEST_MS_MAX } from "../limits.ts";
import { loadServer } from "../load-server.ts";
import { addValue } from "../option-value.ts";
import { writePack } from "../pack/write-pack.ts";
import { openProgress } from "../progress.ts";
import { countText } from "../terminal.ts";
import { VERSION } from "../version.ts";
import { vkeyOf } from "../vkey-option.ts";

interface ExportOptions extends ConnectionOptions, FilterOptions {
  readonly output: string;
  readonly vkey?: string;
  readonly checkpoint?: readonly string[];
  readonly madeBy?: string;
  readonly json?: boolean;
}

export function addExport(program: Command, context: CommandContext): void {
  const command = program
    .command("export")
    .description("write an evidence pack: entries with their proofs, for somebody who checks them without this server")
    .argument("[words...]", "each must occur in the event; quote a phrase")
    .requiredOption("-o, --output <folder>", "folder to make; only you can read it");
  addFilterOptions(command);
  command
    .option("--vkey <key>", "the verifier key you trust, or a file that holds it: the server's must be equal")
    .option("--checkpoint <file>", "a checkpoint that was kept elsewhere: the pack shows that it is of the same history", addValue)
    .option("--made-by <name>", "who makes the pack, as it stands in it (default: your login and this machine)")
    .option("--json", "print what was written as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      `${FILTER_HELP}
Without a filter everything is written that the key may read. Erasing in the trail does not reach packs that were given out.

Examples:
  vouchtrail export --session s-1 -o session-s-1
  vouchtrail export --actor u-17 --since 30d -o evidence && vouchtrail verify evidence --vkey auditor.vkey`,
    )
    .action(runs(context, (words: readonly string[], options: ExportOptions) => exportPack(words, options, context)));
}

async function exportPack(words: readonly string[], options: ExportOptions, context: CommandContext): Promise<number> {
  const { terminal, environment } = context;
  const filter = filterOf(options, words);
  const by = options.madeBy ?? `${loginName()}@${hostname()}`;
  if (by.trim() === "" || by.length > PACK_MADE_BY_CHARS_MAX)
    throw new CommandError(`--made-by has 1 to ${PACK_MADE_BY_CHARS_MAX} characters.`);
  const vkey = options.vkey === undefined ? undefined : await vkeyOf(options.vkey);
  const keptCheckpoints = await Promise.all((options.checkpoint ?? []).map(readCheckpoint));
  const client = await openClient(options, environment);
  const { sha256, verifyEd25519 } = await loadServer();
  const progress = openProgress(terminal, "Exporting", "entries", options.json !== true);
  let written: Awaited<ReturnType<typeof writePack>>;
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new CommandError("The export was stopped. Nothing was written."));
  // Once each: whoever insists ends it at once, and then the unfinished folder stays.
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    written = await writePack({
      folder: options.output,
      reader: client,
      readTile: readTilesOf(urlOf(options, environment)),
      filter,
      made: { at: nowText(), by, with: `vouchtrail ${VERSION}` },
      crypto: { sha256, verify: verifyEd25519 },
      ...(vkey === undefined ? {} : { vkey }),
      keptCheckpoints,
      signal: stop.signal,
      onProgress: (index, below) => progress.update(index, below),
    });
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    progress.close();
  }
  const { manifest, sha256: packHash } = written;
  const { count, first, last } = manifest.entries;
  if (options.json === true) terminal.out(JSON.stringify({ folder: options.output, sha256: packHash, manifest }));
  else {
    const entries = count === 1 ? `1 entry, index ${first}` : `${countText(count)} entries from index ${first} to ${last}`;
    terminal.out(`${entries}, each verified on the way, in ${options.output}`);
    terminal.out(`  Pack    SHA-256 ${packHash}`);
    terminal.out(`  Key     ${manifest.vkey}`);
    terminal.out(`  Read    ${options.output}/summary.html`);
    terminal.out(`  Check   vouchtrail verify ${options.output} --vkey <the key, from elsewhere>`);
  }
  return EXIT.ok;
}

async function readCheckpoint(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new CommandError(`--checkpoint ${file} cannot be read.`, { cause });
  }
}

/** Tiles of the log over HTTP; each is fetched once. Whoever uses them verifies what comes out. */
function readTilesOf(url: string): ReadTile {
  const kept = new Map<string, Promise<Uint8Array>>();
  return (level, n, width) => {
    const path = tilePath(level, n, width);
    const known = kept.get(path);
    if (known !== undefined) return known;
    const tile = fetchTile(url, path);
    if (kept.size >= PACK_TILES_KEPT_MAX) kept.clear();
    kept.set(path, tile);
    return tile;
  };
}

async function fetchTile(url: string, path: string): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(`${url}/tlog/main/${path}`, { signal: AbortSignal.timeout(REQUEST_MS_MAX) });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw new UnreachableError(url, { cause });
  }
  throw new CommandError(`The server does not give out a tile of its log (status ${response.status}). Nothing was written; run it again.`);
}

function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown"; // A user without an entry, as in many containers.
  }
}
