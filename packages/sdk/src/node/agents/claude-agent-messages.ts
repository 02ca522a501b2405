import { CONTEXT_ID_CHARS_MAX, toLeafId } from "@vouchtrail/events/leaf";
import type { AgentEnding } from "../../agents/agent-event.ts";
import { createAgentRecorder } from "../../agents/agent-recorder.ts";
import { CLAUDE_RESPONSES_REMEMBERED_MAX } from "../../agents/limits.ts";
import { unawaited } from "../../agents/unawaited.ts";
import { quietly } from "../../quietly.ts";
import { seenCall } from "./claude-agent-calls.ts";
import { CLAUDE_AGENT_PLATFORM, type ClaudeAgentAuditOptions, claudeScope } from "./claude-agent-options.ts";
import { type ClaudeResponse, createResponseReader } from "./claude-agent-responses.ts";
import { type Members, membersAt, numberAt, textAt } from "./claude-agent-value.ts";

/** Reads the messages of one run. It never throws. */
interface MessageReader {
  read(message: unknown): void;
  /** The stream threw. */
  fail(error: unknown): void;
  /** Nothing comes any more. */
  end(): void;
}

/**
 * Passes the messages of `query()` on, each as it is, and records what hooks do not tell: requests to the model with their tokens, calls that were denied without a hook,
 * and how the run ended, with its cost.
 *
 * `for await (const message of auditMessages(query({ prompt, options })))`. A response comes in pieces whose counts grow: with `includePartialMessages` the counts are final.
 *
 * Rules: FRAMEWORK-46 to FRAMEWORK-48. Format: the types of version 0.3.330 of the SDK.
 *
 * @throws Whatever the stream throws.
 */
export async function* auditMessages<Message>(
  stream: AsyncIterable<Message>,
  options: ClaudeAgentAuditOptions = {},
): AsyncGenerator<Message, void> {
  const reader = createMessageReader(options);
  try {
    for await (const message of stream) {
      reader.read(message);
      yield message;
    }
  } catch (error) {
    reader.fail(error);
    throw error;
  } finally {
    reader.end();
  }
}

function createMessageReader(options: ClaudeAgentAuditOptions): MessageReader {
  const recorder = createAgentRecorder(CLAUDE_AGENT_PLATFORM, options);
  const responses = createResponseReader(recordResponse);
  /** Denials that were told, the newest. */
  const denied = new Set<string>();
  let sessionId: string | undefined;
  /** Whether something came since the last result. */
  let isRunning = false;

  function recordResponse({ callId, model, usage, ending, subagentId, sessionId, details }: ClaudeResponse): void {
    const scope = { ...claudeScope(options, sessionId, subagentId), details };
    unawaited(recorder.modelCalled(scope, { callId, model, usage }, ending));
  }

  function read(message: Members): void {
    sessionId = textAt(message, "session_id") ?? sessionId;
    const { type, subtype } = message;
    if (type === "result") {
      isRunning = false;
      readResult(message);
    } else if (type === "assistant" || type === "stream_event") {
      isRunning = true;
      responses.read(message, sessionId);
    } else if (type === "system" && subtype === "permission_denied") {
      readDenial(message, textAt(message, "agent_id"), textAt(message, "message") ?? textAt(message, "decision_reason"));
    } else if (type === "system" && subtype === "api_retry") readRetry(message);
    else if (type === "system" && subtype === "init") isRunning = true;
  }

  /** A call that was denied without anybody being asked. A hook or a permission callback may have told it already. */
  function readDenial(denial: Members, subagentId: string | undefined, reason: string | undefined): void {
    const callId = textAt(denial, "tool_use_id");
    if (callId === undefined) return;
    const call = seenCall(callId);
    const key = toLeafId(callId, CONTEXT_ID_CHARS_MAX);
    if (call.isEnded || denied.has(key)) return;
    call.isEnded = true;
    denied.add(key);
    if (denied.size > CLAUDE_RESPONSES_REMEMBERED_MAX) denied.delete(denied.values().next().value ?? key);
    const scope = { ...claudeScope(options, sessionId ?? call.sessionId, subagentId), requestId: call.promptId };
    const tool = textAt(denial, "tool_name") ?? "unknown";
    unawaited(recorder.toolEnded(scope, { callId, tool, input: denial.tool_input }, { status: "denied", reason }));
  }

  /** A request that failed and is made again. */
  function readRetry(message: Members): void {
    const callId = textAt(message, "uuid");
    if (callId === undefined) return;
    const { attempt, max_retries: attemptsMax, error_status: httpStatus } = message;
    const scope = { ...claudeScope(options, sessionId, undefined), details: { attempt, attemptsMax, httpStatus } };
    const ending = failureOf(textAt(message, "error") ?? "unknown", "The request to the model failed and is made again.");
    unawaited(recorder.modelCalled(scope, { callId, model: undefined, usage: {} }, ending));
  }

  /** The end of a run: its totals are those of the session so far, so they are no usage of this event. */
  function readResult(message: Members): void {
    responses.closeAll();
    const denials = Array.isArray(message.permission_denials) ? (message.permission_denials as readonly unknown[]) : [];
    for (const denial of denials) readDenial(membersOf(denial), undefined, "The call was not permitted.");
    const details = {
      subtype: message.subtype,
      turnCount: message.num_turns,
      apiDurationMs: message.duration_api_ms,
      totalCostUsd: message.total_cost_usd,
      usage: message.usage,
      modelUsage: message.modelUsage,
      stopReason: message.stop_reason,
      deniedCallCount: denials.length,
    };
    recordRun(endingOf(message), details, numberAt(message, "duration_ms"));
  }

  function recordRun(ending: AgentEnding, details: Members, durationMs?: number): void {
    const scope = { ...claudeScope(options, sessionId, undefined), details };
    unawaited(recorder.agentInvoked(scope, scope.agentName, ending, durationMs));
  }

  return {
    read: (message) => quietly(() => read(membersOf(message))),
    fail: (error) =>
      quietly(() => {
        responses.closeAll();
        if (isRunning) recordRun({ status: "failure", error }, {});
        isRunning = false;
      }),
    end: () =>
      quietly(() => {
        responses.closeAll();
        if (isRunning) recordRun(failureOf("aborted", "The run was left before its result came."), {});
      }),
  };
}

function endingOf(message: Members): AgentEnding {
  const { subtype, is_error: isError, result, errors } = message;
  if (isError !== true && subtype === "success") return { status: "success", ...(result === undefined ? {} : { result }) };
  const said = Array.isArray(errors) ? errors.filter((error) => typeof error === "string").join("; ") : undefined;
  const kind = subtype === "success" ? "api_error" : (textAt(message, "subtype") ?? "unknown");
  return failureOf(kind, said ?? textAt(message, "result") ?? "The run failed.");
}

/** An error of a kind that the framework names: the name becomes the code. */
function failureOf(kind: string, message: string): AgentEnding {
  return { status: "failure", error: Object.assign(new Error(message), { name: kind }) };
}

function membersOf(value: unknown): Members {
  return membersAt({ value }, "value") ?? {};
}
