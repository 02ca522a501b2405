import { AuditError, parseExactJson } from "@vouchtrail/events";
import type { FastifyRequest } from "fastify";

/** The bytes of a request; none when it has no body. */
export function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/**
 * JSON of a program that knows nothing of this one: numbers that a double cannot hold become text, and are counted.
 *
 * @throws {AuditError} `BODY_INVALID`.
 */
export function parseForeignJson(body: Buffer): { value: unknown; repairCount: number } {
  try {
    return parseExactJson(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    if (cause instanceof AuditError) throw cause;
    throw new AuditError("BODY_INVALID", { message: "The body is not valid JSON in UTF-8.", cause });
  }
}
