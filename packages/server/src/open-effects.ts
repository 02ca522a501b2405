import type { SearchEngine } from "./followers/search/search-engine.ts";

/** Milliseconds after which an effect without an outcome is worth a look: most end within seconds. */
export const OPEN_EFFECT_AGE_MS = 3_600_000;
/** How many are counted. */
const COUNTED_MAX = 1_000;
/** Milliseconds for which a count is good: whoever collects metrics asks every few seconds. */
const COUNT_AGE_MS_MAX = 60_000;

export interface OpenEffectsParts {
  readonly engine: Pick<SearchEngine, "effects">;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/**
 * Counts effects that have been open for an hour, at most once a minute.
 *
 * @returns At most 1,000; undefined when the search index cannot tell now.
 */
export function createOpenEffectsCount({ engine, nowMs }: OpenEffectsParts): () => Promise<number | undefined> {
  let counted: { readonly atMs: number; readonly count: Promise<number | undefined> } | undefined;
  return () => {
    const now = nowMs();
    if (counted === undefined || now - counted.atMs > COUNT_AGE_MS_MAX) {
      const filter = { conditions: [], to: new Date(now - OPEN_EFFECT_AGE_MS).toISOString() };
      const count = engine.effects({ filter, state: "open", limit: COUNTED_MAX, order: "newest" }).then(
        ({ entries }) => entries.length,
        () => undefined,
      );
      counted = { atMs: now, count };
    }
    return counted.count;
  };
}
