import { CONTEXT_ID_CHARS_MAX, toLeafId } from "@vouchtrail/events/leaf";
import { CLAUDE_CALLS_REMEMBERED_MAX } from "../../agents/limits.ts";

/** What is known of a call of a tool. */
export interface SeenCall {
  /** A permission callback is not told the session: the hook before it is. */
  sessionId?: string;
  /** The id of the prompt, which hooks and telemetry have. */
  promptId?: string;
  /** Whether it was told that somebody is asked. */
  isAsked: boolean;
  /** Whether it was told how it ended. */
  isEnded: boolean;
}

// Of the process, because hooks, permissions and messages of one run are handed to the framework apart from each other. Ids of calls are the provider's, and unique.
const calls = new Map<string, SeenCall>();

/** What is known of a call; nothing yet of one that is new or long ago, and never of one without an id: two of those are not one. */
export function seenCall(callId: string): SeenCall {
  if (callId === "") return { isAsked: false, isEnded: false };
  const key = toLeafId(callId, CONTEXT_ID_CHARS_MAX);
  const known = calls.get(key);
  if (known !== undefined) return known;
  const call: SeenCall = { isAsked: false, isEnded: false };
  calls.set(key, call);
  if (calls.size > CLAUDE_CALLS_REMEMBERED_MAX) calls.delete(calls.keys().next().value ?? key);
  return call;
}

/** How many calls are remembered: never more than the limit. */
export function seenCallCount(): number {
  return calls.size;
}
