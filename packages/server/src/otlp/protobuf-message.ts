import { AuditError, type JsonObject } from "@vouchtrail/events";
import protobuf from "protobufjs/minimal.js";
import { OTLP_MESSAGE_DEPTH_MAX, OTLP_NODES_MAX } from "./limits.ts";
import type { FieldType, MessageType } from "./message-types.ts";

/**
 * Reads a protobuf message as the JSON of OTLP has it: names in lowerCamelCase, 64-bit integers as decimal text, ids in hexadecimal, bytes in base64.
 * Unknown fields are skipped; a singular field that comes twice has its last value. Messages nested too deeply are empty.
 *
 * @throws {AuditError} `BODY_INVALID`: no protobuf. `BODY_TOO_LARGE`: too many messages.
 */
export function readMessage(bytes: Uint8Array, type: MessageType): JsonObject {
  const budget = { nodes: OTLP_NODES_MAX };
  try {
    return read(protobuf.Reader.create(bytes), bytes.length, type, OTLP_MESSAGE_DEPTH_MAX, budget);
  } catch (cause) {
    if (cause instanceof AuditError) throw cause;
    throw new AuditError("BODY_INVALID", { message: "The body is not a protobuf message of this kind.", cause });
  }
}

type Reader = protobuf.Reader;

function read(reader: Reader, end: number, type: MessageType, levels: number, budget: { nodes: number }): JsonObject {
  budget.nodes -= 1;
  if (budget.nodes < 0)
    throw new AuditError("BODY_TOO_LARGE", { message: `A request has at most ${OTLP_NODES_MAX} messages. Send fewer records a request.` });
  const message: JsonObject = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    const [number, wire] = [tag >>> 3, tag & 7];
    const field = type.get(number);
    if (field === undefined || wire !== wireOf(field)) {
      reader.skipType(wire, 0, number);
      continue;
    }
    const value = readField(reader, field, end, levels, budget);
    if (field.isRepeated !== true) message[field.name] = value;
    else {
      const list = message[field.name];
      if (Array.isArray(list)) list.push(value);
      else message[field.name] = [value];
    }
  }
  if (reader.pos !== end) throw new RangeError("A field reaches beyond its message.");
  return message;
}

function readField(reader: Reader, { type }: FieldType, end: number, levels: number, budget: { nodes: number }): unknown {
  if (typeof type === "function") {
    const length = reader.uint32();
    const inner = reader.pos + length;
    if (inner > end) throw new RangeError("A message reaches beyond the one around it.");
    if (levels > 0) return read(reader, inner, type(), levels - 1, budget);
    reader.skip(length);
    return {};
  }
  switch (type) {
    case "string":
      return reader.string();
    case "bool":
      return reader.bool();
    case "int32":
      return reader.int32();
    case "fixed32":
      return reader.fixed32();
    case "double":
      return reader.double();
    case "int64":
      return String(reader.int64());
    case "fixed64":
      return String(reader.fixed64());
    case "bytes":
      return Buffer.from(reader.bytes()).toString("base64");
    case "hex":
      return Buffer.from(reader.bytes()).toString("hex");
  }
}

const WIRES: Readonly<Record<string, number>> = { bool: 0, int32: 0, int64: 0, double: 1, fixed64: 1, fixed32: 5 };

function wireOf({ type }: FieldType): number {
  return typeof type === "function" ? 2 : (WIRES[type] ?? 2);
}
