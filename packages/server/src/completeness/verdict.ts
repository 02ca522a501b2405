import type { Completeness, Explained, ExplainedKind, UnknownKind } from "@vouchtrail/events";
import { EXPLAINED_RULES, UNKNOWN_RULES, VANTAGE_POINTS } from "@vouchtrail/events/reading";
import { type Call, gatherCalls, isCancelled, isDenied, isRejectedBeforeStart } from "./call.ts";
import { findHoles, lastBorder, type ObservedSession, VANTAGE_NAMES } from "./holes.ts";
import { EXPLAINED_CALLS_MAX, HOLES_LISTED_MAX, RUNNING_MS_MAX } from "./limits.ts";
import type { SessionRecord } from "./session-entry.ts";

/**
 * Compares what every vantage point told of a session.
 *
 * @param nowMs Milliseconds since 1970: a session that was not ended and is quiet for {@link RUNNING_MS_MAX} is over.
 * Rules: COMPLETE-1 to COMPLETE-23 (docs/spec/completeness.md).
 */
export function assessSession(record: SessionRecord, nowMs: number): Completeness {
  const { tenant, sessionId, entries } = record;
  const calls = gatherCalls(entries);
  const seenBy = new Set(entries.map(({ via }) => via));
  const session: ObservedSession = { ...record, calls, seenBy, isRunning: mayRun(record, nowMs) };
  // Of a part of the entries nobody can say what is missing.
  const holes = record.isCut ? [] : findHoles(session);
  const missing = holes.length > 0 ? [] : whatIsMissing(session);
  const verdict = holes.length > 0 ? "incomplete" : missing.length > 0 ? "unknown" : "complete";
  return {
    tenant,
    sessionId,
    verdict,
    rule: verdict === "complete" ? "COMPLETE-1" : verdict === "incomplete" ? "COMPLETE-2" : (missing[0]?.rule ?? "COMPLETE-3"),
    vantagePoints: VANTAGE_POINTS.filter((via) => seenBy.has(via)).map((via) => ({
      via,
      entries: entries.filter((entry) => entry.via === via).length,
      calls: calls.filter(({ tellings }) => tellings.has(via)).length,
    })),
    calls: calls.length,
    agreed: calls.filter(({ tellings }) => tellings.size > 1).length,
    holes: holes.slice(0, HOLES_LISTED_MAX),
    holeCount: holes.length,
    missing,
    explained: explain(calls, seenBy.has("hook")),
  };
}

/** A session that no hook ended, with an entry that happened a short while ago. */
function mayRun({ entries }: SessionRecord, nowMs: number): boolean {
  return lastBorder(entries)?.action !== "agent.session.ended" && entries.some(({ occurredAtMs }) => nowMs - occurredAtMs < RUNNING_MS_MAX);
}

function whatIsMissing({ calls, seenBy, isRunning, isCut, entries }: ObservedSession): Completeness["missing"] {
  const missing = (kind: UnknownKind, message: string): Completeness["missing"][number] => ({ kind, rule: UNKNOWN_RULES[kind], message });
  if (isCut) return [missing("too-many-entries", `The session has more than the ${entries.length} entries that are compared at a time.`)];
  const once = calls.filter((call) => call.tellings.size < 2 && !isRejectedBeforeStart(call));
  const [only] = seenBy;
  return [
    ...(seenBy.size < 2 && only !== undefined
      ? [
          missing(
            "one-vantage-point",
            `Only ${VANTAGE_NAMES[only]} told of this session: nothing else says whether that is all. ${ADVICE[only]}`,
          ),
        ]
      : []),
    ...(seenBy.size > 1 && once.length > 0
      ? [
          missing(
            "calls-told-once",
            `${once.length} of ${calls.length} calls were told of by one vantage point only, and no other one would have.`,
          ),
        ]
      : []),
    ...(isRunning
      ? [
          missing(
            "still-running",
            "The session may still be running: no hook told of its end, and its last entry is less than 15 minutes old.",
          ),
        ]
      : []),
  ];
}

/** What else could tell of the session. */
const ADVICE = {
  hook: "Import its transcript: vouchtrail import ~/.claude/projects",
  import: "Set up hooks for the next ones: vouchtrail init claude-code",
  otlp: "Import its transcript: vouchtrail import ~/.claude/projects",
  proxy: "Import its transcript, or set up hooks: vouchtrail init claude-code",
  sdk: "Capture the agent too: vouchtrail init claude-code",
} as const;

/** Calls whose odd look has a reason that another vantage point tells. */
function explain(calls: readonly Call[], hasHooks: boolean): readonly Explained[] {
  if (!hasHooks) return [];
  const byKind: readonly (readonly [ExplainedKind, readonly Call[]])[] = [
    ["denied", calls.filter((call) => isDenied(call))],
    ["cancelled", calls.filter((call) => isCancelled(call) && !isDenied(call))],
    ["rejected-before-start", calls.filter((call) => isRejectedBeforeStart(call) && !call.tellings.has("hook"))],
  ];
  return byKind
    .filter(([, found]) => found.length > 0)
    .map(([kind, found]) => ({
      kind,
      rule: EXPLAINED_RULES[kind],
      count: found.length,
      callIds: found.slice(0, EXPLAINED_CALLS_MAX).map(({ callId }) => callId),
    }));
}
