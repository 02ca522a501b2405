/** An event as readable fields. A field that the table does not name is shown as JSON: nothing is left out. */

import { make, makeButton } from "./elements.ts";
import { type ListedEntry, valueAt } from "./entry-text.ts";
import { foldedJson, foldedText } from "./folded-text.ts";
import { filterFor, type QueryFilter } from "./query-text.ts";
import { isObject } from "./sealed-event.ts";
import { durationText, localTime } from "./time-text.ts";
import { visibleLine } from "./visible-text.ts";

interface Field {
  readonly label: string;
  readonly path: readonly string[];
  /** Name of the filter that finds entries with the same value. */
  readonly filter?: string;
  readonly format?: (value: unknown) => string;
}

const field = (label: string, path: string, filter?: string, format?: Field["format"]): Field => ({
  label,
  path: path.split("."),
  ...(filter === undefined ? {} : { filter }),
  ...(format === undefined ? {} : { format }),
});
const time = (value: unknown): string => (typeof value === "string" ? `${localTime(value)}  ·  ${value}` : String(value));
const duration = (value: unknown): string => (typeof value === "number" ? durationText(value) : String(value));

/** Groups of fields of an event, in the order in which people ask. */
const GROUPS: readonly (readonly [title: string, fields: readonly Field[]])[] = [
  [
    "Who",
    [
      field("Actor", "actor.id", "actor"),
      field("Type", "actor.type", "actorType"),
      field("Name", "actor.name"),
      field("E-mail", "actor.email"),
      field("On behalf of", "actor.onBehalfOf"),
    ],
  ],
  [
    "What",
    [
      field("Action", "action", "action"),
      field("Phase", "phase", "phase"),
      field("Target", "target.id", "target"),
      field("Target type", "target.type", "targetType"),
      field("Target name", "target.name"),
      field("Activity", "activity.type", "activity"),
      field("Tool or name", "activity.name", "tool"),
    ],
  ],
  [
    "How it ended",
    [
      field("Outcome", "outcome.status", "outcome"),
      field("Code", "outcome.code", "code"),
      field("Message", "outcome.message"),
      field("Result", "outcome.result"),
    ],
  ],
  [
    "When and where",
    [
      field("Occurred", "occurredAt", undefined, time),
      field("Session", "context.sessionId", "session"),
      field("Conversation", "context.conversationId", "conversation"),
      field("Task", "context.taskId"),
      field("Call", "context.callId", "call"),
      field("Approval", "context.approvalId"),
      field("Request", "context.requestId", "request"),
      field("Trace", "context.traceId", "trace"),
      field("Span", "context.spanId"),
      field("Correlation", "context.correlationId"),
      field("Parent event", "context.parentEventId"),
      field("IP address", "context.ipAddress", "ip"),
      field("User agent", "context.userAgent"),
      field("Source", "source.name", "source"),
      field("Instance", "source.instance"),
      field("Sequence", "source.sequence"),
    ],
  ],
  [
    "Usage",
    [
      field("Model", "usage.model", "model"),
      field("Duration", "usage.durationMs", undefined, duration),
      field("Tokens in", "usage.tokensInput"),
      field("Tokens out", "usage.tokensOutput"),
      field("Tokens from cache", "usage.tokensCacheRead"),
      field("Tokens to cache", "usage.tokensCacheWrite"),
      field("Cost in USD", "usage.costUsd"),
    ],
  ],
  [
    "Security",
    [
      field("Permission", "security.permissionLevel"),
      field("Sensitive data", "security.sensitiveDataAccessed", "sensitive"),
      field("Resources", "security.resourcesAccessed"),
    ],
  ],
];

/** Members shown in the head of the panel and among the facts of the entry. */
const SHOWN_ELSEWHERE: readonly string[] = ["id", "tenant", "labels"];

type OnFilter = (filter: QueryFilter) => void;

/** All fields of an event that it has. */
export function eventFields(entry: ListedEntry, onFilter: OnFilter): HTMLElement[] {
  const { event } = entry;
  const groups = GROUPS.map(([title, fields]) =>
    group(
      title,
      fields.flatMap(({ label, path, filter, format }) => {
        const value = valueAt(event, ...path);
        if (value === undefined) return [];
        const shown = format === undefined ? value : format(value);
        return [row(label, shown, filter === undefined || isObject(value) ? undefined : filterFor(filter, String(value)), onFilter)];
      }),
    ),
  );
  const labels = Object.entries(isObject(event.labels) ? event.labels : {}).map(([name, value]) =>
    row(name, value, filterFor(`label.${name}`, String(value)), onFilter),
  );
  const rest = unnamed(event).map(([name, value]) => row(name, value, undefined, onFilter));
  return [...groups, group("Labels", labels), group("Details", rest)].filter((element) => element !== undefined);
}

/** A list of names and values under a title; undefined for an empty one. */
export function group(title: string, rows: readonly HTMLElement[]): HTMLElement | undefined {
  if (rows.length === 0) return undefined;
  return make("section", { class: "group" }, make("h3", {}, title), make("dl", {}, ...rows));
}

/** One name with its value and, where there is one, the filter for it. */
export function row(name: string, value: unknown, filter: QueryFilter | undefined, onFilter: OnFilter): HTMLElement {
  const isPlain = typeof value !== "object" || value === null;
  const shown = isPlain ? foldedText(String(value)) : foldedJson(value);
  const label = visibleLine(name, 60);
  const cell = make("dd", {}, shown);
  if (filter !== undefined && String(value) !== "" && isFilterName(filter.name)) {
    cell.append(makeButton("Filter", { class: "chip", "aria-label": `Filter by this ${label}` }, () => onFilter(filter)));
  }
  return make("div", { class: isPlain ? "field" : "field wide" }, make("dt", {}, make("bdi", {}, label)), cell);
}

/** A label may have a name that the search box cannot spell. */
function isFilterName(name: string): boolean {
  return /^[A-Za-z][\w.-]*$/.test(name);
}

/** What no field of the table shows, member by member; bodies of activities and the like. */
function unnamed(event: ListedEntry["event"]): [name: string, value: unknown][] {
  const paths = new Set([...GROUPS.flatMap(([, fields]) => fields.map(({ path }) => path.join("."))), ...SHOWN_ELSEWHERE]);
  return Object.entries(event).flatMap(([name, value]): [string, unknown][] => {
    if (paths.has(name)) return [];
    const isDivided = [...paths].some((path) => path.startsWith(`${name}.`));
    if (!isDivided || !isObject(value)) return [[name, value]];
    return Object.entries(value)
      .filter(([member]) => !paths.has(`${name}.${member}`))
      .map(([member, inner]) => [`${name}.${member}`, inner]);
  });
}
