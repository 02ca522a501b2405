import { z } from "zod";
import { AuditError } from "../errors.ts";
import {
  type Activity,
  ActivitySchema,
  type AuditEvent,
  type AuditEventInput,
  type Context,
  EventIdSchema,
  type JsonObject,
  type Outcome,
  PERMISSION_LEVELS,
  type Security,
  SecuritySchema,
  TimestampSchema,
  type Usage,
  UsageSchema,
} from "../event.ts";
import { ACTIVITY_NAME_CHARS_MAX, CODE_CHARS_MAX, CONTEXT_ID_CHARS_MAX, ID_CHARS_MAX } from "../limits.ts";
import { repairAgentLogEntry } from "./agent-log-entry-repair.ts";
import { isObject, present } from "./json-object.ts";
import { isLeafText, toLeafName } from "./leaf-text.ts";
import { Remainder } from "./remainder.ts";
import { stableId } from "./stable-id.ts";

/** What the agent log entry can say that an agent did, and the action under which the trail keeps it. */
const ACTION_OF = {
  tool: "ai.tool_call",
  skill: "ai.skill_call",
  external: "ai.external_call",
  decision: "ai.decision",
  error: "ai.error",
} as const;
const ACTION_TYPES = ["tool", "skill", "external", "decision", "error"] as const;
type ActionType = (typeof ACTION_TYPES)[number];

const agentId = z
  .string()
  .refine((id) => isLeafText(id, ID_CHARS_MAX), `Expected 1 to ${ID_CHARS_MAX} characters without control characters.`);
const count = z.int().min(0);
const parameters = z.unknown().optional();

/**
 * One agent log entry: snake_case, one body under the key of its type. Keys that are not named here are allowed everywhere and kept.
 * `id` is any text; one that is a UUID becomes the event's id.
 */
export const AgentLogEntrySchema = z.looseObject({
  id: z.string().min(1),
  timestamp: TimestampSchema,
  agent: z.looseObject({ id: agentId, session_id: z.string().nullish(), conversation_id: z.string().nullish() }),
  action: z.looseObject({
    type: z.enum(ACTION_TYPES),
    name: z.string().min(1),
    tool: z.looseObject({ name: z.string(), parameters }).nullish(),
    skill: z.looseObject({ name: z.string(), operation: z.string().nullish(), parameters }).nullish(),
    external: z.looseObject({ type: z.enum(["web_search", "web_fetch", "api_call"]), target: z.string(), parameters }).nullish(),
    decision: z
      .looseObject({
        question: z.string(),
        options_considered: z
          .array(z.looseObject({ option: z.string(), reasoning: z.string().nullish(), score: z.number().nullish() }))
          .nullish(),
        chosen: z.string(),
        confidence: z.number().nullish(),
      })
      .nullish(),
  }),
  outcome: z.looseObject({
    status: z.enum(["success", "failure", "partial"]),
    result: z.unknown().optional(),
    error: z.looseObject({ type: z.string().nullish(), message: z.string().nullish() }).nullish(),
  }),
  resources: z
    .looseObject({
      tokens_input: count.nullish(),
      tokens_output: count.nullish(),
      duration_ms: z.number().min(0).nullish(),
      cost_usd: z.number().nullish(),
    })
    .nullish(),
  security: z
    .looseObject({
      permission_level: z.enum(PERMISSION_LEVELS).nullish(),
      resources_accessed: z.array(z.looseObject({ type: z.string(), identifier: z.string() })).nullish(),
      sensitive_data_accessed: z.boolean().nullish(),
    })
    .nullish(),
});
export type AgentLogEntry = z.infer<typeof AgentLogEntrySchema>;

// What even the lenient reading needs: without these there is nothing to record.
const LenientEntrySchema = z.looseObject({
  agent: z.looseObject({ id: agentId }),
  action: z.looseObject({ type: z.enum(ACTION_TYPES), name: z.string().min(1) }),
  outcome: z.looseObject({ status: z.enum(["success", "failure", "partial"]) }),
});

/** The key of `details` that holds what the event has no place for, at the paths of the entry. */
const REST_KEY = "agentLogEntry";

const ActionBodySchemas = ActivitySchema.shape;

/**
 * Turns one agent log entry into an event. Law: `toAgentLogEntry(fromAgentLogEntry(entry).event)` equals `entry` (MAPPING-1).
 *
 * @param entry Parsed JSON.
 * @param options `tenant` is set on the event. `lenient` takes what shell hooks send: a time without colon or zone, empty or missing ids,
 *   null parameters and results, `"null"` or missing names; what has a wrong type but is not needed is kept as it is.
 * @returns The event and one sentence for each repair. Without an id (lenient only) the event has none either, and without a readable
 *   time it has no `occurredAt`: the server fills both.
 * @throws {AuditError} `SHAPE_INVALID` with the path of the first fault.
 */
export function fromAgentLogEntry(
  entry: unknown,
  options: { readonly tenant?: string; readonly lenient?: boolean } = {},
): { event: AuditEventInput; notes: string[] } {
  const notes: string[] = [];
  const source = options.lenient === true ? repairAgentLogEntry(entry, notes) : entry;
  check(options.lenient === true ? LenientEntrySchema : AgentLogEntrySchema, source);
  const rest = new Remainder(source as JsonObject);

  const id = rest.take(["id"], (value) => EventIdSchema.safeParse(value).success) as string | undefined;
  const foreignId = id === undefined ? rest.at(["id"]) : undefined;
  const occurredAt = rest.take(["timestamp"], (value) => TimestampSchema.safeParse(value).success) as string | undefined;
  const actorId = rest.take(["agent", "id"], isString) as string;
  const context = takeContext(rest);
  const type = rest.take(["action", "type"], isString) as ActionType;
  const activity = takeActivity(rest, type, notes);
  const outcome = takeOutcome(rest);
  const usage = takeUsage(rest);
  const security = takeSecurity(rest);
  const remainder = rest.value();

  const event: AuditEventInput = {
    action: ACTION_OF[type],
    actor: { type: "agent", id: actorId },
    target: { type: activity.type, id: activity.name },
    outcome,
    activity,
    ...(id !== undefined && { id }),
    ...(typeof foreignId === "string" && { id: stableId("agent-log-entry", foreignId) }),
    ...(occurredAt !== undefined && { occurredAt }),
    ...(options.tenant !== undefined && { tenant: options.tenant }),
    ...(context !== undefined && { context }),
    ...(usage !== undefined && { usage }),
    ...(security !== undefined && { security }),
    ...(remainder !== undefined && { details: { [REST_KEY]: remainder } }),
  };
  if (typeof foreignId === "string") notes.push("id is not a UUID: kept, and the event's id is derived from it");
  return { event, notes };
}

/**
 * Turns an event back into an agent log entry. Exact for events made by {@link fromAgentLogEntry}. For other events the shape is narrower:
 * `denied` becomes `failure` and `pending` becomes `partial`, and members without a place (proof, changes, labels) are left out.
 *
 * @throws {AuditError} `SHAPE_INVALID` when the event has no activity of type tool, skill, external, decision or error.
 */
export function toAgentLogEntry(event: AuditEvent): AgentLogEntry {
  const activity = event.activity;
  if (activity === undefined || !isActionType(activity.type)) {
    throw new AuditError("SHAPE_INVALID", {
      path: "activity.type",
      message: `An agent log entry tells of ${ACTION_TYPES.join(", ")}; this event has ${activity === undefined ? "no activity" : "another activity"}.`,
    });
  }
  const { status, code, message } = event.outcome;
  const entry: JsonObject = {
    id: event.id,
    timestamp: event.occurredAt,
    agent: present({ id: event.actor.id, session_id: event.context?.sessionId, conversation_id: event.context?.conversationId }),
    action: present({ type: activity.type, name: activity.name, [activity.type]: toActionBody(activity) }),
    outcome: {
      status: status === "denied" ? "failure" : status === "pending" ? "partial" : status,
      ...("result" in event.outcome && { result: event.outcome.result }),
      ...((code !== undefined || message !== undefined) && { error: present({ type: code, message }) }),
    },
  };
  const { usage, security } = event;
  const resources = present({
    tokens_input: usage?.tokensInput,
    tokens_output: usage?.tokensOutput,
    duration_ms: usage?.durationMs,
    cost_usd: usage?.costUsd,
  });
  if (Object.keys(resources).length > 0) entry.resources = resources;
  const access = present({
    permission_level: security?.permissionLevel,
    resources_accessed: security?.resourcesAccessed,
    sensitive_data_accessed: security?.sensitiveDataAccessed,
  });
  if (Object.keys(access).length > 0) entry.security = access;
  const rest = event.details?.[REST_KEY];
  return (isObject(rest) ? merge(entry, rest) : entry) as AgentLogEntry;
}

function takeContext(rest: Remainder): Context | undefined {
  const isContextId = (value: unknown): boolean => isLeafText(value, CONTEXT_ID_CHARS_MAX);
  return orNothing(
    present({
      sessionId: rest.take(["agent", "session_id"], isContextId),
      conversationId: rest.take(["agent", "conversation_id"], isContextId),
    }) as Context,
  );
}

function takeActivity(rest: Remainder, type: ActionType, notes: string[]): Activity {
  let name = rest.take(["action", "name"], (value) => isLeafText(value, ACTIVITY_NAME_CHARS_MAX)) as string | undefined;
  if (name === undefined) {
    name = toLeafName(rest.at(["action", "name"]) as string, ACTIVITY_NAME_CHARS_MAX) ?? "unknown";
    notes.push("action.name does not fit a leaf: cut or cleaned there, and kept whole in details");
  }
  const activity: Activity = { type, name };
  if (type === "tool") activity.tool = takeBody(rest, type, { name: "name", parameters: "parameters" });
  else if (type === "skill") activity.skill = takeBody(rest, type, { name: "name", operation: "operation", parameters: "parameters" });
  else if (type === "external") activity.external = takeBody(rest, type, { type: "type", target: "target", parameters: "parameters" });
  else if (type === "decision") {
    activity.decision = takeBody(rest, type, {
      question: "question",
      optionsConsidered: "options_considered",
      chosen: "chosen",
      confidence: "confidence",
    });
  }
  return present(activity) as Activity;
}

/** Takes the body of an action, member by member; all of it stays in the rest when its required members do not fit. */
function takeBody<Type extends "tool" | "skill" | "external" | "decision">(
  rest: Remainder,
  type: Type,
  names: Readonly<Record<string, string>>,
): Activity[Type] {
  const path = ["action", type];
  if (!isObject(rest.at(path))) return undefined;
  const schema = ActionBodySchemas[type].unwrap();
  const members: Readonly<Record<string, z.ZodType>> = schema.shape;
  const fitting = Object.entries(names).filter(([member, name]) => {
    const value = rest.at([...path, name]);
    return value !== undefined && members[member]?.safeParse(value).success === true;
  });
  const body: JsonObject = {};
  for (const [member, name] of fitting) body[member] = rest.at([...path, name]);
  if (!schema.safeParse(body).success) return undefined;
  for (const [, name] of fitting) rest.take([...path, name], () => true);
  return body as Activity[Type];
}

function takeOutcome(rest: Remainder): Outcome {
  const outcome: JsonObject = { status: rest.take(["outcome", "status"], isString) };
  const code = rest.take(["outcome", "error", "type"], (value) => isLeafText(value, CODE_CHARS_MAX));
  if (code !== undefined) outcome.code = code;
  const message = rest.take(["outcome", "error", "message"], isString);
  if (message !== undefined) outcome.message = message;
  const result = rest.take(["outcome", "result"], () => true);
  if (result !== undefined) outcome.result = result;
  return outcome as Outcome;
}

function takeUsage(rest: Remainder): Usage | undefined {
  const member = (name: string, schema: z.ZodType): unknown => rest.take(["resources", name], (value) => schema.safeParse(value).success);
  const shape = UsageSchema.shape;
  return orNothing(
    present({
      tokensInput: member("tokens_input", shape.tokensInput),
      tokensOutput: member("tokens_output", shape.tokensOutput),
      durationMs: member("duration_ms", shape.durationMs),
      costUsd: member("cost_usd", shape.costUsd),
    }) as Usage,
  );
}

function takeSecurity(rest: Remainder): Security | undefined {
  const member = (name: string, schema: z.ZodType): unknown => rest.take(["security", name], (value) => schema.safeParse(value).success);
  const shape = SecuritySchema.shape;
  return orNothing(
    present({
      permissionLevel: member("permission_level", shape.permissionLevel),
      resourcesAccessed: member("resources_accessed", shape.resourcesAccessed),
      sensitiveDataAccessed: member("sensitive_data_accessed", shape.sensitiveDataAccessed),
    }) as Security,
  );
}

function toActionBody(activity: Activity): JsonObject | undefined {
  const { decision } = activity;
  if (decision === undefined) return activity.tool ?? activity.skill ?? activity.external ?? activity.error;
  return present({
    question: decision.question,
    options_considered: decision.optionsConsidered,
    chosen: decision.chosen,
    confidence: decision.confidence,
  });
}

function check(schema: z.ZodType, value: unknown): void {
  const parsed = schema.safeParse(value);
  if (parsed.success) return;
  const issue = parsed.error.issues[0];
  const path = issue?.path.join(".") ?? "";
  throw new AuditError("SHAPE_INVALID", {
    path,
    message: `${path === "" ? "The entry" : path}: ${issue?.message ?? "is not an agent log entry"}`,
  });
}

/** `base` with the members of `extra` added; objects on both sides are merged, anything else is replaced. */
function merge(base: JsonObject, extra: JsonObject): JsonObject {
  const members = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(extra)) {
    const own = members.get(key);
    members.set(key, isObject(own) && isObject(value) ? merge(own, value) : value);
  }
  return Object.fromEntries(members);
}

function orNothing<Value extends object>(value: Value): Value | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}
function isActionType(type: string): type is ActionType {
  return (ACTION_TYPES as readonly string[]).includes(type);
}
function isString(value: unknown): value is string {
  return typeof value === "string";
}
