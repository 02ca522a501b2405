import { Readable } from "node:stream";
import { AuditError } from "@vouchtrail/events";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { SearchIndex } from "../followers/search/search-index.ts";
import type { Principal, Scope } from "../intake/principal.ts";
import type { FileLedger } from "../ledger/file-ledger.ts";
import { errorAnswer, JSON_TYPE, sendJson, toAuditError } from "./answer.ts";
import { watchDepartures } from "./departure.ts";
import type { Guard } from "./guard.ts";
import { parseQuery } from "./query.ts";
import type { Reads } from "./reads.ts";
import { parseSqlQuery } from "./sql-query.ts";

export interface IndexRouteDeps {
  readonly guard: Guard;
  readonly ledger: FileLedger;
  readonly search: Pick<SearchIndex, "engine" | "waitFor" | "follower" | "state" | "rebuild" | "check">;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
  readonly reads?: Reads;
}

/** Bytes of a body with SQL: 100,000 characters, escaped. */
const SQL_BODY_BYTES_MAX = 1_048_576;

/** Work that is done by posting, and takes in no events: its refusals are not counted as refused events. */
export const READING_CONFIG = { isReading: true } as const;

/** SQL, and the search index itself: both hold all tenants, so a key that is bound to one does not do. */
export function addIndexRoutes(app: FastifyInstance, deps: IndexRouteDeps & { readonly logger: Pick<Logger, "error"> }): void {
  const { guard, ledger, search, stopping, reads, logger } = deps;
  const departureOf = watchDepartures(stopping);
  const principals = new WeakMap<FastifyRequest, Principal>();
  /** The size that the index has to reach again before it may be made anew once more. */
  let rebuildTo = 0;
  let isChecking = false;

  async function authorize(request: FastifyRequest, scope: Scope): Promise<Principal> {
    const principal = await guard.authorize(request, scope);
    if (principal.tenant !== undefined)
      throw new AuditError("TENANT_FORBIDDEN", { message: "The search index holds all tenants; this needs a key without a tenant." });
    return principal;
  }

  /** Before the body is read. */
  const asAdministrator = {
    config: READING_CONFIG,
    bodyLimit: SQL_BODY_BYTES_MAX,
    onRequest: async (request: FastifyRequest): Promise<void> => {
      principals.set(request, await authorize(request, "admin"));
      const [type = ""] = (request.headers["content-type"] ?? "").split(";", 1);
      if (type.trim().toLowerCase() !== "application/json")
        throw new AuditError("CONTENT_TYPE_UNSUPPORTED", { message: "Send application/json." });
    },
  };
  function administratorOf(request: FastifyRequest): Principal {
    const principal = principals.get(request);
    if (principal === undefined) throw new Error("A route for administrators has no authorisation.");
    return principal;
  }

  app.post("/api/v1/sql", asAdministrator, async (request, reply) => {
    parseQuery(request.query, { hasFilters: false });
    const { sql, limit, wait } = parseSqlQuery(request.body);
    const parameters = [["sql", sql] as const, ["limit", String(limit)] as const];
    await reads?.note(administratorOf(request), { route: "POST /api/v1/sql", parameters });
    reply.header("cache-control", "no-store");
    const departure = departureOf(reply);
    return departure.run(async () => {
      if (wait) await search.waitFor((await ledger.head()).treeSize, departure.signal);
      const found = await search.engine.sqlJson({ sql, limit }, departure.signal);
      // One more member for the object, which is what the read contract calls a `SqlAnswer`.
      const rest = Buffer.from(`,"treeSize":${(await ledger.head()).treeSize}}`);
      return reply.type(JSON_TYPE).send(Buffer.concat([found.subarray(0, -1), rest]));
    });
  });

  app.get("/api/v1/index", { exposeHeadRoute: false }, async (request, reply) => {
    const principal = await authorize(request, "read");
    parseQuery(request.query, { hasFilters: false });
    await reads?.note(principal, { route: "GET /api/v1/index", parameters: [] });
    return sendJson(reply.header("cache-control", "no-store"), await search.state());
  });

  app.post("/api/v1/index/rebuild", asAdministrator, async (request, reply) => {
    parseQuery(request.query, { hasFilters: false });
    expectNoBody(request.body);
    const { treeSize } = await ledger.head();
    if (search.follower().next < rebuildTo) {
      throw new AuditError("SEARCH_UNAVAILABLE", {
        message: "The search index is being made anew already. GET /api/v1/index tells how far it is.",
      });
    }
    rebuildTo = treeSize;
    try {
      await search.rebuild();
    } catch (error) {
      rebuildTo = 0;
      throw error;
    }
    return sendJson(reply.code(202), { treeSize });
  });

  app.post("/api/v1/index/check", asAdministrator, async (request, reply) => {
    parseQuery(request.query, { hasFilters: false });
    expectNoBody(request.body);
    if (isChecking) throw new AuditError("QUERY_BUSY", { message: "The search index is being checked already. Retry later." });
    isChecking = true;
    const { signal } = departureOf(reply);
    reply.type("application/x-ndjson; charset=utf-8").header("cache-control", "no-store");
    return reply.send(Readable.from(checkLines(startCheck(request, signal)), { objectMode: false }));
  });

  function startCheck(request: FastifyRequest, signal: AbortSignal): RunningCheck {
    const news = { progress: {}, onProgress: (): void => {} };
    const onProgress = (checked: number, of: number): void => {
      news.progress = { checked, of };
      news.onProgress();
    };
    const verdict = search
      .check({ signal, onProgress })
      .catch((error: unknown) => {
        const known = toAuditError(error);
        if (known.code === "INTERNAL" && !signal.aborted) logger.error({ requestId: request.id, err: error }, "the check broke off");
        return errorAnswer(known, request.id);
      })
      .finally(() => {
        isChecking = false;
      });
    return { news, verdict };
  }
}

/** A check of the search index, and how far it is. */
interface RunningCheck {
  /** `onProgress` is called when there is new progress. */
  readonly news: { readonly progress: object; onProgress: () => void };
  /** The report, or the error that ended it; never rejects. */
  readonly verdict: Promise<object>;
}

/** How far it is, as often as somebody takes a line, and what came out of it as the last line. Without that the check was not finished. */
async function* checkLines({ news, verdict }: RunningCheck): AsyncGenerator<string> {
  for (;;) {
    const step = new Promise<undefined>((resolve) => {
      news.onProgress = () => resolve(undefined);
    });
    const report = await Promise.race([verdict, step]);
    yield `${JSON.stringify(report ?? news.progress)}\n`;
    if (report !== undefined) return;
  }
}

function expectNoBody(body: unknown): void {
  const text = Buffer.isBuffer(body) ? body.toString("utf8").trim() : "";
  if (text !== "" && text !== "{}") throw new AuditError("BODY_INVALID", { message: "This takes no body. Send none, or {}." });
}
