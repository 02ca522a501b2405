import { AuditError, matchesFilter, sectionTexts } from "@vouchtrail/events";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { FileLedger } from "../ledger/file-ledger.ts";
import { viewEntry } from "../reading/entry-view.ts";
import type { Guard } from "./guard.ts";
import { parseQuery } from "./query.ts";
import type { Reads } from "./reads.ts";

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
  readonly reads?: Reads;
}

/**
 * `GET /api/v1/tail`: entries as server-sent events, from now on or from `?after=INDEX` (or the Last-Event-ID of a client that reconnects).
 * The id of an event is its index; what a slow reader has not taken waits in the ledger, not in memory.
 */
export function addTailRoute(app: FastifyInstance, { guard, ledger, stopping, reads }: TailRouteDeps): void {
  let tails = 0;
  // No HEAD: it would hold a place among the tails and never answer.
  app.get("/api/v1/tail", { exposeHeadRoute: false }, async (request, reply) => {
    const principal = await guard.authorize(request, "read");
    const query = parseQuery(request.query, { single: ["after"] });
    const matches = matchesFilter(query.filter);
    const after = indexBefore(request, query.text("after"));
    await reads?.note(principal, { route: "GET /api/v1/tail", parameters: query.parameters() });
    // Behind the note: a tail from now on does not begin with the entry that tells of it.
    const { treeSize: start } = await ledger.head();
    let next = after === undefined ? start : Math.min(after + 1, start);
    if (tails >= TAILS_MAX) throw new AuditError("PUSHBACK", { message: `${TAILS_MAX} tails are open already. Close one.` });
    const response = reply.raw;
    // Left while the note was written: nothing would tell of it any more, and the place would be taken for ever.
    if (response.destroyed) return reply.hijack();
    tails += 1;
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping]);
    reply.hijack();
    // What the hooks have set, for pages of allowed origins too: a hijacked reply sends none of it by itself.
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) response.setHeader(name, value);
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
            if (!matches(view, sectionTexts(stored.disclosures))) continue;
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
    return undefined;
  });
}

/** The index that a tail begins behind, undefined for from now on. */
function indexBefore(request: FastifyRequest, after: string | undefined): number | undefined {
  const wanted = after ?? request.headers["last-event-id"];
  if (wanted === undefined) return undefined;
  const index = wanted === "" ? Number.NaN : Number(wanted);
  if (!Number.isSafeInteger(index) || index < -1)
    throw new AuditError("FILTER_INVALID", { path: "after", message: "after is the index of an entry, or -1." });
  return index;
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
