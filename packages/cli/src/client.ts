import {
  AuditError,
  type AuditReader,
  ERRORS,
  type ErrorCode,
  type Fault,
  formatCsvHeader,
  formatCsvRow,
  type ReadState,
  type SearchHit,
  type SearchQuery,
  type SqlAnswer,
  type SqlQuery,
} from "@vouchtrail/events";
import { createAuditReader } from "@vouchtrail/sdk/reader";
import { UnreachableError } from "./command-error.ts";
import { readEventStream, type StreamEvent } from "./event-stream.ts";
import type { CheckProgress, IndexCheck, IndexStatus } from "./index-client.ts";
import { readJsonLines } from "./json-lines.ts";
import { PROBE_MS_MAX, REQUEST_MS_MAX, STREAM_REQUEST_ENTRIES } from "./limits.ts";
import { searchParameters } from "./search-parameters.ts";

export interface ClientReceipt {
  readonly position?: number;
  readonly origin: string;
  readonly id: string;
  readonly index: number;
  readonly leafHash: string;
  readonly duplicate?: boolean;
  readonly inclusionProof?: string;
}

/** What became of the events of one request. `position` counts them from 0. */
export interface SendResult {
  readonly receipts: readonly ClientReceipt[];
  readonly errors: readonly (Fault & { readonly position: number })[];
}

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
  readonly warnings: readonly string[];
  /** The server's clock, in milliseconds since 1970, as its answer says. */
  readonly serverMs: number | undefined;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** How a search that was streamed ended. */
export interface SearchEnd extends ReadState {
  readonly events: number;
  /** Absent when nothing more matches. */
  readonly nextCursor?: string;
}

/** A server over HTTP: the read contract, and what only a server does. */
export interface Client extends AuditReader {
  readonly url: string;
  /**
   * Sends one event a line.
   * @throws {AuditError} What concerns the request as a whole. @throws {UnreachableError}
   */
  send(ndjson: string, options?: { readonly via?: "import"; readonly wait?: boolean; readonly signal?: AbortSignal }): Promise<SendResult>;
  /** Entries as they come, until the connection ends. Filters as in the query. */
  tail(query: URLSearchParams, signal?: AbortSignal): AsyncGenerator<StreamEvent>;
  readiness(): Promise<Readiness>;
  /**
   * Everything that matches, up to `limit` (without one: all), as it comes, in as many requests as it takes.
   * @throws {UnreachableError} also when an answer is cut off: what was given until then is not all.
   */
  searchAll(query: SearchQuery, signal?: AbortSignal): AsyncGenerator<SearchHit, SearchEnd>;
  /** The same as text: lines of JSON, or CSV with its header. */
  searchStream(query: SearchQuery, format: "ndjson" | "csv", signal?: AbortSignal): AsyncGenerator<string, SearchEnd>;
  /** Needs a key with the scope `admin` and without a tenant, as `rebuildIndex` and `checkIndex` do. */
  sql(query: SqlQuery, signal?: AbortSignal): Promise<SqlAnswer>;
  indexStatus(): Promise<IndexStatus>;
  /** Resolves when the work has begun, with the size that it has to reach. */
  rebuildIndex(): Promise<{ readonly treeSize: number }>;
  checkIndex(onProgress: (progress: CheckProgress) => void, signal?: AbortSignal): Promise<IndexCheck>;
}

/**
 * Opens a server by its URL. Nothing is sent before the first call.
 *
 * @param options.url Without `/api/…`: `http://127.0.0.1:7431`.
 * @param options.key An API key; without one only what a server allows to programs of its own machine.
 */
export function createClient(options: { readonly url: string; readonly key?: string; readonly fetch?: typeof fetch }): Client {
  const url = options.url.replace(/\/+$/, "");
  const request = options.fetch ?? fetch;
  const authorization = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` };

  async function call(path: string, init: RequestInit, timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<Response> {
    const signals = [timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs), signal].filter((one) => one !== undefined);
    return request(`${url}${path}`, {
      ...init,
      headers: { ...authorization, ...(init.headers as Record<string, string>) },
      signal: AbortSignal.any(signals),
    });
  }

  /** One whole exchange: also a connection that breaks within the answer is one that failed. */
  async function exchange(path: string, init: RequestInit = {}, timeoutMs = REQUEST_MS_MAX, signal?: AbortSignal): Promise<Answer> {
    try {
      const response = await call(path, init, timeoutMs, signal);
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (cause) {
      signal?.throwIfAborted();
      throw new UnreachableError(url, { cause });
    }
  }

  async function read(path: string): Promise<string> {
    const answer = await exchange(path);
    if (answer.status !== 200) throw errorFrom(parsed(answer.text), answer.status, url);
    return answer.text;
  }

  async function post<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const { status, text } = await exchange(path, init, REQUEST_MS_MAX, signal);
    if (status !== 200 && status !== 202) throw errorFrom(parsed(text), status, url);
    return JSON.parse(text) as T;
  }

  /** Lines of JSON as they come. A connection that breaks off in between is one that failed. */
  async function* lines(path: string, init: RequestInit, signal: AbortSignal | undefined): AsyncGenerator<Record<string, unknown>> {
    try {
      const response = await call(path, init, undefined, signal);
      if (!response.ok || response.body === null) throw errorFrom(parsed(await response.text()), response.status, url);
      for await (const line of readJsonLines(response.body)) if (isObject(line)) yield line;
    } catch (cause) {
      if (cause instanceof AuditError || cause instanceof UnreachableError) throw cause;
      signal?.throwIfAborted();
      throw new UnreachableError(url, { cause });
    }
  }

  const cutOff = (): UnreachableError =>
    new UnreachableError(url, { message: `The answer of ${url} was cut off. Ask again; the server's log may say why.` });

  async function* searchOnce(query: SearchQuery, signal: AbortSignal | undefined): AsyncGenerator<SearchHit, SearchEnd> {
    for await (const line of lines(`/api/v1/events?format=ndjson&${searchParameters(query)}`, {}, signal)) {
      if (isObject(line.end)) return line.end as unknown as SearchEnd;
      yield line as unknown as SearchHit;
    }
    throw cutOff();
  }

  async function* searchAll(query: SearchQuery, signal?: AbortSignal): AsyncGenerator<SearchHit, SearchEnd> {
    let events = 0;
    for (let question = query; ; ) {
      const wanted = (query.limit ?? Number.POSITIVE_INFINITY) - events;
      const end = yield* searchOnce({ ...question, limit: Math.min(wanted, STREAM_REQUEST_ENTRIES) }, signal);
      events += end.events;
      if (end.nextCursor === undefined || events >= (query.limit ?? Number.POSITIVE_INFINITY)) return { ...end, events };
      question = { ...query, cursor: end.nextCursor };
    }
  }

  return {
    ...reachable(createAuditReader({ url, key: options.key, fetch: request }), url),
    url,
    searchAll,
    async *searchStream(query, format, signal) {
      if (format === "csv") yield formatCsvHeader();
      const hits = searchAll(query, signal);
      for (;;) {
        const step = await hits.next();
        if (step.done === true) return step.value;
        yield format === "csv" ? formatCsvRow(step.value) : `${JSON.stringify(step.value)}\n`;
      }
    },
    sql: (query, signal) => post<SqlAnswer>("/api/v1/sql", query, signal),
    indexStatus: async () => JSON.parse(await read("/api/v1/index")) as IndexStatus,
    rebuildIndex: () => post("/api/v1/index/rebuild", {}),
    async checkIndex(onProgress, signal) {
      const init = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
      for await (const line of lines("/api/v1/index/check", init, signal)) {
        if ("isGood" in line) return line as unknown as IndexCheck;
        if ("error" in line) throw errorFrom(line, 500, url);
        if ("checked" in line) onProgress(line as unknown as CheckProgress);
      }
      throw cutOff();
    },
    async send(ndjson, { via, wait = false, signal } = {}) {
      const query = new URLSearchParams({ ...(via === undefined ? {} : { via }), ...(wait ? { wait: "checkpoint" } : {}) });
      const init = { method: "POST", headers: { "content-type": "application/x-ndjson" }, body: ndjson };
      const { status, text } = await exchange(`/api/v1/events?${query}`, init, REQUEST_MS_MAX, signal);
      const answer = parsed(text);
      // Each event stands for itself: 400 with a list means that all of them were refused.
      if (isSendResult(answer)) return answer;
      throw errorFrom(answer, status, url);
    },
    async *tail(query, signal) {
      let response: Response;
      try {
        response = await call(`/api/v1/tail?${query}`, { headers: { accept: "text/event-stream" } }, undefined, signal);
      } catch (cause) {
        signal?.throwIfAborted();
        throw new UnreachableError(url, { cause });
      }
      if (!response.ok || response.body === null) throw errorFrom(parsed(await response.text()), response.status, url);
      yield* readEventStream(response.body);
    },
    async readiness() {
      const { text, headers } = await exchange("/readyz", {}, PROBE_MS_MAX);
      const answer = parsed(text);
      if (!isReadiness(answer)) throw notVouchtrail(url);
      const at = Date.parse(headers.get("date") ?? "");
      return { ...answer, serverMs: Number.isNaN(at) ? undefined : at };
    },
  };
}

/** The same reader with the errors of commands: whoever cannot be reached is told how to start one, or to name another one. */
function reachable(reader: AuditReader, url: string): AuditReader {
  const ask =
    (question: (...given: never[]) => Promise<unknown>) =>
    async (...given: never[]) => {
      try {
        return await question(...given);
      } catch (error) {
        if (!(error instanceof AuditError) || error.code !== "TRAIL_UNREACHABLE") throw error;
        throw "status" in error.detail ? notVouchtrail(url) : new UnreachableError(url, { cause: error });
      }
    };
  return Object.fromEntries(Object.entries(reader).map(([name, question]) => [name, ask(question)])) as unknown as AuditReader;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Another program answers, or a proxy: the status says more than its page.
    return undefined;
  }
}

function errorFrom(answer: unknown, status: number, url: string): Error {
  const error = isObject(answer) && isObject(answer.error) ? answer.error : undefined;
  const { code, message, path } = error ?? {};
  if (typeof code !== "string" || typeof message !== "string") {
    return notVouchtrail(url);
  }
  // A newer server may know more codes; whether to retry is then what its status says.
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : status >= 500 ? "INTERNAL" : "EVENT_INVALID";
  return new AuditError(known, { message, ...(typeof path === "string" ? { path } : {}) });
}

function notVouchtrail(url: string): UnreachableError {
  return new UnreachableError(url, { message: `What answers at ${url} is not Vouchtrail. Name the server with --url.` });
}

function isSendResult(answer: unknown): answer is SendResult {
  return isObject(answer) && Array.isArray(answer.receipts) && Array.isArray(answer.errors);
}

function isReadiness(answer: unknown): answer is Omit<Readiness, "serverMs"> {
  return isObject(answer) && typeof answer.ready === "boolean" && Array.isArray(answer.reasons) && Array.isArray(answer.warnings);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
