import { formatTraceParent } from "@vouchtrail/events/leaf";

/** Ids of the span in which the caller runs. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
}

// Where `@opentelemetry/api` 1.x registers itself, and under what it keeps the active span. Read from there, no import is needed: it costs nothing
// where it is absent, and finds the one copy that the application uses. Source: opentelemetry-js, api/src/internal/global-utils.ts and trace/context-utils.ts.
const API = Symbol.for("opentelemetry.js.api.1");
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");
const INVALID_TRACE = "0".repeat(32);

interface RegisteredApi {
  readonly context?: { active(): { getValue(key: symbol): unknown } };
}
interface ActiveSpan {
  spanContext(): TraceContext & { readonly traceFlags?: number };
  addEvent?(name: string, attributes: Readonly<Record<string, string>>): unknown;
}

/** The active OpenTelemetry span of the caller; undefined without one. Never throws. */
export function activeTrace(): TraceContext | undefined {
  const found = activeSpan();
  return found === undefined ? undefined : { traceId: found.trace.traceId, spanId: found.trace.spanId };
}

/** The active span as a `traceparent`; undefined without one. Never throws. */
export function activeTraceParent(): string | undefined {
  const found = activeSpan();
  if (found === undefined) return undefined;
  const { traceId, spanId, traceFlags = 0 } = found.trace;
  return formatTraceParent({ traceId, spanId, flags: (traceFlags & 0xff).toString(16).padStart(2, "0") });
}

/** Leaves the id of an event at the active span, so that whoever looks at the trace finds the record. Never throws. */
export function markActiveSpan(id: string, action: string): void {
  try {
    activeSpan()?.span.addEvent?.("audit.event", { "audit.event.id": id, "audit.event.action": action });
  } catch {
    // Auditing never breaks its caller.
  }
}

function activeSpan(): { readonly span: ActiveSpan; readonly trace: ReturnType<ActiveSpan["spanContext"]> } | undefined {
  const api = (globalThis as { [API]?: RegisteredApi })[API];
  if (api?.context === undefined) return undefined;
  try {
    const span = api.context.active().getValue(SPAN) as ActiveSpan | undefined;
    const trace = span?.spanContext();
    return span === undefined || trace === undefined || trace.traceId === INVALID_TRACE ? undefined : { span, trace };
  } catch {
    return undefined; // Auditing never breaks its caller.
  }
}
