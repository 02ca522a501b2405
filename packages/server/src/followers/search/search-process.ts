// The process of the search index: an engine behind messages. It ends with the server, whichever way that goes.
import { AuditError } from "@vouchtrail/events/errors";
import { openSearchEngine } from "./engine.ts";
import type { EngineFault, FromEngine, ToEngine } from "./engine-messages.ts";
import type { SearchEngine } from "./search-engine.ts";

let engine: SearchEngine | undefined;
const running = new Map<number, AbortController>();

function send(message: FromEngine, onSent?: () => void): void {
  if (!process.connected) end();
  process.send?.(message, undefined, undefined, (error) => {
    // Nobody listens any more.
    if (error !== null && error !== undefined) end();
    onSent?.();
  });
}

/** Ends at once. An ordinary exit waits for the threads of a query that runs, which may take for ever. */
function end(): never {
  process.kill(process.pid, "SIGKILL");
  // Only where the signal takes its time.
  process.exit(1);
}

/** Tells why it ends, and ends. */
function fail(error: unknown): void {
  send({ kind: "failed", fault: faultOf(error) }, end);
}

function faultOf(error: unknown): EngineFault {
  const known = error instanceof AuditError ? error : new AuditError("INTERNAL", { cause: error });
  const { cause } = known;
  return {
    code: known.code,
    message: known.message,
    ...(known.path === undefined ? {} : { path: known.path }),
    ...(cause instanceof Error ? { cause: cause.message } : {}),
  };
}

async function call({ id, method, parameter }: ToEngine & { kind: "call" }): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    if (engine === undefined) throw new AuditError("SEARCH_UNAVAILABLE");
    const answer = (engine[method] as (parameter: unknown, signal: AbortSignal) => Promise<unknown>)(parameter, controller.signal);
    send({ kind: "answer", id, value: await answer });
  } catch (error) {
    send({ kind: "error", id, fault: faultOf(error) });
  } finally {
    running.delete(id);
  }
}

process.on("message", (message: ToEngine) => {
  if (message.kind === "open") void open(message);
  else if (message.kind === "call") void call(message);
  else if (message.kind === "ping") send({ kind: "pong" });
  else if (message.kind === "abort")
    running.get(message.id)?.abort(new AuditError("QUERY_TIMEOUT", { message: "The query was cancelled." }));
  else void close();
});

async function open({ options }: ToEngine & { kind: "open" }): Promise<void> {
  try {
    engine = await openSearchEngine(options, {
      onRewound: () => send({ kind: "rewound" }),
      onRepair: (repair) => send({ kind: "repaired", repair }),
      onFatal: fail,
    });
    send({ kind: "opened" });
  } catch (error) {
    fail(error);
  }
}

async function close(): Promise<void> {
  // What it does not get done is in the ledger.
  await engine?.close().catch(() => undefined);
  end();
}

process.on("disconnect", end);
// A fault of this program. It is told like any other; the process that takes its place begins with what is on disk.
process.on("uncaughtException", fail);
// A terminal sends its signals to every process of the group: the server decides when this one ends.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
