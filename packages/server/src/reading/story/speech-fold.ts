import { type Fold, inOrder, newFold } from "./deed-fold.ts";
import type { HookPlaces } from "./hook-places.ts";

/**
 * Makes one of a prompt that a hook and the transcript both tell, and the same for answers: they share no id. Two are one when they have the same text but
 * for white space at its ends, in the same conversation, and no call of that conversation stands between them. Where the text of both was erased, the
 * place alone decides.
 *
 * @returns All folds. Each entry stands in exactly one. Rule: SESSION-6.
 */
export function foldSpeech(folds: readonly Fold[], places: HookPlaces): Fold[] {
  const waiting = new Map<string, Fold[]>();
  for (const fold of [...folds].sort(inOrder)) {
    const key = keyOf(fold, places);
    if (key === undefined || fold.first.via !== "import") continue;
    const there = waiting.get(key);
    if (there === undefined) waiting.set(key, [fold]);
    else there.push(fold);
  }
  const told = new Map<Fold, Fold>();
  const gone = new Set<Fold>();
  for (const fold of [...folds].sort(inOrder)) {
    if (fold.first.via !== "hook") continue;
    const key = keyOf(fold, places);
    const twin = key === undefined ? undefined : waiting.get(key)?.shift();
    if (twin === undefined) continue;
    gone.add(fold);
    const entries = [...fold.entries, ...twin.entries].sort((left, right) => left.index - right.index);
    told.set(twin, { ...newFold(entries, "inferred"), place: twin.place });
  }
  return folds.filter((fold) => !gone.has(fold)).map((fold) => told.get(fold) ?? fold);
}

/** What two folds that are one share; undefined for what cannot have been told twice. */
function keyOf(fold: Fold, places: HookPlaces): string | undefined {
  const { kind, first, conversationId, entries } = fold;
  if ((kind !== "prompt" && kind !== "response") || entries.length !== 1) return undefined;
  const text = first.text?.trim();
  if (text === undefined && !first.isContentErased) return undefined;
  return JSON.stringify([kind, conversationId ?? "", places.slotOf(first), text ?? null]);
}
