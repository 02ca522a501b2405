import { earliest, type Fold } from "./deed-fold.ts";
import type { ToldEntry } from "./told-entry.ts";

/** A call, prompt or answer that hooks and the transcript told of: it says how late the hooks came. */
interface Anchor {
  readonly hookIndex: number;
  readonly toldMicros: bigint;
  readonly lateMicros: bigint;
}

/** Where hooks stand among what the transcript tells. */
export interface HookPlaces {
  /** How many deeds of the main conversation that both told of began before it. */
  slotOf(entry: ToldEntry): number;
}

const isHook = ({ via }: ToldEntry): boolean => via === "hook";

/**
 * Puts what only hooks tell into the order of the others. A hook names no time: its entry bears the moment of its arrival, which lies after the deed,
 * by much when it waited on a disk. How late the deed before it came, of which the transcript tells too, says how late it came.
 *
 * @param folds Their `place` is set. Twice is as good as once: the second time also prompts that were found to be told twice say how late hooks came.
 * Rule: SESSION-5.
 */
export function placeHooks(folds: readonly Fold[]): HookPlaces {
  const anchors = folds.flatMap((fold) => anchorOf(fold)).sort((left, right) => left.hookIndex - right.hookIndex);
  const times = anchors.map(({ toldMicros }) => toldMicros).sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));
  for (const fold of folds) {
    if (!fold.entries.every(isHook)) continue;
    const [entry] = fold.entries;
    if (entry === undefined) continue;
    const before = countBelow(anchors, ({ hookIndex }) => hookIndex < entry.index);
    const anchor = anchors[before - 1] ?? anchors[0];
    if (anchor !== undefined) fold.place = earliest(fold.entries).micros - anchor.lateMicros;
  }
  return {
    slotOf: (entry) =>
      isHook(entry)
        ? countBelow(anchors, ({ hookIndex }) => hookIndex < entry.index)
        : countBelow(times, (micros) => micros < entry.micros),
  };
}

function anchorOf(fold: Fold): Anchor[] {
  if (fold.subagent !== undefined) return [];
  const hook = fold.entries.find((entry) => isHook(entry) && (fold.kind === "call" ? entry.phase === "intent" : fold.basis === "inferred"));
  const told = fold.entries.find((entry) => entry.via === "import");
  if (hook === undefined || told === undefined) return [];
  return [{ hookIndex: hook.index, toldMicros: told.micros, lateMicros: hook.micros - told.micros }];
}

/** How many members at the front are below; they stand in an order in which those come first. */
function countBelow<T>(sorted: readonly T[], isBelow: (member: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBelow(sorted[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}
