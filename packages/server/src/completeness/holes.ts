import type { Hole, HoleKind, VantagePoint } from "@vouchtrail/events";
import { HOLE_RULES } from "@vouchtrail/events/reading";
import { type Call, isCancelled, isDenied, isRejectedBeforeStart, toolNames, toolOf } from "./call.ts";
import { EVIDENCE_MAX } from "./limits.ts";
import type { SessionEntry, SessionRecord } from "./session-entry.ts";

/** A session with its calls gathered. */
export interface ObservedSession extends SessionRecord {
  readonly calls: readonly Call[];
  /** Vantage points that told of the session. */
  readonly seenBy: ReadonlySet<VantagePoint>;
  /** It may go on: what is missing now may still come. */
  readonly isRunning: boolean;
}

/** What a vantage point is called in sentences. */
export const VANTAGE_NAMES: Readonly<Record<VantagePoint, string>> = {
  hook: "the hooks",
  import: "the transcript",
  otlp: "the telemetry",
  proxy: "the proxy",
  sdk: "the program",
};

/** Vantage points that see every call of a session; a proxy sees one server's, and a program what it chooses to tell. */
const SEES_ALL = ["hook", "import", "otlp"] as const satisfies readonly VantagePoint[];

/** The only tool that causes no hook. */
const HOOKLESS_TOOL = "EndConversation";
/** Agents whose hooks do not tell of the end of a session. */
const ENDLESS_PLATFORMS: ReadonlySet<string> = new Set(["codex", "opencode"]);

type Part = Omit<Hole, "kind" | "rule" | "evidence">;

function hole(kind: HoleKind, entries: readonly SessionEntry[], part: Part): Hole {
  const evidence = entries.slice(0, EVIDENCE_MAX).map(({ index, id }) => ({ index, id }));
  return { kind, rule: HOLE_RULES[kind], ...part, evidence };
}

const ofCall = (call: Call): Pick<Part, "callId" | "tool" | "conversationId"> => ({
  callId: call.callId,
  tool: toolOf(call),
  ...(call.conversationId === undefined ? {} : { conversationId: call.conversationId }),
});
const named = (call: Call): string => `The call ${call.callId} (${toolOf(call)})`;

/**
 * Everything that is missing from the record of a session. While the session may still be running, what may still come is no hole.
 *
 * @returns In the order of the rules COMPLETE-6 to COMPLETE-20.
 */
export function findHoles(session: ObservedSession): readonly Hole[] {
  const { isRunning } = session;
  const lostAgents = isRunning ? [] : subagentsMissing(session);
  const isLost = (via: VantagePoint, call: Call): boolean =>
    lostAgents.some(({ conversationId, missedBy }) => conversationId === call.conversationId && missedBy === via);
  const cut = isRunning ? [] : callsBehindTranscript(session).filter((call) => !isLost("import", call));
  return [
    ...(isRunning ? [] : outcomesMissing(session)),
    ...intentsMissing(session),
    ...(isRunning ? [] : endingsMissed(session)),
    ...(isRunning ? [] : callsMissed(session, (via, call) => isLost(via, call) || (via === "import" && cut.includes(call)))),
    ...transcriptCut(cut),
    ...lostAgents,
    ...endingsDisagree(session),
    ...toolsDisagree(session),
    ...resultsWithoutCall(session),
    ...faultsTold(session),
    ...sequenceGaps(session),
    ...bordersMissing(session),
  ].sort((left, right) => ruleNumber(left) - ruleNumber(right));
}

const ruleNumber = ({ rule }: Hole): number => Number(rule.slice(rule.indexOf("-") + 1));

function outcomesMissing({ calls }: ObservedSession): Hole[] {
  return calls
    .filter(({ endings }) => endings.length === 0)
    .map((call) =>
      hole("outcome-missing", call.entries, {
        message: `${named(call)} was begun, and nobody tells how it ended. A call that was denied or cancelled looks like this to hooks: its transcript or telemetry would tell.`,
        ...ofCall(call),
      }),
    );
}

function intentsMissing({ calls }: ObservedSession): Hole[] {
  return calls
    .filter((call) => {
      const told = call.tellings.get("hook");
      return told !== undefined && told.intents.length === 0 && !isDenied(call);
    })
    .map((call) =>
      hole("intent-missing", call.entries, {
        message: `${named(call)} ended, and no hook told that it began.`,
        missedBy: "hook",
        ...ofCall(call),
      }),
    );
}

function endingsMissed({ calls }: ObservedSession): Hole[] {
  return calls.flatMap((call) =>
    (["hook", "import"] as const)
      .filter((via) => {
        const told = call.tellings.get(via);
        if (told === undefined || told.endings.length > 0 || call.endings.length === 0) return false;
        return via === "import" || !(isDenied(call) || isCancelled(call) || isRejectedBeforeStart(call));
      })
      .map((via) =>
        hole("ending-missed", call.entries, {
          message: `${named(call)} ended, but ${VANTAGE_NAMES[via]} told only that it began.`,
          missedBy: via,
          ...ofCall(call),
        }),
      ),
  );
}

function callsMissed({ calls, seenBy }: ObservedSession, isToldElsewhere: (via: VantagePoint, call: Call) => boolean): Hole[] {
  return calls.flatMap((call) =>
    SEES_ALL.filter((via) => seenBy.has(via) && !call.tellings.has(via) && isExpected(via, call) && !isToldElsewhere(via, call)).map(
      (via) =>
        hole("call-missed", call.entries, {
          message: `${named(call)} was told of by ${[...call.tellings.keys()].map((name) => VANTAGE_NAMES[name]).join(" and ")} only: ${VANTAGE_NAMES[via]} should have told of it.`,
          missedBy: via,
          ...ofCall(call),
        }),
    ),
  );
}

/** Whether a vantage point tells of such a call. A transcript tells of all. */
function isExpected(via: (typeof SEES_ALL)[number], call: Call): boolean {
  if (via === "import") return true;
  if (isRejectedBeforeStart(call) || isCancelled(call)) return false;
  // Without an ending nobody knows whether it ran: the missing outcome says so.
  return call.endings.length > 0 && !(via === "hook" && toolOf(call) === HOOKLESS_TOOL);
}

/** Calls that hooks told of after the last one that the transcript has, and after its last line. */
function callsBehindTranscript({ calls, entries, seenBy }: ObservedSession): readonly Call[] {
  if (!seenBy.has("import")) return [];
  const hooked = calls.filter(({ tellings }) => tellings.has("hook"));
  const startOf = ({ entries: told }: Call): number => told.find(({ via }) => via === "hook")?.index ?? 0;
  const inOrder = [...hooked].sort((left, right) => startOf(left) - startOf(right));
  const last = inOrder.findLastIndex(({ tellings }) => tellings.has("import"));
  const lastLineMs = entries.reduce((latest, { via, occurredAtMs }) => (via === "import" ? Math.max(latest, occurredAtMs) : latest), 0);
  return inOrder.slice(last + 1).filter(({ entries: told }) => told.every(({ occurredAtMs }) => occurredAtMs >= lastLineMs));
}

function transcriptCut(calls: readonly Call[]): Hole[] {
  const [first] = calls;
  if (first === undefined) return [];
  return [
    hole(
      "transcript-cut",
      calls.flatMap(({ entries }) => entries.slice(0, 1)),
      {
        message: `The transcript ends before ${calls.length === 1 ? "a call" : `${calls.length} calls`} that the hooks told of, the first one being ${first.callId} (${toolOf(first)}). Import it again, or it was cut.`,
        missedBy: "import",
        ...ofCall(first),
        count: calls.length,
      },
    ),
  ];
}

/** Subagents that hooks or the transcript told of, and the other one not at all. */
function subagentsMissing({ sessionId, entries, seenBy }: ObservedSession): Hole[] {
  if (!seenBy.has("hook") || !seenBy.has("import")) return [];
  const bySubagent = new Map<string, SessionEntry[]>();
  for (const entry of entries) {
    const { conversationId, via } = entry;
    if (conversationId === undefined || !conversationId.startsWith(`${sessionId}/`) || (via !== "hook" && via !== "import")) continue;
    const known = bySubagent.get(conversationId);
    if (known === undefined) bySubagent.set(conversationId, [entry]);
    else known.push(entry);
  }
  return [...bySubagent].flatMap(([conversationId, told]) =>
    (["hook", "import"] as const)
      .filter((via) => told.every((entry) => entry.via !== via))
      .map((via) =>
        hole("subagent-missing", told, {
          message: `The subagent ${conversationId.slice(sessionId.length + 1)} was told of by ${VANTAGE_NAMES[via === "hook" ? "import" : "hook"]} only: ${VANTAGE_NAMES[via]} told nothing of it.`,
          missedBy: via,
          conversationId,
          count: new Set(told.map(({ callId }) => callId).filter((callId) => callId !== undefined)).size,
        }),
      ),
  );
}

function endingsDisagree({ calls }: ObservedSession): Hole[] {
  return calls
    .filter(({ endings }) => {
      const isGood = endings.some(({ status }) => status === "success");
      return isGood && endings.some(({ status }) => status === "failure" || status === "denied");
    })
    .map((call) =>
      hole("ending-disagrees", call.endings, {
        message: `${named(call)} is told to have succeeded and not to have succeeded: ${call.endings.map(({ via, status }) => `${VANTAGE_NAMES[via]} say ${status}`).join(", ")}.`,
        ...ofCall(call),
      }),
    );
}

function toolsDisagree({ calls }: ObservedSession): Hole[] {
  return calls
    .filter((call) => toolNames(call).length > 1)
    .map((call) =>
      hole("tool-disagrees", call.entries, {
        message: `The call ${call.callId} is told of as one of different tools: ${toolNames(call).join(", ")}.`,
        ...ofCall(call),
      }),
    );
}

/** A transcript that has the result of a call and not the call: its line was taken out, or the file was cut at its beginning. */
function resultsWithoutCall({ calls }: ObservedSession): Hole[] {
  return calls
    .filter(({ tellings }) => {
      const told = tellings.get("import");
      return told !== undefined && [...told.intents, ...told.endings].every(({ activityName }) => activityName === "unknown");
    })
    .map((call) =>
      hole("result-without-call", call.entries, {
        message: `The transcript has the result of the call ${call.callId}, and not the call.`,
        missedBy: "import",
        ...ofCall(call),
      }),
    );
}

/** Faults of recording that were themselves recorded. */
function faultsTold({ entries }: ObservedSession): Hole[] {
  return entries.flatMap((entry) => {
    if (entry.action === "agent.transcript.broken")
      return [
        hole("transcript-broken", [entry], {
          message: "A line of the transcript follows one that is not there, or cannot be read.",
          missedBy: "import",
        }),
      ];
    if (entry.code === "RECORDER_HOOK_ERROR")
      return [
        hole("hook-error", [entry], {
          message: "The agent says that a hook of the trail failed: what it had to tell may be missing.",
          missedBy: "hook",
        }),
      ];
    if (entry.action === "agent.hook.dropped")
      return [
        hole("events-dropped", [entry], {
          message: "The hook command had no room left and dropped what it had to tell.",
          missedBy: "hook",
        }),
      ];
    return [];
  });
}

function sequenceGaps({ gaps }: ObservedSession): Hole[] {
  return gaps.map((gap) => {
    const count = gap.to - gap.from + 1;
    const numbers = count === 1 ? `number ${gap.from}` : `numbers ${gap.from} to ${gap.to}`;
    return hole("sequence-gap", [], {
      message: `The source ${gap.source} (${gap.instance}) sent ${count === 1 ? "an event" : `${count} events`} that never arrived: ${numbers}.`,
      gap,
      count,
    });
  });
}

/** Hooks tell when a session starts and ends. */
function bordersMissing({ entries, isRunning }: ObservedSession): Hole[] {
  // What a script posted as a log entry tells of no start and no end; hooks of an agent bear its platform.
  const hooks = entries.filter(({ via, platform }) => via === "hook" && platform !== undefined);
  const [first] = hooks;
  if (first === undefined) return [];
  const isEndExpected = !isRunning && !hooks.some(({ platform }) => ENDLESS_PLATFORMS.has(platform ?? ""));
  return [
    ...(hooks.some(({ action }) => action === "agent.session.started")
      ? []
      : [
          hole("start-missing", [first], {
            message: "No hook told that the session started: what came before its first hook is not known.",
            missedBy: "hook",
          }),
        ]),
    ...(isEndExpected && lastBorder(entries)?.action !== "agent.session.ended"
      ? [
          hole("end-missing", hooks.slice(-1), {
            message: "No hook told that the session ended: it was broken off, or what came last is missing.",
            missedBy: "hook",
          }),
        ]
      : []),
  ];
}

/** The last start or end that a hook told of, by its time: hooks that waited for the server arrive late. */
export function lastBorder(entries: readonly SessionEntry[]): SessionEntry | undefined {
  return entries
    .filter(({ via, action }) => via === "hook" && (action === "agent.session.started" || action === "agent.session.ended"))
    .reduce<SessionEntry | undefined>(
      (last, entry) => (last === undefined || entry.occurredAtMs >= last.occurredAtMs ? entry : last),
      undefined,
    );
}
