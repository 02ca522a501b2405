import type { JsonObject } from "../../event.ts";

/** What log records and spans of OpenTelemetry have in common, whichever encoding they came in. */
export interface OtlpItem {
  /** Attributes of the process that told it, such as `service.name`. */
  readonly resource: JsonObject;
  /** The library that told it; empty when it is not named. */
  readonly scope: { readonly name?: string; readonly version?: string };
  /** Values as JSON: integers that a double cannot hold are decimal text, bytes are base64. */
  readonly attributes: JsonObject;
  /** Attributes and values that the sender or the receiver left out. */
  readonly droppedCount: number;
  /** 32 hexadecimal digits in lower case. */
  readonly traceId?: string;
  /** 16 hexadecimal digits in lower case. */
  readonly spanId?: string;
}

/** A log record. Source: opentelemetry-proto, logs/v1. */
export interface OtlpRecord extends OtlpItem {
  /** Nanoseconds since 1970 as decimal text; absent when it is 0 or was not sent. Text that is no such number is kept as it was sent. */
  readonly timeUnixNano?: string;
  readonly observedTimeUnixNano?: string;
  /** 0 when it is not told. */
  readonly severityNumber: number;
  readonly severityText?: string;
  readonly eventName?: string;
  readonly body?: unknown;
}

/** A span. Source: opentelemetry-proto, trace/v1. */
export interface OtlpSpan extends OtlpItem {
  readonly name: string;
  readonly parentSpanId?: string;
  /** Nanoseconds since 1970 as decimal text, as in {@link OtlpRecord}. */
  readonly startTimeUnixNano?: string;
  readonly endTimeUnixNano?: string;
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly status: { readonly code: number; readonly message?: string };
  readonly events: readonly JsonObject[];
  readonly links: readonly JsonObject[];
}

export interface OtlpOptions {
  readonly tenant?: string;
  /** Keep what no preset knows, as `otel.log` and `otel.span`. Default: false. */
  readonly keepOther?: boolean;
  /** How many records of the same content stood before this one in the request: each has an id of its own. Default: 0. */
  readonly repetition?: number;
}
