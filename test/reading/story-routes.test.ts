import type { Explanation, JsonObject, SessionStory } from "@vouchtrail/events";
import { verifyBundle } from "@vouchtrail/protocol";
import { sealSystemEntry, sha256, verifyEd25519 } from "@vouchtrail/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventOf, openReadingApp, type ReadingApp } from "./reading-app.ts";

let reading: ReadingApp;
beforeAll(async () => {
  reading = await openReadingApp();
});
afterAll(() => reading.close());

const call = (name: string, context: JsonObject, more: JsonObject = {}): JsonObject =>
  eventOf({
    action: "ai.tool_call",
    target: { type: "tool", id: name },
    activity: { type: "tool", name, tool: { name, parameters: { command: `${name} it` } } },
    context,
    ...more,
  });
const prompt = (text: string, context: JsonObject): JsonObject =>
  eventOf({
    action: "ai.chat_message",
    actor: { type: "user", id: "u-1" },
    activity: { type: "message", name: "prompt", message: { role: "user", text } },
    context,
  });
const approval = (state: "created" | "approved", context: JsonObject): JsonObject =>
  eventOf({
    action: `ai.approval_${state}`,
    actor: { type: "user", id: "u-2" },
    target: { type: "approval", id: String(context.approvalId) },
    outcome: { status: state === "created" ? "pending" : "success" },
    activity: {
      type: "approval",
      name: "approve",
      approval: { state, ...(state === "created" ? {} : { approver: { type: "user", id: "u-2" } }) },
    },
    context,
  });

async function explain(event: JsonObject, query = "", headers: Record<string, string> = {}): Promise<Explanation> {
  const reply = await reading.get(`/api/v1/events/${String(event.id)}/explain${query}`, headers);
  expect(reply.status, reply.text).toBe(200);
  const explanation = reply.json<Explanation>();
  for (const { bundle, entry } of explanation.chain)
    expect(verifyBundle(bundle, { vkey: reading.ledger.vkey, sha256, verify: verifyEd25519 }).index).toBe(entry.index);
  return explanation;
}
const linksOf = ({ chain }: Explanation): unknown[] => chain.map(({ role, entry, basis, why }) => [role, entry.event.id, basis, why]);

test("SESSION-7: a long session is told in parts, which together hold every entry once", async () => {
  await reading.add(...Array.from({ length: 25 }, (_, i) => call(`tool-${i}`, { sessionId: "parts", callId: `call-${i}` })));
  const whole = (await reading.get("/api/v1/sessions/parts")).json<SessionStory>();
  expect(whole).toMatchObject({ entries: 25, toolCalls: 25, isTruncated: false });
  expect(whole.nextCursor).toBeUndefined();
  const told: number[] = [];
  let query = "?limit=10";
  for (let part = 0; part < 3; part++) {
    const story = (await reading.get(`/api/v1/sessions/parts${query}`)).json<SessionStory>();
    expect(story.isTruncated).toBe(true);
    told.push(...story.steps.flatMap(({ entries }) => entries.map(({ index }) => index)));
    query = `?limit=10&cursor=${story.nextCursor}`;
    expect(story.nextCursor === undefined).toBe(part === 2);
  }
  expect(told).toEqual(whole.steps.flatMap(({ entries }) => entries.map(({ index }) => index)));
  for (const bad of ["?limit=0", "?limit=5001", "?limit=x", "?wait=now", "?order=oldest", "?cursor=x"])
    expect((await reading.get(`/api/v1/sessions/parts${bad}`)).status, bad).toBe(400);
});

test("SESSION-1: a session of several tenants wants one to be named, and marks in its id mean nothing", async () => {
  await reading.add(...["one", "two"].map((tenant) => call("a", { sessionId: "both", callId: "c" }, { tenant })));
  const reply = await reading.get("/api/v1/sessions/both");
  expect([reply.status, reply.json()]).toMatchObject([400, { error: { code: "FILTER_INVALID", path: "tenant" } }]);
  expect((await reading.get("/api/v1/sessions/both?tenant=two")).json()).toMatchObject({ tenant: "two", entries: 1 });
  for (const id of ["!both", "*", "bot*", "b".repeat(300)])
    expect((await reading.get(`/api/v1/sessions/${encodeURIComponent(id)}`)).status, id).toBe(404);
});

test("EXPLAIN-8: a key of one tenant learns nothing of a session or event of another one", async () => {
  const own: readonly JsonObject[] = [
    prompt("own", { sessionId: "shared", approvalId: "p" }),
    call("own", { sessionId: "shared", callId: "c", approvalId: "p" }),
  ];
  const other: readonly JsonObject[] = [
    ...own.map((event) => ({ ...eventOf(event), id: String(eventOf().id), tenant: "south" })),
    approval("approved", { sessionId: "shared", approvalId: "p" }),
  ];
  const north = own.map((event): JsonObject => ({ ...event, tenant: "north" }));
  await reading.add(...north, ...other.map((event) => ({ ...event, tenant: "south" })));
  const headers = await reading.keyFor({ scopes: ["read"], tenant: "north" });
  const story = (await reading.get("/api/v1/sessions/shared", headers)).json<SessionStory>();
  expect(story).toMatchObject({ tenant: "north", entries: 2 });
  const explanation = await explain(north[1] ?? {}, "", headers);
  expect(explanation.chain.map(({ entry }) => entry.event.id)).toEqual(north.map(({ id }) => id));
  expect(explanation.missing.map(({ role }) => role)).toEqual(["decision", "approval"]);
  for (const path of [
    `/api/v1/events/${String(other[1]?.id)}/explain`,
    `/api/v1/events/${String(other[1]?.id)}/explain?tenant=south`,
    "/api/v1/sessions/shared?tenant=south",
    "/api/v1/sessions/parts",
  ])
    expect((await reading.get(path, headers)).status, path).toBe(404);
  expect((await reading.get("/api/v1/sessions/shared", await reading.keyFor({ scopes: ["ingest"] }))).status).toBe(403);
});

test("EXPLAIN-2: events of a program without sessions are joined by the ids of their approval, task, correlation and parent", async () => {
  const noise = call("other", { approvalId: "q-1", taskId: "t-2" });
  const asked = approval("created", { approvalId: "q-9", taskId: "t-9" });
  const granted = approval("approved", { approvalId: "q-9" });
  const decision = eventOf({
    action: "agent.decision",
    activity: { type: "decision", name: "pick", decision: { question: "Which?", chosen: "this" } },
    context: { taskId: "t-9" },
  });
  const wish = prompt("do it", { conversationId: "talk-9", taskId: "t-9" });
  const intent = call("deploy", { taskId: "t-9", approvalId: "q-9" }, { phase: "intent", outcome: { status: "pending" } });
  const outcome = call("deploy", { parentEventId: String(intent.id) }, { phase: "outcome" });
  await reading.add(noise, wish, decision, asked, granted, intent, outcome);
  const links = [
    ["prompt", wish.id, "inferred", "the last prompt before it in the same conversation"],
    ["decision", decision.id, "joined", "it shares an id with the action"],
    ["approval", asked.id, "joined", "same approval id"],
    ["approval", granted.id, "joined", "same approval id"],
    ["action", intent.id, "joined", "the event itself"],
    ["outcome", outcome.id, "joined", "the same deed"],
  ];
  const explanation = await explain(intent);
  expect(linksOf(explanation)).toEqual(links);
  expect(explanation).toMatchObject({ missing: [], approval: { state: "approved", by: { kind: "user", id: "u-2" }, basis: "observed" } });
  for (const event of [outcome, asked, granted]) {
    const ids = (await explain(event)).chain.map(({ entry }) => entry.event.id);
    expect(ids).toEqual(links.map(([, id]) => id));
  }
  expect((await explain(decision)).chain.map(({ role }) => role)).toEqual([
    "prompt",
    "decision",
    "approval",
    "approval",
    "action",
    "outcome",
  ]);
});

test("EXPLAIN-6: an event of another kind stands alone, and what is not there is named", async () => {
  const login = eventOf({ action: "user.login", actor: { type: "user", id: "u-7" } });
  await reading.add(login);
  const explanation = await explain(login);
  expect(linksOf(explanation)).toEqual([["action", login.id, "joined", "the event itself"]]);
  expect(explanation.missing.map(({ role }) => role)).toEqual(["prompt", "decision", "approval"]);
  for (const { message } of explanation.missing) expect(message).toMatch(/^No .*\.$/);
  const unended = call("run", { sessionId: "unended", callId: "c" }, { phase: "intent", outcome: { status: "pending" } });
  await reading.add(unended);
  expect((await explain(unended)).missing.map(({ role }) => role)).toContain("outcome");
});

test("EXPLAIN-3: a call of a subagent leads to its prompt, the call that started it, and the prompt of the person", async () => {
  const sessionId = "nested";
  const sub = { sessionId, conversationId: `${sessionId}/a1` };
  const wish = prompt("look into it", { sessionId, conversationId: sessionId });
  const start = call("Task", { sessionId, conversationId: sessionId, callId: "start" });
  const order: JsonObject = {
    ...prompt("look at one file", { ...sub, parentEventId: String(start.id) }),
    actor: { type: "agent", id: "main" },
  };
  const deed = call("Read", { ...sub, callId: "deed", parentEventId: String(start.id) });
  await reading.add(wish, start, order, deed);
  expect(linksOf(await explain(deed))).toEqual([
    ["prompt", wish.id, "inferred", "the last prompt before it in the same conversation"],
    ["prompt", start.id, "joined", "the call that started the subagent"],
    ["prompt", order.id, "inferred", "the last prompt of the subagent before it"],
    ["action", deed.id, "joined", "the event itself"],
  ]);
});

test("EXPLAIN-5: without a request the answer says that the permission mode let the call run", async () => {
  const deed = call("Edit", { sessionId: "mode", callId: "c" }, { labels: { permissionMode: "acceptEdits" } });
  await reading.add(deed);
  const { approval: given, missing } = await explain(deed);
  expect(given).toEqual({ state: "approved", by: { kind: "mode", id: "acceptEdits" }, basis: "inferred", entries: [] });
  expect(missing.find(({ role }) => role === "approval")?.message).toContain("acceptEdits");
});

test("EXPLAIN-7: what was erased is still explained by its envelope, and its link says so", async () => {
  const context = { sessionId: "erased", conversationId: "erased" };
  const wish = prompt("a secret wish", context);
  const deed = call("Bash", { ...context, callId: "c" });
  const [first = -1, second = -1] = await reading.add(wish, deed);
  const ranges = { content: [[first, second + 1]] } as const;
  const erasure = sealSystemEntry({ action: "ledger.erased", ledger: "main", system: { erases: ranges } }, "2027-01-01T00:00:00.000Z");
  const [result] = await reading.ledger.append([erasure]);
  await reading.ledger.erase(ranges, result !== undefined && "receipt" in result ? result.receipt.index : -1);
  const { chain } = (await reading.get(`/api/v1/events/${String(deed.id)}/explain`)).json<Explanation>();
  expect(chain.map(({ role, entry }) => [role, entry.sections.content?.state])).toEqual([
    ["prompt", "erased"],
    ["action", "erased"],
  ]);
  const story = await reading.get("/api/v1/sessions/erased");
  expect(story.json<SessionStory>().steps).toMatchObject([
    { title: "prompt", isErased: true, children: [{ title: "Bash", isErased: true }] },
  ]);
  expect(story.text + JSON.stringify(chain)).not.toContain("secret wish");
});

test("who read a story or an explanation is noted with what was asked", async () => {
  const before = reading.noted.length;
  await reading.get("/api/v1/sessions/parts?limit=3");
  await explain(call("unknown", {}, { id: (await reading.reader().session({ id: "mode" })).steps[0]?.entries[0]?.id }));
  expect(reading.noted.slice(before).map(({ read }) => [read.route, read.parameters[0]?.[0]])).toEqual([
    ["GET /api/v1/sessions/:id", "id"],
    ["GET /api/v1/events/:id/explain", "id"],
  ]);
});
