import type { AuditEventInput, Completeness, Hole } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type IndexedLedger, openIndexedLedger } from "../search/indexed-ledger.ts";
import { hooksOfSession, readSessions } from "./session-hooks.ts";
import { dropHook, eventsOfHooks, hookAt, importOf, LATER_MS, linesOf, type ToldSession, tellSession } from "./told-session.ts";

let indexed: IndexedLedger;
beforeAll(async () => {
  indexed = await openIndexedLedger();
});
afterAll(async () => {
  await indexed[Symbol.asyncDispose]();
});

let sessionCount = 0;
/** Tells a session, changed by `change`, and asks for its verdict. */
async function verdictOf(change: (session: ToldSession) => void, nowMs = LATER_MS): Promise<Completeness> {
  sessionCount += 1;
  const session = tellSession(`session-${sessionCount}`);
  change(session);
  return tell(session, nowMs);
}

async function tell(session: ToldSession, nowMs: number): Promise<Completeness> {
  const ids = ({ id: _, ...event }: AuditEventInput): object => event;
  if (session.hooks.length > 0) await indexed.append(session.hooks.map(ids) as never, "hook");
  if (session.imported.length > 0) await indexed.append(session.imported.map(ids) as never, "import");
  for (const [via, events] of session.others) await indexed.append(events.map(ids) as never, via);
  await indexed.caughtUp();
  const { verdicts } = await indexed.search.engine.completeness({ sessionId: session.id, nowMs });
  expect(verdicts).toHaveLength(1);
  return verdicts[0]!;
}

/** What a hole is, without its words. */
const kindOf = ({ kind, rule, missedBy, callId, count }: Hole): object => ({
  kind,
  rule,
  ...(missedBy === undefined ? {} : { missedBy }),
  ...(callId === undefined ? {} : { callId }),
  ...(count === undefined ? {} : { count }),
});

test("COMPLETE-1: a session that hooks and transcript tell in full is complete", async () => {
  const verdict = await verdictOf(() => undefined);
  expect(verdict.holes).toEqual([]);
  expect(verdict).toMatchObject({ verdict: "complete", rule: "COMPLETE-1", calls: 9, agreed: 8, holeCount: 0, missing: [] });
  expect(verdict.vantagePoints).toEqual([
    { via: "hook", entries: expect.any(Number), calls: 8 },
    { via: "import", entries: expect.any(Number), calls: 9 },
  ]);
});

test("COMPLETE-21, COMPLETE-22, COMPLETE-23: calls that hooks see begin only, or not at all, are explained by the transcript: denied, cancelled, rejected before they start", async () => {
  const { explained } = await verdictOf(() => undefined);
  expect(explained).toEqual([
    { kind: "denied", rule: "COMPLETE-21", count: 1, callIds: ["call-push"] },
    { kind: "cancelled", rule: "COMPLETE-22", count: 1, callIds: ["call-long"] },
    { kind: "rejected-before-start", rule: "COMPLETE-23", count: 1, callIds: ["call-bad"] },
  ]);
});

/** Whoever takes out a line and does not mend the chain is seen twice. */
const BROKEN = { rule: "COMPLETE-15", kind: "transcript-broken", missedBy: "import" };

const HOLES: readonly (readonly [title: string, change: (session: ToldSession) => void, holes: readonly object[]])[] = [
  [
    "COMPLETE-6: a call that nobody says the end of",
    (session) => {
      dropHook(session, "PostToolUse", "call-last");
      session.imported = importOf(linesOf(session.id).slice(0, -2));
    },
    [{ kind: "outcome-missing", callId: "call-last" }],
  ],
  [
    "COMPLETE-6: a cancelled call that only hooks tell of",
    (session) => {
      session.imported = [];
    },
    // Hooks alone do not tell a denied or cancelled call from one whose end was lost.
    [
      { kind: "outcome-missing", callId: "call-push" },
      { kind: "outcome-missing", callId: "call-long" },
    ],
  ],
  [
    "COMPLETE-7: a dropped PreToolUse",
    (session) => dropHook(session, "PreToolUse", "call-edit"),
    [{ kind: "intent-missing", missedBy: "hook", callId: "call-edit" }],
  ],
  [
    "COMPLETE-8: a dropped PostToolUse",
    (session) => dropHook(session, "PostToolUse", "call-edit"),
    [{ kind: "ending-missed", missedBy: "hook", callId: "call-edit" }],
  ],
  [
    "COMPLETE-8: a dropped PostToolUseFailure",
    (session) => dropHook(session, "PostToolUseFailure", "call-test"),
    [{ kind: "ending-missed", missedBy: "hook", callId: "call-test" }],
  ],
  [
    "COMPLETE-8: a transcript that ends within a call",
    (session) => {
      session.imported = importOf(linesOf(session.id).slice(0, -2));
    },
    [{ kind: "ending-missed", missedBy: "import", callId: "call-last" }],
  ],
  [
    "COMPLETE-9: a call that no hook told of",
    (session) => {
      dropHook(session, "PreToolUse", "call-edit");
      dropHook(session, "PostToolUse", "call-edit");
    },
    [{ kind: "call-missed", missedBy: "hook", callId: "call-edit" }],
  ],
  [
    "COMPLETE-9: a forged call in the midst of the hooks",
    (session) => {
      const position = hookAt(session, "PreToolUse", "call-test");
      const forged = session.hooks
        .slice(position, position + 2)
        .map((event) => ({ ...event, context: { ...event.context, callId: "call-forged" } }));
      session.hooks.splice(position, 0, ...forged);
    },
    [{ kind: "call-missed", missedBy: "import", callId: "call-forged" }],
  ],
  [
    "COMPLETE-9: a call that was taken out of the transcript with its result",
    (session) => {
      session.imported = importOf(linesOf(session.id).filter((line) => !JSON.stringify(line).includes("call-edit")));
    },
    [{ kind: "call-missed", missedBy: "import", callId: "call-edit" }, BROKEN],
  ],
  [
    "COMPLETE-10: a transcript without its last calls",
    (session) => {
      session.imported = importOf(linesOf(session.id).slice(0, -5));
    },
    [{ kind: "transcript-cut", missedBy: "import", callId: "call-edit", count: 2 }],
  ],
  [
    "COMPLETE-11: a subagent that the transcript lacks",
    (session) => {
      session.imported = session.imported
        .filter(({ labels }) => labels?.subagent === undefined && labels?.subagent !== "a1")
        .filter(({ context }) => !context?.conversationId?.endsWith("/a1"));
    },
    [{ kind: "subagent-missing", missedBy: "import", count: 1 }],
  ],
  [
    "COMPLETE-11: a subagent that no hook told of",
    (session) => {
      session.hooks = session.hooks.filter(({ labels }) => labels?.subagent === undefined);
    },
    [{ kind: "subagent-missing", missedBy: "hook", count: 1 }],
  ],
  [
    "COMPLETE-12: an ending that is told as success and as failure",
    (session) => {
      const position = hookAt(session, "PostToolUse", "call-last");
      session.hooks[position] = { ...session.hooks[position]!, outcome: { status: "failure", code: "TOOL_ERROR" } };
    },
    [{ kind: "ending-disagrees", callId: "call-last" }],
  ],
  [
    "COMPLETE-13: a call that is told as one of another tool",
    (session) => {
      for (const hook of ["PreToolUse", "PostToolUse"]) {
        const position = hookAt(session, hook, "call-last");
        const event = session.hooks[position]!;
        session.hooks[position] = { ...event, activity: { ...event.activity!, name: "Read" } };
      }
    },
    [{ kind: "tool-disagrees", callId: "call-last" }],
  ],
  [
    "COMPLETE-14: a transcript that has a result and not its call",
    (session) => {
      session.imported = importOf(
        linesOf(session.id).filter((line) => !(JSON.stringify(line).includes("call-edit") && JSON.stringify(line).includes('tool_use"'))),
      );
    },
    [{ kind: "result-without-call", missedBy: "import", callId: "call-edit" }, BROKEN],
  ],
  [
    "COMPLETE-15: a line that was taken out of the transcript",
    (session) => {
      session.imported = importOf(linesOf(session.id).filter((line) => !JSON.stringify(line).includes("Another way.")));
    },
    [{ kind: "transcript-broken", missedBy: "import" }],
  ],
  [
    "COMPLETE-16: numbers of a source that never arrived",
    (session) => {
      const event = { ...fault(session, "agent.noted"), outcome: { status: "success" as const } };
      const numbered = (sequence: number): typeof event => ({ ...event, source: { name: "telemetry", instance: session.id, sequence } });
      session.others.push(["otlp", [3, 4, 7].map(numbered)]);
      // What telemetry tells of calls: all of them, so that nothing else is missing.
      session.others.push([
        "otlp",
        session.imported.filter(({ action, outcome }) => action === "ai.tool_call" && outcome.status !== "pending"),
      ]);
    },
    [{ kind: "sequence-gap", count: 2 }],
  ],
  [
    "COMPLETE-17: an error of a hook of the trail",
    (session) => {
      session.imported.push(fault(session, "agent.hook.stopped", "RECORDER_HOOK_ERROR"));
    },
    [{ kind: "hook-error", missedBy: "hook" }],
  ],
  [
    "COMPLETE-18: hooks that the command had to drop",
    (session) => {
      session.hooks.push(fault(session, "agent.hook.dropped"));
    },
    [{ kind: "events-dropped", missedBy: "hook" }],
  ],
  ["COMPLETE-19: a missing start", (session) => dropHook(session, "SessionStart"), [{ kind: "start-missing", missedBy: "hook" }]],
  ["COMPLETE-20: a missing end", (session) => dropHook(session, "SessionEnd"), [{ kind: "end-missing", missedBy: "hook" }]],
  [
    "COMPLETE-9: calls that the telemetry lost",
    (session) => {
      const told = session.imported.filter(({ action, outcome }) => action === "ai.tool_call" && outcome.status !== "pending");
      session.others.push(["otlp", told.filter(({ context }) => context?.callId !== "call-list")]);
    },
    [{ kind: "call-missed", missedBy: "otlp", callId: "call-list" }],
  ],
];

function fault(session: ToldSession, action: string, code?: string): ToldSession["hooks"][number] {
  return {
    action,
    actor: { type: "system", id: "claude-code" },
    target: { type: "session", id: session.id },
    outcome: { status: "failure", ...(code === undefined ? {} : { code }) },
    occurredAt: session.imported[0]?.occurredAt ?? "2026-02-01T10:00:00Z",
    context: { sessionId: session.id },
  };
}

test.each(HOLES)("%s is named, and nothing else", async (title, change, holes) => {
  const [rule = ""] = title.split(":");
  const verdict = await verdictOf(change);
  expect(verdict.holes.map(kindOf)).toEqual(holes.map((hole) => ({ rule, ...hole })));
  expect(verdict).toMatchObject({ verdict: "incomplete", rule: "COMPLETE-2", holeCount: holes.length, missing: [] });
  for (const hole of verdict.holes) {
    expect(hole.message).toMatch(/^[A-Z].*\.$/);
    if (hole.kind !== "sequence-gap") expect(hole.evidence.length).toBeGreaterThan(0);
  }
});

test("COMPLETE-2: several holes are named together, in the order of the rules", async () => {
  const verdict = await verdictOf((session) => {
    dropHook(session, "SessionStart");
    dropHook(session, "PostToolUse", "call-edit");
    dropHook(session, "PreToolUse", "call-list");
  });
  expect(verdict.holes.map(({ rule }) => rule)).toEqual(["COMPLETE-7", "COMPLETE-8", "COMPLETE-19"]);
});

test("COMPLETE-3: what one vantage point tells without a hole is unknown, and the answer says what is missing to know", async () => {
  const transcript = await verdictOf((session) => {
    session.hooks = [];
  });
  expect(transcript).toMatchObject({ verdict: "unknown", rule: "COMPLETE-3", holes: [], missing: [{ kind: "one-vantage-point" }] });
  const hooks = await verdictOf((session) => {
    session.imported = [];
    session.hooks = session.hooks.filter(({ context }) => !["call-push", "call-long"].includes(context?.callId ?? ""));
  });
  expect(hooks).toMatchObject({ verdict: "unknown", rule: "COMPLETE-3", missing: [{ kind: "one-vantage-point" }] });
  const withProgram = await verdictOf((session) => {
    session.hooks = [];
    session.others.push(["sdk", [{ ...fault(session, "ai.decision"), outcome: { status: "success" } }]]);
  });
  expect(withProgram).toMatchObject({ verdict: "unknown", rule: "COMPLETE-3", missing: [{ kind: "calls-told-once" }] });
});

test("COMPLETE-4: what a session that may still be running lacks is no hole yet", async () => {
  const now = Date.parse("2026-02-01T10:05:00Z");
  const running = (session: ToldSession): void => {
    session.imported = session.imported.slice(0, 3);
    session.hooks = session.hooks.slice(0, hookAt(session, "PreToolUse", "call-edit") + 1);
  };
  const young = await verdictOf(running, now);
  expect(young).toMatchObject({ verdict: "unknown", holes: [] });
  expect(young.missing).toContainEqual({ kind: "still-running", rule: "COMPLETE-4", message: expect.any(String) });
  const old = await verdictOf(running, now + 3_600_000);
  expect(old.verdict).toBe("incomplete");
  expect(old.holes.map(({ kind }) => kind)).toContain("end-missing");
});

test("COMPLETE-1: the six real sessions, told by hooks and transcript, raise no false alarm", async () => {
  const sessions = readSessions();
  if (sessions === undefined) return;
  for (const { sessionId, events } of sessions) {
    const hooks = eventsOfHooks(hooksOfSession(events), events);
    const verdict = await tell({ id: sessionId, hooks, imported: [...events], others: [] }, Date.parse("2026-11-01T00:00:00Z"));
    expect(verdict.holes.map(kindOf)).toEqual([]);
    expect(verdict.verdict).toBe("complete");
  }
});
