import type { BucketName, EffectsQuery, GroupName, SearchQuery } from "@vouchtrail/events";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { FileLedger } from "../ledger/file-ledger.ts";
import { openReader, type Searchable, type ServerReader } from "../reading/audit-reader.ts";
import { sendJson } from "./answer.ts";
import { watchDepartures } from "./departure.ts";
import type { Guard } from "./guard.ts";
import { parseQuery, type Query, type QueryNames } from "./query.ts";
import type { Reads } from "./reads.ts";
import { createSearchStreams } from "./search-stream.ts";
import { formatOf, STREAM_FORMATS } from "./stream-format.ts";

export interface SearchRouteDeps {
  readonly guard: Guard;
  readonly ledger: FileLedger;
  readonly search: Searchable;
  /** 32 bytes, from `loadCursorKey`. */
  readonly cursorKey: Uint8Array;
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
  readonly reads?: Reads;
}

/** What the routes take beside filters. The contract is written from the same table. */
export const SEARCH_PARAMETERS = {
  "/api/v1/events": { single: ["limit", "cursor", "order", "deeds", "deed", "format", "wait"] },
  "/api/v1/stats": { single: ["bucket", "limit", "wait"], repeated: ["group"] },
  "/api/v1/sources": { single: ["limit", "wait"] },
  "/api/v1/sessions": { single: ["limit", "cursor", "wait"] },
  "/api/v1/effects": { single: ["state", "limit", "cursor", "order", "wait"] },
  "/api/v1/bundle": { single: ["limit", "cursor", "deeds", "deed", "wait"] },
} as const satisfies Readonly<Record<string, QueryNames>>;

/** Finding entries, counting deeds, and giving out evidence of many. Answers depend on the moment: nobody may keep them. */
export function addSearchRoutes(app: FastifyInstance, deps: SearchRouteDeps & { readonly logger: Pick<Logger, "error"> }): void {
  const { guard, reads, stopping, logger } = deps;
  const departureOf = watchDepartures(stopping);
  const streams = createSearchStreams();

  /** One question over HTTP: who asks, what, is it noted, and what is the answer. */
  function answering(
    url: keyof typeof SEARCH_PARAMETERS,
    answer: (reader: ServerReader, query: Query, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
  ): void {
    // No HEAD: it would do the work of the answer and show nothing of it.
    app.get(url, { exposeHeadRoute: false }, async (request, reply) => {
      const principal = await guard.authorize(request, "read");
      const query = parseQuery(request.query, SEARCH_PARAMETERS[url]);
      await reads?.note(principal, { route: `GET ${url}`, parameters: query.parameters() });
      reply.header("cache-control", "no-store");
      const departure = departureOf(reply);
      return departure.run(() => answer(openReader(deps, principal, departure.signal), query, request, reply));
    });
  }

  answering("/api/v1/events", async (reader, query, request, reply) => {
    const format = formatOf(query.text("format"), request.headers.accept);
    const question: SearchQuery = { ...pageOf(query), ...orderOf(query), ...deedsOf(query) };
    reply.header("vary", request.headers.origin === undefined ? "accept" : "accept, origin");
    if (format === "json") return sendJson(reply, await reader.search(question));
    const onError = (error: unknown): void => logger.error({ requestId: request.id, err: error }, "an export broke off");
    return streams.send(reply, reader.stream(question), STREAM_FORMATS[format], onError);
  });

  answering("/api/v1/stats", async (reader, query, _request, reply) => {
    const groups = query.texts("group") as GroupName[];
    const bucket = query.text("bucket") as BucketName | undefined;
    const { filter, limit, wait } = pageOf(query);
    const question = { filter, groups, ...(bucket === undefined ? {} : { bucket }), ...(limit === undefined ? {} : { limit }), wait };
    return sendJson(reply, await reader.stats(question));
  });

  answering("/api/v1/sources", async (reader, query, _request, reply) => {
    const { filter, limit, wait } = pageOf(query);
    return sendJson(reply, await reader.sources({ filter, ...(limit === undefined ? {} : { limit }), wait }));
  });

  answering("/api/v1/effects", async (reader, query, _request, reply) => {
    const state = query.text("state") as EffectsQuery["state"];
    return sendJson(reply, await reader.effects({ ...pageOf(query), ...orderOf(query), ...(state === undefined ? {} : { state }) }));
  });

  answering("/api/v1/sessions", async (reader, query, _request, reply) => sendJson(reply, await reader.sessions(pageOf(query))));

  answering("/api/v1/bundle", async (reader, query, _request, reply) =>
    sendJson(reply, await reader.bundles({ ...pageOf(query), ...deedsOf(query) })),
  );
}

function pageOf(query: Query): Pick<SearchQuery, "filter" | "limit" | "cursor"> & { readonly wait: boolean } {
  const limit = query.wholeNumber("limit");
  const cursor = query.text("cursor");
  return {
    filter: query.filter,
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor }),
    wait: query.wait(),
  };
}

// The reader checks the words, for everybody who asks it.
function orderOf(query: Query): Pick<SearchQuery, "order"> {
  const order = query.text("order") as SearchQuery["order"];
  return order === undefined ? {} : { order };
}

function deedsOf(query: Query): Pick<SearchQuery, "deeds" | "deed"> {
  const deeds = query.truth("deeds");
  const deed = query.text("deed");
  return { ...(deeds === undefined ? {} : { deeds }), ...(deed === undefined ? {} : { deed }) };
}
