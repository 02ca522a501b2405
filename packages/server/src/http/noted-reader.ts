import { type AuditReader, type EventFilter, filterParameters } from "@vouchtrail/events";
import type { Read } from "./reads.ts";

/** A reader that notes each question before it is answered, as the routes of HTTP do. What was noted names the tool door, `POST /mcp`. Rule: MCP-12. */
export function notedReader(reader: AuditReader, note: (read: Read) => Promise<void>): AuditReader {
  const noted = async <Answer>(
    name: string,
    parameters: Readonly<Record<string, unknown>> & { readonly filter?: EventFilter },
    answer: () => Promise<Answer>,
  ): Promise<Answer> => {
    const { filter, cursor: _cursor, wait: _wait, ...options } = parameters;
    await note({
      route: `POST /mcp ${name}`,
      parameters: [
        ...(filter === undefined ? [] : filterParameters(filter)),
        ...Object.entries(options).flatMap(([option, value]): [string, string][] => (value === undefined ? [] : [[option, String(value)]])),
      ],
    });
    return answer();
  };
  return {
    get: (id, tenant) => noted("get", { id, tenant }, () => reader.get(id, tenant)),
    bundle: (id, tenant) => noted("bundle", { id, tenant }, () => reader.bundle(id, tenant)),
    inclusionProof: (id, tenant) => noted("inclusionProof", { id, tenant }, () => reader.inclusionProof(id, tenant)),
    explain: (id, tenant) => noted("explain", { id, tenant }, () => reader.explain(id, tenant)),
    search: (query) => noted("search", { ...query }, () => reader.search(query)),
    stats: (query) => noted("stats", { ...query }, () => reader.stats(query)),
    sources: (query) => noted("sources", { ...query }, () => reader.sources(query)),
    effects: (query) => noted("effects", { ...query }, () => reader.effects(query)),
    bundles: (query) => noted("bundles", { ...query }, () => reader.bundles(query)),
    sessions: (query) => noted("sessions", { ...query }, () => reader.sessions(query)),
    completeness: (query) => noted("completeness", { ...query }, () => reader.completeness(query)),
    session: (query) => noted("session", { ...query }, () => reader.session(query)),
    // Public, as over HTTP: they tell of no event.
    checkpoint: () => reader.checkpoint(),
    vkey: () => reader.vkey(),
  };
}
