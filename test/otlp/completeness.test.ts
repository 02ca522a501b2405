import type { AuditEventInput, Completeness } from "@vouchtrail/events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hooksOfSession, readSessions } from "../hooks/session-hooks.ts";
import { eventsOfHooks, importOf, linesOf, type ToldSession, tellSession } from "../hooks/told-session.ts";
import { type IndexedLedger, openIndexedLedger } from "../search/indexed-ledger.ts";
import { eventsOfTelemetry, telemetryOfSession } from "./session-telemetry.ts";

/** Long after every session that is told here. */
const NOW_MS = Date.parse("2026-11-01T00:00:00Z");

let indexed: IndexedLedger;
beforeAll(async () => {
  indexed = await openIndexedLedger();
});
afterAll(async () => {
  await indexed[Symbol.asyncDispose]();
});

/** The session of the completeness tests, with the usage that real transcripts have. */
function sessionOf(id: string): ToldSession {
  const session = tellSession(id);
  const lines = linesOf(id).map((line) => {
    const { type, message, ...rest } = line as { type: string; message?: object };
    return type === "assistant" ? { type, ...rest, message: { ...message, usage: { input_tokens: 3, output_tokens: 2 } } } : line;
  });
  session.imported = importOf(lines);
  return session;
}

type Told = readonly [via: "hook" | "import" | "otlp", events: readonly AuditEventInput[]];

async function tell(sessionId: string, ...tellings: readonly Told[]): Promise<Completeness> {
  for (const [via, events] of tellings) await indexed.append(events.map(({ id: _, ...event }) => event) as never, via);
  await indexed.caughtUp();
  const { verdicts } = await indexed.search.engine.completeness({ sessionId, nowMs: NOW_MS });
  const [verdict] = verdicts;
  if (verdict === undefined) throw new Error("The session is not there.");
  return verdict;
}

async function countsOf(sessionId: string): Promise<Map<string, number>> {
  const { rows } = await indexed.search.engine.sql({
    sql: `SELECT action, count(*)::INTEGER, coalesce(sum(tokens_output), 0)::INTEGER FROM deeds WHERE session_id = '${sessionId}' GROUP BY action`,
  } as never);
  return new Map((rows as [string, number, number][]).map(([action, count, tokens]) => [action, count * 1_000 + tokens]));
}

test("COMPLETE-1, OTLP-33: a session that hooks, transcript and telemetry tell counts each action once and is complete, in every order", async () => {
  const orders: readonly (readonly ("hook" | "import" | "otlp")[])[] = [
    ["hook", "import", "otlp"],
    ["otlp", "hook", "import"],
    ["import", "otlp", "hook"],
  ];
  for (const [number, order] of orders.entries()) {
    const session = sessionOf(`otlp-whole-${number}`);
    const events = { hook: session.hooks, import: session.imported, otlp: eventsOfTelemetry(telemetryOfSession(session.imported, 5)) };
    const verdict = await tell(session.id, ...order.map((via): Told => [via, events[via]]));
    expect(verdict.holes).toEqual([]);
    expect(verdict).toMatchObject({ verdict: "complete", calls: 9, missing: [] });
    expect(verdict.vantagePoints.map(({ via, calls }) => [via, calls])).toEqual([
      ["hook", 8],
      ["import", 9],
      ["otlp", 7],
    ]);
    expect(verdict.explained).toMatchObject([
      { kind: "denied", callIds: ["call-push"] },
      { kind: "cancelled" },
      { kind: "rejected-before-start" },
    ]);
    const requests = session.imported.filter(({ action }) => action === "ai.model_call");
    const tokens = requests.reduce((sum, { usage }) => sum + (usage?.tokensOutput ?? 0), 0);
    const counts = await countsOf(session.id);
    expect(requests.length).toBeGreaterThan(5);
    expect(counts.get("ai.tool_call")).toBe(9_000);
    expect(counts.get("ai.model_call")).toBe(requests.length * 1_000 + tokens);
    expect(counts.get("ai.approval_rejected")).toBe(1_000);
  }
});

test("COMPLETE-2, COMPLETE-16, COMPLETE-9: with a batch of the exporter dropped it is incomplete, and names the numbers and the calls", async () => {
  const { length } = telemetryOfSession(sessionOf("otlp-count").imported, 5);
  expect(length).toBeGreaterThan(3);
  for (let dropped = 1; dropped < length - 1; dropped++) {
    const session = sessionOf(`otlp-dropped-${dropped}`);
    const requests = telemetryOfSession(session.imported, 5);
    const kept = eventsOfTelemetry(requests.filter((_, index) => index !== dropped));
    const verdict = await tell(session.id, ["hook", session.hooks], ["import", session.imported], ["otlp", kept]);
    expect(verdict.verdict).toBe("incomplete");
    const gaps = verdict.holes.filter(({ kind }) => kind === "sequence-gap");
    expect(gaps).toMatchObject([
      { gap: { source: "claude-code", instance: session.id, from: dropped * 5, to: dropped * 5 + 4 }, count: 5 },
    ]);
    const callsOf = (events: readonly AuditEventInput[]): string[] =>
      events.flatMap(({ action, context }) => (action === "ai.tool_call" ? [context?.callId ?? ""] : []));
    const lost = callsOf(eventsOfTelemetry(requests.slice(dropped, dropped + 1)));
    const missed = verdict.holes.filter(({ kind }) => kind === "call-missed");
    expect(missed.map(({ callId }) => callId).sort()).toEqual(lost.sort());
    expect(missed.every(({ missedBy }) => missedBy === "otlp")).toBe(true);
    expect(verdict.holes).toHaveLength(gaps.length + missed.length);
  }
});

test("COMPLETE-1, OTLP-30, OTLP-33: real sessions that are told three ways are complete, and each request to the model counts once", async () => {
  const sessions = readSessions();
  if (sessions === undefined) return;
  // The longer ones take longer and tell of nothing more.
  const short = [...sessions].sort((left, right) => left.events.length - right.events.length).slice(0, 3);
  for (const { sessionId, events } of short) {
    const hooks = eventsOfHooks(hooksOfSession(events), events);
    const telemetry = eventsOfTelemetry(telemetryOfSession(events, 512));
    const verdict = await tell(sessionId, ["otlp", telemetry], ["import", events], ["hook", hooks]);
    expect(verdict.holes).toEqual([]);
    expect(verdict.verdict).toBe("complete");
    const requests = events.filter(({ action }) => action === "ai.model_call");
    const tokens = requests.reduce((sum, { usage }) => sum + (usage?.tokensOutput ?? 0), 0);
    expect((await countsOf(sessionId)).get("ai.model_call")).toBe(requests.length * 1_000 + tokens);
  }
});
