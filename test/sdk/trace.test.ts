import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { AuditEmitter } from "@vouchtrail/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTrailServer, type TrailServer } from "./trail-server.ts";

let trail: TrailServer;
beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trail = await openTrailServer();
});
afterAll(async () => {
  context.disable();
  await trail[Symbol.asyncDispose]();
});

test("SDK-42: an event recorded within a span of OpenTelemetry has its ids, and correlates by the trace unless it says otherwise", async () => {
  const tracer = new BasicTracerProvider().getTracer("tests");
  const emitter = new AuditEmitter({ url: trail.url, spool: false, logger: false, lifecycle: false });
  const event = {
    action: "a.b",
    actor: { type: "user" as const, id: "u" },
    target: { type: "t", id: "1" },
    outcome: { status: "success" as const },
  };
  const span = tracer.startSpan("work");
  const { traceId, spanId } = span.spanContext();
  await context.with(trace.setSpan(context.active(), span), async () => {
    await emitter.emit(event);
    await emitter.emit({ ...event, context: { correlationId: "mine" } });
  });
  await emitter.emit(event);
  const contexts = trail.events().map((stored) => stored.context);
  expect(contexts).toEqual([{ traceId, spanId, correlationId: traceId }, { traceId, spanId, correlationId: "mine" }, undefined]);
  await emitter.close();
});
