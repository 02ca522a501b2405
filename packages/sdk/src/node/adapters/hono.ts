import type { IncomingMessage } from "node:http";
import { endWithFetchResponse } from "./fetch-response.ts";
import { type AuditRequestOptions, createRequestScopes, patternOfPath } from "./request-context.ts";

/** What is read of a context of Hono. */
export interface HonoContextLike {
  readonly req: { readonly raw: Request; readonly method: string; readonly path: string };
  /** On Node.js, `@hono/node-server` puts the request of `node:http` here. */
  readonly env: unknown;
  res: Response;
  readonly error?: Error | undefined;
}

/**
 * Middleware for Hono 4: `app.use(auditHono({ actor: (context) => … }))`. With `@hono/node-server` the address is that of the socket unless
 * `trustedProxies` is given; elsewhere what the platform in front added to the headers (see `getIpAddress`).
 *
 * Give `route` as `(context) => routePath(context, -1)` from `hono/route` to count by declared patterns; by default paths are counted without what looks like an id.
 *
 * @throws {AuditError} `CONFIG_INVALID`: the trusted proxies are none.
 */
export function auditHono<Context extends HonoContextLike = HonoContextLike>(
  options: AuditRequestOptions<Context> = {},
): (context: Context, next: () => Promise<void>) => Promise<void> {
  const begin = createRequestScopes(options);
  return async (context, next) => {
    const { raw, method, path } = context.req;
    const socket = (context.env as { readonly incoming?: IncomingMessage } | undefined)?.incoming?.socket;
    const scope = begin({ request: context, method, source: { headers: raw.headers, socket } });
    await scope.run(next);
    const answer = context.res;
    const sent = endWithFetchResponse(scope, answer, () => patternOfPath(path));
    if (sent === answer) return;
    // Set over a response, Hono would add the old headers to the new ones: `set-cookie` would be sent twice.
    (context as { res: Response | undefined }).res = undefined;
    context.res = sent;
  };
}
