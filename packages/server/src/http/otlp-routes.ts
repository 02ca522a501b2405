import { type AuditError, ERRORS } from "@vouchtrail/events";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type { Intake, IntakeObserver } from "../intake/intake.ts";
import type { Principal } from "../intake/principal.ts";
import { acceptRequest } from "../otlp/accept-request.ts";
import { decompress } from "../otlp/decompress.ts";
import { OTLP_BODY_BYTES_MAX } from "../otlp/limits.ts";
import type { Signal } from "../otlp/message-types.ts";
import { type Encoding, encodeStatus, encodeSuccess, OTLP_TYPES } from "../otlp/otlp-answer.ts";
import type { Recorder } from "../recorder.ts";
import { toAuditError } from "./answer.ts";
import type { Guard } from "./guard.ts";
import { bodyOf } from "./request-body.ts";

/** The options of the OTLP intake: the block `otlp` of the configuration. */
export interface OtlpOptions {
  /** Bytes of a body, also after decompression. */
  readonly bodyBytesMax: number;
  /** Whether records and spans that no preset knows are kept. */
  readonly keepOther: boolean;
}

export interface OtlpRouteDeps {
  readonly guard: Guard;
  readonly intake: Intake;
  readonly recorder: Recorder;
  readonly metrics: Pick<IntakeObserver, "refused">;
  readonly logger: Logger;
  readonly otlp?: OtlpOptions;
}

const DEFAULTS: OtlpOptions = { bodyBytesMax: OTLP_BODY_BYTES_MAX, keepOther: false };
const SIGNALS: readonly Signal[] = ["logs", "traces", "metrics"];
/** Seconds after which an exporter may send again what could not be stored. */
const RETRY_AFTER_SECONDS = 2;

/** Marks routes that take protobuf too: no web page can send it without asking first. */
export const OTLP_ROUTE = { isOtlp: true } as const;

/** Takes log records and spans in, as OTLP over HTTP has it, and refuses metrics without an error. Rules: OTLP-1 to OTLP-10. */
export function addOtlpRoutes(app: FastifyInstance, { guard, intake, recorder, metrics, logger, otlp = DEFAULTS }: OtlpRouteDeps): void {
  const writers = new WeakMap<FastifyRequest, Principal>();
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    writers.set(request, await guard.authorize(request, "ingest"));
  };
  const errorHandler = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const known = toAuditError(error);
    metrics.refused(known.code, 1);
    recorder.count(known.code);
    if (known.code === "INTERNAL") logger.error({ requestId: request.id, route: request.routeOptions.url, err: error }, "a request failed");
    return sendStatus(request, reply, known);
  };

  for (const signal of SIGNALS) {
    const options = { onRequest, errorHandler, bodyLimit: otlp.bodyBytesMax, config: OTLP_ROUTE };
    app.post(`/v1/${signal}`, options, async (request, reply) => {
      const principal = writers.get(request);
      if (principal === undefined) throw new Error("A route that writes has no authorisation.");
      const encoding = encodingOf(request);
      const body = await decompress(bodyOf(request), request.headers["content-encoding"], otlp.bodyBytesMax);
      const onNotKept = (count: number): void => recorder.count("TELEMETRY_NOT_KEPT", count);
      const partial = await acceptRequest(body, intake, { signal, encoding, principal, keepOther: otlp.keepOther, onNotKept });
      return reply.type(OTLP_TYPES[encoding]).send(encodeSuccess(encoding, signal, partial));
    });
  }
}

/** An exporter sends again after 503 and a few others only: whatever may succeed later is a 503. */
function sendStatus(request: FastifyRequest, reply: FastifyReply, error: AuditError): FastifyReply {
  const { status: written, isRetryable } = ERRORS[error.code];
  const status = isRetryable ? 503 : written;
  if (isRetryable) reply.header("retry-after", String(RETRY_AFTER_SECONDS));
  if (status === 401) reply.header("www-authenticate", "Bearer");
  const encoding = encodingOf(request);
  return reply
    .code(status)
    .type(OTLP_TYPES[encoding])
    .send(encodeStatus(encoding, status, `${error.code}: ${error.message}`));
}

function encodingOf(request: FastifyRequest): Encoding {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  return type === OTLP_TYPES.protobuf ? "protobuf" : "json";
}
