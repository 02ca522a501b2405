import { z } from "zod";
import {
  ACTION_CHARS_MAX,
  ACTIVITY_NAME_CHARS_MAX,
  CODE_CHARS_MAX,
  CONTEXT_ID_CHARS_MAX,
  ID_CHARS_MAX,
  LABEL_NAME_CHARS_MAX,
  LABEL_VALUE_CHARS_MAX,
  LABELS_MAX,
  LIST_MEMBERS_MAX,
  MODEL_CHARS_MAX,
  NAME_CHARS_MAX,
  ON_BEHALF_OF_MAX,
  SOURCE_CHARS_MAX,
  SPAN_ID_CHARS_MAX,
  TENANT_CHARS_MAX,
  TRACE_ID_CHARS_MAX,
  TYPE_CHARS_MAX,
  URL_CHARS_MAX,
} from "./limits.ts";

/** Any JSON value. Values arrive through a JSON parser, so they are not walked again here. */
export type Json = unknown;
/** Any JSON object. */
export type JsonObject = Record<string, unknown>;

/** The schema version that this package reads and writes. */
export const EVENT_SCHEMA = "vouchtrail/1";

const ACTION_PATTERN = /^[A-Za-z0-9._:/-]+$/;
const TENANT_PATTERN = /^[A-Za-z0-9._-]+$/;
// Leaf text: no control characters, no lone surrogates, so that its size in the leaf is bounded.
const LEAF_TEXT_PATTERN = /^(?:[^\u0000-\u001f\u007f\ud800-\udfff]|[\ud800-\udbff][\udc00-\udfff])*$/;
// RFC 3339 section 5.6, years 0001 to 9999, any offset, up to nine fractional digits.
const RFC3339_PATTERN =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const UUID_PATTERN = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

const leafText = (charsMax: number) =>
  z.string().min(1).max(charsMax).regex(LEAF_TEXT_PATTERN, "Control characters and lone surrogates are not allowed here.");
const text = (charsMax: number) => z.string().max(charsMax);
const json = z.unknown();
// Objects only. `z.record` would walk and copy every member; the JSON parser has already made sure of the rest.
const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "Expected an object.",
);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** RFC 3339 text as the caller wrote it, checked against the calendar. */
export const TimestampSchema = z
  .string()
  .regex(RFC3339_PATTERN, "Expected an RFC 3339 time with a zone, such as 2026-01-31T12:00:00.000Z.")
  .refine(isCalendarDate, "There is no such day.");

function isCalendarDate(timestamp: string): boolean {
  const day = Number(timestamp.slice(8, 10));
  if (day <= 28) return true;
  const month = Number(timestamp.slice(5, 7));
  const year = Number(timestamp.slice(0, 4));
  if (month === 2) return day === 29 && ((year % 4 === 0 && year % 100 !== 0) || year % 400 === 0);
  return day <= 30 || ![4, 6, 9, 11].includes(month);
}

export const EventIdSchema = z.string().regex(UUID_PATTERN, "Expected a UUID.");
export const TenantSchema = z.string().min(1).max(TENANT_CHARS_MAX).regex(TENANT_PATTERN, "Only letters, digits and . _ - are allowed.");
export const ActionSchema = z
  .string()
  .min(1)
  .max(ACTION_CHARS_MAX)
  .regex(ACTION_PATTERN, "Only letters, digits and . _ : / - are allowed.");

export const ACTOR_TYPES = ["user", "agent", "system", "webhook", "service"] as const;
export const OUTCOME_STATUSES = ["success", "failure", "partial", "pending", "denied"] as const;
export const PHASES = ["intent", "outcome"] as const;
export const PROOF_TYPES = ["screenshot", "api_response", "hash", "url", "none"] as const;
export const PERMISSION_LEVELS = ["readonly", "read-write", "admin"] as const;
export const ACTIVITY_TYPES = [
  "tool",
  "skill",
  "external",
  "decision",
  "approval",
  "handoff",
  "message",
  "task",
  "limit",
  "error",
] as const;

const ActorTypeSchema = z.enum(ACTOR_TYPES);
const PartySchema = z.strictObject({ type: leafText(TYPE_CHARS_MAX), id: leafText(ID_CHARS_MAX), name: text(NAME_CHARS_MAX).optional() });

export const ActorSchema = z.strictObject({
  type: ActorTypeSchema,
  id: leafText(ID_CHARS_MAX),
  name: text(NAME_CHARS_MAX).optional(),
  email: text(NAME_CHARS_MAX).optional(),
  onBehalfOf: z.array(PartySchema).max(ON_BEHALF_OF_MAX).optional(),
});

export const TargetSchema = z.strictObject({
  type: leafText(TYPE_CHARS_MAX),
  id: leafText(ID_CHARS_MAX),
  name: text(NAME_CHARS_MAX).optional(),
});

export const OutcomeSchema = z.strictObject({
  status: z.enum(OUTCOME_STATUSES),
  code: leafText(CODE_CHARS_MAX).optional(),
  message: z.string().optional(),
  result: json.optional(),
});

export const ProofSchema = z.strictObject({
  type: z.enum(PROOF_TYPES),
  data: jsonObject.optional(),
  url: text(URL_CHARS_MAX).optional(),
  hash: text(NAME_CHARS_MAX).optional(),
  capturedAt: TimestampSchema.optional(),
});

export const ChangesSchema = z.strictObject({
  before: jsonObject.optional(),
  after: jsonObject.optional(),
  fields: z.array(text(NAME_CHARS_MAX)).max(LIST_MEMBERS_MAX).optional(),
});

/** What an agent did. The body stands under the key of its type; a body under another key is refused. */
export const ActivitySchema = z
  .strictObject({
    type: z.enum(ACTIVITY_TYPES),
    name: leafText(ACTIVITY_NAME_CHARS_MAX),
    tool: z.strictObject({ name: text(NAME_CHARS_MAX), parameters: json.optional() }).optional(),
    skill: z
      .strictObject({ name: text(NAME_CHARS_MAX), operation: text(NAME_CHARS_MAX).optional(), parameters: json.optional() })
      .optional(),
    external: z
      .strictObject({ type: z.enum(["web_search", "web_fetch", "api_call"]), target: z.string(), parameters: json.optional() })
      .optional(),
    decision: z
      .strictObject({
        question: z.string(),
        optionsConsidered: z
          .array(z.strictObject({ option: z.string(), reasoning: z.string().optional(), score: z.number().optional() }))
          .max(LIST_MEMBERS_MAX)
          .optional(),
        chosen: z.string(),
        confidence: z.number().optional(),
      })
      .optional(),
    approval: z
      .strictObject({
        state: z.enum(["created", "approved", "rejected", "expired"]),
        approver: z.strictObject({ type: text(NAME_CHARS_MAX), id: text(NAME_CHARS_MAX) }).optional(),
        shown: json.optional(),
        observed: z.boolean().optional(),
      })
      .optional(),
    handoff: z
      .strictObject({ from: text(NAME_CHARS_MAX).optional(), to: text(NAME_CHARS_MAX).optional(), reason: z.string().optional() })
      .optional(),
    message: z.strictObject({ role: text(NAME_CHARS_MAX).optional(), text: z.string().optional() }).optional(),
    task: z.strictObject({ state: z.enum(["queued", "completed", "failed"]) }).optional(),
    limit: z
      .strictObject({
        kind: z.enum(["rate", "budget"]),
        used: z.number().optional(),
        limit: z.number().optional(),
        unit: text(NAME_CHARS_MAX).optional(),
        window: text(NAME_CHARS_MAX).optional(),
      })
      .optional(),
    error: z.strictObject({ type: text(NAME_CHARS_MAX).optional(), message: z.string().optional() }).optional(),
  })
  .check((context) => {
    const activity = context.value;
    for (const type of ACTIVITY_TYPES) {
      if (type !== activity.type && activity[type] !== undefined) {
        context.issues.push({
          code: "custom",
          path: [type],
          input: undefined,
          message: `The activity is of type ${activity.type}: its body stands under "${activity.type}".`,
        });
      }
    }
  });

export const UsageSchema = z.strictObject({
  tokensInput: count.optional(),
  tokensOutput: count.optional(),
  tokensCacheRead: count.optional(),
  tokensCacheWrite: count.optional(),
  durationMs: z.number().min(0).optional(),
  costUsd: z.number().optional(),
  model: leafText(MODEL_CHARS_MAX).optional(),
});

export const SecuritySchema = z.strictObject({
  permissionLevel: z.enum(PERMISSION_LEVELS).optional(),
  resourcesAccessed: z
    .array(z.strictObject({ type: text(NAME_CHARS_MAX), identifier: z.string() }))
    .max(LIST_MEMBERS_MAX)
    .optional(),
  sensitiveDataAccessed: z.boolean().optional(),
});

const contextId = leafText(CONTEXT_ID_CHARS_MAX).optional();

export const ContextSchema = z.strictObject({
  sessionId: contextId,
  conversationId: contextId,
  taskId: contextId,
  callId: contextId,
  approvalId: contextId,
  requestId: contextId,
  traceId: leafText(TRACE_ID_CHARS_MAX).optional(),
  spanId: leafText(SPAN_ID_CHARS_MAX).optional(),
  correlationId: contextId,
  parentEventId: leafText(TRACE_ID_CHARS_MAX).optional(),
  ipAddress: text(NAME_CHARS_MAX).optional(),
  userAgent: text(URL_CHARS_MAX).optional(),
});

export const SourceSchema = z.strictObject({
  name: leafText(SOURCE_CHARS_MAX),
  instance: leafText(SOURCE_CHARS_MAX),
  sequence: count,
});

const LabelsSchema = z
  .record(text(LABEL_NAME_CHARS_MAX), text(LABEL_VALUE_CHARS_MAX))
  .refine((labels) => Object.keys(labels).length <= LABELS_MAX, `At most ${LABELS_MAX} labels.`);

const APPROVAL_DECISIONS = new Set(["ai.approval_approved", "ai.approval_rejected"]);

const eventShape = {
  id: EventIdSchema,
  occurredAt: TimestampSchema,
  tenant: TenantSchema,
  action: ActionSchema,
  actor: ActorSchema,
  target: TargetSchema,
  outcome: OutcomeSchema,
  phase: z.enum(PHASES).optional(),
  proof: ProofSchema.optional(),
  changes: ChangesSchema.optional(),
  details: jsonObject.optional(),
  labels: LabelsSchema.optional(),
  activity: ActivitySchema.optional(),
  usage: UsageSchema.optional(),
  security: SecuritySchema.optional(),
  context: ContextSchema.optional(),
  source: SourceSchema.optional(),
  /** Members that a newer schema has and this version does not know; filled by intake, never by a caller. */
  extensions: jsonObject.optional(),
};

interface ApprovalParts {
  action: string;
  actor?: { type: string } | undefined;
  activity?: { type: string; approval?: { state: string; approver?: unknown } | undefined } | undefined;
}

function namesItsApprover(event: ApprovalParts): boolean {
  const isDecision =
    APPROVAL_DECISIONS.has(event.action) ||
    (event.activity?.type === "approval" && ["approved", "rejected"].includes(event.activity.approval?.state ?? ""));
  // A user who acts is the one who decided; anybody else has to say who did.
  return !isDecision || event.actor?.type === "user" || event.activity?.approval?.approver !== undefined;
}
const APPROVER_FAULT = {
  message: "An approval that was given or refused must name who decided.",
  path: ["activity", "approval", "approver"],
};

/** The event as the trail keeps it: {@link AuditEvent}. */
export const AuditEventSchema = z.strictObject(eventShape).refine(namesItsApprover, APPROVER_FAULT);

/**
 * The event as a caller sends it: `id`, `occurredAt`, `tenant` and `target` may be absent. The server fills them with a UUIDv7, the time of
 * arrival, the key's tenant (else "default") and, when there is an activity, `{ type: activity.type, id: activity.name }`.
 */
export const AuditEventInputSchema = z
  .strictObject({
    ...eventShape,
    schema: z.string().max(TYPE_CHARS_MAX).optional(),
    id: EventIdSchema.optional(),
    occurredAt: TimestampSchema.optional(),
    tenant: TenantSchema.optional(),
    target: TargetSchema.optional(),
    outcome: OutcomeSchema,
  })
  .refine((event) => event.target !== undefined || event.activity !== undefined, {
    message: "A target is required unless there is an activity.",
    path: ["target"],
  })
  .refine(namesItsApprover, APPROVER_FAULT);

export type AuditEvent = z.infer<typeof AuditEventSchema>;
export type AuditEventInput = z.infer<typeof AuditEventInputSchema>;
export type Actor = z.infer<typeof ActorSchema>;
export type ActorType = (typeof ACTOR_TYPES)[number];
export type Target = z.infer<typeof TargetSchema>;
export type Outcome = z.infer<typeof OutcomeSchema>;
export type OutcomeStatus = (typeof OUTCOME_STATUSES)[number];
export type Proof = z.infer<typeof ProofSchema>;
export type Changes = z.infer<typeof ChangesSchema>;
export type Activity = z.infer<typeof ActivitySchema>;
export type ActivityType = (typeof ACTIVITY_TYPES)[number];
export type Usage = z.infer<typeof UsageSchema>;
export type Security = z.infer<typeof SecuritySchema>;
export type Context = z.infer<typeof ContextSchema>;
export type Source = z.infer<typeof SourceSchema>;

/** JSON Schema (draft 2020-12) of the event as a caller sends it. */
export function auditEventJsonSchema(): JsonObject {
  return z.toJSONSchema(AuditEventInputSchema, { io: "input", unrepresentable: "any" }) as JsonObject;
}
