import { AuditError, ERRORS, type ErrorCode } from "@vouchtrail/events/errors";

/**
 * The error of an answer that is none of those that were asked for.
 *
 * @returns What the server says, with its code; `TRAIL_UNREACHABLE` for what is no answer of a Vouchtrail server.
 */
export function errorOfAnswer(text: string, status: number, url: string): AuditError {
  const { code, message, path } = errorIn(text) ?? {};
  if (typeof code !== "string" || typeof message !== "string")
    return new AuditError("TRAIL_UNREACHABLE", {
      message: `What answers at ${url} is not Vouchtrail. Set the URL of the server.`,
      detail: { status },
    });
  // A newer server may know more codes; whether to retry is then what its status says.
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : status >= 500 ? "INTERNAL" : "EVENT_INVALID";
  return new AuditError(known, { message, ...(typeof path === "string" ? { path } : {}) });
}

function errorIn(text: string): { code?: unknown; message?: unknown; path?: unknown } | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    const error = typeof answer === "object" && answer !== null && "error" in answer ? answer.error : undefined;
    return typeof error === "object" && error !== null ? error : undefined;
  } catch {
    return undefined;
  }
}
