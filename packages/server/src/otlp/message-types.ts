/** How one field of a protobuf message stands in the JSON of OTLP. */
export interface FieldType {
  readonly name: string;
  /** A scalar, or the message that is nested. Bytes are hexadecimal in ids, and base64 elsewhere. */
  readonly type: "string" | "bool" | "int64" | "int32" | "double" | "fixed64" | "fixed32" | "bytes" | "hex" | (() => MessageType);
  readonly isRepeated?: true;
}
/** The fields of a message by their numbers. Others are skipped. */
export type MessageType = ReadonlyMap<number, FieldType>;

type Scalar = Exclude<FieldType["type"], () => MessageType>;
const one = (name: string, type: FieldType["type"]): FieldType => ({ name, type });
const many = (name: string, type: () => MessageType): FieldType => ({ name, type, isRepeated: true });
const fields = (members: Readonly<Record<number, FieldType | readonly [string, Scalar]>>): MessageType =>
  new Map(Object.entries(members).map(([number, field]) => [Number(number), "name" in field ? field : one(field[0], field[1])]));

const ANY_VALUE: MessageType = fields({
  1: ["stringValue", "string"],
  2: ["boolValue", "bool"],
  3: ["intValue", "int64"],
  4: ["doubleValue", "double"],
  5: one("arrayValue", () => ARRAY_VALUE),
  6: one("kvlistValue", () => KEY_VALUE_LIST),
  7: ["bytesValue", "bytes"],
});
const KEY_VALUE: MessageType = fields({ 1: ["key", "string"], 2: one("value", () => ANY_VALUE) });
const ARRAY_VALUE: MessageType = fields({ 1: many("values", () => ANY_VALUE) });
const KEY_VALUE_LIST: MessageType = fields({ 1: many("values", () => KEY_VALUE) });
const attributes = many("attributes", () => KEY_VALUE);
const dropped: readonly [string, Scalar] = ["droppedAttributesCount", "int32"];

const RESOURCE: MessageType = fields({ 1: attributes, 2: dropped });
const SCOPE: MessageType = fields({ 1: ["name", "string"], 2: ["version", "string"], 3: attributes, 4: dropped });
const LOG_RECORD: MessageType = fields({
  1: ["timeUnixNano", "fixed64"],
  2: ["severityNumber", "int32"],
  3: ["severityText", "string"],
  5: one("body", () => ANY_VALUE),
  6: attributes,
  7: dropped,
  8: ["flags", "fixed32"],
  9: ["traceId", "hex"],
  10: ["spanId", "hex"],
  11: ["observedTimeUnixNano", "fixed64"],
  12: ["eventName", "string"],
});
const SCOPE_LOGS: MessageType = fields({ 1: one("scope", () => SCOPE), 2: many("logRecords", () => LOG_RECORD) });
const RESOURCE_LOGS: MessageType = fields({ 1: one("resource", () => RESOURCE), 2: many("scopeLogs", () => SCOPE_LOGS) });

const SPAN_EVENT: MessageType = fields({ 1: ["timeUnixNano", "fixed64"], 2: ["name", "string"], 3: attributes, 4: dropped });
const SPAN_LINK: MessageType = fields({
  1: ["traceId", "hex"],
  2: ["spanId", "hex"],
  3: ["traceState", "string"],
  4: attributes,
  5: dropped,
});
const STATUS: MessageType = fields({ 2: ["message", "string"], 3: ["code", "int32"] });
const SPAN: MessageType = fields({
  1: ["traceId", "hex"],
  2: ["spanId", "hex"],
  3: ["traceState", "string"],
  4: ["parentSpanId", "hex"],
  5: ["name", "string"],
  6: ["kind", "int32"],
  7: ["startTimeUnixNano", "fixed64"],
  8: ["endTimeUnixNano", "fixed64"],
  9: attributes,
  10: dropped,
  11: many("events", () => SPAN_EVENT),
  12: ["droppedEventsCount", "int32"],
  13: many("links", () => SPAN_LINK),
  14: ["droppedLinksCount", "int32"],
  15: one("status", () => STATUS),
});
const SCOPE_SPANS: MessageType = fields({ 1: one("scope", () => SCOPE), 2: many("spans", () => SPAN) });
const RESOURCE_SPANS: MessageType = fields({ 1: one("resource", () => RESOURCE), 2: many("scopeSpans", () => SCOPE_SPANS) });

// Metrics are counted and not kept: their points are read as empty messages.
const POINT: MessageType = fields({});
const POINTS: MessageType = fields({ 1: many("dataPoints", () => POINT) });
const METRIC: MessageType = fields({
  5: one("gauge", () => POINTS),
  7: one("sum", () => POINTS),
  9: one("histogram", () => POINTS),
  10: one("exponentialHistogram", () => POINTS),
  11: one("summary", () => POINTS),
});
const SCOPE_METRICS: MessageType = fields({ 2: many("metrics", () => METRIC) });
const RESOURCE_METRICS: MessageType = fields({ 2: many("scopeMetrics", () => SCOPE_METRICS) });

/** What a request holds. */
export type Signal = "logs" | "traces" | "metrics";

/** The request message of each signal. Source: opentelemetry-proto @ac2c4b5. */
export const REQUEST_TYPES: Readonly<Record<Signal, MessageType>> = {
  logs: fields({ 1: many("resourceLogs", () => RESOURCE_LOGS) }),
  traces: fields({ 1: many("resourceSpans", () => RESOURCE_SPANS) }),
  metrics: fields({ 1: many("resourceMetrics", () => RESOURCE_METRICS) }),
};
