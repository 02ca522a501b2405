import { endWithFetchResponse } from "./fetch-response.ts";
import { type AuditRequestOptions, createRequestScopes, patternOfPath } from "./request-context.ts";

/** What a route handler is given beside the request: values by the names in the pattern of the route. */
export interface NextRouteContextLike {
  readonly params?: unknown;
}

/**
 * A route handler of Next.js with an audit context: `export const POST = withAuditRoute(async (request, { params }) => …, { actor })`. For the runtime `nodejs`.
 *
 * The address is what the platform or proxy in front added to `X-Forwarded-For` (see `getIpAddress`).
 *
 * @throws {AuditError} `CONFIG_INVALID`: the trusted proxies are none.
 */
export function withAuditRoute<RouteRequest extends Request, Context extends NextRouteContextLike | undefined, Answer extends Response>(
  handler: (request: RouteRequest, context: Context) => Answer | Promise<Answer>,
  options: AuditRequestOptions<RouteRequest> = {},
): (request: RouteRequest, context: Context) => Promise<Response> {
  const begin = createRequestScopes(options);
  return async (request, context) => {
    const scope = begin({ request, method: request.method, source: { headers: request.headers } });
    try {
      const response = await scope.run(() => handler(request, context));
      const params = scope.isUnaudited(response.status) ? await paramsOf(context) : undefined;
      return endWithFetchResponse(scope, response, () => routeOf(request.url, params));
    } catch (error) {
      // `redirect()` throws, and is an answer all the same.
      if (isRedirect(error)) scope.end(307, () => patternOfPath(request.url));
      throw error;
    }
  };
}

/** Next.js 15 gives a promise. */
async function paramsOf(context: NextRouteContextLike | undefined): Promise<unknown> {
  try {
    return await context?.params;
  } catch {
    return undefined;
  }
}

/** The path with the names of its values: `/orders/[id]`. */
function routeOf(url: string, params: unknown): string {
  if (typeof params !== "object" || params === null) return patternOfPath(url);
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(params)) {
    for (const part of Array.isArray(value) ? value : [value]) names.set(encodeURIComponent(String(part)), `[${name}]`);
  }
  const { pathname } = new URL(url);
  return patternOfPath(
    pathname
      .split("/")
      .map((segment) => names.get(segment) ?? segment)
      .join("/"),
  );
}

function isRedirect(error: unknown): boolean {
  const { digest } = (error ?? {}) as { readonly digest?: unknown };
  return typeof digest === "string" && digest.startsWith("NEXT_REDIRECT");
}
