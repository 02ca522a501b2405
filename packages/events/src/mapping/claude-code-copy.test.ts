import { expect, test } from "vitest";
import type { AuditEventInput } from "../event.ts";
import { createTranscriptReader } from "./claude-code-transcript.ts";

function read(lines: readonly object[]): AuditEventInput[] {
  const reader = createTranscriptReader();
  return [...lines.flatMap((line) => reader.push(JSON.stringify(line))), ...reader.end()];
}

function line(uuid: string, parentUuid: string | null, content: unknown, type = "user"): Record<string, unknown> {
  const usage = { input_tokens: 1, output_tokens: 2 };
  const message = { id: `m-${uuid}`, role: type, content, ...(type === "assistant" && { model: "m", usage }) };
  const requestId = type === "assistant" ? { requestId: `req-${uuid}` } : {};
  return { type, uuid, parentUuid, sessionId: "s-1", timestamp: "2026-02-01T10:00:00Z", message, ...requestId };
}
const original = [
  line("u-1", null, "go"),
  line("u-2", "u-1", [{ type: "tool_use", id: "t-1", name: "Bash", input: {} }], "assistant"),
  line("u-3", "u-2", [{ type: "tool_result", tool_use_id: "t-1", content: "ok" }]),
];
const told = ({ id, occurredAt, action, outcome, usage }: AuditEventInput): unknown => [id, occurredAt, action, outcome.status, usage];

test("MAPPING-48: copies at the beginning of a branched session are the events of the session that they are from", () => {
  const keptIds = original.map((entry) => ({ ...entry, sessionId: "s-2", forkedFrom: { sessionId: "s-1", messageUuid: entry.uuid } }));
  const newIds = keptIds.map((entry) => ({ ...entry, uuid: `new-${String(entry.forkedFrom.messageUuid)}`, parentUuid: "rewritten" }));
  const unmarked = original.map((entry) => ({ ...entry, sessionId: "s-2", parentUuid: null }));
  for (const [copies, last] of [
    [keptIds, "u-3"],
    [newIds, "new-u-3"],
    [[...keptIds, ...unmarked], "u-3"],
  ] as const) {
    const events = read([...copies, { ...line("u-4", last, "and now"), sessionId: "s-2" }]);
    expect(events.slice(0, -1).map(told).sort()).toEqual(read(original).map(told).sort());
    expect(events.at(-1)).toMatchObject({ action: "ai.chat_message", context: { sessionId: "s-2" } });
  }
});
