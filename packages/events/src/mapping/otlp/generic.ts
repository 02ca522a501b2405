import type { Actor } from "../../event.ts";
import { ID_CHARS_MAX } from "../../limits.ts";
import { toLeafId } from "../leaf-text.ts";
import { outcomeOf } from "./gen-ai-span.ts";
import { IDENTITY_ATTRIBUTES, type OtlpTold, personsOf, withUsage } from "./otlp-event.ts";
import type { OtlpItem, OtlpRecord, OtlpSpan } from "./otlp-record.ts";
import { durationOfNanos } from "./otlp-time.ts";
import { textAt } from "./otlp-value.ts";

/** From here on a severity is an error. */
const SEVERITY_ERROR = 17;

/** A log record that no preset knows, kept whole. Rule: OTLP-42. */
export function readOtherLog(record: OtlpRecord): OtlpTold {
  const { severityNumber, severityText, eventName, body } = record;
  return {
    ...commonOf(record),
    action: "otel.log",
    outcome: severityNumber >= SEVERITY_ERROR ? { status: "failure" } : { status: "success" },
    details: {
      ...(eventName === undefined ? {} : { event: eventName }),
      ...(severityNumber === 0 ? {} : { severityNumber }),
      ...(severityText === undefined ? {} : { severityText }),
      ...(body === undefined ? {} : { body }),
    },
  };
}

/** A span that no preset knows, kept whole. Rule: OTLP-42. */
export function readOtherSpan(span: OtlpSpan): OtlpTold {
  const { name, kind, parentSpanId, events, links } = span;
  const durationMs = durationOfNanos(span.startTimeUnixNano, span.endTimeUnixNano);
  return {
    ...commonOf(span),
    action: "otel.span",
    outcome: outcomeOf(span),
    ...withUsage(durationMs === undefined ? {} : { durationMs }),
    details: {
      span: name,
      kind,
      ...(parentSpanId === undefined ? {} : { parentSpanId }),
      ...(events.length > 0 ? { events } : {}),
      ...(links.length > 0 ? { links } : {}),
    },
  };
}

function commonOf(item: OtlpItem): Pick<OtlpTold, "actor" | "target" | "context" | "labels" | "placed"> {
  const service = textAt(item.resource, "service.name") ?? "unknown";
  const id = toLeafId(service, ID_CHARS_MAX);
  const actor: Actor = { type: "service", id, ...personsOf(item) };
  const sessionId = textAt(item.attributes, "session.id", "gen_ai.conversation.id");
  return {
    actor,
    target: { type: "service", id },
    context: { sessionId },
    labels: { service },
    placed: new Set(IDENTITY_ATTRIBUTES),
  };
}
