/** Items of a text or of a list, by their place. */
interface Items<Item> {
  readonly length: number;
  readonly [place: number]: Item;
}

/** How the items of a pattern are meant. */
interface PatternRules<Item> {
  /** Stands for any number of items, also none. */
  readonly isStar: (symbol: Item) => boolean;
  readonly matches: (symbol: Item, item: Item) => boolean;
}

/**
 * Whether all of `items` match a pattern with stars.
 *
 * Only the last star is ever tried again, so the time is at most the product of both lengths.
 */
export function matchesStarred<Item>(pattern: Items<Item>, items: Items<Item>, { isStar, matches }: PatternRules<Item>): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let starAt = 0;
  while (at < items.length) {
    const symbol = pattern[inPattern];
    if (symbol !== undefined && isStar(symbol)) {
      star = inPattern++;
      starAt = at;
    } else if (symbol !== undefined && matches(symbol, items[at] as Item)) {
      inPattern++;
      at++;
    } else if (star >= 0) {
      inPattern = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (inPattern < pattern.length && isStar(pattern[inPattern] as Item)) inPattern++;
  return inPattern === pattern.length;
}

const CHARACTERS: PatternRules<string> = {
  isStar: (symbol) => symbol === "*",
  matches: (symbol, character) => symbol === "?" || symbol === character,
};

/** Whether the whole of `text` matches `pattern`, in which `*` stands for any characters, also none, and `?` for one. */
export function matchesWildcard(pattern: string, text: string): boolean {
  return matchesStarred(pattern, text, CHARACTERS);
}
