// The benchmark: the real server and its baselines, each in a process of its own, driven over HTTP from this one. See docs/benchmarks.md.
import { parseArgs } from "node:util";
import { type Baselines, batchBlock, singleBlock } from "./accept.ts";
import { budgetCells, budgetsOf } from "./budgets.ts";
import { startMeasured } from "./child.ts";
import { measureEmit } from "./emit.ts";
import { createEventSource } from "./events.ts";
import { medianRound, type Round } from "./figures.ts";
import { measureHooks } from "./hooks.ts";
import { measureOtlp } from "./otlp.ts";
import { startPostgres } from "./postgres.ts";
import { profile } from "./profile-run.ts";
import { measureProxy } from "./proxy.ts";
import { describeRun, formatNumber, formatTable } from "./report.ts";
import { ALONE, makeBodies, openWorkspace, startVouchtrail, type Workspace } from "./scenario.ts";
import { lastThirtyDays, measureSearch } from "./search-scenario.ts";
import { sizesOf } from "./sizes.ts";
import { measureRemains, sustain } from "./sustained.ts";
import { ackTable, growthTable, loadTable, queryTable, sustainedTable } from "./tables.ts";

const { values: options } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    huge: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    emit: { type: "boolean", default: false },
    hooks: { type: "boolean", default: false },
    proxy: { type: "boolean", default: false },
    otlp: { type: "boolean", default: false },
    events: { type: "string" },
    "without-postgres": { type: "boolean", default: false },
  },
});
const sizes = sizesOf(options);
const ACCEPT_SEED = 20_260_105;
const SEARCH_SEED = 20_260_107;

const command = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : ""}`;
const out = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const progress = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

await using workspace = await openWorkspace();
if (options.emit) {
  out(`\`\`\`\n${describeRun(command)}\n\`\`\`\n`);
  await measureEmit(workspace, out);
} else if (options.hooks) {
  out(`\`\`\`\n${describeRun(command)}\n\`\`\`\n`);
  await measureHooks(workspace, out);
} else if (options.proxy) {
  out(`\`\`\`\n${describeRun(command)}\n\`\`\`\n`);
  await measureProxy(workspace, out);
} else if (options.otlp) {
  out(`\`\`\`\n${describeRun(command)}\n\`\`\`\n`);
  await measureOtlp(workspace, out);
} else if (options.profile) await profile(workspace, sizes.profile, command, out);
else await benchmark(workspace);

async function benchmark(workspace: Workspace): Promise<void> {
  out(`\`\`\`\n${describeRun(command)}`);
  const sample = makeBodies(createEventSource(ACCEPT_SEED), ALONE, 4_000);
  const eventBytes = sample.reduce((sum, body) => sum + body.bytes.length, 0) / sample.length;
  out(`events: ${formatNumber(eventBytes)} bytes of JSON on average, 60 % agents, 40 % applications, 3 % with a secret\n\`\`\`\n`);

  const postgres = options["without-postgres"]
    ? new Error("It was not asked for.")
    : await startPostgres(await workspace.folder("database")).catch((error: unknown) => error as Error);
  if (postgres instanceof Error) progress(`PostgreSQL did not start: ${postgres.message}`);
  const rounds = new Map<string, Round[]>();
  if (sizes.accept !== undefined) {
    await acceptRounds(workspace, postgres, rounds);
    out(`${loadTable(rounds)}\n`);
  }

  progress(`sustained load of ${sizes.sustained.toLocaleString("en-US")} events …`);
  const times = lastThirtyDays(sizes.sustained, Date.now());
  const folder = await workspace.folder("sustained");
  const server = await startVouchtrail(folder);
  const sustained = await sustain(server, { folder, source: createEventSource(SEARCH_SEED, times), events: sizes.sustained });
  out(`${growthTable(sustained)}\n`);
  const search = await measureSearch(server, postgres, { seed: SEARCH_SEED, times, events: sizes.sustained }, sizes.search, progress);
  progress("verification and restart …");
  const remains = await measureRemains(server, folder);
  const postgresVersion = postgres instanceof Error ? "" : postgres.version;
  if (!(postgres instanceof Error)) await postgres.close();

  out(`${sustainedTable(sustained, remains, search, { eventBytes, postgresVersion, emptyStartMs: server.startMs })}\n`);
  out(`${queryTable(search.queries)}\n`);
  out(`${ackTable(search.acks)}\n`);
  const accepted = [...rounds].find(([name]) => name.startsWith("accept path, batches"))?.[1];
  const budgets = budgetsOf({
    accept: accepted === undefined ? undefined : medianRound(accepted),
    sustained,
    remains,
    queries: search.queries,
    acks: search.acks,
    eventBytes,
  });
  out(formatTable(["what", "first budget", "goal", "measured", "state"], budgets.map(budgetCells)));
}

async function acceptRounds(workspace: Workspace, postgres: Baselines["postgres"], rounds: Map<string, Round[]>): Promise<void> {
  const { accept } = sizes;
  if (accept === undefined) return;
  const keep = (name: string, round: Round): void => {
    rounds.set(name, [...(rounds.get(name) ?? []), round]);
  };
  const source = createEventSource(ACCEPT_SEED);
  const floor = await startMeasured("floor", { folder: await workspace.folder("floor") });
  for (let block = 0; block < accept.blocks; block++) {
    progress(`batches, block ${block + 1} of ${accept.blocks} …`);
    const batches = await startVouchtrail(await workspace.folder(`batches-${block}`));
    await batchBlock(batches, { floor, postgres }, source, accept, keep);
    await batches.close();
    progress(`single events, block ${block + 1} of ${accept.blocks} …`);
    const singles = await startVouchtrail(await workspace.folder(`singles-${block}`));
    await singleBlock(singles, floor, source, accept, keep);
    await singles.close();
  }
  await floor.close();
}
