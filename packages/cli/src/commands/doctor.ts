import { constants } from "node:fs";
import { access, mkdir, readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AuditError } from "@vouchtrail/events";
import type { DataPaths, LoadedConfig } from "@vouchtrail/server";
import type { Command } from "commander";
import type { Readiness } from "../client.ts";
import { nowMs } from "../clock.ts";
import { type CommandContext, runs } from "../command-context.ts";
import { UnreachableError } from "../command-error.ts";
import { addConnectionOptions, type ConnectionOptions, openClient } from "../connection.ts";
import { EXIT } from "../exit-code.ts";
import { CLOCK_DIFFERENCE_SECONDS_MAX, DISK_FREE_BYTES_LOW, DOCTOR_EFFECTS_MAX, OPEN_EFFECT_AGE_MS } from "../limits.ts";
import { loadServer } from "../load-server.ts";
import { countText, printable, type Terminal } from "../terminal.ts";

interface DoctorOptions extends ConnectionOptions {
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** One thing that was looked at. `todo` is what to do about it. */
interface Diagnosis {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  readonly message: string;
  readonly todo?: string;
}

/** The least Node that the packages name in `engines`. */
const NODE_MINIMUM = [20, 19] as const;
const NODE_RECOMMENDED = 24;

export function addDoctor(program: Command, context: CommandContext): void {
  const command = program
    .command("doctor")
    .description("look at everything that commonly goes wrong, and say what to do about it")
    .option("--data <dir>", "data directory (default: from the configuration)")
    .option("--config <file>", "configuration file (default: $VOUCHTRAIL_CONFIG or ./vouchtrail.yaml)")
    .option("--json", "print what was found as JSON");
  addConnectionOptions(command)
    .addHelpText(
      "after",
      "\nEnds with 1 when something fails.\n\nExamples:\n  vouchtrail doctor\n  vouchtrail doctor --data /srv/audit --url http://127.0.0.1:8080",
    )
    .action(runs(context, (options: DoctorOptions) => doctor(options, context)));
}

async function doctor(options: DoctorOptions, context: CommandContext): Promise<number> {
  const { terminal, environment } = context;
  const { dataPaths, defaultStateFolder } = await loadServer();
  const found: Diagnosis[] = [node(process.versions.node)];
  const { diagnoses, loaded } = await config(options, environment);
  found.push(...diagnoses);
  const readiness = await server(options, context, found);
  if (readiness?.ready === true) found.push(...(await capture(options, context)));
  if (loaded !== undefined) {
    const paths = dataPaths(loaded.config.data);
    found.push(...(await dataDirectory(paths)));
    found.push(await stateFolder(loaded.config.state ?? defaultStateFolder(environment)));
    found.push(await clock(readiness, paths));
  }
  if (options.json === true) terminal.out(JSON.stringify(found));
  else for (const diagnosis of found) terminal.out(diagnosisLine(diagnosis, terminal));
  return found.some(({ state }) => state === "fail") ? EXIT.failed : EXIT.ok;
}

function node(version: string): Diagnosis {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const name = "node";
  if (major < NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor < NODE_MINIMUM[1])) {
    return {
      name,
      state: "fail",
      message: `Node ${version} is too old.`,
      todo: `Install Node ${NODE_RECOMMENDED}, at least ${NODE_MINIMUM.join(".")}.`,
    };
  }
  if (major < NODE_RECOMMENDED) return { name, state: "ok", message: `Node ${version}. Node ${NODE_RECOMMENDED} is faster.` };
  return { name, state: "ok", message: `Node ${version}.` };
}

async function config(
  options: DoctorOptions,
  environment: CommandContext["environment"],
): Promise<{ diagnoses: Diagnosis[]; loaded: LoadedConfig | undefined }> {
  const name = "configuration";
  const { loadConfig } = await loadServer();
  try {
    const loaded = await loadConfig({
      environment,
      flags: { data: options.data },
      ...(options.config === undefined ? {} : { file: options.config }),
    });
    const message = loaded.file === undefined ? "No file: defaults, environment and options are used." : `${loaded.file} is valid.`;
    return {
      loaded,
      diagnoses: [
        { name, state: "ok", message },
        ...loaded.warnings.map(
          (warning): Diagnosis => ({ name, state: "warn", message: warning, todo: "Remove it, or rely on something else for this." }),
        ),
      ],
    };
  } catch (error) {
    return { loaded: undefined, diagnoses: [failed(name, error, "Correct it; everything that depends on it was not looked at.")] };
  }
}

async function server(options: DoctorOptions, context: CommandContext, found: Diagnosis[]): Promise<Readiness | undefined> {
  const name = "server";
  try {
    const client = await openClient(options, context.environment);
    const readiness = await client.readiness();
    if (readiness.ready) found.push({ name, state: "ok", message: `${client.url} is ready.` });
    for (const { message } of readiness.reasons) found.push({ name, state: "fail", message: `${client.url} accepts nothing: ${message}` });
    return readiness;
  } catch (error) {
    if (error instanceof UnreachableError) found.push({ name, state: "warn", message: error.message });
    else found.push(failed(name, error, "Correct the option or variable."));
    return undefined;
  }
}

/** Whether what is recorded is whole: side effects without an outcome, and numbers of sources that never came. */
async function capture(options: DoctorOptions, context: CommandContext): Promise<Diagnosis[]> {
  try {
    const client = await openClient(options, context.environment);
    const to = new Date(nowMs() - OPEN_EFFECT_AGE_MS).toISOString();
    const { effects, nextCursor } = await client.effects({ filter: { conditions: [], to }, limit: DOCTOR_EFFECTS_MAX });
    const { sources } = await client.sources({ filter: { conditions: [] } });
    const missing = sources.reduce((sum, source) => sum + source.missing, 0);
    return [
      effects.length === 0
        ? { name: "effects", state: "ok", message: "No side effect waits for its outcome." }
        : {
            name: "effects",
            state: "warn",
            message: `Side effects that began more than an hour ago and never told how they ended: ${countText(effects.length)}${nextCursor === undefined ? "" : " or more"}.`,
            todo: "vouchtrail effects lists them. A program that died in between is the usual reason.",
          },
      missing === 0
        ? { name: "sources", state: "ok", message: `No numbered event is missing, of ${countText(sources.length)} sources.` }
        : {
            name: "sources",
            state: "warn",
            message: `Events of numbered sources that never came: ${countText(missing)}.`,
            todo: "vouchtrail sources shows whose; audit.events.dropped tells what a source knows to be lost.",
          },
    ];
  } catch (error) {
    // The search index may still be catching up: that is no fault of the installation.
    return [
      { name: "effects", state: "warn", message: `Could not be looked at: ${error instanceof Error ? error.message : String(error)}` },
    ];
  }
}

async function dataDirectory(paths: DataPaths): Promise<Diagnosis[]> {
  const name = "data directory";
  const { root } = paths;
  const { prepareDataDirectory } = await loadServer();
  const about = await stat(root).catch(codeOf);
  if (about === "ENOENT")
    return [{ name, state: "warn", message: `${root} is not there.`, todo: "The first start of vouchtrail serve makes it." }];
  if (typeof about === "string")
    return [{ name, state: "fail", message: `${root} cannot be read (${about}).`, todo: "Check owner and permissions." }];
  if (!about.isDirectory()) return [{ name, state: "fail", message: `${root} is not a folder.`, todo: "Name another one with --data." }];
  const found: Diagnosis[] = [];
  try {
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
    await prepareDataDirectory(root, { mustExist: true });
    found.push({ name, state: "ok", message: `${root} has a layout that this version knows.` });
  } catch (error) {
    return [failed(name, error, "Check --data, and owner and permissions.")];
  }
  if ((about.mode & 0o077) !== 0) {
    found.push({ name, state: "warn", message: `Others on this machine may enter ${root}.`, todo: `chmod 700 ${root}` });
  }
  found.push(await lock(root), await signingKey(paths), await freeSpace(root));
  return found;
}

async function lock(root: string): Promise<Diagnosis> {
  const name = "lock";
  const { lockDataDirectory } = await loadServer();
  // Asking makes the file, so where there is none nobody is asked: no server has ever been here.
  const traces = await Promise.all(["lock", "lock.duckdb"].map((trace) => stat(join(root, trace)).catch(codeOf)));
  if (traces.every((trace) => trace === "ENOENT")) return { name, state: "ok", message: "No server has used the data directory yet." };
  try {
    (await lockDataDirectory(root)).release();
    return { name, state: "ok", message: "No server has the data directory open." };
  } catch (error) {
    if (!(error instanceof AuditError) || error.code !== "LEDGER_LOCKED") return failed(name, error, "Check owner and permissions.");
    const holder = /^Process \d+/.exec(error.message)?.[0] ?? "Another process";
    return { name, state: "ok", message: `${holder} has the data directory open; a second server would be refused.` };
  }
}

async function signingKey({ signingKey: path, ledger, secrets }: DataPaths): Promise<Diagnosis> {
  const name = "signing key";
  const restore = `Restore ${secrets} from a copy, or run vouchtrail ledger fork.`;
  const vkey = await readFile(join(ledger, "vkey"), "utf8").catch(codeOf);
  if (vkey === "ENOENT") return { name, state: "ok", message: "There is no ledger yet; the first start makes ledger and key." };
  const key = await readFile(path, "utf8").catch(codeOf);
  if (key === "ENOENT") return { name, state: "fail", message: `${path} is missing.`, todo: restore };
  // The private form begins with two words more than the public one; then come name and id of the key.
  const [publicName, publicId] = vkey.split("+");
  const [, , privateName, privateId] = key.split("+");
  if (privateName === undefined || privateId === undefined)
    return { name, state: "fail", message: `${path} is not a signing key or cannot be read.`, todo: restore };
  if (publicName !== privateName || publicId !== privateId) {
    return { name, state: "fail", message: `${path} belongs to another ledger (${privateName}).`, todo: restore };
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    return {
      name,
      state: "warn",
      message: `Others on this machine may read ${path}: who has it can forge history.`,
      todo: `chmod 600 ${path}`,
    };
  }
  return { name, state: "ok", message: `It is there and belongs to ${publicName}.` };
}

async function freeSpace(root: string): Promise<Diagnosis> {
  const { bavail, bsize } = await statfs(root);
  const free = bavail * bsize;
  const message = `${countText(Math.floor(free / 1_048_576))} MiB are free for ${root}.`;
  if (free >= DISK_FREE_BYTES_LOW) return { name: "disk", state: "ok", message };
  return { name: "disk", state: "warn", message, todo: "Free some: near the end the server pauses intake." };
}

async function stateFolder(folder: string): Promise<Diagnosis> {
  const name = "state folder";
  const probe = join(folder, `doctor-${process.pid}.tmp`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(probe, "");
    await rm(probe);
    return { name, state: "ok", message: `Checkpoints are remembered in ${folder}.` };
  } catch (error) {
    return {
      name,
      state: "fail",
      message: `${folder} cannot be written (${codeOf(error)}), so an older copy put back would go unnoticed.`,
      todo: "Correct its permissions, or name another folder with the option state or $VOUCHTRAIL_STATE.",
    };
  }
}

async function clock(readiness: Readiness | undefined, { ledger }: DataPaths): Promise<Diagnosis> {
  const name = "clock";
  const now = nowMs();
  const todo = "Turn on time synchronisation.";
  if (readiness?.serverMs !== undefined) {
    const seconds = Math.round(Math.abs(now - readiness.serverMs) / 1_000);
    // The Date header counts whole seconds.
    if (seconds > CLOCK_DIFFERENCE_SECONDS_MAX)
      return { name, state: "warn", message: `This clock and the server's differ by ${countText(seconds)} s.`, todo };
    return { name, state: "ok", message: "This clock and the server's agree." };
  }
  const checkpoint = await stat(join(ledger, "checkpoint")).catch(codeOf);
  if (typeof checkpoint !== "string" && checkpoint.mtimeMs > now + CLOCK_DIFFERENCE_SECONDS_MAX * 1_000) {
    return { name, state: "warn", message: "The newest checkpoint was written in the future of this clock.", todo };
  }
  return { name, state: "ok", message: "Nothing speaks against this clock." };
}

function failed(name: string, error: unknown, todo: string): Diagnosis {
  return { name, state: "fail", message: error instanceof Error ? error.message : String(error), todo };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function diagnosisLine({ name, state, message, todo }: Diagnosis, { color }: Terminal): string {
  const label = { ok: color.green("ok  "), warn: color.yellow("warn"), fail: color.red("fail") }[state];
  return `${label}  ${name}: ${printable(message)}${todo === undefined ? "" : `\n      → ${printable(todo)}`}`;
}
