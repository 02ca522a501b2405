import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { setPriority } from "node:os";
import { dirname, join } from "node:path";
import { AuditError } from "@vouchtrail/events/errors";
import type { EngineOptions } from "./engine.ts";
import type { EngineFault, EngineMethod, FromEngine, ToEngine } from "./engine-messages.ts";
import {
  CLOSE_WAIT_MS,
  OPEN_WAIT_MS,
  PING_INTERVAL_MS,
  PINGS_UNANSWERED_MAX,
  PROCESS_ARENAS,
  PROCESS_NICENESS,
  PROCESS_RESTART_MS_MAX,
  PROCESS_RESTART_MS_MIN,
  PROCESS_SEMI_SPACE_MEGABYTES,
  PROCESS_THREADS,
  REPAIRS_TOLD_MAX,
} from "./limits.ts";
import type { IndexState, Repair, SearchEngine } from "./search-engine.ts";

export type SearchProcessNotice =
  | { readonly kind: "opened"; readonly pid: number }
  /** A file was taken away and is made anew from the ledger. */
  | { readonly kind: "repaired"; readonly repair: Repair }
  /** It ended; another one is started. */
  | { readonly kind: "ended"; readonly reason: string };

export interface SearchProcess extends SearchEngine {
  /** Of the process that answers now, for tests and for operators. */
  pid(): number | undefined;
}

export interface SearchProcessOptions {
  /** Asked at each start: the ledger may have been pruned meanwhile. */
  readonly engine: () => Promise<EngineOptions>;
  /** The cursor stands elsewhere than the last answer said: the process ended, another one has opened, or a file was taken away. */
  readonly onRewound: () => void;
  readonly onNotice: (notice: SearchProcessNotice) => void;
  /** How often the process is asked whether it still hears, in milliseconds; {@link PING_INTERVAL_MS} unless given. */
  readonly pingIntervalMs?: number;
}

interface Call {
  readonly method: EngineMethod;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A {@link SearchEngine} in a process of its own, which is started again whenever it ends. A heavy query, a damaged file or a fault in the
 * query engine can cost the index, never the ledger; the process also gives way to the ledger's when both want a core.
 *
 * `starting` --opened--> `open` --exit--> `waiting` --after a while--> `starting` ; any --close--> `closed`.
 */
export function startSearchProcess(options: SearchProcessOptions): SearchProcess {
  let child: ChildProcess | undefined;
  let isOpen = false;
  /** Calls that wait for the process to open. */
  const waiting = new Set<() => void>();
  let isClosed = false;
  /** Ends since the last batch that was indexed: a process that opens and then ends each time is not started in a tight loop. */
  let failures = 0;
  let restartTimer: NodeJS.Timeout | undefined;
  let nextId = 0;
  const calls = new Map<number, Call>();
  let pingsUnanswered = 0;
  let lastFault: EngineFault | undefined;
  /** Of all processes. */
  const repairs: Repair[] = [];
  const pingTimer = setInterval(ping, options.pingIntervalMs ?? PING_INTERVAL_MS);
  pingTimer.unref();

  void start();

  async function start(): Promise<void> {
    try {
      const engine = await options.engine();
      if (isClosed) return;
      startChild(engine);
    } catch (error) {
      onEnd(error instanceof Error ? error.message : "It could not be started.");
    }
  }

  function startChild(engine: EngineOptions): void {
    const started = fork(processPath(), {
      serialization: "advanced",
      // A batch lives only until it is in the engine: a small young generation and few arenas keep the process about 60 MB smaller.
      execArgv: [`--max-semi-space-size=${PROCESS_SEMI_SPACE_MEGABYTES}`],
      // Its own pool of threads: queries must not take those that sync the ledger's files.
      env: { ...process.env, UV_THREADPOOL_SIZE: String(PROCESS_THREADS), MALLOC_ARENA_MAX: String(PROCESS_ARENAS) },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    child = started;
    pingsUnanswered = 0;
    try {
      if (started.pid !== undefined) setPriority(started.pid, PROCESS_NICENESS);
    } catch {
      // Only a courtesy: some systems do not allow it.
    }
    started.on("message", (message: FromEngine) => onMessage(started, message));
    started.on("error", (error) => {
      // One that never began has no exit.
      if (child === started && started.pid === undefined) onEnd(error.message);
    });
    started.once("exit", (code, signal) => {
      if (child === started) onEnd(toldBy(lastFault) ?? `The process of the search index ended (${signal ?? code}).`);
    });
    send({ kind: "open", options: engine });
  }

  function onMessage(from: ChildProcess, message: FromEngine): void {
    if (from !== child) return;
    pingsUnanswered = 0;
    if (message.kind === "opened") {
      isOpen = true;
      options.onNotice({ kind: "opened", pid: from.pid ?? 0 });
      // Before anybody asks: who waits for the index must wait for what the new process still has to read.
      options.onRewound();
      wakeWaiting();
    } else if (message.kind === "rewound") options.onRewound();
    else if (message.kind === "repaired") {
      repairs.push(message.repair);
      repairs.splice(0, repairs.length - REPAIRS_TOLD_MAX);
      options.onNotice({ kind: "repaired", repair: message.repair });
    } else if (message.kind === "failed") lastFault = message.fault;
    else if (message.kind !== "pong") {
      const call = calls.get(message.id);
      calls.delete(message.id);
      if (message.kind === "error") {
        call?.reject(errorOf(message.fault));
        return;
      }
      if (call?.method === "apply") failures = 0;
      call?.resolve(message.value);
    }
  }

  function onEnd(reason: string): void {
    const wasOpen = isOpen;
    child = undefined;
    isOpen = false;
    const ended = new AuditError("SEARCH_UNAVAILABLE");
    for (const call of [...calls.values()]) call.reject(ended);
    calls.clear();
    if (isClosed) return;
    options.onNotice({ kind: "ended", reason });
    // What was in its memory cannot be found until it is read again.
    if (wasOpen) options.onRewound();
    const delayMs = Math.min(PROCESS_RESTART_MS_MAX, PROCESS_RESTART_MS_MIN * 2 ** failures);
    failures += 1;
    lastFault = undefined;
    restartTimer = setTimeout(() => void start(), delayMs);
  }

  /** Only while somebody waits for an answer: what nobody asks may be slow. */
  function ping(): void {
    if (child === undefined || calls.size === 0) return;
    if (pingsUnanswered >= PINGS_UNANSWERED_MAX) {
      child.kill("SIGKILL");
      return;
    }
    pingsUnanswered += 1;
    send({ kind: "ping" });
  }

  function send(message: ToEngine): void {
    // A process that is ending closes its channel first: its exit says the rest.
    if (child?.connected === true) child.send(message, () => undefined);
  }

  async function call(method: EngineMethod, parameter?: unknown, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    if (!isOpen) await waitUntilOpen(signal);
    const id = nextId++;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        send({ kind: "abort", id });
        reject(signal?.reason);
      };
      const ending =
        <T>(end: (value: T) => void) =>
        (value: T): void => {
          signal?.removeEventListener("abort", onAbort);
          end(value);
        };
      calls.set(id, { method, resolve: ending(resolve), reject: ending(reject) });
      signal?.addEventListener("abort", onAbort, { once: true });
      send({ kind: "call", id, method, parameter });
    });
  }

  async function waitUntilOpen(signal: AbortSignal | undefined): Promise<void> {
    if (isClosed) throw new AuditError("SEARCH_UNAVAILABLE");
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, OPEN_WAIT_MS);
      waiting.add(wake);
      signal?.addEventListener("abort", wake);
    });
    signal?.throwIfAborted();
    if (!isOpen) throw new AuditError("SEARCH_UNAVAILABLE");
  }

  function wakeWaiting(): void {
    for (const wake of [...waiting]) wake();
  }

  const asking =
    <Method extends EngineMethod>(method: Method) =>
    (...parameters: readonly unknown[]): Promise<never> =>
      call(method, parameters[0], parameters[1] as AbortSignal | undefined) as Promise<never>;

  async function close(): Promise<void> {
    isClosed = true;
    clearTimeout(restartTimer);
    clearInterval(pingTimer);
    const ending = child;
    isOpen = false;
    wakeWaiting();
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, "exit").catch(() => undefined);
    send({ kind: "close" });
    const timer = setTimeout(() => ending.kill("SIGKILL"), CLOSE_WAIT_MS);
    await ended;
    clearTimeout(timer);
  }

  let closing: Promise<void> | undefined;
  return {
    cursor: asking("cursor"),
    apply: asking("apply"),
    find: asking("find"),
    effects: asking("effects"),
    stats: asking("stats"),
    sources: asking("sources"),
    sessions: asking("sessions"),
    completeness: asking("completeness"),
    sql: asking("sql"),
    sqlJson: asking("sqlJson"),
    state: async () => ({ ...((await call("state")) as IndexState), repairs: [...repairs] }),
    compare: asking("compare"),
    miscounted: asking("miscounted"),
    clear: asking("clear"),
    pid: () => child?.pid,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** What a process said before it ended. What DuckDB says of its files helps the operator and stays in the log. */
function toldBy(fault: EngineFault | undefined): string | undefined {
  return fault === undefined ? undefined : `${fault.message}${fault.cause === undefined ? "" : ` (${fault.cause.split("\n", 1)[0]})`}`;
}

function errorOf({ code, message, path, cause }: EngineFault): AuditError {
  return new AuditError(code, {
    message,
    ...(path === undefined ? {} : { path }),
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
  });
}

/** The process is a bundle of its own, also when this module runs from its source: a process needs JavaScript, and this one is started with every server. */
function processPath(): string {
  return join(dirname(createRequire(import.meta.url).resolve("@vouchtrail/server/package.json")), "bundle", "search-process.js");
}
