/** One entry: its proof, its fields, its sections, and what else tells of the same deed. Rules: PAGE-10, PAGE-16. */

import type { SearchPage } from "@vouchtrail/events";
import { type EventAddress, formatAddress, type PageAddress } from "./address.ts";
import { type Client, type Parameters, parseAnswer, RequestError } from "./client.ts";
import { make, told } from "./elements.ts";
import { actorOf, countingOf, type ListedEntry, targetOf, textAt } from "./entry-text.ts";
import { eventFields, group, row } from "./event-fields.ts";
import { foldedText } from "./folded-text.ts";
import type { PinnedKey } from "./kept-keys.ts";
import { outcomeMark } from "./outcome-mark.ts";
import type { ShownEntry } from "./proof-check.ts";
import { createProofView } from "./proof-view.ts";
import { filterFor, type QueryFilter } from "./query-text.ts";
import { countText, localTime } from "./time-text.ts";
import { visibleText } from "./visible-text.ts";

const COUNTING_WORDS: Readonly<Record<string, string>> = {
  counted: "This entry counts; no other one tells of the same deed.",
  intent: "This entry tells what was intended. How it ended is not known: an open effect.",
  "told again": "This entry tells again of a deed that counts elsewhere.",
  "no deed": "The server wrote this entry itself; it is no deed and is not counted.",
};

/** Entries asked for to find how the open one stands to its deed. */
const NEIGHBOURS_MAX = 50;

export interface EventPanel {
  /** @param known The entry as the list has it: only a search knows its deed. */
  open(event: EventAddress, known: ListedEntry | undefined): Promise<void>;
  close(): void;
}

export interface PanelOptions {
  readonly element: HTMLElement;
  /** Filled with what belongs to the open entry. */
  readonly content: HTMLElement;
  readonly title: HTMLElement;
  readonly client: Client;
  readonly pinned: PinnedKey;
  readonly address: () => PageAddress;
  readonly onFilter: (filter: QueryFilter) => void;
}

export function createEventPanel(options: PanelOptions): EventPanel {
  const { element, content, title, client, pinned, onFilter } = options;
  let opening = new AbortController();

  async function open(event: EventAddress, known: ListedEntry | undefined): Promise<void> {
    opening.abort();
    opening = new AbortController();
    const { signal } = opening;
    element.hidden = false;
    element.setAttribute("aria-busy", "true");
    title.textContent = "Reading the entry …";
    content.replaceChildren();
    title.focus({ preventScroll: true });
    try {
      await fill(event, known, signal);
    } catch (error) {
      if (signal.aborted) return;
      title.textContent = "The entry cannot be shown";
      content.replaceChildren(make("p", { class: "notice bad" }, messageOf(error)));
    } finally {
      if (!signal.aborted) element.removeAttribute("aria-busy");
    }
  }

  async function fill({ id, tenant }: EventAddress, known: ListedEntry | undefined, signal: AbortSignal): Promise<void> {
    const path = `api/v1/events/${encodeURIComponent(id)}`;
    const parameters: Parameters = tenant === undefined ? [] : [["tenant", tenant]];
    const text = await client.text(path, parameters, signal);
    const entry = { ...(known?.index === undefined ? {} : standing(known)), ...parseAnswer<ListedEntry>(text) };
    const proof = createProofView(pinned, () => void check());
    const deed = make("div");
    title.replaceChildren(told(textAt(entry.event, "action") ?? "An entry", 120));
    content.replaceChildren(
      head(entry),
      proof.element,
      ...eventFields(entry, onFilter),
      deed,
      ...aboutEntry(entry, onFilter),
      rawJson(text),
    );

    let bundleText: string | undefined;
    async function check(): Promise<void> {
      proof.showChecking();
      try {
        bundleText ??= await client.text(`${path}/bundle`, parameters, signal);
        // Only now: the first list is there sooner without the cryptography.
        const { checkProof } = await import("./proof-check.ts");
        if (signal.aborted) return;
        proof.showCheck(checkProof(bundleText, shownEntry(entry), pinned.get()), bundleText, `vouchtrail-${entry.index}.json`);
      } catch (error) {
        if (!signal.aborted) proof.showUnavailable(messageOf(error));
      }
    }
    await Promise.all([check(), fillDeed(entry, deed, signal)]);
  }

  /** How the entry counts, and the other entries of its deed. What cannot be had is left out: the entry itself does not depend on the search index. */
  async function fillDeed(entry: ListedEntry, place: HTMLElement, signal: AbortSignal): Promise<void> {
    try {
      const known = entry.counted === undefined ? await findNeighbour(entry, signal) : entry;
      if (known === undefined) return;
      const page = known.deed === undefined ? undefined : await search([["deed", known.deed]], signal);
      if (signal.aborted) return;
      const items = page?.events.map((other) => deedItem(other, other.index === entry.index, options.address())) ?? [];
      const words =
        items.length > 1 ? `${countText(items.length)} entries tell of this deed; it counts once.` : COUNTING_WORDS[countingOf(known)];
      const list = items.length > 1 ? [make("ul", { class: "deed" }, ...items)] : [];
      place.append(make("section", { class: "group" }, make("h3", {}, "The deed"), make("p", {}, words ?? ""), ...list));
    } catch {
      // Without it.
    }
  }

  /** The open entry as a search finds it, by what it shares with its neighbours in the ledger. */
  async function findNeighbour(entry: ListedEntry, signal: AbortSignal): Promise<ListedEntry | undefined> {
    const { event, received } = entry;
    const pairs: (readonly [string, string | undefined])[] = [
      ["tenant", textAt(event, "tenant")],
      ["action", textAt(event, "action")],
      ["session", textAt(event, "context", "sessionId")],
      ["call", textAt(event, "context", "callId")],
      ["receivedFrom", textAt(received, "at")],
      ["order", "oldest"],
    ];
    const page = await search(
      pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, filterFor(name, value).value] as const])),
      signal,
    );
    return page.events.find(({ index }) => index === entry.index);
  }

  async function search(parameters: Parameters, signal: AbortSignal): Promise<SearchPage> {
    return parseAnswer<SearchPage>(await client.text("api/v1/events", [...parameters, ["limit", String(NEIGHBOURS_MAX)]], signal));
  }

  return {
    open,
    close() {
      opening.abort();
      element.hidden = true;
      content.replaceChildren();
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof RequestError ? visibleText(error.message) : "Something in this page failed. Load it again.";
}

function standing({ counted, deed }: ListedEntry): Partial<Pick<ListedEntry, "counted" | "deed">> {
  return { ...(counted === undefined ? {} : { counted }), ...(deed === undefined ? {} : { deed }) };
}

function shownEntry(entry: ListedEntry): ShownEntry {
  const { index, leafHash, event, received, redactions, system } = entry;
  const id = textAt(event, "id") ?? "";
  return {
    id,
    index,
    leafHash,
    event,
    received,
    ...(redactions === undefined ? {} : { redactions }),
    ...(system === undefined ? {} : { system }),
  };
}

function head(entry: ListedEntry): HTMLElement {
  const occurredAt = textAt(entry.event, "occurredAt") ?? "";
  return make(
    "p",
    { class: "lead" },
    outcomeMark(textAt(entry.event, "outcome", "status") ?? ""),
    told(actorOf(entry).text, 100),
    make("span", { "aria-label": "on", role: "img" }, "→"),
    told(targetOf(entry).text, 100),
    make("time", { datetime: visibleText(occurredAt) }, localTime(occurredAt)),
  );
}

/** What the trail itself says of the entry. */
function aboutEntry(entry: ListedEntry, onFilter: PanelOptions["onFilter"]): HTMLElement[] {
  const { event, received, redactions, system, sections } = entry;
  const tenant = textAt(event, "tenant") ?? "";
  const via = textAt(received, "via") ?? "";
  const states = Object.entries(sections).map(([name, state]) => {
    const by = "index" in state ? ` by entry ${state.index} at ${state.at}` : "";
    const words = {
      present: "present",
      erased: `erased${by}`,
      missing: "missing without an erasure: an alarm",
      unfinished: `being erased${by}`,
    };
    return row(`Section ${name}`, words[state.state], undefined, onFilter);
  });
  const facts = group("The entry", [
    row("Id", textAt(event, "id") ?? "", undefined, onFilter),
    row("Index", String(entry.index), undefined, onFilter),
    row("Leaf hash", entry.leafHash, undefined, onFilter),
    row("Tenant", tenant, filterFor("tenant", tenant), onFilter),
    row("Received", textAt(received, "at") ?? "", undefined, onFilter),
    row("Via", via, filterFor("via", via), onFilter),
    ...(textAt(received, "key") === undefined ? [] : [row("Key", textAt(received, "key"), undefined, onFilter)]),
    ...states,
    ...(redactions === undefined ? [] : [row("Redactions", redactions, undefined, onFilter)]),
    ...(system === undefined ? [] : [row("Of the server", system, undefined, onFilter)]),
  ]);
  return facts === undefined ? [] : [facts];
}

function rawJson(text: string): HTMLElement {
  const details = make("details", { class: "raw" }, make("summary", {}, "Raw JSON"));
  // Made when it is wanted: it may be megabytes.
  details.addEventListener("toggle", () => details.append(foldedText(JSON.stringify(JSON.parse(text), null, 2), "pre", 5_000)), {
    once: true,
  });
  return details;
}

function deedItem(entry: ListedEntry, isOpen: boolean, address: PageAddress): HTMLElement {
  const { event, received } = entry;
  const tenant = textAt(event, "tenant");
  const target: EventAddress = { id: textAt(event, "id") ?? "", ...(tenant === undefined ? {} : { tenant }) };
  const words = `Entry ${entry.index}, ${countingOf(entry)}, via ${textAt(received, "via") ?? "?"}`;
  const source = textAt(event, "source", "name");
  const name = isOpen
    ? make("strong", {}, `${words} (this one)`)
    : make("a", { href: formatAddress({ ...address, event: target }) }, words);
  return make(
    "li",
    {},
    outcomeMark(textAt(event, "outcome", "status") ?? ""),
    " ",
    name,
    ...(source === undefined ? [] : [" · ", told(source, 60)]),
  );
}
