import { expect, test } from "vitest";
import type { JsonObject } from "../event.ts";
import { ACTION_ALIASES } from "./action-aliases.ts";
import { matchesFilter } from "./match-filter.ts";
import { parseFilter } from "./parse-filter.ts";
import type { SectionTexts } from "./text-words.ts";

const EVENT = {
  id: "0197a0f0-0000-7000-8000-000000000001",
  tenant: "acme",
  occurredAt: "2026-01-31T12:00:00.000Z",
  action: "ai.tool_call",
  actor: {
    type: "agent",
    id: "agent-1",
    onBehalfOf: [
      { type: "user", id: "u-1" },
      { type: "user", id: "u-2" },
    ],
  },
  target: { type: "repository", id: "git/main" },
  outcome: { status: "failure", code: "E42" },
  phase: "outcome",
  labels: { env: "prod" },
  activity: { type: "tool", name: "Bash" },
  usage: { model: "m-1" },
  security: { sensitiveDataAccessed: true },
  context: { sessionId: "s-1", conversationId: "c-1", callId: "k-1", requestId: "r-1", traceId: "t-1", ipAddress: "::1" },
  source: { name: "app", instance: "host-1", sequence: 7 },
};
const BARE = {
  id: "0197a0f0-0000-7000-8000-000000000002",
  tenant: "acme",
  occurredAt: "2026-01-31T12:00:00.000Z",
  action: "user.login",
  actor: { type: "user" },
  target: { type: "document" },
  outcome: { status: "success" },
};
const RECEIVED = { at: "2026-02-01T00:00:00.000Z", via: "http" };
const matches = (query: Readonly<Record<string, unknown>>, event: JsonObject = EVENT, texts: SectionTexts = {}): boolean =>
  matchesFilter(parseFilter(query))({ event, received: RECEIVED }, texts);

test.each([
  [{}],
  [{ tenant: "acme" }],
  [{ actor: "agent-1" }],
  [{ actorType: "agent" }],
  [{ onBehalfOf: "u-2" }],
  [{ onBehalfOf: ["u-1", "!u-9"] }],
  [{ action: "ai.tool_call" }],
  [{ action: "ai.*" }],
  [{ action: "*" }],
  [{ target: "git/main" }],
  [{ target: "repository/git/main" }],
  [{ targetType: "repository" }],
  [{ outcome: ["success", "failure"] }],
  [{ code: "E42" }],
  [{ activity: "*" }],
  [{ activity: "tool" }],
  [{ tool: "Bash" }],
  [{ model: "m-1" }],
  [{ session: "s-1", conversation: "c-1", call: "k-1", request: "r-1", trace: "t-1", ip: "::1" }],
  [{ sensitive: "true" }],
  [{ phase: "outcome" }],
  [{ source: "app" }],
  [{ via: "http" }],
  [{ "label.env": ["test", "prod"] }],
  [{ "label.env": "!test" }],
])("FILTER-2: %j accepts the event", (query) => {
  expect(matches(query)).toBe(true);
});

test.each([
  [{ tenant: "other" }],
  [{ actor: "Agent-1" }],
  [{ onBehalfOf: "!u-2" }],
  [{ onBehalfOf: ["u-1", "!u-2"] }],
  [{ action: "!ai.*" }],
  [{ action: "!*" }],
  [{ action: "ai" }],
  [{ target: "repository" }],
  [{ target: "!repository/git/main" }],
  [{ activity: "!*" }],
  [{ sensitive: "false" }],
  [{ "label.env": "!prod" }],
  [{ "label.constructor": "x" }],
  [{ tool: "Bash", session: "s-2" }],
])("FILTER-2: %j does not accept the event", (query) => {
  expect(matches(query)).toBe(false);
});

test("FILTER-4: what an event lacks is neither found nor shut out", () => {
  const names = [
    "actor",
    "onBehalfOf",
    "target",
    "code",
    "tool",
    "model",
    "session",
    "conversation",
    "call",
    "request",
    "trace",
    "ip",
    "source",
  ];
  for (const name of [...names, "label.env"]) {
    expect(matches({ [name]: "undefined" }, BARE)).toBe(false);
    expect(matches({ [name]: "!undefined" }, BARE)).toBe(true);
  }
  expect(matches({ phase: "intent" }, BARE)).toBe(false);
  expect(matches({ phase: "!intent" }, BARE)).toBe(true);
  expect(matches({ activity: "*" }, BARE)).toBe(false);
  expect(matches({ activity: "!*" }, BARE)).toBe(true);
  expect(matches({ sensitive: "false" }, BARE)).toBe(true);
  expect(matches({ sensitive: "!true" }, BARE)).toBe(true);
});

test("FILTER-5: the first moment counts, the last does not, in any zone", () => {
  expect(matches({ from: "2026-01-31T13:00:00+01:00" })).toBe(true);
  expect(matches({ from: "2026-01-31T12:00:00.000001Z" })).toBe(false);
  expect(matches({ to: "2026-01-31T12:00:00.000001Z" })).toBe(true);
  expect(matches({ to: "2026-01-31T12:00:00Z" })).toBe(false);
  expect(matches({ receivedFrom: "2026-02-01", to: "2026-02-01" })).toBe(true);
  expect(matches({ receivedTo: "2026-02-01" })).toBe(false);
});

test("FILTER-6: an action is found in both its spellings, a beginning only as written", () => {
  expect(ACTION_ALIASES.get("MEMBER_ROLE_UPDATE")).toBe("member.role.update");
  for (const [action, alias] of ACTION_ALIASES) {
    const event = { ...BARE, action };
    expect(ACTION_ALIASES.get(alias)).toBe(action);
    expect(matches({ action: alias }, event)).toBe(true);
    expect(matches({ action: `!${alias}` }, event)).toBe(false);
    expect(matches({ action: `${alias}*` }, event)).toBe(false);
    expect(matches({ action: `${action.slice(0, 5)}*` }, event)).toBe(true);
  }
  expect(matches({ action: "ledger.created" }, { ...BARE, action: "LEDGER_CREATED" })).toBe(false);
});

const TEXTS: SectionTexts = {
  personal: '{"actor":{"name":"Ada ΟΔΟΣ"}}',
  content: '{"details":{"path":"C:\\\\Temp","note":"50% of\\nlines"}}',
};
test.each([
  ["ada", true],
  ["ADA temp", true],
  ["ada nobody", false],
  ["οδοσ", true],
  ["ΟΔΟΣ", true],
  ["c:\\temp", true],
  ["50%", true],
  ["5.%", false],
  ['"50% of"', true],
  ['"of lines"', false],
  ['"of\nlines"', true],
  ['"lines of"', false],
  ["lines of", true],
  ["BASH", true],
  ["e42 git/MAIN agent-1 ai.tool", true],
  ["details", true],
  ["acme", false],
  ["!ada", false],
  ["!nobody", true],
])("FILTER-7: the text %j is in the entry: %s", (text, isThere) => {
  expect(matches({ text }, EVENT, TEXTS)).toBe(isThere);
});

test("FILTER-7: several texts are alternatives, and an unwanted one shuts out", () => {
  expect(matches({ text: ["nobody", "ada"] }, EVENT, TEXTS)).toBe(true);
  expect(matches({ text: ["ada", "!nobody temp"] }, EVENT, TEXTS)).toBe(true);
  expect(matches({ text: ["ada", "!50% temp"] }, EVENT, TEXTS)).toBe(false);
});

test("FILTER-4: an entry whose sections are gone holds what its leaf says", () => {
  expect(matches({ text: "bash" }, EVENT, {})).toBe(true);
  expect(matches({ text: "ada" }, EVENT, {})).toBe(false);
  expect(matches({ text: "!ada" }, EVENT, {})).toBe(true);
});

test("FILTER-1: a condition that is no filter is refused when it is compiled", () => {
  for (const name of ["nothing", "constructor", "__proto__"]) {
    const filter = { conditions: [{ name: name as "actor", wanted: ["x"], unwanted: [] }] };
    expect(() => matchesFilter(filter)).toThrow(expect.objectContaining({ code: "FILTER_INVALID" }));
  }
});
