import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import type { Client } from "../client.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import type { IndexCheck, IndexStatus } from "../index-client.ts";
import { INDEX_POLL_MS } from "../limits.ts";
import { loadServer } from "../load-server.ts";
import { openProgress } from "../progress.ts";
import { countText, printable, type Terminal } from "../terminal.ts";

interface IndexOptions extends ConnectionOptions {
  readonly json?: boolean;
}

interface RebuildOptions extends IndexOptions {
  readonly wait?: boolean;
  readonly data?: string;
}

export function addIndex(program: Command, context: CommandContext): void {
  const index = program.command("index").description("the search index: it only finds, and is made from the ledger");

  const status = index.command("status").description("tell how far it is, and what it stands in").option("--json", "print it as JSON");
  addConnectionOptions(status)
    .addHelpText("after", "\nExample:\n  vouchtrail index status")
    .action(runs(context, (options: IndexOptions) => tellStatus(options, context)));

  const check = index
    .command("check")
    .description("compare every entry in it with the ledger; needs an admin key")
    .option("--json", "print what was found as JSON");
  addConnectionOptions(check)
    .addHelpText(
      "after",
      `\nEnds with ${EXIT.damaged} when the index says something else than the ledger; "vouchtrail index rebuild" then makes it anew.\n\nExample:\n  vouchtrail index check --key-file admin.key`,
    )
    .action(runs(context, (options: IndexOptions) => checkIndex(options, context)));

  const rebuild = index
    .command("rebuild")
    .description("make it anew from the ledger; the server goes on accepting, and finds less until it is done; needs an admin key")
    .option("--wait", "end when it has caught up, and show how far it is")
    .option("--data <dir>", "data directory of a server that does not run: removes the files, and the next start makes them")
    .option("--json", "print what was done as JSON");
  addConnectionOptions(rebuild)
    .addHelpText(
      "after",
      "\nExamples:\n  vouchtrail index rebuild --wait --key-file admin.key\n  vouchtrail index rebuild --data /srv/audit",
    )
    .action(runs(context, (options: RebuildOptions) => rebuildIndex(options, context)));
}

async function tellStatus(options: IndexOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const status = await (await openClient(options, context.environment)).indexStatus();
  if (options.json === true) terminal.out(JSON.stringify(status));
  else printStatus(status, terminal);
  return EXIT.ok;
}

function printStatus({ searchedTo, hotEntries, files, repairs, follower }: IndexStatus, terminal: Terminal): void {
  const { color } = terminal;
  const isBehind = follower.lagEntries > 0;
  terminal.out(
    `Searchable  ${countText(searchedTo)} of ${countText(follower.treeSize)} entries${isBehind ? color.yellow(`, ${countText(follower.lagEntries)} behind`) : ""}`,
  );
  terminal.out(`State       ${printable(follower.state)}${follower.attempts > 0 ? `, attempt ${follower.attempts} failed` : ""}`);
  if (follower.lastError !== undefined)
    terminal.out(color.yellow(`Last error  ${printable(`${follower.lastError.code}: ${follower.lastError.message}`)}`));
  if (follower.deadLetters > 0) terminal.out(color.red(`Left out    ${countText(follower.deadLetters)} entries that could not be indexed`));
  terminal.out(`In memory   ${countText(hotEntries)} entries, read again from the ledger at the next start`);
  for (const { first, entries, bytes } of files) {
    terminal.out(`File        from ${countText(first)}: ${countText(entries)} entries, ${(bytes / 1_048_576).toFixed(1)} MB`);
  }
  for (const { file, reason } of repairs) terminal.out(color.yellow(`Repaired    ${printable(file)}: ${printable(reason)}`));
}

async function checkIndex(options: IndexOptions, context: CommandContext): Promise<number> {
  const { terminal } = context;
  const client = await openClient(options, context.environment);
  const progress = openProgress(terminal, "Checking", "entries", options.json !== true);
  let check: IndexCheck;
  try {
    check = await client.checkIndex(({ checked, of }) => progress.update(checked, of));
  } finally {
    progress.close();
  }
  if (options.json === true) terminal.out(JSON.stringify(check));
  else printCheck(check, terminal);
  return check.isGood ? EXIT.ok : EXIT.damaged;
}

function printCheck({ entries, mismatchCount, mismatches, miscounted, isGood }: IndexCheck, { out, color }: Terminal): void {
  for (const { index, columns } of mismatches) out(`Entry ${index} differs in ${printable(columns.join(", "))}`);
  if (mismatchCount > mismatches.length) out(`… and ${countText(mismatchCount - mismatches.length)} more.`);
  if (miscounted > 0) out(`${countText(miscounted)} deeds are counted twice or not at all.`);
  out(
    isGood
      ? color.green(`Good: ${countText(entries)} entries say the same as the ledger, and every deed counts once.`)
      : color.red(
          `Not good: ${countText(mismatchCount)} of ${countText(entries)} entries differ. Make the index anew with: vouchtrail index rebuild`,
        ),
  );
}

async function rebuildIndex(options: RebuildOptions, context: CommandContext): Promise<number> {
  if (options.data !== undefined) {
    if (options.wait === true)
      throw new CommandError("Without a server there is nothing to wait for: the next start makes the index. Leave out --wait.");
    return removeFiles(options.data, options, context.terminal);
  }
  const { terminal } = context;
  const client = await openClient(options, context.environment);
  const { treeSize } = await client.rebuildIndex();
  if (options.wait === true) await waitFor(treeSize, client, options, terminal);
  if (options.json === true) terminal.out(JSON.stringify({ treeSize, isDone: options.wait === true }));
  else if (options.wait === true) terminal.out(`The search index is made anew: ${countText(treeSize)} entries can be found.`);
  else
    terminal.out(`The search index is being made anew from ${countText(treeSize)} entries. vouchtrail index status tells how far it is.`);
  return EXIT.ok;
}

/** Asks until everything that was there at the beginning can be found again. */
async function waitFor(treeSize: number, client: Client, options: RebuildOptions, terminal: Terminal): Promise<void> {
  const progress = openProgress(terminal, "Indexing", "entries", options.json !== true);
  try {
    for (;;) {
      const { searchedTo, follower } = await client.indexStatus();
      progress.update(Math.min(searchedTo, treeSize), treeSize);
      if (searchedTo >= treeSize) return;
      if (follower.state === "diverged" || follower.state === "stopped") {
        throw new CommandError(
          `The search index does not go on: ${follower.lastError?.message ?? follower.state}. vouchtrail index status and the server's log say more.`,
        );
      }
      await delay(INDEX_POLL_MS);
    }
  } finally {
    progress.close();
  }
}

/** Files of the search index, what DuckDB keeps beside them, and one that was being rewritten. The folder holds ids of the ledger too. */
const INDEX_FILE = /^\d{15}\.duckdb(?:\.\w+)*$/;

/** While no server runs the files are simply removed: whatever is missing is made from the ledger at the next start. */
async function removeFiles(directory: string, { json }: RebuildOptions, terminal: Terminal): Promise<number> {
  const { dataPaths, lockDataDirectory } = await loadServer();
  const paths = dataPaths(directory);
  // Asked first: the lock would be made in any folder, also a wrong one.
  if (!(await isFolder(paths.ledger))) throw new CommandError(`There is no ledger in ${directory}. Name a data directory.`);
  const lock = await lockDataDirectory(paths.root);
  let removed: readonly string[];
  try {
    removed = (await namesIn(paths.search)).filter((name) => INDEX_FILE.test(name));
    for (const name of removed) await rm(join(paths.search, name));
  } catch (cause) {
    throw new CommandError(`The files of the search index in ${paths.search} cannot be removed. Check owner and permissions.`, { cause });
  } finally {
    lock.release();
  }
  if (json === true) terminal.out(JSON.stringify({ removed }));
  else
    terminal.out(
      `${countText(removed.length)} files of the search index were removed. The next start of the server makes it anew from the ledger.`,
    );
  return EXIT.ok;
}

async function isFolder(path: string): Promise<boolean> {
  return (await namesIn(path)).length > 0;
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return [];
    throw new CommandError(`${path} cannot be read. Check owner and permissions.`, { cause });
  }
}
