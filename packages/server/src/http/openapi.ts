import { APPLICATION_SHAPES, auditEventJsonSchema, ERRORS, type JsonObject } from "@vouchtrail/events";
import { HOOK_AGENTS } from "./hook-routes.ts";
import { otlpPaths } from "./openapi-otlp.ts";
import { FILTER_PARAMETERS, searchPaths, searchSchemas } from "./openapi-search.ts";
import { storyPaths, storySchemas } from "./openapi-story.ts";

const json = (schema: JsonObject): JsonObject => ({ content: { "application/json": { schema } } });
const text = { content: { "text/plain": { schema: { type: "string" } } } };
const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const failure = { description: "Refused; the code says why.", ...json(ref("Error")) };
const idParameter = { name: "id", in: "path", required: true, schema: { type: "string", format: "uuid" } };
const tenantParameter = { name: "tenant", in: "query", required: false, schema: { type: "string" } };
const shapeParameter = {
  name: "shape",
  in: "query",
  required: false,
  description: "What the body holds, each turned into an event. The schema of the body is that of the event.",
  schema: { enum: ["event", ...APPLICATION_SHAPES], default: "event" },
};
const waitParameter = { name: "wait", in: "query", required: false, schema: { const: "checkpoint" } };

function hookHeader(name: string, description: string, schema: JsonObject = {}): JsonObject {
  return { name, in: "header", required: false, description, schema: { type: "string", ...schema } };
}

function reading(summary: string, body: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    get: {
      summary,
      parameters: [idParameter, tenantParameter],
      responses: { "200": { description: "Found.", ...body }, ...more, "404": failure, default: failure },
    },
  };
}

/** The contract of the HTTP interface, OpenAPI 3.1. */
export function openApiDocument(version: string): JsonObject {
  const intakeResponses = {
    "201": { description: "All are stored durably.", ...json(ref("IntakeAnswer")) },
    "207": { description: "Some are stored, some are refused.", ...json(ref("IntakeAnswer")) },
    "400": { description: "All are refused.", ...json(ref("IntakeAnswer")) },
    "503": { description: "Retry with the same ids.", ...json(ref("Error")) },
    default: failure,
  };
  const search = searchPaths();
  return {
    openapi: "3.1.0",
    info: { title: "Vouchtrail", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
      schemas: {
        AuditEvent: auditEventJsonSchema(),
        Receipt: {
          type: "object",
          required: ["origin", "id", "index", "leafHash"],
          properties: {
            position: { type: "integer", description: "Place of the event in the request; only when some are refused." },
            origin: { type: "string" },
            id: { type: "string", format: "uuid" },
            index: { type: "integer" },
            leafHash: { type: "string", description: "Standard base64 of 32 bytes." },
            duplicate: { const: true },
            inclusionProof: { type: "string", description: "With wait=checkpoint: c2sp.org/tlog-proof@v1." },
          },
        },
        Fault: {
          type: "object",
          required: ["position", "code", "path", "message"],
          properties: { position: { type: "integer" }, code: ref("ErrorCode"), path: { type: "string" }, message: { type: "string" } },
        },
        IntakeAnswer: {
          type: "object",
          required: ["receipts", "errors"],
          properties: {
            receipts: { type: "array", items: ref("Receipt") },
            errors: { type: "array", items: ref("Fault") },
            error: { type: "object" },
          },
        },
        ...searchSchemas(),
        ...storySchemas(),
        ErrorCode: { enum: Object.keys(ERRORS) },
        Error: {
          type: "object",
          required: ["error"],
          properties: {
            error: {
              type: "object",
              required: ["code", "message", "requestId"],
              properties: { code: ref("ErrorCode"), message: { type: "string" }, path: { type: "string" }, requestId: { type: "string" } },
            },
          },
        },
      },
    },
    security: [{ key: [] }, {}],
    paths: {
      ...search,
      "/api/v1/events": {
        ...search["/api/v1/events"],
        post: {
          summary: "Store one event, an array, or NDJSON. Acked means durable.",
          parameters: [waitParameter, shapeParameter],
          requestBody: {
            required: true,
            content: {
              "application/json": { schema: { oneOf: [ref("AuditEvent"), { type: "array", items: ref("AuditEvent") }] } },
              "application/x-ndjson": { schema: { type: "string" } },
            },
          },
          responses: intakeResponses,
        },
      },
      "/api/v1/events/{id}": reading("One event with its entry.", json({ type: "object" }), {
        "304": { description: "If-None-Match names the ETag: nothing of the entry was erased since." },
      }),
      "/api/v1/events/{id}/inclusion-proof": reading("Its inclusion proof, c2sp.org/tlog-proof@v1.", text),
      "/api/v1/events/{id}/bundle": reading(
        "Leaf, sections, inclusion proof and verifier key for checking offline.",
        json({ type: "object" }),
      ),
      ...storyPaths(),
      "/api/v1/tail": {
        get: {
          summary: "Entries as server-sent events, as they become durable.",
          parameters: [{ name: "after", in: "query", required: false, schema: { type: "integer", minimum: -1 } }, ...FILTER_PARAMETERS],
          responses: {
            "200": { description: "A stream.", content: { "text/event-stream": { schema: { type: "string" } } } },
            default: failure,
          },
        },
      },
      "/log": {
        post: {
          summary: "Store one agent log entry, as its hook script posts it.",
          parameters: [waitParameter],
          requestBody: { required: true, ...json({ type: "object" }) },
          responses: intakeResponses,
        },
      },
      "/hooks/{agent}": {
        post: {
          summary: "Store what a hook of a coding agent tells, in the shape of that agent.",
          parameters: [
            { name: "agent", in: "path", required: true, schema: { enum: [...HOOK_AGENTS] } },
            {
              name: "event",
              in: "query",
              required: false,
              description: "The name of the hook, where the payload does not say it.",
              schema: { type: "string" },
            },
            hookHeader("x-vouchtrail-hook-id", "Id of the event: a hook that is sent again with it and the same time is stored once.", {
              format: "uuid",
            }),
            hookHeader("x-vouchtrail-hook-time", "When the hook ran.", { format: "date-time" }),
            hookHeader("x-vouchtrail-agent-id", "Who acts, in place of the name of the platform; percent-encoded UTF-8."),
            hookHeader("x-vouchtrail-session-id", "The session, where the payload names none; percent-encoded UTF-8."),
          ],
          requestBody: { required: true, ...json({ type: "object" }) },
          responses: {
            "200": {
              description:
                "It is stored. The empty object decides nothing; with hooks.redactToolOutput, hookSpecificOutput.updatedToolOutput is the output of a tool without its secrets.",
              ...json({ type: "object" }),
            },
            "400": failure,
            "404": failure,
            "409": failure,
            "503": failure,
          },
        },
      },
      ...otlpPaths(),
      "/mcp": {
        post: {
          summary: "Tools for agents: the Model Context Protocol over Streamable HTTP, revisions 2025-11-25 and 2026-07-28.",
          requestBody: { required: true, ...json({ type: "object" }) },
          responses: {
            "200": {
              description: "The answer to one message, as JSON or as a stream.",
              content: { "application/json": { schema: { type: "object" } }, "text/event-stream": { schema: { type: "string" } } },
            },
            "202": { description: "A notification was taken." },
            default: failure,
          },
        },
      },
      "/tlog/main/checkpoint": {
        get: { summary: "The newest signed checkpoint.", security: [], responses: { "200": { description: "A signed note.", ...text } } },
      },
      "/tlog/main/vkey": { get: { summary: "The verifier key.", security: [], responses: { "200": { description: "A key.", ...text } } } },
      "/tlog/main/tile/{path}": {
        get: {
          summary: "Hash tiles and entry bundles, C2SP tlog-tiles.",
          parameters: [{ name: "path", in: "path", required: true, schema: { type: "string" } }],
          responses: { "200": { description: "Bytes.", content: { "application/octet-stream": {} } }, "404": failure },
        },
      },
      "/healthz": { get: { summary: "Liveness.", security: [], responses: { "200": { description: "The process runs." } } } },
      "/readyz": {
        get: {
          summary: "Readiness with reasons.",
          security: [],
          responses: { "200": { description: "Events are accepted." }, "503": { description: "They are not; the reasons say why." } },
        },
      },
      "/openapi.json": {
        get: {
          summary: "This document.",
          security: [],
          responses: { "200": { description: "OpenAPI 3.1.", ...json({ type: "object" }) } },
        },
      },
      "/metrics": {
        get: {
          summary: "Prometheus metrics, over all tenants: for keys without a tenant.",
          responses: { "200": { description: "Text.", ...text } },
        },
      },
    },
  };
}
