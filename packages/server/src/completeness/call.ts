import type { VantagePoint } from "@vouchtrail/events";
import type { SessionEntry } from "./session-entry.ts";

/** What one vantage point told of a call. */
export interface Telling {
  readonly intents: readonly SessionEntry[];
  /** Entries that say how it ended. */
  readonly endings: readonly SessionEntry[];
}

/** One tool call of a session, as every vantage point told of it. */
export interface Call {
  readonly callId: string;
  readonly conversationId: string | undefined;
  readonly tellings: ReadonlyMap<VantagePoint, Telling>;
  /** In the order of the ledger. */
  readonly entries: readonly SessionEntry[];
  readonly endings: readonly SessionEntry[];
}

/** Requests to the model: hooks do not see them, so they are not compared. */
const REQUEST_ACTION = "ai.model_call";
const ACTING: ReadonlySet<string> = new Set(["tool", "skill", "external"]);

/** Gathers what was told of each call. Entries of approvals and the like name the call too, and are no telling of it. */
export function gatherCalls(entries: readonly SessionEntry[]): readonly Call[] {
  const byId = new Map<string, SessionEntry[]>();
  for (const entry of entries) {
    if (entry.callId === undefined || !ACTING.has(entry.activityType ?? "") || entry.action === REQUEST_ACTION) continue;
    const known = byId.get(entry.callId);
    if (known === undefined) byId.set(entry.callId, [entry]);
    else known.push(entry);
  }
  return [...byId].map(([callId, told]) => callOf(callId, told));
}

function callOf(callId: string, entries: readonly SessionEntry[]): Call {
  const tellings = new Map<VantagePoint, { intents: SessionEntry[]; endings: SessionEntry[] }>();
  for (const entry of entries) {
    const telling = tellings.get(entry.via) ?? { intents: [], endings: [] };
    tellings.set(entry.via, telling);
    (isEnding(entry) ? telling.endings : telling.intents).push(entry);
  }
  return {
    callId,
    conversationId: entries.find(({ conversationId }) => conversationId !== undefined)?.conversationId,
    tellings,
    entries,
    endings: entries.filter(isEnding),
  };
}

const isEnding = ({ phase, status }: SessionEntry): boolean => phase !== "intent" && status !== "pending";

/** Names under which telemetry hides the names of tools that users configured. */
const HIDDEN_NAMES: ReadonlySet<string> = new Set(["mcp_tool", "custom", "third-party"]);
/** What a transcript calls the tool of a result whose call it does not have. */
const UNKNOWN_NAME = "unknown";

/** The different names that the call's tool was told under. */
export function toolNames({ entries }: Call): readonly string[] {
  const names = entries.filter(({ via, activityName }) => via !== "otlp" || !HIDDEN_NAMES.has(activityName ?? ""));
  return [...new Set(names.map(({ activityName }) => activityName ?? UNKNOWN_NAME))].filter((name) => name !== UNKNOWN_NAME);
}

export function toolOf(call: Call): string {
  return toolNames(call)[0] ?? UNKNOWN_NAME;
}

export const isDenied = ({ endings }: Call): boolean => endings.some(({ status }) => status === "denied");

/** Codes of calls that were stopped: no hook tells of their end, and one that a sibling's failure stopped may never have begun. */
const CANCELLED: ReadonlySet<string> = new Set(["INTERRUPTED", "CANCELLED_SIBLING"]);
export const isCancelled = ({ endings }: Call): boolean => endings.some(({ code }) => CANCELLED.has(code ?? ""));

/** The agent refused the call before it began, for example because its input was not valid. */
export const isRejectedBeforeStart = ({ endings }: Call): boolean => endings.some(({ code }) => code === "TOOL_USE_ERROR");
