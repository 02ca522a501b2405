import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AuditError } from "../errors.ts";
import { type AuditEvent, type AuditEventInput, AuditEventInputSchema, AuditEventSchema } from "../event.ts";
import { type AgentLogEntry, AgentLogEntrySchema, fromAgentLogEntry, toAgentLogEntry } from "./agent-log-entry.ts";

const seed = new URL("../../../../../shared/seeds/agent-audit-logging.md", import.meta.url);

/** What the server adds on arrival. */
function complete(event: AuditEventInput): AuditEvent {
  const { schema: _, ...rest } = AuditEventInputSchema.parse(event);
  return AuditEventSchema.parse({
    id: "01890000-0000-7000-8000-000000000000",
    occurredAt: "2026-01-01T00:00:00Z",
    tenant: "default",
    ...rest,
  });
}
function roundTrip(entry: unknown): unknown {
  const sent = JSON.parse(JSON.stringify(fromAgentLogEntry(entry).event)) as AuditEventInput;
  return toAgentLogEntry(complete(sent));
}
function fault(entry: unknown, options?: { lenient: boolean }): AuditError {
  try {
    fromAgentLogEntry(entry, options);
  } catch (error) {
    if (error instanceof AuditError) return error;
    throw error;
  }
  throw new Error("The entry was accepted.");
}

const TOOL_ENTRY = {
  id: "0f0e0d0c-0b0a-4908-8706-050403020100",
  timestamp: "2026-03-01T08:00:00.5+01:00",
  agent: { id: "ops/deployer", session_id: "s-1", conversation_id: "c-1" },
  action: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: "make test" } } },
  outcome: { status: "failure", error: { type: "EXIT_2", message: "make failed" }, result: { exit_code: 2 } },
  resources: { tokens_input: 10, tokens_output: 3, duration_ms: 1200, cost_usd: 0.002 },
  security: {
    permission_level: "read-write",
    resources_accessed: [{ type: "file", identifier: "Makefile" }],
    sensitive_data_accessed: false,
  },
} as const;

const rarely = { freq: 5, nil: undefined };
const words = fc.string({ unit: "binary", maxLength: 20 });
const name = fc.oneof(words, fc.string({ minLength: 100, maxLength: 1_100 })).filter((text) => text !== "");
const agentIds = fc
  .string({ minLength: 1, maxLength: 200, unit: fc.constantFrom("a", "/", "ä", " ", "7", "😀") })
  .filter((id) => id.length <= 200);
const extra = fc.oneof(
  fc.constant({}),
  fc.dictionary(
    fc.oneof(
      words.filter((key) => key !== "__proto__"),
      fc.constantFrom("agent\u0000id", "constructor", "toString", "model", "tenant", "agentLogEntry", "error"),
    ),
    fc.jsonValue(),
    { maxKeys: 3 },
  ),
);
/** An object with the given optional members, sometimes null, and keys that the shape does not know. */
function part(members: Record<string, fc.Arbitrary<unknown>>, required: readonly string[] = []): fc.Arbitrary<object> {
  const known = Object.fromEntries(
    Object.entries(members).map(([key, value]) => [
      key,
      required.includes(key)
        ? value
        : fc.option(fc.oneof({ weight: 8, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) }), rarely),
    ]),
  );
  return fc.tuple(extra, fc.record(known)).map(([more, object]) => JSON.parse(JSON.stringify({ ...more, ...object })) as object);
}
const parameters = fc.jsonValue();
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value));
const bodies = {
  tool: part({ name, parameters }, ["name"]),
  skill: part({ name, operation: fc.oneof(words, name), parameters }, ["name"]),
  external: part({ type: fc.constantFrom("web_search", "web_fetch", "api_call"), target: words, parameters }, ["type", "target"]),
  decision: part(
    {
      question: words,
      options_considered: fc.array(part({ option: words, reasoning: words, score: number }, ["option"]), { maxLength: 4 }),
      chosen: words,
      confidence: number,
    },
    ["question", "chosen"],
  ),
};
const entries = part(
  {
    id: fc.oneof(
      fc.uuid(),
      words.filter((id) => id !== ""),
    ),
    timestamp: fc
      .tuple(
        fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true }),
        fc.constantFrom("Z", "+05:30"),
      )
      .map(([date, zone]) => date.toISOString().replace("Z", zone)),
    agent: part({ id: agentIds, session_id: fc.oneof(words, fc.uuid()), conversation_id: fc.oneof(words, fc.uuid()) }, ["id"]),
    action: part({ type: fc.constantFrom("tool", "skill", "external", "decision", "error"), name, ...bodies }, ["type", "name"]),
    outcome: part(
      {
        status: fc.constantFrom("success", "failure", "partial"),
        result: fc.jsonValue(),
        error: part({ type: fc.oneof(words, name), message: words }),
      },
      ["status"],
    ),
    resources: part({ tokens_input: fc.nat(), tokens_output: fc.maxSafeNat(), duration_ms: fc.nat(), cost_usd: number }),
    security: part({
      permission_level: fc.constantFrom("readonly", "read-write", "admin"),
      resources_accessed: fc.array(part({ type: fc.oneof(words, name), identifier: words }, ["type", "identifier"]), { maxLength: 3 }),
      sensitive_data_accessed: fc.boolean(),
    }),
  },
  ["id", "timestamp", "agent", "action", "outcome"],
).filter((entry) => AgentLogEntrySchema.safeParse(entry).success);

test("MAPPING-1: every valid agent log entry survives the way to an event and back", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      expect(roundTrip(entry)).toEqual(entry);
    }),
    { numRuns: 500 },
  );
});

test("MAPPING-1: a key named __proto__ survives too, and pollutes nothing", () => {
  const entry = JSON.parse(
    JSON.stringify(TOOL_ENTRY).replace('"agent":{', '"__proto__":{"polluted":1},"agent":{"__proto__":2,'),
  ) as unknown;
  expect(JSON.stringify(roundTrip(entry))).toContain('"__proto__":{"polluted":1}');
  expect(JSON.stringify(roundTrip(entry))).toContain('"__proto__":2');
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test("MAPPING-1: every example of the seed document survives the round trip", () => {
  if (!existsSync(seed)) {
    console.warn("Skipped: the seed documents are not beside this checkout.");
    return;
  }
  const blocks = [...readFileSync(seed, "utf8").matchAll(/```json\n(\{[\s\S]*?\n\})\n```/g)].map(([, text = ""]) => text);
  const examples = blocks.filter((text) => text.includes('"outcome"')).map((text) => JSON.parse(text) as AgentLogEntry);
  expect(examples.map((example) => example.action.type)).toEqual(["tool", "skill", "external", "decision"]);
  for (const example of examples) {
    expect(roundTrip(example)).toEqual(example);
    const { event, notes } = fromAgentLogEntry(example);
    expect(notes).toEqual([]);
    expect(event.details).toBeUndefined();
  }
});

test("MAPPING-2: each member goes to its place in the event", () => {
  const { event, notes } = fromAgentLogEntry(TOOL_ENTRY, { tenant: "acme" });
  expect(notes).toEqual([]);
  expect(event).toEqual({
    id: TOOL_ENTRY.id,
    occurredAt: TOOL_ENTRY.timestamp,
    tenant: "acme",
    action: "ai.tool_call",
    actor: { type: "agent", id: "ops/deployer" },
    target: { type: "tool", id: "Bash" },
    context: { sessionId: "s-1", conversationId: "c-1" },
    activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command: "make test" } } },
    outcome: { status: "failure", code: "EXIT_2", message: "make failed", result: { exit_code: 2 } },
    usage: { tokensInput: 10, tokensOutput: 3, durationMs: 1200, costUsd: 0.002 },
    security: {
      permissionLevel: "read-write",
      resourcesAccessed: [{ type: "file", identifier: "Makefile" }],
      sensitiveDataAccessed: false,
    },
  });
});

test.each([
  ["tool", "ai.tool_call"],
  ["skill", "ai.skill_call"],
  ["external", "ai.external_call"],
  ["decision", "ai.decision"],
  ["error", "ai.error"],
])("MAPPING-2: an entry of type %s becomes the action %s", (type, action) => {
  const { event } = fromAgentLogEntry({ ...TOOL_ENTRY, action: { type, name: "n" } });
  expect(event.action).toBe(action);
  expect(event.activity).toEqual({ type, name: "n" });
});

test("MAPPING-2: options_considered and optionsConsidered are the same thing", () => {
  const decision = {
    question: "Ship?",
    options_considered: [{ option: "yes", reasoning: "green", score: 1 }],
    chosen: "yes",
    confidence: 0.9,
  };
  const { event } = fromAgentLogEntry({ ...TOOL_ENTRY, action: { type: "decision", name: "ship", decision } });
  expect(event.activity?.decision?.optionsConsidered).toEqual(decision.options_considered);
});

test("MAPPING-2: keys without a place and values that do not fit a leaf are kept in details", () => {
  const { event } = fromAgentLogEntry({
    ...TOOL_ENTRY,
    team: "platform",
    action: { type: "tool", name: "x".repeat(300), tool: { name: "Bash", version: 5 } },
  });
  expect(event.activity?.name).toBe("x".repeat(128));
  expect(event.details).toEqual({ agentLogEntry: { team: "platform", action: { name: "x".repeat(300), tool: { version: 5 } } } });
});

test("MAPPING-3: an id that is not a UUID is kept and always gives the same event id", () => {
  const first = fromAgentLogEntry({ ...TOOL_ENTRY, id: "run-7/step-2" }).event;
  expect(first.id).toBe(fromAgentLogEntry({ ...TOOL_ENTRY, id: "run-7/step-2" }).event.id);
  expect(first.id).not.toBe(fromAgentLogEntry({ ...TOOL_ENTRY, id: "run-7/step-3" }).event.id);
  expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
  expect(toAgentLogEntry(complete(first)).id).toBe("run-7/step-2");
});

test.each([
  ["", []],
  ["", null],
  ["id", { ...TOOL_ENTRY, id: undefined }],
  ["timestamp", { ...TOOL_ENTRY, timestamp: "2026-03-01T08:00:00+0000" }],
  ["agent.id", { ...TOOL_ENTRY, agent: { id: "" } }],
  ["agent.id", { ...TOOL_ENTRY, agent: { id: "a".repeat(201) } }],
  ["action.type", { ...TOOL_ENTRY, action: { type: "thought", name: "x" } }],
  ["action.tool.name", { ...TOOL_ENTRY, action: { type: "tool", name: "x", tool: {} } }],
  ["outcome.status", { ...TOOL_ENTRY, outcome: { status: "ok" } }],
  ["resources.tokens_input", { ...TOOL_ENTRY, resources: { tokens_input: 1.5 } }],
  ["security.resources_accessed.0.identifier", { ...TOOL_ENTRY, security: { resources_accessed: [{ type: "file" }] } }],
])("MAPPING-4: a fault at %j is named by its path", (path, entry) => {
  const error = fault(JSON.parse(JSON.stringify(entry)));
  expect(error.code).toBe("SHAPE_INVALID");
  expect(error.path).toBe(path);
});

test.each([
  ["2025-01-02T10:30:15+00:00", "2025-01-02T10:30:15+00:00"],
  ["2025-01-02T10:30:15+0000", "2025-01-02T10:30:15+00:00"],
  ["2025-01-02T10:30:15-05", "2025-01-02T10:30:15-05:00"],
  ["2025-01-02T10:30:15,123456789012+0130", "2025-01-02T10:30:15.123456789+01:30"],
  ["2025-01-02 10:30", "2025-01-02T10:30:00Z"],
  ["2025-01-02T10:30:15", "2025-01-02T10:30:15Z"],
])("MAPPING-5: the lenient reading takes the time %s", (written, read) => {
  const { event, notes } = fromAgentLogEntry({ ...TOOL_ENTRY, timestamp: written }, { lenient: true });
  expect(event.occurredAt).toBe(read);
  expect(notes.length).toBe(written === read ? 0 : 1);
});

test("MAPPING-5: what the hook script of the seed posts is taken, and every repair is noted", () => {
  const posted = {
    timestamp: "2025-01-02T10:30:15+00:00",
    agent: { id: "", session_id: "" },
    action: { type: "tool", name: "null", tool: { name: "null", parameters: null } },
    outcome: { status: "success", result: null },
  };
  const before = structuredClone(posted);
  const { event, notes } = fromAgentLogEntry(posted, { lenient: true });
  expect(posted).toEqual(before);
  expect(AuditEventInputSchema.parse(event)).toEqual({
    occurredAt: "2025-01-02T10:30:15+00:00",
    action: "ai.tool_call",
    actor: { type: "agent", id: "unknown" },
    target: { type: "tool", id: "unknown" },
    activity: { type: "tool", name: "unknown", tool: { name: "null" } },
    outcome: { status: "success" },
  });
  expect(notes).toEqual([
    "agent.id is missing: set to unknown",
    "agent.session_id is empty: left out",
    "action.tool.parameters is null: left out",
    "action.name is missing: set to unknown",
    "outcome.result is null: left out",
  ]);
});

test("MAPPING-5: the lenient reading takes a name from the body and keeps values of a wrong type", () => {
  const { event } = fromAgentLogEntry(
    { agent: { id: "a" }, action: { tool: { name: "Read" } }, outcome: { status: "success" }, resources: { tokens_input: "12" } },
    { lenient: true },
  );
  expect(event.id).toBeUndefined();
  expect(event.occurredAt).toBeUndefined();
  expect(event.activity).toEqual({ type: "tool", name: "Read", tool: { name: "Read" } });
  expect(event.details).toEqual({ agentLogEntry: { resources: { tokens_input: "12" } } });
});

test("MAPPING-5: the lenient reading takes every valid entry and makes a valid event of it", () => {
  fc.assert(
    fc.property(entries, (entry) => {
      expect(AuditEventInputSchema.safeParse(fromAgentLogEntry(entry, { lenient: true }).event).error).toBeUndefined();
    }),
  );
});

test("MAPPING-5: even the lenient reading refuses an unreadable time, a missing outcome and any junk with a code", () => {
  expect(fault({ ...TOOL_ENTRY, timestamp: "yesterday" }, { lenient: true }).path).toBe("timestamp");
  expect(fault({ ...TOOL_ENTRY, outcome: {} }, { lenient: true }).path).toBe("outcome.status");
  fc.assert(
    fc.property(fc.jsonValue(), (junk) => {
      expect(fault(junk, { lenient: true }).code).toBe("SHAPE_INVALID");
    }),
  );
});

test("MAPPING-6: an event of another shape is narrowed, and one without such an activity is refused", () => {
  const event = complete(fromAgentLogEntry(TOOL_ENTRY).event);
  expect(toAgentLogEntry({ ...event, outcome: { status: "denied" } }).outcome).toEqual({ status: "failure" });
  expect(toAgentLogEntry({ ...event, outcome: { status: "pending" } }).outcome).toEqual({ status: "partial" });
  const { activity: _, ...bare } = event;
  expect(() => toAgentLogEntry(bare)).toThrow(expect.objectContaining({ code: "SHAPE_INVALID", path: "activity.type" }));
  expect(() => toAgentLogEntry({ ...event, activity: { type: "message", name: "prompt" } })).toThrow(
    expect.objectContaining({ code: "SHAPE_INVALID" }),
  );
});
