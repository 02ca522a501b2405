import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AuditEmitter, type AuditEmitterConfig, type AuditEventInput, createAuditEmitter, withAuditContext } from "@vouchtrail/sdk";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTrailServer, type TrailServer } from "./trail-server.ts";

let folder: string;
let trail: TrailServer;
const emitters: AuditEmitter[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vouchtrail-sdk-"));
  trail = await openTrailServer();
});
afterEach(async () => {
  for (const emitter of emitters.splice(0)) await emitter.close(10);
  await trail[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function open(config: AuditEmitterConfig = {}): AuditEmitter {
  const emitter = createAuditEmitter({ url: trail.url, logger: false, spool: { directory: join(folder, "spool") }, ...config });
  emitters.push(emitter);
  return emitter;
}

const PUBLISHED: AuditEventInput = {
  clientId: "client-123",
  actionType: "content.publish",
  actorType: "agent",
  actorId: "publisher-agent",
  targetType: "post",
  targetId: "post-456",
  outcome: "success",
};

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve: () => resolve() };
}

describe("delivery", () => {
  test("SDK-1: a durable event resolves as stored, with its receipt, once the trail has it", async () => {
    const result = await open().emit({ ...PUBLISHED, proof: { type: "api_response", data: { postId: "ig_789" } } });
    expect(result).toMatchObject({ state: "stored", receipt: { origin: "test/main", id: result.id } });
    expect(result.createdAt).toBeInstanceOf(Date);
    expect(trail.stored.get(result.id)).toMatchObject({
      tenant: "client-123",
      action: "content.publish",
      actor: { type: "agent", id: "publisher-agent" },
      target: { type: "post", id: "post-456" },
      outcome: { status: "success" },
      proof: { type: "api_response", data: { postId: "ig_789" } },
    });
  });

  test("SDK-2: events of one turn share a request, and those that come while it is in flight share the next", async () => {
    const release = deferred();
    trail.behaviour = ({ number }, serve) => (number === 1 ? void release.promise.then(serve) : serve());
    const emitter = open({ lifecycle: false });
    const first = Array.from({ length: 5 }, () => emitter.emit(PUBLISHED));
    await trail.untilRequested(1);
    const second = Array.from({ length: 7 }, () => emitter.emit(PUBLISHED));
    release.resolve();
    const results = await Promise.all([...first, ...second]);
    expect(results.every(({ state }) => state === "stored")).toBe(true);
    expect(trail.requests.map(({ events }) => events)).toEqual([5, 7]);
  });

  test("SDK-3: a trail that does not answer in time is not waited for: the event is spooled, and stored once in the end", async () => {
    const release = deferred();
    trail.behaviour = (_, serve) => void release.promise.then(serve);
    const emitter = open({ deadlineMs: 20 });
    const result = await emitter.emit(PUBLISHED);
    expect(result.state).toBe("spooled");
    trail.behaviour = undefined;
    release.resolve();
    await trail.untilStored(1);
    await emitter.close();
    expect(trail.events().map(({ id }) => id)).toEqual([result.id]);
  });

  test("SDK-3: while the trail is down events are spooled, and another emitter over the same folder brings them when it is back", async () => {
    await trail.stop();
    const emitter = open();
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => emitter.emit({ ...PUBLISHED, targetId: `post-${i}` })));
    expect(new Set(results.map(({ state }) => state))).toEqual(new Set(["spooled"]));
    await emitter.close(10);
    await trail.start();
    const next = open();
    await trail.untilStored(50);
    await next.close();
    expect(trail.events().map(({ target }) => (target as { id: string }).id)).toEqual(Array.from({ length: 50 }, (_, i) => `post-${i}`));
  });

  test.each([
    ["503", 503, '{"error":{"code":"PUSHBACK","message":"x"}}'],
    ["500 with garbage", 500, "<html>"],
    ["201 with garbage", 201, "{]"],
    ["201 that tells of nothing", 201, '{"receipts":[],"errors":[]}'],
    ["401, which somebody has to mend", 401, '{"error":{"code":"KEY_INVALID","message":"x"}}'],
    ["a redirect", 302, ""],
  ])("SDK-3: an answer of %s loses nothing", async (_, status, body) => {
    trail.behaviour = ({ number }, serve, response) =>
      number > 2 ? serve() : void response.writeHead(status, { location: "http://127.0.0.1:1/" }).end(body);
    const emitter = open();
    const result = await emitter.emit(PUBLISHED);
    expect(result.state).toBe("spooled");
    await trail.untilStored(1);
    await emitter.close();
    expect(trail.events()).toHaveLength(1);
  });

  test("SDK-4: what the trail refuses is told to its sender, the rest of the batch is stored, and the trail learns which numbers are missing", async () => {
    trail.behaviour = ({ events }, serve, response) => {
      const bad = events.findIndex(({ action }) => action === "bad.action");
      if (bad === -1) return serve();
      const receipts = events.flatMap((event, position) => {
        if (position === bad) return [];
        (trail.stored as Map<string, unknown>).set(event.id, event);
        return [{ position, origin: "test/main", id: event.id, index: position, leafHash: "AAAA" }];
      });
      response
        .writeHead(207)
        .end(JSON.stringify({ receipts, errors: [{ position: bad, code: "EVENT_INVALID", path: "action", message: "No." }] }));
    };
    const emitter = open({ lifecycle: false });
    const results = await Promise.all(
      [PUBLISHED, { ...PUBLISHED, actionType: "bad.action" }, PUBLISHED].map((event) => emitter.emit(event)),
    );
    expect(results.map(({ state }) => state)).toEqual(["stored", "refused", "stored"]);
    expect(results[1]?.error).toMatchObject({ code: "EVENT_INVALID", path: "action", message: "No." });
    await emitter.close();
    const report = [...trail.stored.values()].find(({ action }) => action === "audit.events.dropped");
    expect(report?.details).toMatchObject({ count: 1, codes: { EVENT_INVALID: 1 }, missing: [{ sequences: [[1, 1]] }] });
  });

  test("SDK-5: a strict event resolves only with a receipt, and throws when the trail is away or refuses", async () => {
    const emitter = open({ delivery: "strict", strictTimeoutMs: 50 });
    expect((await emitter.emit(PUBLISHED)).state).toBe("stored");
    await trail.stop();
    await expect(emitter.emit(PUBLISHED)).rejects.toMatchObject({ code: "TRAIL_UNREACHABLE" });
    await expect(emitter.emit({ ...PUBLISHED, actionType: "" })).rejects.toMatchObject({ code: "SHAPE_INVALID", path: "actionType" });
  });

  test("SDK-6: best effort resolves at once, and is flushed when the buffer is full", async () => {
    const emitter = open({ delivery: "best-effort", bufferSize: 10, lifecycle: false, flushIntervalMs: 600_000 });
    for (let i = 0; i < 9; i++) expect((await emitter.emit(PUBLISHED)).state).toBe("buffered");
    expect(trail.requests).toEqual([]);
    emitter.buffer(PUBLISHED);
    await trail.untilStored(10);
    emitter.buffer(PUBLISHED);
    await emitter.flush();
    expect(trail.events()).toHaveLength(11);
    expect(trail.requests.map(({ events }) => events)).toEqual([10, 1]);
  });

  test("SDK-6: what is buffered when the emitter is closed is sent, and afterwards nothing is taken", async () => {
    const emitter = open({ delivery: "best-effort", flushIntervalMs: 600_000 });
    emitter.buffer(PUBLISHED);
    await emitter.close();
    expect(trail.events()).toHaveLength(1);
    expect(await emitter.emit(PUBLISHED, { delivery: "durable" })).toMatchObject({ state: "dropped", error: { code: "EMITTER_CLOSED" } });
  });

  test("SDK-1: without a disk an event that the trail does not take in time is said to be in memory only, and goes on being sent", async () => {
    await trail.stop();
    const emitter = open({ spool: false, deadlineMs: 20 });
    expect((await emitter.emit(PUBLISHED)).state).toBe("buffered");
    await trail.start();
    await emitter.flush();
    expect(trail.events()).toHaveLength(1);
  });
});

describe("sources", () => {
  test("SDK-40: start, events, heartbeats and stop have the numbers of one source, without a gap", async () => {
    const emitter = open({ source: { name: "billing" }, heartbeatIntervalMs: 15 });
    await emitter.emit(PUBLISHED);
    while (![...trail.stored.values()].some(({ action }) => action === "audit.source.heartbeat"))
      await trail.untilRequested(trail.requests.length + 1);
    await emitter.emit(PUBLISHED);
    await emitter.close();
    const all = [...trail.stored.values()].sort((a, b) => (a.source?.sequence ?? 0) - (b.source?.sequence ?? 0));
    expect(all.map(({ source }) => source?.sequence)).toEqual(all.map((_, i) => i));
    expect(new Set(all.map(({ source }) => `${source?.name} ${source?.instance}`)).size).toBe(1);
    expect(all[0]).toMatchObject({ action: "audit.source.started", source: { name: "billing" } });
    expect(all.at(-1)).toMatchObject({ action: "audit.source.stopped" });
  });

  test("SDK-40: each tenant has numbers of its own, from the start of the source to its end", async () => {
    const emitter = open();
    await Promise.all(["a", "b", "a", "b", "a"].map((clientId) => emitter.emit({ ...PUBLISHED, clientId })));
    await emitter.close();
    const told = (tenant: string): unknown[] =>
      [...trail.stored.values()].filter((event) => event.tenant === tenant).map(({ action, source }) => [action, source?.sequence]);
    const published = (number: number): unknown[] => ["content.publish", number];
    expect(told("a")).toEqual([["audit.source.started", 0], published(1), published(2), published(3), ["audit.source.stopped", 4]]);
    expect(told("b")).toEqual([["audit.source.started", 0], published(1), published(2), ["audit.source.stopped", 3]]);
  });

  test("SDK-40: what the source says of itself is no part of the request that happens to run", async () => {
    const emitter = open();
    await withAuditContext({ requestId: "r-1", labels: { lane: "a" }, actor: { type: "user", id: "u" } }, () => emitter.emit(PUBLISHED));
    expect(trail.events()[0]).toMatchObject({ context: { requestId: "r-1" }, labels: { lane: "a" } });
    const [started] = trail.stored.values();
    expect(started).toMatchObject({ action: "audit.source.started", actor: { type: "service" } });
    expect(started).not.toHaveProperty("context");
    expect(started).not.toHaveProperty("labels");
  });

  test("SDK-40: an event that is none has no number", async () => {
    const emitter = open({ lifecycle: false });
    await emitter.emit(PUBLISHED);
    expect(await emitter.emit({ ...PUBLISHED, actorId: "", targetId: "" })).toMatchObject({
      state: "refused",
      error: { code: "SHAPE_INVALID", message: expect.stringMatching(/actorId.*targetId/) },
    });
    await emitter.emit(PUBLISHED);
    expect(trail.events().map(({ source }) => source?.sequence)).toEqual([0, 1]);
  });
});

describe("builder", () => {
  test("SDK-7: builders that are used at the same time never mix, and each step leaves the one before as it was", async () => {
    const emitter = open();
    const base = emitter.forClient("client-123").action("content.create").actor("agent", "copy-agent");
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        base
          .target("asset", `asset-${i}`)
          .succeeded()
          .withApiProof({ assetId: `asset-${i}` })
          .withMetadata({ platform: "web" })
          .withMetadata({ lane: "api" })
          .emit(),
      ),
    );
    for (const [i, { id }] of results.entries())
      expect(trail.stored.get(id)).toMatchObject({ target: { id: `asset-${i}` }, proof: { data: { assetId: `asset-${i}` } } });
    const failed = await base
      .target("post", "p")
      .failed("PLATFORM_ERROR", "Rate limit exceeded")
      .childOf(results[0]?.id ?? "")
      .withCorrelation("c-1")
      .emitBuilt();
    expect(trail.stored.get(failed.id)).toMatchObject({
      outcome: { status: "failure", code: "PLATFORM_ERROR", message: "Rate limit exceeded" },
      context: { parentEventId: results[0]?.id, correlationId: "c-1" },
    });
  });

  test("SDK-7: everything that is missing is named at once", async () => {
    await expect(open().forClient("c").action("a.b").emit()).rejects.toMatchObject({
      code: "EVENT_INVALID",
      message: "actorType is required; actorId is required; targetType is required; targetId is required; outcome is required",
    });
  });
});
