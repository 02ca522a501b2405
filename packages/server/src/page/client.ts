/** Requests to the server that the page came from. The key travels in a header, never in an address. Rule: PAGE-8. */

import type { ApiKey } from "./kept-keys.ts";
import { isObject } from "./sealed-event.ts";

export type Parameters = readonly (readonly [name: string, value: string])[];

/** An answer that is not a good one. `code` is one of the server's table; `UNREACHABLE` and `ANSWER_INVALID` are the page's own. */
export class RequestError extends Error {
  readonly code: string;
  readonly status: number;
  /** The parameter that is wrong. */
  readonly path: string | undefined;

  constructor(code: string, message: string, status = 0, path?: string) {
    super(message);
    this.code = code;
    this.status = status;
    this.path = path;
  }
}

export interface Client {
  /** @throws {RequestError} */
  text(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<string>;
  /** The body of a stream. @throws {RequestError} */
  stream(path: string, parameters: Parameters, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
  /** As text, and also answers that are not good ones. @throws {RequestError} `UNREACHABLE` only. */
  anyText(path: string, signal?: AbortSignal): Promise<string>;
  /** The server's clock at its last answer, in milliseconds since 1970; NaN before one. The reader's own may be wrong. */
  serverTimeMs(): number;
}

/** @param onKeyNeeded Called when the server asks for a key, or when the one that was sent does not do. */
export function createClient(key: ApiKey, onKeyNeeded: (error: RequestError) => void): Client {
  let serverTimeMs = Number.NaN;

  async function ask(path: string, parameters: Parameters, signal: AbortSignal | undefined): Promise<Response> {
    const query = new URLSearchParams(parameters.map(([name, value]) => [name, value])).toString();
    const secret = key.get();
    const headers: Record<string, string> = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    let response: Response;
    try {
      response = await fetch(query === "" ? path : `${path}?${query}`, {
        headers,
        cache: "no-cache",
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new RequestError("UNREACHABLE", "The server cannot be reached. Check that it runs, then try again.");
    }
    const told = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(told)) serverTimeMs = told;
    return response;
  }

  async function askWell(path: string, parameters: Parameters, signal: AbortSignal | undefined): Promise<Response> {
    const response = await ask(path, parameters, signal);
    if (response.ok) return response;
    const error = await errorOf(response);
    if (response.status === 401 || error.code === "SCOPE_MISSING") onKeyNeeded(error);
    throw error;
  }

  return {
    text: async (path, parameters = [], signal) => (await askWell(path, parameters, signal)).text(),
    async stream(path, parameters, signal) {
      const { body } = await askWell(path, parameters, signal);
      if (body === null) throw new RequestError("ANSWER_INVALID", "The server sent no stream.");
      return body;
    },
    anyText: async (path, signal) => (await ask(path, [], signal)).text(),
    serverTimeMs: () => serverTimeMs,
  };
}

/** @throws {RequestError} `ANSWER_INVALID` when it is no JSON object. */
export function parseAnswer<T>(text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isObject(value)) throw new RequestError("ANSWER_INVALID", "The server answered something that is not JSON.");
  return value as T;
}

async function errorOf(response: Response): Promise<RequestError> {
  const answer: unknown = await response.json().catch(() => undefined);
  const error = isObject(answer) && isObject(answer.error) ? answer.error : {};
  const message = typeof error.message === "string" ? error.message : `The server answered with status ${response.status}.`;
  const code = typeof error.code === "string" ? error.code : "ANSWER_INVALID";
  return new RequestError(code, message, response.status, typeof error.path === "string" ? error.path : undefined);
}
