import { type AuditEvent, toAuditLogEntry, toEmitterEvent, toQueueEvent, toResourceEvent } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventOf, type IntakeAnswer, startTestServer, type TestServer } from "./running-server.ts";
import { openTail } from "./tail.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.remove();
});

const EMITTER = {
  clientId: "client-123",
  actionType: "content.publish",
  actorType: "agent",
  actorId: "publisher-agent",
  targetType: "post",
  targetId: "post-456",
  outcome: "failure",
  proof: { type: "api_response", data: { postId: "ig_789" } },
  metadata: { platform: "instagram", durationMs: 12, errorCode: "PLATFORM_ERROR", attempt: 2 },
  correlationId: "c-1",
  foreign: [1],
};
const RESOURCE = {
  action: "agent.run.created",
  resourceType: "agent",
  resourceId: "run-1",
  userId: "u-1",
  details: { goal: "g" },
  userAgent: "curl/8",
};
const QUEUE = {
  id: "job-7",
  timestamp: "2026-01-01T00:00:00Z",
  userId: "u-1",
  action: "guild.update",
  resourceType: "guild",
  resourceId: "g-1",
  details: { field: "name" },
  ipAddress: "192.0.2.1",
  sessionId: "s-1",
  requestId: "r-1",
  success: false,
  errorMessage: "No such guild",
};
const LOG_ENTRY = {
  id: "0f0e0d0c-0b0a-4908-8706-050403020100",
  timestamp: "2026-01-01T00:00:00Z",
  userId: "u-1",
  username: "Ada",
  action: "GUILD_SETTINGS_UPDATE",
  resource: "guild",
  resourceId: "g-1",
  changes: { before: { name: "a" }, after: { name: "b" }, fields: ["name"] },
  status: "success",
  metadata: { reason: "asked" },
};

async function post(shape: string, body: unknown, type = "application/json"): Promise<{ status: number; answer: IntakeAnswer }> {
  const { status, text } = await server.send(`/api/v1/events?shape=${encodeURIComponent(shape)}`, {
    method: "POST",
    headers: { "content-type": type },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status, answer: JSON.parse(text) as IntakeAnswer };
}

test.each<[string, Record<string, unknown>, (event: AuditEvent) => unknown]>([
  ["emitter-event", EMITTER, toEmitterEvent],
  ["resource-event", RESOURCE, toResourceEvent],
  ["queue-event", QUEUE, toQueueEvent],
  ["audit-log-entry", LOG_ENTRY, toAuditLogEntry],
])("MAPPING-28: a stored %s comes back as it was", async (shape, entry, to) => {
  const { status, answer } = await post(shape, entry);
  expect(status).toBe(201);
  const tenant = shape === "emitter-event" ? "client-123" : "default";
  const { text } = await server.send(`/api/v1/events/${answer.receipts[0]?.id}?tenant=${tenant}`);
  const { event } = JSON.parse(text) as { event: AuditEvent };
  expect(to(event)).toEqual(entry);
});

test("MAPPING-28: a value that is refused leaves the others alone and is named by its place", async () => {
  const { status, answer } = await post("queue-event", [
    { ...QUEUE, id: "a" },
    { action: "x" },
    { ...QUEUE, id: "b" },
    '"',
    { ...QUEUE, id: "a" },
  ]);
  expect(status).toBe(207);
  expect(answer.receipts.map(({ position, duplicate }) => [position, duplicate])).toEqual([
    [0, undefined],
    [2, undefined],
    [4, true],
  ]);
  expect(answer.errors.map(({ position, code, path }) => [position, code, path])).toEqual([
    [1, "SHAPE_INVALID", "resourceType"],
    [3, "SHAPE_INVALID", ""],
  ]);
});

test("MAPPING-28: faults of the value, of its JSON and of the event keep their order, also when all are refused", async () => {
  const lines = [
    JSON.stringify({ ...RESOURCE, n: 1 }).replace("1}", "1234567890123456789}"),
    JSON.stringify({}),
    "{",
    '{"action":"a","action":"b"}',
  ];
  const { status, answer } = await post("resource-event", lines.join("\n"), "application/x-ndjson");
  expect(status).toBe(400);
  expect(answer.errors.map(({ position, code }) => [position, code])).toEqual([
    [0, "NUMBER_INEXACT"],
    [1, "SHAPE_INVALID"],
    [2, "BODY_INVALID"],
    [3, "KEY_DUPLICATE"],
  ]);
  expect(answer.error?.code).toBe("NUMBER_INEXACT");
});

test("MAPPING-28: what was refused and what was replaced is counted, in the metrics and in the trail", async () => {
  const other = await startTestServer();
  try {
    const body = JSON.stringify([{}, LOG_ENTRY, { ...LOG_ENTRY, id: "7" }, { ...LOG_ENTRY, status: "meh" }]);
    const options = { method: "POST", headers: { "content-type": "application/json" }, body };
    expect((await other.send("/api/v1/events?shape=audit-log-entry", options)).status).toBe(207);
    const { text } = await other.send("/metrics");
    expect(text).toContain('vouchtrail_events_refused_total{code="SHAPE_INVALID"} 2');
    await other.restart();
    const url = `http://127.0.0.1:${other.port}/api/v1/tail?after=-1&action=intake.summary`;
    expect(await openTail(url, {}, '"SHAPE_INVALID":2').text).toContain('"INPUT_REPAIRED":1');
  } finally {
    await other.remove();
  }
});

test("MAPPING-28: the shape event is the default, and a name that is none gets the nearest one", async () => {
  expect((await post("event", eventOf())).status).toBe(201);
  expect(
    (await post("agent-log-entry", { agent: { id: "a" }, action: { type: "tool", name: "Bash" }, outcome: { status: "success" } })).status,
  ).toBe(201);
  const { status, answer } = await post("emiter_event", EMITTER);
  expect(status).toBe(400);
  expect(answer.error).toMatchObject({ code: "FILTER_INVALID", path: "shape" });
  expect(answer.error?.message).toContain('Did you mean "emitter-event"?');
  const { text } = await server.send("/api/v1/events?shape=event&shape=queue-event", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect(JSON.parse(text)).toMatchObject({ error: { code: "FILTER_INVALID" } });
});
