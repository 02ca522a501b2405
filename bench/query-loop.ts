// Asks questions over and over on a thread of its own, so that reading long answers does not hold up the clock of whoever measures acks.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { Question } from "./queries.ts";
import { openReader } from "./reader.ts";

interface LoopWork {
  readonly url: string;
  readonly questions: readonly Question[];
}

/** Questions that are asked all at once, each again as soon as it is answered. */
export interface QueryLoop {
  /** @returns How long each answer took, in milliseconds, sorted. @throws When a question was not answered. */
  stop(): Promise<readonly number[]>;
}

export function startQueryLoop(work: LoopWork): QueryLoop {
  const worker = new Worker(new URL(import.meta.url), { workerData: work });
  const ended = new Promise<readonly number[]>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  ended.catch(() => {
    // Told when it is stopped.
  });
  return {
    stop() {
      worker.postMessage("stop");
      return ended;
    },
  };
}

async function loop({ url, questions }: LoopWork): Promise<void> {
  const reader = openReader(url, questions.length);
  const latenciesMs: number[] = [];
  let isStopped = false;
  parentPort?.once("message", () => {
    isStopped = true;
  });
  await Promise.all(
    questions.map(async (question) => {
      while (!isStopped) {
        const startedMs = performance.now();
        await reader.ask(question);
        latenciesMs.push(performance.now() - startedMs);
      }
    }),
  );
  await reader.close();
  parentPort?.postMessage(latenciesMs.sort((left, right) => left - right));
}

if (!isMainThread) await loop(workerData as LoopWork);
