/** Keys of the page: `/` to the search box, j and k or the arrows through the list, Enter opens, Escape closes. Rule: PAGE-15. */

export interface KeyActions {
  readonly search: () => void;
  readonly move: (rows: number) => void;
  readonly open: () => void;
  /** @returns Whether there was something to close. */
  readonly close: () => boolean;
}

const MOVES: Readonly<Record<string, number>> = { j: 1, k: -1 };
const ARROWS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

/** @param list The arrows move through the list while the focus is in it; elsewhere they scroll, as everybody expects. */
export function listenToKeys(list: HTMLElement, actions: KeyActions): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key, target } = event;
    const isWriting = target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
    if (key === "Escape") {
      if (actions.close()) event.preventDefault();
      else if (isWriting) target.blur();
      return;
    }
    if (isWriting) return;
    const isInList = target instanceof Node && list.contains(target);
    const rows = MOVES[key] ?? (isInList ? ARROWS[key] : undefined);
    if (rows !== undefined) actions.move(rows);
    else if (key === "/") actions.search();
    // On a link or a button Enter does what it always does.
    else if (key === "Enter" && target === document.body) actions.open();
    else return;
    event.preventDefault();
  });
}
