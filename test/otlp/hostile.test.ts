import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sendRequest, startTestServer, type TestServer } from "../hostile/running-server.ts";
import { claudeCodeRecord, JSON_HEADERS, logsOf, PROTOBUF_HEADERS, protobufOf } from "./otlp-request.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ "otlp.keepOther": true });
});
afterAll(async () => {
  expect((await server.send("/healthz")).status).toBe(200);
  await server.remove();
});

const post = (path: string, body: string | Uint8Array, headers: Readonly<Record<string, string>>) =>
  server.send(path, { method: "POST", headers, body });
const valid = protobufOf(logsOf("claude-code", [claudeCodeRecord("tool_result", 1, { tool_use_id: "toolu_1", success: "true" })]), "logs");
const PATHS = fc.constantFrom("/v1/logs", "/v1/traces", "/v1/metrics");

test("OTLP-5: no bytes do more than be refused or be taken", async () => {
  const mutated = fc
    .tuple(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length))
    .map(([at, byte, end]) => Uint8Array.from(valid, (old, index) => (index === at ? byte : old)).subarray(0, end));
  await fc.assert(
    fc.asyncProperty(PATHS, fc.oneof(fc.uint8Array({ maxLength: 60 }), mutated), async (path, bytes) => {
      const { status } = await post(path, bytes, PROTOBUF_HEADERS);
      expect([200, 400]).toContain(status);
    }),
    { numRuns: 300 },
  );
});

test("OTLP-5: no JSON does more than be refused or be taken", async () => {
  const text = JSON.stringify(logsOf("x", [claudeCodeRecord("auth", 1)]));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.jsonValue(),
      fc.dictionary(
        fc.constantFrom(
          "resourceLogs",
          "resourceSpans",
          "resource",
          "scopeLogs",
          "scopeSpans",
          "logRecords",
          "spans",
          "attributes",
          "key",
          "value",
          "arrayValue",
          "values",
          "stringValue",
          "intValue",
          "doubleValue",
          "timeUnixNano",
          "severityNumber",
          "droppedAttributesCount",
          "status",
          "body",
        ),
        tie("value"),
      ),
      fc.array(tie("value"), { maxLength: 3 }),
      // It throws when it is made text or a number.
      fc.constant({ toString: null, valueOf: null }),
    ),
  }));
  const bodies = fc.oneof(
    value.map((member) => JSON.stringify(member)),
    fc.nat(text.length).map((end) => text.slice(0, end)),
  );
  await fc.assert(
    fc.asyncProperty(PATHS, bodies, async (path, body) => {
      const { status } = await post(path, body, JSON_HEADERS);
      expect([200, 400]).toContain(status);
    }),
    { numRuns: 300 },
  );
});

test("OTLP-5, OTLP-11: nesting without end, lengths beyond the body and floods of empty messages are refused in time", async () => {
  const nested = (levels: number): string => `{"resourceLogs":${"[".repeat(levels)}${"]".repeat(levels)}}`;
  expect((await post("/v1/logs", nested(200_000), JSON_HEADERS)).status).toBe(400);
  expect((await post("/v1/logs", `{"a":"\\ud800","b":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, JSON_HEADERS)).status).toBe(400);
  expect((await post("/v1/logs", Buffer.from("0affffffff0f", "hex"), PROTOBUF_HEADERS)).status).toBe(400);
  // A group that is never closed, and groups within groups.
  expect((await post("/v1/logs", Buffer.alloc(50_000, 0x13), PROTOBUF_HEADERS)).status).toBe(400);
  const empty = Buffer.from("0a00".repeat(4_000_001), "hex");
  expect((await post("/v1/logs", empty, PROTOBUF_HEADERS)).status).toBe(413);
  expect((await post("/v1/logs", `{"resourceLogs":[${"{},".repeat(4_000_001)}{}]}`, JSON_HEADERS)).status).toBe(413);
  const records = logsOf(
    "claude-code",
    Array.from({ length: 50_001 }, () => ({})),
  );
  expect((await post("/v1/logs", JSON.stringify(records), JSON_HEADERS)).status).toBe(413);
});

test("OTLP-11, OTLP-21: 10,000 attributes, deep values, names of the language and clocks that are years off are kept within the bounds", async () => {
  const deep = (levels: number): object =>
    levels === 0 ? { intValue: "1" } : { kvlistValue: { values: [{ key: "k", value: deep(levels - 1) }] } };
  const attributes = [
    ...["__proto__", "constructor", "toString", ""].map((key) => ({ key, value: { stringValue: key } })),
    { key: "deep", value: deep(500) },
    { key: "session.id", value: { stringValue: "hostile" } },
    ...Array.from({ length: 10_000 }, (_, index) => ({ key: `k${index}`, value: { doubleValue: index / 7 } })),
  ];
  const times = ["1", "18446744073709551615", "99999999999999999999", "-5", "soon"];
  const request = logsOf(
    "claude-code",
    times.map((timeUnixNano) => ({ timeUnixNano, attributes, body: { stringValue: "claude_code.auth" } })),
  );
  expect(await post("/v1/logs", JSON.stringify(request), JSON_HEADERS)).toMatchObject({ status: 200, text: "{}" });
  const { text } = await server.send("/api/v1/events?session=hostile&wait=searchable&order=oldest");
  const { events: entries } = JSON.parse(text) as {
    events: { event: { occurredAt: string; details: { droppedCount: number; attributes: object; rawTime?: unknown } } }[];
  };
  expect(entries).toHaveLength(times.length);
  const told = entries.map(({ event }) => event);
  expect(told.map(({ occurredAt }) => occurredAt)).toEqual(
    expect.arrayContaining(["1970-01-01T00:00:00.000000001Z", "2554-07-21T23:34:33.709551615Z"]),
  );
  expect(told.filter(({ details }) => details.rawTime !== undefined)).toHaveLength(3);
  for (const { details } of told) {
    expect(details.droppedCount).toBe(9_007);
    expect(Object.hasOwn(details.attributes, "__proto__")).toBe(true);
  }
});

test("OTLP-2: what was answered with 200 is there after the process was killed", async () => {
  const root = await mkdtemp(join(tmpdir(), "vouchtrail-otlp-"));
  const program = fileURLToPath(new URL("../crash/server-process.mjs", import.meta.url));
  const start = async () => {
    const child = fork(program, [join(root, "data"), join(root, "state")], { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] });
    const [message] = (await once(child, "message")) as [{ port: number }];
    return { child, port: message.port };
  };
  const first = await start();
  const request = logsOf(
    "claude-code",
    Array.from({ length: 20 }, (_, sequence) => claudeCodeRecord("auth", sequence)),
  );
  const options = { method: "POST", headers: PROTOBUF_HEADERS, body: protobufOf(request, "logs") };
  expect((await sendRequest(first.port, "/v1/logs", options)).status).toBe(200);
  const exited = once(first.child, "exit");
  first.child.kill("SIGKILL");
  await exited;
  const second = await start();
  const { text } = await sendRequest(second.port, "/api/v1/events?session=s-1&wait=searchable&limit=100");
  const { events: entries } = JSON.parse(text) as { events: { event: { source: { sequence: number } } }[] };
  expect(entries.map(({ event }) => event.source.sequence).sort((left, right) => left - right)).toEqual([...Array(20).keys()]);
  const closed = once(second.child, "exit");
  second.child.kill("SIGKILL");
  await closed;
  await rm(root, { recursive: true, force: true });
}, 20_000);
