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
  spanContext(): TraceContext;
}

/** The active OpenTelemetry span of the caller; undefined without one. Never throws. */
export function activeTrace(): TraceContext | undefined {
  const api = (globalThis as { [API]?: RegisteredApi })[API];
  if (api?.context === undefined) return undefined;
  try {
    const span = api.context.active().getValue(SPAN) as ActiveSpan | undefined;
    const trace = span?.spanContext();
    return trace === undefined || trace.traceId === INVALID_TRACE ? undefined : { traceId: trace.traceId, spanId: trace.spanId };
  } catch {
    return undefined; // Auditing never breaks its caller.
  }
}
