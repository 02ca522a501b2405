import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createTranscriptReader, type TranscriptStats } from "./claude-code-transcript.ts";
import { createPriceFinder, type ModelPrice, SHIPPED_MODEL_PRICES } from "./model-prices.ts";

const folder = new URL("../../../../../shared/data/claude-code/", import.meta.url);
const price = (model: string, from: string, inputUsd: number): ModelPrice => ({
  model,
  from,
  inputUsd,
  outputUsd: 10,
  cacheReadUsd: 0.5,
  cacheWriteUsd: 2,
});

test("MAPPING-40: the price of the time holds, whole names come before beginnings and one's own table before the shipped one", () => {
  const shipped = [
    price("claude-*", "2026-01-01", 1),
    price("claude-big*", "2026-01-01", 2),
    price("claude-big*", "2026-03-01", 3),
    price("claude-big-2", "2026-01-01", 4),
  ];
  const find = createPriceFinder([price("claude-own*", "2026-02-01", 9)], shipped);
  const inputOf = (model: string, at?: string): number | undefined => find(model, at)?.inputUsd;
  expect([
    inputOf("claude-small", "2026-02-01T00:00:00Z"),
    inputOf("claude-big-1", "2026-02-28T23:59:59Z"),
    inputOf("claude-big-1", "2026-03-01T00:00:00Z"),
    inputOf("claude-big-1", "2026-03-01T00:30:00+01:00"),
    inputOf("claude-big-1"),
    inputOf("claude-big-2", "2026-04-01T00:00:00Z"),
    inputOf("claude-own-1", "2026-01-15T00:00:00Z"),
    inputOf("claude-own-1", "2026-02-15T00:00:00Z"),
    inputOf("claude-big-1", "2025-12-31T23:59:59Z"),
    inputOf("other", "2026-04-01T00:00:00Z"),
  ]).toEqual([1, 2, 3, 2, 3, 4, 1, 9, undefined, undefined]);
});

test("MAPPING-40: the shipped prices tell versions of one family apart", () => {
  const find = createPriceFinder(SHIPPED_MODEL_PRICES);
  const outputOf = (model: string): number | undefined => find(model, "2026-11-01T00:00:00Z")?.outputUsd;
  expect([
    outputOf("claude-opus-4-20250514"),
    outputOf("claude-opus-4-1-20250805"),
    outputOf("claude-opus-4-5-20251101"),
    outputOf("claude-opus-4-6[1m]"),
    outputOf("claude-opus-5"),
    outputOf("claude-opus-5-5"),
    outputOf("claude-sonnet-4-5@20250929"),
    outputOf("claude-haiku-4-5-20251001"),
    outputOf("claude-3-5-haiku-20241022"),
    outputOf("claude-opus-9"),
  ]).toEqual([75, 75, 25, 25, 25, 20, 15, 5, 4, undefined]);
  for (const { from } of SHIPPED_MODEL_PRICES) expect(from).toMatch(/^\d{4}-\d{2}-\d{2}$/);
});

function costs(
  model: string,
  usages: readonly object[],
  prices?: readonly ModelPrice[],
): { costs: (number | undefined)[]; stats: TranscriptStats } {
  const reader = createTranscriptReader(prices === undefined ? {} : { prices: createPriceFinder(prices) });
  const events = usages.flatMap((usage, at) =>
    reader.push(
      JSON.stringify({
        type: "assistant",
        uuid: `u-${at}`,
        sessionId: "s",
        requestId: "r-1",
        timestamp: "2026-02-01T00:00:00Z",
        message: { id: "m", role: "assistant", model, content: [{ type: "text", text: "hi" }], usage },
      }),
    ),
  );
  const requests = [...events, ...reader.end()].filter(({ action }) => action === "ai.model_call");
  return { costs: requests.map(({ usage }) => usage?.costUsd), stats: reader.stats };
}

test("MAPPING-41: the cost stands once a request, of its largest counts, with both kinds of cache writes", () => {
  const usages = [
    { input_tokens: 3, output_tokens: 1, cache_read_input_tokens: 7, cache_creation_input_tokens: 30 },
    {
      input_tokens: 3,
      output_tokens: 11,
      cache_read_input_tokens: 7,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
    },
  ];
  const table = [{ ...price("m-*", "2026-01-01", 5), cacheWrite1hUsd: 4 }];
  // 3 × 5 + 11 × 10 + 7 × 0.5 + 10 × 2 + 20 × 4 = 228.5 millionths
  expect(costs("m-1", usages, table).costs).toEqual([0.000229]);
  expect(costs("m-1", usages, [price("m-*", "2026-01-01", 5)]).costs).toContain(0.000189);
  expect(costs("m-1", usages).costs).toEqual([undefined]);
});

test("MAPPING-41: a model without a price is counted once a request, and what no model answered is not", () => {
  const usages = [
    { input_tokens: 1, output_tokens: 1 },
    { input_tokens: 1, output_tokens: 2 },
  ];
  const unknown = costs("m-1", usages, [price("m-*", "2026-02-02", 1)]);
  expect(unknown.costs).toEqual([undefined]);
  expect(unknown.stats.unpricedRequests).toEqual(new Map([["m-1", 1]]));
  const synthetic = costs("<synthetic>", usages, [price("*", "2020-01-01", 1)]);
  expect(synthetic.costs).toEqual([]);
  expect(synthetic.stats.unpricedRequests.size).toBe(0);
});

interface Response {
  readonly requestId?: string;
  readonly type: string;
  readonly message: { readonly model: string; readonly usage?: Record<string, number> & { cache_creation?: Record<string, number> } };
}

test("MAPPING-41: costs of real transcripts equal what their lines say, for each model", () => {
  if (!existsSync(folder)) {
    console.warn("Skipped: the shared data is not beside this checkout.");
    return;
  }
  const told = new Map<string, number>();
  const expected = new Map<string, number>();
  const add = (sums: Map<string, number>, model: string, microUsd: number): void => void sums.set(model, (sums.get(model) ?? 0) + microUsd);
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".jsonl"))) {
    const lines = readFileSync(new URL(name, folder), "utf8").split("\n").filter(Boolean);
    const reader = createTranscriptReader({ prices: createPriceFinder(SHIPPED_MODEL_PRICES) });
    for (const { usage } of [...lines.flatMap((line) => reader.push(line)), ...reader.end()]) {
      if (usage?.costUsd !== undefined) add(told, usage.model ?? "", Math.round(usage.costUsd * 1_000_000));
    }
    expect(reader.stats.unpricedRequests.size).toBe(0);

    const counts = new Map<string, { model: string; tokens: number[] }>();
    for (const line of lines) {
      const parsed = JSON.parse(line) as Response & { data?: { message?: Response } };
      const { type, requestId, message } = parsed.type === "progress" ? (parsed.data?.message ?? parsed) : parsed;
      if (type !== "assistant" || requestId === undefined || message.usage === undefined) continue;
      const { usage, model } = message;
      const hour = usage.cache_creation?.ephemeral_1h_input_tokens ?? 0;
      const tokens = [
        usage.input_tokens ?? 0,
        usage.output_tokens ?? 0,
        usage.cache_read_input_tokens ?? 0,
        (usage.cache_creation_input_tokens ?? 0) - hour,
        hour,
      ];
      const largest = counts.get(requestId)?.tokens ?? [];
      counts.set(requestId, { model, tokens: tokens.map((count, at) => Math.max(count, largest[at] ?? 0)) });
    }
    for (const { model, tokens } of counts.values()) {
      const rates = model.startsWith("claude-opus-4-") ? [5, 25, 0.5, 6.25, 10] : [1, 5, 0.1, 1.25, 2];
      add(expected, model, Math.round(tokens.reduce((sum, count, at) => sum + count * (rates[at] ?? 0), 0)));
    }
  }
  expect([...told.keys()].sort()).toEqual(["claude-haiku-4-5-20251001", "claude-opus-4-5-20251101", "claude-opus-4-6"]);
  expect(told).toEqual(expected);
});
