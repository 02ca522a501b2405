import { existsSync, readFileSync } from "node:fs";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { JsonLogsSerializer, JsonTraceSerializer, ProtobufLogsSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { JsonObject } from "@vouchtrail/events";
import { fromOtlpLog } from "@vouchtrail/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseMessage } from "../../packages/server/src/otlp/json-message.ts";
import { REQUEST_TYPES, type Signal } from "../../packages/server/src/otlp/message-types.ts";
import { readMessage } from "../../packages/server/src/otlp/protobuf-message.ts";
import { readLogs, readSpans } from "../../packages/server/src/otlp/read-request.ts";
import { logsOf, protobufOf } from "./otlp-request.ts";

const logsOfBytes = (json: Uint8Array, protobuf: Uint8Array): readonly [unknown, unknown] => [
  readLogs(parseMessage(json)),
  readLogs(readMessage(protobuf, REQUEST_TYPES.logs)),
];
const bytesOf = (bytes: Uint8Array | undefined): Uint8Array => bytes ?? new Uint8Array();

const value = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
  fc.boolean(),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.uint8Array({ maxLength: 5 }),
);
const attributes = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== "__proto__"),
  value,
  { maxKeys: 6 },
);

test("OTLP-10: log records of the official transformer are the same in both encodings", async () => {
  await fc.assert(
    fc.asyncProperty(attributes, attributes, value, fc.constantFrom("claude-code", "other"), async (members, resource, body, service) => {
      const exporter = new InMemoryLogRecordExporter();
      const provider = new LoggerProvider({
        resource: resourceFromAttributes({ ...resource, "service.name": service } as never),
        processors: [new SimpleLogRecordProcessor({ exporter })],
      });
      const logger = provider.getLogger("scope", "1.0");
      logger.emit({ eventName: "x", body: body as never, attributes: members as never, severityNumber: SeverityNumber.WARN });
      await provider.forceFlush();
      const records = exporter.getFinishedLogRecords();
      expect(records).toHaveLength(1);
      const json = bytesOf(JsonLogsSerializer.serializeRequest(records));
      const [left, right] = logsOfBytes(json, bytesOf(ProtobufLogsSerializer.serializeRequest(records)));
      expect(left).toEqual(right);
      expect(left).toMatchObject([{ severityNumber: SeverityNumber.WARN, eventName: "x", scope: { name: "scope", version: "1.0" } }]);
      const [record] = readLogs(parseMessage(json));
      for (const [name, written] of Object.entries(members)) {
        if (!(written instanceof Uint8Array)) expect(record?.attributes[name]).toEqual(Object.is(written, -0) ? 0 : written);
      }
    }),
    { numRuns: 60 },
  );
});

test("OTLP-10: spans of the official transformer are the same in both encodings", () => {
  fc.assert(
    fc.property(attributes, attributes, fc.string(), (members, linked, name) => {
      const exporter = new InMemorySpanExporter();
      const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer("scope");
      const span = tracer.startSpan(name, { attributes: members as never, links: [] });
      span.addEvent("event", linked as never);
      span.setStatus({ code: 2, message: "failed" });
      span.end();
      const spans = exporter.getFinishedSpans();
      const left = readSpans(parseMessage(bytesOf(JsonTraceSerializer.serializeRequest(spans))));
      expect(left).toEqual(readSpans(readMessage(bytesOf(ProtobufTraceSerializer.serializeRequest(spans)), REQUEST_TYPES.traces)));
      expect(left).toMatchObject([
        { name, traceId: span.spanContext().traceId, status: { code: 2, message: "failed" }, events: [{ name: "event" }] },
      ]);
    }),
    { numRuns: 60 },
  );
});

test("OTLP-10: integers of 64 bits are exact in both encodings, as text and as numbers", () => {
  const texts = ["9223372036854775807", "-9223372036854775808", "9007199254740993", "-1", "42"];
  const request = logsOf("x", [
    {
      timeUnixNano: "1544712660300000001",
      attributes: [{ key: "list", value: { arrayValue: { values: texts.map((intValue) => ({ intValue })) } } }],
    },
  ]);
  const json = Buffer.from(JSON.stringify(request));
  const bare = Buffer.from(
    JSON.stringify(request).replace(/"(?:intValue|timeUnixNano)":"(-?\d+)"/g, (all, digits: string) => all.replace(`"${digits}"`, digits)),
  );
  expect(bare.toString()).toContain(":9223372036854775807}");
  const [left, right] = logsOfBytes(json, protobufOf(request, "logs"));
  expect(left).toEqual(right);
  expect(readLogs(parseMessage(bare))).toEqual(left);
  expect(left).toMatchObject([
    {
      timeUnixNano: "1544712660300000001",
      attributes: { list: ["9223372036854775807", "-9223372036854775808", "9007199254740993", -1, 42] },
    },
  ]);
});

test("OTLP-5: members and fields that are not known are ignored", () => {
  const request = logsOf("x", [{ eventName: "e", newMember: { deep: [1] } }]);
  expect(readLogs({ ...request, other: 1 })).toMatchObject([{ eventName: "e" }]);
  // Field 99 with each wire type, before a known one.
  const unknown = Buffer.from(`9806019906${"00".repeat(8)}9a06036162639d06${"00".repeat(4)}`, "hex");
  const bytes = Buffer.concat([unknown, protobufOf(request, "logs")]);
  expect(readLogs(readMessage(bytes, REQUEST_TYPES.logs))).toMatchObject([{ eventName: "e" }]);
});

test("OTLP-11: what is over the bounds of a record is counted, in both encodings alike", () => {
  const deep = (levels: number): JsonObject => (levels === 0 ? { stringValue: "end" } : { arrayValue: { values: [deep(levels - 1)] } });
  const many = Array.from({ length: 10_000 }, (_, index) => ({ key: `k${index}`, value: { intValue: String(index) } }));
  const cases: readonly (readonly [members: JsonObject, droppedCount: number])[] = [
    [{ attributes: many, droppedAttributesCount: 5 }, 9_005],
    [{ attributes: [{ key: "a", value: deep(32) }] }, 0],
    [{ attributes: [{ key: "a", value: deep(33) }] }, 1],
    [{ attributes: [{ key: "a", value: deep(80) }] }, 1],
  ];
  for (const [members, droppedCount] of cases) {
    const request = logsOf("claude-code", [members]);
    const [left, right] = logsOfBytes(Buffer.from(JSON.stringify(request)), protobufOf(request, "logs"));
    expect(left).toEqual(right);
    expect(left).toMatchObject([{ droppedCount }]);
    const [event] = readLogs(request).flatMap((record) => fromOtlpLog(record));
    expect(event?.details?.droppedCount).toBe(droppedCount === 0 ? undefined : droppedCount);
  }
});

test("OTLP-11: a large resource is cut to its short attributes, the name of the service first", () => {
  const attributes = [
    { key: "long", value: { stringValue: "x".repeat(5_000) } },
    { key: "short", value: { stringValue: "y" } },
    { key: "service.name", value: { stringValue: "claude-code" } },
  ];
  const [record] = readLogs({ resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords: [{}] }] }] });
  expect(record).toMatchObject({ resource: { "service.name": "claude-code", short: "y" }, droppedCount: 1 });
});

const EXAMPLES = new URL("../../../shared/data/otlp-examples/", import.meta.url);
test("OTLP-10: the official examples are read, and are the same in protobuf", () => {
  if (!existsSync(EXAMPLES)) {
    console.warn("The official examples of OTLP are not here: they were not read.");
    return;
  }
  const readers: readonly (readonly [file: string, signal: Signal, read: (request: unknown) => readonly unknown[]])[] = [
    ["logs.json", "logs", readLogs],
    ["events.json", "logs", readLogs],
    ["trace.json", "traces", readSpans],
  ];
  for (const [file, signal, read] of readers) {
    const request = parseMessage(readFileSync(new URL(file, EXAMPLES))) as JsonObject;
    const items = read(request);
    expect(items).toHaveLength(1);
    expect(read(readMessage(protobufOf(request, signal), REQUEST_TYPES[signal]))).toEqual(items);
  }
});
