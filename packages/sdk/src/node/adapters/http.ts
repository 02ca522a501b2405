import type { IncomingMessage, ServerResponse } from "node:http";
import { type AuditRequestOptions, createRequestScopes, patternOfPath, type RequestScope } from "./request-context.ts";

/**
 * A listener for `node:http` whose requests have an audit context: `createServer(withAuditServer(listener, options))`.
 *
 * @throws {AuditError} `CONFIG_INVALID`: the trusted proxies are none.
 */
export function withAuditServer<Request extends IncomingMessage, Response extends ServerResponse, Result>(
  listener: (request: Request, response: Response) => Result,
  options: AuditRequestOptions<Request> = {},
): (request: Request, response: Response) => Result {
  const begin = createRequestScopes(options);
  return (request, response) => {
    const scope = begin({ request, method: request.method ?? "GET", source: request });
    endWithResponse(scope, response, () => patternOfPath(request.url ?? "/"));
    return scope.run(() => listener(request, response));
  };
}

/** Ends a request when its response is closed. One that was given up before it was answered is not counted: nothing is known of its outcome. */
export function endWithResponse(scope: RequestScope, response: ServerResponse, route: () => string): void {
  response.once("close", () => {
    if (response.headersSent) scope.end(response.statusCode, route);
  });
}
