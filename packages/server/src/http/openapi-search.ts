import {
  BUCKET_NAMES,
  BUNDLES_FORMAT,
  EXPLAINED_RULES,
  FILTER_NAMES,
  GROUP_NAMES,
  HOLE_RULES,
  type JsonObject,
  TIME_FILTER_NAMES,
  UNKNOWN_RULES,
  VANTAGE_POINTS,
} from "@vouchtrail/events";
import { FOLLOWER_STATES } from "../followers/follower-state.ts";
import {
  BUNDLES_DEFAULT,
  BUNDLES_MAX,
  READ_STREAM_ENTRIES_DEFAULT,
  READ_STREAM_ENTRIES_MAX,
  SEARCH_ENTRIES_DEFAULT,
  SEARCH_ENTRIES_MAX,
  SESSIONS_DEFAULT,
  SESSIONS_MAX,
  SOURCES_MAX,
  STATS_GROUPS_DEFAULT,
  STATS_GROUPS_MAX,
  STATS_NAMES_MAX,
} from "../reading/limits.ts";
import { SESSION_MEMBERS } from "./openapi-session.ts";
import { SEARCH_PARAMETERS } from "./search-routes.ts";
import { CURSOR_TRAILER } from "./search-stream.ts";
import { SQL_CHARS_MAX, SQL_ROWS_DEFAULT, SQL_ROWS_MAX } from "./sql-query.ts";
import { SEARCH_FORMATS } from "./stream-format.ts";

/** The part of the OpenAPI document that tells of searching, counting and the search index. */

const json = (schema: JsonObject): JsonObject => ({ content: { "application/json": { schema } } });
const ndjson = { "application/x-ndjson": { schema: { type: "string" } } };
const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const list = (name: string): JsonObject => ({ type: "array", items: ref(name) });
const failure = { description: "Refused; the code says why.", ...json(ref("Error")) };
const text = { type: "string" };
const integer = { type: "integer", minimum: 0 };
const truth = { type: "boolean" };

function object(properties: JsonObject, optional: readonly string[] = []): JsonObject {
  return { type: "object", required: Object.keys(properties).filter((name) => !optional.includes(name)), properties };
}

function limit(standard: number, max: number): JsonObject {
  return { type: "integer", minimum: 1, maximum: max, default: standard };
}

/** What the options of a question may be. `limit` differs from route to route. */
const OPTIONS: Readonly<Record<string, JsonObject>> = {
  cursor: { ...text, description: "nextCursor of the page before, with the same filters and options." },
  order: { enum: ["newest", "oldest"], default: "newest", description: "By ledger index." },
  deeds: { ...truth, default: false, description: "Only entries that count for their deed." },
  deed: { type: "string", pattern: "^[0-9a-f]{16}$", description: "Only entries of this deed." },
  format: { enum: [...SEARCH_FORMATS], description: "Goes before the Accept header." },
  wait: { const: "searchable", description: "First waits until everything that is stored now can be found." },
  bucket: { enum: [...BUCKET_NAMES], description: "Spans of occurredAt in UTC." },
  state: { enum: ["open", "closed", "all"], default: "open" },
  group: {
    type: "array",
    maxItems: STATS_NAMES_MAX,
    items: { anyOf: [{ enum: [...GROUP_NAMES] }, { type: "string", pattern: "^label\\..{1,64}$" }] },
  },
};

const LIMITS: Readonly<Record<keyof typeof SEARCH_PARAMETERS, JsonObject>> = {
  "/api/v1/events": {
    ...limit(SEARCH_ENTRIES_DEFAULT, SEARCH_ENTRIES_MAX),
    description: `For NDJSON and CSV up to ${READ_STREAM_ENTRIES_MAX}, ${READ_STREAM_ENTRIES_DEFAULT} unless given.`,
  },
  "/api/v1/stats": limit(STATS_GROUPS_DEFAULT, STATS_GROUPS_MAX),
  "/api/v1/sources": limit(SOURCES_MAX, SOURCES_MAX),
  "/api/v1/sessions": limit(SESSIONS_DEFAULT, SESSIONS_MAX),
  "/api/v1/effects": limit(SEARCH_ENTRIES_DEFAULT, SEARCH_ENTRIES_MAX),
  "/api/v1/bundle": limit(BUNDLES_DEFAULT, BUNDLES_MAX),
};

function parameter(name: string, schema: JsonObject, isRepeated = false): JsonObject {
  return { name, in: "query", required: false, schema, ...(isRepeated ? { explode: true } : {}) };
}

/** Every filter as a parameter, in the order of the code; a filter repeats for OR, a leading `!` is NOT. */
export const FILTER_PARAMETERS: readonly JsonObject[] = [
  ...FILTER_NAMES.map((name) => parameter(name, { type: "array", items: text }, true)),
  ...TIME_FILTER_NAMES.map((name) => parameter(name, { type: "string", description: "RFC 3339, or a date: midnight in UTC." })),
  {
    name: "label",
    in: "query",
    required: false,
    style: "form",
    explode: true,
    description: "label.<name>=value for each label.",
    schema: { type: "object", propertyNames: { pattern: "^label\\..{1,64}$" }, additionalProperties: { type: "array", items: text } },
  },
];

function searching(url: keyof typeof SEARCH_PARAMETERS, summary: string, answer: JsonObject): JsonObject {
  const names: { readonly single: readonly string[]; readonly repeated?: readonly string[] } = SEARCH_PARAMETERS[url];
  const options = [...names.single, ...(names.repeated ?? [])].map((name) =>
    parameter(name, name === "limit" ? LIMITS[url] : (OPTIONS[name] ?? text), names.repeated?.includes(name)),
  );
  return { get: { summary, parameters: [...FILTER_PARAMETERS, ...options], responses: { "200": answer, default: failure } } };
}

const streamed = {
  description: "A page; or with NDJSON and CSV everything up to the limit.",
  content: { ...(json(ref("SearchPage")).content as JsonObject), ...ndjson, "text/csv": { schema: text } },
  headers: {
    Trailer: {
      description: `With NDJSON and CSV: ${CURSOR_TRAILER}, empty when nothing more matches. Without it the answer was cut off.`,
      schema: text,
    },
  },
};

function administering(summary: string, responses: JsonObject, body?: JsonObject): JsonObject {
  const requestBody = { required: body !== undefined, ...json(body ?? { type: "object", maxProperties: 0 }) };
  return { post: { summary, security: [{ key: [] }], requestBody, responses: { ...responses, default: failure } } };
}

/** Paths of searching, without what `POST /api/v1/events` is. */
export function searchPaths(): Readonly<Record<string, JsonObject>> {
  return {
    "/api/v1/events": searching("/api/v1/events", "Entries that match, newest first.", streamed),
    "/api/v1/stats": searching("/api/v1/stats", "Sums over deeds.", { description: "Counted.", ...json(ref("Stats")) }),
    "/api/v1/sources": searching("/api/v1/sources", "Sources, their last sequence and their gaps.", {
      description: "The sources, the last seen first.",
      ...json(ref("SourceList")),
    }),
    "/api/v1/effects": searching("/api/v1/effects", "Intents, and whether an outcome followed.", {
      description: "A page.",
      ...json(ref("EffectPage")),
    }),
    "/api/v1/sessions": searching("/api/v1/sessions", "Sessions of agents, each with its verdict, the newest first.", {
      description: "A page.",
      ...json(ref("SessionPage")),
    }),
    "/api/v1/sessions/{id}/completeness": {
      get: {
        summary: "Whether the record of a session is complete, and what is missing.",
        parameters: [
          { name: "id", in: "path", required: true, schema: text },
          parameter("tenant", text),
          parameter("wait", OPTIONS.wait ?? text),
        ],
        responses: { "200": { description: "The verdict.", ...json(ref("Completeness")) }, "404": failure, default: failure },
      },
    },
    "/api/v1/bundle": searching("/api/v1/bundle", "Evidence of everything that matches, oldest first, for checking offline.", {
      description: "A page.",
      ...json(ref("BundlePage")),
    }),
    "/api/v1/sql": administering(
      "One SELECT over entries, deeds and agent_audit_log. Needs an administration key without a tenant.",
      { "200": { description: "Rows.", ...json(ref("SqlAnswer")) } },
      object(
        {
          sql: { type: "string", minLength: 1, maxLength: SQL_CHARS_MAX },
          limit: limit(SQL_ROWS_DEFAULT, SQL_ROWS_MAX),
          wait: { ...truth, default: false },
        },
        ["limit", "wait"],
      ),
    ),
    "/api/v1/index": {
      get: {
        summary: "How far the search index is, and its files. Needs a key without a tenant.",
        responses: { "200": { description: "The state.", ...json(ref("IndexState")) }, default: failure },
      },
    },
    "/api/v1/index/rebuild": administering("Removes the search index and makes it anew from the ledger.", {
      "202": { description: "It has begun; entries are accepted meanwhile.", ...json(object({ treeSize: integer })) },
    }),
    "/api/v1/index/check": administering("Compares every entry of the search index with the ledger.", {
      "200": { description: "Lines {checked, of}, and as the last one the report, or an error.", content: ndjson },
    }),
  };
}

/** Schemas that the paths above name. */
export function searchSchemas(): Readonly<Record<string, JsonObject>> {
  const readState = { treeSize: integer, searchedTo: integer };
  const page = (name: string, item: string): JsonObject => object({ [name]: list(item), nextCursor: text, ...readState }, ["nextCursor"]);
  const sums = {
    total: integer,
    success: integer,
    failure: integer,
    partial: integer,
    pending: integer,
    denied: integer,
    successRate: { type: ["number", "null"], minimum: 0, maximum: 1 },
    tokensInput: integer,
    tokensOutput: integer,
    costUsd: { type: "number" },
  };
  const texts = { type: "array", items: text };
  const verdict = { enum: ["complete", "incomplete", "unknown"] };
  const rule = { ...text, description: "A rule of docs/spec/completeness.md, such as COMPLETE-9." };
  const hit = {
    index: integer,
    leafHash: { ...text, description: "Standard base64 of 32 bytes." },
    origin: text,
    event: { type: "object", description: "The event; fields of erased sections are absent." },
    received: { type: "object" },
    redactions: { type: "object" },
    system: { type: "object" },
    sections: { type: "object" },
    counted: { ...truth, description: "Whether it is the one entry that counts for its deed." },
    deed: { type: "string", description: "The same for all entries of a deed." },
  };
  const hitOptional = ["redactions", "system", "deed"];
  return {
    SearchHit: object(hit, hitOptional),
    SearchPage: page("events", "SearchHit"),
    EffectView: object({ ...hit, state: { enum: ["open", "closed"] } }, hitOptional),
    EffectPage: page("effects", "EffectView"),
    EvidenceBundle: { type: "object", description: "As GET /api/v1/events/{id}/bundle gives it." },
    BundlePage: object(
      {
        format: { const: BUNDLES_FORMAT },
        checkpoints: object({ first: text, last: text }),
        bundles: list("EvidenceBundle"),
        nextCursor: text,
        ...readState,
      },
      ["nextCursor"],
    ),
    Stats: object({
      ...sums,
      groups: { type: "array", items: object({ key: { type: "object", additionalProperties: { type: ["string", "null"] } }, ...sums }) },
      groupCount: integer,
      buckets: { type: "array", items: object({ from: { type: "string", format: "date-time" }, ...sums }) },
      ...readState,
    }),
    SessionSummary: object({
      ...SESSION_MEMBERS,
      verdict,
      holeCount: integer,
    }),
    SessionPage: page("sessions", "SessionSummary"),
    Completeness: object({
      tenant: text,
      sessionId: text,
      verdict,
      rule,
      vantagePoints: { type: "array", items: object({ via: { enum: [...VANTAGE_POINTS] }, entries: integer, calls: integer }) },
      calls: integer,
      agreed: integer,
      holes: {
        type: "array",
        items: object(
          {
            kind: { enum: Object.keys(HOLE_RULES) },
            rule,
            message: text,
            missedBy: { enum: [...VANTAGE_POINTS] },
            callId: text,
            tool: text,
            conversationId: text,
            gap: object({ source: text, instance: text, from: integer, to: integer }),
            count: integer,
            evidence: { type: "array", items: object({ index: integer, id: text }) },
          },
          ["missedBy", "callId", "tool", "conversationId", "gap", "count"],
        ),
      },
      holeCount: integer,
      missing: { type: "array", items: object({ kind: { enum: Object.keys(UNKNOWN_RULES) }, rule, message: text }) },
      explained: {
        type: "array",
        items: object({ kind: { enum: Object.keys(EXPLAINED_RULES) }, rule, count: integer, callIds: texts }),
      },
      ...readState,
    }),
    Source: object({
      tenant: text,
      name: text,
      instance: text,
      entries: integer,
      firstSequence: integer,
      lastSequence: integer,
      missing: integer,
      gaps: { type: "array", items: { type: "array", prefixItems: [integer, integer] } },
      lastSeen: { type: "string", format: "date-time" },
    }),
    SourceList: object({ sources: list("Source"), sourceCount: integer, ...readState }),
    SqlAnswer: object({
      columns: { type: "array", items: object({ name: text, type: text }) },
      rows: { type: "array", items: { type: "array" } },
      isTruncated: truth,
      elapsedMs: { type: "number" },
      ...readState,
    }),
    IndexState: object({
      searchedTo: integer,
      hotEntries: integer,
      files: { type: "array", items: object({ first: integer, entries: integer, bytes: integer }) },
      repairs: { type: "array", items: object({ file: text, reason: text }) },
      follower: object(
        {
          name: text,
          state: { enum: [...FOLLOWER_STATES] },
          next: integer,
          treeSize: integer,
          lagEntries: integer,
          attempts: integer,
          retryAtMs: { type: "number" },
          lastError: object({ code: text, message: text }),
          deadLetters: integer,
        },
        ["retryAtMs", "lastError"],
      ),
    }),
  };
}
