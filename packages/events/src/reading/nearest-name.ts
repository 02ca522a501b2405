import { UNKNOWN_NAME_CHARS_MAX } from "./limits.ts";

/**
 * The known name that an unknown one is most likely a slip of: at most a third of its letters were changed, left out, added or swapped with their
 * neighbour. Capitals, `-` and `_` do not count.
 *
 * @returns Undefined when none is near enough.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > UNKNOWN_NAME_CHARS_MAX) return undefined;
  const plain = plainName(name);
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(plain.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(plain, plainName(candidate));
    if (distance >= least || distance >= candidate.length) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, "");
}

/** A letter that was left out, added or swapped costs 1: those slips are more frequent than a wrong letter (`acton` is `action`, not `actor`). */
const CHANGE_COST = 1.5;

/** Optimal string alignment: insertions, deletions, changes, and swaps of neighbours. */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, j) => j);
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const isSame = left[i - 1] === right[j - 1];
      let cost = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (isSame ? 0 : CHANGE_COST));
      const isSwap = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      if (isSwap) cost = Math.min(cost, (beforePrevious[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[right.length] ?? 0;
}
