import { AuditError, ERRORS, type ErrorCode } from "@vouchtrail/events";
import type { FastifyReply, FastifyRequest } from "fastify";

/** Seconds after which a client may try again what was refused for now. */
const RETRY_AFTER_SECONDS = 2;

/** The one shape of an error answer. */
export interface ErrorAnswer {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly path?: string; readonly requestId: string };
}

export function errorAnswer(error: AuditError, requestId: string): ErrorAnswer {
  return { error: { code: error.code, message: error.message, ...(error.path === undefined ? {} : { path: error.path }), requestId } };
}

/** What Fastify itself refuses, in our words. */
const FRAMEWORK_ERRORS: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "BODY_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "CONTENT_TYPE_UNSUPPORTED",
  FST_ERR_CTP_EMPTY_JSON_BODY: "BODY_INVALID",
  FST_ERR_BAD_URL: "NOT_FOUND",
  FST_ERR_MAX_PARAM_LENGTH: "NOT_FOUND",
};

/** An error as one of the table. Whatever is not in it is a fault of ours: `INTERNAL`. */
export function toAuditError(error: unknown): AuditError {
  if (error instanceof AuditError) return error;
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  const known = FRAMEWORK_ERRORS[code];
  if (known !== undefined) return new AuditError(known, { cause: error });
  // Broken off or with a wrong length: the sender's fault, and nothing for the log.
  const status = typeof error === "object" && error !== null && "statusCode" in error ? Number(error.statusCode) : 0;
  if ((status >= 400 && status < 500) || code === "ECONNRESET") return new AuditError("BODY_INVALID", { cause: error });
  return new AuditError("INTERNAL", { cause: error });
}

export async function sendError(request: FastifyRequest, reply: FastifyReply, error: AuditError): Promise<FastifyReply> {
  const { status, isRetryable } = ERRORS[error.code];
  if (isRetryable && status === 503) reply.header("retry-after", String(RETRY_AFTER_SECONDS));
  if (status === 401) reply.header("www-authenticate", "Bearer");
  return reply
    .code(status)
    .type(JSON_TYPE)
    .send(JSON.stringify(errorAnswer(error, request.id)));
}

/** The content type of answers. */
export const JSON_TYPE = "application/json; charset=utf-8";

/** An answer as JSON. */
export function sendJson(reply: FastifyReply, answer: object): FastifyReply {
  return reply.type(JSON_TYPE).send(JSON.stringify(answer));
}
