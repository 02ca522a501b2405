import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type AuditEventInput, createTranscriptReader, type JsonObject } from "@vouchtrail/events";

/** The folder of real transcripts. They are read in place and are no part of the repository. */
export const TRANSCRIPTS: string = fileURLToPath(new URL("../../../shared/data/claude-code/", import.meta.url));

/** What a hook posts: the common members, and those of its name. */
export interface HookPayload extends JsonObject {
  readonly hook_event_name: string;
  readonly session_id: string;
}

/** One transcript, read whole. */
export interface TranscriptSession {
  readonly sessionId: string;
  /** The absolute path of the transcript. */
  readonly file: string;
  readonly events: readonly AuditEventInput[];
}

/** Calls that end so were refused or stopped: their `PreToolUse` is all that a hook sees. Source: reference/claude-code.md §6. */
const ENDED_UNSEEN = /^(?:USER_REJECTED|PERMISSION_.+|HOOK_DENIED|INTERRUPTED|CANCELLED_SIBLING)$/;
/** Calls that end so were refused before they started: no hook sees them. */
const NEVER_STARTED = "TOOL_USE_ERROR";
/** What the transcript notes as a prompt when the user stopped the agent. No hook tells of it, and the turn has no `Stop`. */
const INTERRUPTION = /^\[Request interrupted by user/;

/**
 * Reads every transcript of the shared folder.
 *
 * @returns undefined, with a notice on the console, where the folder is absent.
 */
export function readSessions(): TranscriptSession[] | undefined {
  if (!existsSync(TRANSCRIPTS)) {
    console.warn("The shared transcripts are not here: no hooks were made from them.");
    return undefined;
  }
  const names = readdirSync(TRANSCRIPTS).filter((name) => name.endsWith(".jsonl"));
  return names.sort().map((name) => {
    const file = `${TRANSCRIPTS}${name}`;
    const reader = createTranscriptReader();
    const events = readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line) => reader.push(line));
    events.push(...reader.end());
    return { sessionId: sessionOf(events), file, events };
  });
}

/** Something that a hook tells, at the millisecond at which it happened. */
interface Moment {
  readonly at: number;
  readonly name: string;
  /** The event that the hook tells of or stands beside: it says where the agent worked. */
  readonly event: AuditEventInput;
  readonly members: JsonObject;
}

/**
 * The hooks that Claude Code would have posted during a session, in order: the start, the prompts of the main thread, before and after each tool call, the subagents, the end of each turn, the end.
 *
 * @param events What `createTranscriptReader` gives for one whole transcript, its `end()` included.
 * @returns No hook for a call that was refused before it started; only `PreToolUse` for one that was denied, interrupted, cancelled or has not ended.
 */
export function hooksOfSession(events: readonly AuditEventInput[]): HookPayload[] {
  const session = sessionOf(events);
  const types = subagentTypes(events);
  const moments = inOrder([...callMoments(events), ...subagentMoments(events, types), ...speechMoments(events)]);
  const hooks: HookPayload[] = [];
  let promptId: string | undefined;
  let lastEvent = moments[0]?.event ?? events[0];
  let answer: string | undefined;
  let isTurnOpen = false;

  const post = (name: string, event: AuditEventInput | undefined, members: JsonObject): void => {
    const subagent = event?.labels?.subagent;
    const { cwd, permissionMode } = event?.labels ?? {};
    const payload = {
      session_id: session,
      transcript_path: `/transcripts/${session}.jsonl`,
      cwd: cwd ?? String(event?.details?.cwd ?? "/"),
      ...(promptId === undefined ? {} : { prompt_id: promptId }),
      ...(permissionMode === undefined ? {} : { permission_mode: permissionMode }),
      ...(subagent === undefined ? {} : { agent_id: subagent, agent_type: types.get(subagent) ?? "general-purpose" }),
      hook_event_name: name,
      ...members,
    };
    hooks.push(payload);
  };
  const endTurn = (): void => {
    if (isTurnOpen)
      post("Stop", lastEvent, { stop_hook_active: false, ...(answer === undefined ? {} : { last_assistant_message: answer }) });
    isTurnOpen = false;
    answer = undefined;
  };

  post("SessionStart", lastEvent, { source: "startup" });
  for (const { name, event, members } of moments) {
    if (name === "Interruption") {
      isTurnOpen = false;
      answer = undefined;
    } else if (name === "Response") {
      answer = typeof members.text === "string" ? members.text : undefined;
    } else {
      if (name === "UserPromptSubmit") {
        endTurn();
        promptId = event.id;
        isTurnOpen = true;
      }
      post(name, event, members);
    }
    if (event.labels?.subagent === undefined) lastEvent = event;
  }
  endTurn();
  post("SessionEnd", lastEvent, { reason: "prompt_input_exit" });
  return hooks;
}

function callMoments(events: readonly AuditEventInput[]): Moment[] {
  return events.flatMap((event): Moment[] => {
    const { action, activity, context, outcome, usage } = event;
    if (action !== "ai.tool_call" || event.phase === "outcome" || outcome.code === NEVER_STARTED) return [];
    const at = timeOf(event);
    const call = { tool_name: activity?.tool?.name, tool_input: activity?.tool?.parameters, tool_use_id: context?.callId };
    const before = { at, name: "PreToolUse", event, members: call };
    if (outcome.status === "pending" || ENDED_UNSEEN.test(outcome.code ?? "")) return [before];
    const duration = usage?.durationMs === undefined ? {} : { duration_ms: usage.durationMs };
    const ended = { at: at + (usage?.durationMs ?? 0), event };
    if (outcome.status === "success")
      return [before, { ...ended, name: "PostToolUse", members: { ...call, tool_response: outcome.result, ...duration } }];
    const error = typeof outcome.result === "string" ? outcome.result : outcome.message;
    return [before, { ...ended, name: "PostToolUseFailure", members: { ...call, error, is_interrupt: false, ...duration } }];
  });
}

/** The start of each subagent before the first hook that it causes, its end after the last one. A subagent whose calls no hook saw starts and ends all the same. */
function subagentMoments(events: readonly AuditEventInput[], types: ReadonlyMap<string, string>): Moment[] {
  const moments: Moment[] = [];
  for (const [id, type] of types) {
    const own = events.filter(({ labels }) => labels?.subagent === id);
    const seen = own.flatMap((event) => [{ at: timeOf(event), event }, ...callMoments([event])]);
    const [first, last] = [Math.min(...seen.map(({ at }) => at)), Math.max(...seen.map(({ at }) => at))];
    const [firstEvent] = own;
    if (firstEvent === undefined) continue;
    const members = { agent_id: id, agent_type: type };
    moments.push({ at: first, name: "SubagentStart", event: firstEvent, members });
    moments.push({ at: last, name: "SubagentStop", event: firstEvent, members: { ...members, stop_hook_active: false } });
  }
  return moments;
}

function speechMoments(events: readonly AuditEventInput[]): Moment[] {
  return events.flatMap((event): Moment[] => {
    const { actor, activity, labels } = event;
    const text = activity?.message?.text;
    if (activity?.type !== "message" || labels?.subagent !== undefined || text === undefined) return [];
    const at = timeOf(event);
    if (activity.name === "response") return [{ at, name: "Response", event, members: { text } }];
    if (activity.name !== "prompt" || actor.type !== "user") return [];
    if (INTERRUPTION.test(text)) return [{ at, name: "Interruption", event, members: {} }];
    return [{ at, name: "UserPromptSubmit", event, members: { prompt: text } }];
  });
}

/** What happens at the same millisecond: a start stands before, an end after all else of its subagent, and what the main thread ends with comes last. */
const RANKS: Readonly<Record<string, number>> = { SubagentStart: 0, SubagentStop: 2, PostToolUse: 3, PostToolUseFailure: 3 };
function inOrder(moments: readonly Moment[]): Moment[] {
  const rank = ({ name, event }: Moment): number =>
    name.startsWith("Post") && event.labels?.subagent !== undefined ? 1 : (RANKS[name] ?? 1);
  return [...moments].sort((one, other) => one.at - other.at || rank(one) - rank(other));
}

/** Each subagent under its id, with the type that the call which started it asks for. */
function subagentTypes(events: readonly AuditEventInput[]): Map<string, string> {
  const parameters = new Map(events.map(({ id, activity }) => [id, activity?.tool?.parameters]));
  const types = new Map<string, string>();
  for (const { labels, context } of events) {
    const id = labels?.subagent;
    if (id === undefined || types.has(id)) continue;
    const input = parameters.get(context?.parentEventId);
    const type = typeof input === "object" && input !== null && "subagent_type" in input ? input.subagent_type : undefined;
    types.set(id, typeof type === "string" ? type : "general-purpose");
  }
  return types;
}

function sessionOf(events: readonly AuditEventInput[]): string {
  return events.find(({ context }) => context?.sessionId !== undefined)?.context?.sessionId ?? "unknown";
}

function timeOf({ occurredAt }: AuditEventInput): number {
  return Date.parse(occurredAt ?? "1970-01-01T00:00:00Z");
}
