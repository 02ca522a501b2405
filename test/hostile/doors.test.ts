import { once } from "node:events";
import { get as httpGet, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { createLogger, loadConfig, type RunningServer, type Scope, startServer } from "@vouchtrail/server";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventOf, type IntakeAnswer, sendRequest, startTestServer, type TestServer, type View } from "./running-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  expect((await server.send("/healthz")).status).toBe(200);
});
afterAll(async () => {
  await server.remove();
});

const json = { "content-type": "application/json" };
const AT = "2026-03-01T10:00:00.000Z";
/** Resolves when the socket is closed, also after a reset, for which `once` would reject. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.on("close", () => resolve()));

async function keyOf(on: TestServer, scopes: readonly Scope[], bound: { tenant?: string; source?: string; actorTypes?: "agent"[] } = {}) {
  const { record, secret } = await on.keys.create({ name: "test", scopes: [...scopes], ...bound }, AT);
  return { id: record.id, headers: { authorization: `Bearer ${secret}` } };
}

async function codeOf(on: TestServer, path: string, headers: Readonly<Record<string, string>> = {}): Promise<string | number> {
  const { status, text } = await on.send(path, { headers });
  return status === 200 ? 200 : ((JSON.parse(text) as IntakeAnswer).error?.code ?? status);
}

describe("requests", () => {
  test("HTTP-1: other content types, and none, are refused before the body is read", async () => {
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/jsonx",
      "",
      "text/json",
    ]) {
      for (const path of ["/api/v1/events", "/log"]) {
        const { status, text } = await server.send(path, {
          method: "POST",
          headers: type === "" ? {} : { "content-type": type },
          body: JSON.stringify(eventOf()),
        });
        expect([status, (JSON.parse(text) as IntakeAnswer).error?.code], type).toEqual([415, "CONTENT_TYPE_UNSUPPORTED"]);
      }
    }
    for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON", "application/x-ndjson"]) {
      expect((await server.post(eventOf(), { "content-type": type })).status).toBe(201);
    }
  });

  test("HTTP-1: a compressed body is not taken for text", async () => {
    const { gzipSync } = await import("node:zlib");
    const { status } = await server.post(gzipSync(JSON.stringify(eventOf())), { "content-encoding": "gzip" });
    expect(status).toBe(400);
  });

  test("HTTP-2: a forged Host is refused everywhere, the names of this machine are taken", async () => {
    for (const host of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "0.0.0.0",
      "[::2]",
      "localhost@evil.example",
      "10.0.0.1:7431",
    ]) {
      for (const path of ["/healthz", "/api/v1/tail", "/tlog/main/checkpoint", "/openapi.json", "/nothing"]) {
        expect(await codeOf(server, path, { host }), `${host} ${path}`).toBe("HOST_FORBIDDEN");
      }
      const { status } = await server.send("/api/v1/events", {
        method: "POST",
        headers: { ...json, host },
        body: JSON.stringify(eventOf()),
      });
      expect(status).toBe(421);
    }
    for (const host of ["localhost", "LOCALHOST:7431", "127.0.0.1:1", "[::1]:7431"])
      expect(await codeOf(server, "/healthz", { host }), host).toBe(200);
  });

  test("HTTP-2: a page of another origin is refused, one of our own is taken", async () => {
    for (const origin of ["https://evil.example", "null", "http://localhost:1", "file://", "", "http://127.0.0.1.evil.example"]) {
      expect(await codeOf(server, "/healthz", { origin }), origin).toBe("ORIGIN_FORBIDDEN");
    }
    const host = `127.0.0.1:${server.port}`;
    expect(await codeOf(server, "/healthz", { host, origin: `http://${host}` })).toBe(200);
  });

  test("HTTP-3: every error has the one shape, with code, message and request id", async () => {
    for (const path of [
      "/page/x",
      "/api/v1/events/%",
      "/api/v1/nothing",
      "/tlog/other/checkpoint",
      "/api/v1/events/x",
      `/api/v1/events/${"a".repeat(500)}`,
    ]) {
      const { status, text, headers } = await server.send(path);
      expect(status, path).toBeGreaterThanOrEqual(400);
      expect(status, path).toBeLessThan(500);
      expect(headers["content-type"], path).toContain("application/json");
      const { error } = JSON.parse(text) as IntakeAnswer;
      expect(error?.code, path).toMatch(/^[A-Z_]+$/);
      expect(error?.message, path).toMatch(/\w/);
      expect(error?.requestId, path).toMatch(/^[0-9a-f]{16}$/);
    }
  });

  test("HTTP-3: another method is told which ones there are", async () => {
    for (const [method, path, allow] of [
      ["DELETE", "/api/v1/events/x", "GET, HEAD"],
      ["PUT", "/api/v1/events", "POST, GET"],
      ["PUT", "/tlog/main/checkpoint", "GET, HEAD"],
    ] as const) {
      const { status, headers, text } = await server.send(path, { method });
      expect([status, headers.allow, (JSON.parse(text) as IntakeAnswer).error?.code]).toEqual([405, allow, "METHOD_NOT_ALLOWED"]);
    }
  });

  test("HTTP-2: a page of an origin that the operator allowed may call, also with a preflight", async () => {
    const other = await startTestServer({ "http.origins": ["https://app.example"] });
    const origin = "https://app.example";
    const preflight = await other.send("/api/v1/events", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
    expect([preflight.status, preflight.headers["access-control-allow-origin"]]).toEqual([204, origin]);
    expect(preflight.headers["access-control-allow-headers"]).toBe("authorization, content-type, last-event-id");
    const mcp = await other.send("/mcp", { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    expect(mcp.headers["access-control-allow-headers"]).toMatch(/, mcp-protocol-version, mcp-method, mcp-name$/);
    const { status, headers } = await other.send("/api/v1/events", {
      method: "POST",
      headers: { ...json, origin },
      body: JSON.stringify(eventOf()),
    });
    expect([status, headers["access-control-allow-origin"], headers.vary]).toEqual([201, origin, "origin"]);
    expect(
      (await other.send("/api/v1/events", { method: "OPTIONS", headers: { origin: "https://evil.example" } })).headers[
        "access-control-allow-origin"
      ],
    ).toBeUndefined();
    await other.remove();
  });

  test("HTTP-3: bytes that are not HTTP, and a request that contradicts itself, end the connection only", async () => {
    const requests = [
      "GARBAGE\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET /healthz HTTP/9.9\r\nhost: localhost\r\n\r\n",
      "POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: -1\r\n\r\n",
      "POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
      `GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${"a".repeat(100_000)}\r\n\r\n`,
      `GET /${"a".repeat(100_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
      "GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n",
    ];
    for (const request of requests) {
      const socket = connect(server.port, "127.0.0.1");
      let answer = "";
      socket.on("data", (data) => {
        answer += data.toString("latin1");
      });
      socket.on("error", () => {}); // A reset is an answer, too.
      socket.write(request);
      socket.end();
      await closed(socket);
      expect(answer === "" || /^HTTP\/1\.1 4\d\d /.test(answer), answer.slice(0, 80)).toBe(true);
    }
  });

  test("HTTP-3: a sender that breaks off in the middle of the body stores nothing", async () => {
    const event = eventOf();
    const body = JSON.stringify(event);
    const socket = connect(server.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(
      `POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length + 10}\r\n\r\n${body}`,
    );
    socket.destroy();
    await closed(socket);
    expect(await codeOf(server, `/api/v1/events/${String(event.id)}`)).toBe("NOT_FOUND");
  });
});

describe("keys", () => {
  let guarded: TestServer;
  beforeAll(async () => {
    guarded = await startTestServer({ "http.loopbackWithoutKey": false });
  });
  afterAll(async () => {
    await guarded.remove();
  });
  const postCode = async (
    headers: Readonly<Record<string, string>>,
    event: Record<string, unknown> = eventOf(),
  ): Promise<string | number> => {
    const { status, answer } = await guarded.post(event, headers);
    return status === 201 ? 201 : (answer.error?.code ?? status);
  };

  test("KEY-1: no key, a wrong key and a malformed header are refused with 401, before the body is read", async () => {
    expect(await postCode({})).toBe("KEY_REQUIRED");
    for (const authorization of ["Bearer vt_00000000_wrong", "Bearer ", "Basic YTpi", "Bearer a b", "vt_x"]) {
      const { status, headers, text } = await guarded.send("/api/v1/events", {
        method: "POST",
        headers: { ...json, authorization },
        body: "not even JSON",
      });
      expect([status, (JSON.parse(text) as IntakeAnswer).error?.code, headers["www-authenticate"]], authorization).toEqual([
        401,
        "KEY_INVALID",
        "Bearer",
      ]);
    }
    for (const path of ["/api/v1/tail", "/metrics", "/tlog/main/tile/entries/000", "/api/v1/events/x", "/api/v1/events/x/bundle"]) {
      expect(await codeOf(guarded, path), path).toBe("KEY_REQUIRED");
    }
    for (const path of ["/healthz", "/readyz", "/openapi.json", "/tlog/main/checkpoint", "/tlog/main/vkey"])
      expect(await codeOf(guarded, path), path).toBe(200);
  });

  test("KEY-2: a revoked key is refused within a second, a key without the scope at once", async () => {
    const key = await keyOf(guarded, ["ingest"]);
    await expect.poll(() => postCode(key.headers), { timeout: 5_000 }).toBe(201);
    expect(await codeOf(guarded, "/metrics", key.headers)).toBe("SCOPE_MISSING");
    await guarded.keys.revoke(key.id, AT);
    await expect.poll(() => postCode(key.headers), { timeout: 5_000 }).toBe("KEY_INVALID");
    const reader = await keyOf(guarded, ["read"]);
    await expect.poll(() => codeOf(guarded, "/metrics", reader.headers), { timeout: 5_000 }).toBe(200);
    expect(await postCode(reader.headers)).toBe("SCOPE_MISSING");
  });

  test("KEY-3: a key of one tenant writes and sees no other; what it may not see is not found", async () => {
    const north = await keyOf(guarded, ["ingest", "read"], { tenant: "north" });
    const all = await keyOf(guarded, ["ingest", "read"]);
    const event = eventOf();
    await expect.poll(() => postCode(north.headers, event), { timeout: 5_000 }).toBe(201);
    const foreign = eventOf({ tenant: "south" });
    expect(await postCode(all.headers, foreign)).toBe(201);
    expect(await postCode(north.headers, eventOf({ tenant: "south" }))).toBe("TENANT_FORBIDDEN");
    expect(await guarded.get(String(event.id), north.headers)).toMatchObject({
      event: { tenant: "north" },
      received: { key: north.id },
    });
    for (const rest of ["", "/bundle", "/inclusion-proof", "?tenant=south", "/bundle?tenant=south"]) {
      expect(await codeOf(guarded, `/api/v1/events/${String(foreign.id)}${rest}`, north.headers), rest).toBe("NOT_FOUND");
      expect(await codeOf(guarded, `/api/v1/events/${String(foreign.id)}${rest}`, all.headers), rest).toBe(200);
    }
    expect(await codeOf(guarded, "/tlog/main/tile/entries/000.p/1", north.headers)).toBe("SCOPE_MISSING");
    const entries = await openTail(guarded, "?after=-1&via=!server", north.headers);
    await expect.poll(() => entries.views.length).toBe(1);
    expect(entries.views[0]?.event.tenant).toBe("north");
    entries.close();
  });

  test("KEY-4: a key bound to actor types or a source writes for nobody else", async () => {
    const agents = await keyOf(guarded, ["ingest"], { actorTypes: ["agent"] });
    await expect.poll(() => postCode(agents.headers), { timeout: 5_000 }).toBe(201);
    expect(await postCode(agents.headers, eventOf({ actor: { type: "user", id: "u" } }))).toBe("ACTOR_FORBIDDEN");
    const bound = await keyOf(guarded, ["ingest"], { source: "billing" });
    const fromSource = (name: string): Record<string, unknown> => eventOf({ source: { name, instance: "1", sequence: 1 } });
    await expect.poll(() => postCode(bound.headers, fromSource("billing")), { timeout: 5_000 }).toBe(201);
    expect(await postCode(bound.headers, fromSource("payroll"))).toBe("SOURCE_FORBIDDEN");
  });

  test("KEY-5: keyless loopback ends where a proxy header tells that the request comes from elsewhere", async () => {
    expect((await server.post(eventOf())).status).toBe(201);
    for (const header of [
      "x-forwarded-for",
      "x-real-ip",
      "forwarded",
      "via",
      "x-forwarded-host",
      "x-forwarded-proto",
      "cf-connecting-ip",
      "true-client-ip",
    ]) {
      const { status, answer } = await server.post(eventOf(), { [header]: "203.0.113.9" });
      expect([status, answer.error?.code], header).toEqual([401, "KEY_REQUIRED"]);
      expect(await codeOf(server, "/metrics", { [header]: "127.0.0.1" })).toBe("KEY_REQUIRED");
    }
  });

  test("KEY-6: listening beyond loopback without keys is refused with the command that makes one, and leaves nothing behind", async () => {
    const spare = await startTestServer();
    await spare.stop();
    const start = async (host: string, environment: Record<string, string> = {}): Promise<RunningServer> =>
      startServer({
        loaded: await loadConfig({
          environment: {},
          flags: { data: `${spare.directory}-open`, state: `${spare.directory}-state`, "http.host": host, "http.port": 0 },
        }),
        environment,
        logger: createLogger("silent"),
      });
    await expect(start("0.0.0.0")).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      path: "http.host",
      message: expect.stringContaining("vouchtrail keys create --data"),
    });
    await expect(start("::")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const first = await start("127.0.0.1");
    // The refused starts must not have used up the one time that the key is shown.
    expect(first.newAdminKey).toMatch(/^vt_[a-z0-9]{8}_[\w-]{43}$/);
    await first.close();
    const second = await start("127.0.0.1");
    expect(second.newAdminKey).toBeUndefined();
    await second.close();
    const open = await start("0.0.0.0", { VOUCHTRAIL_ADMIN_KEY: "a-key-that-is-long-enough" });
    await open.close();
    await spare.remove();
  });

  test("KEY-6: a start on a taken port is refused, leaves nothing running and can be repeated", async () => {
    const spare = await startTestServer();
    await spare.stop();
    const loaded = await loadConfig({
      environment: {},
      flags: { data: spare.directory, state: `${spare.directory}-state`, "http.port": server.port },
    });
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(startServer({ loaded, environment: {}, logger: createLogger("silent") })).rejects.toMatchObject({
        code: "CONFIG_INVALID",
        path: "http.port",
      });
    }
    await spare.remove();
  });
});

describe("load", () => {
  test("HTTP-4: 2,000 connections at once are all answered, and what was acked is there", async () => {
    const events = Array.from({ length: 2_000 }, () => eventOf());
    const answers = await Promise.all(
      events.map((event) => sendRequest(server.port, "/api/v1/events", { method: "POST", headers: json, body: JSON.stringify(event) })),
    );
    expect(answers.filter(({ status }) => status !== 201 && status !== 503)).toEqual([]);
    const indexes = answers.flatMap(({ status, text }) => (status === 201 ? [(JSON.parse(text) as IntakeAnswer).receipts[0]?.index] : []));
    expect(indexes.length).toBeGreaterThan(1_000);
    expect(new Set(indexes).size).toBe(indexes.length);
    for (const i of [0, 999, 1_999]) {
      if (answers[i]?.status === 201) expect((await server.get(String(events[i]?.id))).event.action).toBe("document.read");
    }
  });

  test("HTTP-4: hundreds of requests that never end do not keep others from being answered", async () => {
    const sockets: Socket[] = [];
    for (let i = 0; i < 500; i++) {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {}); // Closed below or by the server.
      socket.write(
        i % 2 === 0
          ? "POST /api/v1/ev"
          : "POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{",
      );
      sockets.push(socket);
    }
    const started = performance.now();
    for (let i = 0; i < 50; i++) expect((await server.post(eventOf())).status).toBe(201);
    expect(performance.now() - started).toBeLessThan(10_000);
    for (const socket of sockets) socket.destroy();
  });

  test("HTTP-4: more connections than allowed are turned away while those inside are served", async () => {
    const small = await startTestServer({ "http.connectionsMax": 16 });
    const sockets = Array.from({ length: 100 }, () => {
      const socket = connect(small.port, "127.0.0.1");
      socket.on("error", () => {}); // Refused ones are reset.
      return socket;
    });
    await Promise.all(sockets.map((socket) => Promise.race([once(socket, "connect").catch(() => {}), closed(socket)])));
    await expect
      .poll(() => sockets.filter((socket) => socket.closed || socket.readyState === "closed").length, { timeout: 5_000 })
      .toBeGreaterThan(50);
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(
        async () =>
          small.send("/healthz").then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 5_000 },
      )
      .toBe(200);
    await small.remove();
  });
});

interface Tail {
  readonly views: View[];
  readonly ids: number[];
  readonly response: IncomingMessage;
  close(): void;
}

async function openTail(on: TestServer, query = "", headers: Readonly<Record<string, string>> = {}): Promise<Tail> {
  const outgoing = httpGet({ host: "127.0.0.1", port: on.port, path: `/api/v1/tail${query}`, headers, agent: false });
  outgoing.on("error", () => {}); // Closed by us, or by a server that stops.
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  const tail: Tail = { views: [], ids: [], response, close: () => outgoing.destroy() };
  response.on("error", () => {});
  let rest = "";
  response.setEncoding("utf8");
  response.on("data", (text: string) => {
    const parts = (rest + text).split("\n\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const data = /^data: (.*)$/m.exec(part)?.[1];
      if (data === undefined) continue;
      tail.views.push(JSON.parse(data) as View);
      tail.ids.push(Number(/^id: (\d+)$/m.exec(part)?.[1]));
    }
  });
  return tail;
}

describe("tail", () => {
  test("TAIL-1: entries come in order, each once, with their index as id", async () => {
    const tail = await openTail(server, "?action=tail.order");
    const events = Array.from({ length: 300 }, (_, i) => eventOf({ action: "tail.order", details: { i } }));
    for (let i = 0; i < events.length; i += 50) await server.post(events.slice(i, i + 50));
    await expect.poll(() => tail.views.length, { timeout: 10_000 }).toBe(300);
    expect(tail.views.map(({ event }) => event.id)).toEqual(events.map((event) => event.id));
    expect(tail.views.map(({ index }) => index)).toEqual(tail.ids);
    tail.close();
  });

  test("TAIL-2: a client that comes back with Last-Event-ID misses nothing and sees nothing twice", async () => {
    const events = Array.from({ length: 20 }, () => eventOf({ action: "tail.resume" }));
    await server.post(events.slice(0, 10));
    const first = await openTail(server, "?action=tail.resume&after=-1");
    await expect.poll(() => first.views.length).toBe(10);
    first.close();
    await server.post(events.slice(10));
    const second = await openTail(server, "?action=tail.resume", { "last-event-id": String(first.ids.at(-1)) });
    await expect.poll(() => second.views.length).toBe(10);
    expect([...first.views, ...second.views].map(({ event }) => event.id)).toEqual(events.map((event) => event.id));
    second.close();
  });

  test("TAIL-3: a place that is no index, an unknown filter and too many filter values are refused", async () => {
    for (const query of [
      "after=x",
      "after=-2",
      "after=1.5",
      "after=",
      "after=1&after=2",
      "colour=red",
      "label.=x",
      "action=",
      "__proto__=1",
    ]) {
      expect(await codeOf(server, `/api/v1/tail?${query}`), query).toBe("FILTER_INVALID");
    }
    const values = Array.from({ length: 101 }, (_, i) => `action=a${i}`).join("&");
    expect(await codeOf(server, `/api/v1/tail?${values}`)).toBe("FILTER_INVALID");
    expect((await server.send("/api/v1/tail", { method: "HEAD" })).status).toBe(405);
  });

  test("TAIL-4: more tails than allowed are told to come later, and a closed one makes room", async () => {
    const tails: Tail[] = [];
    for (let i = 0; i < 64; i++) tails.push(await openTail(server, "?action=none"));
    const { status, headers } = await server.send("/api/v1/tail");
    expect([status, headers["retry-after"]]).toEqual([503, "2"]);
    expect(tails.every(({ response }) => response.statusCode === 200)).toBe(true);
    tails.pop()?.close();
    const again = async (): Promise<number> => {
      const tail = await openTail(server, "?action=none");
      if (tail.response.statusCode === 200) tails.push(tail);
      return tail.response.statusCode ?? 0;
    };
    await expect.poll(again, { timeout: 5_000 }).toBe(200);
    for (const tail of tails) tail.close();
  });

  test("TAIL-5: what a slow reader has not taken waits in the ledger, not in memory", async () => {
    const details = { text: "tail ".repeat(20_000) };
    const before = await server.running.ledger.head();
    const batch = (): Record<string, unknown>[] => Array.from({ length: 50 }, () => eventOf({ action: "tail.slow", details }));
    for (let i = 0; i < 12; i++) expect((await server.post(batch())).status).toBe(201);
    const sockets: Socket[] = [];
    globalThis.gc?.();
    const rss = process.memoryUsage.rss();
    for (let i = 0; i < 10; i++) {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {}); // Destroyed below.
      socket.pause();
      socket.write(`GET /api/v1/tail?action=tail.slow&after=${before.treeSize - 1} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      sockets.push(socket);
    }
    // Sixty megabytes wait for each of ten readers that take nothing. Others are served meanwhile.
    for (let i = 0; i < 20; i++) expect((await server.post(eventOf())).status).toBe(201);
    expect(process.memoryUsage.rss() - rss).toBeLessThan(300 * 1_048_576);
    for (const socket of sockets) socket.destroy();
  });

  test("TAIL-7: a page of an allowed origin may read a tail", async () => {
    const other = await startTestServer({ "http.origins": ["https://app.example"] });
    const answer = await fetch(`http://127.0.0.1:${other.port}/api/v1/tail`, { headers: { origin: "https://app.example" } });
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    await answer.body?.cancel();
    await other.remove();
  });

  test("TAIL-6: a server that stops ends its tails and does not wait for them", async () => {
    const other = await startTestServer();
    const tail = await openTail(other);
    const ended = once(tail.response, "close");
    const started = performance.now();
    await other.remove();
    await ended;
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe("what the server tells of itself", () => {
  test("RECORD-1: refused events and refused requests are summed up in the trail, per code, and counted in the metrics", async () => {
    const other = await startTestServer();
    await other.post([eventOf(), eventOf({ action: 1 }), eventOf({ colour: 1 }), eventOf({ shape: 1 })]);
    await other.post("not JSON");
    await other.send("/api/v1/events", { method: "POST", headers: { "content-type": "text/plain" }, body: "x" });
    await other.send("/api/v1/events", { method: "POST", headers: { ...json, host: "evil.example" }, body: "{}" });
    await other.send("/log", { method: "POST", headers: json, body: '{"agent":{}}' });
    await other.post(eventOf({ schema: "vouchtrail/2", future: 1 }));
    const { text } = await other.send("/metrics");
    for (const [code, count] of [
      ["EVENT_INVALID", 1],
      ["KEY_UNKNOWN", 2],
      ["BODY_INVALID", 1],
      ["CONTENT_TYPE_UNSUPPORTED", 1],
      ["SHAPE_INVALID", 1],
    ] as const) {
      expect(text).toContain(`vouchtrail_events_refused_total{code="${code}"} ${count}`);
    }
    await other.restart();
    const tail = await openTail(other, "?after=-1&action=intake.summary");
    await expect.poll(() => tail.views.length).toBe(1);
    expect(tail.views[0]).toMatchObject({
      event: { tenant: "vouchtrail", outcome: { status: "partial" } },
      received: { via: "server" },
      system: {
        counts: {
          EVENT_INVALID: 1,
          KEY_UNKNOWN: 2,
          BODY_INVALID: 1,
          CONTENT_TYPE_UNSUPPORTED: 1,
          HOST_FORBIDDEN: 1,
          SHAPE_INVALID: 1,
          EXTENSIONS_KEPT: 1,
        },
      },
    });
    tail.close();
    await other.remove();
  });

  test("RECORD-2: starts, stops and the making of the ledger are entries", async () => {
    const other = await startTestServer();
    await other.restart();
    const tail = await openTail(other, "?after=-1&via=server");
    // The last one is this read.
    await expect
      .poll(() => tail.views.map(({ event }) => event.action))
      .toEqual(["ledger.created", "server.started", "server.stopped", "server.started", "audit.log.read"]);
    tail.close();
    await other.remove();
  });

  test("CLOCK-1: a clock that goes back leaves received.at where it was, and each jump becomes an entry", async () => {
    let wallMs = Date.parse("2026-06-01T12:00:00.000Z");
    const clock = { wallMs: () => wallMs, monotonicMs: () => 0 };
    const spare = await startTestServer();
    await spare.stop();
    const loaded = await loadConfig({
      environment: {},
      flags: { data: `${spare.directory}-clock`, state: `${spare.directory}-state`, "http.port": 0, "log.level": "silent" },
    });
    const running = await startServer({ loaded, environment: {}, logger: createLogger("silent"), clock });
    const port = Number(new URL(running.url).port);
    const post = (): Promise<unknown> =>
      sendRequest(port, "/api/v1/events", { method: "POST", headers: json, body: JSON.stringify(eventOf()) });
    for (const stepMs of [5, -3_600_000, 10, 7_200_000, 1, -500]) {
      wallMs += stepMs;
      await post();
    }
    await running.close();
    const again = await startServer({ loaded, environment: {}, logger: createLogger("silent"), clock: { ...clock, wallMs: () => 0 } });
    await sendRequest(Number(new URL(again.url).port), "/api/v1/events", {
      method: "POST",
      headers: json,
      body: JSON.stringify(eventOf()),
    });
    const leaves: { action: string; received: { at: string }; system?: Record<string, number> }[] = [];
    for await (const batch of again.ledger.read(0, (await again.ledger.head()).treeSize))
      for (const { leaf } of batch) leaves.push(JSON.parse(leaf));
    const times = leaves.map(({ received }) => received.at);
    expect(times).toEqual([...times].sort());
    const jumps = leaves.filter(({ action }) => action === "clock.jumped").map(({ system }) => (system?.toMs ?? 0) - (system?.fromMs ?? 0));
    expect(jumps.slice(0, 2)).toEqual([5 - 3_600_000, 10 + 7_200_000]);
    await again.close();
    await spare.remove();
  });
});
