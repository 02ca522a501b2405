/** A span of somebody else, as `traceparent` names it. */
export interface TraceParent {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** 2 hexadecimal digits; `01`: the trace is recorded by somebody. */
  readonly flags: string;
}

/** Characters that are looked at: later versions may be longer. */
const CHARS_MAX = 512;
const PATTERN = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** Reads a `traceparent`; undefined when it is none. Source: W3C Trace Context, section 3.2. */
export function parseTraceParent(text: unknown): TraceParent | undefined {
  if (typeof text !== "string" || text.length > CHARS_MAX) return undefined;
  const [, traceId, spanId, flags] = PATTERN.exec(text.trim()) ?? [];
  return traceId === undefined || spanId === undefined || flags === undefined ? undefined : { traceId, spanId, flags };
}

/** The text of a `traceparent`. */
export function formatTraceParent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${flags}`;
}
