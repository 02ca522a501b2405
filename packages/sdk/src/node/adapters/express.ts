import type { IncomingMessage, ServerResponse } from "node:http";
import { endWithResponse } from "./http.ts";
import { type AuditRequestOptions, createRequestScopes, patternOfPath } from "./request-context.ts";

/** What is read of a request of Express beside that of `node:http`. */
export interface ExpressRequestLike extends IncomingMessage {
  readonly baseUrl?: string;
  readonly originalUrl?: string;
}

/**
 * Middleware for Express 5 (and 4): `app.use(auditExpress({ actor: (request) => … }))`. It stands behind middleware that reads bodies where that loses the
 * asynchronous context, and before the routes; who acts is asked later, so authentication may come after it.
 *
 * The address of the client is `request.ip` by the application's own `trust proxy`, unless `trustedProxies` is given.
 *
 * @throws {AuditError} `CONFIG_INVALID`: the trusted proxies are none.
 */
export function auditExpress<Request extends ExpressRequestLike = ExpressRequestLike>(
  options: AuditRequestOptions<Request> = {},
): (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void {
  const begin = createRequestScopes(options);
  return (request, response, next) => {
    const scope = begin({ request, method: request.method ?? "GET", source: request });
    endWithResponse(scope, response, () => routeOf(request));
    scope.run(() => next());
  };
}

/** The pattern under which the route was declared. Where a router is mounted only its path is known, not its pattern. */
function routeOf(request: ExpressRequestLike): string {
  const { path } = ((request as { readonly route?: unknown }).route ?? {}) as { readonly path?: unknown };
  if (typeof path !== "string") return patternOfPath(request.originalUrl ?? request.url ?? "/");
  const base = request.baseUrl === undefined || request.baseUrl === "" ? "" : patternOfPath(request.baseUrl);
  return base !== "" && path === "/" ? base : `${base}${path}`;
}
