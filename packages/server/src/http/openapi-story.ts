import { APPROVAL_STATES, APPROVER_KINDS, type JsonObject, LINK_ROLES, OUTCOME_STATUSES, STEP_KINDS } from "@vouchtrail/events";
import { STORY_ENTRIES_MAX } from "../reading/story/limits.ts";
import { SESSION_MEMBERS } from "./openapi-session.ts";
import { STORY_PARAMETERS } from "./story-routes.ts";

/** The part of the OpenAPI document that tells of stories and explanations. */

const json = (schema: JsonObject): JsonObject => ({ content: { "application/json": { schema } } });
const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const list = (items: JsonObject): JsonObject => ({ type: "array", items });
const failure = { description: "Refused; the code says why.", ...json(ref("Error")) };
const text = { type: "string" };
const time = { type: "string", format: "date-time" };
const integer = { type: "integer", minimum: 0 };
const amount = { type: "number", minimum: 0 };
const basis = { enum: ["joined", "inferred"] };

const OPTIONS: Readonly<Record<string, JsonObject>> = {
  tenant: { ...text, description: "Needed only where several tenants have one of this id." },
  limit: {
    type: "integer",
    minimum: 1,
    maximum: STORY_ENTRIES_MAX,
    default: STORY_ENTRIES_MAX,
    description: "Entries that are read for one answer.",
  },
  cursor: { ...text, description: "nextCursor of the part before." },
  wait: { const: "searchable", description: "First waits until everything that is stored now can be found." },
};

function object(properties: JsonObject, optional: readonly string[] = []): JsonObject {
  return { type: "object", required: Object.keys(properties).filter((name) => !optional.includes(name)), properties };
}

function reading(url: keyof typeof STORY_PARAMETERS, summary: string, answer: string, id: JsonObject): JsonObject {
  const parameters = STORY_PARAMETERS[url].map((name) => ({ name, in: "query", required: false, schema: OPTIONS[name] ?? text }));
  return {
    get: {
      summary,
      parameters: [{ name: "id", in: "path", required: true, schema: id }, ...parameters],
      responses: { "200": { description: "Found.", ...json(ref(answer)) }, "404": failure, default: failure },
    },
  };
}

/** Paths of stories and explanations. */
export function storyPaths(): Readonly<Record<string, JsonObject>> {
  return {
    "/api/v1/sessions/{id}": reading(
      "/api/v1/sessions/:id",
      "One session as a story: prompts, below them what was done.",
      "SessionStory",
      text,
    ),
    "/api/v1/events/{id}/explain": reading(
      "/api/v1/events/:id/explain",
      "Why an event happened: prompt, decision, approval, action, outcome, each with its inclusion proof.",
      "Explanation",
      { type: "string", format: "uuid" },
    ),
  };
}

/** Schemas that the paths above name. */
export function storySchemas(): Readonly<Record<string, JsonObject>> {
  const readState = { treeSize: integer, searchedTo: integer };
  const entry = object({ index: integer, id: text, via: text, phase: text }, ["phase"]);
  return {
    StoryApproval: object(
      {
        state: { enum: [...APPROVAL_STATES] },
        by: object({ kind: { enum: [...APPROVER_KINDS] }, id: text }, ["id"]),
        requestedAt: time,
        answeredAt: time,
        latencyMs: amount,
        shown: object({ sha256: text, preview: text }),
        basis: { enum: ["observed", "inferred"] },
        entries: list(entry),
      },
      ["requestedAt", "answeredAt", "latencyMs", "shown"],
    ),
    SessionStep: object(
      {
        kind: { enum: [...STEP_KINDS] },
        at: time,
        endedAt: time,
        durationMs: amount,
        title: text,
        text,
        outcome: object({ status: { enum: [...OUTCOME_STATUSES] }, code: text, message: text }, ["code", "message"]),
        callId: text,
        tool: text,
        conversationId: text,
        subagent: text,
        actor: object({ type: text, id: text }, ["id"]),
        via: list(text),
        entries: list(entry),
        basis,
        parentBasis: basis,
        isErased: { const: true },
        approval: ref("StoryApproval"),
        children: list(ref("SessionStep")),
      },
      ["endedAt", "durationMs", "text", "callId", "tool", "conversationId", "subagent", "parentBasis", "isErased", "approval", "children"],
    ),
    SessionStory: object(
      {
        ...SESSION_MEMBERS,
        steps: list(ref("SessionStep")),
        isTruncated: { type: "boolean" },
        nextCursor: text,
        ...readState,
      },
      ["nextCursor"],
    ),
    Explanation: object(
      {
        event: { type: "object", description: "As GET /api/v1/events/{id} gives it." },
        chain: list(
          object({
            role: { enum: [...LINK_ROLES] },
            entry: { type: "object" },
            inclusionProof: { ...text, description: "c2sp.org/tlog-proof@v1." },
            bundle: ref("EvidenceBundle"),
            basis,
            why: text,
          }),
        ),
        missing: list(object({ role: { enum: [...LINK_ROLES] }, message: text })),
        approval: ref("StoryApproval"),
        checkpoint: text,
        ...readState,
      },
      ["approval"],
    ),
  };
}
