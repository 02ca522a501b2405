/** The page: address in, search out. What it shows is written down in docs/spec/page.md. */

import { formatAddress, type PageAddress, parseAddress } from "./address.ts";
import { createClient, type RequestError } from "./client.ts";
import { part } from "./elements.ts";
import { createEventPanel } from "./event-panel.ts";
import { isKeyText, openApiKey, openPinnedKey } from "./kept-keys.ts";
import { listenToKeys } from "./keyboard.ts";
import { createLedgerPanel } from "./ledger-panel.ts";
import { createResultList } from "./result-list.ts";
import { createSearchForm } from "./search-form.ts";
import { visibleLine, visibleText } from "./visible-text.ts";

const key = openApiKey();
const pinned = openPinnedKey();
const keyForm = part("key-form", HTMLFormElement);
const keyBox = part("key", HTMLInputElement);
const keyFault = part("key-fault", HTMLElement);
const keyForget = part("key-forget", HTMLButtonElement);
const liveButton = part("live", HTMLButtonElement);
const title = part("event-title", HTMLElement);
const sheet = part("ledger", HTMLDetailsElement);

let shown: PageAddress | undefined;
/** The entry is being closed to get at the search box. */
let isBoxWanted = false;

const client = createClient(key, askForKey);
const ledger = createLedgerPanel({
  client,
  pinned,
  summary: part("ledger-summary", HTMLElement),
  facts: part("ledger-facts", HTMLElement),
});
const form = createSearchForm((text) => search(text));
const list = createResultList({
  client,
  ledger,
  address: () => parseAddress(location.hash),
  onFilter: (filter) => form.filter(filter),
  onReads: (hasReads) => go({ ...parseAddress(location.hash), hasReads }, "push"),
});
const panel = createEventPanel({
  element: part("event", HTMLElement),
  content: part("event-content", HTMLElement),
  title,
  client,
  pinned,
  address: () => parseAddress(location.hash),
  onFilter: (filter) => form.filter(filter),
});

/** Goes to an address. A search that is asked for again is made again. */
function go(address: PageAddress, how: "push" | "replace"): void {
  const hash = formatAddress(address);
  if (hash === formatAddress(parseAddress(location.hash))) {
    shown = undefined;
    show();
  } else if (how === "push") location.hash = hash;
  else {
    history.replaceState(null, "", hash);
    show();
  }
}

function search(text: string): void {
  const { event: _, ...address } = parseAddress(location.hash);
  go({ ...address, query: text.trim() }, "push");
}

function closeEvent(): boolean {
  const { event, ...address } = parseAddress(location.hash);
  if (event === undefined) return false;
  go(address, "push");
  return true;
}

/** Brings the page to what its address says. */
function show(): void {
  const before = shown;
  const address = parseAddress(location.hash);
  shown = address;
  document.title = address.query === "" ? "Vouchtrail" : `${visibleLine(address.query, 60)} · Vouchtrail`;
  liveButton.setAttribute("aria-pressed", String(address.isLive));
  if (before?.query !== address.query || before.isLive !== address.isLive || before.hasReads !== address.hasReads) {
    form.write(address.query);
    void list.search(address);
  }
  if (before?.event?.id === address.event?.id && before?.event?.tenant === address.event?.tenant) return;
  document.body.classList.toggle("has-event", address.event !== undefined);
  list.table.mark(address.event);
  if (address.event !== undefined) void panel.open(address.event, list.table.find(address.event.id));
  else {
    panel.close();
    if (isBoxWanted) form.focus();
    else if (before !== undefined) list.table.focus();
    isBoxWanted = false;
  }
}

function closeSheet(): boolean {
  if (!sheet.open) return false;
  sheet.open = false;
  return true;
}

function askForKey(error: RequestError): void {
  keyFault.textContent = key.get() === undefined ? "" : visibleText(error.message);
  if (!keyForm.hidden) return;
  keyForm.hidden = false;
  keyBox.focus();
}

function useKey(secret: string | undefined): void {
  key.set(secret);
  keyForget.hidden = secret === undefined;
  shown = undefined;
  show();
  void ledger.refresh();
}

keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const secret = keyBox.value.trim();
  if (!isKeyText(secret)) {
    keyFault.textContent = "A key is one word without spaces, as vouchtrail keys create prints it.";
    return;
  }
  keyBox.value = "";
  keyForm.hidden = true;
  useKey(secret);
});
keyForget.hidden = key.get() === undefined;
keyForget.addEventListener("click", () => useKey(undefined));
liveButton.addEventListener("click", () => {
  const address = parseAddress(location.hash);
  go({ ...address, isLive: !address.isLive }, "replace");
});
part("event-close", HTMLButtonElement).addEventListener("click", () => closeEvent());
part("skip", HTMLAnchorElement).addEventListener("click", (event) => {
  // The address says what the page shows; it cannot say where it was scrolled to as well.
  event.preventDefault();
  part("results", HTMLElement).focus();
});
listenToKeys(part("results", HTMLElement), {
  search() {
    // On a small screen the entry stands in the place of the box.
    isBoxWanted = !form.isVisible() && closeEvent();
    form.focus();
  },
  move: (rows) => list.table.move(rows),
  open: () => list.table.open(),
  close: () => closeSheet() || closeEvent(),
});
document.addEventListener("click", ({ target }) => {
  if (target instanceof Node && !sheet.contains(target)) closeSheet();
});
window.addEventListener("hashchange", show);

// On a small screen the results come before the filters.
part("filters", HTMLDetailsElement).open = !matchMedia("(max-width: 40rem)").matches;
show();
void ledger.refresh();
ledger.watch(new AbortController().signal);
