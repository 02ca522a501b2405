import { AuditError } from "@vouchtrail/events";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { FileLedger } from "../ledger/file-ledger.ts";
import { viewEntry } from "../reading/entry-view.ts";
import { compileFilter } from "../reading/event-filter.ts";
import type { Guard } from "./guard.ts";

/** Tails at a time; each keeps a connection and reads every entry. */
const TAILS_MAX = 64;
/** Entries read at a time: a reader that takes nothing holds this many in memory, each of up to a few megabytes. */
const STEP_ENTRIES = 32;
/** A comment after this long without entries keeps proxies from closing the connection, in milliseconds. */
const KEEP_ALIVE_MS = 15_000;

export interface TailRouteDeps {
  readonly guard: Guard;
  readonly ledger: FileLedger;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
}

/**
 * `GET /api/v1/tail`: entries as server-sent events, from now on or from `?after=INDEX` (or the Last-Event-ID of a client that reconnects).
 * The id of an event is its index; what a slow reader has not taken waits in the ledger, not in memory.
 */
export function addTailRoute(app: FastifyInstance, { guard, ledger, stopping }: TailRouteDeps): void {
  let tails = 0;
  // No HEAD: it would hold a place among the tails and never answer.
  app.get("/api/v1/tail", { exposeHeadRoute: false }, async (request, reply) => {
    const principal = await guard.authorize(request, "read");
    const { after, ...filters } = request.query as Record<string, unknown>;
    const matches = compileFilter(filters);
    let next = await startIndex(request, after);
    if (tails >= TAILS_MAX) throw new AuditError("PUSHBACK", { message: `${TAILS_MAX} tails are open already. Close one.` });
    tails += 1;
    const gone = new AbortController();
    const response = reply.raw;
    response.on("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping]);
    reply.hijack();
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no" });
    response.write(`retry: 1000\nid: ${next - 1}\n: tail of ${ledger.origin}\n\n`);
    const keepAlive = setInterval(() => response.write(":\n\n"), KEEP_ALIVE_MS);
    try {
      while (!signal.aborted) {
        await ledger.waitFor(next + 1, signal);
        const { treeSize } = await ledger.head();
        for await (const batch of ledger.read(next, Math.min(treeSize, next + STEP_ENTRIES), signal)) {
          for (const stored of batch) {
            const view = viewEntry(ledger, stored);
            next = stored.index + 1;
            if (principal.tenant !== undefined && view.event.tenant !== principal.tenant) continue;
            if (!matches(view)) continue;
            if (!response.write(`id: ${stored.index}\ndata: ${JSON.stringify(view)}\n\n`)) await drained(response, signal);
          }
        }
      }
    } catch (error) {
      // The reader left or the server stops; anything else the client sees as a closed stream and reconnects.
      if (!signal.aborted && !(error instanceof AuditError)) request.log.error({ err: error }, "a tail ended");
    } finally {
      clearInterval(keepAlive);
      tails -= 1;
      response.end();
    }
  });

  async function startIndex(request: FastifyRequest, after: unknown): Promise<number> {
    const { treeSize } = await ledger.head();
    const wanted = after ?? request.headers["last-event-id"];
    if (wanted === undefined) return treeSize;
    const index = wanted === "" ? Number.NaN : Number(wanted);
    if (!Number.isSafeInteger(index) || index < -1)
      throw new AuditError("FILTER_INVALID", { path: "after", message: "after is the index of an entry, or -1." });
    return Math.min(index + 1, treeSize);
  }
}

function drained(response: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onDrain = (): void => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    const onAbort = (): void => {
      response.off("drain", onDrain);
      reject(signal.reason);
    };
    response.once("drain", onDrain);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
