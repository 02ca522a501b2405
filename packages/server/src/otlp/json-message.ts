import { AuditError, parseExactJson } from "@vouchtrail/events";
import { OTLP_NODES_MAX } from "./limits.ts";

// Numbers that a double may not hold, where a number can stand. Times are text as a rule, and cost nothing.
const INEXACT_PATTERN = /[:[,]\s*-?\d(?:[\d.]{15}|[\d.]*[eE])|\\u[dD][89a-fA-F]|[\ud800-\udfff]/;
const [BRACE, BRACKET] = ["{".charCodeAt(0), "[".charCodeAt(0)];

/**
 * Parses the JSON of a request. Integers that JavaScript cannot hold are text with their digits, as 64-bit integers are anyway.
 *
 * @throws {AuditError} `BODY_INVALID`: no JSON in UTF-8. `BODY_TOO_LARGE`: too many objects and lists.
 */
export function parseMessage(bytes: Uint8Array): unknown {
  let nodes = 0;
  for (const byte of bytes) if (byte === BRACE || byte === BRACKET) nodes += 1;
  if (nodes > OTLP_NODES_MAX)
    throw new AuditError("BODY_TOO_LARGE", { message: `A request has at most ${OTLP_NODES_MAX} objects. Send fewer records a request.` });
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return INEXACT_PATTERN.test(text) ? parseExactJson(text).value : JSON.parse(text);
  } catch (cause) {
    // Nesting that exhausts the stack is no request either.
    throw new AuditError("BODY_INVALID", { message: "The body is not valid JSON in UTF-8.", cause });
  }
}
