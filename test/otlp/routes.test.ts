import { gzipSync } from "node:zlib";
import protobuf from "protobufjs/minimal.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../hostile/running-server.ts";
import { claudeCodeRecord, JSON_HEADERS, logsOf, PROTOBUF_HEADERS, protobufOf } from "./otlp-request.ts";

let server: TestServer;
let keys: Readonly<Record<"agents" | "other" | "reader", { readonly secret: string }>>;
beforeAll(async () => {
  server = await startTestServer({ "otlp.bodyBytesMax": 65_536 });
  const at = "2026-01-01T00:00:00.000Z";
  const agents = await server.keys.create({ name: "agents", scopes: ["ingest", "read"], tenant: "acme", actorTypes: ["agent"] }, at);
  const other = await server.keys.create({ name: "other", scopes: ["ingest", "read"], tenant: "other" }, at);
  const reader = await server.keys.create({ name: "reader", scopes: ["read"] }, at);
  keys = { agents, other, reader };
  // A server that runs looks for new keys only now and then.
  await server.restart();
});
afterAll(async () => {
  await server.remove();
});

const size = async (): Promise<number> => (await server.running.ledger.head()).treeSize;
const post = (path: string, body: string | Uint8Array, headers: Readonly<Record<string, string>> = JSON_HEADERS) =>
  server.send(path, { method: "POST", headers, body });

/** The fields of a small protobuf message with integers and texts. */
function fieldsOf(bytes: Uint8Array): Map<number, unknown> {
  const reader = protobuf.Reader.create(bytes);
  const fields = new Map<number, unknown>();
  while (reader.pos < bytes.length) {
    const tag = reader.uint32();
    fields.set(tag >>> 3, (tag & 7) === 0 ? Number(reader.int64()) : Buffer.from(reader.bytes()));
  }
  return fields;
}

test("OTLP-1, OTLP-2: both encodings are stored before they are answered, and the answer has the same type", async () => {
  const before = await size();
  const json = await post("/v1/logs", JSON.stringify(logsOf("claude-code", [claudeCodeRecord("auth", 1)])), {
    "content-type": "application/json; charset=utf-8",
  });
  expect([json.status, json.headers["content-type"], json.text]).toEqual([200, "application/json", "{}"]);
  const binary = await post("/v1/logs", protobufOf(logsOf("claude-code", [claudeCodeRecord("auth", 2)]), "logs"), PROTOBUF_HEADERS);
  expect([binary.status, binary.headers["content-type"], binary.bytes.length]).toEqual([200, "application/x-protobuf", 0]);
  expect(await size()).toBe(before + 2);
});

test("OTLP-20, OTLP-10: a request that is sent again, also in the other encoding, is stored once, and like records in it are each stored", async () => {
  const request = logsOf("claude-code", [claudeCodeRecord("auth", 3), claudeCodeRecord("auth", 3), claudeCodeRecord("auth", 4)]);
  const before = await size();
  for (let round = 0; round < 2; round++) {
    expect((await post("/v1/logs", JSON.stringify(request))).text).toBe("{}");
    expect((await post("/v1/logs", protobufOf(request, "logs"), PROTOBUF_HEADERS)).bytes).toHaveLength(0);
  }
  expect(await size()).toBe(before + 3);
});

test("OTLP-3: gzip is read, other encodings are refused, and sizes are bounded before and after", async () => {
  const body = gzipSync(JSON.stringify(logsOf("claude-code", [claudeCodeRecord("auth", 5)])));
  const send = (bytes: Uint8Array, encoding: string) => post("/v1/logs", bytes, { ...JSON_HEADERS, "content-encoding": encoding });
  expect((await send(body, "gzip")).status).toBe(200);
  expect((await send(body, "br")).status).toBe(415);
  expect((await send(body.subarray(0, 20), "gzip")).status).toBe(400);
  const bomb = gzipSync(Buffer.alloc(50_000_000, " "));
  expect(bomb.length).toBeLessThan(65_536);
  const refused = await send(bomb, "gzip");
  expect([refused.status, JSON.parse(refused.text)]).toMatchObject([413, { code: 8 }]);
  expect((await post("/v1/logs", Buffer.alloc(65_537, " "))).status).toBe(413);
});

test("OTLP-4: empty requests and envelopes succeed", async () => {
  for (const body of ["", "{}", '{"resourceLogs":[]}', '{"resourceLogs":[{"resource":{},"scopeLogs":[{"logRecords":[]}]},{}]}'])
    expect(await post("/v1/logs", body)).toMatchObject({ status: 200, text: "{}" });
  expect(await post("/v1/traces", new Uint8Array(), PROTOBUF_HEADERS)).toMatchObject({ status: 200, text: "" });
  expect(await post("/v1/traces", Buffer.from("0a00", "hex"), PROTOBUF_HEADERS)).toMatchObject({ status: 200, text: "" });
});

test("OTLP-1, OTLP-5: what cannot be read is refused with a status in the encoding of the request", async () => {
  const unprintable = { toString: null, valueOf: null };
  const values = ["stringValue", "intValue", "doubleValue"].map((kind) => logsOf("x", [{ body: { [kind]: unprintable } }]));
  const bodies = ["[", "[]", "7", '{"resourceLogs":7}', '{"resourceLogs":[{"scopeLogs":[{"logRecords":["x"]}]}]}'];
  for (const body of [...bodies, ...values.map((value) => JSON.stringify(value))]) {
    const { status, text } = await post("/v1/logs", body);
    expect([status, JSON.parse(text)]).toMatchObject([400, { code: 3, message: expect.stringContaining("BODY_INVALID") }]);
  }
  const binary = await post("/v1/traces", Buffer.from("0aff", "hex"), PROTOBUF_HEADERS);
  expect([binary.status, binary.headers["content-type"]]).toEqual([400, "application/x-protobuf"]);
  expect(fieldsOf(binary.bytes).get(1)).toBe(3);
  expect(String(fieldsOf(binary.bytes).get(2))).toContain("BODY_INVALID");
  expect((await post("/v1/logs", "{}", { "content-type": "text/plain" })).status).toBe(415);
  expect((await server.send("/v1/logs")).status).toBe(405);
  expect((await post("/api/v1/events", "{}", PROTOBUF_HEADERS)).status).toBe(415);
});

test("OTLP-7, OTLP-42: what tells of no known action is not kept, and the answer says so", async () => {
  const before = await size();
  const request = logsOf("shop", [{ body: { stringValue: "hello" }, timeUnixNano: "5" }]);
  const { text } = await post("/v1/logs", JSON.stringify(request));
  expect(JSON.parse(text)).toEqual({ partialSuccess: { errorMessage: expect.stringContaining("1 of 1 records") } });
  const binary = await post("/v1/logs", protobufOf(request, "logs"), PROTOBUF_HEADERS);
  const partial = fieldsOf(fieldsOf(binary.bytes).get(1) as Buffer);
  expect([...partial.keys()]).toEqual([2]);
  expect(await size()).toBe(before);
  // What a server counted is told when it stops.
  await server.restart();
  const { text: summaries } = await server.send("/api/v1/events?action=intake.summary&wait=searchable");
  expect(summaries).toContain('"TELEMETRY_NOT_KEPT":2');
});

test("OTLP-8: metrics are answered and refused", async () => {
  const metric = (kind: string): object => ({ name: "m", [kind]: { dataPoints: [{}, {}] } });
  const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric("sum"), metric("gauge"), metric("histogram")] }] }] };
  const { status, text } = await post("/v1/metrics", JSON.stringify(request));
  expect([status, JSON.parse(text)]).toEqual([
    200,
    { partialSuccess: { rejectedDataPoints: "6", errorMessage: expect.stringContaining("not kept") } },
  ]);
  const binary = await post("/v1/metrics", protobufOf(request, "metrics"), PROTOBUF_HEADERS);
  expect(fieldsOf(fieldsOf(binary.bytes).get(1) as Buffer).get(1)).toBe(6);
  expect((await post("/v1/metrics", "{}")).text).toBe("{}");
});

test("OTLP-6, OTLP-9: the key decides the tenant and what may be written; what it may not is refused, and the rest is stored", async () => {
  const { agents, other, reader } = keys;
  const bearer = (secret: string): Record<string, string> => ({ ...JSON_HEADERS, authorization: `Bearer ${secret}` });
  const request = JSON.stringify(logsOf("claude-code", [claudeCodeRecord("user_prompt", 20), claudeCodeRecord("auth", 21)]));
  const { status, text } = await post("/v1/logs", request, bearer(agents.secret));
  expect([status, JSON.parse(text)]).toEqual([
    200,
    { partialSuccess: { rejectedLogRecords: "1", errorMessage: expect.stringContaining("ACTOR_FORBIDDEN") } },
  ]);
  // The same session under another key is one of another tenant: nothing is taken for a duplicate, and nobody sees the other's.
  expect(await post("/v1/logs", request, bearer(other.secret))).toMatchObject({ status: 200, text: "{}" });
  const search = async (secret: string): Promise<readonly string[]> => {
    const answer = await server.send("/api/v1/events?session=s-1&wait=searchable", { headers: { authorization: `Bearer ${secret}` } });
    return (JSON.parse(answer.text) as { events: { event: { tenant: string } }[] }).events.map(({ event }) => event.tenant);
  };
  expect(await search(agents.secret)).toEqual(["acme"]);
  expect(await search(other.secret)).toEqual(["other", "other"]);
  const refused = await post("/v1/logs", request, bearer(reader.secret));
  expect([refused.status, JSON.parse(refused.text)]).toMatchObject([403, { code: 7 }]);
  expect((await post("/v1/logs", request, bearer("vt_unknown"))).status).toBe(401);
});

test("OTLP-2: what cannot be stored is 503 with a time to wait, in both encodings, and what was sent is stored when it is sent again", async () => {
  const failing = await startTestServer();
  const request = logsOf("claude-code", [claudeCodeRecord("auth", 1)]);
  const send = (body: string | Uint8Array, headers: Readonly<Record<string, string>>) =>
    failing.send("/v1/logs", { method: "POST", headers, body });
  await failing.running.ledger.close();
  const json = await send(JSON.stringify(request), JSON_HEADERS);
  expect([json.status, json.headers["retry-after"], JSON.parse(json.text)]).toMatchObject([503, "2", { code: 14 }]);
  const binary = await send(protobufOf(request, "logs"), PROTOBUF_HEADERS);
  expect([binary.status, binary.headers["retry-after"], fieldsOf(binary.bytes).get(1)]).toEqual([503, "2", 14]);
  await failing.restart();
  expect(await send(JSON.stringify(request), JSON_HEADERS)).toMatchObject({ status: 200, text: "{}" });
  await failing.remove();
});
