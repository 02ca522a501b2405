import { AuditError, type JsonObject, type OtlpItem, type OtlpRecord, type OtlpSpan } from "@vouchtrail/events";
import { type Dropped, listOf, objectOf, readAnyValue, readAttributes } from "./any-value.ts";
import { OTLP_RECORDS_MAX, OTLP_RESOURCE_CHARS_MAX, OTLP_SPAN_PARTS_MAX } from "./limits.ts";

/**
 * The log records of a request.
 *
 * @param request The message as the JSON of OTLP has it, from either encoding. Unknown members are ignored.
 * @throws {AuditError} `BODY_INVALID`: a member has a wrong type. `BODY_TOO_LARGE`: too many records.
 */
export function readLogs(request: unknown): readonly OtlpRecord[] {
  return readItems(request, "resourceLogs", "scopeLogs", "logRecords", readLogRecord);
}

/** The spans of a request, likewise. */
export function readSpans(request: unknown): readonly OtlpSpan[] {
  return readItems(request, "resourceSpans", "scopeSpans", "spans", readSpan);
}

/** How many points a request with metrics holds. @throws {AuditError} `BODY_INVALID`. */
export function countPoints(request: unknown): number {
  let count = 0;
  for (const resource of listOf(rootOf(request).resourceMetrics, "resourceMetrics")) {
    for (const scope of listOf(objectOf(resource, "resourceMetrics").scopeMetrics, "scopeMetrics")) {
      for (const metric of listOf(objectOf(scope, "scopeMetrics").metrics, "metrics")) {
        const { gauge, sum, histogram, exponentialHistogram, summary } = objectOf(metric, "metrics");
        for (const points of [gauge, sum, histogram, exponentialHistogram, summary])
          count += listOf(objectOf(points, "metrics").dataPoints, "dataPoints").length;
      }
    }
  }
  return count;
}

type Origin = Pick<OtlpItem, "resource" | "scope"> & { readonly droppedCount: number };

function readItems<Item>(
  request: unknown,
  resourceList: string,
  scopeList: string,
  itemList: string,
  readItem: (value: JsonObject, origin: Origin) => Item,
): readonly Item[] {
  const items: Item[] = [];
  for (const resourceEntry of listOf(rootOf(request)[resourceList], resourceList)) {
    const resourceMember = objectOf(resourceEntry, resourceList);
    const { resource, droppedCount } = readResource(resourceMember.resource);
    for (const scopeEntry of listOf(resourceMember[scopeList], scopeList)) {
      const scopeMember = objectOf(scopeEntry, scopeList);
      const origin: Origin = { resource, droppedCount, scope: readScope(scopeMember.scope) };
      for (const entry of listOf(scopeMember[itemList], itemList)) {
        if (items.length === OTLP_RECORDS_MAX)
          throw new AuditError("BODY_TOO_LARGE", { message: `A request has at most ${OTLP_RECORDS_MAX} records. Send fewer a request.` });
        items.push(readItem(objectOf(entry, itemList), origin));
      }
    }
  }
  return items;
}

function rootOf(request: unknown): JsonObject {
  if (typeof request !== "object" || request === null || Array.isArray(request))
    throw new AuditError("BODY_INVALID", { message: "The body is not a request of OTLP, which is a JSON object." });
  return request as JsonObject;
}

/** It is kept with each record, so a large one would multiply: its short attributes are kept, and the others counted. */
function readResource(value: unknown): { resource: JsonObject; droppedCount: number } {
  const { attributes, droppedAttributesCount } = objectOf(value, "resource");
  const dropped: Dropped = { count: countOf(droppedAttributesCount) };
  const all = readAttributes(attributes, "resource.attributes", dropped);
  if (JSON.stringify(all).length <= OTLP_RESOURCE_CHARS_MAX) return { resource: all, droppedCount: dropped.count };
  // The name of the service decides who reads the record, so it comes first.
  const names = ["service.name", "session.id", ...Object.keys(all)];
  const kept = new Map<string, unknown>();
  let chars = 0;
  for (const name of names) {
    if (kept.has(name) || !Object.hasOwn(all, name)) continue;
    const size = name.length + JSON.stringify(all[name]).length;
    if (chars + size > OTLP_RESOURCE_CHARS_MAX) continue;
    chars += size;
    kept.set(name, all[name]);
  }
  dropped.count += Object.keys(all).length - kept.size;
  return { resource: Object.fromEntries(kept), droppedCount: dropped.count };
}

const SCOPE_CHARS_MAX = 256;

function readScope(value: unknown): OtlpItem["scope"] {
  const { name, version } = objectOf(value, "scope");
  return { ...textMember("name", name, SCOPE_CHARS_MAX), ...textMember("version", version, SCOPE_CHARS_MAX) };
}

function readCommon(value: JsonObject, { resource, scope, droppedCount }: Origin, dropped: Dropped): OtlpItem {
  dropped.count += countOf(value.droppedAttributesCount) + droppedCount;
  const attributes = readAttributes(value.attributes, "attributes", dropped);
  return {
    resource,
    scope,
    attributes,
    droppedCount: dropped.count,
    ...idMember("traceId", value.traceId, TRACE_ID_PATTERN),
    ...idMember("spanId", value.spanId, SPAN_ID_PATTERN),
  };
}

function readLogRecord(value: JsonObject, origin: Origin): OtlpRecord {
  const dropped: Dropped = { count: 0 };
  const body = value.body === undefined || value.body === null ? undefined : readAnyValue(value.body, "body", dropped);
  return {
    ...readCommon(value, origin, dropped),
    ...timeMember("timeUnixNano", value.timeUnixNano),
    ...timeMember("observedTimeUnixNano", value.observedTimeUnixNano),
    severityNumber: countOf(value.severityNumber),
    ...textMember("severityText", value.severityText),
    ...textMember("eventName", value.eventName),
    ...(body === undefined ? {} : { body }),
  };
}

function readSpan(value: JsonObject, origin: Origin): OtlpSpan {
  const dropped: Dropped = { count: countOf(value.droppedEventsCount) + countOf(value.droppedLinksCount) };
  const status = objectOf(value.status, "status");
  const [events, links] = [listOf(value.events, "events"), listOf(value.links, "links")];
  dropped.count += Math.max(0, events.length - OTLP_SPAN_PARTS_MAX) + Math.max(0, links.length - OTLP_SPAN_PARTS_MAX);
  const parts = {
    events: events.slice(0, OTLP_SPAN_PARTS_MAX).map((event) => readSpanEvent(objectOf(event, "events"), dropped)),
    links: links.slice(0, OTLP_SPAN_PARTS_MAX).map((link) => readSpanLink(objectOf(link, "links"), dropped)),
  };
  return {
    ...readCommon(value, origin, dropped),
    name: typeof value.name === "string" ? value.name : "",
    ...idMember("parentSpanId", value.parentSpanId, SPAN_ID_PATTERN),
    ...timeMember("startTimeUnixNano", value.startTimeUnixNano),
    ...timeMember("endTimeUnixNano", value.endTimeUnixNano),
    kind: countOf(value.kind),
    status: { code: countOf(status.code), ...textMember("message", status.message) },
    ...parts,
  };
}

function readSpanEvent(value: JsonObject, dropped: Dropped): JsonObject {
  dropped.count += countOf(value.droppedAttributesCount);
  return {
    ...textMember("name", value.name),
    ...timeMember("timeUnixNano", value.timeUnixNano),
    attributes: readAttributes(value.attributes, "events.attributes", dropped),
  };
}

function readSpanLink(value: JsonObject, dropped: Dropped): JsonObject {
  dropped.count += countOf(value.droppedAttributesCount);
  return {
    ...idMember("traceId", value.traceId, TRACE_ID_PATTERN),
    ...idMember("spanId", value.spanId, SPAN_ID_PATTERN),
    attributes: readAttributes(value.attributes, "links.attributes", dropped),
  };
}

// All zeros is no id. Source: W3C Trace Context.
const TRACE_ID_PATTERN = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID_PATTERN = /^(?!0{16})[0-9a-f]{16}$/;

function idMember<Name extends string>(name: Name, value: unknown, pattern: RegExp): { [Key in Name]?: string } {
  const id = typeof value === "string" ? value.toLowerCase() : "";
  return (pattern.test(id) ? { [name]: id } : {}) as { [Key in Name]?: string };
}

function textMember<Name extends string>(name: Name, value: unknown, charsMax?: number): { [Key in Name]?: string } {
  return (typeof value === "string" && value !== "" ? { [name]: value.slice(0, charsMax) } : {}) as { [Key in Name]?: string };
}

/** Decimal text; 0 means that the time is not known. */
function timeMember<Name extends string>(name: Name, value: unknown): { [Key in Name]?: string } {
  if (value === undefined || value === null) return {};
  const text = (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 100);
  return (/^0*$/.test(text) ? {} : { [name]: text }) as { [Key in Name]?: string };
}

function countOf(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number > 0 ? number : 0;
}
