import { once } from "node:events";
import { connect } from "node:net";
import { READ_ACTION } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sendRequest, startTestServer } from "../hostile/running-server.ts";
import { ACTION, call, ERAS, type McpPlace, openMcpPlace, refusal, type Written } from "./server-place.ts";

let place: McpPlace;
beforeAll(async () => {
  place = await openMcpPlace({
    reader: { scopes: ["read"] },
    writer: { scopes: ["ingest"] },
    both: { scopes: ["ingest", "read"] },
    administrator: { scopes: ["admin"] },
    deployer: { scopes: ["ingest", "read"], source: "ops/deployer" },
    persons: { scopes: ["ingest"], actorTypes: ["user"] },
    ...Object.fromEntries(
      ["left", "right"].flatMap((side) => ERAS.map((era) => [`${side}-${era}`, { scopes: ["ingest", "read"], tenant: `${side}-${era}` }])),
    ),
  });
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
});

const MODERN = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} };
const HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2026-07-28",
};

function rpc(method: string, params: Record<string, unknown> = {}): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: MODERN } });
}

const post = (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
  sendRequest(place.port, "/mcp", { method: "POST", headers: { ...HEADERS, ...headers }, body });

test.each(ERAS)("MCP-11: a key reads, writes or does both, as its scopes say (%s)", async (era) => {
  const reading = await place.overHttp(era, place.key("reader"));
  const writing = await place.overHttp(era, place.key("writer"));
  expect(await refusal(reading, "log_action", ACTION)).toMatch(/^SCOPE_MISSING: .*"ingest".*operator/);
  const written = await call<Written>(writing, "log_action", ACTION);
  expect(await refusal(writing, "get_event", { id: written.id })).toMatch(/^SCOPE_MISSING: .*"read"/);
  expect(await refusal(writing, "verify")).toMatch(/^SCOPE_MISSING/);
  await expect(writing.readResource({ uri: "vouchtrail://events/recent" })).rejects.toThrow(/SCOPE_MISSING|scope "read"/);
  expect(await call(reading, "get_event", { id: written.id })).toMatchObject({ received: { via: "mcp" } });
  const { effectId } = await call<Written>(writing, "open_effect", { action: "a.b", target: { type: "x", id: "y" } });
  // Without the scope to read it cannot look up what it opened: over HTTP nothing is remembered between calls.
  expect(await refusal(writing, "close_effect", { effectId, outcome: { status: "success" } })).toMatch(
    /^NOT_FOUND: .*give action and target/,
  );
  const closing = { effectId, outcome: { status: "success" }, action: "a.b", target: { type: "x", id: "y" } };
  expect(await call(writing, "close_effect", closing)).toMatchObject({ state: "stored", effectId });
});

test("MCP-11: an administration key without the other scopes opens nothing, and no tool administers", async () => {
  const key = place.key("administrator");
  const { status, text } = await post(rpc("tools/list"), { authorization: `Bearer ${key}`, "mcp-method": "tools/list" });
  expect([status, JSON.parse(text).error.code]).toEqual([403, "SCOPE_MISSING"]);
  const client = await place.overHttp("auto");
  const { tools } = await client.listTools();
  expect(tools.filter(({ name }) => /key|erase|sql|prune|admin|delete/.test(name))).toEqual([]);
});

test("MCP-3: MCP-11: a key that is bound to a source writes as it, and one for persons writes nothing", async () => {
  const bound = await place.overHttp("auto", place.key("deployer"));
  const { id } = await call<Written>(bound, "log_action", ACTION);
  expect(await call(bound, "get_event", { id })).toMatchObject({ event: { actor: { type: "agent", id: "ops/deployer" } } });
  const named = place.key("both");
  const unbound = await place.overHttp("auto", named);
  const other = await call<Written>(unbound, "log_action", ACTION);
  const shown = await call<{ event: { actor: { id: string } }; received: { key: string } }>(unbound, "get_event", { id: other.id });
  expect(shown.event.actor.id).toBe(shown.received.key);
  const persons = await place.overHttp("auto", place.key("persons"));
  expect(await refusal(persons, "log_action", ACTION)).toMatch(/^ACTOR_FORBIDDEN/);
});

test.each(ERAS)("MCP-11: a key that is bound to a tenant writes for it and learns nothing of others (%s)", async (era) => {
  const left = await place.overHttp(era, place.key(`left-${era}`));
  const right = await place.overHttp(era, place.key(`right-${era}`));
  const context = { sessionId: `shared-${era}` };
  const mine = await call<Written>(left, "log_action", { ...ACTION, context });
  const { effectId } = await call<Written>(left, "open_effect", { action: "a.b", target: { type: "x", id: "y" }, context });
  for (const [tool, args] of [
    ["get_event", { id: mine.id }],
    ["explain_event", { id: mine.id }],
    ["inclusion_proof", { id: mine.id }],
    ["verify", { id: mine.id }],
    ["session_timeline", context],
    ["completeness", context],
    ["close_effect", { effectId, outcome: { status: "success" } }],
    ["get_event", { id: mine.id, tenant: `left-${era}` }],
  ] as const)
    expect(await refusal(right, tool, args), tool).toMatch(/^NOT_FOUND/);
  expect(await call(right, "search_events", {})).toMatchObject({ events: [] });
  expect(await call(right, "search_events", { filter: { tenant: `left-${era}` } })).toMatchObject({ events: [] });
  expect(await call(right, "stats")).toMatchObject({ total: 0 });
  await expect(right.readResource({ uri: `vouchtrail://sessions/shared-${era}` })).rejects.toThrow();
  expect(JSON.stringify(await right.readResource({ uri: "vouchtrail://events/recent" }))).not.toContain(mine.id);
  expect(await call(left, "get_event", { id: mine.id })).toMatchObject({ event: { tenant: `left-${era}` } });
});

test("MCP-12: what is read through tools is noted like what is read through routes", async () => {
  const key = place.key("reader");
  const client = await place.overHttp("auto", key);
  await call(client, "search_events", { filter: { actor: "noted-actor" } });
  const admin = await place.overHttp("auto");
  const { events } = await call<{ events: { event: { details?: object } }[] }>(admin, "search_events", {
    filter: { action: READ_ACTION },
    deeds: false,
  });
  const read = events.find(({ event }) => JSON.stringify(event).includes("noted-actor"));
  expect(JSON.stringify(read)).toContain("POST /mcp search");
});

test("MCP-9: strangers are kept out as everywhere: host, origin, key and content type", async () => {
  const list = { "mcp-method": "tools/list" };
  expect((await post(rpc("tools/list"), { ...list, host: "rebound.example" })).status).toBe(421);
  expect((await post(rpc("tools/list"), { ...list, origin: "https://evil.example" })).status).toBe(403);
  expect((await post(rpc("tools/list"), { ...list, authorization: "Bearer vt_no" })).status).toBe(401);
  expect((await post(rpc("tools/list"), { ...list, "x-forwarded-for": "192.0.2.1" })).status).toBe(401);
  expect((await post(rpc("tools/list"), { ...list, "content-type": "text/plain" })).status).toBe(415);
  for (const method of ["GET", "DELETE"]) expect((await sendRequest(place.port, "/mcp", { method, headers: HEADERS })).status).toBe(405);
  const { status, headers } = await post(rpc("tools/list"), list);
  expect([status, headers["cache-control"], headers["mcp-session-id"]]).toEqual([200, "no-store", undefined]);
});

test("MCP-9: MCP-13: what is malformed gets the protocol's own error, and the server goes on", async () => {
  const codeOf = (text: string): number => (JSON.parse(text) as { error: { code: number } }).error.code;
  const broken = await post("{", { "mcp-method": "tools/list" });
  expect([broken.status, codeOf(broken.text)]).toEqual([400, -32700]);
  const mismatched = await post(rpc("tools/list"), { "mcp-method": "tools/call" });
  expect([mismatched.status, codeOf(mismatched.text)]).toEqual([400, -32020]);
  const future = rpc("tools/list").replaceAll("2026-07-28", "2099-01-01");
  const unknown = await post(future, { "mcp-method": "tools/list", "mcp-protocol-version": "2099-01-01" });
  expect([unknown.status, codeOf(unknown.text)]).toEqual([400, -32022]);
  const missing = await post(rpc("nothing/here"), { "mcp-method": "nothing/here" });
  expect([missing.status, codeOf(missing.text)]).toEqual([404, -32601]);
  expect((await post(`[${rpc("tools/list")}]`, { "mcp-method": "tools/list" })).status).toBe(400);
  for (const body of ["", "null", "1", '"x"', "{}", '{"jsonrpc":"2.0"}', `{"a":`.repeat(5_000)])
    expect((await post(body)).status, body).toBe(400);
  const client = await place.overHttp("auto");
  expect(await call(client, "log_action", ACTION)).toMatchObject({ state: "stored" });
});

test("MCP-13: a request that is too large is refused before it is read, and one with too many members before it is looked at", async () => {
  const large = await post(new Uint8Array(5 * 1_048_576).fill(32));
  expect([large.status, JSON.parse(large.text).error.code]).toEqual([413, "BODY_TOO_LARGE"]);
  const client = await place.overHttp("auto");
  const many = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`m${i}`, 1]));
  const result = await client.callTool({ name: "log_action", arguments: { ...ACTION, details: many } }).catch((error: unknown) => error);
  expect(result instanceof Error || (result as { isError?: boolean }).isError === true).toBe(true);
  expect(await call(client, "log_action", ACTION)).toMatchObject({ state: "stored" });
});

test("MCP-13: peers that flood, stall or die midway leave the others alone", async () => {
  const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${place.port}\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"jsonrpc"`;
  const stalled = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = connect(place.port, "127.0.0.1");
      await once(socket, "connect");
      socket.on("error", () => {});
      socket.write(head);
      return socket;
    }),
  );
  const dying = Array.from({ length: 20 }, async () => {
    const body = rpc("tools/call", { name: "search_events", arguments: {} });
    const socket = connect(place.port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    const headers = Object.entries({ ...HEADERS, "mcp-method": "tools/call", "mcp-name": "search_events", "content-length": body.length });
    socket.write(
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${place.port}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`,
    );
    socket.destroy();
  });
  const flood = Promise.all(Array.from({ length: 200 }, () => post(rpc("tools/list"), { "mcp-method": "tools/list" })));
  const client = await place.overHttp("auto");
  const written = await Promise.all(Array.from({ length: 20 }, () => call<Written>(client, "log_action", ACTION)));
  expect(new Set(written.map(({ receipt }) => receipt?.index)).size).toBe(20);
  await Promise.all(dying);
  expect((await flood).every(({ status }) => status === 200)).toBe(true);
  for (const socket of stalled) socket.destroy();
  const found = await Promise.all(written.map(({ id }) => call<{ event: { id: string } }>(client, "get_event", { id })));
  expect(found.map(({ event }) => event.id)).toEqual(written.map(({ id }) => id));
  expect(place.faults).toEqual([]);
});

test("MCP-9: a server that nothing serves tools for says so", async () => {
  const server = await startTestServer();
  const { status, text } = await server.send("/mcp", { method: "POST", headers: HEADERS, body: rpc("tools/list") });
  await server.remove();
  expect([status, JSON.parse(text).error.code]).toEqual([404, "NOT_FOUND"]);
});

test("MCP-9: a server that stops ends streams that are open", async () => {
  await using other = await openMcpPlace();
  const body = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "subscriptions/listen",
    params: { notifications: { toolsListChanged: true }, _meta: MODERN },
  });
  const response = await fetch(`${other.url}/mcp`, { method: "POST", headers: { ...HEADERS, "mcp-method": "subscriptions/listen" }, body });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const reader = response.body?.getReader();
  const first = await reader?.read();
  expect(new TextDecoder().decode(first?.value)).toContain("subscriptions/acknowledged");
  const ended = (async () => {
    for (;;) if ((await reader?.read().catch(() => ({ done: true })))?.done !== false) return true;
  })();
  await other.stop();
  expect(await ended).toBe(true);
});
