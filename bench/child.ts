import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { MeterAnswer, MeterQuestion, MeterRequest, Progress, Usage } from "./meter.ts";
import { readProcessTree, sumUsage } from "./process-tree.ts";

/** What a measured program cost so far, with its children. */
export interface TreeUsage {
  readonly cpuUs: number;
  /** Of the program's own process. */
  readonly own: Usage;
  /** Of its children: the process of the search index. */
  readonly children: Usage;
}

/** A measured program in a process of its own. */
export interface Measured {
  readonly url: string;
  readonly pid: number;
  /** From starting the process to the moment it listens, in milliseconds. */
  readonly startMs: number;
  usage(): Promise<TreeUsage>;
  progress(): Promise<Progress>;
  /** Waits for work in the background. */
  idle(): Promise<void>;
  /** Waits until everything that is durable can be found. */
  searchable(): Promise<void>;
  /** Stops the process of the search index where it stands. */
  hold(): Promise<void>;
  release(): Promise<void>;
  close(): Promise<void>;
}

/** Starts `program` (a file beside this one, without its ending) and waits until it listens. */
export async function startMeasured(
  program: string,
  options: { folder: string; args?: readonly string[]; nodeArgs?: readonly string[] },
): Promise<Measured> {
  const startedMs = performance.now();
  const child = fork(fileURLToPath(new URL(`${program}.js`, import.meta.url)), options.args ?? [], {
    cwd: options.folder,
    execArgv: [...(options.nodeArgs ?? [])],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const pid = child.pid ?? 0;
  const [answer] = (await Promise.race([once(child, "message"), failOnExit(child)])) as [MeterAnswer];
  if (!("ready" in answer)) throw new Error(`${program} did not start.`);
  const startMs = performance.now() - startedMs;
  const ask = createAsker(child);

  async function ownUsage(): Promise<Usage> {
    const { usage } = await ask("usage");
    if (usage === undefined) throw new Error(`${program} answered something else.`);
    return usage;
  }

  return {
    url: answer.ready,
    pid,
    startMs,
    async usage() {
      // The program itself knows its time to the microsecond, of its children only the system knows it.
      const [own, tree] = await Promise.all([ownUsage(), readProcessTree(pid)]);
      const children = sumUsage(tree.slice(1));
      return { cpuUs: own.cpuUs + children.cpuUs, own, children };
    },
    async progress() {
      const { progress } = await ask("progress");
      if (progress === undefined) throw new Error(`${program} answered something else.`);
      return progress;
    },
    async idle() {
      await ask("idle");
    },
    async searchable() {
      await ask("searchable");
    },
    async hold() {
      await ask("hold");
    },
    async release() {
      await ask("release");
    },
    async close() {
      const ended = once(child, "exit");
      await ask("close");
      await ended;
    },
  };
}

type Answered = Exclude<MeterAnswer, { readonly ready: string }>;

/** Questions may overlap: memory is watched while a load waits for its end. */
function createAsker(child: ChildProcess): (question: MeterQuestion) => Promise<Answered> {
  const waiting = new Map<number, { readonly resolve: (answer: Answered) => void; readonly reject: (error: Error) => void }>();
  let nextId = 0;
  child.on("message", (answer: MeterAnswer) => {
    if (!("id" in answer)) return;
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.failed === undefined) asked?.resolve(answer);
    else asked?.reject(new Error(answer.failed));
  });
  child.once("exit", (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`The measured process ended (${signal ?? code}).`));
  });
  return (question) =>
    new Promise((resolve, reject) => {
      const request: MeterRequest = { id: nextId++, question };
      waiting.set(request.id, { resolve, reject });
      child.send(request);
    });
}

async function failOnExit(child: ChildProcess): Promise<never> {
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  throw new Error(`The measured process ended (${signal ?? code}).`);
}
