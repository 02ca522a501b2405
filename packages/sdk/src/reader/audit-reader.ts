import type {
  AuditReader,
  BundlePage,
  CompletenessAnswer,
  EffectPage,
  EffectsQuery,
  EntryView,
  Explanation,
  ReadState,
  SearchPage,
  SearchQuery,
  SessionPage,
  SessionStory,
  SourceList,
  Stats,
  StatsQuery,
} from "@vouchtrail/events";
import { AuditError } from "@vouchtrail/events/errors";
import { READ_REQUEST_MS_MAX } from "../limits.ts";
import { errorOfAnswer } from "./answer-error.ts";

export interface AuditReaderOptions {
  /** Base URL of the server, such as `http://127.0.0.1:7431`. */
  readonly url: string;
  /** API key with the scope `read`; without one only what a server allows to programs of its own machine. */
  readonly key?: string | undefined;
  /** Default: the `fetch` of the platform. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** What the questions of the read contract have in common, and all of their options. */
type Question = Pick<SearchQuery, "filter"> & Partial<SearchQuery & EffectsQuery & StatsQuery>;

/**
 * The read contract over HTTP: whoever uses it cannot tell it from the one in the server. Nothing is sent before the first question.
 *
 * @throws {AuditError} What the server says, with its code; `TRAIL_UNREACHABLE` when it does not answer or is no Vouchtrail.
 */
export function createAuditReader({ url, key, fetch = globalThis.fetch }: AuditReaderOptions): AuditReader {
  const base = url.replace(/\/+$/, "");
  const headers: Record<string, string> = key === undefined || key === "" ? {} : { authorization: `Bearer ${key}` };

  async function read(path: string): Promise<string> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${base}${path}`, { headers, signal: AbortSignal.timeout(READ_REQUEST_MS_MAX) });
      text = await response.text();
    } catch (cause) {
      throw new AuditError("TRAIL_UNREACHABLE", { cause, message: `No server answers at ${base}. Start one, or set another URL.` });
    }
    if (response.status !== 200) throw errorOfAnswer(text, response.status, base);
    return text;
  }

  async function readJson<Answer>(path: string): Promise<Answer> {
    const text = await read(path);
    try {
      return JSON.parse(text) as Answer;
    } catch {
      // A page of another program.
      throw errorOfAnswer(text, 200, base);
    }
  }

  const ask = async <Answer>(path: string, query: Question): Promise<Answer> => readJson(`${path}?${await questionParameters(query)}`);
  const aboutEntry = (id: string, more: string, tenant: string | undefined): string =>
    `/api/v1/events/${encodeURIComponent(id)}${more}${tenant === undefined ? "" : `?tenant=${encodeURIComponent(tenant)}`}`;
  const aboutSession = (id: string, more: string, options: Parameters<typeof parametersOf>[0]): string =>
    `/api/v1/sessions/${encodeURIComponent(id)}${more}?${parametersOf(options)}`;

  return {
    get: (id, tenant) => readJson<EntryView & ReadState>(aboutEntry(id, "", tenant)),
    bundle: (id, tenant) => readJson(aboutEntry(id, "/bundle", tenant)),
    inclusionProof: (id, tenant) => read(aboutEntry(id, "/inclusion-proof", tenant)),
    explain: (id, tenant) => readJson<Explanation>(aboutEntry(id, "/explain", tenant)),
    checkpoint: () => read("/tlog/main/checkpoint"),
    vkey: async () => (await read("/tlog/main/vkey")).trim(),
    search: (query) => ask<SearchPage>("/api/v1/events", query),
    stats: (query) => ask<Stats>("/api/v1/stats", query),
    sources: (query) => ask<SourceList>("/api/v1/sources", query),
    effects: (query) => ask<EffectPage>("/api/v1/effects", query),
    bundles: (query) => ask<BundlePage>("/api/v1/bundle", query),
    sessions: (query) => ask<SessionPage>("/api/v1/sessions", query),
    completeness: ({ id, tenant, wait }) => readJson<CompletenessAnswer>(aboutSession(id, "/completeness", { tenant, wait: waitOf(wait) })),
    session: ({ id, tenant, limit, cursor, wait }) =>
      readJson<SessionStory>(aboutSession(id, "", { tenant, limit, cursor, wait: waitOf(wait) })),
  };
}

async function questionParameters({ filter, groups, wait, ...options }: Question): Promise<URLSearchParams> {
  // Only who asks for a search needs it: the emitter does without the schema that comes with it.
  const { filterParameters } = await import("@vouchtrail/events");
  const { limit, cursor, order, deeds, deed, state, bucket } = options;
  const parameters = parametersOf({ limit, cursor, order, deeds, deed, state, bucket, wait: waitOf(wait) });
  for (const [name, value] of filterParameters(filter)) parameters.append(name, value);
  for (const group of groups ?? []) parameters.append("group", group);
  return parameters;
}

function parametersOf(options: Readonly<Record<string, string | number | boolean | undefined>>): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) if (value !== undefined) parameters.set(name, String(value));
  return parameters;
}

const waitOf = (wait: boolean | undefined): string | undefined => (wait === true ? "searchable" : undefined);
