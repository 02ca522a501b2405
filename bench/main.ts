// The benchmark: the real server and two baselines, each in a process of its own, driven over HTTP from this one. See docs/benchmarks.md.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { type Measured, startMeasured } from "./child.ts";
import { measureLedger } from "./disk.ts";
import { createEventSource } from "./events.ts";
import { medianRound, type Round } from "./figures.ts";
import { type PostgresBaseline, type Row, startPostgres, toRow } from "./postgres.ts";
import { readProfile } from "./profile.ts";
import { describeRun, formatMegabytes, formatNumber, formatTable } from "./report.ts";
import {
  ALONE,
  BATCHES,
  dataOf,
  makeBodies,
  measureRound,
  openWorkspace,
  roundOf,
  SINGLES,
  startVouchtrail,
  type Workspace,
} from "./scenario.ts";

const { values: options } = parseArgs({
  options: { long: { type: "boolean", default: false }, profile: { type: "boolean", default: false } },
});

/** Sized so that the batches of one block stay within one segment: sealing is then measured by itself, in the sustained load. */
const EVENTS = options.long
  ? { blocks: 3, rounds: 3, batch: 16_000, single: 8_000, alone: 2_000, postgres: 8_000, sustained: 1_000_000 }
  : { blocks: 1, rounds: 3, batch: 16_000, single: 5_000, alone: 1_000, postgres: 3_000, sustained: 150_000 };
const SUSTAINED_STEP = 25_000;
const PROFILED_FUNCTIONS = 30;

const source = createEventSource(20_260_105);
const out = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const progress = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

await using workspace = await openWorkspace();
if (options.profile) await profile(workspace);
else await benchmark(workspace);

async function benchmark(workspace: Workspace): Promise<void> {
  out(describeRun(`npm run bench${options.long ? " -- --long" : ""}`));
  const sample = makeBodies(source, ALONE, 4_000);
  const eventBytes = sample.reduce((sum, body) => sum + body.bytes.length, 0) / sample.length;
  out(`events: ${formatNumber(eventBytes)} bytes of JSON on average, 60 % agents, 40 % applications, 3 % with a secret\n`);

  const floor = await startMeasured("floor", { folder: await workspace.folder("floor") });
  const postgres = await startPostgres(await workspace.folder("database")).catch((error: unknown) => error as Error);
  if (postgres instanceof Error) progress(`PostgreSQL did not start: ${postgres.message}`);

  const rounds = new Map<string, Round[]>();
  const keep = (name: string, round: Round): void => {
    rounds.set(name, [...(rounds.get(name) ?? []), round]);
  };
  let sustained: Sustained | undefined;
  for (let block = 0; block < EVENTS.blocks; block++) {
    progress(`batches, block ${block + 1} of ${EVENTS.blocks} …`);
    const folder = await workspace.folder(`batches-${block}`);
    const server = await startVouchtrail(folder);
    await batchBlock(server, floor, postgres, keep);
    if (block === EVENTS.blocks - 1) {
      progress("sustained load …");
      sustained = await sustain(server, folder);
    } else await server.close();

    progress(`single events, block ${block + 1} of ${EVENTS.blocks} …`);
    const singles = await startVouchtrail(await workspace.folder(`singles-${block}`));
    await singleBlock(singles, floor, keep);
    await singles.close();
  }
  await floor.close();

  const figures = [...rounds].map(([name, list]) => {
    const { cpuUsPerEvent, eventsPerSecond, p50Ms, p99Ms } = medianRound(list);
    const spread = list.map((round) => round.cpuUsPerEvent);
    return [
      name,
      formatNumber(cpuUsPerEvent),
      `${formatNumber(Math.min(...spread))} to ${formatNumber(Math.max(...spread))}`,
      formatNumber(Math.round(eventsPerSecond)),
      formatNumber(p50Ms),
      formatNumber(p99Ms),
    ];
  });
  if (postgres instanceof Error) figures.push(["PostgreSQL, one INSERT per event", "not measured: it did not start"]);
  out(formatTable(["load", "CPU µs per event", "of the rounds", "acked events/s", "ack p50 ms", "ack p99 ms"], figures));
  out("");

  const rows: string[][] = [];
  if (sustained !== undefined) rows.push(...sustainedRows(sustained, eventBytes));
  if (!(postgres instanceof Error)) {
    const { bytes, rows: count } = await postgres.tableBytes();
    rows.push([
      `PostgreSQL ${postgres.version}: bytes per event, table with indexes`,
      formatNumber(bytes / count),
      `${formatNumber(bytes / count / eventBytes)} of the JSON`,
    ]);
    await postgres.close();
  }
  out(formatTable(["what", "value", "note"], rows));
}

type Keep = (name: string, round: Round) => void;

/** Ours, HTTP alone and PostgreSQL take turns, so that what else the machine does meets all three. */
async function batchBlock(server: Measured, floor: Measured, postgres: PostgresBaseline | Error, keep: Keep): Promise<void> {
  for (let round = -1; round < EVENTS.rounds; round++) {
    const bodies = makeBodies(source, BATCHES, EVENTS.batch);
    const ours = await measureRound(server, bodies, BATCHES);
    const alone = await measureRound(floor, bodies, BATCHES);
    const inserted = postgres instanceof Error ? undefined : await insertRound(postgres, round < 0 ? EVENTS.postgres / 4 : EVENTS.postgres);
    // The first round only warms up.
    if (round < 0) continue;
    keep("Vouchtrail, batches of 500, 4 connections", ours);
    keep("HTTP alone (Fastify, nothing stored), batches of 500", alone);
    if (inserted !== undefined) keep("PostgreSQL, one INSERT per event, 8 connections", inserted);
  }
}

async function singleBlock(server: Measured, floor: Measured, keep: Keep): Promise<void> {
  for (let round = -1; round < EVENTS.rounds; round++) {
    const bodies = makeBodies(source, SINGLES, EVENTS.single);
    const ours = await measureRound(server, bodies, SINGLES);
    const alone = await measureRound(floor, bodies, SINGLES);
    const quiet = await measureRound(server, makeBodies(source, ALONE, EVENTS.alone), ALONE);
    if (round < 0) continue;
    keep("Vouchtrail, single events, 64 connections", ours);
    keep("HTTP alone, single events, 64 connections", alone);
    keep("Vouchtrail, single events, 1 connection", quiet);
  }
}

async function insertRound(postgres: PostgresBaseline, count: number): Promise<Round> {
  const rows: Row[] = Array.from({ length: count }, () => toRow(source.next()));
  const before = await postgres.cpuUs();
  const driven = await postgres.insert(rows);
  return roundOf(driven, (await postgres.cpuUs()) - before);
}

interface Sustained {
  readonly events: number;
  readonly seconds: number;
  readonly cpuUsPerEvent: number;
  readonly residentPeakBytes: number;
  readonly emptyStartMs: number;
  readonly restartMs: number;
  readonly disk: Awaited<ReturnType<typeof measureLedger>>;
  readonly verified: Verified | string;
}

/** Goes on with a server until whole segments are sealed; then disk, verification and restart. */
async function sustain(server: Measured, folder: string): Promise<Sustained> {
  let events = 0;
  let seconds = 0;
  const before = await server.usage();
  while (events < EVENTS.sustained) {
    const driven = await measureRound(server, makeBodies(source, BATCHES, SUSTAINED_STEP), BATCHES);
    events += driven.events;
    seconds += driven.seconds;
  }
  const idleFrom = performance.now();
  await server.idle();
  seconds += (performance.now() - idleFrom) / 1_000;
  const after = await server.usage();
  const treeSize = await treeSizeOf(server);
  await server.close();
  const disk = await measureLedger(dataOf(folder), treeSize);
  progress("verification …");
  const verified = await verify(join(dataOf(folder), "ledger", "main"));
  const again = await startVouchtrail(folder);
  const restartMs = again.startMs;
  await again.close();
  return {
    events,
    seconds,
    cpuUsPerEvent: (after.cpuUs - before.cpuUs) / events,
    residentPeakBytes: after.residentPeakBytes,
    emptyStartMs: server.startMs,
    restartMs,
    disk,
    verified,
  };
}

/** What the server says of itself; every ack before this call is in it. */
async function treeSizeOf(server: Measured): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^vouchtrail_ledger_entries (\d+)$/m.exec(text)?.[1]);
}

interface Verified {
  readonly verdict: string;
  readonly entries: number;
  readonly seconds: number;
  readonly cpuUs: number;
  readonly residentPeakBytes: number;
}

async function verify(folder: string): Promise<Verified | string> {
  try {
    const program = fileURLToPath(new URL("verify.js", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program, folder], { cwd: folder });
    return JSON.parse(stdout) as Verified;
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n").find((line) => line.includes("Error")) ?? error.message) : String(error);
  }
}

function sustainedRows(sustained: Sustained, eventBytes: number): string[][] {
  const { disk, verified } = sustained;
  const active = disk.activeBytes / disk.activeEntries;
  const sealed = disk.sealedBytes / disk.sealedEntries;
  const entries = disk.activeEntries + disk.sealedEntries;
  const tiles = disk.tileBytes / entries;
  const ids = disk.idBytes / entries;
  const ofJson = (bytes: number): string => `${formatNumber(bytes / eventBytes)} of the JSON`;
  const rows = [
    [
      `sustained, ${sustained.events.toLocaleString("en-US")} events in batches, with sealing: CPU µs per event`,
      formatNumber(sustained.cpuUsPerEvent),
      `${formatNumber(Math.round(sustained.events / sustained.seconds))} acked events/s`,
    ],
    ["resident memory, peak of the sustained load", formatMegabytes(sustained.residentPeakBytes), ""],
    ["bytes per event, active segment (text)", formatNumber(active), ofJson(active)],
    ["bytes per event, sealed segments", formatNumber(sealed), ofJson(sealed)],
    ["bytes per event, tiles", formatNumber(tiles), ""],
    ["bytes per event, ids and other derived files", formatNumber(ids), ""],
    ["bytes per event, sealed + tiles + ids", formatNumber(sealed + tiles + ids), ofJson(sealed + tiles + ids)],
    ["start with no data, ms", formatNumber(sustained.emptyStartMs), "process start to listening"],
    [`start with ${entries.toLocaleString("en-US")} entries, ms`, formatNumber(sustained.restartMs), "process start to listening"],
  ];
  if (typeof verified === "string") rows.push(["full verification", "not measured", verified]);
  else {
    rows.push([
      `full verification of ${verified.entries.toLocaleString("en-US")} entries, events/s`,
      formatNumber(Math.round(verified.entries / verified.seconds)),
      `${formatNumber(verified.cpuUs / verified.entries)} CPU µs per event, ${formatMegabytes(verified.residentPeakBytes)}, verdict ${verified.verdict}`,
    ]);
  }
  return rows;
}

/** Where the time of the accept path goes: CPU profiles of the server, summed up by function. */
async function profile(workspace: Workspace): Promise<void> {
  out(describeRun("npm run bench -- --profile"));
  for (const [name, load, total] of [
    ["batches of 500", BATCHES, 60_000],
    ["single events, 64 connections", SINGLES, 30_000],
  ] as const) {
    const profiles = await workspace.folder(`profiles of ${name}`);
    const server = await startVouchtrail(await workspace.folder(name), ["--cpu-prof", `--cpu-prof-dir=${profiles}`]);
    const { cpuUsPerEvent } = await measureRound(server, makeBodies(source, load, total), load);
    await server.close();
    const functions = (await readProfile(profiles)).slice(0, PROFILED_FUNCTIONS);
    out(
      `\n${name}: ${formatNumber(cpuUsPerEvent)} CPU µs per event with the profiler on; below, the main thread only, with the start of the process\n`,
    );
    out(
      formatTable(
        ["function", "where", "self µs per event", "share"],
        functions.map((one) => [one.name, one.place, formatNumber(one.selfUs / total), `${(one.share * 100).toFixed(1)} %`]),
      ),
    );
  }
}
