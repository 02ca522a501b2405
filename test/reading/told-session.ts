import { type AuditEventInput, fromClaudeCodeHook, type JsonObject, type SearchHit, type SessionStep } from "@vouchtrail/events";
import { assembleStory } from "../../packages/server/src/reading/story/assemble-story.ts";
import { viewSteps } from "../../packages/server/src/reading/story/step-view.ts";
import { hitOf } from "./story-hits.ts";

/** The session of the entries below. */
export const SESSION = "session-1";
/** A moment, in seconds since a fixed hour: RFC 3339. */
export const timeOf = (second: number): string =>
  `2026-03-01T10:${String(Math.floor(second / 60)).padStart(2, "0")}:${String(second % 60).padStart(2, "0")}.000Z`;

/** The steps of a session, as its story has them. */
export function stepsOf(hits: readonly SearchHit[]): readonly SessionStep[] {
  const { roots, nodes } = assembleStory(hits);
  return viewSteps(roots, nodes);
}
/** All steps, those below others too. */
export function flat(steps: readonly SessionStep[]): SessionStep[] {
  return steps.flatMap((step) => [step, ...flat(step.children ?? [])]);
}
/** Indexes that steps stand for, each as often as it is named by different steps. */
export function indexesOf(steps: readonly SessionStep[]): number[] {
  return flat(steps)
    .flatMap(({ entries, approval }) => [...new Set([...entries, ...(approval?.entries ?? [])].map(({ index }) => index))])
    .sort((left, right) => left - right);
}
/** Titles, with those below them. */
export const outline = (steps: readonly SessionStep[]): unknown =>
  steps.map(({ title, children }) => (children === undefined ? title : { [title]: outline(children) }));

/** Entries of one session as its hooks and its transcript tell it. */
export function builder(): {
  readonly hits: SearchHit[];
  hook(second: number, payload: JsonObject, isErased?: boolean): SearchHit;
  told(second: number, event: AuditEventInput, via?: string): SearchHit;
} {
  const hits: SearchHit[] = [];
  const add = (hit: SearchHit): SearchHit => {
    hits.push(hit);
    return hit;
  };
  return {
    hits,
    hook: (second, payload, isErased = false) =>
      add(hitOf(hits.length, fromClaudeCodeHook({ session_id: SESSION, ...payload }), { via: "hook", at: timeOf(second), isErased })),
    told: (second, event, via = "import") =>
      add(
        hitOf(
          hits.length,
          { ...event, context: { sessionId: SESSION, conversationId: SESSION, ...event.context } },
          { via, at: timeOf(second) },
        ),
      ),
  };
}

/** The members of a hook that tells of a shell command. */
export const bash = (callId: string, command = "npm test"): JsonObject => ({
  tool_name: "Bash",
  tool_input: { command },
  tool_use_id: callId,
});
/** A shell command as a transcript tells it. */
export const toldCall = (callId: string, command: string, outcome: AuditEventInput["outcome"]): AuditEventInput => ({
  action: "ai.tool_call",
  actor: { type: "agent", id: "claude-code" },
  outcome,
  activity: { type: "tool", name: "Bash", tool: { name: "Bash", parameters: { command } } },
  context: { callId },
});
/** A prompt as a transcript tells it. */
export const prompt = (text: string): AuditEventInput => ({
  action: "ai.chat_message",
  actor: { type: "user", id: "unknown" },
  outcome: { status: "success" },
  activity: { type: "message", name: "prompt", message: { role: "user", text } },
});
/** An answer as a transcript tells it. */
export const said = (text: string): AuditEventInput => ({
  ...prompt(text),
  actor: { type: "agent", id: "claude-code" },
  activity: { type: "message", name: "response", message: { role: "assistant", text } },
});

/** A request for approval, or one that a person has given. */
export const approval = (state: "created" | "approved", context: NonNullable<AuditEventInput["context"]>): AuditEventInput => ({
  action: `ai.approval_${state}`,
  actor: { type: "system", id: "console" },
  outcome: { status: "success" },
  activity: {
    type: "approval",
    name: "Bash",
    approval: { state, ...(state === "created" ? {} : { approver: { type: "user", id: "u-1" } }) },
  },
  context,
});
