import { randomBytes } from "node:crypto";
import { AuditError } from "@vouchtrail/events";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { sendError, toAuditError } from "./answer.ts";
import { addEventRoutes, type EventRouteDeps } from "./event-routes.ts";
import { addHookRoutes, type HookRouteDeps } from "./hook-routes.ts";
import { addIndexRoutes, type IndexRouteDeps } from "./index-routes.ts";
import { addMcpRoute, type McpRouteDeps } from "./mcp-route.ts";
import { addOperationRoutes, type OperationRouteDeps } from "./operation-routes.ts";
import { addOtlpRoutes, type OtlpRouteDeps } from "./otlp-routes.ts";
import { addPageRoutes } from "./page-routes.ts";
import { addSearchRoutes, type SearchRouteDeps } from "./search-routes.ts";
import { addSessionRoutes } from "./session-routes.ts";
import { addStoryRoutes } from "./story-routes.ts";
import { addTailRoute, type TailRouteDeps } from "./tail-route.ts";
import { addTlogRoutes, type TlogRouteDeps } from "./tlog-routes.ts";

/** How long a request may take to arrive, in milliseconds: slow senders must not hold connections for ever. */
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
/** How long a browser may remember that an origin is allowed, in seconds. */
const PREFLIGHT_SECONDS = 600;
const WRITE_TYPES: ReadonlySet<string> = new Set(["application/json", "application/x-ndjson"]);
const OTLP_WRITE_TYPES: ReadonlySet<string> = new Set(["application/json", "application/x-protobuf"]);

/** Bytes of random data taken from the system at a time: asking for each request costs more than the route. */
const RANDOM_BYTES = 4_096;
const REQUEST_ID_BYTES = 8;
let pool = Buffer.alloc(0);
let used = 0;

/** Random, not counted: from two of them nobody learns how many requests there were in between. */
function nextRequestId(): string {
  if (used + REQUEST_ID_BYTES > pool.length) {
    pool = randomBytes(RANDOM_BYTES);
    used = 0;
  }
  used += REQUEST_ID_BYTES;
  return pool.toString("hex", used - REQUEST_ID_BYTES, used);
}

/** No route has a JSON Schema: events are validated by intake. Else compilers of schemas would be loaded at every start, and used by nothing. */
const NO_SCHEMAS = { compilersFactory: { buildValidator: unused, buildSerializer: unused } };
function unused(): never {
  throw new Error("A route has a JSON Schema, which nothing here compiles.");
}

/** What pages of an allowed origin may send. */
const PAGE_HEADERS = "authorization, content-type, last-event-id";
/** And to the MCP server. Source: MCP 2026-07-28, Streamable HTTP. */
const MCP_HEADERS = "mcp-protocol-version, mcp-method, mcp-name";

export interface AppOptions {
  readonly bodyBytesMax: number;
  readonly connectionsMax: number;
  readonly logger: Logger;
}

export type AppDeps = EventRouteDeps &
  HookRouteDeps &
  Omit<OtlpRouteDeps, "logger"> &
  SearchRouteDeps &
  IndexRouteDeps &
  TlogRouteDeps &
  TailRouteDeps &
  McpRouteDeps &
  OperationRouteDeps;

/** The HTTP interface. Bodies are handed to intake as bytes; logs hold neither bodies nor query strings. */
export function createApp(options: AppOptions, deps: AppDeps): FastifyInstance {
  const app = fastify({
    bodyLimit: options.bodyBytesMax,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    genReqId: nextRequestId,
    routerOptions: { maxParamLength: 200 },
    logger: false,
    schemaController: NO_SCHEMAS,
    // What the router refuses does not come through the error handler below.
    frameworkErrors: (error, request, reply) => void sendError(request as never, reply as never, toAuditError(error)),
  });
  app.server.maxConnections = options.connectionsMax;

  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-content-type-options", "nosniff");
    deps.guard.checkOrigin(request);
    const { origin } = request.headers;
    if (origin !== undefined) {
      // It is an allowed one: the others were refused.
      reply.header("access-control-allow-origin", origin).header("vary", "origin");
      if (request.method === "OPTIONS") {
        reply.header("access-control-allow-methods", "GET, POST");
        reply.header("access-control-allow-headers", isMcp(request) ? `${PAGE_HEADERS}, ${MCP_HEADERS}` : PAGE_HEADERS);
        return reply.header("access-control-max-age", String(PREFLIGHT_SECONDS)).code(204).send();
      }
    }
    if (request.method === "POST") {
      const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
      // A form or plain text can be posted by any web page without asking first.
      if (isOtlp(request)) {
        if (!OTLP_WRITE_TYPES.has(type))
          throw new AuditError("CONTENT_TYPE_UNSUPPORTED", { message: "Send application/x-protobuf or application/json." });
      } else if (!WRITE_TYPES.has(type)) throw new AuditError("CONTENT_TYPE_UNSUPPORTED");
    }
    return undefined;
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
    // A request that is refused as a whole counts once: how many events it would have held is not known.
    if (isIntake(request) && known.code !== "CHECKPOINT_TIMEOUT") {
      deps.metrics.refused(known.code, 1);
      deps.recorder.count(known.code);
    }
    if (known.code === "INTERNAL")
      options.logger.error({ requestId: request.id, route: request.routeOptions.url, err: error }, "a request failed");
    return sendError(request, reply, known);
  });
  app.setNotFoundHandler(async (request, reply) => sendError(request, reply, new AuditError("NOT_FOUND")));

  const methodsOf = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    methodsOf.set(url, methods);
  });
  addEventRoutes(app, deps);
  addHookRoutes(app, deps);
  addOtlpRoutes(app, { ...deps, logger: options.logger });
  addSearchRoutes(app, { ...deps, logger: options.logger });
  addSessionRoutes(app, deps);
  addStoryRoutes(app, deps);
  addIndexRoutes(app, { ...deps, logger: options.logger });
  addTlogRoutes(app, deps);
  addTailRoute(app, deps);
  addMcpRoute(app, deps);
  addOperationRoutes(app, deps);
  addPageRoutes(app);
  for (const [url, methods] of [...methodsOf]) {
    const allow = [...methods].join(", ");
    const method = METHODS.filter((name) => !methods.has(name));
    app.route({
      method,
      url,
      exposeHeadRoute: false,
      handler: async (request, reply) => sendError(request, reply.header("allow", allow), new AuditError("METHOD_NOT_ALLOWED")),
    });
  }
  return app;
}

function isOtlp(request: FastifyRequest): boolean {
  const config: object | undefined = request.routeOptions.config;
  return config !== undefined && "isOtlp" in config;
}

/** A preflight has no route. */
function isMcp({ url }: FastifyRequest): boolean {
  return url.split("?", 1)[0] === "/mcp";
}

/** Whether events were sent: what is refused of other work was no event. */
function isIntake(request: FastifyRequest): boolean {
  const config: object | undefined = request.routeOptions.config;
  return request.method === "POST" && (config === undefined || !("isReading" in config));
}
