import type { IncomingHttpHeaders } from "node:http";
import { AuditError, EventIdSchema, TimestampSchema } from "@vouchtrail/events";
import { parseTraceParent, type TraceParent } from "@vouchtrail/events/leaf";

/** Characters of an agent's or a session's name in a header, decoded. Agents have paths as names, sessions UUIDs. */
const NAME_CHARS_MAX = 200;

/** What a hook does not say itself and its sender knows. */
export interface HookHeaders {
  /** `x-vouchtrail-hook-id`: the id of the event, so that a hook that is sent again is stored once. */
  readonly id: string | undefined;
  /** `x-vouchtrail-hook-time`: when the hook ran, RFC 3339. */
  readonly occurredAt: string | undefined;
  /** `x-vouchtrail-agent-id`: who acts, in place of the name of the platform. */
  readonly agentId: string | undefined;
  /** `x-vouchtrail-session-id`: the session of a hook whose payload names none. */
  readonly sessionId: string | undefined;
  /** `traceparent`: the trace in which the agent runs. One that is none is passed over, as W3C Trace Context wants it. */
  readonly trace: TraceParent | undefined;
}

/**
 * Reads the headers that the hook command sends beside a payload. Names are percent-encoded UTF-8, so that they may hold any character. An empty header counts as absent: agents put in an empty text for a
 * variable that is not set.
 *
 * @throws {AuditError} `FILTER_INVALID` with the name of the header. Rule: HOOK-2.
 */
export function readHookHeaders(headers: IncomingHttpHeaders): HookHeaders {
  const id = checked(headers, "x-vouchtrail-hook-id", (value) => EventIdSchema.safeParse(value).success, "expected a UUID");
  const occurredAt = checked(
    headers,
    "x-vouchtrail-hook-time",
    (value) => TimestampSchema.safeParse(value).success,
    "expected an RFC 3339 time with a zone, such as 2026-01-31T12:00:00.000Z",
  );
  if (id !== undefined && occurredAt === undefined)
    throw invalid("x-vouchtrail-hook-time", "send it with x-vouchtrail-hook-id: a hook that is sent again must name the same time");
  return {
    id,
    occurredAt,
    agentId: nameIn(headers, "x-vouchtrail-agent-id"),
    sessionId: nameIn(headers, "x-vouchtrail-session-id"),
    trace: parseTraceParent(headers.traceparent),
  };
}

function checked(headers: IncomingHttpHeaders, name: string, isValid: (value: string) => boolean, expectation: string): string | undefined {
  const value = headers[name];
  if (value === undefined || value === "") return undefined;
  if (typeof value !== "string" || !isValid(value)) throw invalid(name, expectation);
  return value;
}

function nameIn(headers: IncomingHttpHeaders, header: string): string | undefined {
  const value = headers[header];
  if (value === undefined || value === "") return undefined;
  let name: string | undefined;
  try {
    name = decodeURIComponent(String(value));
  } catch {
    // A percent sign that begins no byte: refused below.
  }
  if (name === undefined || name.length > NAME_CHARS_MAX || /\p{Cc}/u.test(name))
    throw invalid(header, `expected 1 to ${NAME_CHARS_MAX} characters without control characters, percent-encoded UTF-8`);
  return name;
}

function invalid(header: string, expectation: string): AuditError {
  return new AuditError("FILTER_INVALID", { path: header, message: `The header ${header}: ${expectation}.` });
}
