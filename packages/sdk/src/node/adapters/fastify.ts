import type { IncomingMessage, ServerResponse } from "node:http";
import { endWithResponse } from "./http.ts";
import { type AuditRequestOptions, createRequestScopes, patternOfPath, type RequestScope } from "./request-context.ts";

/** What is read of a request of Fastify. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage;
  readonly ip: string;
  readonly url: string;
  readonly routeOptions?: { readonly url?: string | undefined };
}

interface FastifyReplyLike {
  readonly raw: ServerResponse;
}

type Hook = (request: FastifyRequestLike, reply: FastifyReplyLike, done: () => void) => void;

/** The slice of a Fastify instance that is used. */
export interface FastifyLike {
  addHook(name: "onRequest" | "preValidation", hook: Hook): unknown;
}

/**
 * Plugin for Fastify 5 (and 4): `app.register(auditFastify({ actor: (request) => … }))`. It holds for all routes that are declared after it, also outside of
 * the plugin. The address of the client is `request.ip` by the instance's own `trustProxy`, unless `trustedProxies` is given.
 *
 * @throws {AuditError} `CONFIG_INVALID`: the trusted proxies are none.
 */
export function auditFastify<Request extends FastifyRequestLike = FastifyRequestLike>(
  options: AuditRequestOptions<Request> = {},
): (app: FastifyLike, pluginOptions: unknown, done: () => void) => void {
  const begin = createRequestScopes(options);
  const scopes = new WeakMap<IncomingMessage, RequestScope>();
  const plugin = (app: FastifyLike, _pluginOptions: unknown, registered: () => void): void => {
    app.addHook("onRequest", (request, reply, done) => {
      const source = { headers: request.raw.headers, socket: request.raw.socket, ip: request.ip };
      const scope = begin({ request: request as Request, method: request.raw.method ?? "GET", source });
      scopes.set(request.raw, scope);
      endWithResponse(scope, reply.raw, () => request.routeOptions?.url ?? patternOfPath(request.url));
      scope.run(done);
    });
    // A body is read by callbacks of the socket, which runs in no context: it is entered again.
    app.addHook("preValidation", (request, _reply, done) => {
      const scope = scopes.get(request.raw);
      if (scope === undefined) done();
      else scope.run(done);
    });
    registered();
  };
  // Without these the hooks would hold inside of the plugin only. Source: fastify-plugin.
  return Object.assign(plugin, { [Symbol.for("skip-override")]: true, [Symbol.for("fastify.display-name")]: "vouchtrail-audit" });
}
