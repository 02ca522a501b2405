import { randomUUID } from "node:crypto";
import { type AuditEventInput, stableId } from "@vouchtrail/events";

/** Calls that have begun and not ended, and answered hooks that may come again: more than any agent has at a time, at some hundred bytes each. The oldest is forgotten. */
const OPEN_CALLS_MAX = 10_000;
const ANSWERED_HOOKS_MAX = 10_000;

/** Joins the hook before a call with the one after it, for agents whose hooks name no call. */
export interface HookPairing {
  /**
   * Gives the event of a tool call that names none a call id: a new one before the call, and after it that of the oldest call of the same session, turn, tool and input that has not ended. The label
   * `callPairing` says `inferred`. Every other event stays as it is, and so does an ending whose beginning is not known.
   *
   * @param sender.hookId Of a hook that may be sent again: it gets the same call then.
   */
  join(event: AuditEventInput, sender: { readonly platform: string; readonly hookId: string | undefined }): AuditEventInput;
}

/**
 * It is held in memory: after a restart of the server, a call that was under way has an open beginning and an ending that stands alone. A digest of the input as call id would need no memory, and would
 * make two calls that do the same one deed: it would hide one of them. Rules: HOOK-21, HOOK-22.
 */
export function createHookPairing(): HookPairing {
  // Maps keep the order of insertion: the first key is the oldest.
  const open = new Map<string, string[]>();
  const answered = new Map<string, string>();
  let openCount = 0;

  function begin(key: string, callId: string): void {
    const calls = open.get(key);
    if (calls === undefined) open.set(key, [callId]);
    else calls.push(callId);
    openCount++;
    if (openCount <= OPEN_CALLS_MAX) return;
    const [oldest] = open.keys();
    if (oldest !== undefined) end(oldest);
  }

  function end(key: string): string | undefined {
    const calls = open.get(key);
    const callId = calls?.shift();
    if (callId !== undefined) openCount--;
    if (calls?.length === 0) open.delete(key);
    return callId;
  }

  function callOf(key: string, isBeginning: boolean, hook: { readonly name: string; readonly id: string } | undefined): string | undefined {
    const known = hook === undefined ? undefined : answered.get(hook.name);
    if (known !== undefined) return known;
    const callId = isBeginning ? (hook?.id ?? randomUUID()) : end(key);
    if (callId === undefined) return undefined;
    if (isBeginning) begin(key, callId);
    if (hook !== undefined) {
      answered.set(hook.name, callId);
      const [oldest] = answered.keys();
      if (answered.size > ANSWERED_HOOKS_MAX && oldest !== undefined) answered.delete(oldest);
    }
    return callId;
  }

  return {
    join(event, { platform, hookId }) {
      const { tenant = "", context, activity, phase } = event;
      if (event.action !== "ai.tool_call" || context?.sessionId === undefined || context.callId !== undefined) return event;
      const { name = "", parameters } = activity?.tool ?? {};
      const key = stableId(
        "hook call",
        tenant,
        platform,
        context.sessionId,
        context.requestId ?? "",
        name,
        JSON.stringify(parameters) ?? "",
      );
      const callId = callOf(key, phase === "intent", hookId === undefined ? undefined : { name: `${tenant} ${hookId}`, id: hookId });
      if (callId === undefined) return event;
      return { ...event, context: { ...context, callId }, labels: { ...event.labels, callPairing: "inferred" } };
    },
  };
}
