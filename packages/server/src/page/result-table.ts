/** The list of entries. One row is current; it is the one that the tab key reaches. Rules: PAGE-14, PAGE-15. */

import { formatAddress, type PageAddress } from "./address.ts";
import { make, makeButton, told } from "./elements.ts";
import { activityOf, actorOf, countingOf, type ListedEntry, type Shown, targetOf, textAt } from "./entry-text.ts";
import { outcomeMark } from "./outcome-mark.ts";
import { filterFor, type QueryFilter } from "./query-text.ts";
import { localTime } from "./time-text.ts";
import { visibleText } from "./visible-text.ts";

const CELL_CHARS_MAX = 80;
/** Rows while the tail is on; a page that is left open must not grow for ever. */
const LIVE_ROWS_MAX = 500;

export interface ResultTable {
  /** Shows these instead of what is there. */
  show(entries: readonly ListedEntry[]): void;
  append(entries: readonly ListedEntry[]): void;
  /** Puts new ones, newest first, on top and drops the oldest beyond the bound. @returns How many were not there yet. */
  prepend(entries: readonly ListedEntry[]): number;
  count(): number;
  /** Makes the row so many further down (or up) the current one and gives it the focus. */
  move(rows: number): void;
  /** Opens the current row. */
  open(): void;
  /** Marks the row of the entry that is open; undefined: none is. */
  mark(event: { readonly id: string } | undefined): void;
  /** Gives the focus back to the current row. */
  focus(): void;
  find(id: string): ListedEntry | undefined;
}

export interface TableOptions {
  readonly body: HTMLTableSectionElement;
  readonly address: () => PageAddress;
  readonly onFilter: (filter: QueryFilter) => void;
}

interface Row {
  readonly entry: ListedEntry;
  readonly element: HTMLTableRowElement;
  readonly link: HTMLAnchorElement;
}

export function createResultTable({ body, address, onFilter }: TableOptions): ResultTable {
  let rows: Row[] = [];
  let current: Row | undefined;
  let openId: string | undefined;

  function setCurrent(row: Row | undefined): void {
    current?.link.setAttribute("tabindex", "-1");
    current?.element.classList.remove("current");
    current = row;
    current?.link.setAttribute("tabindex", "0");
    current?.element.classList.add("current");
  }

  function rowOf(entry: ListedEntry): Row {
    const link = make("a", { tabindex: "-1" }, told(textAt(entry.event, "action") ?? "", CELL_CHARS_MAX));
    // When it is followed, not when it is made: the box may have changed since.
    const point = (): void => link.setAttribute("href", formatAddress({ ...address(), event: addressOf(entry) }));
    point();
    const element = make("tr", { role: "row" }, ...cellsOf(entry, link, onFilter));
    const row: Row = { entry, element, link };
    link.addEventListener("focus", () => {
      point();
      setCurrent(row);
    });
    element.addEventListener("click", (event) => {
      const isControl = event.target instanceof Element && event.target.closest("a, button") !== null;
      if (isControl || getSelection()?.isCollapsed === false) return;
      point();
      link.focus({ preventScroll: true });
      link.click();
    });
    if (entry.event.id === openId) markRow(row, true);
    return row;
  }

  function add(made: readonly Row[], place: "append" | "prepend"): void {
    body[place](...made.map(({ element }) => element));
    rows = place === "append" ? [...rows, ...made] : [...made, ...rows];
    if (current === undefined || !rows.includes(current)) setCurrent(rows[0]);
  }

  return {
    show(entries) {
      rows = [];
      setCurrent(undefined);
      body.replaceChildren();
      add(entries.map(rowOf), "append");
    },
    append: (entries) => add(entries.map(rowOf), "append"),
    prepend(entries) {
      const known = new Set(rows.map(({ entry }) => entry.index));
      const made = entries
        .slice(0, LIVE_ROWS_MAX)
        .filter(({ index }) => !known.has(index))
        .map(rowOf);
      for (const { element } of made) element.classList.add("new");
      add(made, "prepend");
      for (const { element } of rows.slice(LIVE_ROWS_MAX)) element.remove();
      rows = rows.slice(0, LIVE_ROWS_MAX);
      if (current !== undefined && !rows.includes(current)) setCurrent(rows.at(-1));
      return made.length;
    },
    count: () => rows.length,
    move(by) {
      const at = current === undefined ? -1 : rows.indexOf(current);
      const isFocused = current !== undefined && document.activeElement === current.link;
      // The first key press shows where one is.
      const next = isFocused ? rows[Math.max(0, Math.min(rows.length - 1, at + by))] : (current ?? rows[0]);
      if (next === undefined) return;
      setCurrent(next);
      next.link.focus({ preventScroll: true });
      next.element.scrollIntoView({ block: "nearest" });
    },
    open: () => current?.link.click(),
    mark(event) {
      openId = event?.id;
      for (const row of rows) markRow(row, row.entry.event.id === openId);
    },
    focus: () => current?.link.focus(),
    find: (id) => rows.find(({ entry }) => entry.event.id === id)?.entry,
  };
}

function addressOf({ event }: ListedEntry): { id: string; tenant?: string } {
  const tenant = textAt(event, "tenant");
  return { id: textAt(event, "id") ?? "", ...(tenant === undefined ? {} : { tenant }) };
}

function markRow({ element, link }: Row, isOpen: boolean): void {
  element.classList.toggle("open", isOpen);
  if (isOpen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

/** The roles are said again because narrow screens show rows as cards, and browsers then forget that it is a table. */
function cellsOf(entry: ListedEntry, link: HTMLAnchorElement, onFilter: TableOptions["onFilter"]): HTMLTableCellElement[] {
  const { event } = entry;
  const cell = (name: string, ...children: readonly (Node | string)[]): HTMLTableCellElement =>
    make("td", { role: "cell", class: `cell-${name}` }, ...children);
  const occurredAt = textAt(event, "occurredAt") ?? "";
  const session = textAt(event, "context", "sessionId");
  const counting = countingOf(entry);
  const actorType = textAt(event, "actor", "type") ?? "";
  return [
    cell(
      "time",
      make("time", { datetime: visibleText(occurredAt), title: `${visibleText(occurredAt)} (UTC or as sent)` }, localTime(occurredAt)),
    ),
    cell("action", link),
    cell("actor", shownText(actorOf(entry)), " ", make("span", { class: "quiet" }, actorType)),
    cell("target", shownText(targetOf(entry)), " ", make("span", { class: "quiet" }, told(textAt(event, "target", "type") ?? "", 40))),
    cell("outcome", outcomeMark(textAt(event, "outcome", "status") ?? "")),
    cell("activity", told(activityOf(entry), CELL_CHARS_MAX)),
    cell("session", ...(session === undefined ? [] : [sessionButton(session, onFilter)])),
    cell("counting", counting === "" ? "" : make("span", { class: `counting ${counting.replaceAll(" ", "-")}` }, counting)),
  ];
}

function sessionButton(session: string, onFilter: TableOptions["onFilter"]): HTMLButtonElement {
  const title = `Show only session ${visibleText(session.slice(0, CELL_CHARS_MAX))}`;
  // Out of the tab order: fifty of them would stand between the list and what follows; the open entry has the same filter.
  const button = makeButton("", { class: "link", tabindex: "-1", title }, () => onFilter(filterFor("session", session)));
  button.append(told(session, 24));
  return button;
}

function shownText({ text, isErased }: Shown): HTMLElement {
  return isErased ? make("em", { class: "erased" }, text) : told(text, CELL_CHARS_MAX);
}
