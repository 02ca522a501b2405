/** The state of the ledger: how far it is signed and searched, whether the server is well, and its key. Rule: PAGE-17. */

import type { ReadState } from "@vouchtrail/events";
import { type Client, RequestError } from "./client.ts";
import { make, makeButton, told } from "./elements.ts";
import type { ListedEntry } from "./entry-text.ts";
import type { PinnedKey } from "./kept-keys.ts";
import { isObject } from "./sealed-event.ts";
import { ageText, countText, localTime } from "./time-text.ts";
import { visibleLine, visibleText } from "./visible-text.ts";

/** How often the checkpoint and the readiness are asked for while the page is seen, in milliseconds. Neither is an audited read. */
const POLL_MS = 5_000;

const LIGHTS = { good: "●", bad: "▲", asking: "○" } as const;

export interface LedgerPanel {
  /** Asks now. Never rejects: what is wrong is shown. */
  refresh(): Promise<void>;
  /** Asks again and again until the signal aborts. */
  watch(signal: AbortSignal): void;
  /** What the newest answer of a search told. */
  searched(state: ReadState, entries: readonly ListedEntry[]): void;
}

export interface LedgerPanelOptions {
  readonly client: Client;
  readonly pinned: PinnedKey;
  /** One line that is always seen. */
  readonly summary: HTMLElement;
  readonly facts: HTMLElement;
}

interface Health {
  readonly isReady: boolean;
  readonly lines: readonly string[];
}

interface Signed {
  readonly origin: string;
  readonly treeSize: number;
  readonly rootHash: string;
  /** Undefined: not checked yet. */
  readonly isVerified: boolean | undefined;
  readonly isKeyOther: boolean;
}

export function createLedgerPanel({ client, pinned, summary, facts }: LedgerPanelOptions): LedgerPanel {
  let health: Health = { isReady: false, lines: ["The server was not asked yet."] };
  let signed: Signed | undefined;
  let vkey = "";
  let searched: ReadState | undefined;
  let newest: ListedEntry | undefined;
  let fault: string | undefined;
  let shown = "";

  async function refresh(): Promise<void> {
    try {
      const [ready, note] = await Promise.all([client.anyText("readyz"), client.text("tlog/main/checkpoint")]);
      health = readHealth(ready);
      if (vkey === "") vkey = (await client.text("tlog/main/vkey")).trim();
      signed = await openNote(note);
      fault = undefined;
    } catch (error) {
      fault = error instanceof RequestError ? error.message : "The server's answer cannot be read.";
    }
    render();
  }

  async function openNote(note: string): Promise<Signed> {
    const [origin = "", size = "", rootHash = ""] = note.split("\n");
    const plain = { origin, treeSize: Number(size), rootHash };
    const pin = pinned.get();
    const { checkCheckpoint } = await import("./proof-check.ts");
    try {
      return { ...checkCheckpoint(note, pin ?? vkey), isVerified: true, isKeyOther: pin !== undefined && pin !== vkey };
    } catch {
      return { ...plain, isVerified: false, isKeyOther: pin !== undefined && pin !== vkey };
    }
  }

  function render(): void {
    const lines = summaryParts();
    // Only what changed: a reader who selects text here keeps the selection.
    const state = JSON.stringify([lines, health, signed, vkey, searched, newestText(), fault, pinned.get()]);
    if (state === shown) return;
    shown = state;
    summary.replaceChildren(
      make("span", { class: `light ${lines.state}`, "aria-hidden": "true" }, LIGHTS[lines.state]),
      ...lines.words.map((words) => make("span", {}, words)),
    );
    facts.replaceChildren(...factRows());
  }

  function summaryParts(): { readonly state: keyof typeof LIGHTS; readonly words: readonly string[] } {
    if (fault !== undefined) return { state: "bad", words: [visibleText(fault)] };
    if (signed === undefined) return { state: "asking", words: ["Asking the server …"] };
    const isGood = health.isReady && signed.isVerified === true && !signed.isKeyOther;
    const signature = signed.isVerified === true ? "signature holds" : "signature does not hold";
    return {
      state: isGood ? "good" : "bad",
      words: [visibleLine(signed.origin, 40), `${countText(signed.treeSize)} signed entries`, health.isReady ? signature : "not ready"],
    };
  }

  function newestText(): string {
    const receivedAt = String(newest?.received.at ?? "");
    return `${localTime(receivedAt)} (${ageText(receivedAt, client.serverTimeMs())})`;
  }

  function factRows(): HTMLElement[] {
    const rows: HTMLElement[] = [];
    const add = (name: string, ...values: readonly (Node | string)[]): void =>
      void rows.push(make("div", { class: "field" }, make("dt", {}, name), make("dd", {}, ...values)));
    if (signed !== undefined) {
      add("Origin", told(signed.origin, 120));
      add("Signed tree", `${countText(signed.treeSize)} entries`);
      add("Root hash", make("code", {}, visibleLine(signed.rootHash, 60)));
      const by = pinned.get() === undefined ? "with the server's own key" : "with the key that you pinned";
      add("Signature", signed.isVerified === true ? `✓ holds, ${by}` : `✗ does not hold, ${by}`);
      if (signed.isKeyOther)
        add(
          "Key",
          "✗ The server gives out another key than the one that you pinned: the ledger was replaced or forked, or the pin is of another server.",
        );
    }
    if (newest !== undefined) add("Newest entry seen", newestText());
    if (searched !== undefined) {
      const behind = searched.treeSize - searched.searchedTo;
      add(
        "Searched",
        `${countText(searched.searchedTo)} of ${countText(searched.treeSize)} entries${behind > 0 ? `; ${countText(behind)} are not searchable yet` : ""}`,
      );
    }
    add("Server", health.isReady ? "ready" : "not ready");
    for (const line of health.lines) add("Notice", visibleLine(line, 1_000));
    if (vkey !== "") {
      const copy = makeButton("Copy", { class: "chip", "aria-label": "Copy the verifier key" }, () => void copyText(vkey, copy));
      add("Verifier key", make("code", {}, visibleLine(vkey, 300)), " ", copy);
    }
    return rows;
  }

  return {
    refresh,
    watch(signal) {
      const timer = setInterval(() => {
        if (!document.hidden) void refresh();
      }, POLL_MS);
      signal.addEventListener("abort", () => clearInterval(timer));
    },
    searched(state, entries) {
      searched = state;
      for (const entry of entries) if (newest === undefined || entry.index > newest.index) newest = entry;
      render();
    },
  };
}

function readHealth(text: string): Health {
  const answer: unknown = JSON.parse(text);
  if (!isObject(answer)) return { isReady: false, lines: ["The server's answer about its health cannot be read."] };
  const reasons = Array.isArray(answer.reasons) ? answer.reasons : [];
  const warnings = Array.isArray(answer.warnings) ? answer.warnings : [];
  return {
    isReady: answer.ready === true,
    lines: [...reasons.map((reason) => (isObject(reason) ? String(reason.message) : String(reason))), ...warnings.map(String)],
  };
}

/** Without TLS browsers have no clipboard for pages; then the key is selected by hand. */
async function copyText(text: string, button: HTMLButtonElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy it by hand";
  }
}
