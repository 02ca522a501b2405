import { createEventSource } from "./events.ts";
import { readProcessTree, readThreads } from "./process-tree.ts";
import { readProfile } from "./profile.ts";
import { describeRun, formatNumber, formatTable } from "./report.ts";
import { BATCHES, type Load, makeBodies, measureRound, SINGLES, startVouchtrail, type Workspace } from "./scenario.ts";
import type { ProfileSizes } from "./sizes.ts";

const SEED = 20_260_108;
const FUNCTIONS = 30;
/** The first that takes `--cpu-prof` from `NODE_OPTIONS`. */
const NODE_MAJOR_MIN = 22;
/** Threads that cost less than this per event are left out, in microseconds. */
const THREAD_US_MIN = 0.05;
const MAIN = "main";

/** Threads of one name together; the first thread, on which JavaScript runs, by itself. */
interface ThreadGroup {
  readonly name: string;
  readonly count: number;
  readonly cpuUs: number;
}

/** One of the two processes, after its load. */
interface Profiled {
  readonly process: "server" | "search";
  readonly threads: readonly ThreadGroup[];
  /** Where it left its CPU profile. */
  readonly folder: string;
}

/** Where the time goes, from a request to the moment its events can be found: by thread, and by function on the main threads. */
export async function profile(workspace: Workspace, sizes: ProfileSizes, command: string, out: (text: string) => void): Promise<void> {
  if (Number(process.versions.node.split(".")[0]) < NODE_MAJOR_MIN)
    throw new Error(
      `A profile needs Node ${NODE_MAJOR_MIN} or newer: older ones refuse to be told so by NODE_OPTIONS. Name one with --node.`,
    );
  out(`\`\`\`\n${describeRun(command)}\n\`\`\``);
  for (const [name, short, load, events] of [
    ["batches of 500", "batches", BATCHES, sizes.batch],
    ["single events, 64 connections", "singles", SINGLES, sizes.single],
  ] as const) {
    out(`\n**${name}**, until searchable, with the profilers on and the start of the processes:\n`);
    const profiled = await profileLoad(workspace, short, load, events);
    out(
      formatTable(
        ["process", "threads", "count", "CPU µs per event"],
        profiled.flatMap(({ process, threads }) =>
          threads
            .filter(({ cpuUs }) => cpuUs / events >= THREAD_US_MIN)
            .map((group) => [process, group.name, String(group.count), formatNumber(group.cpuUs / events)]),
        ),
      ),
    );
    for (const { process, threads, folder } of profiled) {
      const mainUs = threads.find((group) => group.name === MAIN)?.cpuUs ?? Number.NaN;
      const functions = (await readProfile(folder)).slice(0, FUNCTIONS);
      out(`\nMain thread of the ${process} process:\n`);
      out(
        formatTable(
          ["function", "where", "self µs per event", "share"],
          // The profile's own times go on while the thread waits for a core: its shares are right, its sum is not.
          functions.map((one) => [one.name, one.place, formatNumber((one.share * mainUs) / events), `${(one.share * 100).toFixed(1)} %`]),
        ),
      );
    }
  }
}

/** @param name Without spaces: options of Node.js are divided by them. */
async function profileLoad(workspace: Workspace, name: string, load: Load, events: number): Promise<readonly Profiled[]> {
  const folders = { server: await workspace.folder(`${name}-server-profile`), search: await workspace.folder(`${name}-search-profile`) };
  const measured = await startVouchtrail(await workspace.folder(name), {
    nodeArgs: ["--cpu-prof", `--cpu-prof-dir=${folders.server}`],
    searchProfiles: folders.search,
  });
  await measureRound(measured, makeBodies(createEventSource(SEED), load, events), load);
  await measured.searchable();
  const [server, search] = await readProcessTree(measured.pid);
  const profiled: Profiled[] = [
    { process: "server", threads: await threadGroups(server?.pid), folder: folders.server },
    { process: "search", threads: await threadGroups(search?.pid), folder: folders.search },
  ];
  await measured.close();
  return profiled;
}

/** The most expensive group first. */
async function threadGroups(pid: number | undefined): Promise<readonly ThreadGroup[]> {
  if (pid === undefined) throw new Error("A process of the server is not there.");
  const groups = new Map<string, ThreadGroup>();
  for (const thread of await readThreads(pid)) {
    const name = thread.id === pid ? MAIN : thread.name;
    const { count, cpuUs } = groups.get(name) ?? { count: 0, cpuUs: 0 };
    groups.set(name, { name, count: count + 1, cpuUs: cpuUs + thread.cpuUs });
  }
  return [...groups.values()].sort((left, right) => right.cpuUs - left.cpuUs);
}
