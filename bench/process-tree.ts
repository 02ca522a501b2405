import { readdir, readFile } from "node:fs/promises";

/** What the system says of one process. */
export interface ProcessUsage {
  readonly pid: number;
  /** User and system time of all its threads and of its children that ended, in microseconds (ticks of 10 ms). */
  readonly cpuUs: number;
  /** Resident memory now, in bytes. */
  readonly residentBytes: number;
  /** Largest resident memory so far, in bytes. */
  readonly residentPeakBytes: number;
}

const TICK_US = 10_000;
const MISSING = /ENOENT|ESRCH/;

/**
 * A process and everything that descends from it, the process itself first.
 *
 * Source: proc(5), `stat` and `status`. Other systems than Linux have no such files, and a sum without the children would be a wrong figure.
 */
export async function readProcessTree(root: number): Promise<readonly ProcessUsage[]> {
  const parents = new Map<number, number>();
  const cpuUs = new Map<number, number>();
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statFields(await readProc(`/proc/${name}/stat`));
    parents.set(Number(name), fields[1] ?? 0);
    cpuUs.set(Number(name), sumOf(fields.slice(11, 15)) * TICK_US);
  }
  const members = [root];
  // The list grows while it is walked: children of children are in it as well.
  for (const member of members) for (const [pid, parent] of parents) if (parent === member) members.push(pid);
  return Promise.all(members.map(async (pid) => ({ pid, cpuUs: cpuUs.get(pid) ?? 0, ...(await readMemory(pid)) })));
}

/** Sums of a tree; the peak is the sum of what each process had at its own worst moment. */
export function sumUsage(processes: readonly ProcessUsage[]): Omit<ProcessUsage, "pid"> {
  return {
    cpuUs: sumOf(processes.map((one) => one.cpuUs)),
    residentBytes: sumOf(processes.map((one) => one.residentBytes)),
    residentPeakBytes: sumOf(processes.map((one) => one.residentPeakBytes)),
  };
}

/** One thread of a process: its name, and its CPU time in microseconds (ticks of 10 ms). */
export interface ThreadUsage {
  readonly id: number;
  readonly name: string;
  readonly cpuUs: number;
}

/** The threads that a process has now. */
export async function readThreads(pid: number): Promise<readonly ThreadUsage[]> {
  const ids = (await readdir(`/proc/${pid}/task`)).map(Number);
  return Promise.all(
    ids.map(async (id) => {
      const text = await readProc(`/proc/${pid}/task/${id}/stat`);
      const fields = statFields(text);
      const name = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
      return { id, name, cpuUs: sumOf(fields.slice(11, 13)) * TICK_US };
    }),
  );
}

/** Fields from the third on. The name of the program stands in brackets before them and may hold anything. */
function statFields(text: string): readonly number[] {
  return text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

async function readMemory(pid: number): Promise<Pick<ProcessUsage, "residentBytes" | "residentPeakBytes">> {
  const status = await readProc(`/proc/${pid}/status`);
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1_024;
  return { residentBytes: bytes("VmRSS"), residentPeakBytes: bytes("VmHWM") };
}

/** Empty for a process that has ended meanwhile. */
async function readProc(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && MISSING.test(error.message)) return "";
    throw error;
  }
}
