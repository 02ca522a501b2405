import { createHash, randomUUID } from "node:crypto";
import { connect } from "node:net";
import { AuditEventInputSchema } from "@vouchtrail/events";
import { openCheckpoint, verifyTlogProof } from "@vouchtrail/protocol";
import { sha256, verifyEd25519 } from "@vouchtrail/server";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import * as limits from "../../packages/events/src/limits.ts";
import { eventOf, sendRequest, startTestServer, type TestServer } from "./running-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  const health = await server.send("/healthz");
  expect(health.status).toBe(200);
  expect(JSON.parse((await server.send("/readyz")).text)).toMatchObject({ ready: true });
});
afterAll(async () => {
  await server.remove();
});

const idOf = (event: Record<string, unknown>): string => String(event.id);

/** Sends one faulty event between two good ones and tells how it was refused; the good ones must be stored. */
async function refusalOf(faulty: unknown): Promise<{ code: string; path: string }> {
  const [before, after] = [eventOf(), eventOf()];
  const text = typeof faulty === "string" ? faulty : JSON.stringify(faulty);
  const { status, answer } = await server.post(`[${JSON.stringify(before)},${text},${JSON.stringify(after)}]`);
  expect(status).toBe(207);
  expect(answer.receipts.map(({ position, id }) => [position, id])).toEqual([
    [0, before.id],
    [2, after.id],
  ]);
  for (const { id, index } of answer.receipts) expect((await server.get(id)).index).toBe(index);
  const [error] = answer.errors;
  expect(error?.position).toBe(1);
  return { code: error?.code ?? "", path: error?.path ?? "" };
}

describe("what is not an event", () => {
  test("INTAKE-1: malformed JSON in an array is refused alone", async () => {
    expect(await refusalOf('{"action":"x",}')).toEqual({ code: "BODY_INVALID", path: "" });
    expect(await refusalOf('{"action" "x"}')).toEqual({ code: "BODY_INVALID", path: "" });
    expect(await refusalOf("{'action':1}")).toEqual({ code: "BODY_INVALID", path: "" });
    expect(await refusalOf("nul")).toEqual({ code: "BODY_INVALID", path: "" });
  });

  test("INTAKE-1: a body that is not JSON is refused as a whole, with nothing of it in the message", async () => {
    for (const body of ["{", "[", '["a', "[{},", '{"a":1} trailing', "[{}] x", "garbage-word-7", "[1,,2]", "\0", '"', "{}}"]) {
      const { status, answer } = await server.post(body);
      expect(status, body).toBe(400);
      expect(["BODY_INVALID", "EVENT_INVALID"], body).toContain(answer.error?.code);
      expect(JSON.stringify(answer)).not.toContain("garbage-word-7");
    }
  });

  test("INTAKE-1: an empty body, white space and an empty array are refused", async () => {
    for (const body of ["", " \r\n\t ", "[]", "[ ]"]) {
      const { status, answer } = await server.post(body);
      expect([status, answer.error?.code], JSON.stringify(body)).toEqual([400, "BODY_INVALID"]);
    }
  });

  test("INTAKE-2: values that are no objects are refused with their position", async () => {
    for (const value of ["1", '"text"', "null", "true", "[]", "[[]]"])
      expect(await refusalOf(value), value).toEqual({ code: "EVENT_INVALID", path: "" });
  });

  test("INTAKE-2: a wrong type, a missing field and an unknown key are named by their paths", async () => {
    expect(await refusalOf(eventOf({ action: 7 }))).toEqual({ code: "EVENT_INVALID", path: "action" });
    expect(await refusalOf(eventOf({ actor: { type: "robot", id: "a" } }))).toEqual({ code: "EVENT_INVALID", path: "actor.type" });
    expect(await refusalOf(eventOf({ actor: { type: "agent" } }))).toEqual({ code: "EVENT_INVALID", path: "actor.id" });
    expect(await refusalOf(eventOf({ outcome: undefined }))).toEqual({ code: "EVENT_INVALID", path: "outcome" });
    expect(await refusalOf(eventOf({ target: undefined }))).toEqual({ code: "EVENT_INVALID", path: "target" });
    expect(await refusalOf(eventOf({ usage: { tokensInput: -1 } }))).toEqual({ code: "EVENT_INVALID", path: "usage.tokensInput" });
    expect(await refusalOf(eventOf({ details: [] }))).toEqual({ code: "EVENT_INVALID", path: "details" });
    expect(await refusalOf(eventOf({ colour: "red" }))).toEqual({ code: "KEY_UNKNOWN", path: "colour" });
    expect(await refusalOf(eventOf({ actor: { type: "agent", id: "a", colour: 1 } }))).toEqual({
      code: "KEY_UNKNOWN",
      path: "actor.colour",
    });
    expect(await refusalOf(eventOf({ id: "not-a-uuid" }))).toEqual({ code: "EVENT_INVALID", path: "id" });
    expect(await refusalOf(eventOf({ activity: { type: "tool", name: "x", message: {} } }))).toEqual({
      code: "EVENT_INVALID",
      path: "activity.message",
    });
  });

  test("INTAKE-2: every fault of an event is named, up to a limit", async () => {
    const { answer } = await server.post(eventOf({ action: "", occurredAt: "now", colour: 1, tenant: "a b" }));
    expect([...new Set(answer.errors.map(({ path }) => path))].sort()).toEqual(["action", "colour", "occurredAt", "tenant"]);
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`key-${i}`, 1]));
    const { answer: bounded } = await server.post(eventOf(many));
    expect(bounded.errors.length).toBeLessThanOrEqual(21);
    expect(bounded.errors.at(-1)?.message).toContain("more faults");
  });

  test("INTAKE-2: an approval that was given or refused must name who decided", async () => {
    const approver = { path: "activity.approval.approver", code: "EVENT_INVALID" };
    expect(await refusalOf(eventOf({ action: "ai.approval_approved" }))).toEqual(approver);
    expect(await refusalOf(eventOf({ action: "ai.approval_rejected" }))).toEqual(approver);
    expect(await refusalOf(eventOf({ activity: { type: "approval", name: "a", approval: { state: "approved" } } }))).toEqual(approver);
    const named = eventOf({
      activity: { type: "approval", name: "a", approval: { state: "approved", approver: { type: "user", id: "u" } } },
    });
    expect((await server.post(named)).status).toBe(201);
  });

  test("INTAKE-3: a caller can write neither what the server writes nor extensions", async () => {
    for (const key of ["system", "received", "sections", "_sd", "redactions", "extensions"]) {
      expect(await refusalOf(eventOf({ [key]: { erases: { content: [[0, 9]] } } })), key).toEqual({ code: "KEY_UNKNOWN", path: key });
    }
    expect(await refusalOf(eventOf({ tenant: "vouchtrail" }))).toEqual({ code: "TENANT_FORBIDDEN", path: "tenant" });
  });

  test("INTAKE-3: unknown keys of a newer schema are kept under extensions; a wrong schema is refused", async () => {
    const newer = eventOf({ schema: "vouchtrail/2", mood: { calm: true }, colour: "red" });
    expect((await server.post(newer)).status).toBe(201);
    expect((await server.get(idOf(newer))).event.extensions).toEqual({ mood: { calm: true }, colour: "red" });
    expect(await refusalOf(eventOf({ schema: "vouchtrail/1", mood: 1 }))).toEqual({ code: "KEY_UNKNOWN", path: "mood" });
    expect(await refusalOf(eventOf({ schema: "other/2" }))).toEqual({ code: "EVENT_INVALID", path: "schema" });
    expect(await refusalOf(eventOf({ schema: 2 }))).toEqual({ code: "EVENT_INVALID", path: "schema" });
    // What the newer schema has under a known key is still checked.
    expect(await refusalOf(eventOf({ schema: "vouchtrail/2", action: 1 }))).toEqual({ code: "EVENT_INVALID", path: "action" });
  });
});

describe("JSON that means something else than it says", () => {
  test("INTAKE-4: JSON nested 10,000 deep is refused, in every door", async () => {
    const deep = `{"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`;
    expect(await refusalOf(deep)).toEqual({ code: "EVENT_TOO_DEEP", path: "" });
    expect(await refusalOf(`{"a":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`)).toEqual({ code: "EVENT_TOO_DEEP", path: "" });
    const million = "[".repeat(1_000_000);
    expect((await server.post(million)).status).toBe(400);
    for (const body of [`{"agent":${deep}}`, million, `${"[".repeat(100_000)}${"]".repeat(100_000)}`]) {
      const { status, text } = await server.send("/log", { method: "POST", headers: { "content-type": "application/json" }, body });
      expect(status, text.slice(0, 200)).toBe(400);
    }
  });

  test("INTAKE-4: depth just within the limit is stored and read back", async () => {
    let details: unknown = 1;
    for (let depth = 0; depth < 60; depth++) details = { in: details };
    const event = eventOf({ details });
    expect((await server.post(event)).status).toBe(201);
    expect((await server.get(idOf(event))).event.details).toEqual(details);
  });

  test("INTAKE-5: __proto__, constructor and toString are keys like others and pollute nothing", async () => {
    const id = randomUUID();
    const details = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},"toString":"x","list":[{"__proto__":1}]}';
    // The second time with a secret, so that the event is copied by redaction; the third time so large that it is cut.
    for (const extra of ["", `,"note":"password: hunter2-Zq81xK"`, `,"large":"${"x ".repeat(800_000)}"`]) {
      const sent = `${details.slice(0, -1)}${extra}}`;
      const event = `{"id":"${randomUUID()}","occurredAt":"2026-03-01T10:11:12Z","action":"a.b","actor":{"type":"agent","id":"a"},"target":{"type":"t","id":"1"},"outcome":{"status":"success","result":${sent}},"details":${sent}}`;
      const { status, answer } = await server.post(event);
      expect(status).toBe(201);
      const { text } = await server.send(`/api/v1/events/${answer.receipts[0]?.id}`);
      const view = JSON.parse(text) as { event: { details: object; outcome: { result: object } } };
      for (const stored of [view.event.details, view.event.outcome.result]) {
        expect(Object.keys(stored).slice(0, 4)).toEqual(["__proto__", "constructor", "toString", "list"]);
        expect(JSON.stringify(Object.getOwnPropertyDescriptor(stored, "__proto__")?.value)).toBe('{"isAdmin":true}');
        expect(JSON.stringify(stored)).toContain('"list":[{"__proto__":1}]');
      }
    }
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
    expect((await server.get(idOf((await storedWith({ id })).event))).event.isAdmin).toBeUndefined();
  });

  test("INTAKE-5: __proto__ where the schema has fixed keys or names is refused, not dropped", async () => {
    const plain = JSON.stringify(eventOf());
    expect(await refusalOf(plain.replace(/^\{/, '{"__proto__":{"x":1},'))).toMatchObject({ code: "KEY_UNKNOWN" });
    expect(await refusalOf(plain.replace('"actor":{', '"actor":{"__proto__":1,'))).toMatchObject({ code: "KEY_UNKNOWN" });
    expect(await refusalOf(plain.replace(/^\{/, '{"labels":{"__proto__":"x"},'))).toMatchObject({
      code: "KEY_UNKNOWN",
      path: "labels.__proto__",
    });
    expect(await refusalOf(plain.replace(/^\{/, '{"constructor":1,'))).toEqual({ code: "KEY_UNKNOWN", path: "constructor" });
  });

  test("INTAKE-6: a key that stands twice is refused with its path", async () => {
    const plain = JSON.stringify(eventOf());
    expect(await refusalOf(plain.replace(/^\{/, '{"details":{"a":1,"b":{"c":1,"c":2}},'))).toEqual({
      code: "KEY_DUPLICATE",
      path: "details.b.c",
    });
    expect(await refusalOf(plain.replace(/^\{/, '{"action":"x.y",'))).toEqual({ code: "KEY_DUPLICATE", path: "action" });
    expect(await refusalOf(plain.replace(/^\{/, '{"details":{"a":1,"\\u0061":2},'))).toEqual({ code: "KEY_DUPLICATE", path: "details.a" });
    expect(await refusalOf(plain.replace(/^\{/, '{"details":{"__proto__":1,"__proto__":2},'))).toEqual({
      code: "KEY_DUPLICATE",
      path: "details.__proto__",
    });
    expect(await refusalOf(plain.replace(/^\{/, '{"details":{"l":[{"a":1},{"a":1,"a":1}]},'))).toEqual({
      code: "KEY_DUPLICATE",
      path: "details.l.1.a",
    });
  });

  test("INTAKE-7: a number that does not survive a round trip is refused with its path, every other one comes back", async () => {
    const plain = JSON.stringify(eventOf());
    for (const number of ["1e400", "-1e400", "1234567890123456789", "0.1000000000000000055511151231257827", "1e-400", "9007199254740993"]) {
      expect(await refusalOf(plain.replace(/^\{/, `{"details":{"n":[${number}]},`)), number).toEqual({
        code: "NUMBER_INEXACT",
        path: "details.n.0",
      });
    }
    const numbers = "[1.0,-0,0.1,1e3,9007199254740992,1.5e300,0.30000000000000004,1E2,-12.50,100000000000000000000]";
    const event = eventOf();
    const { status } = await server.post(JSON.stringify(event).replace(/^\{/, `{"details":{"n":${numbers}},`));
    expect(status).toBe(201);
    // -0 comes back as 0: as numbers they are equal, and JSON has no other way to write it back.
    expect((await server.get(idOf(event))).event.details).toEqual({ n: (JSON.parse(numbers) as number[]).map((number) => number + 0) });
    for (const number of ["01", "1.", ".5", "+1", "NaN", "Infinity", "0x10", "1e"]) {
      expect(await refusalOf(plain.replace(/^\{/, `{"details":{"n":${number}},`)), number).toEqual({ code: "BODY_INVALID", path: "" });
    }
  });
});

/** Stores an event and gives it with its receipt. */
async function storedWith(changes: Record<string, unknown>): Promise<{ event: Record<string, unknown>; index: number }> {
  const event = eventOf(changes);
  const { status, answer } = await server.post(event);
  expect(status, JSON.stringify(answer)).toBe(201);
  return { event, index: answer.receipts[0]?.index ?? -1 };
}

describe("text", () => {
  test("INTAKE-8: bytes that are not UTF-8 and a byte order mark are refused", async () => {
    const event = JSON.stringify(eventOf({ details: { t: "@" } }));
    for (const bytes of [
      [0xff],
      [0xc3, 0x28],
      [0xed, 0xa0, 0x80],
      [0xed, 0xbf, 0xbf],
      [0xc0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
    ]) {
      const [head = "", tail = ""] = event.split("@");
      const body = Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)]);
      const { status, answer } = await server.post(body);
      expect([status, answer.error?.code]).toEqual([400, "BODY_NOT_UTF8"]);
    }
    for (const encoding of ["utf16le", "latin1"] as const) {
      const { status } = await server.post(Buffer.from(JSON.stringify(eventOf({ details: { t: "Grüße" } })), encoding));
      expect(status).toBe(400);
    }
    const { status, answer } = await server.post(`\ufeff${event}`);
    expect([status, answer.error?.code]).toEqual([400, "BODY_NOT_UTF8"]);
  });

  test("INTAKE-8: half of a surrogate pair is refused with its path, a whole pair is kept", async () => {
    const plain = JSON.stringify(eventOf());
    expect(await refusalOf(plain.replace(/^\{/, '{"details":{"t":["\\ud800"]},'))).toEqual({ code: "TEXT_INVALID", path: "details.t.0" });
    expect(await refusalOf(plain.replace(/^\{/, '{"details":{"t":"\\udc00\\ud800"},'))).toEqual({
      code: "TEXT_INVALID",
      path: "details.t",
    });
    expect(await refusalOf(plain.replace(/^\{/, '{"details":{"a\\udfff":1},'))).toEqual({ code: "TEXT_INVALID", path: "details" });
    expect(await refusalOf(plain.replace("agent-7", "\\uDBFF"))).toEqual({ code: "TEXT_INVALID", path: "actor.id" });
    const event = eventOf();
    const { status } = await server.post(JSON.stringify(event).replace(/^\{/, '{"details":{"t":"\\ud83d\\ude00\\u0000"},'));
    expect(status).toBe(201);
    expect((await server.get(idOf(event))).event.details).toEqual({ t: "😀\0" });
  });

  // What a line of a segment, a marker, a log or a stream could take for its own.
  const AWKWARD = [
    "\0",
    "\t",
    "\n",
    "\r",
    "\u2028",
    "\u2029",
    "\u007f",
    "\u0085",
    "\\",
    '"',
    "\u001b[2J",
    "# 1 abc",
    "\ufeff",
    "\uffff",
    "{}",
    "]]>",
    "𝕏",
  ];

  test("SECTION-1: NUL, tab, line feed and the like in every text of a section come back identical, also after a restart", async () => {
    const whole = (text: string): Record<string, unknown> =>
      eventOf({
        actor: { type: "user", id: "u-1", name: text, email: text, onBehalfOf: [{ type: "user", id: "u-2", name: text }] },
        target: { type: "document", id: "d", name: text },
        outcome: { status: "failure", message: text, result: { [text]: [text] } },
        proof: { type: "hash", hash: text, url: text, data: { [text]: text } },
        changes: { before: { [text]: text }, after: { a: text }, fields: [text] },
        details: { [text]: text, [`a${text}b`]: `a${text}b` },
        labels: { [`k${text}`]: text },
        security: { resourcesAccessed: [{ type: text, identifier: text }] },
        context: { ipAddress: text, userAgent: text },
      });
    const activities = (text: string): Record<string, unknown>[] => [
      { type: "tool", name: "x", tool: { name: text, parameters: { command: text } } },
      { type: "skill", name: "x", skill: { name: text, operation: text, parameters: [text] } },
      { type: "external", name: "x", external: { type: "web_fetch", target: text, parameters: text } },
      { type: "decision", name: "x", decision: { question: text, chosen: text, optionsConsidered: [{ option: text, reasoning: text }] } },
      { type: "approval", name: "x", approval: { state: "approved", approver: { type: text, id: text }, shown: text } },
      { type: "handoff", name: "x", handoff: { from: text, to: text, reason: text } },
      { type: "message", name: "x", message: { role: text, text } },
      { type: "limit", name: "x", limit: { kind: "rate", unit: text, window: text } },
      { type: "error", name: "x", error: { type: text, message: text } },
    ];
    const sent = AWKWARD.flatMap((text) => [whole(text), ...activities(text).map((activity) => eventOf({ activity }))]);
    const { status, answer } = await server.post(sent);
    expect(status, JSON.stringify(answer.errors.slice(0, 3))).toBe(201);
    for (const pass of ["before", "after"]) {
      for (const event of sent) {
        const view = await server.get(idOf(event));
        // What tools touched is derived, unless the sender says it: as text of its own, which may not be that of the input.
        const { security, ...told } = view.event;
        expect({ ...told, ...("security" in event ? { security } : {}) }, `${pass} the restart`).toEqual({ tenant: "default", ...event });
        expect(Object.values(view.sections).every((section) => section.state === "present")).toBe(true);
      }
      if (pass === "before") await server.restart();
    }
  });

  test("INTAKE-9: control characters in every text of the leaf are refused with the path", async () => {
    const leaf = (text: string): readonly (readonly [path: string, event: Record<string, unknown>])[] => [
      ["tenant", eventOf({ tenant: text })],
      ["action", eventOf({ action: text })],
      ["actor.id", eventOf({ actor: { type: "agent", id: text } })],
      ["target.type", eventOf({ target: { type: text, id: "1" } })],
      ["target.id", eventOf({ target: { type: "tool", id: text } })],
      ["outcome.code", eventOf({ outcome: { status: "success", code: text } })],
      ["activity.name", eventOf({ activity: { type: "tool", name: text } })],
      ["usage.model", eventOf({ usage: { model: text } })],
      ["source.name", eventOf({ source: { name: text, instance: "i", sequence: 1 } })],
      ["source.instance", eventOf({ source: { name: "n", instance: text, sequence: 1 } })],
      ...[
        "sessionId",
        "conversationId",
        "taskId",
        "callId",
        "approvalId",
        "requestId",
        "traceId",
        "spanId",
        "correlationId",
        "parentEventId",
      ].map((name): [string, Record<string, unknown>] => [`context.${name}`, eventOf({ context: { [name]: text } })]),
    ];
    for (const control of ["\0", "\t", "\n", "\r", "\u001f", "\u007f"]) {
      for (const [path, event] of leaf(`a${control}b`))
        expect(await refusalOf(event), JSON.stringify([path, control])).toEqual({ code: "EVENT_INVALID", path });
    }
    for (const [path, event] of leaf("x".repeat(300)))
      expect(await refusalOf(event), `long ${path}`).toEqual({ code: "EVENT_INVALID", path });
    for (const [path, event] of leaf("")) expect(await refusalOf(event), `empty ${path}`).toEqual({ code: "EVENT_INVALID", path });
  });

  test("INTAKE-9: every text of the schema is covered by one of the two tests above", () => {
    const texts: string[] = [];
    const walk = (schema: z.core.$ZodType, path: string): void => {
      const { def } = schema._zod as unknown as {
        def: { type: string; innerType?: z.core.$ZodType; shape?: Record<string, z.core.$ZodType>; element?: z.core.$ZodType };
      };
      if (def.innerType !== undefined) walk(def.innerType, path);
      else if (def.shape !== undefined)
        for (const [key, member] of Object.entries(def.shape)) walk(member, path === "" ? key : `${path}.${key}`);
      else if (def.element !== undefined) walk(def.element, `${path}[]`);
      else if (def.type === "string") texts.push(path);
    };
    walk(AuditEventInputSchema, "");
    // Their formats leave no room for anything awkward, or their value names a version.
    const fixed = ["schema", "id", "occurredAt", "proof.capturedAt", "actor.onBehalfOf[].type", "actor.onBehalfOf[].id"];
    const page = tested();
    const missing = texts.filter((path) => !fixed.includes(path) && !page.has(path));
    expect(missing).toEqual([]);
    expect(texts.length).toBeGreaterThan(50);
  });
});

/** Paths that the tests of sections and leaves fill with awkward text, as they stand in their code. */
function tested(): ReadonlySet<string> {
  const context = [
    "sessionId",
    "conversationId",
    "taskId",
    "callId",
    "approvalId",
    "requestId",
    "traceId",
    "spanId",
    "correlationId",
    "parentEventId",
  ];
  return new Set([
    "tenant",
    "action",
    "actor.id",
    "target.type",
    "target.id",
    "outcome.code",
    "activity.name",
    "usage.model",
    "source.name",
    "source.instance",
    ...context.map((name) => `context.${name}`),
    "actor.name",
    "actor.email",
    "actor.onBehalfOf[].name",
    "target.name",
    "outcome.message",
    "proof.hash",
    "proof.url",
    "changes.fields[]",
    "security.resourcesAccessed[].type",
    "security.resourcesAccessed[].identifier",
    "context.ipAddress",
    "context.userAgent",
    "activity.tool.name",
    "activity.skill.name",
    "activity.skill.operation",
    "activity.external.target",
    "activity.decision.question",
    "activity.decision.chosen",
    "activity.decision.optionsConsidered[].option",
    "activity.decision.optionsConsidered[].reasoning",
    "activity.approval.approver.type",
    "activity.approval.approver.id",
    "activity.handoff.from",
    "activity.handoff.to",
    "activity.handoff.reason",
    "activity.message.role",
    "activity.message.text",
    "activity.limit.unit",
    "activity.limit.window",
    "activity.error.type",
    "activity.error.message",
  ]);
}

describe("times", () => {
  test("INTAKE-10: years 0001 and 9999, leap seconds and offsets are kept as written", async () => {
    const times = [
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999999999Z",
      "2016-12-31T23:59:60Z",
      "2026-03-01T10:11:12+14:00",
      "2026-03-01t10:11:12z",
      "2024-02-29T00:00:00-00:00",
      "2000-02-29T00:00:00Z",
    ];
    for (const occurredAt of times) {
      const { event } = await storedWith({ occurredAt });
      expect((await server.get(idOf(event))).event.occurredAt).toBe(occurredAt);
    }
  });

  test("INTAKE-10: days that do not exist and other spellings are refused", async () => {
    const times = [
      "0000-01-01T00:00:00Z",
      "10000-01-01T00:00:00Z",
      "2026-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2026-02-30T00:00:00Z",
      "2026-04-31T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z",
      "2026-01-00T00:00:00Z",
      "2026-01-01T24:00:00Z",
      "2026-01-01T00:60:00Z",
      "2026-01-01T00:00:61Z",
      "2026-01-01T00:00:00",
      "2026-01-01",
      "2026-01-01 00:00:00Z",
      "2026-01-01T00:00:00.Z",
      "2026-01-01T00:00:00.1234567890Z",
      "1767225600",
      "now",
      "",
    ];
    for (const occurredAt of times)
      expect(await refusalOf(eventOf({ occurredAt })), occurredAt).toEqual({ code: "EVENT_INVALID", path: "occurredAt" });
    expect(await refusalOf(eventOf({ proof: { type: "none", capturedAt: "2026-02-30T00:00:00Z" } }))).toEqual({
      code: "EVENT_INVALID",
      path: "proof.capturedAt",
    });
  });
});

describe("sizes", () => {
  test("INTAKE-11: a body of 100 MB is refused without being kept", async () => {
    const chunk = Buffer.alloc(1_048_576, 0x20);
    const before = process.memoryUsage.rss();
    const status = await new Promise<number>((resolve, reject) => {
      const socket = connect(server.port, "127.0.0.1");
      let answer = "";
      let sent = 0;
      socket.on("data", (data) => {
        answer += data.toString("latin1");
      });
      socket.on("error", () => {}); // The server may close while the rest is still being sent.
      socket.on("close", () => {
        const match = /^HTTP\/1\.1 (\d+)/.exec(answer);
        if (match === null) reject(new Error(`no answer after ${sent} MB`));
        else resolve(Number(match[1]));
      });
      socket.write(
        "POST /api/v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
      );
      const pump = (): void => {
        if (socket.destroyed) return;
        if (sent === 100 || answer !== "") {
          socket.end();
          return;
        }
        sent += 1;
        socket.write(`${chunk.length.toString(16)}\r\n`);
        socket.write(chunk);
        socket.write("\r\n", pump);
      };
      pump();
    });
    expect(status).toBe(413);
    expect(process.memoryUsage.rss() - before).toBeLessThan(300 * 1_048_576);
    const declared = await sendRequest(server.port, "/api/v1/events", {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": "104857600", connection: "close" },
      body: "{",
    });
    expect(declared.status).toBe(413);
    expect(JSON.parse(declared.text)).toMatchObject({ error: { code: "BODY_TOO_LARGE" } });
  });

  test("INTAKE-11: 10,000 events of one request are stored, 10,001 refused", async () => {
    const line = (i: number): string =>
      `{"id":"0197a3c2-0000-7000-8000-${i.toString(16).padStart(12, "0")}","occurredAt":"2026-03-01T10:11:12Z","action":"a.b","actor":{"type":"agent","id":"a"},"target":{"type":"t","id":"1"},"outcome":{"status":"success"}}`;
    const lines = Array.from({ length: 10_001 }, (_, i) => line(i));
    for (const body of [`[${lines.join(",")}]`, lines.join("\n")]) {
      const { status, answer } = await server.post(body, {
        "content-type": body.startsWith("[") ? "application/json" : "application/x-ndjson",
      });
      expect([status, answer.error?.code]).toEqual([413, "EVENTS_TOO_MANY"]);
    }
    const { status, answer } = await server.post(`[${lines.slice(1).join(",")}]`);
    expect(status).toBe(201);
    expect(new Set(answer.receipts.map(({ index }) => index)).size).toBe(10_000);
  });

  test("SECTION-4: 5 MB of details are cut to preview, length and hash; what is small stays", async () => {
    const large = "All work and no play. ".repeat(240_000);
    const { event } = await storedWith({
      details: { large, small: "kept" },
      outcome: { status: "success", message: large, result: { large } },
    });
    const { details, outcome } = (await server.get(idOf(event))).event as Record<string, Record<string, unknown>>;
    const cut = {
      preview: large.slice(0, 500),
      chars: large.length,
      bytes: large.length,
      sha256: createHash("sha256").update(large).digest("hex"),
    };
    expect(details?.large).toMatchObject(cut);
    expect(details?.small).toBe("kept");
    expect(outcome?.message).toMatchObject(cut);
  });

  test("SECTION-4: millions of small values anywhere in the content are cut as well, and the section stays within its limit", async () => {
    const many = Array.from({ length: 300_000 }, (_, i) => i);
    const places: Record<string, unknown>[] = [
      { details: { many } },
      { details: Object.fromEntries(many.slice(0, 120_000).map((i) => [`key-${i}`, i])) },
      { changes: { before: { many }, after: { many } } },
      { proof: { type: "api_response", data: { many } } },
      { outcome: { status: "success", result: many } },
      { activity: { type: "tool", name: "t", tool: { name: "t", parameters: { many } } } },
      { activity: { type: "approval", name: "t", approval: { state: "created", shown: { many } } } },
      { activity: { type: "external", name: "t", external: { type: "api_call", target: "x", parameters: many } } },
      { schema: "vouchtrail/2", future: many },
      { security: { resourcesAccessed: Array.from({ length: 1_000 }, () => ({ type: "t", identifier: "i".repeat(1_900) })) } },
      {
        activity: {
          type: "decision",
          name: "t",
          decision: { question: "q", chosen: "c", optionsConsidered: Array.from({ length: 1_000 }, () => ({ option: "o".repeat(1_900) })) },
        },
      },
    ];
    for (const place of places) {
      const { event } = await storedWith(place);
      const { text } = await server.send(`/api/v1/events/${idOf(event)}/bundle`);
      const { disclosures } = JSON.parse(text) as { disclosures: Record<string, string> };
      for (const disclosure of Object.values(disclosures))
        expect(Buffer.byteLength(disclosure), Object.keys(place).join()).toBeLessThanOrEqual(1_048_576);
    }
  });

  test("INTAKE-9: an event with every leaf field at its limit is stored, and its leaf stays under 8 KiB", async () => {
    const wide = (chars: number): string => "\u{ffee}".repeat(chars);
    const names = ["sessionId", "conversationId", "taskId", "callId", "approvalId", "requestId", "correlationId"];
    const { event } = await storedWith({
      tenant: "t".repeat(limits.TENANT_CHARS_MAX),
      action: "a".repeat(limits.ACTION_CHARS_MAX),
      actor: { type: "service", id: wide(limits.ID_CHARS_MAX) },
      target: { type: "repository", id: wide(limits.ID_CHARS_MAX) },
      outcome: { status: "success", code: wide(limits.CODE_CHARS_MAX) },
      phase: "outcome",
      activity: { type: "tool", name: wide(limits.ACTIVITY_NAME_CHARS_MAX) },
      usage: {
        tokensInput: 2 ** 53 - 1,
        tokensOutput: 2 ** 53 - 1,
        durationMs: 1.7976931348623157e308,
        costUsd: 5e-324,
        model: wide(limits.MODEL_CHARS_MAX),
      },
      security: { permissionLevel: "read-write", sensitiveDataAccessed: true },
      context: {
        ...Object.fromEntries(names.map((name) => [name, wide(limits.CONTEXT_ID_CHARS_MAX)])),
        traceId: wide(limits.TRACE_ID_CHARS_MAX),
        parentEventId: wide(64),
        spanId: wide(limits.SPAN_ID_CHARS_MAX),
      },
      source: { name: wide(limits.SOURCE_CHARS_MAX), instance: wide(limits.SOURCE_CHARS_MAX), sequence: 2 ** 53 - 1 },
    });
    const { text } = await server.send(`/api/v1/events/${idOf(event)}/bundle?tenant=${"t".repeat(limits.TENANT_CHARS_MAX)}`);
    expect(Buffer.byteLength((JSON.parse(text) as { leaf: string }).leaf)).toBeLessThan(8_192);
  });
});

describe("ids", () => {
  test("INTAKE-12: the same event again answers the first receipt; other content is a conflict", async () => {
    const { event, index } = await storedWith({ details: { n: 1 } });
    const again = await server.post({ ...event, details: { n: 2 } });
    expect(again.status).toBe(201);
    expect(again.answer.receipts).toMatchObject([{ index, duplicate: true }]);
    for (const other of [{ action: "document.write" }, { occurredAt: "2026-03-01T10:11:13Z" }, { outcome: { status: "failure" } }]) {
      const { status, answer } = await server.post({ ...event, ...other });
      expect([status, answer.error?.code, answer.errors[0]?.path]).toEqual([400, "ID_CONFLICT", "id"]);
    }
    const upper = await server.post({ ...event, id: idOf(event).toUpperCase() });
    expect(upper.answer.receipts).toMatchObject([{ id: event.id, index, duplicate: true }]);
    expect((await server.get(idOf(event))).event.details).toEqual({ n: 1 });
  });

  test("INTAKE-12: the same id twice in one batch is stored once, other content there is a conflict", async () => {
    const event = eventOf();
    const { status, answer } = await server.post([event, event, { ...event, action: "other" }]);
    expect(status).toBe(207);
    const [first, second] = answer.receipts;
    expect(first?.index).toBe(second?.index);
    expect(second?.duplicate).toBe(true);
    expect(answer.errors).toMatchObject([{ position: 2, code: "ID_CONFLICT" }]);
  });

  test("INTAKE-12: the same id from two tenants is two entries, and each is found by its tenant", async () => {
    const event = eventOf();
    const { answer } = await server.post([
      { ...event, tenant: "north" },
      { ...event, tenant: "south", action: "other" },
    ]);
    expect(answer.receipts).toHaveLength(2);
    const bare = await server.send(`/api/v1/events/${idOf(event)}`);
    expect([bare.status, JSON.parse(bare.text)]).toMatchObject([400, { error: { code: "FILTER_INVALID", path: "tenant" } }]);
    for (const [i, tenant] of ["north", "south"].entries()) {
      const { text } = await server.send(`/api/v1/events/${idOf(event)}?tenant=${tenant}`);
      expect(JSON.parse(text)).toMatchObject({ index: answer.receipts[i]?.index, event: { tenant } });
    }
  });

  test("INTAKE-12: the same id in many requests at once is stored once; with other content, one wins and the others conflict", async () => {
    const same = eventOf();
    const answers = await Promise.all(Array.from({ length: 40 }, () => server.post(same)));
    expect(new Set(answers.map(({ answer }) => answer.receipts[0]?.index)).size).toBe(1);
    expect(answers.filter(({ answer }) => answer.receipts[0]?.duplicate === undefined)).toHaveLength(1);
    const base = eventOf();
    const mixed = await Promise.all(Array.from({ length: 40 }, (_, i) => server.post({ ...base, action: `action-${i}` })));
    expect(mixed.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(mixed.filter(({ answer }) => answer.error?.code === "ID_CONFLICT")).toHaveLength(39);
  });

  test("HTTP-6: an id that is not a UUID, is unknown or has strange characters is an error, never a failure", async () => {
    for (const [id, status] of [
      ["x", 400],
      [randomUUID(), 404],
      ["..%2f..%2fetc", 400],
      ["%00", 400],
      ["%ff", 404],
      ["%zz", 404],
      ["a".repeat(5_000), 404],
    ] as const) {
      for (const rest of ["", "/inclusion-proof", "/bundle"])
        expect((await server.send(`/api/v1/events/${id}${rest}`)).status, `${id.slice(0, 20)}${rest}`).toBe(status);
    }
    expect((await server.send(`/api/v1/events/${randomUUID()}?tenant=a&tenant=b`)).status).toBeLessThan(500);
  });
});

describe("lines", () => {
  const ndjson = { "content-type": "application/x-ndjson" };

  test("INTAKE-13: blank lines and CRLF are fine, a broken line is refused alone", async () => {
    const [a, b, c] = [eventOf(), eventOf(), eventOf()];
    const body = `\r\n\n${JSON.stringify(a)}\r\n   \n\t\r\n{"broken\n${JSON.stringify(b)} x\n[1]\n${JSON.stringify(c)}`;
    const { status, answer } = await server.post(body, ndjson);
    expect(status).toBe(207);
    expect(answer.receipts.map(({ id, position }) => [id, position])).toEqual([
      [a.id, 0],
      [c.id, 4],
    ]);
    expect(answer.errors.map(({ position, code }) => [position, code])).toEqual([
      [1, "BODY_INVALID"],
      [2, "BODY_INVALID"],
      [3, "EVENT_INVALID"],
    ]);
  });

  test("INTAKE-13: lines sent as application/json are understood; a byte order mark is not", async () => {
    const events = [eventOf(), eventOf()];
    expect((await server.post(events.map((event) => JSON.stringify(event)).join("\n"))).status).toBe(201);
    expect((await server.post(`\ufeff${JSON.stringify(eventOf())}`, ndjson)).answer.error?.code).toBe("BODY_NOT_UTF8");
    expect((await server.post("\n\n\r\n", ndjson)).answer.error?.code).toBe("BODY_INVALID");
  });

  test("INTAKE-13: an event over several lines is not NDJSON", async () => {
    const { status, answer } = await server.post(JSON.stringify(eventOf(), undefined, 2), ndjson);
    expect(status).toBe(400);
    expect(answer.errors.every(({ code }) => code === "BODY_INVALID" || code === "EVENT_INVALID")).toBe(true);
    expect((await server.post(JSON.stringify(eventOf(), undefined, 2))).status).toBe(201);
  });
});

describe("proofs", () => {
  test("HTTP-5: wait=checkpoint answers with proofs that verify; the bundle's leaf has the receipt's hash", async () => {
    const { text, status } = await server.send("/api/v1/events?wait=checkpoint", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([eventOf(), eventOf({ details: { a: 1 } }), eventOf()]),
    });
    expect(status).toBe(201);
    const { receipts } = JSON.parse(text) as { receipts: { index: number; leafHash: string; inclusionProof: string; id: string }[] };
    const vkey = (await server.send("/tlog/main/vkey")).text.trim();
    expect(receipts).toHaveLength(3);
    for (const { index, leafHash, inclusionProof, id } of receipts) {
      const options = { vkey, sha256, verify: verifyEd25519, leafHash: Buffer.from(leafHash, "base64") };
      expect(verifyTlogProof(inclusionProof, options).index).toBe(index);
      expect(() => verifyTlogProof(inclusionProof, { ...options, leafHash: Buffer.alloc(32) })).toThrow();
      const proof = (await server.send(`/api/v1/events/${id}/inclusion-proof`)).text;
      expect(verifyTlogProof(proof, options).checkpoint.treeSize).toBeGreaterThan(index);
    }
    openCheckpoint((await server.send("/tlog/main/checkpoint")).text, { vkey, sha256, verify: verifyEd25519 });
    expect(
      (await server.send("/api/v1/events?wait=forever", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }))
        .status,
    ).toBe(400);
  });
});
