import { AuditEventInputSchema } from "@vouchtrail/events";
import { z } from "zod";
import { CONTEXT_ID_CHARS_MAX } from "../limits.ts";

// The parts of the event that tools take, from its one schema. What the schema checks with code of its own is written as JSON Schema can say it.
const { shape } = AuditEventInputSchema;

// What is checked again where the event is taken is left out here: every session of an agent pays for the size of these schemas.
const contextId = z.string().min(1).max(CONTEXT_ID_CHARS_MAX).optional();
const party = { type: z.string().min(1), id: z.string().min(1) };

export const JsonObjectSchema = z.record(z.string(), z.unknown());

export const TargetInputSchema = z
  .strictObject({ ...party, name: z.string().optional() })
  .describe('What it was done to, such as { "type": "repository", "id": "acme/site" }.');
export const ActionInputSchema = shape.action.describe("What was done, as words joined by dots: deployment.started, ticket.closed.");
export const OutcomeInputSchema = shape.outcome
  .extend({ code: z.string().min(1).max(64).optional() })
  .describe("How it ended. A code names the kind of failure, such as TIMEOUT.");
export const ProofInputSchema = shape.proof
  .unwrap()
  .extend({ data: JsonObjectSchema.optional(), capturedAt: z.string().optional() })
  .describe("Evidence that it took place: an API response, the hash of an artefact, a URL, a screenshot.");
export const DecisionInputSchema = shape.activity.unwrap().shape.decision.unwrap();
export const UsageInputSchema = shape.usage
  .unwrap()
  .extend({ model: z.string().min(1).optional() })
  .describe("What it took: duration, tokens, costs.");
export const DetailsInputSchema = JsonObjectSchema.describe("Anything else worth keeping. No secrets.");
export const LabelsInputSchema = shape.labels.unwrap().describe("Short texts to search by.");

/** Ids that join an event to others. The trace comes with the call. */
export const ContextInputSchema = z
  .strictObject({
    sessionId: contextId,
    conversationId: contextId,
    taskId: contextId,
    callId: contextId,
    requestId: contextId,
    correlationId: contextId,
    parentEventId: contextId,
  })
  .describe("Ids that join this event to others. Give the id of your session if you know it.");

export const EventIdInputSchema = shape.id
  .unwrap()
  .describe("A UUID of your own, with occurredAt: sending the same event again with both stores it once.");
export const OccurredAtInputSchema = shape.occurredAt.unwrap().describe("When it happened, RFC 3339. Default: now.");

/** What became of a written event. */
export const RecordedSchema = z.looseObject({
  state: z
    .enum(["stored", "spooled", "queued"])
    .describe("stored: in the trail. spooled: on this machine's disk until the trail is back. queued: in the outbox of the database."),
  id: z.string().describe("UUID of the event."),
  receipt: z
    .looseObject({
      origin: z.string(),
      id: z.string(),
      index: z.number(),
      leafHash: z.string(),
      duplicate: z.boolean().optional(),
    })
    .optional()
    .describe("Where the trail keeps the event; only when it is stored."),
});
