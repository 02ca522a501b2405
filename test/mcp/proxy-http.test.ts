import { request as httpRequest } from "node:http";
import { gzipSync } from "node:zlib";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { type HttpProxy, openHttpProxy } from "mcp-audit-logger/proxy";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listen, listenMcp } from "./http-place.ts";
import { openProxyPlace, type ProxyPlace } from "./proxy-place.ts";

let place: ProxyPlace;
beforeEach(async () => {
  place = await openProxyPlace();
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
});

const open = (url: URL, isStrict = false): Promise<HttpProxy> => openHttpProxy({ url, port: 0, recorder: place.recorder(), isStrict });

const call = (id: number, name: string): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {} } });
const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
const endings = (): (readonly [string | undefined, string, string | undefined])[] =>
  place
    .events("ai.tool_call")
    .filter(({ phase }) => phase === "outcome")
    .map(({ activity, outcome }) => [activity?.name, outcome.status, outcome.code]);

for (const era of ["auto", "legacy"] as const) {
  for (const mode of ["json", "sse"] as const) {
    test(`PROXY-15, PROXY-16: a real client and a real server (${era}, ${mode}) work through the proxy, and every call is recorded once`, async () => {
      await using server = await listenMcp(mode);
      const proxy = await open(server.url);
      const client = new Client({ name: "http-client", version: "5" }, { versionNegotiation: { mode: era } });
      await client.connect(new StreamableHTTPClientTransport(new URL(proxy.url)));
      expect((await client.listTools()).tools.map(({ name }) => name).sort()).toEqual(["add", "fail"]);
      expect(await client.callTool({ name: "add", arguments: { a: 2, b: 3 } })).toMatchObject({ content: [{ type: "text", text: "5" }] });
      expect(await client.callTool({ name: "fail" })).toMatchObject({ isError: true });
      await client.close();
      await proxy.close();
      expect(place.events("ai.tool_call").map(({ phase, activity, outcome }) => [phase, activity?.name, outcome.status])).toEqual([
        ["intent", "mcp__tested__add", "pending"],
        ["outcome", "mcp__tested__add", "success"],
        ["intent", "mcp__tested__fail", "pending"],
        ["outcome", "mcp__tested__fail", "failure"],
      ]);
      expect(place.events("ai.tool_call")[0]?.activity?.tool.parameters).toEqual({ a: 2, b: 3 });
      expect(
        place
          .events("mcp.tool_definition.seen")
          .map(({ details }) => details.tool)
          .sort(),
      ).toEqual(["add", "fail"]);
      expect(place.events("mcp.message.unread")).toEqual([]);
    });
  }
}

test("PROXY-15: method, path, headers and body pass unchanged, but for the headers of the connection and the host", async () => {
  const seen: { method?: string | undefined; url?: string | undefined; headers: string[]; body: string }[] = [];
  await using server = await listen((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      seen.push({ method: request.method, url: request.url, headers: request.rawHeaders, body });
      response.sendDate = false;
      response.writeHead(202, "Taken", ["X-Answer", "one", "x-answer", "two", "Set-Cookie", "a=1", "Content-Length", "0"]).end();
    });
  });
  const proxy = await open(server.url);
  const answer = await new Promise<{ status: number | undefined; message: string | undefined; headers: string[] }>((resolve) => {
    const outgoing = httpRequest(new URL("/other?q=%20", proxy.url), {
      method: "POST",
      headers: [
        "Host",
        new URL(proxy.url).host,
        "MCP-Protocol-Version",
        "2026-07-28",
        "Authorization",
        "Bearer t0p",
        "X-Case",
        "Ä",
        "Connection",
        "x-hop, close",
        "X-Hop",
        "1",
        "Content-Length",
        "4",
      ] as never,
    });
    outgoing.on("response", (response) => {
      response
        .resume()
        .on("end", () => resolve({ status: response.statusCode, message: response.statusMessage, headers: response.rawHeaders }));
    });
    // Bytes: beside a text Node.js encodes headers as it.
    outgoing.end(Buffer.from("null"));
  });
  await proxy.close();
  expect(seen[0]).toMatchObject({ method: "POST", url: "/other?q=%20", body: "null" });
  const headers = seen[0]?.headers ?? [];
  expect(headers.slice(0, 8)).toEqual([
    "Host",
    server.url.host,
    "MCP-Protocol-Version",
    "2026-07-28",
    "Authorization",
    "Bearer t0p",
    "X-Case",
    "Ä",
  ]);
  expect(headers).not.toContain("X-Hop");
  expect(answer).toMatchObject({ status: 202, message: "Taken" });
  expect(answer.headers.slice(0, 6)).toEqual(["X-Answer", "one", "x-answer", "two", "Set-Cookie", "a=1"]);
  expect(JSON.stringify([...place.trail.stored.values()])).not.toContain("t0p");
});

test("PROXY-16: an answer that is compressed passes as it is and is recorded", async () => {
  const encoded = gzipSync(JSON.stringify({ jsonrpc: "2.0", id: 1, result: { content: [] } }));
  await using server = await listen((request, response) => {
    request
      .resume()
      .on("end", () => response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(encoded));
  });
  const proxy = await open(server.url);
  expect(await (await post(proxy.url, call(1, "zipped"))).json()).toMatchObject({ id: 1 });
  await proxy.close();
  expect(endings()).toEqual([["mcp__tested__zipped", "success", undefined]]);
});

test("PROXY-16: a call that is refused by status is denied or failed, one without an answer has none, and one to a server that is away is told so", async () => {
  await using server = await listen((request, response) => {
    const { "x-status": status } = request.headers;
    request.resume().on("end", () => {
      if (status === "cut") response.writeHead(200, { "content-type": "text/event-stream" }).write(": alive\n\n", () => response.destroy());
      else response.writeHead(Number(status)).end("no");
    });
  });
  const proxy = await open(server.url);
  for (const status of ["401", "403", "500"])
    expect((await post(proxy.url, call(1, `s${status}`), { "x-status": status })).status).toBe(Number(status));
  await post(proxy.url, call(1, "cut"), { "x-status": "cut" })
    .then((response) => response.text())
    .catch(() => "cut");
  await server[Symbol.asyncDispose]();
  const away = await post(proxy.url, call(8, "away"));
  expect([away.status, await away.json()]).toMatchObject([502, { id: 8, error: { code: -32_012 } }]);
  await proxy.close();
  expect(endings()).toEqual([
    ["mcp__tested__s401", "denied", "HTTP_401"],
    ["mcp__tested__s403", "denied", "HTTP_403"],
    ["mcp__tested__s500", "failure", "HTTP_500"],
    ["mcp__tested__cut", "failure", "NO_ANSWER"],
    ["mcp__tested__away", "failure", "SERVER_AWAY"],
  ]);
});

test("PROXY-16: where the body cannot be read the headers tell which tool is called", async () => {
  await using server = await listen((request, response) => {
    request
      .resume()
      .on("end", () => response.writeHead(200, { "content-type": "application/json" }).end('{"jsonrpc":"2.0","id":1,"result":{}}'));
  });
  const proxy = await open(server.url);
  const name = `=?base64?${Buffer.from("wetter-für").toString("base64")}?=`;
  await (await post(proxy.url, '{"jsonrpc":', { "mcp-method": "tools/call", "mcp-name": name })).text();
  await proxy.close();
  expect(place.events("ai.tool_call").map(({ phase, details, outcome }) => [phase, details.tool, details.basis, outcome.status])).toEqual([
    ["intent", "wetter-für", "headers", "pending"],
    ["outcome", "wetter-für", "headers", "success"],
  ]);
});

test("PROXY-17: a foreign name or a web page of another origin is refused", async () => {
  let count = 0;
  await using server = await listen((_request, response) => {
    count += 1;
    response.end();
  });
  const proxy = await open(server.url);
  expect((await post(proxy.url, call(1, "x"), { origin: "https://evil.example" })).status).toBe(403);
  const status = await new Promise((resolve) => {
    httpRequest(proxy.url, { method: "POST", headers: { host: "evil.example" } }, (response) => resolve(response.resume().statusCode)).end(
      "{}",
    );
  });
  expect(status).toBe(403);
  expect(count).toBe(0);
  expect((await post(proxy.url, call(1, "x"), { origin: "http://localhost:3000" })).status).toBe(200);
  await proxy.close();
});

test("PROXY-18: a client that closes the stream interrupts its call, and one in a session may still be answered on another connection", async () => {
  await using server = await listen((request, response) => {
    const headers = request.url === "/session" ? { "mcp-session-id": "s-1" } : {};
    if (request.method === "GET")
      response.writeHead(200, { "content-type": "text/event-stream" }).end('data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n');
    else
      request.resume().on("end", () => response.writeHead(200, { "content-type": "text/event-stream", ...headers }).write(": alive\n\n"));
  });
  const proxy = await open(server.url);
  for (const path of ["/alone", "/session"]) {
    const controller = new AbortController();
    const response = await fetch(new URL(path, proxy.url), { method: "POST", body: call(1, path.slice(1)), signal: controller.signal });
    await response.body?.getReader().read();
    controller.abort();
  }
  await place.trail.untilStored(4);
  await expect.poll(() => endings()).toContainEqual(["mcp__tested__alone", "failure", "INTERRUPTED"]);
  expect(endings()).toHaveLength(1);
  await (await fetch(new URL("/session", proxy.url), { headers: { "mcp-session-id": "s-1" } })).text();
  await expect.poll(() => endings()).toContainEqual(["mcp__tested__session", "success", undefined]);
  await proxy.close();
  expect(endings()).toHaveLength(2);
});

test("PROXY-13: a strict proxy refuses a call over HTTP while the trail is away, and the server sees nothing", async () => {
  const bodies: string[] = [];
  await using server = await listen((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      bodies.push(body);
      response.writeHead(200, { "content-type": "application/json" }).end('{"jsonrpc":"2.0","id":1,"result":{}}');
    });
  });
  place.strictTimeoutMs = 1_000;
  place.isPatient = false;
  const proxy = await open(server.url, true);
  await (await post(proxy.url, call(1, "open"))).text();
  await place.trail.stop();
  expect(await (await post(proxy.url, call(2, "shut"))).json()).toMatchObject({ id: 2, error: { code: -32_010 } });
  expect(await (await post(proxy.url, "{not json")).json()).toMatchObject({ id: null, error: { code: -32_011 } });
  await proxy.close();
  expect(bodies).toEqual([call(1, "open")]);
});
