import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { AuditEmitter, traceHeaders, withAuditContext } from "@vouchtrail/sdk";
import { withAuditServer } from "@vouchtrail/sdk/http";
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

test("TRACE-2: the span in which an event is recorded says which event it was", async () => {
  const exporter = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer("tests");
  const emitter = new AuditEmitter({ url: trail.url, spool: false, logger: false, lifecycle: false });
  const event = { actor: { type: "user" as const, id: "u" }, target: { type: "t", id: "1" }, outcome: { status: "success" as const } };
  const span = tracer.startSpan("work");
  const { id } = await context.with(trace.setSpan(context.active(), span), () => emitter.emit({ ...event, action: "invoice.paid" }));
  span.end();
  expect(exporter.getFinishedSpans()[0]?.events).toMatchObject([
    { name: "audit.event", attributes: { "audit.event.id": id, "audit.event.action": "invoice.paid" } },
  ]);
  // A span that has ended, and one that throws, change nothing.
  const broken = Object.assign(Object.create(span), {
    addEvent() {
      throw new Error("broken");
    },
  });
  const second = await context.with(trace.setSpan(context.active(), broken), () => emitter.emit({ ...event, action: "a.b" }));
  expect(second.state).toBe("stored");
  await emitter.close();
});

test("TRACE-3: an outgoing request carries the trace of the active span, else that of the request that is served", () => {
  expect(traceHeaders()).toEqual({});
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  withAuditContext({ traceId, traceFlags: "01" }, () => {
    const { traceparent = "" } = traceHeaders();
    expect(traceparent).toMatch(new RegExp(`^00-${traceId}-(?!0{16})[0-9a-f]{16}-01$`));
    expect(traceHeaders().traceparent).not.toBe(traceparent);
    const span = new BasicTracerProvider().getTracer("tests").startSpan("work");
    const own = context.with(trace.setSpan(context.active(), span), traceHeaders);
    expect(own).toEqual({ traceparent: `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01` });
  });
  expect(withAuditContext({ traceId: "my own id" }, traceHeaders)).toEqual({});
});

test("TRACE-3: a service that is called with these headers records the same trace", async () => {
  const other = createServer(
    withAuditServer(async (_request, response) => {
      await second.emit({ action: "b.received", ...WHOLE });
      response.end();
    }),
  );
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const second = new AuditEmitter({ url: trail.url, spool: false, logger: false, lifecycle: false });
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  await withAuditContext({ traceId, traceFlags: "00" }, async () => {
    await second.emit({ action: "a.sent", ...WHOLE });
    await fetch(`http://127.0.0.1:${(other.address() as AddressInfo).port}`, { method: "POST", headers: { ...traceHeaders() } });
  });
  const traced = trail.events().filter(({ action }) => action === "a.sent" || action === "b.received");
  expect(traced.map(({ context }) => (context as { traceId?: string }).traceId)).toEqual([traceId, traceId]);
  // The flags travel with the trace and are no part of an event.
  for (const { context } of traced) expect(context).not.toHaveProperty("traceFlags");
  await second.close();
  other.close();
});

const WHOLE = { actor: { type: "user" as const, id: "u" }, target: { type: "t", id: "1" }, outcome: { status: "success" as const } };
