/** The inclusion proof of the open entry: what was checked, how each step ended, and what it is worth. Rules: PAGE-10, PAGE-12. */

import { make, makeButton } from "./elements.ts";
import type { PinnedKey } from "./kept-keys.ts";
import type { ProofCheck, ProofStep } from "./proof-check.ts";
import { countText } from "./time-text.ts";
import { visibleLine, visibleText } from "./visible-text.ts";

export interface ProofView {
  readonly element: HTMLElement;
  showChecking(): void;
  showCheck(check: ProofCheck, bundleText: string, fileName: string): void;
  /** There is nothing to check: the server gave no bundle. */
  showUnavailable(message: string): void;
}

const MARKS: Readonly<Record<ProofStep["state"], readonly [shape: string, text: string]>> = {
  good: ["✓", "holds"],
  bad: ["✗", "does not hold"],
  open: ["–", "not reached"],
};

/** @param onPin Called after the pinned key changed. */
export function createProofView(pinned: PinnedKey, onPin: () => void): ProofView {
  const verdict = make("p", { class: "verdict", role: "status" });
  const meaning = make("p", { class: "meaning" });
  const steps = make("ol", { class: "steps", id: "proof-steps" });
  const actions = make("p", { class: "actions" });
  const title = make("h3", { id: "proof-title" }, "Inclusion proof");
  const element = make("section", { class: "proof", "aria-labelledby": "proof-title" });
  element.append(title, verdict, steps, meaning, actions, pinForm(pinned, onPin));

  let bundleUrl: string | undefined;
  function reset(state: "checking" | "good" | "bad" | "open", words: string, about: string): void {
    element.dataset.state = state;
    verdict.textContent = words;
    meaning.textContent = about;
    steps.replaceChildren();
    actions.replaceChildren();
    if (bundleUrl !== undefined) URL.revokeObjectURL(bundleUrl);
    bundleUrl = undefined;
  }

  /** Values are wanted when something is wrong, and by who checks by hand. */
  function showValues(isShown: boolean, button: HTMLButtonElement): void {
    steps.classList.toggle("has-values", isShown);
    button.setAttribute("aria-expanded", String(isShown));
    button.textContent = isShown ? "Hide values" : "Show values";
  }

  return {
    element,
    showChecking: () => reset("checking", "Checking in this browser …", ""),
    showUnavailable: (message) => reset("open", "Not checked", visibleText(message)),
    showCheck(check, bundleText, fileName) {
      const broken = check.steps.find(({ state }) => state === "bad");
      if (check.isGood)
        reset("good", `✓ Verified: in the signed ledger of ${countText(check.treeSize ?? 0)} entries, exactly as shown`, worth(check));
      else
        reset(
          "bad",
          `✗ Not verified. This does not hold: ${broken?.title ?? "a step was not reached"}`,
          "Do not rely on what is shown here. Keep the bundle, and check the ledger itself with vouchtrail verify.",
        );
      steps.append(...check.steps.map(stepItem));
      bundleUrl = URL.createObjectURL(new Blob([bundleText], { type: "application/json" }));
      const values = makeButton("", { "aria-controls": "proof-steps" }, () => showValues(!steps.classList.contains("has-values"), values));
      showValues(!check.isGood, values);
      actions.append(make("a", { href: bundleUrl, download: fileName, class: "button" }, "Download bundle"), values);
    },
  };
}

/** What a proof that holds proves, in the words of the design: how much depends on where the key came from. */
function worth({ isKeyPinned }: ProofCheck): string {
  const own = " This page came from the server as well; to rely on neither, check the bundle elsewhere: vouchtrail verify FILE --vkey KEY.";
  return isKeyPinned
    ? `What it proves: the holder of the key that you pinned signed a ledger in which exactly this stands.${own}`
    : `What it proves: local. Accidents and edits to this entry would show. But the key came from the server that is checked: whoever holds the server could sign another history with another key. Compare the key with one that you got elsewhere, and pin it.${own}`;
}

function stepItem({ title, state, values, message }: ProofStep): HTMLElement {
  const [shape, text] = MARKS[state];
  const item = make(
    "li",
    { class: state },
    make("span", { class: "mark", "aria-hidden": "true" }, shape),
    make("span", { class: "step-title" }, title, make("span", { class: "visually-hidden" }, `: ${text}`)),
  );
  if (message !== undefined) item.append(make("p", { class: "fault" }, visibleText(message)));
  if (values.length > 0) {
    const rows = values.map(([name, value]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, make("code", {}, visibleLine(value, 400)))),
    );
    item.append(make("dl", { class: "values" }, ...rows));
  }
  return item;
}

function pinForm(pinned: PinnedKey, onPin: () => void): HTMLElement {
  const input = make("input", { id: "pin", autocomplete: "off", spellcheck: "false", placeholder: "origin+1a2b3c4d+AbCd…" });
  const forget = makeButton("Forget", {}, () => set(""));
  const summary = make("summary");
  const form = make(
    "form",
    {},
    make("label", { for: "pin" }, "Verifier key that you got elsewhere"),
    make("span", { class: "together" }, input, make("button", { type: "submit" }, "Pin"), forget),
    make("small", {}, "Kept in this browser, for this server. From then on only this key is believed."),
  );
  function fill(): void {
    input.value = pinned.get() ?? "";
    forget.hidden = pinned.get() === undefined;
    summary.textContent = pinned.get() === undefined ? "Pin a verifier key" : "A verifier key is pinned";
  }
  function set(text: string): void {
    pinned.set(text === "" ? undefined : text);
    fill();
    onPin();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    set(input.value.trim());
  });
  fill();
  return make("details", { class: "pin" }, summary, form);
}
