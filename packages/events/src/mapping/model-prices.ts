/** What a model costs from one day on, in US dollars per million tokens. */
export interface ModelPrice {
  /** The model's name as requests tell it, or the beginning of it with `*` behind: `claude-opus-4-5*`. */
  readonly model: string;
  /** RFC 3339 date (UTC) from which it holds, until a later one of the same name. */
  readonly from: string;
  readonly inputUsd: number;
  readonly outputUsd: number;
  readonly cacheReadUsd: number;
  /** Of tokens that are kept for 5 minutes. */
  readonly cacheWriteUsd: number;
  /** Of tokens that are kept for 1 hour; as `cacheWriteUsd` when absent. */
  readonly cacheWrite1hUsd?: number | undefined;
}

/**
 * Finds the price of a model at a time.
 *
 * @param occurredAt RFC 3339; without one, the newest price is meant.
 * @returns undefined when no price is known for that time.
 */
export type FindPrice = (model: string, occurredAt: string | undefined) => ModelPrice | undefined;

const OPUS_4 = { inputUsd: 15, outputUsd: 75, cacheReadUsd: 1.5, cacheWriteUsd: 18.75, cacheWrite1hUsd: 30 };
const OPUS_5_5 = { inputUsd: 4, outputUsd: 20, cacheReadUsd: 0.2, cacheWriteUsd: 5, cacheWrite1hUsd: 8 };
const OPUS_4_5 = { inputUsd: 5, outputUsd: 25, cacheReadUsd: 0.5, cacheWriteUsd: 6.25, cacheWrite1hUsd: 10 };
const SONNET_4 = { inputUsd: 3, outputUsd: 15, cacheReadUsd: 0.3, cacheWriteUsd: 3.75, cacheWrite1hUsd: 6 };
const HAIKU_4_5 = { inputUsd: 1, outputUsd: 5, cacheReadUsd: 0.1, cacheWriteUsd: 1.25, cacheWrite1hUsd: 2 };
const HAIKU_3_5 = { inputUsd: 0.8, outputUsd: 4, cacheReadUsd: 0.08, cacheWriteUsd: 1, cacheWrite1hUsd: 1.6 };

/**
 * The list prices that Anthropic publishes for its API (https://platform.claude.com/docs/en/about-claude/pricing), each from the day on which
 * the model came out. Only prices that are certain stand here: what is missing, or agreed otherwise, belongs into `prices` of the
 * configuration, which comes first. Not among them: batches, fast mode, long prompts, regions, subscriptions.
 */
export const SHIPPED_MODEL_PRICES: readonly ModelPrice[] = [
  { model: "claude-opus-5-5", from: "2026-09-22", ...OPUS_5_5 },
  { model: "claude-opus-5", from: "2026-07-24", ...OPUS_4_5 },
  { model: "claude-opus-4-8*", from: "2026-05-28", ...OPUS_4_5 },
  { model: "claude-opus-4-7*", from: "2026-04-16", ...OPUS_4_5 },
  { model: "claude-opus-4-6*", from: "2026-02-05", ...OPUS_4_5 },
  { model: "claude-opus-4-5*", from: "2025-11-24", ...OPUS_4_5 },
  { model: "claude-opus-4-1*", from: "2025-08-05", ...OPUS_4 },
  { model: "claude-opus-4-0*", from: "2025-05-22", ...OPUS_4 },
  { model: "claude-opus-4-20250514*", from: "2025-05-22", ...OPUS_4 },
  { model: "claude-sonnet-4-6*", from: "2026-02-17", ...SONNET_4 },
  { model: "claude-sonnet-4-5*", from: "2025-09-29", ...SONNET_4 },
  { model: "claude-sonnet-4-0*", from: "2025-05-22", ...SONNET_4 },
  { model: "claude-sonnet-4-20250514*", from: "2025-05-22", ...SONNET_4 },
  { model: "claude-haiku-4-5*", from: "2025-10-15", ...HAIKU_4_5 },
  // The day from which its price is the lower one of today; it came out on 2024-11-04.
  { model: "claude-3-5-haiku*", from: "2024-12-03", ...HAIKU_3_5 },
];

/**
 * Makes the finder of prices of one or several tables. The first table that has a price for the model and time wins. Within a table a whole name
 * comes before a beginning, a longer beginning before a shorter one, and of the same name the latest `from` that is not after the time. Rule: MAPPING-40.
 */
export function createPriceFinder(...tables: readonly (readonly ModelPrice[])[]): FindPrice {
  const ranked = tables.map((table) => [...table].sort(byRank));
  const found = new Map<string, readonly ModelPrice[]>();
  return (model, occurredAt) => {
    const at = occurredAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(occurredAt);
    let candidates = found.get(model);
    if (candidates === undefined) {
      candidates = ranked.flatMap((table) => table.filter((price) => isFor(price, model)));
      found.set(model, candidates);
    }
    return candidates.find(({ from }) => Date.parse(from) <= at);
  };
}

function isFor({ model: name }: ModelPrice, model: string): boolean {
  return name.endsWith("*") ? model.startsWith(name.slice(0, -1)) : model === name;
}

function byRank(left: ModelPrice, right: ModelPrice): number {
  const lengthOf = ({ model }: ModelPrice): number => (model.endsWith("*") ? model.length - 1 : Number.POSITIVE_INFINITY);
  const [one, other] = [lengthOf(left), lengthOf(right)];
  if (one !== other) return one > other ? -1 : 1;
  return Date.parse(right.from) - Date.parse(left.from);
}
