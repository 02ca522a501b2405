import fc from "fast-check";
import { expect, test } from "vitest";
import type { AuditEventInput } from "../event.ts";
import { createTranscriptReader, type TranscriptOptions } from "./claude-code-transcript.ts";
import { createPriceFinder, SHIPPED_MODEL_PRICES } from "./model-prices.ts";

const prices = createPriceFinder(SHIPPED_MODEL_PRICES);

interface File {
  readonly lines: readonly object[];
  readonly options: TranscriptOptions;
}
function read({ lines, options }: File): AuditEventInput[] {
  const reader = createTranscriptReader({ ...options, prices });
  return [...lines.flatMap((line) => reader.push(JSON.stringify(line))), ...reader.end()];
}

type Step =
  | { readonly kind: "say" }
  | { readonly kind: "call"; readonly ending: "ok" | "error" | "refused" | "interrupted" | "open"; readonly says: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ kind: "say" } as const),
  fc.record({
    kind: fc.constant("call" as const),
    ending: fc.constantFrom("ok", "error", "refused", "interrupted", "open"),
    says: fc.boolean(),
  }),
);

/** A subagent's work as its own file has it, and as the progress lines of its session have it: without what was said, without tool results of their own shape. */
function filesOf(subagentId: string, steps: readonly Step[]): { own: object[]; progress: object[] } {
  const own: object[] = [];
  const progress: object[] = [];
  let parentUuid: string | null = null;
  let second = 0;
  const add = (type: string, message: object, more: object, isInProgress: boolean): void => {
    second += 1;
    const uuid = `${subagentId}-${second}`;
    const timestamp = `2026-02-01T10:00:${String(second % 60).padStart(2, "0")}.000Z`;
    const { toolUseResult, ...shared } = more as { toolUseResult?: unknown };
    const inner = { type, uuid, timestamp, message, ...shared };
    own.push({
      ...inner,
      parentUuid,
      isSidechain: true,
      agentId: subagentId,
      sessionId: "s-1",
      ...(toolUseResult !== undefined && { toolUseResult }),
    });
    parentUuid = uuid;
    if (!isInProgress) return;
    progress.push({
      type: "progress",
      uuid: `p-${uuid}`,
      parentUuid: null,
      sessionId: "s-1",
      timestamp,
      parentToolUseID: `toolu_${subagentId}`,
      data: { type: "agent_progress", agentId: subagentId, message: inner },
    });
  };
  add("user", { role: "user", content: [{ type: "text", text: "Find it" }] }, {}, true);
  for (const [at, { kind, ...how }] of steps.entries()) {
    const requestId = `req_${subagentId}_${at}`;
    const usage = { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 };
    const answer = (block: object): object => ({ role: "assistant", model: "claude-haiku-4-5-20251001", content: [block], usage });
    if (kind === "say" || ("says" in how && how.says)) add("assistant", answer({ type: "text", text: "I look." }), { requestId }, false);
    if (!("ending" in how)) continue;
    const callId = `toolu_${subagentId}_${at}`;
    add("assistant", answer({ type: "tool_use", id: callId, name: "Bash", input: {} }), { requestId }, true);
    if (how.ending === "open") continue;
    const content = how.ending === "refused" ? "The user doesn't want to proceed with this tool use. Stop." : "output";
    const isError = how.ending === "error" || how.ending === "refused";
    const toolUseResult = { stdout: "output", interrupted: how.ending === "interrupted" };
    add(
      "user",
      { role: "user", content: [{ type: "tool_result", tool_use_id: callId, content, is_error: isError }] },
      { toolUseResult },
      true,
    );
  }
  return { own, progress };
}

const sameness = ({ id, occurredAt, action, outcome }: AuditEventInput): string => JSON.stringify([id, occurredAt, action, outcome.status]);

test("MAPPING-35: files of subagents and progress lines tell the same, in any order of files, and tokens count once", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), fc.array(step, { maxLength: 4 }), fc.integer({ min: 0, max: 5 }), (one, other, order) => {
      const [first, second] = [filesOf("a1", one), filesOf("b2", other)];
      const files: File[] = [
        { lines: [...first.progress, ...second.progress], options: {} },
        { lines: first.own, options: { subagentId: "a1", sessionId: "s-1" } },
        { lines: second.own, options: { subagentId: "b2" } },
      ];
      const orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
      ] as const;
      const inOrder = (orders[order] ?? orders[0]).map((at) => files[at]).filter((file) => file !== undefined);
      const told = inOrder.flatMap(read);
      const kept = new Map<string, AuditEventInput>();
      // As the ledger does it: the first one stays.
      for (const event of told) if (event.id !== undefined && !kept.has(event.id)) kept.set(event.id, event);
      // No id stands for two different things.
      expect(new Set(told.map(sameness)).size).toBe(kept.size);
      expect(new Set([...kept.values()].map(sameness))).toEqual(new Set(files.flatMap(read).map(sameness)));
      // Nothing but what was said is in one source only.
      const own = new Set([...read(files[1] as File), ...read(files[2] as File)].map(({ id }) => id));
      expect(read(files[0] as File).every(({ id }) => own.has(id))).toBe(true);
      const carriers = [...kept.values()].filter(({ usage }) => usage?.tokensInput !== undefined);
      const requests = carriers.map(({ context }) => context?.requestId);
      expect(new Set(requests).size).toBe(requests.length);
      for (const { usage } of carriers) expect(usage?.costUsd).toBe((10 * 1 + 5 * 5 + 100 * 0.1 + 20 * 1.25) / 1_000_000);
    }),
    { numRuns: 200 },
  );
});

test("MAPPING-35: lines that name no session or subagent have those of the file's name", () => {
  const line = { type: "user", uuid: "u-1", timestamp: "2026-02-01T10:00:00Z", message: { role: "user", content: "Find it" } };
  const [named] = read({ lines: [line], options: { sessionId: "s-1", subagentId: "a1" } });
  const [said] = read({ lines: [{ ...line, sessionId: "s-1", agentId: "a1", isSidechain: true }], options: {} });
  expect(named).toEqual(said);
  expect(named).toMatchObject({ actor: { type: "agent", id: "claude-code" }, context: { sessionId: "s-1", conversationId: "s-1/a1" } });
});
