import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type AuditEventInput, AuditEventInputSchema } from "../event.ts";
import { createTranscriptReader, type TranscriptOptions, type TranscriptStats } from "./claude-code-transcript.ts";
import { TRANSCRIPT_MALFORMED_EVENTS_MAX } from "./limits.ts";

const folder = new URL("../../../../../shared/data/claude-code/", import.meta.url);
const JUNK = '{"type":"user","secret":';

function read(
  lines: readonly (string | object | undefined)[],
  options?: TranscriptOptions,
): { events: AuditEventInput[]; stats: TranscriptStats } {
  const reader = createTranscriptReader(options);
  const events = lines.flatMap((line) =>
    line === undefined ? reader.pushUnreadable() : reader.push(typeof line === "string" ? line : JSON.stringify(line)),
  );
  events.push(...reader.end());
  for (const event of events) expect(AuditEventInputSchema.safeParse(event).error).toBeUndefined();
  return { events, stats: reader.stats };
}
const broken = (events: readonly AuditEventInput[]): AuditEventInput[] =>
  events.filter(({ action }) => action === "agent.transcript.broken");

function line(uuid: string, parentUuid: string | null, more: object = {}): object {
  const second = uuid.slice(-2).padStart(2, "0");
  return {
    type: "user",
    uuid,
    parentUuid,
    sessionId: "s-1",
    cwd: "/repo",
    timestamp: `2026-02-01T10:00:${/^\d+$/.test(second) ? second : "00"}.000Z`,
    message: { role: "user", content: `said ${uuid}` },
    ...more,
  };
}

test("MAPPING-36: each parent that is missing is one event, the same each time the file is read", () => {
  const lines = [line("01", "gone"), line("02", "01"), line("03", "gone"), line("04", "lost"), line("05", "04")];
  const { events, stats } = read(lines);
  expect(broken(events)).toMatchObject([
    {
      occurredAt: "2026-02-01T10:00:01.000Z",
      actor: { type: "system", id: "claude-code" },
      target: { type: "session", id: "s-1" },
      outcome: { status: "failure", code: "PARENT_MISSING" },
      context: { sessionId: "s-1" },
      details: { uuid: "01", parentUuid: "gone" },
    },
    { details: { uuid: "04", parentUuid: "lost" } },
  ]);
  expect(stats.brokenChains).toBe(2);
  expect(broken(read(lines).events)).toEqual(broken(events));
});

test("MAPPING-36: lines of every type are parents, also behind their child; lines without a parent are no break", () => {
  const { events, stats } = read([
    line("01", null),
    line("02", "01", { type: "progress", data: { type: "hook_progress" } }),
    line("03", "02", { type: "system", subtype: "turn_duration" }),
    line("04", "03", { type: "of-tomorrow" }),
    line("06", "05"),
    line("05", "04"),
    line("07", null, { type: "system", subtype: "compact_boundary", logicalParentUuid: "elsewhere" }),
    line("08", null, { isSidechain: true, agentId: "a1" }),
  ]);
  expect(broken(events)).toEqual([]);
  expect(stats.brokenChains).toBe(0);
});

test("MAPPING-36: a line that is taken out of a real transcript is a break, and whole ones have none", () => {
  if (!existsSync(folder)) {
    console.warn("Skipped: the shared data is not beside this checkout.");
    return;
  }
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".jsonl"))) {
    const lines = readFileSync(new URL(name, folder), "utf8").split("\n").filter(Boolean);
    const { events, stats } = read(lines);
    expect(broken(events)).toEqual([]);
    expect(stats.brokenChains).toBe(0);
    const hookCodes = events.filter(({ action }) => action === "agent.hook.stopped").map(({ outcome }) => outcome.code);
    expect(hookCodes).not.toContain("RECORDER_HOOK_ERROR");
    const parents = lines.map((text) => (JSON.parse(text) as { parentUuid?: string | null }).parentUuid);
    const uuids = lines.map((text) => (JSON.parse(text) as { uuid?: string }).uuid);
    const position = uuids.findIndex((uuid, at) => at > lines.length / 2 && uuid !== undefined && parents.includes(uuid));
    const cut = broken(read(lines.filter((_, at) => at !== position)).events);
    expect(cut).toMatchObject([{ outcome: { code: "PARENT_MISSING" }, details: { parentUuid: uuids[position] } }]);
    // Cut at the front.
    expect(broken(read(lines.slice(position + 1)).events).length).toBeGreaterThan(0);
  }
});

test("MAPPING-37: a malformed line within the file is an event without its content; at the very end it is half a line", () => {
  const lines = [line("01", null), JUNK, undefined, line("04", "01"), JUNK];
  const { events, stats } = read(lines);
  expect(broken(events)).toMatchObject([
    { occurredAt: "2026-02-01T10:00:04.000Z", outcome: { status: "failure", code: "LINE_MALFORMED" }, details: { lineNumber: 2 } },
    { outcome: { code: "LINE_MALFORMED" }, details: { lineNumber: 3 } },
  ]);
  expect(stats.malformedLines).toBe(3);
  expect(JSON.stringify(events)).not.toContain("secret");
  expect(broken(read([...lines, line("06", "04")]).events).map(({ details }) => details?.lineNumber)).toEqual([2, 3, 5]);
  expect(read([JUNK]).events).toEqual([]);
  // In front of everything: the session and time of the first line that has them.
  expect(broken(read([JUNK, { type: "summary" }, line("03", null)]).events)).toMatchObject([
    { occurredAt: "2026-02-01T10:00:03.000Z", target: { id: "s-1" } },
  ]);
});

test.each([
  [1, 1, undefined],
  [TRANSCRIPT_MALFORMED_EVENTS_MAX, TRANSCRIPT_MALFORMED_EVENTS_MAX, undefined],
  [TRANSCRIPT_MALFORMED_EVENTS_MAX + 1, TRANSCRIPT_MALFORMED_EVENTS_MAX, 1],
  [TRANSCRIPT_MALFORMED_EVENTS_MAX + 50, TRANSCRIPT_MALFORMED_EVENTS_MAX, 50],
])("MAPPING-37: of %i malformed lines, %i are events and the rest is counted", (count, told, rest) => {
  const junk = Array.from({ length: count }, () => JUNK);
  const codes = (lines: readonly (string | object)[]): (readonly [string | undefined, unknown])[] =>
    broken(read(lines).events).map(({ outcome, details }) => [outcome.code, details?.lineCount]);
  const expected = [...Array(told).fill(["LINE_MALFORMED", undefined]), ...(rest === undefined ? [] : [["LINES_MALFORMED", rest]])];
  expect(codes([line("01", null), ...junk, line("02", "01")])).toEqual(expected);
  // The same with half a line behind them, whether another line stands in between or not.
  expect(codes([line("01", null), ...junk, line("02", "01"), JUNK])).toEqual(expected);
  expect(codes([line("01", null), ...junk, JUNK])).toEqual(expected);
});

test("MAPPING-38: an error among hooks of which one is Vouchtrail's has a code of its own", () => {
  const stopped = (commands: readonly unknown[]): object =>
    line("01", null, {
      type: "system",
      subtype: "stop_hook_summary",
      hookErrors: ["boom"],
      hookInfos: commands.map((command) => ({ command })),
    });
  const codeOf = (commands: readonly unknown[]): string | undefined => read([stopped(commands)]).events[0]?.outcome.code;
  for (const command of [
    "npx agent-audit-log",
    "curl -d @- http://127.0.0.1:7431/hooks/claude-code",
    "http://127.0.0.1:7431/hooks/codex",
    "/hooks/copilot",
    "vouchtrail hook",
  ])
    expect(codeOf(["lint", command])).toBe("RECORDER_HOOK_ERROR");
  for (const commands of [["go run main.go hooks claude-code stop"], [], [7, null]]) expect(codeOf(commands)).toBe("HOOK_ERROR");
});

test("MAPPING-39: a compaction tells what started it, how large the context was and where it goes on", () => {
  const compactMetadata = { trigger: "auto", preTokens: 168_483 };
  const { events } = read([
    line("01", null),
    line("02", null, { type: "system", subtype: "compact_boundary", compactMetadata, logicalParentUuid: "01" }),
    line("03", "02", { isCompactSummary: true }),
  ]);
  expect(events[1]).toMatchObject({ action: "agent.context.compacted", details: { compactMetadata, logicalParentUuid: "01", uuid: "02" } });
  expect(events[2]?.activity?.name).toBe("summary");
});
