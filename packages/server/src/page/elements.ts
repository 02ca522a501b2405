/** Makes elements. Everything that is shown goes in as text, never as markup. Rule: PAGE-9. */

import { visibleLine, visibleText } from "./visible-text.ts";

export type Child = Node | string;

/** Attributes by which markup could become code or leave the page. */
const REFUSED = /^(?:on|style$|src|action$|formaction$)/i;

/**
 * One element. A string among `children` is text of our own; what comes from the trail goes through {@link told}.
 *
 * @throws {Error} for an attribute that could run something, and for a link that leaves the page.
 */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (REFUSED.test(name) || (name === "href" && !/^(?:#|blob:)/.test(value))) throw new Error(`The page sets no ${name}.`);
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Text of the trail on one line, on its own as far as direction goes; the whole of it, up to a bound, is in the tooltip. */
export function told(text: string, charsMax: number): HTMLElement {
  const isCut = text.length > charsMax;
  return make("bdi", isCut ? { title: visibleText(text.slice(0, TOOLTIP_CHARS_MAX)) } : {}, visibleLine(text, charsMax));
}

const TOOLTIP_CHARS_MAX = 600;

export function makeButton(text: string, attributes: Readonly<Record<string, string>>, act: () => void): HTMLButtonElement {
  const button = make("button", { type: "button", ...attributes }, text);
  button.addEventListener("click", act);
  return button;
}

/** The element of the page with this id, which has this kind. @throws {Error} when the markup is not ours. */
export function part<T extends HTMLElement>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`The page has no ${id}.`);
  return element;
}
