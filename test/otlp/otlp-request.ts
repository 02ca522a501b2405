import type { JsonObject } from "@vouchtrail/events";
import protobuf from "protobufjs/minimal.js";
import { type MessageType, REQUEST_TYPES, type Signal } from "../../packages/server/src/otlp/message-types.ts";

/** The JSON of an attribute, as exporters write it. */
export function attributesOf(members: Readonly<Record<string, string | number | boolean>>): JsonObject[] {
  return Object.entries(members).map(([key, value]) => ({
    key,
    value:
      typeof value === "string" ? { stringValue: value } : typeof value === "boolean" ? { boolValue: value } : { intValue: String(value) },
  }));
}

/** A request with log records of one process. */
export function logsOf(service: string, records: readonly JsonObject[]): JsonObject {
  return {
    resourceLogs: [
      {
        resource: { attributes: attributesOf({ "service.name": service }) },
        scopeLogs: [{ scope: { name: "test" }, logRecords: records }],
      },
    ],
  };
}

/** A log record of Claude Code. */
export function claudeCodeRecord(
  name: string,
  sequence: number,
  members: Readonly<Record<string, string | number | boolean>> = {},
): JsonObject {
  return {
    timeUnixNano: String(1_769_940_000_000_000_000n + BigInt(sequence) * 1_000_000n),
    body: { stringValue: `claude_code.${name}` },
    attributes: attributesOf({ "event.name": name, "event.sequence": sequence, "session.id": "s-1", ...members }),
  };
}

/** The protobuf of a request, written from its JSON by the field numbers of the receiver: what they are is checked against the official exporters. */
export function protobufOf(request: JsonObject, signal: Signal): Uint8Array {
  return write(protobuf.Writer.create(), request, REQUEST_TYPES[signal]).finish();
}

function write(writer: protobuf.Writer, message: JsonObject, type: MessageType): protobuf.Writer {
  for (const [number, { name, type: inner, isRepeated }] of type) {
    const value = message[name];
    if (value === undefined) continue;
    for (const member of isRepeated === true ? (value as unknown[]) : [value]) {
      if (typeof inner === "function") {
        write(writer.uint32((number << 3) | 2).fork(), member as JsonObject, inner()).ldelim();
      } else if (inner === "string") writer.uint32((number << 3) | 2).string(String(member));
      else if (inner === "hex") writer.uint32((number << 3) | 2).bytes(Buffer.from(String(member), "hex"));
      else if (inner === "bytes") writer.uint32((number << 3) | 2).bytes(Buffer.from(String(member), "base64"));
      else if (inner === "fixed64") writer.uint32((number << 3) | 1).fixed64(String(member));
      else if (inner === "fixed32") writer.uint32((number << 3) | 5).fixed32(Number(member));
      else if (inner === "double") writer.uint32((number << 3) | 1).double(Number(member));
      else if (inner === "bool") writer.uint32(number << 3).bool(member === true);
      else if (inner === "int64") writer.uint32(number << 3).int64(String(member));
      else writer.uint32(number << 3).int32(Number(member));
    }
  }
  return writer;
}

export const JSON_HEADERS = { "content-type": "application/json" };
export const PROTOBUF_HEADERS = { "content-type": "application/x-protobuf" };
