import type { JsonObject, Usage } from "../event.ts";
import { asAmount } from "./claude-code-line.ts";
import { isObject, present } from "./json-object.ts";

/** The tokens of one line's `usage`. Counts that are none are left out. */
export function readTokens(usage: JsonObject | undefined): Usage {
  const tokens = (name: string): number | undefined => {
    const value = asAmount(usage?.[name]);
    return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
  };
  return present({
    tokensInput: tokens("input_tokens"),
    tokensOutput: tokens("output_tokens"),
    tokensCacheRead: tokens("cache_read_input_tokens"),
    tokensCacheWrite: tokens("cache_creation_input_tokens"),
  });
}

/** The larger count of each kind: a response's lines repeat the count so far. Rule: MAPPING-15. */
export function largestTokens(one: Usage, other: Usage): Usage {
  const merged: Usage = { ...one };
  for (const name of ["tokensInput", "tokensOutput", "tokensCacheRead", "tokensCacheWrite"] as const) {
    const value = other[name];
    if (value !== undefined && value >= (merged[name] ?? 0)) merged[name] = value;
  }
  return merged;
}

/** What the tool itself measured, in ms: without the time that a person took to allow the call. */
export function readDuration(toolUseResult: unknown): number | undefined {
  if (!isObject(toolUseResult)) return undefined;
  const seconds = asAmount(toolUseResult.durationSeconds);
  return (
    asAmount(toolUseResult.totalDurationMs) ?? asAmount(toolUseResult.durationMs) ?? (seconds === undefined ? undefined : seconds * 1_000)
  );
}

/** Milliseconds from one time to another; undefined when one is missing or they run backwards. */
export function millisecondsBetween(from: string | undefined, to: string | undefined): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  const durationMs = Date.parse(to) - Date.parse(from);
  return durationMs >= 0 ? durationMs : undefined;
}
