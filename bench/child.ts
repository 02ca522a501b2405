import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { MeterAnswer, MeterQuestion, Usage } from "./meter.ts";

/** A measured program in a process of its own. */
export interface Measured {
  readonly url: string;
  /** From starting the process to the moment it listens, in milliseconds. */
  readonly startMs: number;
  usage(): Promise<Usage>;
  /** Waits for work in the background. */
  idle(): Promise<void>;
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
  const answer = await answerOf(child);
  if (!("ready" in answer)) throw new Error(`${program} did not start.`);
  const startMs = performance.now() - startedMs;
  const ask = (question: MeterQuestion): Promise<MeterAnswer> => {
    const answered = answerOf(child);
    child.send(question);
    return answered;
  };
  return {
    url: answer.ready,
    startMs,
    async usage() {
      const said = await ask("usage");
      if (!("usage" in said)) throw new Error(`${program} answered something else.`);
      return said.usage;
    },
    async idle() {
      await ask("idle");
    },
    async close() {
      const ended = once(child, "exit");
      await ask("close");
      await ended;
    },
  };
}

function answerOf(child: ChildProcess): Promise<MeterAnswer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`The measured process ended (${code}).`));
    child.once("exit", ended);
    child.once("message", (answer: MeterAnswer) => {
      child.off("exit", ended);
      resolve(answer);
    });
  });
}
