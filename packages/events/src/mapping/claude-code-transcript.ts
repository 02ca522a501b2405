import type { Actor, AuditEventInput, Context, JsonObject, Usage } from "../event.ts";
import {
  ACTIVITY_NAME_CHARS_MAX,
  CONTEXT_ID_CHARS_MAX,
  ID_CHARS_MAX,
  LABEL_VALUE_CHARS_MAX,
  MODEL_CHARS_MAX,
  NAME_CHARS_MAX,
} from "../limits.ts";
import { createTranscriptChain } from "./claude-code-chain.ts";
import { type LineOrigin, originOf } from "./claude-code-copy.ts";
import { estimateCostUsd, hasTokens, readHourCacheTokens, SYNTHETIC_MODEL } from "./claude-code-cost.ts";
import { asObject, asText, asTimestamp, readMessage, subagentOf, type TranscriptMessage, textOf } from "./claude-code-line.ts";
import { readToolEnding, toOutcome } from "./claude-code-outcome.ts";
import { namesRecorder } from "./claude-code-recorder.ts";
import { largestTokens, millisecondsBetween, readDuration, readTokens } from "./claude-code-usage.ts";
import { parseExactJson } from "./exact-json.ts";
import { present } from "./json-object.ts";
import { replaceLoneSurrogates, toLeafId, toLeafName } from "./leaf-text.ts";
import { TRANSCRIPT_MALFORMED_EVENTS_MAX } from "./limits.ts";
import type { FindPrice } from "./model-prices.ts";
import { stableId } from "./stable-id.ts";

// One closure over 400 lines: what a line means depends on the calls, requests and session before it, and splitting them would only pass
// that state around. What needs no state is in claude-code-line.ts, claude-code-outcome.ts and claude-code-usage.ts.

/** What a reader has met so far. Whatever did not become an event is counted here, so nothing is lost silently. */
export interface TranscriptStats {
  /** Lines pushed, without empty ones. */
  lines: number;
  /** Lines that are not a JSON object, that could not be read as text, or a message without content. */
  malformedLines: number;
  /** Lines of a type that this version does not know. */
  unknownLines: number;
  /** Lines of a known type that record no action: snapshots, summaries, hook and shell progress, injected context. */
  skippedLines: number;
  /** Tool calls of the session's own lines, whether they have a result or not. */
  toolCalls: number;
  /** Tool calls that are only inside progress lines: what subagents did. */
  subagentToolCalls: number;
  /** Tool calls without a result at the end. */
  openToolCalls: number;
  /** Results whose call is not in the file. */
  orphanResults: number;
  /** Calls and results that name an id which was there before; they are not recorded again. */
  duplicates: number;
  prompts: number;
  responses: number;
  /** Blocks of thinking. Their text is not recorded. */
  thinkingBlocks: number;
  /** Numbers kept as strings and texts made valid Unicode. */
  repairedValues: number;
  /** Parents that lines name and the file does not have; known at the end. */
  brokenChains: number;
  /** Requests that have no `usage.costUsd` because no price is known, by the name of the model. */
  unpricedRequests: Map<string, number>;
}

export interface TranscriptReader {
  /** Takes one line, without or with its line end. @returns the events that are complete now. Never throws on content. */
  push(line: string): AuditEventInput[];
  /** Takes the place of a line that could not be read as text: it counts as malformed. */
  pushUnreadable(): AuditEventInput[];
  /** Closes the reader. @returns the events that were waiting, and one intent for each call without a result. */
  end(): AuditEventInput[];
  readonly stats: Readonly<TranscriptStats>;
}

export interface TranscriptOptions {
  readonly tenant?: string;
  /** The id of the main agent; default `claude-code`. A subagent is `<agentId>/<its id>`. */
  readonly agentId?: string;
  /** Who sat at the keyboard. The file does not say; default `unknown`. */
  readonly userId?: string;
  /** The session, where the file's name tells it: for lines that do not. */
  readonly sessionId?: string;
  /** The subagent whose own file this is, where the file's name tells it: for lines that do not. */
  readonly subagentId?: string;
  /** Prices for `usage.costUsd`; without them no cost is estimated. */
  readonly prices?: FindPrice;
}

// Lines that tell of no action: bookkeeping, repeated context, and progress whose end is told elsewhere.
const SKIPPED_TYPES: ReadonlySet<unknown> = new Set([
  "summary",
  "file-history-snapshot",
  "attachment",
  "last-prompt",
  "custom-title",
  "ai-title",
  "agent-name",
]);
const SKIPPED_PROGRESS: ReadonlySet<unknown> = new Set([
  "hook_progress",
  "bash_progress",
  "mcp_progress",
  "query_update",
  "search_results_received",
]);

/** Where a session stands: the newest values of what lines repeat, and what only some of them say. */
interface Session {
  id: string;
  cwd: string | undefined;
  gitBranch: string | undefined;
  version: string | undefined;
  permissionMode: string | undefined;
  /** The last time seen, for lines that have none: a repeated import must give the same time. */
  lastAt: string | undefined;
}

interface Call {
  readonly event: AuditEventInput;
  readonly startedAt: string | undefined;
  readonly sessionId: string;
  readonly callId: string;
}

/** One request to the model. Its response comes as several lines with the same `requestId`, each repeating the usage so far. */
interface Request {
  readonly key: string;
  usage: Usage;
  /** How many of the tokens written to the cache are kept for an hour: they cost more. */
  hourCacheTokens: number;
  /** Tells of the request once its last line was read. */
  readonly event: AuditEventInput;
  readonly responseId: string;
  /** Whether the event bears the time of a tool call. */
  isTimed: boolean;
}

/**
 * Reads a Claude Code transcript line by line and gives the events that it tells of.
 *
 * - Each `tool_use` and its `tool_result` are one `ai.tool_call` that happened when the call was made. Calls of subagents count too.
 * - Prompts and answers are `ai.chat_message`. Each request to the model is an `ai.model_call` that bears its tokens: what hooks and telemetry tell of the same calls takes none away.
 * - Ids depend only on the file's own ids, so reading a file again, in other pieces or after it grew, gives the same events; a call without
 *   a result is an intent under an id of its own.
 * - A line whose parent is missing and a line that is no JSON are `agent.transcript.broken`: somebody may have taken something out.
 *
 * Memory grows with the number of ids in the file, not with its content: a call waits until its result comes.
 * The rules are MAPPING-10 to MAPPING-19, MAPPING-35 to MAPPING-41 and MAPPING-48. Format: internal to Claude Code and changing; seen in versions 2.1.2 to 2.1.37.
 */
export function createTranscriptReader(options: TranscriptOptions = {}): TranscriptReader {
  const mainAgentId = toLeafId(options.agentId ?? "claude-code", ID_CHARS_MAX);
  const userId = toLeafId(options.userId ?? "unknown", ID_CHARS_MAX);
  const stats: TranscriptStats = {
    lines: 0,
    malformedLines: 0,
    unknownLines: 0,
    skippedLines: 0,
    toolCalls: 0,
    subagentToolCalls: 0,
    openToolCalls: 0,
    orphanResults: 0,
    duplicates: 0,
    prompts: 0,
    responses: 0,
    thinkingBlocks: 0,
    repairedValues: 0,
    brokenChains: 0,
    unpricedRequests: new Map(),
  };
  const session: Session = {
    id: options.sessionId ?? "unknown",
    cwd: undefined,
    gitBranch: undefined,
    version: undefined,
    permissionMode: undefined,
    lastAt: undefined,
  };
  const calls = new Map<string, Call>();
  const knownIds = new Set<string>();
  const requests = new Map<string, Request>();
  const copies = new Map<string, LineOrigin>();
  const chain = createTranscriptChain<AuditEventInput>();
  /** Malformed lines that wait: the last line of a file may only be half written, and a break is told with the time of the line after it. */
  let malformed: { readonly lineNumber: number; readonly text: string }[] = [];
  let malformedToldCount = 0;
  let malformedUntoldCount = 0;
  let lastUntoldLine = 0;
  let ready: AuditEventInput[] = [];

  function push(written: string): AuditEventInput[] {
    // Also takes the line end and a byte order mark off: an id that is derived from the line must not depend on them.
    const text = written.trim();
    if (text === "") return [];
    stats.lines++;
    const line = parse(text);
    if (line === undefined) noteMalformed(text);
    else readLine(line, text);
    return drain();
  }

  function pushUnreadable(): AuditEventInput[] {
    stats.lines++;
    noteMalformed("");
    return drain();
  }

  function noteMalformed(text: string): void {
    stats.malformedLines++;
    if (malformedToldCount + malformed.length <= TRANSCRIPT_MALFORMED_EVENTS_MAX) malformed.push({ lineNumber: stats.lines, text });
    else {
      malformedUntoldCount++;
      lastUntoldLine = stats.lines;
    }
  }

  function tellMalformed(): void {
    for (const { lineNumber, text } of malformed) {
      if (malformedToldCount === TRANSCRIPT_MALFORMED_EVENTS_MAX) malformedUntoldCount++;
      else {
        malformedToldCount++;
        tellBroken(["LINE_MALFORMED", String(lineNumber), stableId("line", text)], { lineNumber });
      }
    }
    malformed = [];
  }

  function tellBroken([code, ...parts]: readonly [code: string, ...parts: string[]], details: JsonObject): void {
    const id = stableId("transcript_broken", session.id, options.subagentId ?? "", code, ...parts);
    if (isNew(id)) ready.push(brokenEvent(id, code, { agentId: options.subagentId }, details));
  }

  function brokenEvent(id: string, code: string, message: Partial<TranscriptMessage>, details: JsonObject): AuditEventInput {
    return {
      ...frame(id, message, { details }),
      action: "agent.transcript.broken",
      actor: { type: "system", id: mainAgentId },
      target: { type: "session", id: toLeafId(session.id, ID_CHARS_MAX) },
      outcome: { status: "failure", code },
    };
  }

  function end(): AuditEventInput[] {
    for (const request of requests.values()) close(request);
    requests.clear();
    for (const { event, sessionId, callId } of calls.values()) {
      stats.openToolCalls++;
      ready.push({ ...event, id: stableId("tool_call_intent", sessionId, callId), phase: "intent", outcome: { status: "pending" } });
    }
    calls.clear();
    // The very last line may be half of one that is being written: that is no break.
    if (malformed.at(-1)?.lineNumber === stats.lines) malformed.pop();
    else if (lastUntoldLine === stats.lines) malformedUntoldCount--;
    tellMalformed();
    if (malformedUntoldCount > 0) {
      tellBroken(["LINES_MALFORMED", String(malformedUntoldCount)], { lineCount: malformedUntoldCount });
    }
    const breaks = chain.breaks();
    stats.brokenChains = breaks.length;
    ready.push(...breaks.filter(({ id }) => isNew(id)));
    return drain();
  }

  function drain(): AuditEventInput[] {
    const events = ready;
    ready = [];
    return events;
  }

  function parse(text: string): JsonObject | undefined {
    try {
      const { value, repairCount } = parseExactJson(text);
      stats.repairedValues += repairCount;
      return asObject(value);
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  function readLine(written: JsonObject, text: string): void {
    const origin = originOf(written, copies);
    const line = origin === undefined ? written : { ...written, ...origin };
    followSession(line);
    // What is missing in a copy is nothing that its original lacks: copies are only seen as parents.
    if (origin === undefined && malformed.length > 0 && session.lastAt !== undefined) tellMalformed();
    followChain(origin === undefined ? line : { uuid: written.uuid });
    const message = readMessage(line, options.subagentId);
    if (message !== undefined) readBlocks(message, text);
    else if (line.type === "user" || line.type === "assistant") stats.malformedLines++;
    else if (line.type === "system") readSystem(line, text);
    else if (line.type === "queue-operation") readQueued(line, text);
    else if (line.type === "pr-link") readPullRequest(line);
    else if (SKIPPED_TYPES.has(line.type)) stats.skippedLines++;
    else if (line.type === "progress" && SKIPPED_PROGRESS.has(asObject(line.data)?.type)) stats.skippedLines++;
    else stats.unknownLines++;
  }

  function followSession(line: JsonObject): void {
    const id = asText(line.sessionId) ?? session.id;
    if (id !== session.id) {
      session.id = id;
      session.permissionMode = undefined;
    }
    session.cwd = asText(line.cwd) ?? session.cwd;
    session.gitBranch = asText(line.gitBranch) ?? session.gitBranch;
    session.version = asText(line.version) ?? session.version;
    session.permissionMode = asText(line.permissionMode) ?? session.permissionMode;
    session.lastAt = asTimestamp(line.timestamp) ?? session.lastAt;
  }

  function followChain(line: JsonObject): void {
    chain.follow(line, (parentUuid) => {
      const agentId = subagentOf(line, options.subagentId);
      const id = stableId("transcript_broken", session.id, agentId ?? "", "PARENT_MISSING", parentUuid);
      const place = { uuid: asText(line.uuid), parentUuid, occurredAt: asTimestamp(line.timestamp), agentId };
      return brokenEvent(id, "PARENT_MISSING", place, {});
    });
  }

  function readBlocks(message: TranscriptMessage, text: string): void {
    const request = message.role === "assistant" ? openRequest(message) : undefined;
    let isRecorded = false;
    const said = textOf(message.blocks);
    const attachmentCount = message.blocks.filter(({ type }) => type === "image" || type === "document").length;
    if ((said !== "" || attachmentCount > 0) && !message.isMeta) {
      isRecorded = true;
      const details = attachmentCount > 0 ? { attachmentCount } : {};
      emitMessage(message, said, message.uuid ?? stableId("line", text), details);
    }
    for (const block of message.blocks) {
      if (block.type === "tool_use") startCall(message, block, request);
      else if (block.type === "tool_result") endCall(message, block);
      else if (block.type === "thinking" || block.type === "redacted_thinking") stats.thinkingBlocks++;
      else continue;
      isRecorded = true;
    }
    if (!isRecorded) stats.skippedLines++;
  }

  function emitMessage(message: TranscriptMessage, text: string, key: string, details: JsonObject): void {
    const id = stableId("message", session.id, key);
    if (!isNew(id)) return;
    const speech = describeSpeech(message, text);
    if (speech.name === "prompt") stats.prompts++;
    if (speech.name === "response") stats.responses++;
    const event: AuditEventInput = {
      ...frame(id, message, { details }),
      action: message.isApiError ? "ai.error" : "ai.chat_message",
      actor: speech.actor,
      target: { type: "conversation", id: toLeafId(conversationOf(message), ID_CHARS_MAX) },
      outcome: message.isApiError ? { status: "failure", code: "API_ERROR", message: text } : { status: "success" },
      activity: message.isApiError
        ? { type: "error", name: "api_error", error: { type: "api_error", message: text } }
        : { type: "message", name: speech.name, message: { role: speech.role, text } },
      ...withModel(message),
    };
    if (message.role === "user") closeThread(message);
    ready.push(event);
  }

  function describeSpeech(message: TranscriptMessage, text: string): { name: string; role: string; actor: Actor } {
    if (message.role === "assistant") return { name: "response", role: "assistant", actor: agent(message.agentId) };
    if (message.isCompactSummary) return { name: "summary", role: "assistant", actor: agent(message.agentId) };
    // A subagent is prompted by the agent that started it, not by a person.
    if (message.agentId !== undefined) return { name: "prompt", role: "user", actor: agent(undefined) };
    if (/^<(?:bash|local-command)-std(?:out|err)>/.test(text)) {
      return { name: "local_output", role: "system", actor: { type: "system", id: mainAgentId } };
    }
    return { name: "prompt", role: "user", actor: { type: "user", id: userId } };
  }

  function startCall(message: TranscriptMessage, block: JsonObject, request: Request | undefined): void {
    const callId = asText(block.id);
    if (callId === undefined) {
      stats.malformedLines++;
      return;
    }
    const id = stableId("tool_call", session.id, callId);
    if (!isNew(id)) return;
    if (message.parentCallId === undefined) stats.toolCalls++;
    else stats.subagentToolCalls++;
    const written = asText(block.name) ?? "unknown";
    const event: AuditEventInput = {
      ...frame(id, message, { callId }),
      action: "ai.tool_call",
      actor: agent(message.agentId),
      outcome: { status: "pending" },
      ...tool(written, block.input),
      ...withModel(message),
    };
    calls.set(id, { event, startedAt: message.occurredAt, sessionId: session.id, callId });
    if (message.agentId !== undefined && request !== undefined) timeByCall(request, event);
  }

  function endCall(message: TranscriptMessage, block: JsonObject): void {
    const callId = asText(block.tool_use_id);
    if (callId === undefined) {
      stats.malformedLines++;
      return;
    }
    const id = stableId("tool_call", session.id, callId);
    const call = calls.get(id);
    if (call === undefined) {
      endUnknownCall(message, block, callId, id);
      return;
    }
    calls.delete(id);
    const { event } = call;
    event.outcome = readOutcome(message, block);
    const durationMs = readDuration(message.toolUseResult) ?? millisecondsBetween(call.startedAt, message.occurredAt);
    if (durationMs !== undefined) event.usage = { ...event.usage, durationMs };
    ready.push(event);
  }

  function endUnknownCall(message: TranscriptMessage, block: JsonObject, callId: string, id: string): void {
    if (knownIds.has(id)) {
      stats.duplicates++;
      return;
    }
    const orphan = stableId("tool_result", session.id, callId);
    if (!isNew(orphan)) return;
    stats.orphanResults++;
    ready.push({
      ...frame(orphan, message, { callId }),
      action: "ai.tool_call",
      actor: agent(message.agentId),
      phase: "outcome",
      outcome: readOutcome(message, block),
      ...tool("unknown", undefined),
    });
  }

  function readSystem(line: JsonObject, text: string): void {
    const { subtype } = line;
    if (subtype === "compact_boundary") {
      const { compactMetadata, logicalParentUuid } = line;
      emitLine(line, text, "agent.context.compacted", { status: "success" }, { compactMetadata, logicalParentUuid });
    } else if (subtype === "stop_hook_summary" && (line.preventedContinuation === true || isFilled(line.hookErrors))) {
      const { hookInfos, hookErrors, preventedContinuation, stopReason } = line;
      const code = namesRecorder(hookInfos) ? "RECORDER_HOOK_ERROR" : "HOOK_ERROR";
      const outcome = isFilled(hookErrors) ? ({ status: "failure", code } as const) : ({ status: "success" } as const);
      emitLine(line, text, "agent.hook.stopped", outcome, { hookInfos, hookErrors, preventedContinuation, stopReason });
    } else if (subtype === "api_error") {
      emitLine(line, text, "ai.error", { status: "failure", code: "API_ERROR" }, { error: line.error, retryAttempt: line.retryAttempt });
    } else stats.skippedLines++;
  }

  /** Input that was typed while the agent worked. It has no line of its own when the agent takes it up in the same turn. */
  function readQueued(line: JsonObject, text: string): void {
    const content = asText(line.content);
    if (line.operation !== "enqueue" || content === undefined) {
      stats.skippedLines++;
      return;
    }
    const message = readMessage({ ...line, type: "user", message: { role: "user", content } });
    if (message === undefined) return;
    emitMessage(message, content, stableId("line", text), { isQueued: true });
  }

  function readPullRequest(line: JsonObject): void {
    const { prNumber, prUrl, prRepository } = line;
    const name = `${asText(prRepository)}#${typeof prNumber === "number" ? prNumber : asText(prNumber)}`;
    const id = stableId("pull_request", session.id, asText(prUrl) ?? name);
    if (!isNew(id)) return;
    ready.push({
      ...frame(id, { occurredAt: asTimestamp(line.timestamp) }, { details: { prNumber, prUrl, prRepository } }),
      action: "agent.pull_request.linked",
      actor: agent(undefined),
      target: { type: "pull_request", id: toLeafId(name, ID_CHARS_MAX) },
      outcome: { status: "success" },
    });
  }

  function emitLine(line: JsonObject, text: string, action: string, outcome: AuditEventInput["outcome"], details: JsonObject): void {
    const uuid = asText(line.uuid);
    const id = stableId("system", session.id, uuid ?? stableId("line", text));
    if (!isNew(id)) return;
    const agentId = subagentOf(line, options.subagentId);
    ready.push({
      ...frame(id, { uuid, parentUuid: asText(line.parentUuid), occurredAt: asTimestamp(line.timestamp), agentId }, { details }),
      action,
      actor: { type: "system", id: mainAgentId },
      target: { type: "session", id: toLeafId(session.id, ID_CHARS_MAX) },
      outcome,
    });
  }

  function openRequest(message: TranscriptMessage): Request | undefined {
    const responseId = message.requestId ?? message.messageId;
    if (responseId === undefined) return undefined;
    const thread = message.agentId ?? "";
    const key = JSON.stringify([session.id, responseId]);
    let request = requests.get(thread);
    if (request?.key !== key) {
      if (request !== undefined) close(request);
      request = { key, usage: {}, hourCacheTokens: 0, event: modelCall(message, responseId), responseId, isTimed: false };
      requests.set(thread, request);
    }
    // The count of output tokens grows from line to line; the last and largest is the right one.
    request.usage = largestTokens(request.usage, readTokens(message.usage));
    request.hourCacheTokens = Math.max(request.hourCacheTokens, readHourCacheTokens(message.usage));
    return request;
  }

  /** Telemetry tells of the same request under the same id, so it is its call id: one deed, which counts once. */
  function modelCall(message: TranscriptMessage, responseId: string): AuditEventInput {
    const { usage } = withModel(message);
    const model = usage?.model ?? "unknown";
    return {
      ...frame(stableId("model_call", session.id, responseId), message, { callId: responseId }),
      action: "ai.model_call",
      actor: agent(message.agentId),
      target: { type: "model", id: model },
      outcome: { status: "success" },
      activity: { type: "external", name: "model_call", external: { type: "api_call", target: model } },
      ...(usage === undefined ? {} : { usage }),
    };
  }

  /** Progress lines of a subagent have its calls and not what it said, and must tell the same as its own file: the first call tells when, under an id of its own. */
  function timeByCall(request: Request, { occurredAt }: AuditEventInput): void {
    if (request.isTimed) return;
    request.isTimed = true;
    request.event.id = stableId("model_call", session.id, request.responseId, "call");
    if (occurredAt !== undefined) request.event.occurredAt = occurredAt;
  }

  /** A response without any count, such as one that the agent wrote itself, was no request. */
  function close({ event, usage, hourCacheTokens }: Request): void {
    if (!hasTokens(usage) || event.usage?.model === SYNTHETIC_MODEL || event.id === undefined || knownIds.has(event.id)) return;
    knownIds.add(event.id);
    const costUsd = costOf(event, usage, hourCacheTokens);
    ready.push({ ...event, usage: { ...event.usage, ...usage, ...(costUsd === undefined ? {} : { costUsd }) } });
  }

  function costOf(event: AuditEventInput, usage: Usage, hourCacheTokens: number): number | undefined {
    const model = event.usage?.model;
    if (options.prices === undefined || model === undefined) return undefined;
    const price = options.prices(model, event.occurredAt);
    if (price !== undefined) return estimateCostUsd(usage, hourCacheTokens, price);
    stats.unpricedRequests.set(model, (stats.unpricedRequests.get(model) ?? 0) + 1);
    return undefined;
  }

  /** A prompt ends the response before it: nothing of that can follow. */
  function closeThread({ agentId }: TranscriptMessage): void {
    const thread = agentId ?? "";
    const request = requests.get(thread);
    if (request !== undefined) close(request);
    requests.delete(thread);
  }

  function isNew(id: string | undefined): boolean {
    if (id === undefined || knownIds.has(id)) {
      stats.duplicates++;
      return false;
    }
    knownIds.add(id);
    return true;
  }

  function agent(subagentId: string | undefined): Actor {
    if (subagentId === undefined) return { type: "agent", id: mainAgentId };
    return { type: "agent", id: toLeafId(`${mainAgentId}/${subagentId}`, ID_CHARS_MAX), onBehalfOf: [{ type: "agent", id: mainAgentId }] };
  }

  function conversationOf(message: { readonly agentId?: string | undefined }): string {
    return message.agentId === undefined ? session.id : `${session.id}/${message.agentId}`;
  }

  type Frame = Pick<AuditEventInput, "id" | "occurredAt" | "tenant" | "context" | "labels" | "details">;

  /** What every event of a session has: ids, time, and where the agent worked. */
  function frame(id: string, message: Partial<TranscriptMessage>, more: { callId?: string; details?: JsonObject }): Frame {
    const { callId } = more;
    const occurredAt = message.occurredAt ?? session.lastAt;
    const contextId = (value: string): string => toLeafId(value, CONTEXT_ID_CHARS_MAX);
    const context: Context = {
      sessionId: contextId(session.id),
      conversationId: contextId(conversationOf(message)),
      ...(callId !== undefined && { callId: contextId(callId) }),
      ...(message.requestId !== undefined && { requestId: contextId(message.requestId) }),
      ...(message.parentCallId !== undefined && { parentEventId: stableId("tool_call", session.id, message.parentCallId) }),
    };
    const { cwd, gitBranch, version, permissionMode } = session;
    const candidates = { platform: "claude-code", cwd, gitBranch, version, permissionMode, subagent: message.agentId };
    const labels: Record<string, string> = {};
    const details: JsonObject = present({ uuid: message.uuid, parentUuid: message.parentUuid, ...more.details });
    for (const [name, value] of Object.entries(candidates)) {
      // What is too long for a label is kept whole rather than cut.
      if (value !== undefined) (value.length <= LABEL_VALUE_CHARS_MAX ? labels : details)[name] = value;
    }
    return {
      id,
      ...(occurredAt !== undefined && { occurredAt }),
      ...(options.tenant !== undefined && { tenant: options.tenant }),
      context,
      labels,
      ...(Object.keys(details).length > 0 && { details }),
    };
  }

  return { push, pushUnreadable, end, stats };
}

function tool(written: string, input: unknown): Pick<AuditEventInput, "target" | "activity"> {
  const name = toLeafName(written, ACTIVITY_NAME_CHARS_MAX) ?? "unknown";
  return {
    target: { type: "tool", id: name },
    activity: {
      type: "tool",
      name,
      tool: { name: replaceLoneSurrogates(written.slice(0, NAME_CHARS_MAX)), ...(input !== undefined && { parameters: input }) },
    },
  };
}

function readOutcome(message: TranscriptMessage, block: JsonObject): AuditEventInput["outcome"] {
  const text = textOf(block.content);
  // A line holds one result as a rule; with several, `toolUseResult` cannot be told apart.
  const results = message.blocks.filter(({ type }) => type === "tool_result");
  const toolUseResult = results.length === 1 ? message.toolUseResult : undefined;
  // Progress lines of a subagent lack it as a rule: its own file must not tell another ending than they do.
  const told = message.agentId === undefined ? toolUseResult : undefined;
  return toOutcome(readToolEnding(block.is_error === true, text, told), block.content, text, toolUseResult);
}

function withModel({ model }: TranscriptMessage): { usage?: Usage } {
  const name = model === undefined ? undefined : toLeafName(model, MODEL_CHARS_MAX);
  return name === undefined ? {} : { usage: { model: name } };
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
