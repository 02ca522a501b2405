import { randomBytes } from "node:crypto";
import { formatTraceParent } from "@vouchtrail/events/leaf";
import { activeTraceParent } from "../trace-context.ts";
import { currentAuditContext } from "./context.ts";

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID_BYTES = 8;

/**
 * Headers for a request to another service, so that what is recorded there has the trace of what is recorded here: `fetch(url, { headers: { ...traceHeaders() } })`.
 *
 * The trace is that of the active OpenTelemetry span, else of the request that is being served, under a span id of its own. Empty where there is neither. Never throws.
 *
 * Rule: TRACE-3. Source: W3C Trace Context.
 */
export function traceHeaders(): { traceparent?: string } {
  const active = activeTraceParent();
  if (active !== undefined) return { traceparent: active };
  const { traceId, traceFlags } = currentAuditContext() ?? {};
  if (traceId === undefined || !TRACE_ID.test(traceId)) return {};
  // Nobody records the span: its id only tells one request from the next.
  return { traceparent: formatTraceParent({ traceId, spanId: randomBytes(SPAN_ID_BYTES).toString("hex"), flags: traceFlags ?? "00" }) };
}
