import { OTLPLogExporter as JsonLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter as JsonTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../hostile/running-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.remove();
});

interface Found {
  readonly received: { readonly via: string };
  readonly event: Record<string, unknown>;
}

async function eventsOf(sessionId: string): Promise<readonly Found[]> {
  const { status, text } = await server.send(`/api/v1/events?session=${sessionId}&wait=searchable&order=oldest`);
  expect(status).toBe(200);
  return (JSON.parse(text) as { events: readonly Found[] }).events;
}

type Settings = ConstructorParameters<typeof JsonLogExporter>[0];
const LOG_EXPORTERS: readonly (readonly [name: string, open: (settings: Settings) => LogRecordExporter])[] = [
  ["json", (settings) => new JsonLogExporter(settings)],
  ["protobuf", (settings) => new ProtobufLogExporter(settings)],
  ["json-gzip", (settings) => new JsonLogExporter({ ...settings, compression: "gzip" as never })],
  ["protobuf-gzip", (settings) => new ProtobufLogExporter({ ...settings, compression: "gzip" as never })],
];

test.each(LOG_EXPORTERS)("OTLP-1, OTLP-2, OTLP-3: the official exporter of log records works unchanged: %s", async (name, open) => {
  const exporter = open({ url: `${server.running.url}/v1/logs` });
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger("com.anthropic.claude_code.events", "2.1.217");
  const session = `session-${name}`;
  for (let sequence = 0; sequence < 5; sequence++) {
    logger.emit({
      body: "claude_code.tool_result",
      timestamp: new Date(Date.UTC(2026, 1, 1) + sequence),
      attributes: {
        "event.name": "tool_result",
        "event.sequence": sequence,
        "session.id": session,
        tool_name: "Bash",
        tool_use_id: `toolu_${sequence}`,
        success: "true",
        duration_ms: 10,
      },
    });
  }
  await provider.forceFlush();
  await provider.shutdown();
  const found = await eventsOf(session);
  expect(found).toHaveLength(5);
  expect(found.map(({ event }) => event)).toMatchObject(
    [0, 1, 2, 3, 4].map((sequence) => ({
      action: "ai.tool_call",
      occurredAt: `2026-02-01T00:00:00.00${sequence}Z`,
      source: { instance: session, sequence },
      context: { callId: `toolu_${sequence}` },
    })),
  );
});

const TRACE_EXPORTERS: readonly (readonly [name: string, open: (settings: Settings) => SpanExporter])[] = [
  ["json", (settings) => new JsonTraceExporter(settings)],
  ["protobuf", (settings) => new ProtobufTraceExporter(settings)],
];

test.each(TRACE_EXPORTERS)("OTLP-1, OTLP-40: the official exporter of spans works unchanged: %s", async (name, open) => {
  const exporter = open({ url: `${server.running.url}/v1/traces` });
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  const session = `trace-${name}`;
  const span = provider.getTracer("framework").startSpan("execute_tool search", {
    attributes: {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "search",
      "gen_ai.tool.call.id": "c-1",
      "session.id": session,
    },
  });
  span.end();
  await provider.forceFlush();
  await provider.shutdown();
  const { traceId, spanId } = span.spanContext();
  expect((await eventsOf(session)).map(({ event }) => event)).toMatchObject([
    { action: "ai.tool_call", target: { id: "search" }, context: { callId: "c-1", traceId, spanId } },
  ]);
});
