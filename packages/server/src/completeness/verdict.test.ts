import { expect, test } from "vitest";
import type { SessionEntry } from "./session-entry.ts";
import { assessSession } from "./verdict.ts";

const entry = (index: number, members: Partial<SessionEntry>): SessionEntry => ({
  index,
  id: `id-${index}`,
  via: "hook",
  action: "ai.tool_call",
  status: "success",
  activityType: "tool",
  activityName: "Bash",
  platform: "claude-code",
  occurredAtMs: index,
  ...members,
});
const LATER_MS = 1e12;

test("COMPLETE-5: what is known of a part of the entries says nothing about the rest", () => {
  const entries = [entry(1, { callId: "c", phase: "intent", status: "pending" })];
  const cut = assessSession({ tenant: "t", sessionId: "s", entries, gaps: [], isCut: true }, LATER_MS);
  expect(cut).toMatchObject({ verdict: "unknown", rule: "COMPLETE-5", holes: [], missing: [{ kind: "too-many-entries" }] });
  expect(assessSession({ tenant: "t", sessionId: "s", entries, gaps: [], isCut: false }, LATER_MS).verdict).toBe("incomplete");
});

test("COMPLETE-2: of many holes the first are listed and all are counted", () => {
  const entries = Array.from({ length: 300 }, (_, index) => entry(index, { callId: `c-${index}`, phase: "outcome" }));
  const { holes, holeCount } = assessSession({ tenant: "t", sessionId: "s", entries, gaps: [], isCut: false }, LATER_MS);
  expect(holes).toHaveLength(200);
  expect(holeCount).toBe(302);
});

test("COMPLETE-9: a proxy and a program are not expected to tell of every call, and telemetry is not expected to tell of one that never ran", () => {
  const hooked = (callId: string, members: Partial<SessionEntry> = {}): SessionEntry[] => [
    entry(2, { callId, phase: "intent", status: "pending" }),
    entry(3, { callId, phase: "outcome", ...members }),
  ];
  const told = [
    entry(1, { action: "agent.session.started", activityType: undefined }),
    ...hooked("ran"),
    entry(4, { via: "otlp", callId: "ran" }),
    entry(5, { via: "import", callId: "ran" }),
    entry(6, { via: "import", callId: "bad", status: "failure", code: "TOOL_USE_ERROR" }),
    entry(7, { via: "proxy", callId: "ran" }),
    entry(8, { via: "sdk", action: "ai.decision", activityType: "decision" }),
    entry(9, { action: "agent.session.ended", activityType: undefined }),
  ];
  expect(assessSession({ tenant: "t", sessionId: "s", entries: told, gaps: [], isCut: false }, LATER_MS)).toMatchObject({
    verdict: "complete",
    holes: [],
  });
});

test("COMPLETE-20: a session that was taken up again after its end has to end again, and Codex has no such hook", () => {
  const life = (action: string, index: number, platform = "claude-code"): SessionEntry =>
    entry(index, { action: `agent.session.${action}`, activityType: undefined, platform });
  const kindsOf = (entries: readonly SessionEntry[]): readonly string[] =>
    assessSession({ tenant: "t", sessionId: "s", entries, gaps: [], isCut: false }, LATER_MS).holes.map(({ kind }) => kind);
  expect(kindsOf([life("started", 1), life("ended", 2)])).toEqual([]);
  expect(kindsOf([life("started", 1), life("ended", 2), life("started", 3)])).toEqual(["end-missing"]);
  // A start that waited for the server arrives after the end, with its own time.
  expect(kindsOf([entry(1, { action: "agent.session.ended", activityType: undefined, occurredAtMs: 9 }), life("started", 2)])).toEqual([]);
  expect(kindsOf([life("started", 1, "codex")])).toEqual([]);
});
