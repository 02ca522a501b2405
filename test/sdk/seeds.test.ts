import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  AI_AUDIT_ACTIONS,
  AuditEmitter,
  type AuditEventInput,
  audit,
  createAiAudit,
  createAuditEmitter,
  defineAuditEvents,
  emitAuditEvent,
  getAuditEmitter,
  getIpAddress,
  getUserAgent,
  logAudit,
  setAuditEmitter,
} from "@vouchtrail/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkplace, type Served, type Workplace } from "../e2e/cli-process.ts";

/* What the documents show that the product grew from, in our own words, against a real server: every name in them works as it is written there. */

let place: Workplace;
let server: Served;
let emitter: AuditEmitter;

beforeAll(async () => {
  place = await openWorkplace();
  server = await place.serve();
  emitter = createAuditEmitter({
    url: server.url,
    bufferSize: 10,
    flushIntervalMs: 1_000,
    logger: false,
    spool: { directory: place.path("spool") },
  });
  setAuditEmitter(emitter);
});
afterAll(async () => {
  await emitter.close();
  setAuditEmitter(undefined);
  await place.close();
});

/** The event as the trail has it. */
async function stored(id: string, tenant = "default"): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.url}/api/v1/events/${id}?tenant=${tenant}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as { event: Record<string, unknown> }).event;
}

const PUBLISHED: AuditEventInput = {
  clientId: "client-9",
  actionType: "content.publish",
  actorType: "agent",
  actorId: "publisher",
  targetType: "post",
  targetId: "post-7",
  outcome: "success",
};

test("audit event framework: an emitter records an event with the required members, and one with a proof", async () => {
  expect(emitter).toBeInstanceOf(AuditEmitter);
  const plain = await emitter.emit(PUBLISHED);
  expect(plain.createdAt).toBeInstanceOf(Date);
  expect(await stored(plain.id, "client-9")).toMatchObject({ action: "content.publish", outcome: { status: "success" } });
  const proved = await emitAuditEvent({ ...PUBLISHED, proof: { type: "api_response", data: { postId: "ig_1" } } });
  expect(await stored(proved.id, "client-9")).toMatchObject({ proof: { type: "api_response", data: { postId: "ig_1" } } });
});

test("audit event framework: the builder ends in every outcome and takes every kind of proof", async () => {
  expect(audit()).toBe(getAuditEmitter());
  const begun = audit().forClient("client-9").action("content.create").actor("agent", "writer").target("asset", "asset-1");
  const parent = await begun.succeeded().withApiProof({ assetId: "asset-1" }).emitBuilt();
  const endings = {
    success: begun.succeeded().withProof({ type: "hash", hash: "ab12" }),
    failure: begun.failed("PLATFORM_ERROR", "Rate limit exceeded"),
    partial: begun
      .partial()
      .withMetadata({ platform: "web", lane: "browser", durationMs: 12, episodeId: "e-1", requestId: "r-1", attempt: 2 }),
    pending: begun.pending().withScreenshotProof("https://proofs.example/1.png"),
    denied: begun.denied("POLICY").withCorrelation("c-1").childOf(parent.id),
  };
  for (const [status, builder] of Object.entries(endings)) {
    const { id, state } = await builder.emit();
    expect(state).toBe("stored");
    expect(await stored(id, "client-9")).toMatchObject({ outcome: { status } });
  }
  const denied = await endings.denied.emit();
  expect(await stored(denied.id, "client-9")).toMatchObject({
    context: { correlationId: "c-1", parentEventId: parent.id },
    outcome: { code: "POLICY" },
  });
  const partial = await endings.partial.emit();
  expect(await stored(partial.id, "client-9")).toMatchObject({
    labels: { platform: "web", lane: "browser", episodeId: "e-1" },
    usage: { durationMs: 12 },
    context: { requestId: "r-1" },
    details: { attempt: 2 },
  });
});

test("audit event framework: what is buffered is in the trail after a flush", async () => {
  for (let i = 0; i < 25; i++) emitter.buffer({ ...PUBLISHED, clientId: "buffered", targetId: `post-${i}` });
  await emitter.flush();
  const response = await fetch(`${server.url}/api/v1/events?tenant=buffered&targetType=post&limit=100&wait=searchable`);
  expect(((await response.json()) as { events: unknown[] }).events).toHaveLength(25);
});

test("audit event extension: functions of a catalog and of an object written out record the same, with the address and the client of the request", async () => {
  const catalog = defineAuditEvents({ agentRunCreated: { action: "agent.run.created", resourceType: "agent" } });
  const written = {
    agentRunCreated: (runId: string, userId: string, metadata?: Record<string, unknown>, request?: Request) =>
      logAudit({
        action: "agent.run.created",
        resourceType: "agent",
        resourceId: runId,
        userId,
        details: metadata,
        ipAddress: request ? getIpAddress(request) : undefined,
        userAgent: request ? getUserAgent(request) : undefined,
      }),
  };
  const request = new Request("http://app.example/runs", { method: "POST", headers: { "user-agent": "tests/1" } });
  const both = [
    await catalog.agentRunCreated("run-1", "u-1", { goal: "g" }, request),
    await written.agentRunCreated("run-1", "u-1", { goal: "g" }, request),
  ];
  for (const { id } of both) {
    expect(await stored(id)).toMatchObject({
      action: "agent.run.created",
      actor: { type: "user", id: "u-1" },
      target: { type: "agent", id: "run-1" },
      details: { goal: "g" },
      context: { userAgent: "tests/1" },
    });
  }
});

test("audit event extension: in a route the address is that of who asked", async () => {
  const seen: (string | undefined)[] = [];
  const app = createServer((request, response) => {
    seen.push(getIpAddress(request));
    response.end();
  }).listen(0, "127.0.0.1");
  await once(app, "listening");
  await fetch(`http://127.0.0.1:${(app.address() as AddressInfo).port}/`);
  app.close();
  expect(seen).toEqual(["127.0.0.1"]);
});

test("AI actions: all twelve are recorded under their names, with what their metadata says", async () => {
  expect(Object.keys(AI_AUDIT_ACTIONS)).toHaveLength(12);
  const ai = createAiAudit();
  const call = await ai.toolCall({ conversationId: "c-1", agentName: "helper", toolName: "search", toolParams: { q: "x" } });
  expect(await stored(call.id)).toMatchObject({
    action: AI_AUDIT_ACTIONS.TOOL_CALL,
    actor: { type: "agent", id: "helper" },
    context: { conversationId: "c-1" },
    activity: { type: "tool", tool: { name: "search", parameters: { q: "x" } } },
  });
  const budget = await ai.budgetExceeded({ agentName: "helper", budgetUsed: 12, budgetLimit: 10 });
  expect(await stored(budget.id)).toMatchObject({
    action: "ai.budget_exceeded",
    activity: { type: "limit", limit: { used: 12, limit: 10 } },
  });
  const approved = await ai.approvalApproved({ approvalId: "a-1" }, { actor: { type: "user", id: "maria" } });
  expect(await stored(approved.id)).toMatchObject({
    action: "ai.approval_approved",
    actor: { id: "maria" },
    context: { approvalId: "a-1" },
  });
  expect((await ai.approvalRejected({ approvalId: "a-1", agentName: "helper" })).state).toBe("refused");
});
