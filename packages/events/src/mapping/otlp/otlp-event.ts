import type { Activity, Actor, AuditEventInput, Context, JsonObject, Outcome, Usage } from "../../event.ts";
import {
  ACTIVITY_NAME_CHARS_MAX,
  CONTEXT_ID_CHARS_MAX,
  ID_CHARS_MAX,
  LABEL_VALUE_CHARS_MAX,
  MODEL_CHARS_MAX,
  NAME_CHARS_MAX,
  SOURCE_CHARS_MAX,
} from "../../limits.ts";
import { present } from "../json-object.ts";
import { replaceLoneSurrogates, toLeafId, toLeafName } from "../leaf-text.ts";
import { stableId } from "../stable-id.ts";
import type { OtlpItem, OtlpOptions } from "./otlp-record.ts";
import { amountAt, countAt, textAt } from "./otlp-value.ts";

/** What a preset reads from one record or span: the event without what all of them have. */
export interface OtlpTold extends Pick<AuditEventInput, "action" | "outcome" | "phase" | "target" | "activity" | "usage" | "source"> {
  readonly actor: Actor;
  /** Ids as they were sent; those that are too long for the leaf are replaced. */
  readonly context: Readonly<Record<string, string | undefined>>;
  readonly labels: Readonly<Record<string, string | undefined>>;
  /** Attributes that have found their place. The others are kept in the details. */
  readonly placed: ReadonlySet<string>;
  readonly details?: JsonObject;
  /** Parts the ids of several events of one record. */
  readonly part?: string;
}

/**
 * Completes an event. Its id is a digest of everything that was sent, so a batch that is sent again is known; without any time of its own the record
 * has none, because its time, and with it the event, would be another one each time. Rules: OTLP-20, OTLP-21.
 */
export function toOtlpEvent(item: OtlpItem, occurredAt: string | undefined, told: OtlpTold, options: OtlpOptions): AuditEventInput {
  const { placed, details: more, part, labels: candidates, context: ids, ...event } = told;
  const labels: Record<string, string> = {};
  const long: JsonObject = {};
  for (const [name, value] of Object.entries(candidates)) {
    if (value !== undefined) (value.length <= LABEL_VALUE_CHARS_MAX ? labels : long)[name] = replaceLoneSurrogates(value);
  }
  const { scope, droppedCount, traceId, spanId } = item;
  const context: Context = present({
    ...Object.fromEntries(
      Object.entries(ids).map(([name, id]) => [name, id === undefined ? undefined : toLeafId(id, CONTEXT_ID_CHARS_MAX)]),
    ),
    traceId,
    spanId,
  });
  const rest = Object.fromEntries(Object.entries(item.attributes).filter(([name]) => !placed.has(name)));
  const resource = Object.fromEntries(Object.entries(item.resource).filter(([name]) => !isIdentity(name) && name !== "service.name"));
  const details = present({
    ...long,
    ...more,
    ...(Object.keys(rest).length > 0 ? { attributes: rest } : {}),
    ...(Object.keys(resource).length > 0 ? { resource } : {}),
    ...(scope.name === undefined && scope.version === undefined ? {} : { scope }),
    ...(droppedCount > 0 ? { droppedCount } : {}),
  });
  return {
    ...(occurredAt === undefined ? {} : { id: idOf(item, part, options), occurredAt }),
    ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
    ...event,
    ...(Object.keys(context).length > 0 ? { context } : {}),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(details).length > 0 ? { details } : {}),
  };
}

function idOf(item: OtlpItem, part: string | undefined, { repetition = 0 }: OtlpOptions): string {
  return stableId("otlp", JSON.stringify(item), part ?? "", String(repetition));
}

/** Attributes that tell who a person is: they belong into the actor, which can be erased. */
const IDENTITIES: readonly (readonly [attribute: string, type: string])[] = [
  ["user.account_uuid", "user"],
  ["user.email", "email"],
  ["user.account_id", "account"],
  ["user.id", "installation"],
  ["enduser.id", "user"],
  ["organization.id", "organization"],
  ["user.groups", "group"],
];
/** The attributes of {@link personsOf}, for a preset's list of what is placed. */
export const IDENTITY_ATTRIBUTES: readonly string[] = IDENTITIES.map(([attribute]) => attribute);
const isIdentity = (name: string): boolean => IDENTITY_ATTRIBUTES.includes(name);

/** The persons for whom an agent works, as far as the record or its resource names them: the account first, then what else identifies them. */
export function personsOf({ attributes, resource }: OtlpItem): Pick<Actor, "onBehalfOf"> {
  const parties = IDENTITIES.flatMap(([attribute, type]) => {
    const value = identityText(attributes[attribute] ?? resource[attribute]);
    return value === undefined ? [] : [{ type, id: toLeafId(value, ID_CHARS_MAX) }];
  });
  return parties.length === 0 ? {} : { onBehalfOf: parties };
}

function identityText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The person who prompted, with the address where it is known. */
export function personOf(item: OtlpItem): Actor {
  const { onBehalfOf: parties = [] } = personsOf(item);
  const email = parties.find(({ type }) => type === "email")?.id;
  const [first, ...others] = parties.filter(({ type }) => type !== "email");
  if (first === undefined) return { type: "user", id: email ?? "unknown" };
  return { type: "user", id: first.id, ...(email === undefined ? {} : { email }), ...(others.length > 0 ? { onBehalfOf: others } : {}) };
}

export function agentOf(name: string, item: OtlpItem): Actor {
  return { type: "agent", id: toLeafId(name, ID_CHARS_MAX), ...personsOf(item) };
}

/** Target and activity of a tool call. */
export function toolOf(
  written: string | undefined,
  parameters: unknown,
): { target: NonNullable<AuditEventInput["target"]>; activity: Activity } {
  const name = toLeafName(written ?? "unknown", ACTIVITY_NAME_CHARS_MAX) ?? "unknown";
  return {
    target: { type: "tool", id: name },
    activity: {
      type: "tool",
      name,
      tool: {
        name: replaceLoneSurrogates((written ?? "unknown").slice(0, NAME_CHARS_MAX)),
        ...(parameters === undefined ? {} : { parameters }),
      },
    },
  };
}

/** Target and activity of a request to a model, as transcripts tell them. */
export function modelOf(written: string | undefined): { target: NonNullable<AuditEventInput["target"]>; activity: Activity } {
  const model = (written === undefined ? undefined : toLeafName(written, MODEL_CHARS_MAX)) ?? "unknown";
  return {
    target: { type: "model", id: model },
    activity: { type: "external", name: "model_call", external: { type: "api_call", target: model } },
  };
}

/** What was said; text and length are there only when the agent is told to send them. */
export function speechOf(name: string, role: string, text: string | undefined): Activity {
  return { type: "message", name, message: { role, ...(text === undefined ? {} : { text }) } };
}

/** The names under which a preset finds each part of the usage. */
export interface UsageNames {
  readonly tokensInput?: readonly string[];
  readonly tokensOutput?: readonly string[];
  readonly tokensCacheRead?: readonly string[];
  readonly tokensCacheWrite?: readonly string[];
  readonly durationMs?: readonly string[];
  readonly costUsd?: readonly string[];
  readonly model?: readonly string[];
}

/** Usage, and the attributes that it was read from. Whatever is no number of its kind stays in the details. */
export function usageOf(attributes: JsonObject, names: UsageNames): { usage: Usage; placed: readonly string[] } {
  const usage: Usage = {};
  const placed: string[] = [];
  for (const key of ["tokensInput", "tokensOutput", "tokensCacheRead", "tokensCacheWrite", "durationMs", "costUsd"] as const) {
    const read = key === "durationMs" || key === "costUsd" ? amountAt : countAt;
    const name = names[key]?.find((candidate) => read(attributes, candidate) !== undefined);
    const value = name === undefined ? undefined : read(attributes, name);
    if (name === undefined || value === undefined) continue;
    usage[key] = value;
    placed.push(name);
  }
  const modelName = names.model?.find((candidate) => textAt(attributes, candidate) !== undefined);
  const written = modelName === undefined ? undefined : textAt(attributes, modelName);
  const model = written === undefined ? undefined : toLeafName(written, MODEL_CHARS_MAX);
  if (model !== undefined && modelName !== undefined) {
    usage.model = model;
    if (model === written) placed.push(modelName);
  }
  return { usage, placed };
}

export function withUsage(usage: Usage): { usage?: Usage } {
  return Object.keys(usage).length === 0 ? {} : { usage };
}

export function failure(code: string, message: string | undefined): Outcome {
  return { status: "failure", code, ...(message === undefined ? {} : { message }) };
}

/** Text as part of an action: `agent.telemetry.<part>`, at most 64 characters. */
export function actionPart(name: string): string {
  const part = name.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 64);
  return part === "" ? "unknown" : part;
}

/** The source with its number, by which a gap shows. */
export function sourceOf(
  name: string | undefined,
  instance: string | undefined,
  sequence: number | undefined,
): Pick<AuditEventInput, "source"> {
  if (name === undefined || instance === undefined || sequence === undefined) return {};
  return { source: { name: toLeafId(name, SOURCE_CHARS_MAX), instance: toLeafId(instance, SOURCE_CHARS_MAX), sequence } };
}
