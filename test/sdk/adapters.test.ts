import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server, request as send } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import express, { type Request as ExpressRequest, type Response as ExpressResponse, type NextFunction } from "express";
import fastify, { type FastifyRequest } from "fastify";
import { type Context, Hono } from "hono";
import { afterEach, describe, expect, test } from "vitest";
import { auditExpress } from "../../packages/sdk/src/node/adapters/express.ts";
import { auditFastify } from "../../packages/sdk/src/node/adapters/fastify.ts";
import { auditHono } from "../../packages/sdk/src/node/adapters/hono.ts";
import { withAuditServer } from "../../packages/sdk/src/node/adapters/http.ts";
import { withAuditRoute } from "../../packages/sdk/src/node/adapters/next.ts";
import type { UnauditedRequest } from "../../packages/sdk/src/node/adapters/request-context.ts";
import { createUnauditedRequests, type UnauditedRequests } from "../../packages/sdk/src/node/adapters/unaudited-requests.ts";
import { currentAuditContext, withAuditContext } from "../../packages/sdk/src/node/context.ts";
import { mockAudit } from "../../packages/sdk/src/node/testing/mock-audit.ts";

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** What a handler of any framework is given. */
interface Call {
  readonly path: string;
  readonly user: string | undefined;
  readonly body: { readonly n?: number } | undefined;
}
/** What it answers: a status with text, or text in pieces. */
type Reply = { readonly status: number; readonly text?: string } | AsyncIterable<string>;
type Handler = (call: Call) => Promise<Reply>;

type Options = Parameters<typeof withAuditServer>[1] & { readonly trustProxy?: boolean };
type Serve = (handler: Handler, options: Options) => Promise<string>;

/** The server's side of the newest connection. */
let newestConnection: Socket | undefined;
function watchConnections(server: Server): void {
  server.on("connection", (socket) => {
    newestConnection = socket;
  });
}

async function listen(listener: RequestListener | Server): Promise<string> {
  const server = typeof listener === "function" ? createServer(listener) : listener;
  watchConnections(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readBody(request: IncomingMessage): Promise<Call["body"]> {
  const text = await new Response(Readable.toWeb(request) as ReadableStream).text();
  return text === "" ? undefined : (JSON.parse(text) as { n: number });
}

const headerOf = (request: { headers: IncomingMessage["headers"] }, name: string): string | undefined =>
  request.headers[name] as string | undefined;

function toResponse(reply: Reply): Response {
  if ("status" in reply)
    return new Response(reply.text ?? null, {
      status: reply.status,
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    });
  return new Response(ReadableStream.from(reply).pipeThrough(new TextEncoderStream()));
}

/** Web handlers behind `node:http`, as servers for them do it. */
function bridge(handle: (request: Request, incoming: IncomingMessage) => Response | Promise<Response>): RequestListener {
  return async (incoming, outgoing) => {
    const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD";
    const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
      method: incoming.method ?? "GET",
      headers: Object.entries(incoming.headersDistinct).flatMap(([name, values]) =>
        (values ?? []).map((value): [string, string] => [name, value]),
      ),
      ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" } : {}),
    });
    try {
      const response = await handle(request, incoming);
      outgoing.writeHead(response.status, [...response.headers].flat());
      if (response.body !== null) for await (const chunk of response.body) outgoing.write(chunk);
    } catch {
      if (!outgoing.headersSent) outgoing.writeHead(500);
    }
    outgoing.end();
  };
}

const viaHttp: Serve = (handler, options) =>
  listen(
    withAuditServer(async (request, response) => {
      try {
        const reply = await handler({ path: request.url ?? "", user: headerOf(request, "x-user"), body: await readBody(request) });
        if ("status" in reply) response.writeHead(reply.status).end(reply.text);
        else {
          for await (const piece of reply) response.write(piece);
          response.end();
        }
      } catch {
        response.writeHead(500).end();
      }
    }, options),
  );

const viaExpress: Serve = (handler, options) => {
  const app = express();
  app.set("trust proxy", options.trustProxy ?? false);
  app.use(auditExpress({ ...options, actor: (request: ExpressRequest) => options.actor?.(request) }));
  app.use(express.json());
  const router = express.Router();
  router.all(/.*/, async (request, response) => {
    const reply = await handler({ path: request.originalUrl, user: request.get("x-user"), body: request.body as Call["body"] });
    if ("status" in reply) response.status(reply.status).send(reply.text);
    else Readable.from(reply).pipe(response);
  });
  app.use(router);
  app.use((_error: unknown, _request: ExpressRequest, response: ExpressResponse, _next: NextFunction) => void response.status(500).end());
  return listen(app);
};

const viaFastify: Serve = async (handler, options) => {
  const app = fastify({ trustProxy: options.trustProxy ?? false });
  await app.register(
    auditFastify<FastifyRequest>({ ...options, actor: (request) => options.actor?.(request.raw) } as Parameters<
      typeof auditFastify<FastifyRequest>
    >[0]),
  );
  app.all("/*", async (request, reply) => {
    const answer = await handler({ path: request.url, user: headerOf(request, "x-user"), body: request.body as Call["body"] });
    return "status" in answer ? reply.status(answer.status).send(answer.text) : reply.send(Readable.from(answer));
  });
  watchConnections(app.server);
  closing.push(() => app.close());
  return app.listen({ host: "127.0.0.1", port: 0 });
};

const viaHono: Serve = (handler, options) => {
  const app = new Hono<{ Bindings: { incoming: IncomingMessage } }>();
  app.use(
    auditHono({ ...options, actor: (context: Context) => options.actor?.(context.env.incoming as IncomingMessage) } as Parameters<
      typeof auditHono<Context>
    >[0]),
  );
  app.all("*", async ({ req }) =>
    toResponse(
      await handler({
        path: req.path,
        user: req.header("x-user"),
        body: req.header("content-type") === undefined ? undefined : await req.json(),
      }),
    ),
  );
  app.onError(() => new Response(null, { status: 500 }));
  return listen(bridge((request, incoming) => app.fetch(request, { incoming })));
};

const viaNext: Serve = (handler, options) => {
  const route = withAuditRoute(
    async (request: Request, _context: { params: Promise<object> }) => {
      const body = request.headers.has("content-type") ? ((await request.json()) as Call["body"]) : undefined;
      return toResponse(await handler({ path: new URL(request.url).pathname, user: request.headers.get("x-user") ?? undefined, body }));
    },
    { ...options, actor: (request: Request) => options.actor?.({ headers: Object.fromEntries(request.headers) } as never) } as never,
  );
  return listen(bridge((request) => route(request, { params: Promise.resolve({}) })));
};

/** The path of any framework's request. */
function pathOf(request: object): string {
  const { url, req } = request as { readonly url?: string; readonly req?: { readonly url: string } };
  return new URL(url ?? req?.url ?? "", "http://host").pathname;
}

const SERVERS: readonly (readonly [string, Serve])[] = [
  ["node:http", viaHttp],
  ["Express", viaExpress],
  ["Fastify", viaFastify],
  ["Hono", viaHono],
  ["Next.js route handlers", viaNext],
];

const TARGET = { type: "thing", id: "t-1" };
const SUCCESS = { status: "success" as const };

/** A mock trail, and options that count apart from other tests. */
function setUp() {
  const mock = mockAudit();
  const counts = createUnauditedRequests();
  let total = 0;
  const waiting: { readonly at: number; readonly go: () => void }[] = [];
  const counter: UnauditedRequests = {
    ...counts,
    count(route) {
      total += 1;
      for (const { at, go } of waiting) if (total >= at) go();
      return counts.count(route);
    },
  };
  /** A request is counted after its answer has arrived. */
  const counted = (at: number): Promise<void> =>
    new Promise((resolve) => {
      if (total >= at) resolve();
      else waiting.push({ at, go: resolve });
    });
  const unaudited: UnauditedRequest[] = [];
  const options: Options = {
    counter,
    onUnaudited: (request) => unaudited.push(request),
    actor: (request) => ({ type: "user", id: headerOf(request, "x-user") ?? "nobody" }),
  };
  const record = (action = "thing.changed") => mock.emitter.emit({ action, target: TARGET, outcome: SUCCESS } as never);
  return { mock, counter, counted, unaudited, options, record };
}

const post = (url: string, headers: Record<string, string> = {}, body = "{}"): Promise<Response> =>
  fetch(url, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

describe.each(SERVERS)("%s", (name, serve) => {
  test("SDK-22: an event of a request says who acted, from where, and in which request", async () => {
    const { mock, options, record } = setUp();
    const url = await serve(async () => ({ status: (await record()).state === "stored" ? 200 : 500 }), options);
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const headers = { "x-user": "ann", "x-request-id": "req-7", "user-agent": "probe/1", traceparent: `00-${trace}-b7ad6b7169203331-01` };
    expect((await post(url, headers)).status).toBe(200);
    const { context, actor } = mock.assertAudited({ action: "thing.changed" });
    expect(actor).toEqual({ type: "user", id: "ann" });
    const address = name.startsWith("Next") ? {} : { ipAddress: "127.0.0.1" };
    expect(context).toEqual({ requestId: "req-7", userAgent: "probe/1", traceId: trace, correlationId: trace, ...address });
    await post(url, { "x-request-id": "<script>", traceparent: "00-zz" });
    expect(mock.events[1]?.context?.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(mock.events[1]?.context?.traceId).toBeUndefined();
  });

  test("addresses of proxies are looked through when they are trusted", async () => {
    const { mock, options, record } = setUp();
    const url = await serve(async () => ({ status: (await record()).state === "stored" ? 200 : 500 }), {
      ...options,
      trustedProxies: name.startsWith("Next") ? 1 : ["loopback"],
    });
    await post(url, { "x-forwarded-for": "6.6.6.6, 198.51.100.4" });
    mock.assertAudited({ action: "thing.changed", context: { ipAddress: "198.51.100.4" } });
  });

  test("SDK-23: concurrent requests never mix their contexts", async () => {
    const { mock, options, record } = setUp();
    const url = await serve(async ({ user, body }) => {
      await pause((body?.n ?? 0) % 7);
      await record(`thing.${user}`);
      await new Promise((resolve) => setImmediate(resolve));
      await record(`again.${user}`);
      return { status: 200, text: currentAuditContext()?.requestId ?? "" };
    }, options);
    const users = Array.from({ length: 30 }, (_, n) => `user${n}`);
    const answers = await Promise.all(
      users.map(async (user, n) => (await post(url, { "x-user": user, "x-request-id": `id-${user}` }, JSON.stringify({ n }))).text()),
    );
    expect(answers).toEqual(users.map((user) => `id-${user}`));
    expect(mock.events).toHaveLength(60);
    for (const { action, actor, context } of mock.events)
      expect([actor.id, context?.requestId]).toEqual([action.split(".")[1], `id-${actor.id}`]);
  });

  test("SDK-24: state-changing requests that record nothing are counted by route, told of once, and no others", async () => {
    const { counter, counted, unaudited, options, record } = setUp();
    const url = await serve(
      async ({ path }) => {
        if (path === "/audited") await record();
        if (path === "/refused") return { status: 403 };
        if (path === "/failing") throw new Error("no");
        return { status: 201, text: "done" };
      },
      {
        ...options,
        route: (request: object) => pathOf(request),
        isExpected: undefined,
      },
    );
    for (const path of ["/silent", "/audited", "/refused", "/failing", "/silent"]) await (await post(url + path)).text();
    await (await fetch(`${url}/silent`)).text();
    await (await fetch(`${url}/other`, { method: "DELETE" })).text();
    await counted(3);
    expect(counter.byRoute()).toEqual(
      new Map([
        ["POST /silent", 2],
        ["DELETE /other", 1],
      ]),
    );
    expect(unaudited).toEqual([
      { route: "POST /silent", status: 201 },
      { route: "DELETE /other", status: 201 },
    ]);
    expect(counter.prometheusText()).toContain('audit_unaudited_requests_total{route="POST /silent"} 2\n');
  });

  test("what is recorded while an answer is streamed counts, and has the context of the request", async () => {
    const { mock, counter, counted, options, record } = setUp();
    const url = await serve(async ({ path }) => {
      return (async function* () {
        yield "a";
        await pause(1);
        if (path === "/audited") await record();
        yield "b";
      })();
    }, options);
    expect(await (await post(`${url}/audited`, { "x-user": "ann" })).text()).toBe("ab");
    expect(await (await post(`${url}/silent`)).text()).toBe("ab");
    await counted(1);
    expect([...counter.byRoute().values()]).toEqual([1]);
    mock.assertAudited({ action: "thing.changed", actor: { id: "ann" } });
  });

  test("a request that is given up counts where its handler answers all the same, and the next one is served", async () => {
    const { counter, counted, options } = setUp();
    let answer = (): void => undefined;
    let began = (): void => undefined;
    const started = new Promise<void>((resolve) => {
      began = resolve;
    });
    const url = await serve(async ({ path }) => {
      if (path !== "/slow") return { status: 200 };
      const answered = new Promise<void>((resolve) => {
        answer = resolve;
      });
      began();
      await answered;
      return { status: 200 };
    }, options);
    const client = send(`${url}/slow`, { method: "POST" });
    client.on("error", () => undefined);
    client.end();
    await started;
    const closed = once(newestConnection as Socket, "close");
    client.destroy();
    await closed;
    answer();
    expect((await post(`${url}/next`)).status).toBe(200);
    // A response of Node.js is closed with its connection, before anything is known of the outcome.
    const routes = ["Hono", "Next.js route handlers"].includes(name) ? ["POST /slow", "POST /next"] : ["POST /next"];
    await counted(routes.length);
    expect([...counter.byRoute().keys()].map((route) => route.replace("/*", "/next"))).toEqual(routes);
  });

  test("functions of the application that throw break no request", async () => {
    const { mock, options } = setUp();
    const errors: unknown[] = [];
    const fail = (): never => {
      throw new Error("no session");
    };
    const url = await serve(
      async ({ path }) => {
        if (path === "/silent") return { status: 200 };
        const { state } = await mock.emitter.emit({
          action: "thing.changed",
          actor: { type: "user", id: "own" },
          target: TARGET,
          outcome: SUCCESS,
        });
        return { status: state === "stored" ? 200 : 500 };
      },
      {
        ...options,
        actor: fail,
        tenant: fail,
        requestId: fail,
        route: fail,
        isExpected: fail,
        onUnaudited: fail,
        onError: (error) => errors.push(error),
      },
    );
    expect((await post(url)).status).toBe(200);
    expect((await post(`${url}/silent`)).status).toBe(200);
    expect(errors.length).toBeGreaterThan(0);
    mock.assertAudited({ action: "thing.changed", actor: { id: "own" } });
  });
});

describe("routes", () => {
  test("each framework gives its own pattern", async () => {
    const { counter, counted, options } = setUp();
    const { actor: _actor, ...plain } = options;
    const app = express();
    app.use(auditExpress(plain as never));
    const router = express.Router({ mergeParams: true });
    router.post("/items/:item", (_request, response) => void response.end());
    router.post("/", (_request, response) => void response.end());
    app.use("/orders/:order", router);
    app.post("/plain/:id", (_request, response) => void response.end());
    const expressUrl = await listen(app);
    for (const path of ["/orders/42/items/a", "/orders/43", "/plain/x"]) await (await post(expressUrl + path)).text();

    const server = fastify();
    await server.register(auditFastify(plain as never));
    await server.register(async (inner) => inner.post("/f/:id", async () => "ok"), { prefix: "/v1" });
    closing.push(() => server.close());
    await (await post(`${await server.listen({ port: 0, host: "127.0.0.1" })}/v1/f/7`)).text();

    const route = withAuditRoute(
      async (_request: Request, _context: { params: Promise<{ id: string }> }) => new Response(null, { status: 204 }),
      plain as never,
    );
    await route(new Request("http://localhost/api/posts/my-post/42", { method: "POST" }), { params: Promise.resolve({ id: "my-post" }) });

    const url = await listen(withAuditServer((_request, response) => void response.end(), plain));
    await (await post(`${url}/a/42/ann@example.com?token=secret`)).text();
    await counted(6);
    expect([...counter.byRoute().keys()]).toEqual([
      "POST /orders/:id/items/:item",
      "POST /orders/:id",
      "POST /plain/:id",
      "POST /v1/f/:id",
      "POST /api/posts/[id]/:id",
      "POST /a/:id/:id",
    ]);
  });

  test("the number of routes that are counted by name is bounded, and names cannot break the text", () => {
    const counter = createUnauditedRequests();
    for (let n = 0; n < 2_000; n += 1) counter.count(`POST /${n}`);
    expect(counter.byRoute().size).toBe(1_001);
    expect(counter.byRoute().get("other")).toBe(1_000);
    counter.clear();
    counter.count('POST /"\\\n');
    expect(counter.prometheusText().split("\n")[2]).toBe('audit_unaudited_requests_total{route="POST /\\"\\\\\\n"} 1');
  });
});

describe("contexts", () => {
  test("options are written in the types of each framework", async () => {
    const { mock, record } = setUp();
    const app = fastify();
    await app.register(
      auditFastify({ actor: (request: FastifyRequest) => ({ type: "user", id: String(request.headers["x-user"]) }), tenant: () => "acme" }),
    );
    app.post("/:id", async () => (await record()).state);
    expect((await app.inject({ method: "POST", url: "/1", headers: { "x-user": "fay" } })).body).toBe("stored");
    await app.close();

    type Variables = { Variables: { user: string } };
    const hono = new Hono<Variables>();
    hono.use(
      auditHono({
        actor: (context: Context<Variables>) => ({ type: "user", id: context.get("user") }),
        route: (context) => context.req.path,
      }),
    );
    hono.use(async (context, next) => {
      context.set("user", "hal");
      await next();
    });
    hono.post("/:id", async (context) => context.text((await record()).state));
    expect(await (await hono.request("/1", { method: "POST" })).text()).toBe("stored");

    const POST = withAuditRoute(
      async (_request: Request, { params }: { params: Promise<{ id: string }> }) =>
        Response.json([(await params).id, (await record()).state]),
      {
        actor: () => ({ type: "user", id: "nia" }),
      },
    );
    expect(
      await (await POST(new Request("http://localhost/1", { method: "POST" }), { params: Promise.resolve({ id: "1" }) })).json(),
    ).toEqual(["1", "stored"]);
    expect(mock.events.map(({ actor }) => actor.id)).toEqual(["fay", "hal", "nia"]);
  });

  test("who has signed in later in the request is who acted", async () => {
    const { mock, record } = setUp();
    const app = express();
    app.use(
      auditExpress({
        actor: (request: ExpressRequest & { user?: string }) =>
          request.user === undefined ? undefined : { type: "user", id: request.user },
        tenant: () => "acme",
      }),
    );
    app.use((request: ExpressRequest & { user?: string }, _response, next) => {
      request.user = "late";
      next();
    });
    app.post("/", async (_request, response) => {
      await record();
      await withAuditContext({ actor: { type: "agent", id: "inner" }, labels: { lane: "api" } }, () => record("thing.nested"));
      response.end();
    });
    await post(await listen(app));
    mock.assertAudited({ action: "thing.changed", actor: { id: "late" }, tenant: "acme" });
    const nested = mock.assertAudited({ action: "thing.nested", actor: { id: "inner" }, tenant: "acme", labels: { lane: "api" } });
    expect(nested.context?.requestId).toBe(mock.events[0]?.context?.requestId);
  });

  test("an event of a handler within another one counts for both", async () => {
    const { counter, options, record } = setUp();
    const inner = withAuditRoute(
      async () => {
        await record();
        return new Response(null);
      },
      { counter, actor: () => ({ type: "user", id: "ann" }) },
    );
    const url = await listen(
      withAuditServer((_request, response) => {
        void inner(new Request("http://localhost/", { method: "POST" }), undefined).then(() => response.end());
      }, options),
    );
    await (await post(url)).text();
    await (await fetch(`${url}/marker`)).text();
    expect(counter.byRoute().size).toBe(0);
  });

  test("a redirect that Next.js throws is an answer, and an error is none", async () => {
    const { counter, options } = setUp();
    const { actor: _actor, ...plain } = options;
    const failing = (error: Error) =>
      withAuditRoute(() => Promise.reject(error), plain as never)(new Request("http://localhost/go", { method: "POST" }), undefined);
    await expect(failing(new Error("broken"))).rejects.toThrow("broken");
    expect(counter.byRoute().size).toBe(0);
    await expect(failing(Object.assign(new Error("NEXT_REDIRECT"), { digest: "NEXT_REDIRECT;replace;/login;307;" }))).rejects.toThrow(
      "NEXT_REDIRECT",
    );
    expect([...counter.byRoute().keys()]).toEqual(["POST /go"]);
  });

  test("cookies of a watched response are sent once", async () => {
    const { options } = setUp();
    for (const serve of [viaHono, viaNext]) {
      const response = await post(await serve(async () => ({ status: 200, text: "done" }), options));
      expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    }
  });

  test("a route that records nothing, and an option that throws, are told of once by a warning of the process", async () => {
    const { counter } = setUp();
    const warnings: (string | undefined)[] = [];
    const listener = (warning: Error & { code?: string }): void =>
      void warnings.push(`${warning.name} ${warning.code}: ${warning.message.slice(0, 25)}`);
    process.on("warning", listener);
    const requestId = (): string => {
      throw new Error("no id");
    };
    const route = withAuditRoute(async () => new Response(null), { counter, requestId });
    for (let n = 0; n < 3; n += 1) await route(new Request("http://localhost/warned", { method: "POST" }), undefined);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", listener);
    expect(warnings).toEqual([
      "AuditWarning AUDIT_OPTION_THREW: A function of an audit ad",
      "AuditWarning AUDIT_UNAUDITED: POST /warned answered 200",
    ]);
  });

  test("trusted proxies that are none are refused when the adapter is made", () => {
    const trustedProxies = ["nowhere"];
    for (const make of [
      () => auditExpress({ trustedProxies }),
      () => auditFastify({ trustedProxies }),
      () => auditHono({ trustedProxies }),
    ]) {
      expect(() => make()).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    }
  });
});
