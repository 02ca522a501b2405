import protobuf from "protobufjs/minimal.js";
import { OTLP_MESSAGE_CHARS_MAX } from "./limits.ts";
import type { Signal } from "./message-types.ts";

/** The encodings of OTLP over HTTP, by their content types. */
export const OTLP_TYPES = { json: "application/json", protobuf: "application/x-protobuf" } as const;
export type Encoding = keyof typeof OTLP_TYPES;

/** What was refused for good, or is worth a warning. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

const REJECTED: Readonly<Record<Signal, string>> = {
  logs: "rejectedLogRecords",
  traces: "rejectedSpans",
  metrics: "rejectedDataPoints",
};

/** The answer to a request that was taken. Without anything to tell it is empty. Source: OTLP specification, Partial Success. */
export function encodeSuccess(encoding: Encoding, signal: Signal, partial: PartialSuccess | undefined): Buffer {
  if (partial === undefined) return Buffer.from(encoding === "json" ? "{}" : "");
  const { rejected } = partial;
  const message = shortened(partial.message);
  if (encoding === "json") {
    const counted = rejected === 0 ? {} : { [REJECTED[signal]]: String(rejected) };
    return Buffer.from(JSON.stringify({ partialSuccess: { ...counted, errorMessage: message } }));
  }
  const inner = protobuf.Writer.create();
  if (rejected > 0) inner.uint32(8).int64(rejected);
  inner.uint32(18).string(message);
  return Buffer.from(protobuf.Writer.create().uint32(10).bytes(inner.finish()).finish());
}

/** Codes of google.rpc.Code for statuses of HTTP. */
const RPC_CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 404: 5, 413: 8, 415: 3, 421: 7, 429: 8, 500: 13, 503: 14 };
const RPC_UNKNOWN = 2;

/** The answer to a request that was refused: google.rpc.Status. */
export function encodeStatus(encoding: Encoding, httpStatus: number, written: string): Buffer {
  const code = RPC_CODES[httpStatus] ?? RPC_UNKNOWN;
  const message = shortened(written);
  if (encoding === "json") return Buffer.from(JSON.stringify({ code, message }));
  return Buffer.from(protobuf.Writer.create().uint32(8).int32(code).uint32(18).string(message).finish());
}

const shortened = (message: string): string => message.slice(0, OTLP_MESSAGE_CHARS_MAX);
