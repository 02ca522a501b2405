import fc from "fast-check";
import { expect, test } from "vitest";
import { type AuditEventInput, AuditEventInputSchema } from "../event.ts";
import { fromCopilotHook } from "./copilot-hook.ts";
import { fromCursorHook } from "./cursor-hook.ts";
import { fromGeminiCliHook } from "./gemini-cli-hook.ts";
import { fromOpencodeHook } from "./opencode-hook.ts";

const MAPPINGS: Readonly<Record<string, (payload: unknown) => AuditEventInput>> = {
  "gemini-cli": fromGeminiCliHook,
  cursor: fromCursorHook,
  copilot: fromCopilotHook,
  opencode: fromOpencodeHook,
};
const NAMES =
  "BeforeTool AfterTool BeforeAgent AfterAgent BeforeModel AfterModel BeforeToolSelection SessionStart SessionEnd Notification PreCompress sessionStart sessionEnd beforeSubmitPrompt preToolUse postToolUse postToolUseFailure beforeShellExecution afterShellExecution beforeMCPExecution afterMCPExecution beforeReadFile afterFileEdit afterAgentResponse afterAgentThought subagentStart subagentStop preCompact stop userPromptSubmitted permissionRequest agentStop notification errorOccurred tool.execute.before tool.execute.after chat.message session.created session.idle session.error permission.ask permission.replied PreToolUse PostToolUse PermissionRequest StopFailure constructor __proto__".split(
    " ",
  );
const MEMBERS =
  "session_id conversation_id sessionId sessionID generation_id prompt_id tool_use_id callID tool_name toolName tool tool_input toolArgs args command tool_response toolResult tool_result tool_output output result_json prompt prompt_response last_assistant_message text error error_message user_email model duration cwd hook timestamp mcp_context unheard_of".split(
    " ",
  );

/** Every text and number in a value, wherever it stands; JSON in a text counts by what it holds. */
function atomsOf(value: unknown): string[] {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(atomsOf);
  if (typeof value === "string" && /^[[{]/.test(value)) {
    try {
      return atomsOf(JSON.parse(value));
    } catch {
      return [value];
    }
  }
  return typeof value === "string" || typeof value === "number" ? [String(value)] : [];
}

test.each(Object.keys(MAPPINGS))("MAPPING-50: whatever a hook of %s holds becomes a valid event, and no member is lost", (vendor) => {
  const mark = fc.nat({ max: 999_999 }).map((number) => `mark-${number}`);
  const value = fc.oneof(
    { weight: 4, arbitrary: mark },
    mark.map((text) => ({ deep: [text] })),
    mark.map((text) => JSON.stringify({ error: text })),
    mark.map((text) => `{ ${text}`),
    mark.map((text) => ({ error: text, resultType: "failure", textResultForLlm: text })),
    mark.map((text) => text + "x".repeat(300)),
    fc.string({ unit: "binary" }),
    fc.constantFrom(null, "", 7, true, [], {}),
  );
  const members = fc.uniqueArray(fc.tuple(fc.constantFrom(...MEMBERS), value), { selector: ([name]) => name, maxLength: 10 });
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...NAMES), fc.string({ minLength: 1 })), members, (name, told) => {
      const event = MAPPINGS[vendor]?.({ ...Object.fromEntries(told), hook_event_name: name });
      expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
      expect(event?.labels).toMatchObject({ platform: vendor });
      const kept = JSON.stringify(event);
      // Ids that no leaf can hold are replaced by one that follows from them (MAPPING-9).
      for (const [member, one] of told.filter(([member]) => !/id$/i.test(member)))
        for (const atom of atomsOf(one)) if (atom.startsWith("mark-")) expect(kept.includes(atom.slice(0, 100)), member).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test.each(Object.keys(MAPPINGS))(
  "MAPPING-51: what is no object, or names no hook, is refused for %s, and unknown hooks are kept",
  (vendor) => {
    for (const payload of [null, [], "x", 1, {}, { hook_event_name: "" }, { hook_event_name: 1 }, { hook_event_name: null }])
      expect(() => MAPPINGS[vendor]?.(payload)).toThrow(expect.objectContaining({ code: "SHAPE_INVALID" }));
    expect(MAPPINGS[vendor]?.({ hook_event_name: "someThing.new" })).toMatchObject({
      action: "agent.hook.some_thing_new",
      actor: { type: "agent", id: vendor },
      details: { hook: "someThing.new" },
    });
  },
);

test("MAPPING-51: a member whose place is taken keeps its name", () => {
  const event = fromCursorHook({ hook_event_name: "stop", session_id: "s", conversation_id: "c" });
  expect(event).toMatchObject({ context: { sessionId: "s" }, details: { conversation_id: "c" } });
});
