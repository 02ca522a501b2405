import type { JsonObject, Usage } from "../event.ts";
import { asAmount, asObject } from "./claude-code-line.ts";
import type { ModelPrice } from "./model-prices.ts";

/** Claude Code writes lines of its own under this name: no model answered, nothing was paid. */
export const SYNTHETIC_MODEL = "<synthetic>";

/** Tokens of a line's `usage` that were written to the cache for 1 hour; 0 where it does not tell the kinds apart. */
export function readHourCacheTokens(usage: JsonObject | undefined): number {
  const tokens = asAmount(asObject(usage?.cache_creation)?.ephemeral_1h_input_tokens);
  return tokens !== undefined && Number.isSafeInteger(tokens) ? tokens : 0;
}

/** Whether a request says how many tokens it took: without any count there is nothing to price. */
export function hasTokens({ tokensInput, tokensOutput, tokensCacheRead, tokensCacheWrite }: Usage): boolean {
  return [tokensInput, tokensOutput, tokensCacheRead, tokensCacheWrite].some((count) => count !== undefined);
}

/**
 * What the tokens of one request cost, in US dollars, to the millionth.
 *
 * @param hourCacheTokens How many of `tokensCacheWrite` were written for 1 hour; the others count as written for 5 minutes.
 *
 * An estimate: discounts, batches, fast mode and taxes are not in the tokens. Rule: MAPPING-41.
 */
export function estimateCostUsd(usage: Usage, hourCacheTokens: number, price: ModelPrice): number {
  const { tokensInput = 0, tokensOutput = 0, tokensCacheRead = 0, tokensCacheWrite = 0 } = usage;
  const hourTokens = Math.min(hourCacheTokens, tokensCacheWrite);
  // Dollars per million tokens are millionths of a dollar per token.
  const microUsd =
    tokensInput * price.inputUsd +
    tokensOutput * price.outputUsd +
    tokensCacheRead * price.cacheReadUsd +
    (tokensCacheWrite - hourTokens) * price.cacheWriteUsd +
    hourTokens * (price.cacheWrite1hUsd ?? price.cacheWriteUsd);
  return Math.round(microUsd) / 1_000_000;
}
