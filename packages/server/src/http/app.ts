import { randomBytes } from "node:crypto";
import { AuditError } from "@vouchtrail/events";
import fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { sendError, toAuditError } from "./answer.ts";
import { addEventRoutes, type EventRouteDeps } from "./event-routes.ts";
import { addOperationRoutes, type OperationRouteDeps } from "./operation-routes.ts";
import { addTailRoute, type TailRouteDeps } from "./tail-route.ts";
import { addTlogRoutes, type TlogRouteDeps } from "./tlog-routes.ts";

/** How long a request may take to arrive, in milliseconds: slow senders must not hold connections for ever. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const WRITE_TYPES: ReadonlySet<string> = new Set(["application/json", "application/x-ndjson"]);

export interface AppOptions {
  readonly bodyBytesMax: number;
  readonly connectionsMax: number;
  readonly logger: Logger;
}

export type AppDeps = EventRouteDeps & TlogRouteDeps & TailRouteDeps & OperationRouteDeps;

/** The HTTP interface. Bodies are handed to intake as bytes; logs hold neither bodies nor query strings. */
export function createApp(options: AppOptions, deps: AppDeps): FastifyInstance {
  const app = fastify({
    bodyLimit: options.bodyBytesMax,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    genReqId: () => randomBytes(8).toString("hex"),
    routerOptions: { maxParamLength: 200 },
    logger: false,
  });
  app.server.maxConnections = options.connectionsMax;

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-content-type-options", "nosniff");
    deps.guard.checkOrigin(request);
    if (request.method === "POST") {
      const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
      // A form or plain text can be posted by any web page without asking first.
      if (!WRITE_TYPES.has(type)) throw new AuditError("CONTENT_TYPE_UNSUPPORTED");
    }
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unknown";
    deps.metrics.requestSeconds.observe({ route, status: reply.statusCode }, reply.elapsedTime / 1_000);
    options.logger.debug(
      { requestId: request.id, method: request.method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      "request",
    );
  });
  app.setErrorHandler(async (error, request, reply) => {
    const known = toAuditError(error);
    if (known.code === "INTERNAL")
      options.logger.error({ requestId: request.id, route: request.routeOptions.url, err: error }, "a request failed");
    return sendError(request, reply, known);
  });
  app.setNotFoundHandler(async (request, reply) => sendError(request, reply, new AuditError("NOT_FOUND")));

  addEventRoutes(app, deps);
  addTlogRoutes(app, deps);
  addTailRoute(app, deps);
  addOperationRoutes(app, deps);
  return app;
}
