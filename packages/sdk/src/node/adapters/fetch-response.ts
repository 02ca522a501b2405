import type { RequestScope } from "./request-context.ts";

/**
 * Ends a request of a fetch handler. Where nothing has been recorded so far and the response has a body, its end is awaited: what is recorded while it is
 * streamed counts. All others are handed on as they are.
 *
 * @returns The response to send.
 */
export function endWithFetchResponse(scope: RequestScope, response: Response, route: () => string): Response {
  const { status } = response;
  if (!scope.isUnaudited(status)) return response;
  if (response.body === null || response.bodyUsed || status < 200) {
    scope.end(status, route);
    return response;
  }
  const watched = new Response(
    watch(response.body, scope, () => scope.end(status, route)),
    response,
  );
  // A new response has no address; that of a `fetch` that is handed on is kept.
  return response.url === "" ? watched : Object.defineProperty(watched, "url", { value: response.url });
}

/** The same bytes, pulled one chunk at a time in the context of the request. */
function watch(body: ReadableStream<Uint8Array>, scope: RequestScope, ended: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) =>
        scope.run(async () => {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return;
          }
          ended();
          controller.close();
        }),
      cancel(reason) {
        ended();
        return scope.run(() => reader.cancel(reason));
      },
    },
    { highWaterMark: 0 },
  );
}
